//! Real hives: read, written, read back.

use regf_hive::{Hive, Key, Limits, WriteOptions};

/// Every sample hive and store, by file name, as a tree; dirty ones as they are.
fn hives() -> Vec<(String, Vec<u8>, Hive)> {
    let mut files = testkit::samples_in("hives");
    files.extend(testkit::samples_in("bcd"));
    files
        .iter()
        .filter(|path| !path.to_string_lossy().contains(".LOG"))
        .map(|path| {
            let name = path
                .file_name()
                .expect("file name")
                .to_string_lossy()
                .into_owned();
            let bytes = testkit::read_unpacked(path);
            let hive = Hive::read_dirty(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, bytes, hive)
        })
        .collect()
}

fn counts(root: &Key) -> (usize, usize, usize) {
    root.walk().fold((0, 0, 0), |(keys, values, classes), (_, key)| {
        (
            keys + 1,
            values + key.values().len(),
            classes + usize::from(key.class.is_some()),
        )
    })
}

#[test]
fn every_sample_reads_and_survives_a_rewrite() {
    for (name, bytes, hive) in hives() {
        let written = hive.write(&WriteOptions::new()).expect("write");
        let again = Hive::read(&written, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        println!(
            "{name} {:?} {} -> {}",
            counts(hive.root()),
            bytes.len(),
            written.len()
        );
        assert!(hive.root() == again.root(), "{name}: the tree differs");
        let twice = again.write(&WriteOptions::new()).expect("write");
        assert!(written == twice, "{name}: a second rewrite differs");
    }
}
