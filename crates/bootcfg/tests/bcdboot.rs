//! The store of a new Windows, against a real one and foreign readers.

use std::collections::{BTreeMap, BTreeSet};

use bootcfg::bcd::{
    BcdbootSpec, Device, Element, Firmware, LoaderIds, Store, WindowsVolume, bcdboot_store, element_ids,
    object_ids,
};
use regf_hive::{Hive, Limits};
use uuid::{Uuid, uuid};

const DISK: Uuid = uuid!("11111111-2222-3333-4444-555555555555");
const ESP: Uuid = uuid!("aaaaaaaa-0000-0000-0000-000000000001");
const WINDOWS: Uuid = uuid!("aaaaaaaa-0000-0000-0000-000000000002");
const IDS: LoaderIds = LoaderIds {
    loader: uuid!("bbbbbbbb-0000-0000-0000-000000000001"),
    resume: uuid!("bbbbbbbb-0000-0000-0000-000000000002"),
};
const TIME: u64 = 0x01da_0000_0000_0000;

fn uefi() -> BcdbootSpec {
    BcdbootSpec::uefi(DISK, ESP, WINDOWS, IDS)
}

/// Objects by role, since loader and resume have ids of their own in each store.
fn roles(store: &Store) -> BTreeMap<String, BTreeMap<u32, Element>> {
    let loader = store.default_entry().expect("default");
    let resume = match store.objects[&loader]
        .elements
        .get(&element_ids::DEFAULT_OR_RESUME)
    {
        Some(Element::Object(id)) => *id,
        other => panic!("no resume object: {other:?}"),
    };
    let role = |id: &Uuid| match object_ids::alias(*id) {
        Some(alias) => alias.to_owned(),
        None if *id == loader => "loader".to_owned(),
        None if *id == resume => "resume".to_owned(),
        None => format!("other {id}"),
    };
    let objects = store.objects.iter();
    objects
        .map(|(id, object)| (role(id), object.elements.clone()))
        .collect()
}

/// What differs from store to store by nature.
fn varies(role: &str, id: u32) -> bool {
    matches!(
        id,
        element_ids::DEVICE | element_ids::OS_DEVICE | element_ids::DESCRIPTION | element_ids::LOCALE
    ) || matches!(
        (role, id),
        (
            "bootmgr",
            element_ids::DEFAULT_OR_RESUME | element_ids::BOOTMGR_RESUME | element_ids::DISPLAY_ORDER
        ) | ("loader", element_ids::DEFAULT_OR_RESUME)
    )
}

#[test]
fn elements_equal_those_of_a_store_made_by_windows() {
    let Some(bytes) = testkit::sample("bcd/regipy.BCD") else {
        return;
    };
    let real = roles(&Store::read(&bytes, &Limits::default()).expect("read"));
    let ours = roles(&bcdboot_store(&uefi()));
    // Written afterwards by reagentc and Setup (recovery, messages), or by newer Windows only (the last).
    let added_later = |role: &str, id: u32| {
        matches!(id, 0x1400_0008 | 0x1500_0066 | 0x2600_0020 | 0x2100_0026)
            || (role != "loader" && id == element_ids::RECOVERY_ENABLED)
    };
    for (role, elements) in &ours {
        let theirs = real
            .get(role)
            .unwrap_or_else(|| panic!("the real store has no {role}"));
        let ids = |elements: &BTreeMap<u32, Element>| -> BTreeSet<u32> {
            elements
                .keys()
                .copied()
                .filter(|&id| !added_later(role, id))
                .collect()
        };
        assert_eq!(ids(elements), ids(theirs), "{role}");
        for (id, element) in elements {
            if *id == element_ids::RECOVERY_ENABLED {
                assert_eq!(*element, Element::Boolean(false));
                assert_eq!(theirs[id], Element::Boolean(true), "turned on by reagentc");
            } else if varies(role, *id) {
                assert!(theirs[id].fits(*id));
            } else {
                assert_eq!(element, &theirs[id], "{role} {id:#x}");
            }
        }
    }
}

#[test]
fn hive_has_the_shape_of_windows() {
    let bytes = bcdboot_store(&uefi()).write(TIME).expect("write");
    let hive = Hive::read(&bytes, &Limits::default()).expect("read");
    assert_eq!(hive.header().minor_version(), 3);
    assert_eq!(hive.root().name().to_string(), "NewStoreRoot");
    assert_eq!(hive.root().flags(), 0x0c);
    assert_eq!(hive.header().last_written(), TIME);
    assert!(hive.root().walk().all(|(_, key)| key.last_write == TIME));
    let descriptors: BTreeSet<&[u8]> = hive
        .root()
        .walk()
        .map(|(_, key)| key.security.as_deref().expect("descriptor"))
        .collect();
    assert_eq!(descriptors.len(), 2);
    assert!(!bytes.windows(2).any(|w| w == b"lh"), "fast leaves only");

    let Some(real) = testkit::sample("bcd/regipy.BCD") else {
        return;
    };
    let real = Hive::read(&real, &Limits::default()).expect("read");
    assert_eq!(
        real.root().security,
        hive.root().security,
        "descriptor of the root"
    );
    let objects = |hive: &Hive| hive.key("Objects").expect("Objects").security.clone();
    assert_eq!(objects(&real), objects(&hive), "descriptor of the keys");
}

#[test]
fn bios_store_has_no_boot_manager_path_and_exe_programs() {
    let spec = BcdbootSpec {
        firmware: Firmware::Bios,
        system: Device::mbr_partition(0x1234_5678, 1 << 20),
        windows: WindowsVolume::Device(Device::mbr_partition(0x1234_5678, 351 << 20)),
        ..uefi()
    };
    let store = bcdboot_store(&spec);
    let manager = &store.objects[&object_ids::BOOT_MANAGER];
    assert!(!manager.elements.contains_key(&element_ids::PATH));
    let loader = &store.objects[&IDS.loader];
    assert_eq!(
        loader.string(element_ids::PATH),
        Some("\\Windows\\system32\\winload.exe")
    );
    assert!(!loader.elements.contains_key(&element_ids::ISOLATED_CONTEXT));
    let memory = &store.objects[&object_ids::MEMORY_DIAGNOSTIC];
    assert_eq!(memory.string(element_ids::PATH), Some("\\boot\\memtest.exe"));
}

#[test]
fn same_input_same_bytes() {
    let write = || bcdboot_store(&uefi()).write(TIME).expect("write");
    assert_eq!(write(), write());
}

/// Every kind of Windows volume, as files that foreign programs open.
#[test]
fn foreign_readers_open_our_stores() {
    let esp = Device::gpt_partition(DISK, ESP);
    let volumes = [
        uefi().windows,
        WindowsVolume::Locate,
        WindowsVolume::Vhd {
            parent: esp,
            path: "\\a\\rather\\long\\path\\to\\the\\disk\\image\\of\\windows.vhdx".to_owned(),
        },
    ];
    for windows in volumes {
        let bytes = bcdboot_store(&BcdbootSpec { windows, ..uefi() })
            .write(TIME)
            .expect("write");
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("BCD");
        std::fs::write(&file, &bytes).expect("write");
        if let Some(mut shell) = testkit::tool("hivexsh") {
            let script = dir.path().join("script");
            let path = format!(
                "cd \\Objects\\{{{}}}\\Elements\\12000002\nlsval Element\n",
                IDS.loader
            );
            std::fs::write(&script, path).expect("script");
            let output = testkit::run(shell.arg("-f").arg(&script).arg(&file));
            let output = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.contains("winload.efi"), "{output}");
        }
        if let Some(mut info) = testkit::tool("regfinfo") {
            testkit::run(info.arg(&file));
        }
    }
}

/// regipy's plugin decodes partition devices by itself.
#[test]
fn regipy_finds_the_entries_and_their_partitions() {
    let dir = tempfile::tempdir().expect("tempdir");
    let file = dir.path().join("BCD");
    std::fs::write(&file, bcdboot_store(&uefi()).write(TIME).expect("write")).expect("write");
    let Some(mut python) = testkit::oracles::python() else {
        return;
    };
    let script = "import sys, json\n\
        from regipy.registry import RegistryHive\n\
        from regipy.plugins.bcd.boot_entry_list import BootEntryListPlugin\n\
        plugin = BootEntryListPlugin(RegistryHive(sys.argv[1]), as_json=True)\n\
        plugin.run()\n\
        print(json.dumps(plugin.entries, default=str))\n";
    let output = testkit::run(python.arg("-c").arg(script).arg(&file));
    let output = String::from_utf8_lossy(&output.stdout).to_lowercase();
    for wanted in [DISK, ESP, WINDOWS, IDS.loader] {
        assert!(
            output.contains(&wanted.to_string()),
            "{wanted} is not in {output}"
        );
    }
}
