//! Allocation descriptors (ECMA-167, 4/14.14): from a file entry to the extents of its data.

use std::io::{Read, Seek};

use super::file_entry::FileEntry;
use super::partition::{Partition, resolve};
use super::tag;
use crate::extent::push_extent;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, Extent, ReadOptions, Result};

const WHAT: &str = "UDF allocation descriptors";

/// Extents of a file; their lengths sum up to its information length.
pub(super) fn extents_of<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    partitions: &[Partition],
    block_bytes: u32,
    own_partition: u16,
    file: &FileEntry,
) -> Result<Vec<Extent>> {
    let mut extents = Vec::new();
    let mut left = file.information_bytes;
    let (start, area) = &file.allocation;
    let area_at = file.at + *start as u64;
    if file.allocation_kind == 3 {
        if left > area.len() as u64 {
            return Err(Error::corrupt(
                "UDF embedded file data",
                area_at,
                format!("{} bytes", area.len()),
                format!("the file's {left}"),
            ));
        }
        push_extent(&mut extents, Some(area_at), left);
        return Ok(extents);
    }
    let descriptor_bytes = match file.allocation_kind {
        0 => 8,
        1 => 16,
        2 => 20,
        kind => {
            return Err(Error::unsupported(
                WHAT,
                area_at,
                format!("descriptors of kind {kind}"),
            ));
        }
    };
    let mut area = (area_at, area.clone());
    let mut areas = 0_usize;
    let mut count = 0_usize;
    loop {
        let mut continuation = None;
        for (index, bytes) in area.1.chunks_exact(descriptor_bytes).enumerate() {
            if left == 0 {
                return Ok(extents);
            }
            count += 1;
            if count > options.limits.max_extents || extents.len() > options.limits.max_extents {
                return Err(Error::Limit {
                    what: "extents of a UDF file",
                    asked: count.max(extents.len()) as u64,
                    limit: options.limits.max_extents as u64,
                });
            }
            let at = area.0 + (index * descriptor_bytes) as u64;
            let descriptor = decode(&Fields::new(WHAT, at, bytes), file.allocation_kind, own_partition)?;
            if descriptor.len == 0 {
                break;
            }
            if descriptor.kind == ExtentKind::Continuation {
                continuation = Some((descriptor, at));
                break;
            }
            // The last extent may be rounded up to whole blocks.
            let len = u64::from(descriptor.len).min(left);
            left -= len;
            match descriptor.kind {
                ExtentKind::Recorded => {
                    let (block, partition) = (descriptor.block, descriptor.partition);
                    resolve(partitions, block_bytes, partition, block, len, at, &mut extents)?;
                }
                _ => push_extent(&mut extents, None, len),
            }
        }
        let Some((next, at)) = continuation else {
            break;
        };
        areas += 1;
        if areas > options.limits.max_descriptors {
            return Err(Error::Limit {
                what: "UDF allocation extent descriptors of a file",
                asked: areas as u64,
                limit: options.limits.max_descriptors as u64,
            });
        }
        area = read_continuation(source, options, partitions, block_bytes, &next, at)?;
    }
    if left > 0 {
        return Err(Error::corrupt(
            WHAT,
            area_at,
            format!("{} bytes allocated", file.information_bytes - left),
            format!("the file's {}", file.information_bytes),
        ));
    }
    Ok(extents)
}

/// The two high bits of an extent length (4/14.14.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExtentKind {
    Recorded,
    /// Allocated or not, but not recorded: reads as zeros.
    Unrecorded,
    Continuation,
}

#[derive(Clone, Copy, Debug)]
struct AllocationDescriptor {
    kind: ExtentKind,
    len: u32,
    block: u32,
    partition: u16,
}

fn decode(fields: &Fields<'_>, form: u8, own_partition: u16) -> Result<AllocationDescriptor> {
    let len_and_kind = fields.u32(0)?;
    let (block, partition) = match form {
        0 => (fields.u32(4)?, own_partition),
        1 => (fields.u32(4)?, fields.u16(8)?),
        _ => (fields.u32(12)?, fields.u16(16)?),
    };
    Ok(AllocationDescriptor {
        kind: match len_and_kind >> 30 {
            0 => ExtentKind::Recorded,
            3 => ExtentKind::Continuation,
            _ => ExtentKind::Unrecorded,
        },
        len: len_and_kind & 0x3fff_ffff,
        block,
        partition,
    })
}

/// Descriptors in an allocation extent (4/14.5): offset and bytes.
fn read_continuation<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    partitions: &[Partition],
    block_bytes: u32,
    next: &AllocationDescriptor,
    named_at: u64,
) -> Result<(u64, Vec<u8>)> {
    const AREA: &str = "UDF allocation extent descriptor";
    let len = u64::from(block_bytes);
    let mut place = Vec::new();
    resolve(
        partitions,
        block_bytes,
        next.partition,
        next.block,
        len,
        named_at,
        &mut place,
    )?;
    let Some(at) = place.first().and_then(|extent| extent.image_offset) else {
        return Err(Error::corrupt(AREA, named_at, "a hole", "a recorded block"));
    };
    let block = source.read_vec(AREA, at, len)?;
    let fields = Fields::new(AREA, at, &block);
    tag::expect(&fields, &[tag::ALLOCATION_EXTENT], options.verify_checksums)?;
    let area_len = usize::try_from(fields.u32(20)?).unwrap_or(usize::MAX);
    Ok((fields.offset(24), fields.slice(24, area_len)?.to_vec()))
}
