//! Jobs over whole images: extraction, verification, boot detection.

use std::fs::File;
use std::io::Cursor;
use std::ops::ControlFlow;

use hadris_udf::UdfRevision;
use iso_loopback::{BootPlatform, ErrorKind, IsoImage, Limits, ReadOptions, View, verify};

use crate::hadris::{bridge, seal};
use crate::tree::{make_folder, read_folder, read_image};

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) -> usize {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len() - from.len())
        .filter(|at| bytes[*at..].starts_with(from))
        .collect();
    for at in &places {
        bytes[*at..*at + to.len()].copy_from_slice(to);
    }
    places.len()
}

#[test]
fn extraction_gives_the_recorded_folder_back() {
    let scratch = tempfile::tempdir().expect("folder");
    let (folder, image, out) = (
        scratch.path().join("in"),
        scratch.path().join("i.iso"),
        scratch.path().join("out"),
    );
    std::fs::create_dir(&folder).expect("folder");
    std::fs::create_dir(&out).expect("folder");
    make_folder(&folder);
    std::os::unix::fs::symlink("/etc/passwd", folder.join("absolute")).expect("link");
    std::os::unix::fs::symlink("sources", folder.join("a-link")).expect("link");
    let Some(mut command) = testkit::tool("xorriso") else {
        return;
    };
    testkit::run(
        command
            .args(["-as", "mkisofs", "-quiet", "-o"])
            .arg(&image)
            .arg(&folder),
    );

    let mut opened = IsoImage::open(File::open(&image).expect("image"), &Limits::default()).expect("open");
    let root = opened.root().expect("root");
    let mut last = 0;
    let done = opened.extract(&root, &out, &mut |bytes| {
        last = bytes;
        ControlFlow::Continue(())
    });
    let done = done.expect("extract");
    assert_eq!(read_folder(&out), read_folder(&folder));
    assert_eq!((done.symlinks, done.bytes), (2, last));
    let modified = |path: &std::path::Path| std::fs::metadata(path).expect("file").modified().expect("time");
    let name = "sources/size 2049.bin";
    let seconds = |path| {
        let since = modified(path)
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970");
        since.as_secs()
    };
    assert_eq!(seconds(&out.join(name)), seconds(&folder.join(name)));

    // What exists is not replaced; one folder alone goes below its name; a stop is a stop.
    let error = opened.extract(&root, &out, &mut go_on).expect_err("exists");
    assert_eq!(error.kind(), ErrorKind::Target);
    let again = scratch.path().join("again");
    std::fs::create_dir(&again).expect("folder");
    let many = opened.lookup("many").expect("many");
    assert_eq!(
        opened.extract(&many, &again, &mut go_on).expect("extract").files,
        200
    );
    assert!(again.join("many/file-199.dat").is_file());
    let size = opened.lookup("sources/size 2048.bin").expect("file");
    let error = opened
        .extract(&size, &again, &mut |_| ControlFlow::Break(()))
        .expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
}

#[test]
fn extraction_never_leaves_the_folder() {
    let scratch = tempfile::tempdir().expect("folder");
    let out = scratch.path().join("out");
    std::fs::create_dir(&out).expect("folder");
    let mut bytes = bridge(UdfRevision::V1_02);
    assert!(replace(&mut bytes, b"readme.txt", b"../../me.t") > 0);
    let mut opened =
        IsoImage::open_view(Cursor::new(&bytes), View::RockRidge, &ReadOptions::default()).expect("open");
    let root = opened.root().expect("root");
    let error = opened.extract(&root, &out, &mut go_on).expect_err("escape");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(std::fs::read_dir(scratch.path()).expect("folder").count(), 1);
}

/// A link and a folder of one name: what is in the folder must not go through the link.
#[test]
fn a_link_and_a_folder_of_one_name_are_refused() {
    let scratch = tempfile::tempdir().expect("folder");
    let (folder, image, out) = (
        scratch.path().join("in"),
        scratch.path().join("i.iso"),
        scratch.path().join("out"),
    );
    let outside = scratch.path().join("outside");
    for folder in [&folder.join("zzzz"), &out, &outside] {
        std::fs::create_dir_all(folder).expect("folder");
    }
    std::fs::write(folder.join("zzzz/planted"), "x").expect("file");
    std::os::unix::fs::symlink(&outside, folder.join("aaaa")).expect("link");
    let Some(mut command) = testkit::tool("xorriso") else {
        return;
    };
    testkit::run(
        command
            .args(["-as", "mkisofs", "-quiet", "-o"])
            .arg(&image)
            .arg(&folder),
    );
    let mut bytes = std::fs::read(&image).expect("image");
    assert!(replace(&mut bytes, b"zzzz", b"aaaa") > 0);
    let mut opened = IsoImage::open(Cursor::new(&bytes), &Limits::default()).expect("open");
    let root = opened.root().expect("root");
    let error = opened
        .extract(&root, &out, &mut go_on)
        .expect_err("two of one name");
    assert!(error.to_string().contains("aaaa twice"), "{error}");
    assert_eq!(std::fs::read_dir(&outside).expect("folder").count(), 0);
}

#[test]
fn verification_reads_all_and_compares_the_sides() {
    let mut bytes = bridge(UdfRevision::V1_02);
    let keep_going = &mut |_, _| ControlFlow::Continue(());
    let report = verify(Cursor::new(&bytes), &ReadOptions::default(), keep_going).expect("verify");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert!(report.differences.is_empty(), "{:?}", report.differences);
    let views: Vec<View> = report.trees.iter().map(|tree| tree.view).collect();
    assert_eq!(views, View::ALL);
    assert_eq!(report.trees[0].files, 86);
    assert_eq!(report.trees[1].missing_files, Some(0));

    // The UDF side of one file is cut: its size, in the file entry of the 70,000-byte file.
    let is_big = |at: &usize| {
        bytes[*at..*at + 2] == 261_u16.to_le_bytes() && bytes[*at + 56..*at + 64] == 70_000_u64.to_le_bytes()
    };
    let at = (0..bytes.len() - 2048)
        .step_by(2048)
        .find(is_big)
        .expect("file entry");
    bytes[at + 56..at + 64].copy_from_slice(&60_000_u64.to_le_bytes());
    seal(&mut bytes, at);
    let report = verify(Cursor::new(&bytes), &ReadOptions::default(), keep_going).expect("verify");
    let difference = report.differences.first().expect("a difference");
    assert_eq!(difference.path, "docs/big.bin");
    assert_eq!(
        (difference.size_bytes, difference.other_size_bytes),
        (60_000, 70_000)
    );
    // And one is damaged beyond reading.
    bytes[at + 60] = 1;
    let report = verify(Cursor::new(&bytes), &ReadOptions::default(), keep_going).expect("verify");
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.error.to_string().contains("CRC"))
    );
    // Its folder, docs, cannot be listed then; all the others are read.
    assert_eq!(report.trees[0].files, 84);
}

#[test]
fn boot_support_of_real_boot_media() {
    for (name, platforms) in [
        (
            "boot-free/ipxe.iso",
            &[BootPlatform::Bios, BootPlatform::Uefi][..],
        ),
        (
            "boot-free/memtest86+x64.iso.xz",
            &[BootPlatform::Bios, BootPlatform::Uefi][..],
        ),
    ] {
        let Some(bytes) = testkit::sample(name) else {
            return;
        };
        let mut image = IsoImage::open(Cursor::new(&bytes), &Limits::default()).expect(name);
        read_image(&mut image).expect(name);
        let support = image.boot_support().expect(name);
        let catalog = support.catalog.as_ref().expect("catalog");
        let found: Vec<BootPlatform> = catalog.entries.iter().map(|entry| entry.platform).collect();
        assert_eq!(found, platforms, "{name}: {support:?}");
        assert!(support.has_mbr, "{name}");
    }
}

#[test]
fn boot_support_names_windows_setup_and_loopback_menus() {
    let scratch = tempfile::tempdir().expect("folder");
    let (folder, image) = (scratch.path().join("in"), scratch.path().join("i.iso"));
    for file in [
        "sources/boot.wim",
        "sources/install.esd",
        "boot/grub/loopback.cfg",
        "efi/boot/bootx64.efi",
    ] {
        std::fs::create_dir_all(folder.join(file).parent().expect("folder")).expect("folder");
        std::fs::write(folder.join(file), "x").expect("file");
    }
    let Some(mut command) = testkit::tool("genisoimage") else {
        return;
    };
    testkit::run(command.args(["-quiet", "-udf", "-o"]).arg(&image).arg(&folder));
    let mut opened = IsoImage::open(File::open(&image).expect("image"), &Limits::default()).expect("open");
    let support = opened.boot_support().expect("support");
    assert_eq!(support.efi_loaders, ["EFI/BOOT/bootx64.efi"]);
    assert_eq!(support.loopback_cfg.as_deref(), Some("boot/grub/loopback.cfg"));
    assert_eq!(support.windows_boot_image.as_deref(), Some("sources/boot.wim"));
    assert_eq!(
        support.windows_install_image.as_deref(),
        Some("sources/install.esd")
    );
    assert!(!support.has_mbr && !support.has_gpt && support.catalog.is_none());
}
