//! The volume descriptor sequence (ECMA-167, 3/8.4): the prevailing descriptor of each kind.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::osta;
use super::tag;
use super::time;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, ReadOptions, Result, Timestamp};

const WHAT: &str = "UDF volume descriptor";

/// What the sequence says.
#[derive(Clone, Debug)]
pub(super) struct VolumeDescriptors {
    pub(super) primary: Option<PrimaryVolume>,
    pub(super) logical_volume: LogicalVolume,
    /// By partition number.
    pub(super) partitions: BTreeMap<u16, PartitionDescriptor>,
}

/// Primary volume descriptor (3/10.1).
#[derive(Clone, Debug)]
pub(super) struct PrimaryVolume {
    pub(super) volume_id: String,
    pub(super) volume_set_id: String,
    pub(super) application: String,
    pub(super) recorded: Option<Timestamp>,
}

/// Logical volume descriptor (3/10.6).
#[derive(Clone, Debug)]
pub(super) struct LogicalVolume {
    pub(super) at: u64,
    pub(super) id: String,
    pub(super) block_bytes: u32,
    /// UDF revision in BCD: 0x0102 is 1.02.
    pub(super) revision: u16,
    /// Block and partition reference of the file set descriptor.
    pub(super) file_set: (u32, u16),
    /// Block and length of the integrity sequence.
    pub(super) integrity: (u32, u32),
    pub(super) map_count: u32,
    pub(super) maps: Vec<u8>,
}

/// Partition descriptor (3/10.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct PartitionDescriptor {
    /// 1 read-only, 2 write-once, 3 rewritable, 4 overwritable, 0 not said.
    pub(super) access_type: u32,
    pub(super) first_sector: u32,
    pub(super) sectors: u32,
}

/// Reads a sequence, pointers to further extents followed.
pub(super) fn read_sequence<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    sector_bytes: u64,
    first: (u32, u32),
) -> Result<VolumeDescriptors> {
    let mut primary = Prevailing::default();
    let mut logical_volume = Prevailing::default();
    let mut partitions: BTreeMap<u16, Prevailing<PartitionDescriptor>> = BTreeMap::new();
    let mut extent = Some(first);
    let mut read = 0_usize;
    while let Some((first_sector, len)) = extent.take() {
        for index in 0..u64::from(len) / sector_bytes {
            read += 1;
            if read > options.limits.max_descriptors {
                return Err(Error::Limit {
                    what: "UDF volume descriptors",
                    asked: read as u64,
                    limit: options.limits.max_descriptors as u64,
                });
            }
            let sector = u64::from(first_sector) + index;
            let at = sector * sector_bytes;
            let bytes = source.read_vec(WHAT, at, sector_bytes)?;
            let fields = Fields::new(WHAT, at, &bytes);
            // An unrecorded sector ends the sequence, like a terminating descriptor.
            if fields.u16(0)? == 0 || fields.u16(0)? == tag::TERMINATING {
                break;
            }
            let tag = tag::decode(&fields, options.verify_checksums)?;
            if options.verify_checksums && u64::from(tag.location) != sector {
                return Err(Error::corrupt(
                    WHAT,
                    fields.offset(12),
                    format!("tag location {}", tag.location),
                    format!("{sector}"),
                ));
            }
            let order = fields.u32(16)?;
            match tag.identifier {
                tag::PRIMARY_VOLUME => primary.offer(order, primary_volume(&fields)?),
                tag::LOGICAL_VOLUME => logical_volume.offer(order, logical(&fields)?),
                tag::PARTITION => partitions
                    .entry(fields.u16(22)?)
                    .or_default()
                    .offer(order, partition(&fields)?),
                tag::VOLUME_POINTER => extent = Some((fields.u32(24)?, fields.u32(20)?)),
                _ => {}
            }
            if extent.is_some() {
                break;
            }
        }
    }
    let at = u64::from(first.0) * sector_bytes;
    Ok(VolumeDescriptors {
        primary: primary.value,
        logical_volume: logical_volume.value.ok_or_else(|| {
            Error::corrupt(
                "UDF volume descriptor sequence",
                at,
                "no logical volume descriptor",
                "one",
            )
        })?,
        partitions: partitions
            .into_iter()
            .filter_map(|(number, prevailing)| Some((number, prevailing.value?)))
            .collect(),
    })
}

/// Of several descriptors of a kind, the one with the highest sequence number prevails (3/8.4.3).
#[derive(Debug)]
struct Prevailing<T> {
    order: u32,
    value: Option<T>,
}

impl<T> Default for Prevailing<T> {
    fn default() -> Self {
        Self {
            order: 0,
            value: None,
        }
    }
}

impl<T> Prevailing<T> {
    fn offer(&mut self, order: u32, value: T) {
        if self.value.is_none() || order > self.order {
            *self = Self {
                order,
                value: Some(value),
            };
        }
    }
}

fn primary_volume(fields: &Fields<'_>) -> Result<PrimaryVolume> {
    Ok(PrimaryVolume {
        volume_id: osta::decode_dstring(fields.slice(24, 32)?),
        volume_set_id: osta::decode_dstring(fields.slice(72, 128)?),
        application: entity_id(fields.slice(344, 32)?),
        recorded: time::decode(fields.slice(376, 12)?),
    })
}

fn logical(fields: &Fields<'_>) -> Result<LogicalVolume> {
    let block_bytes = fields.u32(212)?;
    if !matches!(block_bytes, 512 | 1024 | 2048 | 4096 | 8192 | 16384 | 32768) {
        return Err(Error::corrupt(
            "UDF logical block size",
            fields.offset(212),
            block_bytes,
            "a power of two from 512 to 32768",
        ));
    }
    let domain = fields.slice(216, 32)?;
    if domain.get(1..20) != Some(b"*OSTA UDF Compliant") {
        return Err(Error::unsupported(
            "UDF logical volume descriptor",
            fields.offset(216),
            format!(
                "the domain \"{}\" (not \"*OSTA UDF Compliant\")",
                entity_id(domain)
            ),
        ));
    }
    let maps_len = fields.u32(264)?;
    Ok(LogicalVolume {
        at: fields.at,
        id: osta::decode_dstring(fields.slice(84, 128)?),
        block_bytes,
        revision: fields.u16(216 + 24)?,
        file_set: (fields.u32(248 + 4)?, fields.u16(248 + 8)?),
        integrity: (fields.u32(436)?, fields.u32(432)?),
        map_count: fields.u32(268)?,
        maps: fields
            .slice(440, usize::try_from(maps_len).unwrap_or(usize::MAX))?
            .to_vec(),
    })
}

fn partition(fields: &Fields<'_>) -> Result<PartitionDescriptor> {
    Ok(PartitionDescriptor {
        access_type: fields.u32(184)?,
        first_sector: fields.u32(188)?,
        sectors: fields.u32(192)?,
    })
}

/// The text of an entity identifier (1/7.4).
pub(super) fn entity_id(bytes: &[u8]) -> String {
    let text = bytes.get(1..24).unwrap_or_default();
    crate::text::trimmed(&crate::text::from_bytes(text))
}
