//! Faults that keep a store from booting are found; sound stores are left alone.

use bootcfg::bcd::{
    BcdbootSpec, Element, LoaderIds, Retarget, Severity, Store, bcdboot_store, doctor, element_ids,
    object_ids,
};
use regf_hive::{Hive, Limits, Value};
use uuid::{Uuid, uuid};

const LOADER: Uuid = uuid!("bbbbbbbb-0000-0000-0000-000000000001");
const DISK: Uuid = uuid!("11111111-2222-3333-4444-555555555555");
const ESP: Uuid = uuid!("aaaaaaaa-0000-0000-0000-000000000001");
const WINDOWS: Uuid = uuid!("aaaaaaaa-0000-0000-0000-000000000002");

fn store() -> Store {
    let ids = LoaderIds {
        loader: LOADER,
        resume: uuid!("bbbbbbbb-0000-0000-0000-000000000002"),
    };
    bcdboot_store(&BcdbootSpec::uefi(DISK, ESP, WINDOWS, ids))
}

/// Findings of our store with this done to its hive, as lines.
fn findings(spoil: impl FnOnce(&mut Hive)) -> Vec<String> {
    let mut hive = store().to_hive(0).expect("hive");
    spoil(&mut hive);
    doctor(&hive).iter().map(ToString::to_string).collect()
}

fn element(id: &str) -> String {
    format!("Objects\\{{{LOADER}}}\\Elements\\{id}")
}

#[test]
fn our_own_store_is_sound() {
    assert_eq!(findings(|_| ()), Vec::<String>::new());
}

#[test]
fn stores_made_by_windows_have_no_errors() {
    for path in testkit::samples_in("bcd") {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        // Made by hand, with loaders that lack a path.
        if ["pybcd-BCDTest", "pybcd-BCD2", "pybcd-BCDgen"].contains(&name.as_str()) {
            continue;
        }
        let hive = Hive::read_dirty(&testkit::read_unpacked(&path), &Limits::default()).expect("read");
        let errors: Vec<_> = doctor(&hive)
            .into_iter()
            .filter(|f| f.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
}

#[test]
fn what_the_boot_manager_refuses_is_found() {
    let wide = findings(|hive| {
        hive.set_value(&element("16000009"), Value::binary("Element", vec![0, 0]))
            .expect("set");
    });
    assert!(
        wide.len() == 1 && wide[0].contains("recoveryenabled") && wide[0].contains("one byte"),
        "{wide:?}"
    );

    let long = findings(|hive| {
        hive.set_value(&element("11000001"), Value::binary("Element", vec![0; 90]))
            .expect("set");
    });
    assert!(long.len() == 1 && long[0].contains("descriptor"), "{long:?}");

    let dangling = findings(|hive| {
        hive.delete_key(&format!("Objects\\{{{LOADER}}}"))
            .expect("delete");
    });
    assert!(
        dangling
            .iter()
            .any(|f| f.starts_with("error: {bootmgr}: its default entry")),
        "{dangling:?}"
    );

    let incomplete = findings(|hive| {
        hive.delete_key(&element("21000001")).expect("delete");
    });
    assert!(incomplete[0].contains("osdevice"), "{incomplete:?}");

    let mut torn = store().write(0).expect("write");
    torn[4] += 1;
    let torn = doctor(&Hive::read_dirty(&torn, &Limits::default()).expect("read"));
    assert_eq!(torn.len(), 2, "sequence numbers and checksum: {torn:?}");
}

#[test]
fn keys_out_of_order_are_found() {
    let mut bytes = store().write(0).expect("write");
    // The root's list: Description, Objects. Swap the two references.
    let at = bytes
        .windows(4)
        .position(|w| w == [b'l', b'f', 2, 0])
        .expect("list");
    let (first, second) = (bytes[at + 4..at + 12].to_vec(), bytes[at + 12..at + 20].to_vec());
    bytes[at + 4..at + 12].copy_from_slice(&second);
    bytes[at + 12..at + 20].copy_from_slice(&first);
    let findings = doctor(&Hive::read(&bytes, &Limits::default()).expect("read"));
    assert!(
        findings.iter().any(|f| f.message.contains("not in order")),
        "{findings:?}"
    );
}

#[test]
fn retarget_changes_every_device() {
    let new = uuid!("cccccccc-0000-0000-0000-000000000009");
    let mut store = store();
    let ids = Retarget {
        guids: [(WINDOWS, new)].into(),
        ..Retarget::default()
    };
    assert_eq!(
        store.retarget(&ids),
        4,
        "device and osdevice of loader and resume"
    );
    assert_eq!(store.retarget(&ids), 0);
    let shown = store.to_report().to_string();
    assert!(
        shown.contains(&new.to_string()) && !shown.contains(&WINDOWS.to_string()),
        "{shown}"
    );
}

#[test]
fn report_is_json_and_text() {
    let report = store().to_report();
    let json = serde_json::to_value(&report).expect("json");
    let manager = &json["objects"][0];
    assert_eq!(manager["alias"], "bootmgr");
    assert_eq!(manager["type"], "0x10100002");
    let device = &manager["elements"][0];
    assert_eq!(device["name"], "device");
    assert_eq!(device["format"], "device");
    assert_eq!(device["value"]["kind"], "partition");
    assert_eq!(device["value"]["partition"]["guid"], ESP.to_string());
    let text = report.to_string();
    assert!(
        text.starts_with("Windows Boot Manager\n--------------------\nidentifier              {bootmgr}\n"),
        "{text}"
    );
    assert!(text.contains("\nnx                      0\n"), "{text}");
}

#[test]
fn edits_are_checked() {
    let mut store = store();
    let id = store.resolve("{default}").expect("default");
    assert_eq!(id, LOADER);
    let old = store
        .set(id, element_ids::TIMEOUT, Element::Integer(3))
        .expect("set");
    assert_eq!(old, None);
    assert!(
        store
            .set(id, element_ids::TIMEOUT, Element::Boolean(true))
            .is_err()
    );
    assert!(
        store
            .set(Uuid::nil(), element_ids::TIMEOUT, Element::Integer(3))
            .is_err()
    );
    assert_eq!(
        store.delete(id, element_ids::TIMEOUT).expect("delete"),
        Element::Integer(3)
    );
    assert!(store.delete(id, element_ids::TIMEOUT).is_err());
    assert!(store.resolve("{nonsense}").is_err());
    assert_eq!(store.resolve("bootmgr").expect("alias"), object_ids::BOOT_MANAGER);
}
