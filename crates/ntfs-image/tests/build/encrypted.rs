//! Encrypted files (EFS): what we write is to ntfs-3g what it restores itself, `ntfsdecrypt` reads it, and every checker
//! finds it sound. Linux' ntfs3 mounts such a volume and refuses to read these files ("encrypted i/o not supported").

#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use ntfs_image::layout::file_attribute;
use ntfs_image::read::{Attribute, Value};
use ntfs_image::{
    Content, EncryptedLengths, Limits, NodeSpec, NtfsBuilder, Placement, StreamForm, StreamKey, StreamSpec,
};
use testkit::efs::{User, backup_form, efsinfo, set_efsinfo};
use testkit::manifest::NtfsMount;

use crate::support::{Volume, build, check, noise, spec, units};

const SIZES: [usize; 7] = [0, 1, 511, 512, 700, 4096, 5000];

fn plain(size: usize) -> Vec<u8> {
    noise(size, 7 + size as u64)
}

fn stream(name: &str, ciphertext: Vec<u8>, size_bytes: u64, valid_bytes: u64) -> StreamSpec {
    StreamSpec {
        encrypted: Some(EncryptedLengths {
            size_bytes,
            valid_bytes,
        }),
        ..StreamSpec::named(units(name), Content::Bytes(ciphertext))
    }
}

fn encrypted(user: &User, streams: Vec<StreamSpec>) -> NodeSpec {
    let mut node = NodeSpec {
        efs: Some(user.metadata.clone()),
        streams,
        ..NodeSpec::default()
    };
    node.metadata.attributes = file_attribute::ENCRYPTED | 0x20;
    node
}

/// Files of every size, one with named streams, a directory, and keys in clusters.
fn volume(user: &User) -> Volume {
    let mut builder = NtfsBuilder::new(spec(64));
    let root = builder.root();
    for size in SIZES {
        let stream = stream("", user.encrypt(&plain(size)), size as u64, size as u64);
        builder.add(root, &format!("f{size}"), encrypted(user, vec![stream]));
    }
    let mut folder = NodeSpec::directory();
    folder.metadata.attributes |= file_attribute::ENCRYPTED;
    folder.efs = Some(user.metadata.clone());
    let folder = builder.add(root, "folder", folder);
    let key = StreamKey(1 << 40);
    let keyed = StreamSpec {
        content: Content::Keyed {
            key,
            size_bytes: 6144,
        },
        ..stream("t", Vec::new(), 6000, 6000)
    };
    let named = vec![
        stream("", user.encrypt(&plain(1200)), 1200, 1200),
        stream("s", user.encrypt(b"named stream"), 12, 12),
        keyed,
        StreamSpec::named(units("plain"), Content::Bytes(b"not encrypted".to_vec())),
    ];
    builder.add(folder, "named", encrypted(user, named));
    let mut large = encrypted(user, vec![stream("", user.encrypt(&plain(513)), 513, 513)]);
    let mut metadata = user.metadata.clone();
    metadata.resize(20_000, 0);
    metadata[..4].copy_from_slice(&20_000u32.to_le_bytes());
    large.efs = Some(metadata);
    builder.add(folder, "long keys", large);
    build(builder, &[(key, StreamForm::Plain, user.encrypt(&plain(6000)))])
}

/// The same files by mkntfs and ntfs-3g.
fn restored(user: &User, path: &Path) -> Option<()> {
    File::create(path).unwrap().set_len(64 << 20).unwrap();
    testkit::run(testkit::tool("mkntfs")?.args(["-q", "-F"]).arg(path));
    let mount = NtfsMount::new(path, "rw")?;
    let at = |name: &str| mount.path().join(name);
    let write = |name: &str, plain: &[u8]| {
        fs::write(at(name), backup_form(&user.encrypt(plain), plain.len() as u64)).unwrap();
    };
    for size in SIZES {
        let name = format!("f{size}");
        write(&name, &plain(size));
        set_efsinfo(&at(&name), &user.metadata);
    }
    fs::create_dir(at("folder")).unwrap();
    set_efsinfo(&at("folder"), &user.metadata);
    write("folder/named", &plain(1200));
    write("folder/named:s", b"named stream");
    write("folder/named:t", &plain(6000));
    set_efsinfo(&at("folder/named"), &user.metadata);
    mount.unmount();
    Some(())
}

/// Flags, lengths, form and ciphertext of every stream, and the keys.
fn facts(path: &Path) -> BTreeMap<String, Vec<String>> {
    let mut volume = ntfs_image::read::Volume::open(File::open(path).unwrap(), &Limits::default()).unwrap();
    let mut facts = BTreeMap::new();
    let names = SIZES.iter().map(|size| format!("f{size}"));
    for name in names.chain([r"folder".to_owned(), r"folder\named".to_owned()]) {
        let file = volume.lookup(&name).unwrap();
        let mut found = vec![format!("keys {:?}", volume.efs(&file).unwrap())];
        found.push(format!(
            "marked {}",
            file.file_attributes() & file_attribute::ENCRYPTED
        ));
        let streams = file.streams().filter(|stream| stream.is_encrypted());
        for stream in streams {
            found.push(shown(stream));
            let mut bytes = Vec::new();
            volume
                .open_ciphertext(stream)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            found.push(format!("{bytes:?}"));
        }
        facts.insert(name, found);
    }
    facts
}

fn shown(stream: &Attribute) -> String {
    let Value::NonResident(value) = &stream.value else {
        return "resident".to_owned();
    };
    format!(
        "{:?} {:#x} {} {} {} {} {}",
        stream.name,
        stream.flags,
        value.size_bytes,
        value.initialized_bytes,
        value.allocated_bytes,
        value.compression_unit,
        value.runs.iter().map(|run| run.clusters).sum::<u64>(),
    )
}

#[test]
fn what_is_written_is_what_ntfs_3g_restores() {
    let Some(user) = User::new() else { return };
    let ours = volume(&user);
    check(&ours.path, 512);
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs.img");
    if restored(&user, &theirs).is_none() {
        return;
    }
    assert_eq!(facts(&ours.path), facts(&theirs));
    let report = ntfs_image::check::check(File::open(&theirs).unwrap(), &Limits::default());
    assert!(report.is_clean(), "{:#?}", report.findings);

    // And ntfs-3g shows of ours what it was given itself.
    let Some(mount) = NtfsMount::new(&ours.path, "ro") else {
        return;
    };
    for size in SIZES {
        let path = mount.path().join(format!("f{size}"));
        // Of an empty file it shows nothing.
        let mut expected = backup_form(&user.encrypt(&plain(size)), size as u64);
        if size == 0 {
            expected.clear();
        }
        assert!(fs::read(&path).unwrap() == expected, "f{size}");
        assert_eq!(efsinfo(&path).as_ref(), Some(&user.metadata), "f{size}");
    }
    let named = mount.path().join("folder/named:t");
    assert!(fs::read(named).unwrap() == backup_form(&user.encrypt(&plain(6000)), 6000));
    let not_encrypted = fs::read(mount.path().join("folder/named:plain")).unwrap();
    assert_eq!(not_encrypted, b"not encrypted");
    let keys = efsinfo(&mount.path().join("folder/long keys"));
    assert_eq!(keys.map(|keys| keys.len()), Some(20_000));
    assert_eq!(
        efsinfo(&mount.path().join("folder")).as_ref(),
        Some(&user.metadata)
    );
    mount.unmount();

    for (path, size) in SIZES.iter().map(|size| (format!("f{size}"), *size)) {
        if let Some(found) = user.decrypt(&ours.path, &path) {
            assert!(found == plain(size), "{path} by ntfsdecrypt");
        }
    }
    if let Some(found) = user.decrypt(&ours.path, "folder/named") {
        assert!(found == plain(1200), "folder/named by ntfsdecrypt");
    }
}

#[test]
fn holes_and_valid_lengths_are_kept() {
    let unit = 16 * 4096;
    let mut ciphertext = noise(unit, 1);
    ciphertext.resize(2 * unit, 0);
    ciphertext.extend(noise(1024, 2));
    let sparse = StreamSpec {
        sparse: true,
        ..stream(
            "",
            ciphertext.clone(),
            2 * unit as u64 + 700,
            2 * unit as u64 + 700,
        )
    };
    let mut short = noise(1536, 3);
    short.resize(10_240, 0);
    let mut builder = NtfsBuilder::new(spec(32));
    let root = builder.root();
    let node = |stream| NodeSpec {
        efs: Some(vec![0xEF; 700]),
        streams: vec![stream],
        ..NodeSpec::default()
    };
    builder.add(root, "sparse", node(sparse));
    builder.add(root, "short", node(stream("", short.clone(), 10_000, 1300)));
    let volume = build(builder, &[]);
    check(&volume.path, 512);
    let file = File::open(&volume.path).unwrap();
    let mut reader = ntfs_image::read::Volume::open(file, &Limits::default()).unwrap();
    for (name, flags, lengths, bytes) in [
        ("sparse", 0xc000, (131_772, 131_772), &ciphertext),
        ("short", 0x4000, (10_000, 1300), &short),
    ] {
        let found = reader.lookup(name).unwrap();
        let data = found.data().unwrap();
        let value = data.non_resident().unwrap();
        assert_eq!(data.flags, flags, "{name}");
        assert_eq!((value.size_bytes, value.initialized_bytes), lengths, "{name}");
        let mut read = Vec::new();
        reader
            .open_ciphertext(data)
            .unwrap()
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == *bytes, "{name}");
        let holes = value.runs.iter().filter(|run| run.lcn.is_none()).count();
        assert_eq!(holes, usize::from(name == "sparse"), "{name}");
    }
    let Some(mount) = NtfsMount::new(&volume.path, "ro") else {
        return;
    };
    let shown = fs::read(mount.path().join("sparse")).unwrap();
    assert!(shown == backup_form(&ciphertext, 131_772), "sparse by ntfs-3g");
    // It refuses to show a stream that ends beyond its valid data.
    assert!(fs::read(mount.path().join("short")).is_err());
}

/// A change, and a part of the error's text.
type Case<'a> = (&'a dyn Fn(&mut NodeSpec), &'a str);

#[test]
fn what_does_not_belong_together_is_refused() {
    let refused = |change: &dyn Fn(&mut NodeSpec)| {
        let mut builder = NtfsBuilder::new(spec(32));
        let mut node = NodeSpec {
            efs: Some(vec![0; 84]),
            streams: vec![StreamSpec {
                placement: Placement::Ascending,
                ..stream("", vec![1; 1024], 700, 700)
            }],
            ..NodeSpec::default()
        };
        change(&mut node);
        let root = builder.root();
        builder.add(root, "file", node);
        builder.plan().map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(refused(&|_| {}), Ok(()));
    let cases: [Case<'_>; 6] = [
        (&|node| node.efs = None, "without $EFS metadata"),
        (
            &|node| node.efs = Some(vec![0; 83]),
            "other than 84 to 262,144 bytes",
        ),
        (
            &|node| node.efs = Some(vec![0; 0x4_0001]),
            "other than 84 to 262,144 bytes",
        ),
        (
            &|node| node.streams[0].content = Content::Bytes(vec![1; 700]),
            "whole sectors",
        ),
        (
            &|node| node.streams[0].content = Content::Bytes(vec![1; 1536]),
            "whole sectors",
        ),
        (
            &|node| node.streams[0].encrypted = lengths(700, 701),
            "whole sectors",
        ),
    ];
    for (change, text) in cases {
        let error = refused(change).expect_err(text);
        assert!(error.starts_with("\\file: ") && error.contains(text), "{error}");
    }
}

fn lengths(size_bytes: u64, valid_bytes: u64) -> Option<EncryptedLengths> {
    Some(EncryptedLengths {
        size_bytes,
        valid_bytes,
    })
}

#[test]
fn the_check_notices_what_does_not_belong_together() {
    let mut builder = NtfsBuilder::new(spec(32));
    let root = builder.root();
    let node = NodeSpec {
        efs: Some(vec![0xEF; 100]),
        streams: vec![stream("", noise(1024, 1), 700, 700)],
        ..NodeSpec::default()
    };
    builder.add(root, "file", node);
    let volume = build(builder, &[]);
    let mut bytes = fs::read(&volume.path).unwrap();
    let found = |bytes: &[u8]| {
        let report = ntfs_image::check::check(std::io::Cursor::new(bytes), &Limits::default());
        report.has(ntfs_image::check::Code::Encryption)
    };
    assert!(!found(&bytes));
    // The name of the attribute: another one than `$EFS` is no key.
    let name: Vec<u8> = units("$EFS").iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let places: Vec<usize> = (0..bytes.len() - 8)
        .filter(|&at| bytes[at..at + 8] == name)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 2] = b'X';
    }
    assert!(found(&bytes));
}
