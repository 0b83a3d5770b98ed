//! Fuzz targets: gpt, fat.

use std::io::{Cursor, Read};

use partitioner::{Limits, fat32, gpt, mbr};

/// Body of the target `gpt`: GPT of either sector size, MBR, and what is read must encode again where it keeps the
/// rules.
pub fn gpt(data: &[u8]) {
    gpt_as_it_is(data);
    // Random bytes never carry the right checksums: with them put right, the rest of the reader is reached.
    for sector in [512, 4096] {
        let mut fixed = data.to_vec();
        if fix_checksums(&mut fixed, sector).is_some() {
            gpt_as_it_is(&fixed);
        }
    }
}

/// Puts the checksums of the primary table right; `None` where there is no room for one.
fn fix_checksums(disk: &mut [u8], sector: usize) -> Option<()> {
    let u32_at = |disk: &[u8], at: usize| disk.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    disk.get_mut(sector..sector + 8)?.copy_from_slice(b"EFI PART");
    let header_bytes = u32_at(disk, sector + 12)?.clamp(92, 512) as usize;
    let first = (u32_at(disk, sector + 72)? as usize).checked_mul(sector)?;
    let array_bytes =
        (u32_at(disk, sector + 80)? as usize).checked_mul(u32_at(disk, sector + 84)? as usize)?;
    let array = disk.get(first..first.checked_add(array_bytes)?)?;
    let array_crc = crc32fast::hash(array);
    disk.get_mut(sector + 88..sector + 92)?
        .copy_from_slice(&array_crc.to_le_bytes());
    disk.get_mut(sector + 16..sector + 20)?.fill(0);
    let header_crc = crc32fast::hash(disk.get(sector..sector + header_bytes)?);
    disk.get_mut(sector + 16..sector + 20)?
        .copy_from_slice(&header_crc.to_le_bytes());
    Some(())
}

fn gpt_as_it_is(data: &[u8]) {
    let limits = Limits::default();
    for sector_bytes in [None, Some(512), Some(4096)] {
        if let Ok(found) = gpt::read(&mut Cursor::new(data), sector_bytes, &limits) {
            for p in &found.table.partitions {
                let _ = (p.sector_count(), p.first_byte(4096), p.size_bytes(4096));
            }
            let _ = found.table.check_alignment(gpt::DEFAULT_ALIGNMENT_BYTES);
            // A table may keep every rule for partitions and still have usable bounds that no encoder takes.
            let _ = found.table.encode();
        }
    }
    for sector_bytes in [512, 4096] {
        let _ = mbr::read(&mut Cursor::new(data), sector_bytes, &limits);
    }
}

/// Body of the target `fat`: every public reader of a volume. The input is the head of a volume of 40 MiB, so that
/// small inputs can be large volumes.
pub fn fat(data: &[u8]) {
    const VOLUME_BYTES: u64 = 40 << 20;
    let limits = Limits {
        max_fat_entries: 10_000,
        ..Limits::default()
    };
    let Ok(mut volume) = fat32::open(Sparse::new(data, VOLUME_BYTES), limits) else {
        return;
    };
    let _ = volume.info();
    let _ = volume.count_free_clusters();
    let _ = volume.check();
    let mut entries = Vec::new();
    let _ = volume.walk(|path, entry| {
        if entries.len() < 20 {
            entries.push((path.to_owned(), entry.clone()));
        }
        Ok(())
    });
    for (path, entry) in entries {
        let _ = volume.entry(&path);
        let _ = volume.list(&path);
        if let Ok(file) = volume.open_file(&entry) {
            let _ = std::io::copy(&mut file.take(1 << 16), &mut std::io::sink());
        }
    }
}

/// The input, then zeros up to a length.
struct Sparse<'a> {
    data: &'a [u8],
    length: u64,
    position: u64,
}

impl<'a> Sparse<'a> {
    fn new(data: &'a [u8], length: u64) -> Self {
        Self {
            data,
            length: length.max(data.len() as u64),
            position: 0,
        }
    }
}

impl Read for Sparse<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let start = usize::try_from(self.position).map_or(self.data.len(), |p| p.min(self.data.len()));
        let known = &self.data[start..];
        let from_data = known.len().min(count);
        buffer[..from_data].copy_from_slice(&known[..from_data]);
        buffer[from_data..count].fill(0);
        self.position += count as u64;
        Ok(count)
    }
}

impl std::io::Seek for Sparse<'_> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            std::io::SeekFrom::Start(at) => Some(at),
            std::io::SeekFrom::End(by) => self.length.checked_add_signed(by),
            std::io::SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
