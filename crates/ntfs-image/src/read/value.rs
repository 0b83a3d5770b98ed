//! Values of attributes: small ones whole, others as streams.

use std::io::{Read, Seek};

use super::device::Device;
use super::file::{Attribute, File, NonResident, Value};
use super::stream::{Extents, Stream};
use super::volume::Volume;
use crate::layout::{EFS_NAME, attribute};
use crate::{Error, Result};

impl<R: Read + Seek> Volume<R> {
    pub(super) fn load_clusters(
        &mut self,
        value: &NonResident,
        what: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let mut extents = Extents::of_clusters(value, &self.boot);
        load(&mut extents, &mut self.device, what, limit)
    }

    /// The whole value of a small attribute.
    ///
    /// # Errors
    /// `Limit` above [`Limits::max_value_bytes`](crate::Limits::max_value_bytes), `Corrupt`, `Io`.
    pub fn load_value(&mut self, attribute: &Attribute) -> Result<Vec<u8>> {
        if let Value::Resident(bytes) = &attribute.value {
            return Ok(bytes.clone());
        }
        let limit = self.limits.max_value_bytes;
        let mut extents = Extents::new(attribute, &self.boot, &self.limits)?;
        load(&mut extents, &mut self.device, "value of an attribute", limit)
    }

    /// Reads bytes of an attribute from `at` until `out` is full or the value ends; returns the count.
    pub(crate) fn read_attribute(&mut self, attribute: &Attribute, at: u64, out: &mut [u8]) -> Result<usize> {
        Extents::new(attribute, &self.boot, &self.limits)?.read_at(&mut self.device, at, out)
    }

    /// The bytes of an attribute as `Read + Seek`.
    ///
    /// # Errors
    /// `Limit` for a compression unit that is too large.
    pub fn open_attribute<'v>(&'v mut self, attribute: &'v Attribute) -> Result<Stream<'v, R>> {
        let extents = Extents::new(attribute, &self.boot, &self.limits)?;
        Ok(Stream::new(&mut self.device, extents))
    }

    /// The `$EFS` metadata of an encrypted file or directory.
    ///
    /// # Errors
    /// As [`Volume::load_value`].
    pub fn efs(&mut self, file: &File) -> Result<Option<Vec<u8>>> {
        let name: Vec<u16> = EFS_NAME.encode_utf16().collect();
        match file.attribute(attribute::LOGGED_UTILITY_STREAM, &name) {
            Some(found) => self.load_value(found).map(Some),
            None => Ok(None),
        }
    }

    /// The ciphertext of an encrypted stream: in whole sectors of 512 bytes, so it may be longer than the stream.
    /// Zeros where the stream has holes, and beyond its initialized size.
    ///
    /// # Errors
    /// As [`Volume::open_attribute`], which opens a stream that is resident or not encrypted.
    pub fn open_ciphertext<'v>(&'v mut self, stream: &'v Attribute) -> Result<Stream<'v, R>> {
        match &stream.value {
            Value::NonResident(value) if stream.is_encrypted() => {
                let extents = Extents::of_ciphertext(value, &self.boot);
                Ok(Stream::new(&mut self.device, extents))
            }
            _ => self.open_attribute(stream),
        }
    }

    /// A stream of a file by name; an empty name is the unnamed stream.
    ///
    /// # Errors
    /// `NotFound` when the file has no such stream; as [`Volume::open_attribute`].
    pub fn open_stream<'v>(&'v mut self, file: &'v File, name: &[u16]) -> Result<Stream<'v, R>> {
        let Some(attribute) = file.attribute(attribute::DATA, name) else {
            return Err(Error::NotFound {
                what: "stream",
                name: String::from_utf16_lossy(name),
            });
        };
        self.open_attribute(attribute)
    }
}

fn load<R: Read + Seek>(
    extents: &mut Extents<'_>,
    device: &mut Device<R>,
    what: &'static str,
    limit: u64,
) -> Result<Vec<u8>> {
    let asked = extents.len();
    let Some(len) = usize::try_from(asked).ok().filter(|_| asked <= limit) else {
        return Err(Error::Limit { what, asked, limit });
    };
    let mut bytes = vec![0; len];
    extents.read_at(device, 0, &mut bytes)?;
    Ok(bytes)
}
