//! Transaction logs: the changes that a hive which was not closed cleanly lacks.
//!
//! # Source
//! M. Suhanov, "Windows registry file format specification", sections "Format of transaction log files",
//! "Dirty state of a hive" and "Multiple transaction log files".

mod entries;
mod marvin;
mod vector;

use crate::bytes::{put, u32_at, u64_at};
use crate::header::{Header, checksum};
use crate::layout::{BLOCK_BYTES, base};
use crate::limits::Limits;
use crate::{Error, Result};

/// A hive with the changes from its logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The file of the hive, clean: for [`Hive::read`](crate::Hive::read).
    pub bytes: Vec<u8>,
    /// Log entries applied; an old log (before Windows 8.1) counts as one.
    pub entries_applied: u32,
    /// Pages written over.
    pub pages_applied: u32,
}

impl std::fmt::Debug for Recovered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recovered")
            .field("bytes", &self.bytes.len())
            .field("entries_applied", &self.entries_applied)
            .field("pages_applied", &self.pages_applied)
            .finish()
    }
}

/// Applies transaction logs (`.LOG1`, `.LOG2`, or `.LOG`, in any order) to a hive as Windows does when it
/// loads one that was not closed cleanly. A clean hive comes back as it is.
///
/// # Errors
/// `Dirty` when no log has anything for this hive; `Corrupt`, `Truncated`, `Unsupported` when the hive's
/// header is bad and no log has a good one; `Limit`.
pub fn recover(hive: &[u8], logs: &[&[u8]], limits: &Limits) -> Result<Recovered> {
    let header = match Header::read(hive) {
        Ok(header) if !header.is_dirty() => {
            return Ok(Recovered {
                bytes: hive.to_vec(),
                entries_applied: 0,
                pages_applied: 0,
            });
        }
        header => header,
    };
    let mut logs: Vec<Log<'_>> = logs.iter().filter_map(|bytes| Log::read(bytes)).collect();
    logs.sort_by_key(|log| log.sequence);
    let mut target = Target::new(hive, &header, &logs, limits)?;
    for log in &logs {
        match log.kind {
            LogKind::Entries => target.apply_entries(log.bytes)?,
            LogKind::Vector => target.apply_vector(log)?,
        }
    }
    target.finish()
}

/// A log whose base block is good.
struct Log<'a> {
    bytes: &'a [u8],
    kind: LogKind,
    sequence: u32,
    last_written: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LogKind {
    /// Entries with pages, from Windows 8.1 on.
    Entries,
    /// A bitmap of dirty sectors, before.
    Vector,
}

impl<'a> Log<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let sector = bytes.first_chunk::<512>()?;
        let good = sector.starts_with(base::MAGIC) && u32_at(sector, base::CHECKSUM)? == checksum(sector);
        let primary = u32_at(sector, base::PRIMARY_SEQUENCE)?;
        let kind = match u32_at(sector, base::FILE_TYPE)? {
            1 | 2 => LogKind::Vector,
            6 => LogKind::Entries,
            _ => return None,
        };
        let finished = u32_at(sector, base::SECONDARY_SEQUENCE)? == primary;
        (good && finished).then_some(Self {
            bytes,
            kind,
            sequence: primary,
            last_written: u64_at(sector, base::LAST_WRITTEN)?,
        })
    }
}

/// The hive being recovered.
struct Target {
    bytes: Vec<u8>,
    /// First sequence number that is not applied yet.
    next_sequence: u32,
    last_written: u64,
    max_bytes: u64,
    /// Size of the hive bins after the last entry.
    bins_bytes: u32,
    /// The last entry did not fit: later ones are not for this hive either.
    stopped: bool,
    entries_applied: u32,
    pages_applied: u32,
}

impl Target {
    fn new(hive: &[u8], header: &Result<Header>, logs: &[Log<'_>], limits: &Limits) -> Result<Self> {
        let mut bytes = hive.to_vec();
        let header = match header {
            Ok(header) if header.checksum_holds() => header.clone(),
            other => {
                // The base block itself is torn: take the newest log's copy of it.
                let (Some(log), true) = (logs.last(), bytes.len() >= BLOCK_BYTES) else {
                    return match other {
                        Ok(header) => Err(header.check_checksum().err().unwrap_or(dirty(header))),
                        Err(error) => Err(error.clone()),
                    };
                };
                let sector = log.bytes.get(..512).unwrap_or_default();
                put(&mut bytes, 0, sector);
                put(&mut bytes, base::FILE_TYPE, &0u32.to_le_bytes());
                let mut header = Header::read(&bytes)?;
                // Every entry of the logs is newer than a block that was never finished.
                header.primary_sequence = 0;
                header
            }
        };
        let max_bytes = limits.max_hive_bytes;
        if bytes.len() as u64 > max_bytes {
            return Err(limit(bytes.len() as u64, max_bytes));
        }
        Ok(Self {
            bytes,
            next_sequence: header.primary_sequence,
            last_written: header.last_written,
            max_bytes,
            bins_bytes: header.bins_bytes,
            stopped: false,
            entries_applied: 0,
            pages_applied: 0,
        })
    }

    /// Makes room for hive bins of this size.
    fn resize(&mut self, bins_bytes: u32) -> Result<()> {
        let wanted = u64::from(bins_bytes) + BLOCK_BYTES as u64;
        if wanted > self.max_bytes {
            return Err(limit(wanted, self.max_bytes));
        }
        let wanted = usize::try_from(wanted).map_err(|_| limit(wanted, self.max_bytes))?;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        self.bins_bytes = bins_bytes;
        Ok(())
    }

    /// Writes a page at an offset in the hive bins.
    fn put_page(&mut self, offset: u32, page: &[u8]) -> Option<()> {
        let start = usize::try_from(offset).ok()?.checked_add(BLOCK_BYTES)?;
        let end = start.checked_add(page.len())?;
        self.bytes.get_mut(start..end)?.copy_from_slice(page);
        self.pages_applied += 1;
        Some(())
    }

    fn finish(mut self) -> Result<Recovered> {
        if self.entries_applied == 0 {
            let header = Header::read(&self.bytes)?;
            return Err(dirty(&header));
        }
        put(
            &mut self.bytes,
            base::PRIMARY_SEQUENCE,
            &self.next_sequence.to_le_bytes(),
        );
        put(
            &mut self.bytes,
            base::SECONDARY_SEQUENCE,
            &self.next_sequence.to_le_bytes(),
        );
        put(&mut self.bytes, base::BINS_BYTES, &self.bins_bytes.to_le_bytes());
        let sum = checksum(self.bytes.get(..512).unwrap_or_default());
        put(&mut self.bytes, base::CHECKSUM, &sum.to_le_bytes());
        Ok(Recovered {
            bytes: self.bytes,
            entries_applied: self.entries_applied,
            pages_applied: self.pages_applied,
        })
    }
}

fn dirty(header: &Header) -> Error {
    Error::Dirty {
        primary: header.primary_sequence,
        secondary: header.secondary_sequence,
    }
}

fn limit(asked: u64, limit: u64) -> Error {
    Error::Limit {
        what: "hive size in bytes",
        asked,
        limit,
    }
}
