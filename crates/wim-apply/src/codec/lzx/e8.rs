//! The x86 filter: operands of `call` instructions are absolute in the compressed data.

/// The pretended size of the file that the code is from.
const FILE_BYTES: i32 = 12_000_000;
/// The last bytes of a chunk are never touched.
const TAIL_BYTES: usize = 10;
/// Opcode of `call rel32`.
const CALL: u8 = 0xe8;

/// Turns absolute operands back to relative ones.
pub(super) fn undo(data: &mut [u8]) {
    filter(data, |operand, at| {
        if (0..FILE_BYTES).contains(&operand) {
            Some(operand - at)
        } else if (-at..0).contains(&operand) {
            Some(operand + FILE_BYTES)
        } else {
            None
        }
    });
}

fn filter(data: &mut [u8], translate: impl Fn(i32, i32) -> Option<i32>) {
    let end = data.len().saturating_sub(TAIL_BYTES);
    let mut at = 0;
    while let Some(found) = data[at.min(end)..end].iter().position(|&byte| byte == CALL) {
        at += found;
        let operand: &mut [u8; 4] = data[at + 1..].first_chunk_mut().expect("ten bytes follow");
        let position = i32::try_from(at).expect("chunks are at most 2 MiB");
        if let Some(new) = translate(i32::from_le_bytes(*operand), position) {
            *operand = new.to_le_bytes();
        }
        at += 5;
    }
}
