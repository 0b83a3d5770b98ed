//! The System Use Sharing Protocol (IEEE P1281): tagged fields after a directory record, and their continuations.

use std::io::{Read, Seek};

use crate::fields::Fields;
use crate::source::Source;
use crate::{Error, ReadOptions, Result};

const WHAT: &str = "SUSP field";

/// One field: its two-letter signature and its bytes, header included.
#[derive(Clone, Debug)]
pub(super) struct SuspField {
    pub(super) signature: [u8; 2],
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
}

impl SuspField {
    pub(super) fn fields(&self) -> Fields<'_> {
        Fields::new(WHAT, self.at, &self.bytes)
    }
}

/// Collects the fields of a system use area, `CE` continuation areas followed.
pub(super) fn read_fields<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    block_bytes: u32,
    area: (u64, &[u8]),
) -> Result<Vec<SuspField>> {
    let mut fields = Vec::new();
    let mut next = scan(area.0, area.1, options.verify_checksums, &mut fields)?;
    let mut areas = 0_usize;
    let mut total = 0_u64;
    while let Some((block, offset, length)) = next {
        areas += 1;
        total += u64::from(length);
        // A name, a symbolic link and attributes fit in a few kilobytes.
        let limit = options.limits.max_descriptors.min(64);
        if areas > limit || total > 1 << 20 {
            return Err(Error::Limit {
                what: "SUSP continuation areas of one file",
                asked: areas as u64,
                limit: limit as u64,
            });
        }
        let at = u64::from(block) * u64::from(block_bytes) + u64::from(offset);
        let bytes = source.read_vec("SUSP continuation area", at, u64::from(length))?;
        next = scan(at, &bytes, options.verify_checksums, &mut fields)?;
    }
    Ok(fields)
}

/// Fields of one area; returns the continuation (block, offset, length) that it names.
fn scan(
    at: u64,
    area: &[u8],
    compare_halves: bool,
    out: &mut Vec<SuspField>,
) -> Result<Option<(u32, u32, u32)>> {
    let mut rest = Fields::new(WHAT, at, area);
    let mut continuation = None;
    // What is left may be padding: zero bytes, or fewer than a header.
    while rest.bytes.len() >= 4 && rest.u8(0)? != 0 {
        let len = usize::from(rest.u8(2)?);
        if len < 4 || len > rest.bytes.len() {
            return Err(Error::corrupt(
                WHAT,
                rest.at,
                format!("length {len}"),
                format!("4 to {}", rest.bytes.len()),
            ));
        }
        let bytes = rest.slice(0, len)?;
        let field = Fields::new(WHAT, rest.at, bytes);
        match [field.u8(0)?, field.u8(1)?] {
            [b'C', b'E'] => {
                continuation = Some((
                    field.both32(4, compare_halves)?,
                    field.both32(12, compare_halves)?,
                    field.both32(20, compare_halves)?,
                ));
            }
            [b'S', b'T'] => break,
            signature => out.push(SuspField {
                signature,
                at: rest.at,
                bytes: bytes.to_vec(),
            }),
        }
        rest = Fields::new(WHAT, rest.offset(len), rest.slice(len, rest.bytes.len() - len)?);
    }
    Ok(continuation)
}
