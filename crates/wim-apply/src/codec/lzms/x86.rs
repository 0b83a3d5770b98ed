//! The x86 filter: operands that are relative to the instruction are absolute in the compressed data, where
//! the code around shows that the same targets are used again.

use std::ops::Range;

/// Chunks up to this size are not filtered.
const UNFILTERED_BYTES: usize = 17;
/// Instructions that begin in the last bytes are not looked at.
const TAIL_BYTES: usize = 16;
/// How far from a confirmed instruction others are translated.
pub(super) const REACH: i64 = 1023;
/// The same for calls.
pub(super) const CALL_REACH: i64 = 511;
/// An instruction is confirmed when its target was used within this many bytes.
pub(super) const CONFIRM_WITHIN: i64 = 65_535;

/// The size of what comes before the operand, and whether it is a call.
pub(super) fn instruction(code: &[u8; 3]) -> Option<(usize, bool)> {
    match *code {
        [0x48, 0x8b, 0x05 | 0x0d, ..] => Some((3, false)),
        [0x48 | 0x4c, 0x8d, modrm] if modrm & 7 == 5 => Some((3, false)),
        [0xe8, ..] => Some((1, true)),
        [0xf0, 0x83, 0x05] => Some((3, false)),
        [0xff, 0x15, ..] => Some((2, false)),
        _ => None,
    }
}

/// Where an instruction may begin in a chunk of that size.
pub(super) fn positions(size: usize) -> Range<usize> {
    if size <= UNFILTERED_BYTES {
        0..0
    } else {
        1..size - TAIL_BYTES
    }
}

/// Turns absolute operands back to relative ones.
pub(super) fn undo(data: &mut [u8]) {
    let positions = positions(data.len());
    let mut last_use = vec![-CONFIRM_WITHIN - 1; 1 << 16];
    let mut confirmed = -REACH - 1;
    let mut at = positions.start;
    while at < positions.end {
        let code = data[at..].first_chunk().expect("16 bytes follow");
        if code[0] == 0xe9 {
            at += 5;
            continue;
        }
        let Some((opcode_bytes, is_call)) = instruction(code) else {
            at += 1;
            continue;
        };
        let position = i64::try_from(at).expect("chunks are at most 1 GiB");
        let operand: &mut [u8; 4] = data[at + opcode_bytes..]
            .first_chunk_mut()
            .expect("13 bytes follow");
        if position - confirmed <= if is_call { CALL_REACH } else { REACH } {
            let here = u32::try_from(at).expect("chunks are at most 1 GiB");
            *operand = u32::from_le_bytes(*operand).wrapping_sub(here).to_le_bytes();
        }
        let target = at.wrapping_add(u16::from_le_bytes([operand[0], operand[1]]).into()) & 0xffff;
        at += opcode_bytes + 4;
        let last_byte = position + i64::try_from(opcode_bytes).expect("small") + 3;
        if last_byte - last_use[target] <= CONFIRM_WITHIN {
            confirmed = last_byte;
        }
        last_use[target] = last_byte;
    }
}
