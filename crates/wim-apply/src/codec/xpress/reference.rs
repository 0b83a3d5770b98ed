//! The plain XPRESS decoder: the oracle for the fast one.

use super::{MAX_CHUNK_BYTES, MIN_MATCH, TABLE_BYTES, error};
use crate::codec::bits::UnitBits;
use crate::codec::huffman::CountingCode;
use crate::codec::{DecodeError, Reason};

/// Decodes one chunk into `output`, whose length is the chunk's uncompressed size.
///
/// # Errors
/// When the input is not valid.
pub fn decompress(input: &[u8], output: &mut [u8]) -> Result<(), DecodeError> {
    if output.len() > MAX_CHUNK_BYTES as usize {
        return Err(error(0, Reason::OutputSize));
    }
    let table = input.get(..TABLE_BYTES).ok_or(error(0, Reason::InputSize))?;
    let lengths: Vec<u8> = table.iter().flat_map(|&pair| [pair & 0xf, pair >> 4]).collect();
    let code = CountingCode::new(&lengths).map_err(|_| error(0, Reason::BadCode))?;

    let mut bits = UnitBits::new(input, TABLE_BYTES);
    let mut at = 0;
    while at < output.len() {
        bits.ensure(16);
        let symbol = code.decode(&mut bits);
        if symbol < 256 {
            output[at] = symbol.to_le_bytes()[0];
            at += 1;
            continue;
        }
        // The bytes of a long length follow the units held here, before the bits of the offset are taken.
        bits.ensure(16);
        let mut length = symbol & 0xf;
        if length == 0xf {
            length += usize::from(bits.byte());
            if length == 0xf + 0xff {
                length = usize::from(u16::from_le_bytes(bits.bytes()));
            }
        }
        length += MIN_MATCH;
        let offset_bits = u32::from(symbol.to_le_bytes()[0] >> 4);
        let offset = (1 << offset_bits) | bits.take(offset_bits) as usize;
        if offset > at {
            return Err(error(bits.position(), Reason::MatchOffset));
        }
        if length > output.len() - at {
            return Err(error(bits.position(), Reason::MatchLength));
        }
        for to in at..at + length {
            output[to] = output[to - offset];
        }
        at += length;
    }
    Ok(())
}
