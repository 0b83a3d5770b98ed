//! Solid resources: many blobs, one after the other, compressed as one.

use std::collections::BTreeMap;

use super::container::changed;
use super::pack::{Packed, Packer};
use super::tail::Tail;
use super::{Compression, WriteOptions};
use crate::codec::Codec;
use crate::layout::{
    BlobEntry, ResourceHeader, SOLID_RESOURCE_MAGIC, SolidFormat, SolidHeader, resource_flag,
};
use crate::{Error, Result};

/// The solid resources of a file. They are one run of the blob table: offsets of blobs count from the first on.
#[derive(Debug, Default)]
pub(super) struct Solid {
    /// Entries of the table, in the order of the run.
    pub(super) resources: Vec<BlobEntry>,
    /// Uncompressed bytes of all of them.
    size_bytes: u64,
    writer: Option<SolidWriter>,
}

/// The resource that is being written: room for its table, then chunks as they are compressed.
#[derive(Debug)]
struct SolidWriter {
    packer: Packer,
    header: SolidHeader,
    /// Place of the resource.
    start: u64,
    /// Uncompressed bytes so far.
    done_bytes: u64,
    /// Stored size of each chunk.
    table: Vec<u8>,
    buffer: Vec<u8>,
    /// Number of the job that is written next.
    next: u64,
    ready: BTreeMap<u64, Packed>,
}

impl Solid {
    /// A resource that is there.
    pub(super) fn add(&mut self, offset: u64, stored_bytes: u64, size_bytes: u64) -> Result<()> {
        let sum = self.size_bytes.checked_add(size_bytes);
        self.size_bytes = sum.ok_or_else(|| Error::Corrupt {
            what: "solid resource",
            at: offset,
            found: format!(
                "a size of {size_bytes:#x} bytes, after others of {:#x}",
                self.size_bytes
            ),
            expected: "sizes whose sum has 64 bits",
        })?;
        self.resources.push(BlobEntry {
            resource: ResourceHeader {
                stored_bytes,
                flags: resource_flag::SOLID,
                offset,
                size_bytes: SOLID_RESOURCE_MAGIC,
            },
            part_number: 1,
            reference_count: 1,
            ..BlobEntry::default()
        });
        Ok(())
    }

    /// Uncompressed bytes of all resources that are there: where those of the next one begin.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// How the table states the place of a blob.
    pub(super) fn place_of(offset: u64, size_bytes: u64) -> ResourceHeader {
        ResourceHeader {
            stored_bytes: size_bytes,
            flags: resource_flag::SOLID,
            offset,
            size_bytes: 0,
        }
    }

    /// Begins a resource of so many bytes, which follow through [`Solid::data`]; reading them takes `reading_bytes` of
    /// memory. Nothing else may be written until its end.
    pub(super) fn begin(
        &mut self,
        tail: &mut Tail<'_>,
        size_bytes: u64,
        (compression, chunk_bytes): (Compression, u32),
        reading_bytes: u64,
        options: &WriteOptions,
    ) -> Result<()> {
        let (codec, format) = match compression {
            Compression::None => return Ok(()),
            Compression::Xpress => (Codec::Xpress, SolidFormat::Xpress),
            Compression::Lzx => (Codec::Lzx, SolidFormat::Lzx),
            Compression::Lzms => (Codec::Lzms, SolidFormat::Lzms),
        };
        let packer = Packer::new(codec, chunk_bytes, size_bytes, reading_bytes, options)?;
        let start = tail.position();
        let table_bytes = 4 * size_bytes.div_ceil(chunk_bytes.into());
        tail.seek(start + SolidHeader::SIZE as u64 + table_bytes)?;
        self.writer = Some(SolidWriter {
            next: packer.next_sequence(),
            packer,
            header: SolidHeader {
                size_bytes,
                chunk_bytes,
                format,
            },
            start,
            done_bytes: 0,
            table: Vec::new(),
            buffer: Vec::new(),
            ready: BTreeMap::new(),
        });
        Ok(())
    }

    /// Where the next byte goes, as [`Solid::place_of`] takes it; `None` when no resource is being written.
    pub(super) fn position(&self) -> Option<u64> {
        let writer = self.writer.as_ref()?;
        Some(self.size_bytes.saturating_add(writer.done_bytes))
    }

    /// The next bytes.
    pub(super) fn data(&mut self, tail: &mut Tail<'_>, bytes: &[u8]) -> Result<()> {
        match &mut self.writer {
            Some(writer) => writer.data(tail, bytes),
            None => Ok(()),
        }
    }

    /// Ends the resource.
    pub(super) fn end(&mut self, tail: &mut Tail<'_>) -> Result<()> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        writer.end(tail)?;
        self.add(
            writer.start,
            tail.position() - writer.start,
            writer.header.size_bytes,
        )
    }
}

impl SolidWriter {
    fn data(&mut self, tail: &mut Tail<'_>, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let left = self.header.size_bytes - self.done_bytes;
            let room = (self.packer.job_bytes() - self.buffer.len()) as u64;
            if self.buffer.is_empty() {
                self.buffer.reserve_exact(room.min(left) as usize);
            }
            let count = room.min(left).min(bytes.len() as u64) as usize;
            if count == 0 {
                return Err(changed(self.header.size_bytes));
            }
            let (now, later) = bytes.split_at(count);
            self.buffer.extend_from_slice(now);
            self.done_bytes += count as u64;
            bytes = later;
            if self.buffer.len() == self.packer.job_bytes() {
                self.send(tail)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, tail: &mut Tail<'_>) -> Result<()> {
        self.packer.send(std::mem::take(&mut self.buffer), false)?;
        while self.under_way() > self.packer.max_jobs() {
            self.receive(tail)?;
        }
        Ok(())
    }

    fn under_way(&self) -> u64 {
        self.packer.next_sequence() - self.next
    }

    fn receive(&mut self, tail: &mut Tail<'_>) -> Result<()> {
        let packed = self.packer.receive()?;
        self.ready.insert(packed.sequence, packed);
        while let Some(packed) = self.ready.remove(&self.next) {
            self.next += 1;
            packed
                .sizes
                .iter()
                .for_each(|size| self.table.extend(size.to_le_bytes()));
            tail.write(&packed.output)?;
        }
        Ok(())
    }

    fn end(&mut self, tail: &mut Tail<'_>) -> Result<()> {
        if self.done_bytes != self.header.size_bytes {
            return Err(changed(self.header.size_bytes));
        }
        if !self.buffer.is_empty() {
            self.send(tail)?;
        }
        while self.under_way() > 0 {
            self.receive(tail)?;
        }
        let mut front = self.header.encode().to_vec();
        front.append(&mut self.table);
        tail.write_at(self.start, &front)
    }
}
