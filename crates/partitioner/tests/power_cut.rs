//! Power lost, or a write failed, at every write and flush: never a valid primary table over wrong content.
//!
//! The disk keeps what was flushed. Of what was not, it keeps any sectors, as a real write cache does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::atomic::AtomicBool;

use partitioner::copy::{CopyOptions, CopyTarget, copy_image};
use partitioner::fat32::{Attributes, Content, FatBuilder, FatSpec, FatTime};
use partitioner::gpt::{self, DiskSpec, GptCopy, GptTable, PartitionSize, PartitionSpec};
use partitioner::{Limits, Result, Window};
use uuid::Uuid;

const MIB: u64 = 1 << 20;

/// A disk with a write cache, that dies at one operation.
struct Disk {
    /// What a read sees.
    seen: Cursor<Vec<u8>>,
    /// What is on the medium for sure.
    kept: Vec<u8>,
    cache: Vec<(u64, Vec<u8>)>,
    operations: u64,
    dies_at: u64,
}

impl Disk {
    fn new(bytes: Vec<u8>, dies_at: u64) -> Self {
        Self {
            seen: Cursor::new(bytes.clone()),
            kept: bytes,
            cache: Vec::new(),
            operations: 0,
            dies_at,
        }
    }

    fn step(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.operations >= self.dies_at {
            return Err(io::Error::other("no power"));
        }
        Ok(())
    }

    /// The medium after the power came back: of the cache, any sectors.
    fn after(mut self, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        for (at, bytes) in self.cache {
            for (i, sector) in bytes.chunks(512).enumerate() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Seed 0 keeps everything, else half.
                if seed == 0 || state.is_multiple_of(2) {
                    let at = at as usize + i * 512;
                    self.kept[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
        self.kept
    }
}

impl Read for Disk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seen.read(buffer)
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.seen.seek(to)
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The write that meets the end may still have reached the cache.
        self.cache.push((self.seen.position(), bytes.to_vec()));
        self.step()?;
        self.seen.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.step()?;
        for (at, bytes) in self.cache.drain(..) {
            self.kept[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

impl CopyTarget for Disk {
    fn size_bytes(&self) -> u64 {
        self.kept.len() as u64
    }
    fn sector_bytes(&self) -> Option<u32> {
        Some(512)
    }
    fn starts_zeroed(&self) -> bool {
        false
    }
    fn zero_range(&mut self, first_byte: u64, length_bytes: u64) -> Result<()> {
        let zeros = vec![0; length_bytes as usize];
        self.seek(SeekFrom::Start(first_byte))
            .and_then(|_| self.write_all(&zeros))
            .map_err(|source| partitioner::Error::Io {
                op: "clear",
                at: first_byte,
                source,
            })
    }
    fn forget_cache(&mut self) -> Result<()> {
        Ok(())
    }
    fn durable_bytes(&self) -> u64 {
        0
    }
}

fn table(size_bytes: u64, id: u128) -> GptTable {
    gpt::plan(&DiskSpec {
        disk_guid: Uuid::from_u128(id),
        size_bytes,
        sector_bytes: 512,
        alignment_bytes: MIB,
        partitions: vec![PartitionSpec {
            type_guid: gpt::BASIC_DATA,
            guid: Uuid::from_u128(id + 1),
            size: PartitionSize::Rest { min_bytes: 0 },
            attributes: 0,
            name: "data".into(),
        }],
    })
    .unwrap()
}

/// A disk with an older table and full of older content.
fn old_disk(size_bytes: u64) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0xA5; size_bytes as usize]);
    let old = table(size_bytes, 100);
    old.write_backup(&mut disk).unwrap();
    old.write_primary(&mut disk).unwrap();
    disk.into_inner()
}

/// Runs a job with the power lost at every operation, and looks at what is left.
fn cut_everywhere(size_bytes: u64, job: impl Fn(&mut Disk) -> Result<()>) {
    let old = old_disk(size_bytes);
    let mut whole = Disk::new(old.clone(), u64::MAX);
    job(&mut whole).unwrap();
    let (operations, done) = (whole.operations, whole.kept);
    let part = |disk: &[u8]| disk[MIB as usize..(size_bytes - MIB) as usize].to_vec();
    let (old_part, new_part) = (part(&old), part(&done));
    let mut finished = 0;
    for dies_at in 1..=operations {
        for seed in 0..3 {
            let mut disk = Disk::new(old.clone(), dies_at);
            assert!(job(&mut disk).is_err(), "a failed operation must be reported");
            let left = disk.after(seed * 0x9E37_79B9);
            let Ok(found) = gpt::read(&mut Cursor::new(&left), None, &Limits::default()) else {
                continue;
            };
            let usable = !found.findings.iter().any(|f| f.code == "gpt-no-protective-mbr");
            if found.used == GptCopy::Backup && !usable {
                continue;
            }
            let content = part(&left);
            if found.table.disk_guid == Uuid::from_u128(100) {
                assert!(
                    content == old_part,
                    "old table over new content, cut at {dies_at}, seed {seed}"
                );
            } else {
                assert!(
                    content == new_part,
                    "table before content, cut at {dies_at}, seed {seed}"
                );
                finished += 1;
            }
        }
    }
    assert!(
        finished > 0 && finished < 12,
        "{finished} of the last cuts may find it finished"
    );
}

#[test]
fn a_disk_that_is_built() {
    let size = 38 * MIB;
    let table = table(size, 1);
    let part = table.partitions[0].clone();
    cut_everywhere(size, |disk| {
        gpt::wipe(disk, size, 512)?;
        let mut window = Window::new(&mut *disk, part.first_byte(512), part.size_bytes(512));
        let mut builder = FatBuilder::new(FatSpec {
            size_bytes: part.size_bytes(512),
            sector_bytes: 512,
            hidden_sectors: 2048,
            volume_id: 1,
            label: "X".into(),
            time: FatTime::MIN,
        })?;
        builder.add_file(
            "a/b",
            Content::Bytes(vec![3; 3 << 20]),
            Attributes::NONE,
            FatTime::MIN,
        )?;
        builder.plan()?.write(&mut window, |_| Ok(io::empty()))?;
        table.write_backup(disk)?;
        table.write_primary(disk)
    });
}

#[test]
fn an_image_that_is_copied() {
    let go_on = AtomicBool::new(false);
    for (image_bytes, disk_bytes) in [(6 * MIB, 6 * MIB), (6 * MIB, 8 * MIB)] {
        let mut image = Cursor::new(vec![0; image_bytes as usize]);
        for (at, fill) in [(MIB, 1), (2 * MIB, 2), (4 * MIB, 3)] {
            image.get_mut()[at as usize..(at + MIB / 2) as usize].fill(fill);
        }
        let table = table(image_bytes, 1);
        table.write_backup(&mut image).unwrap();
        table.write_primary(&mut image).unwrap();
        let ranges = [
            0..MIB + MIB / 2,
            2 * MIB..3 * MIB,
            4 * MIB..5 * MIB,
            6 * MIB - 65_536..6 * MIB,
        ];
        for verify in [false, true] {
            cut_everywhere(disk_bytes, |disk| {
                let options = CopyOptions {
                    verify,
                    fit_gpt: true,
                    interrupt: &go_on,
                };
                let mut source = Cursor::new(image.get_ref());
                copy_image(&mut source, &ranges, disk, &options, &mut |_| {}).map(drop)
            });
        }
    }
}
