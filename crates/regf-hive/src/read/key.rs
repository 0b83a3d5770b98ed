//! Key nodes, their class names and security descriptors.

use std::sync::Arc;

use crate::bytes::Fields;
use crate::key::key_flags;
use crate::layout::{NIL, nk, sk};
use crate::{Error, Key, MAX_DEPTH, Name, Result};

use super::Reader;

impl Reader<'_> {
    /// The key at `offset` with all below it. Recursion is bounded by [`MAX_DEPTH`].
    pub(super) fn key(&mut self, offset: u32, depth: u32) -> Result<Key> {
        let limit = self.limits.max_depth.min(MAX_DEPTH);
        if depth >= limit {
            return Err(Error::Limit {
                what: "key depth",
                asked: u64::from(depth) + 1,
                limit: limit.into(),
            });
        }
        self.keys = count("keys", self.keys, 1, self.limits.max_keys)?;
        let f = self.cells.take_record("key node", offset, *b"nk")?;
        let flags = f.u16(nk::FLAGS)?;
        let name = stored_name(
            &f,
            nk::NAME,
            f.u16(nk::NAME_LENGTH)?,
            flags & key_flags::COMPRESSED_NAME != 0,
        )?;
        let mut key = Key {
            flags: flags & !key_flags::COMPRESSED_NAME,
            access_bits: f.u32(nk::ACCESS_BITS)?,
            user_flags: f.u16(nk::USER_FLAGS)?,
            class: self.class(f.u32(nk::CLASS)?, f.u16(nk::CLASS_LENGTH)?)?,
            security: self.security(f.u32(nk::SECURITY)?)?,
            ..Key::new(name, None, f.u64(nk::LAST_WRITE)?)
        };
        let value_count = f.u32(nk::VALUE_COUNT)?;
        if flags & key_flags::PREDEFINED_HANDLE == 0 {
            key.values = self.values(f.u32(nk::VALUE_LIST)?, value_count)?;
        } else {
            key.predefined_handle = Some(value_count);
        }
        let subkeys = self.subkey_offsets(&f, f.u32(nk::SUBKEY_LIST)?, f.u32(nk::SUBKEY_COUNT)?)?;
        key.subkeys = Vec::with_capacity(subkeys.len());
        for subkey in subkeys {
            key.subkeys.push(self.key(subkey, depth + 1)?);
        }
        Ok(key)
    }

    fn class(&mut self, offset: u32, length: u16) -> Result<Option<Vec<u8>>> {
        if offset == NIL || length == 0 {
            return Ok(None);
        }
        let f = self.cells.take("class name", offset)?;
        Ok(Some(f.slice(0, length.into())?.to_vec()))
    }

    fn security(&mut self, offset: u32) -> Result<Option<Arc<[u8]>>> {
        if offset == NIL {
            return Ok(None);
        }
        if let Some(shared) = self.security.get(&offset) {
            return Ok(Some(Arc::clone(shared)));
        }
        let f = self
            .cells
            .take_record("security descriptor cell", offset, *b"sk")?;
        let length = f.u32(sk::LENGTH)? as usize;
        let descriptor: Arc<[u8]> = f.slice(sk::DESCRIPTOR, length)?.into();
        self.security.insert(offset, Arc::clone(&descriptor));
        Ok(Some(descriptor))
    }
}

/// A name stored at `at` of a record.
pub(super) fn stored_name(f: &Fields<'_>, at: usize, length: u16, compressed: bool) -> Result<Name> {
    let bytes = f.slice(at, length.into())?;
    Name::from_stored(bytes, compressed)
        .ok_or_else(|| f.corrupt(format!("a UTF-16 name of {length} bytes"), "an even length"))
}

/// `total + more`, if that is within the limit.
pub(super) fn count(what: &'static str, total: u32, more: u32, limit: u32) -> Result<u32> {
    let asked = u64::from(total) + u64::from(more);
    match u32::try_from(asked) {
        Ok(sum) if sum <= limit => Ok(sum),
        _ => Err(Error::Limit {
            what,
            asked,
            limit: limit.into(),
        }),
    }
}
