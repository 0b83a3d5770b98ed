//! The end of a file: blob table, XML, integrity table, header.

use super::tail::Tail;
use super::xml::{self, ImageXml};
use crate::layout::{BlobEntry, HEADER_BYTES, Header, IntegrityHeader, ResourceHeader, resource_flag};
use crate::{BlobHash, Error, Result};

/// Bytes that each hash of an integrity table covers.
pub(super) const INTEGRITY_CHUNK_BYTES: u32 = 10 << 20;

/// What a file says of itself.
pub(super) struct Part<'a> {
    /// Without the places of the tables.
    pub(super) header: Header,
    pub(super) blob_table: Vec<BlobEntry>,
    pub(super) images: &'a [ImageXml],
    pub(super) integrity_table: bool,
    /// What the XML document states as size of the whole; of this file when not given.
    pub(super) total_bytes: Option<u64>,
}

/// The tables are behind the resources, durable; the header that makes them count is yet to be written.
#[must_use]
pub(super) struct Unsigned {
    header: Header,
    file_bytes: u64,
}

/// Writes the tables behind the resources.
pub(super) fn write_tables(tail: &mut Tail<'_>, part: Part<'_>) -> Result<Unsigned> {
    let mut header = part.header;
    let bytes: Vec<u8> = part.blob_table.iter().flat_map(BlobEntry::encode).collect();
    header.blob_table = write_table(tail, &bytes)?;
    let table_end = tail.position();
    header.xml = write_table(
        tail,
        &xml::encode(part.images, Some(part.total_bytes.unwrap_or(table_end))),
    )?;
    if part.integrity_table {
        header.integrity = write_integrity_table(tail, table_end)?;
    }
    tail.cut_and_sync()?;
    Ok(Unsigned {
        header,
        file_bytes: tail.position(),
    })
}

/// Writes the header, last of all. Returns the length of the file.
pub(super) fn write_header(tail: &mut Tail<'_>, unsigned: &Unsigned) -> Result<u64> {
    tail.write_at(0, &unsigned.header.encode())?;
    tail.sync()?;
    Ok(unsigned.file_bytes)
}

fn write_table(tail: &mut Tail<'_>, bytes: &[u8]) -> Result<ResourceHeader> {
    let (offset, size_bytes) = (tail.position(), bytes.len() as u64);
    tail.write(bytes)?;
    Ok(ResourceHeader {
        stored_bytes: size_bytes,
        flags: resource_flag::METADATA,
        offset,
        size_bytes,
    })
}

fn write_integrity_table(tail: &mut Tail<'_>, table_end: u64) -> Result<ResourceHeader> {
    let offset = tail.position();
    let hashes = tail.hash_range(HEADER_BYTES as u64, table_end, INTEGRITY_CHUNK_BYTES)?;
    let bytes = integrity_table(&hashes)?;
    tail.write(&bytes)?;
    Ok(integrity_place(offset, bytes.len()))
}

/// Where an integrity table lies.
pub(super) fn integrity_place(offset: u64, bytes: usize) -> ResourceHeader {
    ResourceHeader {
        stored_bytes: bytes as u64,
        flags: 0,
        offset,
        size_bytes: bytes as u64,
    }
}

/// An integrity table.
pub(super) fn integrity_table(hashes: &[BlobHash]) -> Result<Vec<u8>> {
    let size = IntegrityHeader::SIZE + 20 * hashes.len();
    let too_many = |_| Error::Invalid {
        what: "integrity table",
        reason: format!("{} chunks do not fit its 32-bit length field", hashes.len()),
    };
    let integrity = IntegrityHeader {
        table_bytes: u32::try_from(size).map_err(too_many)?,
        chunk_count: u32::try_from(hashes.len()).map_err(too_many)?,
        chunk_bytes: INTEGRITY_CHUNK_BYTES,
    };
    let mut bytes = integrity.encode().to_vec();
    hashes.iter().for_each(|hash| bytes.extend(hash.0));
    Ok(bytes)
}
