//! LZNT1, the compression of NTFS-compressed attributes.

/// Decodes one compression unit into `out`, which the caller has zeroed; stops at the end mark, the end of
/// the input or a full `out`. `None` for input that no LZNT1 coder makes.
///
/// # Source
/// MS-XCA, section 2.5.
pub fn decompress(input: &[u8], out: &mut [u8]) -> Option<()> {
    let mut rest = input;
    for chunk_out in out.chunks_mut(4096) {
        let Some((header, after)) = rest.split_first_chunk::<2>() else {
            return Some(());
        };
        let header = u16::from_le_bytes(*header);
        if header == 0 {
            return Some(());
        }
        let len = usize::from(header & 0x0fff) + 1;
        let chunk = after.get(..len)?;
        rest = after.get(len..)?;
        if header & 0x8000 != 0 {
            chunk_tokens(chunk, chunk_out)?;
        } else {
            let plain = len.min(chunk_out.len());
            chunk_out.get_mut(..plain)?.copy_from_slice(chunk.get(..plain)?);
        }
    }
    Some(())
}

fn chunk_tokens(input: &[u8], out: &mut [u8]) -> Option<()> {
    let (mut read, mut written) = (0usize, 0usize);
    while read < input.len() {
        let flags = *input.get(read)?;
        read += 1;
        for bit in 0..8 {
            if read >= input.len() {
                break;
            }
            if flags & (1 << bit) == 0 {
                *out.get_mut(written)? = *input.get(read)?;
                (read, written) = (read + 1, written + 1);
                continue;
            }
            let token = u16::from_le_bytes(input.get(read..read + 2)?.try_into().ok()?);
            read += 2;
            // The split of offset and length moves with the position: 4 offset bits up to 16 bytes, 12 at 4096.
            let offset_bits = (usize::BITS - written.checked_sub(1)?.leading_zeros()).max(4);
            let length_bits = 16 - offset_bits;
            let length = usize::from(token & ((1 << length_bits) - 1)) + 3;
            let from = written.checked_sub(usize::from(token >> length_bits) + 1)?;
            let length = length.min(out.len() - written);
            for i in 0..length {
                let byte = *out.get(from + i)?;
                *out.get_mut(written + i)? = byte;
            }
            written += length;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of MS-XCA, section 3.3.
    #[test]
    fn published_example() {
        let packed = [
            0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00, 0x10, 0xa2, 0x47, 0x01,
            0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01, 0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24,
            0x13, 0x88, 0x05, 0xb4, 0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48,
            0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00,
        ];
        let plain = b"F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# \
            G F# E D E A F# F# G A A G F# E D D E F# E D D\0";
        let mut out = vec![0; plain.len()];
        decompress(&packed, &mut out).unwrap();
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(plain));
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(decompress(&[0x02, 0xb0, 0x01, 0x00, 0x00], &mut [0; 64]).is_none());
        assert!(decompress(&[0x38, 0xb0, 0x88], &mut [0; 64]).is_none());
    }
}
