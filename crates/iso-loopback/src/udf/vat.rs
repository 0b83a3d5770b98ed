//! The virtual allocation table of write-once media (UDF 2.60, 2.2.11; UDF 1.50, 2.2.10).

use crate::fields::Fields;
use crate::{Error, Result};

const WHAT: &str = "UDF virtual allocation table";

/// Decodes the content of the VAT file: which block each virtual block is.
pub(super) fn decode(data: &[u8], at: u64, is_revision_2: bool) -> Result<Vec<u32>> {
    let fields = Fields::new(WHAT, at, data);
    let table = if is_revision_2 {
        let header = usize::from(fields.u16(0)?);
        fields.slice(header, data.len().saturating_sub(header))?
    } else {
        // UDF 1.50: the entries come first, then an entity identifier and the previous VAT's block.
        let end = data
            .len()
            .checked_sub(36)
            .ok_or_else(|| Error::corrupt(WHAT, at, format!("{} bytes", data.len()), "at least 36"))?;
        if fields.slice(end + 1, 22)? != b"*UDF Virtual Alloc Tbl" {
            return Err(Error::corrupt(
                WHAT,
                fields.offset(end),
                "another identifier",
                "*UDF Virtual Alloc Tbl",
            ));
        }
        fields.slice(0, end)?
    };
    Ok(table
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect())
}
