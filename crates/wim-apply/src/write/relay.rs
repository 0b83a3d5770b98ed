//! Copying compressed resources: between pipable and other files the same chunks, laid out otherwise, and solid
//! ones as they are.

use super::WriteControl;
use super::container::Container;
use super::queue::push_table_entry;
use crate::layout::{ResourceHeader, resource_flag};
use crate::read::{ChunkMap, Extent};
use crate::source::Source;
use crate::{BlobHash, Error, Result, SolidResource, Wim};

/// Chunks whose places are looked up at a time.
const WINDOW_CHUNKS: u64 = 4096;

/// Copies the chunks of the blob `hash`, which lie in `source` where `map` says.
pub(super) fn relay(
    container: &mut Container<'_>,
    hash: BlobHash,
    source: &Source,
    map: &ChunkMap,
) -> Result<()> {
    container.drain()?;
    let (size_bytes, flags) = (map.size_bytes, resource_flag::COMPRESSED);
    container.announce(hash, size_bytes, flags)?;
    let offset = container.tail.position();
    if !container.pipable {
        write_table(container, source, map)?;
    }
    let mut chunk = Vec::new();
    for_each_extent(source, map, |extent| {
        chunk.resize(extent.stored_bytes, 0);
        source.read_exact_at("chunk", extent.offset, &mut chunk)?;
        if container.pipable {
            container.tail.write(&stored_size(extent)?.to_le_bytes())?;
        }
        container.tail.write(&chunk)
    })?;
    if container.pipable {
        write_table(container, source, map)?;
    }
    let resource = ResourceHeader {
        stored_bytes: container.tail.position() - offset,
        flags,
        offset,
        size_bytes,
    };
    container.add_resource(hash, resource);
    Ok(())
}

/// Offsets of all chunks but the first, from the first on.
fn write_table(container: &mut Container<'_>, source: &Source, map: &ChunkMap) -> Result<()> {
    let (mut at, mut entry) = (0_u64, Vec::new());
    for_each_extent(source, map, |extent| {
        if at > 0 {
            entry.clear();
            push_table_entry(&mut entry, at, map.size_bytes);
            container.tail.write(&entry)?;
        }
        at += u64::from(stored_size(extent)?);
        Ok(())
    })
}

fn for_each_extent(
    source: &Source,
    map: &ChunkMap,
    mut body: impl FnMut(&Extent) -> Result<()>,
) -> Result<()> {
    let mut first = 0;
    while first < map.chunk_count() {
        let count = (map.chunk_count() - first).min(WINDOW_CHUNKS);
        for extent in map.extents(source, first, count as usize)? {
            body(&extent)?;
        }
        first += count;
    }
    Ok(())
}

/// Copies a solid resource as it is. Gives where its first byte is, as blobs of solid resources state it.
pub(super) fn copy_solid(
    container: &mut Container<'_>,
    wim: &Wim,
    resource: &SolidResource,
    control: &WriteControl<'_>,
) -> Result<u64> {
    container.drain()?;
    let (base, offset) = (container.solid.size_bytes(), container.tail.position());
    let source = wim.source_of_part(resource.part)?;
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < resource.stored_bytes {
        control.check()?;
        let count = (resource.stored_bytes - done).min(buffer.len() as u64) as usize;
        source.read_exact_at("solid resource", resource.offset + done, &mut buffer[..count])?;
        container.tail.write(&buffer[..count])?;
        done += count as u64;
    }
    container
        .solid
        .add(offset, resource.stored_bytes, resource.header.size_bytes)?;
    Ok(base)
}

fn stored_size(extent: &Extent) -> Result<u32> {
    u32::try_from(extent.stored_bytes).map_err(|_| Error::Limit {
        what: "stored size of a chunk",
        asked: extent.stored_bytes as u64,
        limit: u32::MAX.into(),
    })
}
