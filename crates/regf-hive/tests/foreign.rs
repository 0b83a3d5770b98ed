//! Other programs read what this crate writes, and see what they saw in the original.

use std::path::Path;
use std::process::Command;

use regf_hive::{Hive, Limits, Value, ValueType, WriteOptions};

const SAMPLES: [&str; 6] = [
    "hives/regipy-NTUSER.DAT.xz",
    "hives/100_sub_keys.hiv",
    "bcd/regipy.BCD",
    "bcd/pybcd-BCDTest",
    "bcd/ericzimmerman.BCD",
    "hives/hivex-rlenvalue_test_hive",
];

fn output_of(command: &mut Command, file: &Path) -> String {
    String::from_utf8_lossy(&testkit::run(command.arg(file)).stdout).into_owned()
}

/// The sample, and the same rewritten, as files in a new folder.
fn original_and_rewritten(sample: &str, options: &WriteOptions) -> Option<(tempfile::TempDir, [Vec<u8>; 2])> {
    let original = testkit::sample(sample)?;
    let hive = Hive::read_dirty(&original, &Limits::default()).expect(sample);
    let rewritten = hive.write(options).expect(sample);
    let dir = tempfile::tempdir().expect("tempdir");
    for (name, bytes) in [("original", &original), ("rewritten", &rewritten)] {
        std::fs::write(dir.path().join(name), bytes).expect("write");
    }
    Some((dir, [original, rewritten]))
}

/// Compares line by line, so that a failure shows one line and not two megabytes.
fn assert_same_lines(sample: &str, left: &str, right: &str) {
    assert!(left.lines().count() > 1, "{sample}: nothing to compare");
    for (number, (l, r)) in left.lines().zip(right.lines()).enumerate() {
        assert_eq!(l, r, "{sample}, line {}", number + 1);
    }
    assert_eq!(left.lines().count(), right.lines().count(), "{sample}");
}

#[test]
fn python_registry_sees_the_same_tree_classes_and_descriptors() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tree_dump.py");
    for sample in SAMPLES {
        for minor in [3, 5] {
            let options = WriteOptions::new().minor_version(minor);
            let Some((dir, _)) = original_and_rewritten(sample, &options) else {
                return;
            };
            let [original, rewritten] = ["original", "rewritten"].map(|file| {
                testkit::oracles::python()
                    .map(|mut python| output_of(python.arg(&script), &dir.path().join(file)))
            });
            if let (Some(original), Some(rewritten)) = (original, rewritten) {
                assert_same_lines(sample, &original, &rewritten);
            }
        }
    }
}

#[test]
fn libregf_exports_the_same() {
    for sample in [
        "hives/regipy-SYSTEM_2.xz",
        "hives/regipy-NTUSER.DAT.xz",
        "bcd/regipy.BCD",
    ] {
        let Some((dir, _)) = original_and_rewritten(sample, &WriteOptions::new()) else {
            return;
        };
        let [original, rewritten] = ["original", "rewritten"].map(|file| {
            testkit::tool("regfexport").map(|mut tool| output_of(&mut tool, &dir.path().join(file)))
        });
        if let (Some(original), Some(rewritten)) = (original, rewritten) {
            assert_same_lines(sample, &original, &rewritten);
        }
    }
}

/// The XML with one element a line, without file offsets, and without the header's time and name.
fn without_places(xml: &str) -> String {
    let lines = xml.replace("><", ">\n<");
    let kept: Vec<&str> = lines
        .lines()
        .filter(|line| !line.starts_with("<byte_run"))
        .collect();
    kept.join("\n")
}

#[test]
fn hivex_sees_the_same_in_every_format() {
    for sample in SAMPLES {
        for minor in 3..=6 {
            let options = WriteOptions::new().minor_version(minor);
            let Some((dir, _)) = original_and_rewritten(sample, &options) else {
                return;
            };
            let [original, rewritten] = ["original", "rewritten"].map(|file| {
                testkit::tool("hivexml").map(|mut tool| output_of(&mut tool, &dir.path().join(file)))
            });
            if let (Some(original), Some(rewritten)) = (original, rewritten) {
                assert_same_lines(sample, &without_places(&original), &without_places(&rewritten));
            }
        }
    }
}

/// Every shape the writer can make in one hive: index roots, long data, wide and empty names, no data.
fn hive_of_all_shapes(minor: u32) -> Hive {
    let mut hive = Hive::new("ROOT", vec![1, 0, 4, 0x80], minor).expect("new");
    for n in 0..1200 {
        let key = hive.create_key(&format!("many\\key{n}")).expect("create");
        key.set_value(Value::dword("n", n));
    }
    for length in [0usize, 1, 4, 5, 4096, 16344, 16345, 100_000] {
        let data = (0..length).map(|at| at.to_le_bytes()[0]).collect();
        let value = Value::binary(format!("b{length}").as_str(), data);
        hive.set_value("lengths", value).expect("set");
    }
    let key = hive.create_key("Ünï\\日本語\\deep").expect("create");
    key.class = Some(b"c\0l\0a\0s\0s\0".to_vec());
    key.set_value(Value::string("", "default"));
    key.set_value(Value::multi_string("多", &["a", "日本"]));
    key.set_value(Value::new("odd type", ValueType(0xffff_0012), vec![7; 9]));
    hive
}

#[test]
fn foreign_readers_find_what_a_new_hive_holds() {
    for minor in 3..=6 {
        let hive = hive_of_all_shapes(minor);
        let bytes = hive
            .write(&WriteOptions::new().last_written(0x01d7_0000_0000_0000))
            .expect("write");
        let again = Hive::read(&bytes, &Limits::default()).expect("read");
        assert_eq!(hive.root(), again.root());
        let dir = tempfile::tempdir().expect("tempdir");
        let file = dir.path().join("hive");
        std::fs::write(&file, &bytes).expect("write");

        if let Some(mut shell) = testkit::tool("hivexsh") {
            let script = dir.path().join("script");
            let commands = "cd \\many\\KEY1199\nlsval n\ncd \\Ünï\\日本語\\deep\nlsval @\n";
            std::fs::write(&script, commands).expect("script");
            let output = testkit::run(shell.arg("-f").arg(&script).arg(&file));
            let output = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.contains("1199") || output.contains("0x4af"), "{output}");
            assert!(output.contains("default"), "{output}");
        }
        if let Some(mut python) = testkit::oracles::python() {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tree_dump.py");
            let dump = output_of(python.arg(&script), &file);
            assert_eq!(
                dump.lines()
                    .filter(|l| l.starts_with("\\many\\key") && !l.contains(" = "))
                    .count(),
                1200
            );
            assert!(
                dump.contains("\\Ünï\\日本語\\deep") && dump.contains("'class'"),
                "{dump}"
            );
        }
        if let Some(mut info) = testkit::tool("regfinfo") {
            let info = output_of(&mut info, &file);
            assert!(info.contains(&format!("1.{minor}")), "{info}");
        }
    }
}

/// A `.reg` file merged into an empty hive by libhivex gives the values we exported.
#[test]
fn hivexregedit_imports_our_export() {
    let Some(mut tool) = testkit::tool("hivexregedit") else {
        return;
    };
    let hive = hive_of_all_shapes(5);
    let dir = tempfile::tempdir().expect("tempdir");
    let empty = Hive::new("ROOT", vec![1, 0, 4, 0x80], 5).expect("new");
    let target = dir.path().join("hive");
    std::fs::write(&target, empty.write(&WriteOptions::new()).expect("write")).expect("write");
    let mut text = Vec::new();
    hive.root()
        .export("HKEY_LOCAL_MACHINE\\X", &mut text)
        .expect("export");
    let file = dir.path().join("export.reg");
    std::fs::write(&file, &text).expect("write");
    testkit::run(
        tool.args(["--merge", "--prefix", "HKEY_LOCAL_MACHINE\\X"])
            .arg(&target)
            .arg(&file),
    );
    let merged = Hive::read(&std::fs::read(&target).expect("read"), &Limits::default()).expect("read");
    let values = |hive: &Hive| -> Vec<(String, ValueType, Vec<u8>)> {
        let keys = hive.root().walk().flat_map(|(_, key)| key.values());
        let mut all: Vec<_> = keys
            .map(|v| (v.name.to_string(), v.data_type, v.data.clone()))
            .collect();
        all.sort();
        all
    };
    let (ours, theirs) = (values(&hive), values(&merged));
    assert_eq!(ours.len(), theirs.len());
    for (o, t) in ours.iter().zip(&theirs) {
        assert_eq!(o, t);
    }
}
