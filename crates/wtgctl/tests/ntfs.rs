//! `wtgctl ntfs` as a user runs it: output, exit codes, files.

#![allow(
    clippy::disallowed_methods,
    reason = "the test runs the program that it tests"
)]

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};

use ntfs_image::check::Code;
use ntfs_image::{Content, EncryptedLengths, NodeSpec, NtfsBuilder, StreamSpec, VolumeSpec};
use serde_json::Value;

fn wtgctl(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wtgctl"));
    command.arg("ntfs").args(args).output().expect("wtgctl")
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A formatted volume of 32 MiB.
fn format(folder: &Path) -> String {
    let path = folder.join("volume.img").to_str().expect("path").to_owned();
    let output = wtgctl(&["format", &path, "--size", "32M", "--label", "Test", "--seed", "7"]);
    assert!(output.status.success(), "{output:?}");
    path
}

#[test]
fn a_formatted_volume_is_clean_for_us_and_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let volume = format(folder.path());
    let records = json_lines(&wtgctl(&["check", &volume, "--json"]));
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["clean"], Value::Bool(true));
    testkit::oracles::ntfs_gate(Path::new(&volume));
    let info = json_lines(&wtgctl(&["info", &volume, "--json"]));
    assert_eq!(
        (&info[0]["label"], &info[0]["version"]),
        (&"Test".into(), &"3.1".into())
    );

    let again = wtgctl(&["format", &volume, "--size", "32M", "--seed", "7"]);
    assert_eq!(again.status.code(), Some(4), "an existing file is kept");
    let before = std::fs::read(&volume).unwrap();
    let forced = wtgctl(&[
        "format", &volume, "--size", "32M", "--label", "Test", "--seed", "7", "--force",
    ]);
    assert!(forced.status.success());
    assert_eq!(std::fs::read(&volume).unwrap(), before, "same seed, same bytes");
}

#[test]
fn findings_are_the_output_and_exit_1() {
    let folder = tempfile::tempdir().unwrap();
    let volume = format(folder.path());
    let mut bytes = std::fs::read(&volume).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&volume, bytes).unwrap();
    let output = wtgctl(&["check", &volume, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let records = json_lines(&output);
    assert_eq!(records[0]["code"], "boot.backup");
    assert_eq!(records.last().unwrap()["errors"], 1);
    let text = wtgctl(&["check", &volume]);
    assert!(String::from_utf8_lossy(&text.stdout).starts_with("error: boot.backup: "));
}

#[test]
fn what_is_no_volume_is_a_bad_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros");
    std::fs::write(&path, vec![0; 100_000]).unwrap();
    for verb in ["check", "info", "ls", "dump"] {
        let output = wtgctl(&[verb, path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{verb}: {output:?}");
    }
}

/// The schema lists every code there is.
#[test]
fn the_schema_names_every_code() {
    let path = testkit::workspace_root().join("docs/schema/ntfs-check.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let listed = schema["oneOf"][0]["properties"]["code"]["enum"]
        .as_array()
        .unwrap();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(
        listed
            .iter()
            .map(|code| code.as_str().unwrap())
            .collect::<Vec<_>>(),
        codes
    );
}

#[test]
fn files_are_listed_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut mkntfs) = testkit::tool("mkntfs") else {
        return;
    };
    let Some(mut ntfscp) = testkit::tool("ntfscp") else {
        return;
    };
    let volume = folder.path().join("v.img");
    std::fs::File::create(&volume).unwrap().set_len(16 << 20).unwrap();
    testkit::run(mkntfs.args(["-F", "-q"]).arg(&volume));
    let content = folder.path().join("content");
    std::fs::write(&content, vec![7; 70_000]).unwrap();
    testkit::run(ntfscp.arg(&volume).arg(&content).arg("/a file.bin"));
    // A name that Windows would not allow, and the stream that it could be.
    for (byte, to) in [
        (b'w', &["/a file.bin:s"][..]),
        (b's', &["/a file.bin", "-N", "t"]),
    ] {
        std::fs::write(&content, [byte; 7]).unwrap();
        let mut ntfscp = testkit::tool("ntfscp").unwrap();
        testkit::run(ntfscp.arg(&volume).arg(&content).args(to));
    }
    let volume = volume.to_str().unwrap();
    let records = json_lines(&wtgctl(&["ls", volume, "--json"]));
    let found = records
        .iter()
        .find(|record| record["path"] == "\\a file.bin")
        .unwrap();
    assert_eq!(found["size_bytes"], 70_000);
    assert_eq!(wtgctl(&["cat", volume, "A FILE.BIN"]).stdout, vec![7; 70_000]);
    assert_eq!(wtgctl(&["cat", volume, "a file.bin:s"]).stdout, [b'w'; 7]);
    assert_eq!(wtgctl(&["cat", volume, "a file.bin:t"]).stdout, [b's'; 7]);
    assert_eq!(wtgctl(&["cat", volume, "none"]).status.code(), Some(2));
    let dump = wtgctl(&["dump", volume]);
    assert!(String::from_utf8_lossy(&dump.stdout).contains("\\a file.bin $DATA, from byte 0x0"));
}

#[test]
fn ciphertext_is_said_to_be_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.img");
    let lengths = EncryptedLengths {
        size_bytes: 700,
        valid_bytes: 700,
    };
    let stream = StreamSpec {
        encrypted: Some(lengths),
        ..StreamSpec::named(Vec::new(), Content::Bytes(vec![0xC1; 1024]))
    };
    let node = NodeSpec {
        efs: Some(vec![0xEF; 100]),
        streams: vec![stream],
        ..NodeSpec::default()
    };
    let mut builder = NtfsBuilder::new(VolumeSpec::new(32 << 20));
    let root = builder.root();
    builder.add(root, "secret", node);
    let file = File::create_new(&path).unwrap();
    file.set_len(32 << 20).unwrap();
    builder.writer(file).unwrap().finish().unwrap();
    for (lang, said) in [("en", "what is read is ciphertext"), ("zh", "读出的是密文")] {
        let output = wtgctl(&["cat", path.to_str().unwrap(), "secret", "--lang", lang]);
        assert_eq!(output.stdout, vec![0xC1; 700]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(said), "{message}");
    }
}

/// Sizes by path of what `ntfsls` lists in the root directory.
fn sizes_by_ntfsls(volume: &str) -> Option<BTreeMap<String, u64>> {
    let mut ntfsls = testkit::tool("ntfsls")?;
    let listed = testkit::run(ntfsls.args(["-l", "-s", "-a"]).arg(volume));
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    let sizes = listed.lines().filter_map(|line| {
        let mut columns = line.split_whitespace();
        let size = columns.next()?.parse().expect("a size");
        let name = columns.nth(4)?;
        (name != "." && name != "..").then(|| (format!("\\{name}"), size))
    });
    Some(sizes.collect())
}

/// The directory states none for the volume's own files.
#[test]
fn sizes_are_those_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let volume = format(folder.path());
    let Some(expected) = sizes_by_ntfsls(&volume) else {
        return;
    };
    assert!(expected["\\$MFT"] > 0 && expected["\\$UpCase"] == 131_072);
    let listed = json_lines(&wtgctl(&["ls", &volume, "\\", "--json"]));
    let entries = listed.iter().filter(|record| record["type"] == "entry");
    let found: BTreeMap<String, u64> = entries
        .map(|entry| {
            let path = entry["path"].as_str().unwrap().to_owned();
            (path, entry["size_bytes"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(found, expected);
    let mft = listed.iter().find(|record| record["path"] == "\\$MFT").unwrap();
    assert!(mft["allocated_bytes"].as_u64() >= mft["size_bytes"].as_u64());
}

#[test]
fn what_is_damaged_is_named_and_the_rest_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.img");
    let mut builder = NtfsBuilder::new(VolumeSpec::new(32 << 20));
    let root = builder.root();
    for name in ["a", "b"] {
        let directory = builder.add(root, name, NodeSpec::directory());
        for file in ["one", "two"] {
            builder.add(directory, file, NodeSpec::file(Content::Bytes(file.into())));
        }
    }
    let mut file = File::create_new(&path).unwrap();
    file.set_len(32 << 20).unwrap();
    builder.writer(&mut file).unwrap().finish().unwrap();
    let volume = path.to_str().unwrap();
    let listed = json_lines(&wtgctl(&["ls", volume, "--json"]));
    let mut boot = [0; 512];
    file.read_exact_at(&mut boot, 0).unwrap();
    let mft = u64::from_le_bytes(boot[0x30..0x38].try_into().unwrap()) * 4096;
    for damaged in ["\\a", "\\b\\one"] {
        let entry = listed.iter().find(|entry| entry["path"] == damaged).unwrap();
        let at = mft + entry["record"].as_u64().unwrap() * 1024;
        let mut magic = [0; 4];
        file.read_exact_at(&mut magic, at).unwrap();
        assert_eq!(&magic, b"FILE");
        file.write_all_at(b"BAAD", at).unwrap();
    }
    for (args, count) in [
        (&["ls", volume, "-r", "\\", "--json"][..], 2),
        (&["ls", volume, "**", "--json"], 2),
        (&["ls", volume, "b", "--json"], 1),
    ] {
        let output = wtgctl(args);
        let found = json_lines(&output);
        assert_eq!(output.status.code(), Some(1), "{found:?}");
        let warnings: Vec<&str> = found.iter().filter_map(|line| line["message"].as_str()).collect();
        assert_eq!(warnings.len(), count, "{warnings:?}");
        assert!(
            warnings
                .iter()
                .any(|line| line.starts_with("\\b\\one: it cannot be read: ")),
            "{warnings:?}"
        );
        for path in ["\\b\\one", "\\b\\two"] {
            assert!(
                found.iter().any(|entry| entry["path"] == path),
                "{path}: {found:?}"
            );
        }
    }
}

#[test]
fn every_path_that_is_listed_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.img");
    let mut builder = NtfsBuilder::new(VolumeSpec::new(32 << 20));
    let root = builder.root();
    let directory = builder.add_node(NodeSpec::directory());
    builder.add_name(root, directory, &[0xDC00], None);
    let names: [&[u16]; 4] = [
        &[0x41, 0xD800, 0x42],
        &[0xFFFD],
        &[0xDBFF, 0xDBFF],
        &[0xD83D, 0xDE00],
    ];
    for (number, name) in (0u8..).zip(names) {
        let streams = [Vec::new(), name.to_vec()]
            .map(|stream| StreamSpec::named(stream.clone(), Content::Bytes(vec![number; 10 + stream.len()])));
        let node = builder.add_node(NodeSpec {
            streams: streams.to_vec(),
            ..NodeSpec::default()
        });
        builder.add_name(directory, node, name, None);
    }
    for name in ["case", "Case", "CASE"] {
        builder.add(root, name, NodeSpec::file(Content::Bytes(name.into())));
    }
    let file = File::create_new(&path).unwrap();
    file.set_len(32 << 20).unwrap();
    builder.writer(file).unwrap().finish().unwrap();
    let volume = path.to_str().unwrap();
    let listed = json_lines(&wtgctl(&["ls", volume, "\u{FFFD}DC00", "--json"]));
    let mut paths: Vec<&str> = listed.iter().filter_map(|entry| entry["path"].as_str()).collect();
    paths.sort_unstable();
    let escaped = [
        "A\u{FFFD}D800B",
        "\u{1F600}",
        "\u{FFFD}DBFF\u{FFFD}DBFF",
        "\u{FFFD}FFFD",
    ];
    let mut expected = escaped.map(|name| format!("\\\u{FFFD}DC00\\{name}"));
    expected.sort_unstable();
    assert_eq!(paths, expected);
    for (number, name) in (0u8..).zip([escaped[0], escaped[3], escaped[2], escaped[1]]) {
        let path = format!("\\\u{FFFD}DC00\\{name}");
        assert_eq!(wtgctl(&["cat", volume, &path]).stdout, vec![number; 10]);
        let length = 10 + names[usize::from(number)].len();
        let stream = wtgctl(&["cat", volume, &format!("{path}:{name}")]).stdout;
        assert_eq!(stream, vec![number; length], "{path}:{name}");
        let again = json_lines(&wtgctl(&["ls", volume, &path, "--json"]));
        assert_eq!(again[0]["path"], path.as_str());
    }
    for name in ["case", "Case", "CASE"] {
        assert_eq!(wtgctl(&["cat", volume, name]).stdout, name.as_bytes());
    }
}
