//! File identifier descriptors (ECMA-167, 4/14.4): the names in a directory.

use super::file_entry::IcbAddress;
use super::osta;
use super::tag;
use crate::fields::Fields;
use crate::{ReadOptions, Result};

const WHAT: &str = "UDF file identifier descriptor";
const HEADER_BYTES: usize = 38;

/// A name and where its file entry is.
#[derive(Clone, Debug)]
pub(super) struct FileIdentifier {
    pub(super) name: String,
    pub(super) hidden: bool,
    pub(super) icb: IcbAddress,
    /// Offset of the descriptor in the directory's data, for errors.
    pub(super) at: u64,
}

/// Decodes a directory's data; deleted names and the parent are left out.
pub(super) fn decode(data: &[u8], first_at: u64, options: &ReadOptions) -> Result<Vec<FileIdentifier>> {
    let mut found = Vec::new();
    let mut rest = Fields::new(WHAT, first_at, data);
    while !rest.bytes.is_empty() {
        tag::expect(&rest, &[tag::FILE_IDENTIFIER], options.verify_checksums)?;
        let characteristics = rest.u8(18)?;
        let name_len = usize::from(rest.u8(19)?);
        let implementation_len = usize::from(rest.u16(36)?);
        let name = rest.slice(HEADER_BYTES + implementation_len, name_len)?;
        // Bit 2 is deleted, bit 3 the parent.
        if characteristics & 0x0c == 0 {
            found.push(FileIdentifier {
                name: osta::decode(name),
                hidden: characteristics & 0x01 != 0,
                icb: IcbAddress {
                    block: rest.u32(24)?,
                    partition: rest.u16(28)?,
                },
                at: rest.at,
            });
        }
        let len = (HEADER_BYTES + implementation_len + name_len).next_multiple_of(4);
        let after = rest.bytes.get(len..).unwrap_or_default();
        rest = Fields::new(WHAT, rest.offset(len), after);
    }
    Ok(found)
}
