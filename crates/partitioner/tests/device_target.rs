//! Opening targets: files on any machine, loop devices where this process may make them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped part is reported")]

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use partitioner::device::{DeviceRequest, FileRequest, Host, Target, check_target_device, check_target_file};
use partitioner::{Error, ErrorKind, Result, Window, gpt};

fn open(path: &Path, force: bool, sources: &[PathBuf]) -> Result<Target> {
    Target::open_file(
        &Host::default(),
        &FileRequest {
            path,
            size_bytes: 64 << 20,
            force,
            sources,
        },
    )
}

fn code(result: Result<Target>) -> &'static str {
    match result {
        Err(Error::Refused { findings, .. }) => findings[0].code,
        Err(e) => panic!("{e}"),
        Ok(_) => "opened",
    }
}

#[test]
fn a_new_file_is_sparse_and_the_old_one_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stick.img");
    let mut target = open(&path, false, &[]).unwrap();
    assert!(target.starts_zeroed() && target.device().is_none());
    target.seek(SeekFrom::Start(1 << 20)).unwrap();
    target.write_all(b"data").unwrap();
    assert_eq!(target.durable_bytes(), 0);
    target.flush().unwrap();
    assert_eq!(target.durable_bytes(), 4);
    target.finish().unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), 64 << 20);
    assert!(metadata.blocks() * 512 < 1 << 20, "{} blocks", metadata.blocks());

    assert_eq!(code(open(&path, false, &[])), "target-exists");
    assert_eq!(fs::read(&path).unwrap()[1 << 20], b'd');
    let mut again = open(&path, true, &[]).unwrap();
    let mut all = Vec::new();
    again.read_to_end(&mut all).unwrap();
    assert!(all.len() == 64 << 20 && all.iter().all(|&b| b == 0));
}

#[test]
fn a_size_that_cannot_be_had_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("old.img"), "what was there").unwrap();
    for name in ["old.img", "new.img"] {
        let request = FileRequest {
            path: &path(name),
            size_bytes: u64::MAX,
            force: true,
            sources: &[],
        };
        let error = Target::open_file(&Host::default(), &request).unwrap_err();
        assert!(error.to_string().contains("set the size of"), "{error}");
    }
    assert_eq!(fs::read(path("old.img")).unwrap(), b"what was there");
    assert!(!path("new.img").exists());
}

#[test]
fn a_check_says_what_opening_would_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("there"), "content").unwrap();
    fs::write(path("source"), "source").unwrap();
    symlink(path("there"), path("link")).unwrap();
    let sources = [path("source")];
    let check = |name: &str, force| {
        let path = path(name);
        let request = FileRequest {
            path: &path,
            size_bytes: 1 << 20,
            force,
            sources: &sources,
        };
        match check_target_file(&Host::default(), &request) {
            Ok(()) => "yes",
            Err(Error::Refused { findings, .. }) => findings[0].code,
            Err(e) if e.kind() == ErrorKind::NotFound => "not found",
            Err(_) => "error",
        }
    };
    for (name, without, with) in [
        ("new", "yes", "yes"),
        ("there", "target-exists", "yes"),
        ("source", "target-exists", "target-is-source"),
        ("link", "target-is-link", "target-is-link"),
        (".", "target-is-no-file", "target-is-no-file"),
        ("nowhere/new", "not found", "not found"),
        ("there/new", "error", "error"),
    ] {
        assert_eq!((check(name, false), check(name, true)), (without, with), "{name}");
    }
    assert_eq!(fs::read(path("there")).unwrap(), b"content");
    assert!(!path("new").exists());
}

#[test]
fn a_file_written_in_place_keeps_its_size_and_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("disk.img"), [7; 20_000]).unwrap();
    fs::write(path("source"), "source").unwrap();
    fs::hard_link(path("source"), path("same")).unwrap();
    symlink(path("disk.img"), path("link")).unwrap();
    let sources = [path("source")];
    let open = |name: &str| Target::open_file_in_place(&Host::default(), &path(name), &sources);

    let mut target = open("disk.img").unwrap();
    assert!(!target.starts_zeroed() && target.device().is_none());
    assert_eq!(target.size_bytes(), 20_000);
    let mut part = Window::new(&mut target, 5000, 100);
    part.write_all(&[8; 100]).unwrap();
    assert!(part.write_all(&[8]).is_err());
    target.zero_range(6000, 50).unwrap();
    target.zero_range(19_990, 1000).unwrap();
    assert_eq!(
        target.write(b"more").unwrap_err().kind(),
        std::io::ErrorKind::StorageFull
    );
    target.seek(SeekFrom::Start(19_998)).unwrap();
    assert_eq!(target.write(b"more").unwrap(), 2);
    target.flush().unwrap();
    assert_eq!(target.durable_bytes(), 162);
    target.finish().unwrap();
    let mut expected = vec![7; 20_000];
    expected[5000..5100].fill(8);
    expected[6000..6050].fill(0);
    expected[19_990..].fill(0);
    expected[19_998..].copy_from_slice(b"mo");
    assert!(fs::read(path("disk.img")).unwrap() == expected);

    assert_eq!(code(open("link")), "target-is-link");
    assert_eq!(code(open(".")), "target-is-no-file");
    assert_eq!(code(open("same")), "target-is-source");
    assert_eq!(open("nowhere").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!path("nowhere").exists());
}

#[test]
fn a_folder_that_went_away_costs_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let mut target = open(&inner.join("t"), false, &[]).unwrap();
    target.write_all(b"data").unwrap();
    fs::remove_dir_all(&inner).unwrap();
    target.finish().unwrap();
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("source.iso"), "source").unwrap();
    fs::hard_link(path("source.iso"), path("same.iso")).unwrap();
    symlink(path("source.iso"), path("link")).unwrap();
    symlink("/dev/null", path("to-device")).unwrap();
    symlink(path("nowhere"), path("dangling")).unwrap();
    let sources = [path("source.iso")];
    for force in [false, true] {
        for name in ["link", "to-device", "dangling"] {
            assert_eq!(
                code(open(&path(name), force, &sources)),
                "target-is-link",
                "{name}"
            );
        }
        assert_eq!(code(open(folder.path(), force, &sources)), "target-is-no-file");
        assert_eq!(
            code(open(Path::new("/dev/null"), force, &sources)),
            "target-is-no-file"
        );
    }
    assert_eq!(code(open(&path("same.iso"), true, &sources)), "target-is-source");
    assert_eq!(fs::read(path("source.iso")).unwrap(), b"source");
    assert!(!path("nowhere").exists());
}

#[test]
fn large_writes_become_durable_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = open(&folder.path().join("t"), false, &[]).unwrap();
    let block = vec![1; 4 << 20];
    for _ in 0..10 {
        target.write_all(&block).unwrap();
    }
    assert_eq!(target.durable_bytes(), 16 << 20);
    target.flush().unwrap();
    assert_eq!(target.durable_bytes(), 40 << 20);
}

#[test]
fn zeroed_ranges_read_as_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let mut target = open(&folder.path().join("t"), false, &[]).unwrap();
    target.write_all(&[7; 10_000]).unwrap();
    target.zero_range(5000, 3000).unwrap();
    let mut bytes = [1; 10_000];
    target.rewind().unwrap();
    target.read_exact(&mut bytes).unwrap();
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(i, &b)| b == if (5000..8000).contains(&i) { 0 } else { 7 })
    );
}

/// A loop device over a file, detached in the end. `None` where this process may not make one.
struct Loop(PathBuf);

impl Loop {
    fn attach(image: &Path, arguments: &[&str]) -> Option<Self> {
        let output = testkit::tool("losetup")?
            .args(["-f", "--show"])
            .args(arguments)
            .arg(image)
            .output()
            .unwrap();
        if !output.status.success() {
            eprintln!(
                "SKIPPED: no loop device: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            return None;
        }
        Some(Self(String::from_utf8(output.stdout).unwrap().trim().into()))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        if let Some(mut losetup) = testkit::tool("losetup") {
            testkit::run(losetup.arg("-d").arg(&self.0));
        }
    }
}

#[test]
fn a_loop_device_is_written_only_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    fs::write(&image, vec![0xA5; 8 << 20]).unwrap();
    let Some(device) = Loop::attach(&image, &["-b", "4096"]) else {
        return;
    };
    let name = image.to_str().unwrap();
    let try_open = |erase: Option<&str>, need_bytes, sources: &[PathBuf]| {
        Target::open_device(
            &Host::default(),
            &DeviceRequest {
                path: &device.0,
                erase,
                need_bytes,
                sources,
            },
        )
    };
    assert_eq!(code(try_open(None, 0, &[])), "not-named");
    let request = |erase| DeviceRequest {
        path: &device.0,
        erase,
        need_bytes: 0,
        sources: &[],
    };
    assert!(check_target_device(&Host::default(), &request(None)).is_err());
    let checked = check_target_device(&Host::default(), &request(Some(name))).unwrap();
    assert_eq!((checked.path, checked.size_bytes), (device.0.clone(), 8 << 20));
    assert_eq!(code(try_open(Some("loop0"), 0, &[])), "named-otherwise");
    assert_eq!(code(try_open(Some(name), 9 << 20, &[])), "too-small");
    assert_eq!(
        code(try_open(Some(name), 0, std::slice::from_ref(&image))),
        "holds-source"
    );
    assert_eq!(
        code(try_open(Some(name), 0, std::slice::from_ref(&device.0))),
        "holds-source"
    );
    assert_eq!(code(open(&image, true, &[])), "target-in-use");
    assert_eq!(
        code(Target::open_file_in_place(&Host::default(), &image, &[])),
        "target-in-use"
    );
    assert_eq!(code(open(&device.0, true, &[])), "target-is-no-file");

    let mut target = try_open(Some(name), 8 << 20, &[]).unwrap();
    assert_eq!(
        (target.size_bytes(), target.sector_bytes(), target.starts_zeroed()),
        (8 << 20, 4096, false)
    );
    // Exclusively: nobody else gets it now.
    assert_eq!(code(try_open(Some(name), 0, &[])), "busy");
    target.zero_range(4096, 4096).unwrap();
    target.write_all(b"after").unwrap();
    target.forget_cache().unwrap();
    target.finish().unwrap();
    drop(device);
    let bytes = fs::read(&image).unwrap();
    assert_eq!(
        (bytes[4095], &bytes[4096..8192], &bytes[8192..8197]),
        (0xA5, &[0; 4096][..], &b"after"[..])
    );
}

#[test]
fn the_kernel_forgets_partitions_that_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("disk.img");
    File::create_new(&image).unwrap().set_len(16 << 20).unwrap();
    let Some(device) = Loop::attach(&image, &["-P"]) else {
        return;
    };
    // Told to the kernel by hand, since not every kernel reads GPTs.
    let Some(mut addpart) = testkit::tool("addpart") else {
        return;
    };
    testkit::run(addpart.arg(&device.0).args(["1", "2048", "6144"]));
    let name = device.0.file_name().unwrap().to_str().unwrap();
    let partition = Path::new("/sys/block").join(name).join(format!("{name}p1"));
    assert!(partition.exists());
    let request = DeviceRequest {
        path: &device.0,
        erase: image.to_str(),
        need_bytes: 0,
        sources: &[],
    };
    let mut target = Target::open_device(&Host::default(), &request).unwrap();
    gpt::wipe(&mut target, 16 << 20, 512).unwrap();
    assert!(partition.exists());
    // A daemon that looks at new partitions may still have it open.
    let done = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        target.reread_table()
    });
    assert!(done && !partition.exists());
}

#[test]
fn no_device_is_no_target() {
    for path in ["/dev/null", "/etc/hostname", "/dev/no-such-device"] {
        let request = DeviceRequest {
            path: Path::new(path),
            erase: Some("x"),
            need_bytes: 0,
            sources: &[],
        };
        let results = [
            check_target_device(&Host::default(), &request).map(drop),
            Target::open_device(&Host::default(), &request).map(drop),
        ];
        for result in results {
            match result.unwrap_err() {
                Error::Refused { findings, .. } => assert_eq!(findings[0].code, "not-a-device"),
                e => assert_eq!((e.kind(), path), (ErrorKind::NotFound, "/dev/no-such-device")),
            }
        }
    }
}
