//! The whole hive: header and root key, addressed by paths.

use std::sync::Arc;

use crate::header::Header;
use crate::key::{key_flags, path_names};
use crate::limits::Limits;
use crate::{Error, Key, Name, Result, Value, WriteOptions};

/// A hive in memory: everything the file holds, editable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hive {
    pub(crate) header: Header,
    pub(crate) root: Key,
}

impl Hive {
    /// Reads a hive that was closed cleanly.
    ///
    /// # Errors
    /// [`Dirty`](crate::ErrorKind::Dirty) when the hive needs its logs: see [`recover`](crate::recover) and
    /// [`Hive::read_dirty`]. Else `Corrupt`, `Truncated`, `Unsupported`, `Limit`, each with the offset.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self> {
        let header = Header::read(bytes)?;
        if header.primary_sequence != header.secondary_sequence {
            return Err(Error::Dirty {
                primary: header.primary_sequence,
                secondary: header.secondary_sequence,
            });
        }
        header.check_checksum()?;
        crate::read::hive(bytes, header, limits)
    }

    /// Reads a hive as it is in the file, even if it was not closed cleanly. Changes that are only in its
    /// logs are missing; good for looking, not for writing back.
    ///
    /// # Errors
    /// As [`Hive::read`], but never `Dirty`.
    pub fn read_dirty(bytes: &[u8], limits: &Limits) -> Result<Self> {
        crate::read::hive(bytes, Header::read(bytes)?, limits)
    }

    /// A new hive with nothing but a root key, in format 1.`minor_version` (3 to 6).
    ///
    /// # Errors
    /// `Invalid` for another version.
    pub fn new(root_name: &str, security: impl Into<Arc<[u8]>>, minor_version: u32) -> Result<Self> {
        let header = Header::new(minor_version)?;
        let mut root = Key::new(Name::new(root_name), Some(security.into()), 0);
        root.flags = key_flags::HIVE_ENTRY | key_flags::NO_DELETE;
        Ok(Self { header, root })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header, to be edited.
    pub fn header_mut(&mut self) -> &mut Header {
        &mut self.header
    }

    /// The root key.
    #[must_use]
    pub fn root(&self) -> &Key {
        &self.root
    }

    /// The root key, to be edited.
    pub fn root_mut(&mut self) -> &mut Key {
        &mut self.root
    }

    /// The key at a path from the root, e.g. `ControlSet001\Services`; letter case is ignored.
    #[must_use]
    pub fn key(&self, path: &str) -> Option<&Key> {
        self.root.key(path)
    }

    /// The key at a path, to be edited.
    pub fn key_mut(&mut self, path: &str) -> Option<&mut Key> {
        self.root.key_mut(path)
    }

    /// A value of the key at a path.
    #[must_use]
    pub fn value(&self, path: &str, name: &str) -> Option<&Value> {
        self.key(path)?.value(name)
    }

    /// The key at a path; it and its parents are created where missing, each with its parent's security
    /// descriptor.
    ///
    /// # Errors
    /// `Invalid` for a bad name, or a path deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub fn create_key(&mut self, path: &str) -> Result<&mut Key> {
        if path_names(path).count() >= crate::MAX_DEPTH as usize {
            return Err(Error::Invalid {
                what: "key path",
                reason: format!("deeper than {} keys", crate::MAX_DEPTH),
            });
        }
        path_names(path).try_fold(&mut self.root, |key, name| key.create_subkey(name))
    }

    /// Sets a value of the key at a path, which is created where missing; returns the old value.
    ///
    /// # Errors
    /// As [`Hive::create_key`].
    pub fn set_value(&mut self, path: &str, value: Value) -> Result<Option<Value>> {
        Ok(self.create_key(path)?.set_value(value))
    }

    /// Removes a value of the key at a path and returns it.
    ///
    /// # Errors
    /// `NotFound` when key or value are not there.
    pub fn delete_value(&mut self, path: &str, name: &str) -> Result<Value> {
        let key = self.key_mut(path).ok_or_else(|| not_found("key", path))?;
        key.delete_value(name)
            .ok_or_else(|| not_found("value", &format!("{path}\\{name}")))
    }

    /// Removes the key at a path with all below it and returns it.
    ///
    /// # Errors
    /// `NotFound` when it is not there, `Invalid` for the root.
    pub fn delete_key(&mut self, path: &str) -> Result<Key> {
        let Some(name) = path_names(path).next_back() else {
            return Err(Error::Invalid {
                what: "delete key",
                reason: "the root of a hive cannot be deleted".to_owned(),
            });
        };
        let parents = path_names(path).rev().skip(1).count();
        let parent = path_names(path)
            .take(parents)
            .try_fold(&mut self.root, |key, name| key.subkey_mut(name));
        parent
            .and_then(|key| key.delete_subkey(name))
            .ok_or_else(|| not_found("key", path))
    }

    /// The hive as a file: a fresh, deterministic layout. Same tree and options, same bytes.
    ///
    /// # Errors
    /// `Invalid` when the tree cannot be stored: too deep, a name or class too long, over 2 GiB.
    pub fn write(&self, options: &WriteOptions) -> Result<Vec<u8>> {
        crate::write::hive(self, options)
    }
}

fn not_found(what: &'static str, name: &str) -> Error {
    Error::NotFound {
        what,
        name: name.to_owned(),
    }
}
