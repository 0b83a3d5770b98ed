//! The optional integrity table: SHA-1 of each 10 MiB of the file.

use sha1::{Digest, Sha1};

use crate::layout::{HEADER_BYTES, Header, IntegrityHeader};
use crate::source::Source;
use crate::{BlobHash, Error, Result};

/// The integrity table of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrityTable {
    /// Bytes that each hash covers.
    pub chunk_bytes: u32,
    /// First byte covered.
    pub start: u64,
    /// End of what is covered: the end of the blob table.
    pub end: u64,
    /// One SHA-1 for each chunk.
    pub hashes: Vec<BlobHash>,
}

/// What a check of the integrity table found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrityReport {
    /// Chunks checked.
    pub chunk_count: usize,
    /// Byte ranges of the file whose hash does not match.
    pub damaged: Vec<std::ops::Range<u64>>,
}

/// Reads the table; `None` when the file has none.
pub(super) fn read_integrity_table(source: &Source, header: &Header) -> Result<Option<IntegrityTable>> {
    let resource = &header.integrity;
    if resource.is_absent() {
        return Ok(None);
    }
    let raw = IntegrityHeader::decode(&source.read_array("integrity table", resource.offset)?);
    let start = HEADER_BYTES as u64;
    let end = header
        .blob_table
        .offset
        .saturating_add(header.blob_table.stored_bytes);
    let covered = end.saturating_sub(start);
    let needed = IntegrityHeader::SIZE as u64 + u64::from(raw.chunk_count) * 20;
    let corrupt = |at, found, expected| Error::Corrupt {
        what: "integrity table",
        at,
        found,
        expected,
    };
    if u64::from(raw.table_bytes) != needed || u64::from(raw.table_bytes) != resource.size_bytes {
        return Err(corrupt(
            resource.offset,
            format!("{} bytes for {} chunks", raw.table_bytes, raw.chunk_count),
            "12 bytes and 20 for each chunk, as the header states",
        ));
    }
    let chunks = if raw.chunk_bytes == 0 {
        0
    } else {
        covered.div_ceil(u64::from(raw.chunk_bytes))
    };
    if raw.chunk_bytes == 0 || chunks != u64::from(raw.chunk_count) {
        return Err(corrupt(
            resource.offset + 4,
            format!("{} chunks of {} bytes", raw.chunk_count, raw.chunk_bytes),
            "chunks that cover the file up to the end of the blob table",
        ));
    }
    let at = resource.offset + IntegrityHeader::SIZE as u64;
    let bytes = source.read_vec("integrity table", at, u64::from(raw.chunk_count) * 20)?;
    let hashes = bytes
        .as_chunks::<20>()
        .0
        .iter()
        .map(|hash| BlobHash(*hash))
        .collect();
    Ok(Some(IntegrityTable {
        chunk_bytes: raw.chunk_bytes,
        start,
        end,
        hashes,
    }))
}

/// Hashes what the table covers. `go_on` is asked before each piece with the number of bytes done.
pub(super) fn check_integrity(
    source: &Source,
    table: &IntegrityTable,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<IntegrityReport> {
    let mut report = IntegrityReport {
        chunk_count: table.hashes.len(),
        ..Default::default()
    };
    let mut buffer = vec![0; 1 << 20];
    let mut at = table.start;
    for expected in &table.hashes {
        let chunk_start = at;
        let chunk_end = at.saturating_add(u64::from(table.chunk_bytes)).min(table.end);
        let mut hasher = Sha1::new();
        while at < chunk_end {
            if !go_on(at - table.start) {
                return Err(Error::Interrupted);
            }
            let count = (chunk_end - at).min(buffer.len() as u64) as usize;
            let piece = &mut buffer[..count];
            source.read_exact_at("data under the integrity table", at, piece)?;
            hasher.update(&piece);
            at += count as u64;
        }
        if hasher.finalize().as_slice() != expected.0 {
            report.damaged.push(chunk_start..chunk_end);
        }
    }
    Ok(report)
}
