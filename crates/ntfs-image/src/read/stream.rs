//! The bytes of an attribute as `Read + Seek`.

use std::io::{self, Read, Seek, SeekFrom};

use super::boot::BootSector;
use super::device::Device;
use super::file::{Attribute, NonResident, Value};
use super::lznt1;
use super::runs::{self, Run};
use crate::layout::EFS_SECTOR_BYTES;
use crate::{Error, Limits, Result};

/// Reads the value of one attribute: resident, in clusters, sparse or LZNT1-compressed.
#[derive(Debug)]
pub struct Stream<'v, R> {
    device: &'v mut Device<R>,
    extents: Extents<'v>,
    position: u64,
}

/// The value of an attribute and how its bytes are found.
#[derive(Debug)]
pub(crate) struct Extents<'v> {
    value: Source<'v>,
    size_bytes: u64,
    /// Bytes that were written; the rest are zeros.
    written_bytes: u64,
    cluster_bytes: u64,
    /// Bytes of a compression unit; 0 for an attribute that is not compressed.
    unit_bytes: u64,
    /// The decompressed unit at this offset.
    unit: Option<(u64, Vec<u8>)>,
}

#[derive(Debug)]
enum Source<'v> {
    Bytes(&'v [u8]),
    Clusters(&'v NonResident),
}

impl<'v> Extents<'v> {
    pub(crate) fn new(attribute: &'v Attribute, boot: &BootSector, limits: &Limits) -> Result<Self> {
        let cluster_bytes = u64::from(boot.cluster_bytes);
        let mut unit_bytes = 0;
        let value = match &attribute.value {
            Value::Resident(bytes) => Source::Bytes(bytes),
            Value::NonResident(value) => {
                if attribute.is_compressed() && value.compression_unit != 0 {
                    let (asked, limit) = (value.compression_unit, limits.max_compression_unit_bytes);
                    unit_bytes = cluster_bytes
                        .checked_shl(u32::from(asked))
                        .filter(|&bytes| asked < 32 && bytes <= limit)
                        .ok_or(Error::Limit {
                            what: "compression unit",
                            asked: asked.into(),
                            limit,
                        })?;
                }
                Source::Clusters(value)
            }
        };
        let written_bytes = match value {
            Source::Bytes(bytes) => bytes.len() as u64,
            Source::Clusters(value) => value.initialized_bytes,
        };
        Ok(Self {
            value,
            size_bytes: attribute.size_bytes(),
            written_bytes,
            cluster_bytes,
            unit_bytes,
            unit: None,
        })
    }

    /// The ciphertext of an encrypted value: whole sectors, of which the last goes beyond the value.
    pub(crate) fn of_ciphertext(value: &'v NonResident, boot: &BootSector) -> Self {
        let sectors = |bytes: u64| {
            let whole = bytes.checked_next_multiple_of(EFS_SECTOR_BYTES);
            whole.unwrap_or(u64::MAX).min(value.allocated_bytes)
        };
        Self {
            size_bytes: sectors(value.size_bytes),
            written_bytes: sectors(value.initialized_bytes),
            ..Self::of_clusters(value, boot)
        }
    }

    /// Clusters of a value without an attribute around it.
    pub(crate) fn of_clusters(value: &'v NonResident, boot: &BootSector) -> Self {
        let cluster_bytes = u64::from(boot.cluster_bytes);
        Self {
            value: Source::Clusters(value),
            size_bytes: value.size_bytes,
            written_bytes: value.initialized_bytes,
            cluster_bytes,
            unit_bytes: 0,
            unit: None,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.size_bytes
    }

    /// Reads at `position` until `out` is full or the value ends; returns the bytes read.
    pub(crate) fn read_at<R: Read + Seek>(
        &mut self,
        device: &mut Device<R>,
        position: u64,
        out: &mut [u8],
    ) -> Result<usize> {
        let left = usize::try_from(self.len().saturating_sub(position)).unwrap_or(usize::MAX);
        let wanted = left.min(out.len());
        let out = &mut out[..wanted];
        match self.value {
            Source::Bytes(bytes) => {
                let from = usize::try_from(position).unwrap_or(usize::MAX);
                out.copy_from_slice(
                    bytes
                        .get(from..)
                        .and_then(|b| b.get(..wanted))
                        .unwrap_or_default(),
                );
            }
            Source::Clusters(value) => {
                let written = self.written_bytes.saturating_sub(position);
                let split = usize::try_from(written).unwrap_or(usize::MAX).min(wanted);
                let (stored, zeros) = out.split_at_mut(split);
                zeros.fill(0);
                if self.unit_bytes == 0 {
                    read_clusters(device, &value.runs, self.cluster_bytes, position, stored)?;
                } else {
                    self.read_units(device, value, position, stored)?;
                }
            }
        }
        Ok(wanted)
    }

    fn read_units<R: Read + Seek>(
        &mut self,
        device: &mut Device<R>,
        value: &NonResident,
        mut position: u64,
        mut out: &mut [u8],
    ) -> Result<()> {
        while !out.is_empty() {
            let start = position - position % self.unit_bytes;
            if self.unit.as_ref().is_none_or(|(at, _)| *at != start) {
                let mut buffer = self.unit.take().map(|(_, buffer)| buffer).unwrap_or_default();
                buffer.resize(self.unit_bytes as usize, 0);
                load_unit(device, value, self.cluster_bytes, start, &mut buffer)?;
                self.unit = Some((start, buffer));
            }
            let unit = self
                .unit
                .as_ref()
                .map(|(_, buffer)| buffer.as_slice())
                .unwrap_or_default();
            let from = &unit[(position - start) as usize..];
            let count = from.len().min(out.len());
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&from[..count]);
            (out, position) = (later, position + count as u64);
        }
        Ok(())
    }
}

/// Reads stored bytes; holes are zeros.
fn read_clusters<R: Read + Seek>(
    device: &mut Device<R>,
    runs: &[Run],
    cluster_bytes: u64,
    mut position: u64,
    mut out: &mut [u8],
) -> Result<()> {
    while !out.is_empty() {
        let vcn = position / cluster_bytes;
        let Some(run) = runs::find(runs, vcn) else {
            return Err(Error::Corrupt {
                what: "runs of an attribute",
                at: position,
                found: format!("no run for VCN {vcn}"),
                expected: "runs for the whole value",
            });
        };
        let into = position - run.vcn.saturating_mul(cluster_bytes);
        let in_run = run.clusters.saturating_mul(cluster_bytes).saturating_sub(into);
        let count = usize::try_from(in_run).unwrap_or(usize::MAX).min(out.len());
        let (now, later) = out.split_at_mut(count);
        match run.lcn {
            None => now.fill(0),
            Some(lcn) => {
                let at = lcn.saturating_mul(cluster_bytes).saturating_add(into);
                device.read_at(at, now, "clusters of an attribute")?;
            }
        }
        (out, position) = (later, position + count as u64);
    }
    Ok(())
}

/// Fills `out` with the unit that starts at byte `start`: stored plain, as a hole, or compressed.
fn load_unit<R: Read + Seek>(
    device: &mut Device<R>,
    value: &NonResident,
    cluster_bytes: u64,
    start: u64,
    out: &mut [u8],
) -> Result<()> {
    let first = start / cluster_bytes;
    let clusters = out.len() as u64 / cluster_bytes;
    let mut stored = 0;
    while stored < clusters {
        match runs::find(&value.runs, first + stored) {
            Some(run) if run.lcn.is_some() => stored = (run.vcns().end - first).min(clusters),
            _ => break,
        }
    }
    // A value may end inside its last unit, whose clusters then need not all exist.
    let end = value.runs.last().map_or(0, |run| run.vcns().end);
    out.fill(0);
    if stored == clusters || (stored > 0 && first + stored == end) {
        let bytes = (stored * cluster_bytes) as usize;
        return read_clusters(device, &value.runs, cluster_bytes, start, &mut out[..bytes]);
    }
    let mut packed = vec![0; (stored * cluster_bytes) as usize];
    read_clusters(device, &value.runs, cluster_bytes, start, &mut packed)?;
    lznt1::decompress(&packed, out).ok_or_else(|| Error::Corrupt {
        what: "LZNT1 compression unit",
        at: runs::find(&value.runs, first)
            .and_then(|r| r.lcn)
            .unwrap_or(0)
            .saturating_mul(cluster_bytes),
        found: format!("bad data for offset {start:#x} of the stream"),
        expected: "LZNT1 chunks",
    })
}

impl<'v, R: Read + Seek> Stream<'v, R> {
    pub(crate) fn new(device: &'v mut Device<R>, extents: Extents<'v>) -> Self {
        Self {
            device,
            extents,
            position: 0,
        }
    }

    /// Bytes of the value.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.extents.len()
    }
}

impl<R: Read + Seek> Read for Stream<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self
            .extents
            .read_at(self.device, self.position, out)
            .map_err(into_io)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Stream<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// An [`Error`] as an [`io::Error`]; an error of the source keeps its kind.
pub(crate) fn into_io(error: Error) -> io::Error {
    let kind = match &error {
        Error::Io { source, .. } => source.kind(),
        Error::Truncated { .. } => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}
