//! Images that genisoimage, xorriso and mkudffs write here and now.

use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use iso_loopback::{BootMedia, BootPlatform, Entry, EntryKind, Error, IsoImage, Limits, ReadOptions, View};

use crate::tree::{Node, Paths, make_folder, read_folder, read_image};

/// A folder to record, and the place for the image.
fn prepare() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let scratch = tempfile::tempdir().expect("folder");
    let (folder, image) = (scratch.path().join("in"), scratch.path().join("image.iso"));
    std::fs::create_dir(&folder).expect("folder");
    make_folder(&folder);
    (scratch, folder, image)
}

fn genisoimage(options: &[&str], folder: &Path, image: &Path) -> Option<()> {
    let mut command = testkit::tool("genisoimage")?;
    command.args(["-quiet", "-input-charset", "utf-8"]).args(options);
    testkit::run(command.arg("-o").arg(image).arg(folder));
    Some(())
}

fn read_view(image: &Path, view: View) -> Paths {
    let file = File::open(image).expect("image");
    let mut image = IsoImage::open_view(file, view, &ReadOptions::default()).expect("image");
    assert_eq!(image.view(), view);
    read_image(&mut image).expect("tree")
}

#[test]
fn each_side_of_a_genisoimage_bridge_equals_the_folder() {
    let (_scratch, folder, image) = prepare();
    std::os::unix::fs::symlink("sources/empty", folder.join("link")).expect("link");
    let options = ["-udf", "-J", "-joliet-long", "-R", "-D", "-V", "BRIDGE"];
    if genisoimage(&options, &folder, &image).is_none() {
        return;
    }
    let expected = read_folder(&folder);
    assert_eq!(read_view(&image, View::RockRidge), expected);
    // The other sides have no links (an empty file stands for one) and no characters beyond the basic plane.
    let mut expected = expected;
    expected.insert("link".to_owned(), Node::File(Vec::new()));
    for view in [View::Udf, View::Joliet] {
        let mut ours = read_view(&image, view);
        let smiley = ours
            .keys()
            .find(|name| name.starts_with("Žluť"))
            .cloned()
            .expect("name");
        let node = ours.remove(&smiley).expect("node");
        ours.insert("Žluťoučký kůň 😀.txt".to_owned(), node);
        assert_eq!(
            ours.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "{view}"
        );
        assert!(ours == expected, "{view}: bytes differ");
    }
}

#[test]
fn relocated_directories_are_found_at_their_true_place() {
    let (_scratch, folder, image) = prepare();
    if genisoimage(&["-R"], &folder, &image).is_none() {
        return;
    }
    let mut ours = read_view(&image, View::RockRidge);
    // The folder for relocated directories is left, empty.
    assert_eq!(ours.remove("rr_moved"), Some(Node::Directory));
    assert_eq!(ours, read_folder(&folder));
}

#[test]
fn xorriso_images_with_boot_entries_are_read() {
    let (_scratch, folder, image) = prepare();
    std::fs::write(folder.join("bios.img"), vec![1; 4096]).expect("file");
    std::fs::write(folder.join("efi.img"), vec![2; 8192]).expect("file");
    let Some(mut command) = testkit::tool("xorriso") else {
        return;
    };
    command.args([
        "-as",
        "mkisofs",
        "-quiet",
        "-J",
        "-joliet-long",
        "-b",
        "bios.img",
        "-no-emul-boot",
    ]);
    command.args([
        "-boot-load-size",
        "4",
        "-eltorito-alt-boot",
        "-e",
        "efi.img",
        "-no-emul-boot",
    ]);
    testkit::run(command.arg("-V").arg("BOOT").arg("-o").arg(&image).arg(&folder));

    let mut expected = read_folder(&folder);
    let mut ours = read_view(&image, View::RockRidge);
    assert!(ours.remove("boot.catalog").is_some());
    assert_eq!(ours, expected);

    let mut opened = IsoImage::open(File::open(&image).expect("image"), &Limits::default()).expect("image");
    assert_eq!(opened.volume_info().label, "BOOT");
    let catalog = opened.boot_catalog().expect("catalog").expect("boot record");
    let [bios, efi] = catalog.entries.as_slice() else {
        panic!("{catalog:?}");
    };
    assert_eq!(
        (bios.platform, bios.media),
        (BootPlatform::Bios, BootMedia::NoEmulation)
    );
    assert!(bios.bootable);
    assert_eq!(bios.load_sectors, 4);
    assert_eq!((efi.platform, efi.load_sectors), (BootPlatform::Uefi, 16));
    let entry = opened.lookup("efi.img").expect("efi.img");
    let extents = opened.extents(&entry).expect("extents");
    assert_eq!(extents[0].image_offset, Some(efi.image_offset));
    expected.clear();
}

#[test]
fn lookup_finds_and_names_what_is_missing() {
    let (_scratch, folder, image) = prepare();
    if genisoimage(&["-udf", "-R", "-D"], &folder, &image).is_none() {
        return;
    }
    for view in [View::Udf, View::RockRidge] {
        let file = File::open(&image).expect("image");
        let mut opened = IsoImage::open_view(file, view, &ReadOptions::default()).expect("image");
        let entry = opened.lookup("/sources//size 2049.bin").expect("exact");
        assert_eq!((entry.size_bytes, entry.kind.clone()), (2049, EntryKind::File));
        let other_case = opened
            .lookup_ignore_case("SOURCES/Size 2049.BIN")
            .expect("ignoring case");
        assert_eq!(entry, other_case);
        let error = opened.lookup("SOURCES/size 2049.bin").expect_err("exact only");
        assert!(
            matches!(&error, Error::NotFound { name, .. } if name == "SOURCES"),
            "{error}"
        );
        let error = opened
            .lookup_ignore_case("sources/install.wim")
            .expect_err("missing");
        assert_eq!(
            error.to_string(),
            "path in the image not found: sources/install.wim"
        );
        assert!(entry.modified.is_some());
        let folder_entry: Entry = opened.lookup("sources").expect("folder");
        assert!(opened.open_file(&folder_entry).is_err());
        assert!(opened.read_dir(&entry).is_err());
        let mut owned = opened.into_file(&entry).expect("file");
        assert_eq!(
            std::io::copy(&mut owned, &mut std::io::sink()).expect("copy"),
            2049
        );
    }
}

/// Volumes that mkudffs formats: every media type that it knows, in each block size that fits.
#[test]
fn mkudffs_volumes_open_empty() {
    let scratch = tempfile::tempdir().expect("folder");
    let cases = [
        ("hd", "1.02", 512, "physical"),
        ("hd", "2.01", 4096, "physical"),
        ("hd", "2.00", 1024, "physical"),
        ("dvd", "1.50", 2048, "physical"),
        ("dvdram", "2.01", 2048, "physical"),
        ("cdrw", "1.50", 2048, "sparable"),
        ("dvdrw", "2.01", 2048, "sparable"),
        ("cdr", "1.50", 2048, "virtual"),
        ("dvdr", "2.01", 2048, "virtual"),
        ("bdr", "2.50", 2048, "physical"),
        ("bdr", "2.60", 2048, "physical"),
    ];
    for (media, revision, block_bytes, partition) in cases {
        let Some(command) = testkit::tool("mkudffs") else {
            return;
        };
        let image = scratch
            .path()
            .join(format!("{media}-{revision}-{block_bytes}.img"));
        let blocks = 64 * 1024 * 1024 / u64::from(block_bytes as u32);
        mkudffs(command, media, revision, block_bytes, blocks, &image);
        let file = File::open(&image).expect("image");
        let mut opened = IsoImage::open(file, &Limits::default()).unwrap_or_else(|error| {
            panic!("{media} {revision} {block_bytes}: {error}");
        });
        let info = opened.volume_info();
        let udf = info.udf.expect("UDF");
        assert_eq!(format!("{}.{:02}", udf.revision.0, udf.revision.1), revision);
        assert_eq!(info.block_bytes, block_bytes as u32, "{media} {revision}");
        assert_eq!(info.label, "Ünï 😀");
        assert!(
            udf.partitions.contains(&partition),
            "{media} {revision}: {:?}",
            udf.partitions
        );
        let mut found = read_image(&mut opened).expect("tree");
        found.remove("lost+found");
        // mkudffs lists the sparing tables' place as a file.
        found.remove("Non-Allocatable Space");
        assert!(found.is_empty(), "{found:?}");
    }
}

fn mkudffs(mut command: Command, media: &str, revision: &str, block_bytes: i32, blocks: u64, image: &Path) {
    command.args(["--utf8", "--new-file", "--label=Ünï 😀"]);
    command
        .arg(format!("--media-type={media}"))
        .arg(format!("--udfrev={revision}"));
    command.arg(format!("--blocksize={block_bytes}"));
    testkit::run(command.arg(image).arg(blocks.to_string()));
}

#[test]
fn what_is_no_image_is_named() {
    let refused = |bytes: Vec<u8>| {
        let error = IsoImage::open(Cursor::new(bytes), &Limits::default()).expect_err("no image");
        error.to_string()
    };
    assert!(refused(Vec::new()).contains("0 bytes"));
    assert!(refused(vec![0; 1 << 20]).contains("no CD001 or NSR"));
    let (_scratch, folder, image) = prepare();
    if genisoimage(&[], &folder, &image).is_none() {
        return;
    }
    let mut raw = Vec::new();
    for sector in std::fs::read(&image).expect("image").chunks(2048) {
        raw.extend([0; 16]);
        raw.extend(sector);
        raw.extend([0; 288]);
    }
    assert!(refused(raw).contains("raw 2352-byte sectors"));
}
