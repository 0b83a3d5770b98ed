//! Extended attributes: from the form in a WIM to the form on a volume.
//!
//! # Source
//! The WIM form (tagged item 2) as observed with wimlib-imagex 1.13.6: entries of `u16` value length, `u8` name
//! length, `u8` flags, name, NUL, value, without padding. The volume's form is `FILE_FULL_EA_INFORMATION`
//! ([MS-FSCC] 2.4.16): `u32` offset of the next entry, `u8` flags, `u8` name length, `u16` value length, name, NUL,
//! value, each entry padded to 4 bytes.

/// Packs the entries of a tagged item as `FILE_FULL_EA_INFORMATION`; `None` when the item is malformed.
pub(super) fn pack(item: &[u8]) -> Option<Vec<u8>> {
    let mut packed = Vec::with_capacity(item.len() + 16);
    let mut rest = item;
    let mut last = None;
    while !rest.is_empty() {
        let (&[value_low, value_high, name_length, flags], tail) = rest.split_first_chunk::<4>()?;
        let value_length = usize::from(u16::from_le_bytes([value_low, value_high]));
        let (name, tail) = tail.split_at_checked(usize::from(name_length))?;
        let (&nul, tail) = tail.split_first()?;
        let (value, tail) = tail.split_at_checked(value_length)?;
        if name.is_empty() || nul != 0 {
            return None;
        }
        rest = tail;
        let start = packed.len();
        last = Some(start);
        packed.extend([0; 4]);
        packed.extend([flags, name_length, value_low, value_high]);
        packed.extend(name);
        packed.push(0);
        packed.extend(value);
        packed.resize(packed.len().next_multiple_of(4), 0);
        let next = u32::try_from(packed.len() - start).ok()?;
        packed
            .get_mut(start..start + 4)?
            .copy_from_slice(&next.to_le_bytes());
    }
    let last = last?;
    packed.get_mut(last..last + 4)?.fill(0);
    Some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_entries() {
        let item = b"\x06\0\x0a\0user.hello\0world1\x02\0\x07\x80user.zz\0\x01\x02";
        let mut expected = b"\x1c\0\0\0\0\x0a\x06\0user.hello\0world1\0\0\0".to_vec();
        expected.extend(b"\0\0\0\0\x80\x07\x02\0user.zz\0\x01\x02\0\0");
        assert_eq!(pack(item), Some(expected));
    }

    #[test]
    fn malformed_items_are_refused() {
        for item in [
            &b""[..],
            b"\0",
            b"\0\0\x05\0ab",
            b"\x05\0\x01\0a\0xy",
            b"\0\0\0\0\0",
            b"\0\0\x01\0ab",
        ] {
            assert_eq!(pack(item), None, "{item:?}");
        }
    }
}
