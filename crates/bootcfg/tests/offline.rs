//! Offline settings on SYSTEM hives made by Windows.

use bootcfg::offline::{Settings, apply, control_sets};
use bootcfg::{Error, ErrorKind};
use regf_hive::{Hive, Limits, Value, WriteOptions};

fn system() -> Option<Hive> {
    let bytes = testkit::sample("hives/regipy-SYSTEM_2.xz")?;
    Some(Hive::read_dirty(&bytes, &Limits::default()).expect("read"))
}

#[test]
fn every_control_set_is_configured_and_all_else_stays() {
    let Some(original) = system() else {
        return;
    };
    let mut hive = original.clone();
    let sets = control_sets(&hive);
    assert_eq!(sets, ["ControlSet001"]);
    let changes = apply(&mut hive, &Settings::portable()).expect("configure");
    assert_eq!(changes.len(), 4 * sets.len());

    let written = hive.write(&WriteOptions::new()).expect("write");
    let again = Hive::read(&written, &Limits::default()).expect("read again");
    for change in &changes {
        let value = again.value(&change.key, &change.value).expect("value");
        assert_eq!(value.as_dword(), Some(change.new));
    }
    // Undone by the report, the hive is what it was.
    let mut undone = again.clone();
    for change in &changes {
        match change.old {
            Some(old) => {
                undone
                    .set_value(&change.key, Value::dword(change.value.as_str(), old))
                    .expect("set");
            }
            None => {
                undone.delete_value(&change.key, &change.value).expect("delete");
                if original.key(&change.key).is_none() {
                    undone.delete_key(&change.key).expect("delete key");
                }
            }
        }
    }
    assert!(undone.root() == original.root(), "something else changed");
}

#[test]
fn new_keys_inherit_the_descriptor_of_their_parent() {
    let Some(mut hive) = system() else {
        return;
    };
    hive.delete_key("ControlSet001\\Services\\partmgr\\Parameters")
        .ok();
    apply(&mut hive, &Settings::portable()).expect("configure");
    let parent = hive.key("ControlSet001\\Services\\partmgr").expect("partmgr");
    assert!(parent.security.is_some());
    assert_eq!(
        parent.subkey("Parameters").expect("Parameters").security,
        parent.security
    );
}

#[test]
fn options_reach_their_values() {
    let mut hive = Hive::new("SYSTEM", vec![1, 0, 4, 0x80], 5).expect("new");
    hive.create_key("ControlSet001").expect("create");
    hive.create_key("HardwareConfig\\{0}").expect("create");
    hive.create_key("ControlSet1").expect("create");
    let settings = Settings {
        portable: Some(true),
        boot_driver_flags: Some(0x14),
        no_vhd_expansion: true,
        ..Settings::default()
    };
    let changes = apply(&mut hive, &settings).expect("configure");
    assert_eq!(changes.len(), 4);
    assert_eq!(
        changes[0].to_string(),
        "ControlSet001\\Control\\PortableOperatingSystem: none -> 1"
    );
    let number = |key, value| hive.value(key, value).and_then(Value::as_dword);
    assert_eq!(
        number("ControlSet001\\Control", "PortableOperatingSystem"),
        Some(1)
    );
    assert_eq!(number("HardwareConfig\\{0}", "BootDriverFlags"), Some(0x14));
    assert_eq!(number("ControlSet001\\Control", "BootDriverFlags"), Some(0x14));
    let expand = number(
        "ControlSet001\\Services\\FsDepends\\Parameters",
        "VirtualDiskExpandOnMount",
    );
    assert_eq!(expand, Some(4));
}

#[test]
fn another_hive_is_refused() {
    let mut hive = Hive::new("SOFTWARE", vec![1, 0, 4, 0x80], 5).expect("new");
    let before = hive.clone();
    let error = apply(&mut hive, &Settings::portable()).expect_err("no control set");
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(hive, before);
}
