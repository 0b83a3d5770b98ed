//! Key nodes with their lists, values and data.

use std::borrow::Cow;

use crate::key::key_flags;
use crate::layout::{
    FIRST_MINOR_WITH_BIG_DATA, FIRST_MINOR_WITH_HASH_LEAF, LEAF_MAX, NIL, SEGMENT_BYTES, nk, vk,
};
use crate::{Error, Key, MAX_DEPTH, Name, Result, Value};

use super::Writer;

impl<'h> Writer<'h> {
    /// Writes a key and all below it; returns its cell. Recursion is bounded by [`MAX_DEPTH`].
    pub(super) fn key(&mut self, key: &'h Key, parent: Option<u32>, depth: u32) -> Result<u32> {
        if depth >= MAX_DEPTH {
            return Err(invalid("key", &key.name, format!("is below {MAX_DEPTH} others")));
        }
        let name = key.name.stored_bytes();
        let node = self.bins.reserve(nk::NAME + name.len())?;
        let class = match &key.class {
            Some(class) => self.bins.allocate(class)?,
            None => NIL,
        };
        let security = match &key.security {
            Some(descriptor) => self.security.reference(descriptor, &mut self.bins)?,
            None => NIL,
        };
        let value_list = self.values(&key.values)?;
        let value_count = key.predefined_handle.unwrap_or(length32(key.values.len()));
        let subkeys = in_order(&key.subkeys);
        let subkey_list = self.subkeys(&subkeys, node, depth)?;

        let compressed = if key.name.is_compressed() {
            key_flags::COMPRESSED_NAME
        } else {
            0
        };
        let max = |lengths: &mut dyn Iterator<Item = usize>| length32(lengths.max().unwrap_or(0));
        let max_name = max(&mut key.subkeys.iter().map(|k| 2 * k.name.len()));
        let max_class = max(&mut key.subkeys.iter().map(|k| k.class.as_ref().map_or(0, Vec::len)));
        let max_value_name = max(&mut key.values.iter().map(|v| 2 * v.name.len()));
        let max_value_data = max(&mut key.values.iter().map(|v| v.data.len()));
        let class_length = key.class.as_ref().map_or(0, Vec::len);
        let class_length = u16::try_from(class_length)
            .map_err(|_| invalid("class of key", &key.name, "is longer than 65535 bytes".to_owned()))?;

        let mut put = |at: usize, field: &[u8]| self.bins.fill(node, at, field);
        put(0, b"nk");
        put(nk::FLAGS, &(key.flags | compressed).to_le_bytes());
        put(nk::LAST_WRITE, &key.last_write.to_le_bytes());
        put(nk::ACCESS_BITS, &key.access_bits.to_le_bytes());
        put(nk::PARENT, &parent.unwrap_or(NIL).to_le_bytes());
        put(nk::SUBKEY_COUNT, &length32(subkeys.len()).to_le_bytes());
        put(nk::SUBKEY_LIST, &subkey_list.to_le_bytes());
        put(nk::VOLATILE_LIST, &NIL.to_le_bytes());
        put(nk::VALUE_COUNT, &value_count.to_le_bytes());
        put(nk::VALUE_LIST, &value_list.to_le_bytes());
        put(nk::SECURITY, &security.to_le_bytes());
        put(nk::CLASS, &class.to_le_bytes());
        put(nk::MAX_NAME, &max_name.to_le_bytes());
        put(nk::USER_FLAGS, &key.user_flags.to_le_bytes());
        put(nk::MAX_CLASS, &max_class.to_le_bytes());
        put(nk::MAX_VALUE_NAME, &max_value_name.to_le_bytes());
        put(nk::MAX_VALUE_DATA, &max_value_data.to_le_bytes());
        put(nk::NAME_LENGTH, &name_length(&key.name, &name)?.to_le_bytes());
        put(nk::CLASS_LENGTH, &class_length.to_le_bytes());
        put(nk::NAME, &name);
        Ok(node)
    }

    fn values(&mut self, values: &[Value]) -> Result<u32> {
        if values.is_empty() {
            return Ok(NIL);
        }
        let list = self.bins.reserve(4 * values.len())?;
        for (at, value) in values.iter().enumerate() {
            let offset = self.value(value)?;
            self.bins.fill(list, 4 * at, &offset.to_le_bytes());
        }
        Ok(list)
    }

    fn value(&mut self, value: &Value) -> Result<u32> {
        let name = value.name.stored_bytes();
        let record = self.bins.reserve(vk::NAME + name.len())?;
        let length = u32::try_from(value.data.len())
            .ok()
            .filter(|&length| length & vk::RESIDENT == 0)
            .ok_or_else(|| invalid("value", &value.name, "has more than 2 GiB of data".to_owned()))?;
        let (length, data) = match value.data.len() {
            0..=4 => {
                let mut resident = [0; 4];
                resident[..value.data.len()].copy_from_slice(&value.data);
                (length | vk::RESIDENT, resident)
            }
            _ => (length, self.data(value)?.to_le_bytes()),
        };
        let compressed = if value.name.is_compressed() {
            vk::COMPRESSED_NAME
        } else {
            0
        };
        let mut put = |at: usize, field: &[u8]| self.bins.fill(record, at, field);
        put(0, b"vk");
        put(vk::NAME_LENGTH, &name_length(&value.name, &name)?.to_le_bytes());
        put(vk::DATA_LENGTH, &length.to_le_bytes());
        put(vk::DATA, &data);
        put(vk::DATA_TYPE, &value.data_type.0.to_le_bytes());
        put(vk::FLAGS, &(value.flags | compressed).to_le_bytes());
        put(vk::NAME, &name);
        Ok(record)
    }

    fn data(&mut self, value: &Value) -> Result<u32> {
        let data = &value.data;
        if data.len() <= SEGMENT_BYTES || self.minor_version < FIRST_MINOR_WITH_BIG_DATA {
            return self.bins.allocate(data);
        }
        let segments = data.len().div_ceil(SEGMENT_BYTES);
        let count = u16::try_from(segments)
            .map_err(|_| invalid("value", &value.name, "needs more than 65535 segments".to_owned()))?;
        let record = self.bins.reserve(8)?;
        let list = self.bins.reserve(4 * segments)?;
        self.bins.fill(record, 0, b"db");
        self.bins.fill(record, 2, &count.to_le_bytes());
        self.bins.fill(record, 4, &list.to_le_bytes());
        for (at, segment) in data.chunks(SEGMENT_BYTES).enumerate() {
            // Windows gives each segment a whole cell, the last one too, and foreign readers count on it.
            let offset = self.bins.reserve(SEGMENT_BYTES)?;
            self.bins.fill(offset, 0, segment);
            self.bins.fill(list, 4 * at, &offset.to_le_bytes());
        }
        Ok(record)
    }

    /// Writes the list of subkeys and the subkeys; the list lies before them.
    fn subkeys(&mut self, subkeys: &[&'h Key], parent: u32, depth: u32) -> Result<u32> {
        if subkeys.len() <= LEAF_MAX {
            return match subkeys {
                [] => Ok(NIL),
                _ => self.leaf(subkeys, parent, depth),
            };
        }
        let leaves = subkeys.chunks(LEAF_MAX);
        let count = u16::try_from(leaves.len()).map_err(|_| Error::Invalid {
            what: "key",
            reason: format!("{} subkeys are too many for one key", subkeys.len()),
        })?;
        let root = self.bins.reserve(4 + 4 * leaves.len())?;
        self.bins.fill(root, 0, b"ri");
        self.bins.fill(root, 2, &count.to_le_bytes());
        for (at, leaf) in leaves.enumerate() {
            let offset = self.leaf(leaf, parent, depth)?;
            self.bins.fill(root, 4 + 4 * at, &offset.to_le_bytes());
        }
        Ok(root)
    }

    fn leaf(&mut self, subkeys: &[&'h Key], parent: u32, depth: u32) -> Result<u32> {
        let hashed = self.minor_version >= FIRST_MINOR_WITH_HASH_LEAF;
        let leaf = self.bins.reserve(4 + 8 * subkeys.len())?;
        self.bins.fill(leaf, 0, if hashed { b"lh" } else { b"lf" });
        // At most LEAF_MAX elements.
        self.bins.fill(leaf, 2, &(subkeys.len() as u16).to_le_bytes());
        for (at, key) in subkeys.iter().enumerate() {
            let offset = self.key(key, Some(parent), depth + 1)?;
            let tag = if hashed {
                key.name.hash().to_le_bytes()
            } else {
                key.name.hint()
            };
            self.bins.fill(leaf, 4 + 8 * at, &offset.to_le_bytes());
            self.bins.fill(leaf, 8 + 8 * at, &tag);
        }
        Ok(leaf)
    }
}

/// The keys sorted as Windows looks them up.
fn in_order(keys: &[Key]) -> Vec<&Key> {
    let mut sorted: Vec<&Key> = keys.iter().collect();
    if !sorted.is_sorted_by(|a, b| a.name.cmp_ignore_case(&b.name).is_le()) {
        sorted.sort_by(|a, b| a.name.cmp_ignore_case(&b.name));
    }
    sorted
}

fn name_length(name: &Name, stored: &[u8]) -> Result<u16> {
    u16::try_from(stored.len()).map_err(|_| invalid("name", name, "is longer than 65535 bytes".to_owned()))
}

/// A length whose cell was allocated, and which therefore fits.
fn length32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn invalid(what: &'static str, name: &Name, reason: String) -> Error {
    let mut shown: Cow<'_, str> = name.to_string().into();
    if shown.len() > 80 {
        shown = shown.chars().take(40).chain("…".chars()).collect();
    }
    Error::Invalid {
        what,
        reason: format!("{shown:?} {reason}"),
    }
}
