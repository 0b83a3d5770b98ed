//! Little-endian fields into byte buffers, and rounding.

/// Appends UTF-16 code units.
pub(super) fn push_units(bytes: &mut Vec<u8>, units: &[u16]) {
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

/// Pads with zeros to a multiple of 8 bytes.
pub(super) fn pad8(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

pub(super) fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(super) fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// Low 16 bits of a length that the format limits to them.
pub(super) fn low16(value: usize) -> u16 {
    debug_assert!(value <= 0xFFFF);
    (value & 0xFFFF) as u16
}

/// Low 32 bits of a length that the format limits to them.
pub(super) fn low32(value: usize) -> u32 {
    debug_assert!(u32::try_from(value).is_ok());
    (value & 0xFFFF_FFFF) as u32
}

/// Low 8 bits of a length that the format limits to them.
pub(super) fn low8(value: usize) -> u8 {
    debug_assert!(value <= 0xFF);
    (value & 0xFF) as u8
}

/// Protects a multi-sector structure: the last two bytes of each 512-byte stride move to the update
/// sequence array at `array_at`, the sequence number takes their place.
pub(super) fn apply_fixup(block: &mut [u8], array_at: usize) {
    const SEQUENCE: [u8; 2] = [1, 0];
    let strides = block.len() / crate::layout::FIXUP_STRIDE_BYTES;
    put_u16(block, 4, low16(array_at));
    put_u16(block, 6, low16(strides + 1));
    block[array_at..array_at + 2].copy_from_slice(&SEQUENCE);
    for stride in 1..=strides {
        let end = stride * crate::layout::FIXUP_STRIDE_BYTES;
        block.copy_within(end - 2..end, array_at + 2 * stride);
        block[end - 2..end].copy_from_slice(&SEQUENCE);
    }
}
