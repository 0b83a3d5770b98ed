//! The verbs of every noun.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::check::{assert_fits, run, wtgctl};

/// Schemas of the whole jobs, and of what every command may print.
const ELSEWHERE: [&str; 9] = [
    "create",
    "error",
    "inspect",
    "ntfs-check",
    "plan",
    "progress",
    "verify",
    "warning",
    // Needs a device.
    "write",
];

/// Runs verbs and compares every record.
struct Verbs<'a> {
    dir: &'a Path,
    seen: BTreeSet<String>,
}

impl Verbs<'_> {
    /// A path in the folder of the test.
    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    /// The last record of a command that ends with `code`.
    fn verb(&mut self, schema: &str, code: i32, args: &[&str]) -> Value {
        let (found, records) = wtgctl(args);
        assert_eq!(found, code, "{args:?}: {records:?}");
        let (end, before) = records.split_last().expect("at least one record");
        assert_eq!(end["type"], "result", "{args:?}: {end}");
        assert_fits(end, schema);
        for record in before {
            match record["type"].as_str() {
                Some("entry") => assert_fits(record, schema),
                Some(kind @ ("progress" | "warning")) => assert_fits(record, kind),
                _ => panic!("{args:?}: {record}"),
            }
        }
        self.seen.insert(schema.to_owned());
        end.clone()
    }

    /// A command whose stdout is data: its record is on stderr.
    fn data(&mut self, schema: &str, args: &[&str]) -> Vec<u8> {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        let record: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_fits(&record, schema);
        if let Some(size) = record["size_bytes"].as_u64() {
            assert_eq!(size, output.stdout.len() as u64);
        }
        self.seen.insert(schema.to_owned());
        output.stdout
    }
}

#[test]
fn every_verb() {
    let dir = tempfile::tempdir().unwrap();
    let mut verbs = Verbs {
        dir: dir.path(),
        seen: BTreeSet::new(),
    };
    let tree = dir.path().join("tree");
    std::fs::create_dir_all(tree.join("folder/inner")).unwrap();
    std::fs::write(tree.join("folder/a file.txt"), "content").unwrap();
    std::fs::write(tree.join("large"), vec![7; 300_000]).unwrap();
    wim(&mut verbs);
    ntfs(&mut verbs);
    fat(&mut verbs);
    hive_and_bcd(&mut verbs);
    if iso(&mut verbs).is_none() {
        return;
    }
    verbs.verb("devices", 0, &["devices", "--all"]);

    // No schema without a test.
    let folder = testkit::workspace_root().join("docs/schema");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file
            .unwrap()
            .path()
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let is_known = verbs.seen.contains(&name) || ELSEWHERE.contains(&name.as_str());
        assert!(is_known, "{name} is compared with nothing");
    }
}

fn wim(verbs: &mut Verbs<'_>) {
    let [tree, first, second, volume] = ["tree", "1.wim", "2.wim", "v.img"].map(|name| verbs.path(name));
    let captured = verbs.verb(
        "wim-capture",
        0,
        &["wim", "capture", &tree, &first, "--name", "One"],
    );
    assert_eq!((&captured["image"], &captured["files"]), (&1.into(), &2.into()));
    verbs.verb(
        "wim-capture",
        0,
        &["wim", "append", &tree, &first, "--name", "Two"],
    );
    verbs.verb("wim-info", 0, &["wim", "info", &first]);
    verbs.verb("wim-info", 0, &["wim", "info", &first, "--xml"]);
    verbs.verb("wim-info", 0, &["wim", "info", &first, "--blobs"]);
    verbs.verb("wim-set", 0, &["wim", "set", &first, "1", "--description", "d"]);
    verbs.verb("wim-ls", 0, &["wim", "ls", &first, "--image", "1"]);
    let content = verbs.data(
        "wim-cat",
        &["wim", "cat", &first, "/folder/a file.txt", "--image", "One"],
    );
    assert_eq!(content, b"content");
    verbs.verb("wim-verify", 0, &["wim", "verify", &first]);
    let list = verbs.path("list");
    std::fs::write(&list, "\\folder\\*\n").unwrap();
    let (listed, folder) = (format!("@{list}"), verbs.path("extracted"));
    let extract = [
        "wim", "extract", &first, &listed, "--image", "1", "--dest", &folder,
    ];
    verbs.verb("wim-extract", 0, &extract);
    assert!(Path::new(&folder).join("folder/a file.txt").is_file());
    verbs.verb("wim-ls", 0, &["wim", "ls", &first, &listed, "--image", "1"]);
    verbs.verb(
        "wim-apply",
        0,
        &["wim", "apply", &first, "1", &verbs.path("applied")],
    );
    verbs.verb(
        "wim-apply",
        0,
        &["wim", "apply", &first, "Two", "--ntfs", &volume, "--seed", "1"],
    );
    verbs.verb("wim-write", 0, &["wim", "export", &first, "all", &second]);
    verbs.verb(
        "wim-diff",
        0,
        &["wim", "diff", &first, "1", &volume, "--data-only"],
    );
    std::fs::write(Path::new(&tree).join("large"), "small").unwrap();
    std::fs::write(Path::new(&tree).join("new"), "new").unwrap();
    verbs.verb("wim-diff", 1, &["wim", "diff", &first, "1", &tree]);
    let update = [
        "wim", "update", &first, "1", "--add", &list, "new", "--delete", "large",
    ];
    verbs.verb("wim-capture", 0, &update);
    verbs.verb("wim-optimize", 0, &["wim", "optimize", &second]);
    verbs.verb("wim-write", 0, &["wim", "delete", &second, "1"]);
    let (parts, joined) = (verbs.path("s.swm"), verbs.path("joined.wim"));
    verbs.verb("wim-split", 0, &["wim", "split", &first, &parts, "1M"]);
    verbs.verb("wim-write", 0, &["wim", "join", &parts, &joined]);
}

fn ntfs(verbs: &mut Verbs<'_>) {
    let (volume, empty) = (verbs.path("v.img"), verbs.path("empty.img"));
    verbs.verb(
        "ntfs-format",
        0,
        &["ntfs", "format", &empty, "--size", "32M", "--seed", "1"],
    );
    verbs.verb("ntfs-info", 0, &["ntfs", "info", &volume]);
    verbs.verb("ntfs-ls", 0, &["ntfs", "ls", &volume]);
    // A file stands for itself, under whatever case.
    let listed = verbs.verb("ntfs-ls", 0, &["ntfs", "ls", &volume, "\\FOLDER\\a file.txt"]);
    assert_eq!(listed["count"], 1);
    let listed = verbs.verb("ntfs-ls", 0, &["ntfs", "ls", &volume, "fold*\\*.TXT", "large"]);
    assert_eq!(listed["count"], 2);
    assert_eq!(
        verbs.data("ntfs-cat", &["ntfs", "cat", &volume, "folder/a file.txt"]),
        b"content"
    );
    verbs.verb("ntfs-dump", 0, &["ntfs", "dump", &empty]);
}

fn fat(verbs: &mut Verbs<'_>) {
    let (volume, tree, out) = (verbs.path("fat.img"), verbs.path("tree"), verbs.path("from fat"));
    let format = [
        "fat", "format", &volume, "--size", "64M", "--seed", "1", "--from", &tree,
    ];
    verbs.verb("fat-format", 0, &format);
    verbs.verb("fat-info", 0, &["fat", "info", &volume]);
    verbs.verb("fat-ls", 0, &["fat", "ls", &volume]);
    assert_eq!(
        verbs.data("fat-cat", &["fat", "cat", &volume, "folder/a file.txt"]),
        b"content"
    );
    verbs.verb("fat-extract", 0, &["fat", "extract", &volume, "folder", &out]);
    verbs.verb("fat-check", 0, &["fat", "check", &volume]);
    verbs.verb("fat-dump", 0, &["fat", "dump", &volume]);
    // The end of the second copy of the table.
    let mut bytes = std::fs::read(&volume).unwrap();
    let second =
        512 * 32 + usize::try_from(u32::from_le_bytes(bytes[36..40].try_into().unwrap())).unwrap() * 512;
    bytes[second + 40] ^= 1;
    std::fs::write(&volume, bytes).unwrap();
    let found = verbs.verb("fat-check", 1, &["fat", "check", &volume]);
    assert!(found["count"].as_u64() > Some(0));
}

fn hive_and_bcd(verbs: &mut Verbs<'_>) {
    const ID: &str = "11111111-2222-3333-4444-555555555555";
    let store = verbs.path("BCD");
    let create = [
        "bcd",
        "create",
        &store,
        "--disk",
        ID,
        "--system-partition",
        ID,
        "--windows-partition",
        ID,
        "--seed",
        "1",
    ];
    verbs.verb("bcd-create", 0, &create);
    verbs.verb("bcd-show", 0, &["bcd", "show", &store]);
    verbs.verb("bcd-doctor", 0, &["bcd", "doctor", &store]);
    verbs.verb(
        "bcd-set",
        0,
        &["bcd", "set", &store, "default", "description", "New"],
    );
    verbs.verb(
        "bcd-delete",
        0,
        &["bcd", "delete", &store, "default", "description"],
    );
    let map = format!("{ID}=21111111-2222-3333-4444-555555555555");
    verbs.verb("bcd-retarget", 0, &["bcd", "retarget", &store, "--map", &map]);
    verbs.verb("hive-get", 0, &["hive", "get", &store, "Description"]);
    verbs.verb("hive-get", 0, &["hive", "get", &store, "Description", "KeyName"]);
    let set = [
        "hive",
        "set",
        &store,
        "Description",
        "Number",
        "5",
        "--type",
        "dword",
    ];
    verbs.verb("hive-set", 0, &set);
    verbs.verb("hive-del", 0, &["hive", "del", &store, "Description", "Number"]);
    verbs.verb(
        "hive-export",
        0,
        &["hive", "export", &store, "--out", &verbs.path("all.reg")],
    );
    assert!(
        !verbs
            .data("hive-export", &["hive", "export", &store, "Description"])
            .is_empty()
    );
    let other = verbs.path("other hive");
    verbs.verb(
        "hive-del",
        0,
        &["hive", "del", &store, "Objects", "--out", &other],
    );
    verbs.verb("bcd-doctor", 1, &["bcd", "doctor", &other]);
}

fn iso(verbs: &mut Verbs<'_>) -> Option<()> {
    let iso = testkit::samples::generated("small", "windows.iso")?;
    let iso = iso.to_str()?;
    verbs.verb("iso-info", 0, &["iso", "info", iso]);
    verbs.verb("iso-ls", 0, &["iso", "ls", iso]);
    verbs.verb("iso-extents", 0, &["iso", "extents", iso, "sources/install.wim"]);
    verbs.verb(
        "iso-extract",
        0,
        &["iso", "extract", iso, "boot", "--to", &verbs.path("from iso")],
    );
    verbs.verb("iso-verify", 0, &["iso", "verify", iso]);
    let wim = verbs.data("iso-cat", &["iso", "cat", iso, "sources/install.wim"]);
    assert!(wim.starts_with(b"MSWIM\0\0\0"));
    Some(())
}
