//! Real stores: every element decodes, and writes back to the same bytes.

use bootcfg::bcd::{Element, Store};
use regf_hive::{Hive, Key, Limits};

fn stores() -> Vec<(String, Vec<u8>)> {
    testkit::samples_in("bcd")
        .iter()
        .map(|path| {
            let name = path.file_name().expect("name").to_string_lossy().into_owned();
            (name, testkit::read_unpacked(path))
        })
        .collect()
}

/// Paths, types and data of all values, in order.
fn values(root: &Key) -> Vec<(String, u32, Vec<u8>)> {
    fn collect(key: &Key, path: &str, into: &mut Vec<(String, u32, Vec<u8>)>) {
        for value in key.values() {
            into.push((
                format!("{path}={}", value.name),
                value.data_type.0,
                value.data.clone(),
            ));
        }
        for subkey in key.subkeys() {
            collect(subkey, &format!("{path}\\{}", subkey.name()), into);
        }
    }
    let mut all = Vec::new();
    collect(root, "", &mut all);
    all.sort();
    all
}

#[test]
fn every_element_of_every_store_decodes() {
    for (name, bytes) in stores() {
        let store = Store::read(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!store.objects.is_empty(), "{name}");
        for (id, object) in &store.objects {
            for (element_id, element) in &object.elements {
                assert!(
                    element.fits(*element_id),
                    "{name} {id} {element_id:#x}: {element:?}"
                );
                if let Element::Device(device) = element {
                    let shown = format!("{}", device.device);
                    assert!(!shown.contains("unknown"), "{name} {id} {element_id:#x}: {shown}");
                }
            }
        }
    }
}

#[test]
fn every_store_writes_back_to_the_same_values() {
    for (name, bytes) in stores() {
        let original = Hive::read(&bytes, &Limits::default()).expect("read");
        let store = Store::from_hive(&original).expect("store");
        let written = store.write(original.header().last_written()).expect("write");
        let again = Hive::read(&written, &Limits::default()).expect("read again");
        let (before, after) = (values(original.root()), values(again.root()));
        for (b, a) in before.iter().zip(&after) {
            assert_eq!(b, a, "{name}");
        }
        assert_eq!(before.len(), after.len(), "{name}");
        assert_eq!(Store::from_hive(&again).expect("again"), store, "{name}");
    }
}
