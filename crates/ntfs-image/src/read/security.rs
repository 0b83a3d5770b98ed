//! Security descriptors: shared ones in `$Secure`, own ones in the record.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::bytes::{u32_at, u64_at};
use super::file::File;
use super::stream::Extents;
use super::volume::Volume;
use crate::layout::{attribute, record};
use crate::{Error, Result};

/// Where the descriptor of each security id is in `$SDS`.
#[derive(Clone, Debug)]
pub(crate) struct SecurityIndex {
    file: File,
    places: BTreeMap<u32, (u64, u32)>,
}

/// Name of the stream that holds the descriptors.
pub(crate) const SDS: [u16; 4] = [b'$' as u16, b'S' as u16, b'D' as u16, b'S' as u16];
/// Name of the index by security id.
pub(crate) const SII: [u16; 4] = [b'$' as u16, b'S' as u16, b'I' as u16, b'I' as u16];
/// Name of the index by hash.
pub(crate) const SDH: [u16; 4] = [b'$' as u16, b'S' as u16, b'D' as u16, b'H' as u16];

/// Bytes of the header before a descriptor in `$SDS`.
pub(crate) const SDS_HEADER_BYTES: u32 = 20;

/// Hash of a descriptor, as `$Secure` stores it.
///
/// # Source
/// Observed: equal on every entry of volumes made by Windows 10 build 19041.
#[must_use]
pub fn descriptor_hash(descriptor: &[u8]) -> u32 {
    descriptor.as_chunks::<4>().0.iter().fold(0u32, |hash, word| {
        hash.rotate_left(3).wrapping_add(u32::from_le_bytes(*word))
    })
}

impl<R: Read + Seek> Volume<R> {
    /// The security descriptor of a file: its own, or the one its security id names. `None` when it has
    /// neither.
    ///
    /// # Errors
    /// `NotFound` for an id that `$Secure` does not have, `Corrupt`, `Limit`, `Io`.
    pub fn security_descriptor(&mut self, file: &File) -> Result<Option<Vec<u8>>> {
        if let Some(own) = file.attribute(attribute::SECURITY_DESCRIPTOR, &[]) {
            return self.load_value(own).map(Some);
        }
        match file.standard_information().and_then(|info| info.security_id) {
            Some(id) if id != 0 => self.security_descriptor_by_id(id).map(Some),
            _ => Ok(None),
        }
    }

    /// The descriptor of a security id.
    ///
    /// # Errors
    /// As [`Volume::security_descriptor`].
    pub fn security_descriptor_by_id(&mut self, id: u32) -> Result<Vec<u8>> {
        self.load_security()?;
        let Some(index) = &self.security else {
            return Err(missing(id));
        };
        let &(offset, length) = index.places.get(&id).ok_or_else(|| missing(id))?;
        let limit = self.limits.max_value_bytes;
        if u64::from(length) > limit {
            return Err(Error::Limit {
                what: "security descriptor",
                asked: length.into(),
                limit,
            });
        }
        let sds = index
            .file
            .attribute(attribute::DATA, &SDS)
            .ok_or_else(|| missing(id))?;
        let mut bytes = vec![0; length as usize];
        let read =
            Extents::new(sds, &self.boot, &self.limits)?.read_at(&mut self.device, offset, &mut bytes)?;
        let stored = (u32_at(&bytes, 4), u32_at(&bytes, 16));
        if read < bytes.len() || stored != (Some(id), Some(length)) {
            return Err(Error::Corrupt {
                what: "$SDS entry",
                at: index.file.at,
                found: format!("id and length {stored:x?} at byte {offset:#x} of the stream"),
                expected: "those of the index",
            });
        }
        bytes.drain(..SDS_HEADER_BYTES as usize);
        Ok(bytes)
    }

    fn load_security(&mut self) -> Result<()> {
        if self.security.is_some() {
            return Ok(());
        }
        let file = self.file(record::SECURE)?;
        let mut places = BTreeMap::new();
        let index = self.index(&file, &SII)?;
        self.for_each_entry(&index, &mut |entry| {
            let data = entry.data().unwrap_or_default();
            if let (Some(id), Some(offset), Some(length)) =
                (u32_at(entry.key, 0), u64_at(data, 8), u32_at(data, 16))
                && length >= SDS_HEADER_BYTES
            {
                places.insert(id, (offset, length));
            }
            Ok(())
        })?;
        self.security = Some(SecurityIndex { file, places });
        Ok(())
    }
}

fn missing(id: u32) -> Error {
    Error::NotFound {
        what: "security id",
        name: format!("{id:#x}"),
    }
}
