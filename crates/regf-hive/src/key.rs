//! Keys: the nodes of the tree, and how they are edited.

use std::sync::Arc;

use crate::{Error, Name, Result, Value};

/// Flag bits of a key that a hive stores.
///
/// # Source
/// M. Suhanov, "Windows registry file format specification", section "Key node", flags.
pub mod key_flags {
    /// Mount point of another hive.
    pub const HIVE_EXIT: u16 = 0x2;
    /// Root of this hive.
    pub const HIVE_ENTRY: u16 = 0x4;
    /// Cannot be deleted.
    pub const NO_DELETE: u16 = 0x8;
    /// Symbolic link: its value `SymbolicLinkValue` names the target.
    pub const SYM_LINK: u16 = 0x10;
    /// The name is stored one byte a character (kept by this crate itself).
    pub const COMPRESSED_NAME: u16 = 0x20;
    /// Alias of a predefined handle; its value count is that handle.
    pub const PREDEFINED_HANDLE: u16 = 0x40;
}

/// A key with its values and subkeys, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(crate) name: Name,
    pub(crate) flags: u16,
    pub(crate) access_bits: u32,
    pub(crate) user_flags: u16,
    pub(crate) predefined_handle: Option<u32>,
    /// When the key was last written: 100 ns units since 1601-01-01 UTC (FILETIME).
    pub last_write: u64,
    /// Class name as stored (UTF-16LE, no NUL). Windows hides the boot key of the system in four of them.
    pub class: Option<Vec<u8>>,
    /// Self-relative security descriptor. Keys share it; [`Hive::write`](crate::Hive::write) stores equal
    /// ones once.
    pub security: Option<Arc<[u8]>>,
    pub(crate) values: Vec<Value>,
    pub(crate) subkeys: Vec<Key>,
}

impl Key {
    pub(crate) fn new(name: Name, security: Option<Arc<[u8]>>, last_write: u64) -> Self {
        Self {
            name,
            flags: 0,
            access_bits: 0,
            user_flags: 0,
            predefined_handle: None,
            last_write,
            class: None,
            security,
            values: Vec::new(),
            subkeys: Vec::new(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Flag bits, see [`key_flags`].
    #[must_use]
    pub fn flags(&self) -> u16 {
        self.flags
    }

    /// Its values, in stored order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Its subkeys, in stored order (sorted by upper-cased name in a sound hive).
    #[must_use]
    pub fn subkeys(&self) -> &[Key] {
        &self.subkeys
    }

    /// Its subkeys, to be edited.
    pub fn subkeys_mut(&mut self) -> impl Iterator<Item = &mut Key> {
        self.subkeys.iter_mut()
    }

    /// The subkey of that name; letter case is ignored.
    #[must_use]
    pub fn subkey(&self, name: &str) -> Option<&Key> {
        self.subkeys.iter().find(|k| k.name.matches(name))
    }

    /// The subkey of that name, to be edited.
    pub fn subkey_mut(&mut self, name: &str) -> Option<&mut Key> {
        self.subkeys.iter_mut().find(|k| k.name.matches(name))
    }

    /// The key at a path below this one (`\` between names; the empty path is this key).
    #[must_use]
    pub fn key(&self, path: &str) -> Option<&Key> {
        path_names(path).try_fold(self, |key, name| key.subkey(name))
    }

    /// The key at a path below this one, to be edited.
    pub fn key_mut(&mut self, path: &str) -> Option<&mut Key> {
        path_names(path).try_fold(self, |key, name| key.subkey_mut(name))
    }

    /// The value of that name; letter case is ignored, the empty name is the default value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|v| v.name.matches(name))
    }

    /// Sets a value, in place of one with the same name (whose spelling is kept) or behind the others;
    /// returns the old one.
    pub fn set_value(&mut self, value: Value) -> Option<Value> {
        match self
            .values
            .iter_mut()
            .find(|v| v.name.eq_ignore_case(&value.name))
        {
            Some(slot) => {
                let name = slot.name.clone();
                Some(std::mem::replace(slot, Value { name, ..value }))
            }
            None => {
                self.values.push(value);
                None
            }
        }
    }

    /// Removes the value of that name and returns it.
    pub fn delete_value(&mut self, name: &str) -> Option<Value> {
        let at = self.values.iter().position(|v| v.name.matches(name))?;
        Some(self.values.remove(at))
    }

    /// The subkey of that name, created if it is missing: it inherits this key's security descriptor and
    /// takes over its time.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) when the name is empty, longer than 255 units, or holds `\`.
    pub fn create_subkey(&mut self, name: &str) -> Result<&mut Key> {
        let name = checked_key_name(name)?;
        let at = match self.subkeys.iter().position(|k| k.name.eq_ignore_case(&name)) {
            Some(at) => at,
            None => {
                let at = self
                    .subkeys
                    .partition_point(|k| k.name.cmp_ignore_case(&name).is_lt());
                let key = Key::new(name, self.security.clone(), self.last_write);
                self.subkeys.insert(at, key);
                at
            }
        };
        Ok(&mut self.subkeys[at])
    }

    /// Removes the subkey of that name with all below it and returns it.
    pub fn delete_subkey(&mut self, name: &str) -> Option<Key> {
        let at = self.subkeys.iter().position(|k| k.name.matches(name))?;
        Some(self.subkeys.remove(at))
    }

    /// This key and all below it, parents first, with the depth below this key.
    pub fn walk(&self) -> impl Iterator<Item = (usize, &Key)> {
        let mut stack = vec![(0, self)];
        std::iter::from_fn(move || {
            let (depth, key) = stack.pop()?;
            stack.extend(key.subkeys.iter().rev().map(|k| (depth + 1, k)));
            Some((depth, key))
        })
    }
}

/// The names of a path; doubled, leading and trailing `\` count for nothing.
pub(crate) fn path_names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('\\').filter(|name| !name.is_empty())
}

fn checked_key_name(name: &str) -> Result<Name> {
    let invalid = |reason: &str| Error::Invalid {
        what: "key name",
        reason: format!("{name:?} {reason}"),
    };
    if name.is_empty() {
        return Err(invalid("is empty"));
    }
    if name.contains('\\') {
        return Err(invalid("holds a backslash"));
    }
    let name_checked = Name::new(name);
    if name_checked.len() > 255 {
        return Err(invalid("is longer than 255 UTF-16 units"));
    }
    Ok(name_checked)
}
