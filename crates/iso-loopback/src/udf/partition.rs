//! Partition maps (ECMA-167, 3/10.7 and UDF 2.60, 2.2.8 to 2.2.10): from a block of a partition to bytes of the image.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::tag;
use super::volume_descriptors::{LogicalVolume, VolumeDescriptors, entity_id};
use crate::extent::push_extent;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, Extent, ReadOptions, Result};

const WHAT: &str = "UDF partition map";

/// How the blocks of one partition reference are found.
#[derive(Clone, Debug)]
pub(super) enum Partition {
    /// Type 1: a run of sectors. Offset and length in bytes.
    Physical { start: u64, len: u64 },
    /// Defective packets are stored elsewhere. Packet size in bytes, and the true place by the packet's offset.
    Sparable {
        start: u64,
        len: u64,
        packet_bytes: u64,
        spared: BTreeMap<u64, u64>,
    },
    /// Virtual block to block of the partition reference `inner` (the virtual allocation table).
    Virtual { inner: u16, table: Vec<u32> },
    /// Metadata partition: the content of a file (the metadata file, or its mirror).
    Metadata { extents: Vec<Extent> },
}

/// A map whose table lies in another partition and is read once that one is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deferred {
    Virtual {
        inner: u16,
    },
    Metadata {
        inner: u16,
        file_block: u32,
        mirror_block: u32,
    },
}

impl Partition {
    /// Short name for people.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Physical { .. } => "physical",
            Self::Sparable { .. } => "sparable",
            Self::Virtual { .. } => "virtual",
            Self::Metadata { .. } => "metadata",
        }
    }
}

/// The decoded maps, by partition reference.
#[derive(Debug)]
pub(super) struct Maps {
    pub(super) partitions: Vec<Partition>,
    /// Those that are still empty, by their index in `partitions`.
    pub(super) deferred: Vec<(usize, Deferred)>,
}

/// Decodes the maps. A virtual or metadata map gives an empty partition and an entry in the second list.
pub(super) fn decode_maps<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    descriptors: &VolumeDescriptors,
    sector_bytes: u64,
) -> Result<Maps> {
    let volume = &descriptors.logical_volume;
    let mut rest = Fields::new(WHAT, volume.at + 440, &volume.maps);
    let mut partitions = Vec::new();
    let mut deferred = Vec::new();
    let mut numbers = Vec::new();
    for _ in 0..volume.map_count {
        let len = usize::from(rest.u8(1)?);
        let map = Fields::new(WHAT, rest.at, rest.slice(0, len)?);
        let kind = map.u8(0)?;
        let id = if kind == 2 {
            entity_id(map.slice(4, 32)?)
        } else {
            String::new()
        };
        let number = match kind {
            1 => map.u16(4)?,
            2 => map.u16(38)?,
            _ => return Err(Error::unsupported(WHAT, map.at, format!("map type {kind}"))),
        };
        let (start, bytes) = physical_range(source, options, descriptors, map.at, number, sector_bytes)?;
        let inner = numbers.iter().position(|n| *n == Some(number));
        let inner = inner.and_then(|index| u16::try_from(index).ok());
        let needs_inner = || {
            inner.ok_or_else(|| {
                Error::corrupt(
                    WHAT,
                    map.at,
                    format!("{id} over partition {number}"),
                    "a map of that partition before it",
                )
            })
        };
        partitions.push(match (kind, id.as_str()) {
            (1, _) => Partition::Physical { start, len: bytes },
            (_, "*UDF Sparable Partition") => {
                sparable(source, options, &map, volume, sector_bytes, start, bytes)?
            }
            (_, "*UDF Virtual Partition") => {
                let inner = needs_inner()?;
                deferred.push((partitions.len(), Deferred::Virtual { inner }));
                Partition::Virtual {
                    inner,
                    table: Vec::new(),
                }
            }
            (_, "*UDF Metadata Partition") => {
                let inner = needs_inner()?;
                let (file_block, mirror_block) = (map.u32(40)?, map.u32(44)?);
                deferred.push((
                    partitions.len(),
                    Deferred::Metadata {
                        inner,
                        file_block,
                        mirror_block,
                    },
                ));
                Partition::Metadata { extents: Vec::new() }
            }
            _ => {
                return Err(Error::unsupported(
                    WHAT,
                    map.at,
                    format!("the partition type \"{id}\""),
                ));
            }
        });
        let is_base = kind == 1 || id == "*UDF Sparable Partition";
        numbers.push(is_base.then_some(number));
        rest = Fields::new(WHAT, rest.offset(len), rest.slice(len, rest.bytes.len() - len)?);
    }
    Ok(Maps { partitions, deferred })
}

/// Start and length in bytes of a partition, checked against the image.
fn physical_range<R: Read + Seek>(
    source: &Source<R>,
    options: &ReadOptions,
    descriptors: &VolumeDescriptors,
    map_at: u64,
    number: u16,
    sector_bytes: u64,
) -> Result<(u64, u64)> {
    let descriptor = descriptors.partitions.get(&number).ok_or_else(|| {
        Error::corrupt(
            WHAT,
            map_at,
            format!("partition {number}"),
            "a partition that has a descriptor",
        )
    })?;
    let start = u64::from(descriptor.first_sector) * sector_bytes;
    let len = u64::from(descriptor.sectors) * sector_bytes;
    let end = start + len;
    // A write-once partition is as large as the medium; the image ends with what was written.
    if end > source.size_bytes() && descriptor.access_type != 2 && !options.allow_truncated {
        return Err(Error::ImageTruncated {
            what: "UDF partition descriptor",
            declared_bytes: end,
            actual_bytes: source.size_bytes(),
        });
    }
    Ok((start, len))
}

/// Sparable map: the first readable sparing table is used (UDF 2.60, 2.2.9 and 2.2.12).
fn sparable<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    map: &Fields<'_>,
    volume: &LogicalVolume,
    sector_bytes: u64,
    start: u64,
    len: u64,
) -> Result<Partition> {
    const TABLE: &str = "UDF sparing table";
    let packet_bytes = u64::from(map.u16(40)?) * u64::from(volume.block_bytes);
    let tables = usize::from(map.u8(42)?);
    let table_bytes = u64::from(map.u32(44)?);
    if packet_bytes == 0 || !(1..=4).contains(&tables) {
        return Err(Error::corrupt(
            "UDF sparable partition map",
            map.at,
            format!("packets of {packet_bytes} bytes, {tables} tables"),
            "a packet length and 1 to 4 tables",
        ));
    }
    if table_bytes > options.limits.max_directory_bytes {
        return Err(Error::Limit {
            what: "bytes of a UDF sparing table",
            asked: table_bytes,
            limit: options.limits.max_directory_bytes,
        });
    }
    let mut last_error = None;
    for index in 0..tables {
        let at = u64::from(map.u32(48 + 4 * index)?) * sector_bytes;
        let read = source.read_vec(TABLE, at, table_bytes).and_then(|bytes| {
            let fields = Fields::new(TABLE, at, &bytes);
            tag::expect(&fields, &[0], options.verify_checksums)?;
            let mut spared = BTreeMap::new();
            for entry in 0..usize::from(fields.u16(48)?) {
                let original = fields.u32(56 + 8 * entry)?;
                // 0xfffffff0 and above: unused, or defective.
                if original < 0xffff_fff0 {
                    let mapped = u64::from(fields.u32(60 + 8 * entry)?) * sector_bytes;
                    spared.insert(u64::from(original) * u64::from(volume.block_bytes), mapped);
                }
            }
            Ok(spared)
        });
        match read {
            Ok(spared) => {
                return Ok(Partition::Sparable {
                    start,
                    len,
                    packet_bytes,
                    spared,
                });
            }
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| Error::corrupt(TABLE, map.at, "none", "one readable table")))
}

/// Appends the image ranges of `len` bytes that start at a block of a partition.
pub(super) fn resolve(
    partitions: &[Partition],
    block_bytes: u32,
    reference: u16,
    block: u32,
    len: u64,
    named_at: u64,
    out: &mut Vec<Extent>,
) -> Result<()> {
    let outside = |size: u64| {
        Error::corrupt(
            "UDF block address",
            named_at,
            format!("block {block} of partition reference {reference}, {len} bytes"),
            format!("inside its {size} bytes"),
        )
    };
    let offset = u64::from(block) * u64::from(block_bytes);
    let end = offset.checked_add(len).ok_or_else(|| outside(u64::MAX))?;
    match partitions.get(usize::from(reference)) {
        None => Err(Error::corrupt(
            "UDF partition reference",
            named_at,
            reference,
            format!("less than {}", partitions.len()),
        )),
        Some(Partition::Physical { start, len: size }) => {
            if end > *size {
                return Err(outside(*size));
            }
            push_extent(out, Some(start + offset), len);
            Ok(())
        }
        Some(Partition::Sparable {
            start,
            len: size,
            packet_bytes,
            spared,
        }) => {
            if end > *size {
                return Err(outside(*size));
            }
            let mut at = offset;
            while at < end {
                let packet = at - at % packet_bytes;
                let piece = (packet + packet_bytes).min(end) - at;
                // Nothing is spared from here on: the rest lies in one run.
                let rest = if spared.range(packet..).next().is_none() {
                    end - at
                } else {
                    piece
                };
                match spared.get(&packet) {
                    Some(mapped) => push_extent(out, Some(mapped + (at - packet)), piece),
                    None => push_extent(out, Some(start + at), rest),
                }
                at += if spared.contains_key(&packet) { piece } else { rest };
            }
            Ok(())
        }
        Some(Partition::Virtual { inner, table }) => {
            // Only whole single blocks are addressed virtually (UDF 2.60, 2.2.8).
            let mapped = table.get(usize::try_from(block).unwrap_or(usize::MAX)).copied();
            let mapped = mapped.filter(|m| *m != u32::MAX && len <= u64::from(block_bytes));
            let mapped = mapped.ok_or_else(|| outside(table.len() as u64 * u64::from(block_bytes)))?;
            match partitions.get(usize::from(*inner)) {
                Some(Partition::Virtual { .. } | Partition::Metadata { .. }) | None => Err(outside(0)),
                Some(_) => resolve(partitions, block_bytes, *inner, mapped, len, named_at, out),
            }
        }
        Some(Partition::Metadata { extents }) => {
            let mut file_at = 0_u64;
            for extent in extents {
                let extent_end = file_at + extent.length_bytes;
                if extent_end > offset && file_at < end {
                    let skip = offset.saturating_sub(file_at);
                    let piece = end.min(extent_end) - (file_at + skip);
                    push_extent(out, extent.image_offset.map(|o| o + skip), piece);
                }
                file_at = extent_end;
            }
            if end > file_at {
                Err(outside(file_at))
            } else {
                Ok(())
            }
        }
    }
}
