//! Pipable files: a header without places, then XML and metadata, so that who reads from a pipe has the trees before
//! the data; the tables, and a header that has their places, at the end.
//!
//! # Source
//! Observed with wimlib-imagex 1.13.6 (`capture --pipable`).

use sha1::{Digest, Sha1};

use super::container::Container;
use super::finish::{INTEGRITY_CHUNK_BYTES, Part, integrity_place, integrity_table};
use super::xml::{self, ImageXml};
use crate::layout::{BlobEntry, Header, ResourceHeader, resource_flag};
use crate::{BlobHash, Result};

/// Begins the file: header and XML. The metadata of the images, and then their blobs, follow.
pub(super) fn begin(
    container: &mut Container<'_>,
    header: &Header,
    images: &[ImageXml],
    integrity: bool,
) -> Result<()> {
    container.tail.write(&header.encode())?;
    if integrity {
        container.tail.hash_written(INTEGRITY_CHUNK_BYTES)?;
    }
    write_table(container, &xml::encode(images, None)).map(drop)
}

/// Ends the file. Returns its length.
pub(super) fn finish(container: &mut Container<'_>, part: Part<'_>) -> Result<u64> {
    let mut header = part.header;
    let bytes: Vec<u8> = part.blob_table.iter().flat_map(BlobEntry::encode).collect();
    header.blob_table = write_table(container, &bytes)?;
    let table_end = container.tail.position();
    let hashes = container.tail.written_hashes()?;
    let total_bytes = part.total_bytes.unwrap_or(table_end);
    header.xml = write_table(container, &xml::encode(part.images, Some(total_bytes)))?;
    let tail = &mut container.tail;
    if let Some(hashes) = hashes {
        let bytes = integrity_table(&hashes)?;
        header.integrity = integrity_place(tail.position(), bytes.len());
        tail.write(&bytes)?;
    }
    tail.write(&header.encode())?;
    tail.cut_and_sync()?;
    Ok(tail.position())
}

fn write_table(container: &mut Container<'_>, bytes: &[u8]) -> Result<ResourceHeader> {
    let size_bytes = bytes.len() as u64;
    let flags = resource_flag::METADATA;
    container.announce(BlobHash(Sha1::digest(bytes).into()), size_bytes, flags)?;
    let offset = container.tail.position();
    container.tail.write(bytes)?;
    Ok(ResourceHeader {
        stored_bytes: size_bytes,
        flags,
        offset,
        size_bytes,
    })
}
