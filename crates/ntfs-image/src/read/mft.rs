//! Records of the MFT: one by number, or all in order.

use std::io::{Read, Seek};

use super::file::File;
use super::record::Record;
use super::runs;
use super::stream::Extents;
use super::volume::Volume;
use crate::{Error, Result};

/// Bytes of the MFT that are read at a time when records are visited in order.
const WINDOW_BYTES: u64 = 1 << 20;
/// Consecutive records read at once.
#[derive(Debug, Default)]
pub(super) struct Window {
    first: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Volume<R> {
    /// Records in the MFT, in use or not.
    #[must_use]
    pub fn record_count(&self) -> u64 {
        let initialized = self.mft.initialized_bytes.min(self.mft.size_bytes);
        // No more than there is room for: a hole in the MFT holds no records.
        let bytes = initialized.min(self.device.len());
        (bytes / u64::from(self.boot.record_bytes)).min(self.limits.max_records)
    }

    /// Byte offset of a record on the volume; `None` past the end of the MFT or in a hole of it.
    #[must_use]
    pub fn record_offset(&self, number: u64) -> Option<u64> {
        let at = number.checked_mul(u64::from(self.boot.record_bytes))?;
        let cluster = u64::from(self.boot.cluster_bytes);
        let run = runs::find(&self.mft.runs, at / cluster)?;
        let into = at - run.vcn * cluster;
        self.boot.cluster_offset(run.lcn?).checked_add(into)
    }

    /// Reads one record and applies its update sequence.
    ///
    /// # Errors
    /// `NotFound` past the end of the MFT, `Corrupt` for a record that is not one, `Io`.
    pub fn record(&mut self, number: u64) -> Result<Record> {
        let (bytes, at) = self.record_bytes(number)?;
        Record::parse(number, at, bytes)
    }

    /// The bytes of a record as they are stored, and their place.
    pub(crate) fn record_bytes(&mut self, number: u64) -> Result<(Vec<u8>, u64)> {
        let size = self.boot.record_bytes as usize;
        let count = self.record_count();
        let missing = || Error::NotFound {
            what: "MFT record",
            name: format!("{number} of {count}"),
        };
        if number >= count {
            return Err(missing());
        }
        let at = self.record_offset(number).ok_or_else(missing)?;
        let mut bytes = vec![0; size];
        let from = number.checked_sub(self.window.first).map(|n| n as usize * size);
        if let Some(cached) = from.and_then(|from| self.window.bytes.get(from..from + size)) {
            bytes.copy_from_slice(cached);
        } else {
            self.read_mft(number * size as u64, &mut bytes)?;
        }
        Ok((bytes, at))
    }

    /// Reads ahead so that the records from `number` on come out of memory.
    pub(crate) fn prefetch(&mut self, number: u64) {
        let size = u64::from(self.boot.record_bytes);
        let end = self.window.first + self.window.bytes.len() as u64 / size;
        if (self.window.first..end).contains(&number) {
            return;
        }
        let left = self.record_count().saturating_sub(number) * size;
        let mut bytes = std::mem::take(&mut self.window.bytes);
        bytes.resize(left.min(WINDOW_BYTES) as usize, 0);
        // A window that cannot be read is no window: each record is then tried alone.
        if self.read_mft(number * size, &mut bytes).is_err() {
            bytes.clear();
        }
        self.window = Window { first: number, bytes };
    }

    fn read_mft(&mut self, at: u64, out: &mut [u8]) -> Result<()> {
        let mut extents = Extents::of_clusters(&self.mft, &self.boot);
        let read = extents.read_at(&mut self.device, at, out)?;
        if read == out.len() {
            return Ok(());
        }
        Err(Error::Truncated {
            what: "$MFT",
            at,
            need: out.len() as u64,
            have: read as u64,
        })
    }

    pub(super) fn read_record_at(&mut self, number: u64, at: u64) -> Result<Record> {
        let mut bytes = vec![0; self.boot.record_bytes as usize];
        self.device.read_at(at, &mut bytes, "MFT record")?;
        Record::parse(number, at, bytes)
    }

    /// Every file in use, in the order of the MFT. A record that cannot be read gives an `Err`.
    pub fn walk(&mut self) -> Walk<'_, R> {
        Walk {
            volume: self,
            next: 0,
        }
    }
}

/// Iterator of [`Volume::walk`].
#[derive(Debug)]
pub struct Walk<'v, R> {
    volume: &'v mut Volume<R>,
    next: u64,
}

impl<R: Read + Seek> Iterator for Walk<'_, R> {
    type Item = Result<File>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.volume.record_count() {
            let number = self.next;
            self.next += 1;
            self.volume.prefetch(number);
            let (bytes, at) = match self.volume.record_bytes(number) {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            // Records never used are zeros on volumes that Windows formats.
            if bytes.get(..4) == Some(&[0; 4]) {
                continue;
            }
            match Record::parse(number, at, bytes) {
                Ok(record) if !record.is_in_use() || !record.is_base() => {}
                Ok(record) => return Some(self.volume.merge(&record)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}
