//! What `verify` sees beside the bytes of files, and when it stops.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use partitioner::gpt;
use stick::verify::{Expected, verify};
use stick::{Error, Prepared, RunOptions, Seed, Spec};
use wim_apply::apply::TargetError;
use wim_apply::write::{CaptureSource, DirectorySource, WimWriter, WriteControl, WriteOptions};
use wim_apply::{DentryId, Image, ImageInfo, InodeId};

fn create(spec: &Spec) {
    Prepared::new(spec.clone(), &support::options())
        .unwrap()
        .apply(&support::options(), &mut |_| {})
        .unwrap();
}

/// Codes, places and messages.
fn findings(spec: &Spec, seed: Option<u64>) -> Vec<(&'static str, String, String)> {
    let prepared = Prepared::for_comparison(spec.clone(), &support::options()).unwrap();
    let expected = Expected {
        content: Some(&prepared),
        seed: seed.map(Seed),
    };
    let report = verify(spec.target.path(), expected, &support::options(), &mut |_| {}).unwrap();
    report
        .findings
        .into_iter()
        .map(|finding| (finding.code, finding.place, finding.message))
        .collect()
}

/// A stick in `dir`, opened for changes.
fn stick(dir: &Path) -> Option<(Spec, File)> {
    let wim = support::image(dir, "XPRESS")?;
    let spec = support::spec(&wim, dir, 7);
    create(&spec);
    let file = OpenOptions::new().read(true).write(true).open(spec.target.path());
    Some((spec, file.unwrap()))
}

/// The directory entry of `BOOTX64.EFI`, and where it is.
struct BootEntry {
    at: usize,
    bytes: [u8; 32],
}

impl BootEntry {
    fn find(stick: &mut File) -> Self {
        let mut start = vec![0; 64 << 20];
        stick.read_exact(&mut start).unwrap();
        let at = start.windows(11).position(|name| name == b"BOOTX64 EFI").unwrap();
        let bytes = start[at..at + 32].try_into().unwrap();
        Self { at, bytes }
    }

    fn change(&self, stick: &mut File, offset: usize, change: u8) {
        stick.seek(SeekFrom::Start((self.at + offset) as u64)).unwrap();
        stick.write_all(&[self.bytes[offset] ^ change]).unwrap();
    }
}

fn edit_table(path: &Path, edit: impl Fn(&mut gpt::GptTable)) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut table = gpt::read(&mut file, None, &partitioner::Limits::default())
        .unwrap()
        .table;
    edit(&mut table);
    table.write_backup(&mut file).unwrap();
    table.write_primary(&mut file).unwrap();
}

#[test]
fn the_table_and_the_identities_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let spec = support::spec(&wim, dir.path(), 7);
    create(&spec);
    assert_eq!(findings(&spec, Some(7)), []);
    // Without the seed, identities are whatever they are.
    assert_eq!(findings(&spec, None), []);
    let other: Vec<_> = findings(&spec, Some(8)).into_iter().map(|f| (f.0, f.1)).collect();
    let expected = [
        ("gpt-differs", "partition table"),
        ("gpt-differs", "partition 1"),
        ("gpt-differs", "partition 2"),
        ("gpt-differs", "partition 3"),
        ("ntfs", "Windows partition"),
        ("fat", "EFI system partition"),
    ];
    assert_eq!(other, expected.map(|(code, place)| (code, place.to_owned())));

    edit_table(spec.target.path(), |table| {
        table.partitions[0].name = "ESP".to_owned();
        table.partitions[2].attributes = 1 << 60;
    });
    let found = findings(&spec, Some(7));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].2, "name \"ESP\", expected \"EFI system partition\"");
    assert_eq!(found[1].2, "attributes 0x1000000000000000, expected 0x0");
}

#[test]
fn attributes_and_times_of_boot_files_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    let Some((spec, mut file)) = stick(dir.path()) else {
        return;
    };
    let entry = BootEntry::find(&mut file);
    // Attributes, and the date of the last change.
    for (offset, change) in [(11, 2), (24, 1)] {
        entry.change(&mut file, offset, change);
    }
    let found = findings(&spec, Some(7));
    assert_eq!(found.len(), 2, "{found:?}");
    for (found, what) in found.iter().zip(["attributes", "modification time"]) {
        assert_eq!(found.0, "metadata-differs");
        assert!(found.1.eq_ignore_ascii_case("\\EFI\\Boot\\bootx64.efi"));
        assert!(found.2.starts_with(what), "{found:?}");
    }
}

#[test]
fn access_dates_of_boot_files_may_differ_and_without_a_volume_nothing_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let Some((spec, mut file)) = stick(dir.path()) else {
        return;
    };
    let entry = BootEntry::find(&mut file);
    // The low byte of the access date.
    entry.change(&mut file, 18, 1);
    assert_eq!(findings(&spec, Some(7)), []);

    let table = gpt::read(&mut file, None, &partitioner::Limits::default())
        .unwrap()
        .table;
    let windows = table
        .partitions
        .iter()
        .find(|partition| partition.type_guid == gpt::BASIC_DATA)
        .unwrap();
    let sector_bytes = u64::from(table.sector_bytes);
    for lba in [windows.first_lba, windows.last_lba] {
        file.seek(SeekFrom::Start(lba * sector_bytes)).unwrap();
        file.write_all(&vec![0; table.sector_bytes as usize]).unwrap();
    }
    let prepared = Prepared::for_comparison(spec.clone(), &support::options()).unwrap();
    let expected = Expected {
        content: Some(&prepared),
        seed: None,
    };
    let report = verify(spec.target.path(), expected, &support::options(), &mut |_| {}).unwrap();
    assert!(!report.holds());
    assert!(!report.compared_with_source, "{report:?}");
}

/// A folder whose files get DOS names.
struct WithDosNames(DirectorySource);

impl CaptureSource for WithDosNames {
    fn tree(&mut self) -> Result<Image, TargetError> {
        let mut image = self.0.tree()?;
        for (path, dos_name) in [
            ("\\Windows\\System32\\small05.txt", "SMALL0~1.TXT"),
            ("\\Windows\\System32\\large.dll", "not a DOS name"),
            // Two names of one file, of which one may have a DOS name.
            ("\\Windows\\System32\\small03.txt", "SMALL0~3.TXT"),
            ("\\Windows\\linked.txt", "LINKED~1.TXT"),
        ] {
            let DentryId(at) = image.lookup(path)?;
            image.dentries[at as usize].short_name = dos_name.encode_utf16().collect();
        }
        Ok(image)
    }

    fn open(&mut self, inode: InodeId, stream: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        self.0.open(inode, stream)
    }

    fn name_of(&self, inode: InodeId) -> String {
        self.0.name_of(inode)
    }
}

#[test]
fn a_dos_name_that_cannot_be_kept_is_no_finding() {
    let dir = tempfile::tempdir().unwrap();
    if support::image(dir.path(), "XPRESS").is_none() {
        return;
    }
    let wim = dir.path().join("dos.wim");
    let mut file = std::fs::File::create_new(&wim).unwrap();
    let running = AtomicBool::new(false);
    let mut control = WriteControl {
        interrupt: &running,
        progress: &mut |_| {},
    };
    let mut writer = WimWriter::create(&mut file, &WriteOptions::default()).unwrap();
    let mut source = WithDosNames(DirectorySource::new(dir.path().join("tree")));
    writer
        .capture(&mut source, &ImageInfo::default(), &[], &mut control)
        .unwrap();
    writer.finish().unwrap();

    let spec = support::spec(&wim, dir.path(), 7);
    let prepared = Prepared::new(spec.clone(), &support::options()).unwrap();
    let warnings = &prepared.plan.warnings;
    assert!(
        warnings.iter().any(|warning| warning.contains("DOS names")),
        "{warnings:?}"
    );
    let report = prepared.apply(&support::options(), &mut |_| {}).unwrap();
    assert_eq!(report.warnings, Vec::<String>::new(), "said by the plan already");
    assert_eq!(findings(&spec, Some(7)), []);

    // The one that was kept is compared.
    let mut bytes = std::fs::read(spec.target.path()).unwrap();
    let name: Vec<u8> = "SMALL0~1.TXT".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for at in 0..bytes.len() - name.len() {
        if bytes[at..].starts_with(&name) {
            bytes[at + 14] = b'2';
        }
    }
    std::fs::write(spec.target.path(), bytes).unwrap();
    let found = findings(&spec, Some(7));
    assert!(found.iter().any(|f| f.0 == "dos-name-differs"), "{found:?}");
}

#[test]
fn an_interruption_is_heeded_inside_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let Some(wim) = support::image(dir.path(), "LZX") else {
        return;
    };
    let spec = support::spec(&wim, dir.path(), 7);
    create(&spec);
    let prepared = Prepared::for_comparison(spec.clone(), &support::options()).unwrap();
    let expected = Expected {
        content: Some(&prepared),
        seed: None,
    };
    // Before anything is read, and after the first file.
    for at_once in [true, false] {
        let stop = AtomicBool::new(at_once);
        let options = RunOptions {
            interrupt: &stop,
            ..support::options()
        };
        let result = verify(spec.target.path(), expected, &options, &mut |_| {
            stop.store(true, Ordering::Relaxed);
        });
        assert!(matches!(result, Err(Error::Interrupted)), "{result:?}");
    }
}
