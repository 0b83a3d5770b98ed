//! Fuzz targets: hive, bcd.

use bootcfg::bcd::Store;
use regf_hive::{Hive, Limits, WriteOptions};

/// Body of the target `hive`: what reads must write, and read back to the same tree.
///
/// # Panics
/// When it does not.
pub fn hive(data: &[u8]) {
    let limits = Limits::default();
    let (log, primary) = data.split_at(data.len() / 3);
    let _ = regf_hive::recover(data, &[log, primary], &limits);
    let Ok(hive) = Hive::read_dirty(data, &limits) else {
        return;
    };
    let _ = hive.export(&mut Vec::new());
    let Ok(written) = hive.write(&WriteOptions::new()) else {
        return;
    };
    let again = Hive::read(&written, &limits).expect("a written hive reads");
    let twice = again.write(&WriteOptions::new()).expect("a read hive writes");
    assert!(written == twice, "a rewrite differs");
}

/// Body of the target `bcd`: the first byte chooses between a whole store and one device element.
///
/// # Panics
/// When what was decoded does not encode to the same.
pub fn bcd(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    if choice & 1 == 0 {
        if let Some(element) = bootcfg::bcd::DeviceElement::decode(rest) {
            assert_eq!(element.encode(), rest, "a device encodes to other bytes");
            let _ = element.device.to_string();
        }
        return;
    }
    let Ok(hive) = Hive::read_dirty(rest, &Limits::default()) else {
        return;
    };
    let _ = bootcfg::bcd::doctor(&hive);
    let Ok(store) = Store::from_hive(&hive) else {
        return;
    };
    let _ = store.to_report().to_string();
    if let Ok(written) = store.write(0) {
        let again = Store::read(&written, &Limits::default()).expect("a written store reads");
        assert!(again == store, "a store differs after writing");
    }
}
