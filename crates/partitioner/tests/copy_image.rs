//! Copying images: sparse files, larger targets, mismatches, interruption, loop devices.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped part is reported")]

use std::fs::{self, File};
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use partitioner::copy::{CopyOptions, CopyPhase, CopyReport, CopyTarget, copy_image, data_ranges};
use partitioner::device::{DeviceRequest, FileRequest, Host, Target};
use partitioner::gpt::{self, DiskSpec, PartitionSize, PartitionSpec};
use partitioner::{Error, ErrorKind, Limits, Result};
use uuid::Uuid;

const MIB: u64 = 1 << 20;
static GO_ON: AtomicBool = AtomicBool::new(false);

fn options() -> CopyOptions<'static> {
    CopyOptions {
        verify: true,
        fit_gpt: true,
        interrupt: &GO_ON,
    }
}

/// A sparse image of 64 MiB with a GPT and a little data in its one partition.
fn image(path: &Path, sector_bytes: u32) -> Vec<u8> {
    let table = gpt::plan(&DiskSpec {
        disk_guid: Uuid::from_u128(1),
        size_bytes: 64 * MIB,
        sector_bytes,
        alignment_bytes: MIB,
        partitions: vec![PartitionSpec {
            type_guid: gpt::BASIC_DATA,
            guid: Uuid::from_u128(2),
            size: PartitionSize::Rest { min_bytes: 0 },
            attributes: 0,
            name: "data".into(),
        }],
    })
    .unwrap();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap();
    file.set_len(64 * MIB).unwrap();
    for (at, length) in [(MIB, 3 * MIB + 17), (40 * MIB, 5000), (50 * MIB + 123_456, 10)] {
        file.seek(SeekFrom::Start(at)).unwrap();
        let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8 + 1).collect();
        file.write_all(&bytes).unwrap();
    }
    table.write_backup(&mut file).unwrap();
    table.write_primary(&mut file).unwrap();
    fs::read(path).unwrap()
}

fn copy_file<T: CopyTarget>(from: &Path, target: &mut T) -> Result<CopyReport> {
    let mut source = File::open(from).unwrap();
    let ranges = data_ranges(&source, source.metadata().unwrap().len())?;
    copy_image(&mut source, &ranges, target, &options(), &mut |_| {})
}

#[test]
fn a_sparse_image_stays_sparse() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a"), folder.path().join("b"));
    let bytes = image(&from, 512);
    let mut source = File::open(&from).unwrap();
    let ranges = data_ranges(&source, 64 * MIB).unwrap();
    let covered: u64 = ranges.iter().map(|r| r.end - r.start).sum();
    assert!(ranges.len() >= 4 && covered < 5 * MIB, "{ranges:?}");
    let request = FileRequest {
        path: &to,
        size_bytes: 64 * MIB,
        force: false,
        sources: &[],
    };
    let mut target = Target::open_file(&Host::default(), &request).unwrap();
    let mut seen = Vec::new();
    let report = copy_image(&mut source, &ranges, &mut target, &options(), &mut |p| {
        seen.push(p);
    })
    .unwrap();
    target.finish().unwrap();
    assert!(fs::read(&to).unwrap() == bytes);
    assert!(fs::metadata(&to).unwrap().blocks() * 512 <= covered + MIB);
    assert_eq!(
        (report.image_bytes, report.zeroed_bytes, report.gpt_moved),
        (64 * MIB, 0, false)
    );
    assert_eq!(report.verified_bytes, report.data_bytes);
    for phase in [CopyPhase::Copy, CopyPhase::Verify] {
        let steps: Vec<_> = seen.iter().filter(|p| p.phase == phase).collect();
        assert!(steps.is_sorted_by_key(|p| p.done_bytes));
        let last = steps.last().unwrap();
        assert_eq!(last.done_bytes, last.total_bytes);
    }
}

/// A medium in memory that was full of something else.
struct Memory {
    bytes: Cursor<Vec<u8>>,
    sector_bytes: u32,
    durable_bytes: u64,
    /// A byte that the medium does not keep.
    bad_byte: Option<usize>,
    writes: Vec<u64>,
    /// How many writes there had been when the old table was said to be gone.
    cleared_after: Option<usize>,
}

impl Memory {
    fn new(size: u64) -> Self {
        Self {
            bytes: Cursor::new(vec![0xA5; size as usize]),
            sector_bytes: 512,
            durable_bytes: 0,
            bad_byte: None,
            writes: Vec::new(),
            cleared_after: None,
        }
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Write for Memory {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.writes.push(self.bytes.position());
        let count = self.bytes.write(buffer)?;
        if let Some(bad) = self.bad_byte {
            self.bytes.get_mut()[bad] = 0xEE;
        }
        self.durable_bytes += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Memory {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.bytes.seek(to)
    }
}

impl CopyTarget for Memory {
    fn size_bytes(&self) -> u64 {
        self.bytes.get_ref().len() as u64
    }
    fn sector_bytes(&self) -> Option<u32> {
        Some(self.sector_bytes)
    }
    fn starts_zeroed(&self) -> bool {
        false
    }
    fn zero_range(&mut self, first_byte: u64, length_bytes: u64) -> Result<()> {
        self.bytes.get_mut()[first_byte as usize..(first_byte + length_bytes) as usize].fill(0);
        self.durable_bytes += length_bytes;
        Ok(())
    }
    fn forget_cache(&mut self) -> Result<()> {
        Ok(())
    }
    fn durable_bytes(&self) -> u64 {
        self.durable_bytes
    }
    fn table_cleared(&mut self) {
        self.cleared_after = Some(self.writes.len());
    }
}

#[test]
fn holes_are_cleared_on_a_device_and_the_head_is_last() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("a");
    let bytes = image(&from, 512);
    let mut target = Memory::new(64 * MIB);
    let report = copy_file(&from, &mut target).unwrap();
    assert!(*target.bytes.get_ref() == bytes);
    assert_eq!(report.verified_bytes, 64 * MIB);
    assert_eq!(*target.writes.last().unwrap(), 0);
    // The wipe of both ends, then nothing at the start until the end.
    assert_eq!(target.cleared_after, Some(2));
    assert_eq!(target.writes.iter().filter(|&&at| at < 8192).count(), 2);
}

#[test]
fn the_table_fits_a_larger_disk() {
    let folder = tempfile::tempdir().unwrap();
    for sector_bytes in [512, 4096] {
        let from = folder.path().join(format!("{sector_bytes}"));
        let bytes = image(&from, sector_bytes);
        let mut target = Memory {
            sector_bytes,
            ..Memory::new(80 * MIB)
        };
        assert!(copy_file(&from, &mut target).unwrap().gpt_moved);
        let disk = target.bytes.into_inner();
        let found = gpt::read(&mut Cursor::new(&disk), Some(sector_bytes), &Limits::default()).unwrap();
        assert_eq!(found.findings, []);
        let old = gpt::read(&mut Cursor::new(&bytes), Some(sector_bytes), &Limits::default()).unwrap();
        assert_eq!(found.table.partitions, old.table.partitions);
        assert_eq!(found.table.size_bytes, 80 * MIB);
        assert!(disk[2 * sector_bytes as usize..64 * MIB as usize] == bytes[2 * sector_bytes as usize..]);
        if sector_bytes == 512 {
            let path = folder.path().join("disk");
            fs::write(&path, &disk).unwrap();
            let Some(mut sgdisk) = testkit::tool("sgdisk") else {
                continue;
            };
            let report = testkit::run(sgdisk.arg("-v").arg(&path));
            let text = String::from_utf8_lossy(&report.stdout).into_owned();
            assert!(text.contains("No problems found"), "{text}");
        }
    }
}

/// An image whose table says something that only its own bytes say: entries elsewhere, junk behind a name.
fn odd_image(path: &Path, which: &str) -> Option<Vec<u8>> {
    let mut bytes = image(path, 512);
    match which {
        "entries elsewhere" => {
            let mut sgdisk = testkit::tool("sgdisk")?;
            testkit::run(sgdisk.args(["-j", "40"]).arg(path));
        }
        "junk after a name" => {
            for (header_lba, entries_lba) in [(1, 2), (64 * 2048 - 1, 64 * 2048 - 33)] {
                let entries = entries_lba * 512;
                bytes[entries + 126] = b'J';
                let entries_crc = crc32(&bytes[entries..entries + 128 * 128]);
                reseal(&mut bytes[header_lba * 512..][..512], 88, entries_crc);
            }
            fs::write(path, &bytes).unwrap();
        }
        "entries of 256 bytes" => {
            let (first, second) = (1024, 1024 + 256);
            for base in [0, (64 * 2048 - 33) * 512 - 1024] {
                bytes.copy_within(base + first..base + first + 128, base + second);
                let slot = &mut bytes[base + second..][..128];
                slot[16] ^= 0xFF;
                let first_lba = 63 * 2048_u64;
                slot[32..40].copy_from_slice(&first_lba.to_le_bytes());
                slot[40..48].copy_from_slice(&(first_lba + 7).to_le_bytes());
                let slot = &mut bytes[base + first..][..128];
                slot[40..48].copy_from_slice(&(first_lba - 1).to_le_bytes());
            }
            for (header_lba, entries_lba) in [(1, 2), (64 * 2048 - 1, 64 * 2048 - 33)] {
                let entries = entries_lba * 512;
                let entries_crc = crc32(&bytes[entries..entries + 64 * 256]);
                let header = &mut bytes[header_lba * 512..][..512];
                header[80..84].copy_from_slice(&64_u32.to_le_bytes());
                header[84..88].copy_from_slice(&256_u32.to_le_bytes());
                reseal(header, 88, entries_crc);
            }
            fs::write(path, &bytes).unwrap();
        }
        _ => panic!("{which}"),
    }
    Some(fs::read(path).unwrap())
}

/// Puts a value into a GPT header, and its checksum right.
fn reseal(header: &mut [u8], at: usize, value: u32) {
    header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    header[16..20].fill(0);
    let crc = crc32(&header[..92]);
    header[16..20].copy_from_slice(&crc.to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_table_with_bytes_of_its_own_is_copied_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for which in ["entries elsewhere", "junk after a name", "entries of 256 bytes"] {
        let from = folder.path().join(which);
        let Some(bytes) = odd_image(&from, which) else {
            continue;
        };
        let old = gpt::read(&mut Cursor::new(&bytes), None, &Limits::default()).unwrap();
        assert_eq!(old.findings, [], "{which}");
        let mut target = Memory::new(80 * MIB);
        let report = copy_file(&from, &mut target).unwrap();
        let disk = target.bytes.into_inner();
        let new = gpt::read(&mut Cursor::new(&disk), None, &Limits::default()).unwrap();
        assert_eq!(
            (new.used, &new.table.partitions),
            (gpt::GptCopy::Primary, &old.table.partitions),
            "{which}: {:?}",
            new.findings
        );
        assert!(disk[..64 * MIB as usize] == bytes, "{which}");
        assert!(!report.gpt_moved && report.gpt_kept.unwrap().code == "gpt-other-layout");
    }
    let from = folder.path().join("unsound");
    let mut bytes = image(&from, 512);
    bytes[64 * MIB as usize - 500] ^= 1;
    fs::write(&from, &bytes).unwrap();
    let mut target = Memory::new(80 * MIB);
    let report = copy_file(&from, &mut target).unwrap();
    assert!(!report.gpt_moved && report.gpt_kept.unwrap().code == "gpt-unsound");
    assert!(target.bytes.into_inner()[..64 * MIB as usize] == bytes);
}

#[test]
fn a_disk_larger_by_a_few_sectors_is_no_mismatch() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("a");
    image(&from, 512);
    for more in [512, 16 * 512, 33 * 512, 34 * 512] {
        let mut target = Memory::new(64 * MIB + more);
        assert!(copy_file(&from, &mut target).unwrap().gpt_moved, "{more}");
        let mut disk = Cursor::new(target.bytes.into_inner());
        let found = gpt::read(&mut disk, None, &Limits::default()).unwrap();
        assert_eq!(
            (found.findings, found.table.size_bytes),
            (vec![], 64 * MIB + more)
        );
    }
}

#[test]
fn what_cannot_work_is_refused_before_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("a");
    image(&from, 512);
    let mut small = Memory::new(63 * MIB);
    assert_eq!(
        copy_file(&from, &mut small).unwrap_err().kind(),
        ErrorKind::NoSpace
    );
    let mut large_sectors = Memory {
        sector_bytes: 4096,
        ..Memory::new(64 * MIB)
    };
    let error = copy_file(&from, &mut large_sectors).unwrap_err();
    assert!(error.to_string().contains("sectors of 512"), "{error}");
    for target in [small, large_sectors] {
        assert!(target.writes.is_empty() && target.bytes.get_ref().iter().all(|&b| b == 0xA5));
    }
}

#[test]
fn a_medium_that_forgets_gets_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("a");
    image(&from, 512);
    for bad in [MIB + 5, 20 * MIB, 40 * MIB + 7, 64 * MIB - 3] {
        let mut target = Memory {
            bad_byte: Some(bad as usize),
            ..Memory::new(64 * MIB)
        };
        let Err(Error::Mismatch { at, .. }) = copy_file(&from, &mut target) else {
            panic!("{bad} must be noticed");
        };
        assert_eq!(at, bad);
        assert!(target.bytes.get_ref()[..8192].iter().all(|&b| b == 0));
    }
}

#[test]
fn an_interrupted_copy_leaves_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("a");
    image(&from, 512);
    for stop_after in [1, 4, 9, 100] {
        let mut source = File::open(&from).unwrap();
        let ranges = data_ranges(&source, 64 * MIB).unwrap();
        let interrupt = AtomicBool::new(false);
        let options = CopyOptions {
            interrupt: &interrupt,
            ..options()
        };
        let mut target = Memory::new(64 * MIB);
        let mut calls = 0;
        let result = copy_image(&mut source, &ranges, &mut target, &options, &mut |_| {
            calls += 1;
            interrupt.store(calls >= stop_after, std::sync::atomic::Ordering::Relaxed);
        });
        if calls >= stop_after {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Interrupted);
            assert!(target.bytes.get_ref()[..8192].iter().all(|&b| b == 0));
        }
    }
}

#[test]
fn a_loop_device_gets_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let (from, disk) = (folder.path().join("a"), folder.path().join("disk"));
    let bytes = image(&from, 512);
    fs::write(&disk, vec![0xA5; 70 << 20]).unwrap();
    let Some(mut losetup) = testkit::tool("losetup") else {
        return;
    };
    let output = losetup.args(["-f", "--show"]).arg(&disk).output().unwrap();
    if !output.status.success() {
        eprintln!(
            "SKIPPED: no loop device: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let device = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let done = std::panic::catch_unwind(|| {
        let sources = [from.clone()];
        let request = DeviceRequest {
            path: Path::new(&device),
            erase: disk.to_str(),
            need_bytes: 64 * MIB,
            sources: &sources,
        };
        let mut target = Target::open_device(&Host::default(), &request).unwrap();
        let report = copy_file(&from, &mut target).unwrap();
        target.finish().unwrap();
        report
    });
    testkit::run(testkit::tool("losetup").unwrap().arg("-d").arg(&device));
    let report = done.unwrap();
    assert!(report.gpt_moved && report.zeroed_bytes > 50 * MIB);
    let written = fs::read(&disk).unwrap();
    assert!(written[1024..64 << 20] == bytes[1024..]);
    let found = gpt::read(&mut Cursor::new(&written), None, &Limits::default()).unwrap();
    assert_eq!((found.findings.len(), found.table.size_bytes), (0, 70 * MIB));
}
