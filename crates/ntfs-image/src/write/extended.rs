//! Extended attributes: from a `FILE_FULL_EA_INFORMATION` list to `$EA_INFORMATION` and `$EA`.

use super::tree::Extended;

/// Flag of an attribute that a reader must understand.
const NEED_EA: u8 = 0x80;

/// Converts a list. In `$EA` every entry, the last one too, states its own length as the offset of the next.
/// A list that is broken gives an empty result, which the plan refuses.
///
/// # Source
/// MS-FSCC, 2.4.16 `FileFullEaInformation`; `$EA` of files made by Windows' Linux subsystem, whose single
/// entry states its length.
pub(super) fn pack(list: &[u8]) -> Extended {
    entries(list).unwrap_or(Extended {
        information: [0; 8],
        packed: Vec::new(),
    })
}

fn entries(list: &[u8]) -> Option<Extended> {
    let mut packed = Vec::new();
    let mut short = 0usize;
    let mut needed = 0u16;
    let mut rest = list;
    loop {
        let next = u32::from_le_bytes(rest.get(..4)?.try_into().ok()?);
        let flags = *rest.get(4)?;
        let name_len = usize::from(*rest.get(5)?);
        let value_len = usize::from(u16::from_le_bytes(rest.get(6..8)?.try_into().ok()?));
        let end = 8 + name_len + 1 + value_len;
        let start = packed.len();
        packed.extend_from_slice(rest.get(..end)?);
        packed.resize(packed.len().next_multiple_of(4), 0);
        let len = super::bytes::low32(packed.len() - start);
        super::bytes::put_u32(&mut packed, start, len);
        short += 5 + name_len + value_len;
        needed += u16::from(flags & NEED_EA != 0);
        if next == 0 {
            break;
        }
        rest = rest.get(usize::try_from(next).ok().filter(|&next| next >= end)?..)?;
    }
    if packed.len() > 0xFFFF {
        return None;
    }
    let mut information = [0; 8];
    information[..2].copy_from_slice(&super::bytes::low16(short).to_le_bytes());
    information[2..4].copy_from_slice(&needed.to_le_bytes());
    information[4..].copy_from_slice(&super::bytes::low32(packed.len()).to_le_bytes());
    Some(Extended { information, packed })
}
