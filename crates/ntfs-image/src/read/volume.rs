//! An open volume: geometry, the MFT, and files merged from their records.

use std::io::{Read, Seek};

use super::attribute::{RawAttribute, RawForm};
use super::attribute_list;
use super::boot::BootSector;
use super::device::Device;
use super::file::{Attribute, File, NonResident, Value};
use super::record::Record;
use super::reference::FileReference;
use super::runs;
use super::security::SecurityIndex;
use super::stream::{Extents, Stream};
use crate::layout::{EFS_NAME, attribute, record};
use crate::{Error, Limits, Result};

/// Bytes of the MFT that are read at a time when records are visited in order.
const WINDOW_BYTES: u64 = 1 << 20;

/// An NTFS volume, open for reading.
#[derive(Debug)]
pub struct Volume<R> {
    pub(crate) device: Device<R>,
    pub(crate) boot: BootSector,
    pub(crate) limits: Limits,
    /// `$DATA` of `$MFT`.
    pub(crate) mft: NonResident,
    pub(crate) upcase: Option<Vec<u16>>,
    pub(crate) security: Option<SecurityIndex>,
    window: Window,
}

/// Consecutive records read at once.
#[derive(Debug, Default)]
struct Window {
    first: u64,
    bytes: Vec<u8>,
}

impl<R: Read + Seek> Volume<R> {
    /// Opens a volume: the boot sector (or its backup), then the MFT (or its mirror).
    ///
    /// # Errors
    /// `Corrupt` or `Truncated` when neither boot sector, or neither first record, can be used; `Limit`;
    /// `Io`.
    pub fn open(source: R, limits: &Limits) -> Result<Self> {
        let mut device = Device::new(source)?;
        let boot = read_boot(&mut device)?;
        Self::with_boot(device, boot, limits)
    }

    pub(crate) fn with_boot(device: Device<R>, boot: BootSector, limits: &Limits) -> Result<Self> {
        let mut volume = Self {
            device,
            boot,
            limits: *limits,
            mft: NonResident::default(),
            upcase: None,
            security: None,
            window: Window::default(),
        };
        let primary = volume.read_record_at(0, boot.cluster_offset(boot.mft_lcn));
        let base = match primary {
            Ok(base) => base,
            Err(error) => volume
                .read_record_at(0, boot.cluster_offset(boot.mft_mirror_lcn))
                .map_err(|_| error)?,
        };
        volume.bootstrap_mft(&base)?;
        Ok(volume)
    }

    /// Finds the runs of the MFT: extension records of `$MFT` lie in parts of it that are already known.
    fn bootstrap_mft(&mut self, base: &Record) -> Result<()> {
        let mut list = None;
        for found in base.attributes() {
            let found = found.map_err(|bad| base.attribute_error(bad))?;
            match (&found.form, found.type_code) {
                (RawForm::NonResident(_), attribute::DATA) if found.name.is_empty() => {
                    self.mft = self.first_extent(&found, base.at)?;
                }
                (_, attribute::ATTRIBUTE_LIST) => list = Some(self.load_list(&found, base.at)?),
                _ => {}
            }
        }
        let size = self.mft.size_bytes;
        if size < u64::from(self.boot.record_bytes) * 16 || self.mft.runs.is_empty() {
            return Err(Error::Corrupt {
                what: "$MFT",
                at: base.at,
                found: format!("{size} bytes in {} runs", self.mft.runs.len()),
                expected: "at least 16 records",
            });
        }
        for entry in list
            .map(|bytes| attribute_list::parse(&bytes).0)
            .unwrap_or_default()
        {
            let more = entry.type_code == attribute::DATA && entry.name.is_empty() && entry.lowest_vcn != 0;
            if !more {
                continue;
            }
            let holder = self.record(entry.record.record)?;
            let mut extents = Vec::new();
            for found in holder.attributes().filter_map(std::result::Result::ok) {
                if found.type_code == attribute::DATA && found.name.is_empty() {
                    extents.push(found);
                }
            }
            for found in &extents {
                self.append_extent_to_mft(found, holder.at)?;
            }
        }
        Ok(())
    }

    fn append_extent_to_mft(&mut self, found: &RawAttribute<'_>, at: u64) -> Result<()> {
        if let RawForm::NonResident(extent) = &found.form {
            let next = self.mft.runs.last().map_or(0, |run| run.vcns().end);
            if extent.lowest_vcn == next {
                let left = self.limits.max_runs.saturating_sub(self.mft.runs.len());
                let at = at.saturating_add((found.at + extent.mapping_at) as u64);
                self.mft
                    .runs
                    .extend(runs::decode(extent.mapping, next, left, at)?.0);
            }
        }
        Ok(())
    }

    /// Geometry.
    #[must_use]
    pub fn boot(&self) -> &BootSector {
        &self.boot
    }

    /// Records in the MFT, in use or not.
    #[must_use]
    pub fn record_count(&self) -> u64 {
        let initialized = self.mft.initialized_bytes.min(self.mft.size_bytes);
        // No more than there is room for: a hole in the MFT holds no records.
        let bytes = initialized.min(self.device.len());
        (bytes / u64::from(self.boot.record_bytes)).min(self.limits.max_records)
    }

    /// Gives the source back.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.device.into_inner()
    }

    /// Byte offset of a record on the volume; `None` past the end of the MFT or in a hole of it.
    #[must_use]
    pub fn record_offset(&self, number: u64) -> Option<u64> {
        let at = number.checked_mul(u64::from(self.boot.record_bytes))?;
        let cluster = u64::from(self.boot.cluster_bytes);
        let run = runs::find(&self.mft.runs, at / cluster)?;
        let into = at - run.vcn * cluster;
        self.boot.cluster_offset(run.lcn?).checked_add(into)
    }

    /// Reads one record and applies its update sequence.
    ///
    /// # Errors
    /// `NotFound` past the end of the MFT, `Corrupt` for a record that is not one, `Io`.
    pub fn record(&mut self, number: u64) -> Result<Record> {
        let (bytes, at) = self.record_bytes(number)?;
        Record::parse(number, at, bytes)
    }

    /// The bytes of a record as they are stored, and their place.
    pub(crate) fn record_bytes(&mut self, number: u64) -> Result<(Vec<u8>, u64)> {
        let size = self.boot.record_bytes as usize;
        let count = self.record_count();
        let missing = || Error::NotFound {
            what: "MFT record",
            name: format!("{number} of {count}"),
        };
        if number >= count {
            return Err(missing());
        }
        let at = self.record_offset(number).ok_or_else(missing)?;
        let mut bytes = vec![0; size];
        let from = number.checked_sub(self.window.first).map(|n| n as usize * size);
        if let Some(cached) = from.and_then(|from| self.window.bytes.get(from..from + size)) {
            bytes.copy_from_slice(cached);
        } else {
            self.read_mft(number * size as u64, &mut bytes)?;
        }
        Ok((bytes, at))
    }

    /// Reads ahead so that the records from `number` on come out of memory.
    pub(crate) fn prefetch(&mut self, number: u64) {
        let size = u64::from(self.boot.record_bytes);
        let end = self.window.first + self.window.bytes.len() as u64 / size;
        if (self.window.first..end).contains(&number) {
            return;
        }
        let left = self.record_count().saturating_sub(number) * size;
        let mut bytes = std::mem::take(&mut self.window.bytes);
        bytes.resize(left.min(WINDOW_BYTES) as usize, 0);
        // A window that cannot be read is no window: each record is then tried alone.
        if self.read_mft(number * size, &mut bytes).is_err() {
            bytes.clear();
        }
        self.window = Window { first: number, bytes };
    }

    fn read_mft(&mut self, at: u64, out: &mut [u8]) -> Result<()> {
        let mut extents = Extents::of_clusters(&self.mft, &self.boot);
        let read = extents.read_at(&mut self.device, at, out)?;
        if read == out.len() {
            return Ok(());
        }
        Err(Error::Truncated {
            what: "$MFT",
            at,
            need: out.len() as u64,
            have: read as u64,
        })
    }

    fn read_record_at(&mut self, number: u64, at: u64) -> Result<Record> {
        let mut bytes = vec![0; self.boot.record_bytes as usize];
        self.device.read_at(at, &mut bytes, "MFT record")?;
        Record::parse(number, at, bytes)
    }

    /// A file with the attributes of all its records.
    ///
    /// # Errors
    /// `NotFound` past the end of the MFT or when the record is not in use, `Invalid` for a record that
    /// extends another, `Corrupt`, `Limit`, `Io`.
    pub fn file(&mut self, number: u64) -> Result<File> {
        let base = self.record(number)?;
        if !base.is_in_use() {
            return Err(Error::NotFound {
                what: "file in MFT record",
                name: number.to_string(),
            });
        }
        if !base.is_base() {
            let reason = format!("record {number} extends record {}", base.header.base);
            return Err(Error::Invalid {
                what: "MFT record",
                reason,
            });
        }
        self.merge(&base)
    }

    /// A file by reference: the sequence number must agree.
    ///
    /// # Errors
    /// As [`Volume::file`]; `NotFound` when the record was reused since.
    pub fn file_by_reference(&mut self, reference: FileReference) -> Result<File> {
        let file = self.file(reference.record)?;
        if reference.sequence != 0 && file.reference.sequence != reference.sequence {
            return Err(Error::NotFound {
                what: "file",
                name: reference.to_string(),
            });
        }
        Ok(file)
    }

    /// The root directory.
    ///
    /// # Errors
    /// As [`Volume::file`].
    pub fn root(&mut self) -> Result<File> {
        self.file(record::ROOT)
    }

    /// Merges a base record with the records its attribute list names.
    pub(crate) fn merge(&mut self, base: &Record) -> Result<File> {
        let mut file = File {
            reference: base.reference(),
            at: base.at,
            flags: base.header.flags,
            link_count: base.header.link_count,
            attributes: Vec::new(),
        };
        let mut list = None;
        for found in base.attributes() {
            let found = found.map_err(|bad| base.attribute_error(bad))?;
            if found.type_code == attribute::ATTRIBUTE_LIST {
                list = Some(self.load_list(&found, base.at)?);
            }
            self.add(&mut file, &found, base)?;
        }
        let Some(list) = list else { return Ok(file) };
        let (entries, bad) = attribute_list::parse(&list);
        if let Some((at, found)) = bad {
            let expected = "entries inside the list";
            let found = format!("{found} at byte {at} of the list of record {}", base.number);
            return Err(Error::Corrupt {
                what: "attribute list",
                at: base.at,
                found,
                expected,
            });
        }
        let mut extensions: Vec<u64> = Vec::new();
        for entry in &entries {
            if entry.record.record != base.number && !extensions.contains(&entry.record.record) {
                extensions.push(entry.record.record);
            }
        }
        let mut holders = Vec::with_capacity(extensions.len());
        for number in extensions {
            let holder = self.record(number)?;
            if !holder.is_in_use() || holder.header.base.record != base.number {
                return Err(Error::Corrupt {
                    what: "extension record",
                    at: holder.at,
                    found: format!("record {number} extending {}", holder.header.base),
                    expected: "the record whose list names it",
                });
            }
            holders.push(holder);
        }
        // Extents of one attribute come in VCN order in the list, not in the order of the records.
        for entry in entries.iter().filter(|entry| entry.record.record != base.number) {
            let Some(holder) = holders.iter().find(|h| h.number == entry.record.record) else {
                continue;
            };
            for found in holder.attributes() {
                let found = found.map_err(|bad| holder.attribute_error(bad))?;
                if found.type_code == entry.type_code && found.instance == entry.instance {
                    self.add(&mut file, &found, holder)?;
                    break;
                }
            }
        }
        Ok(file)
    }

    /// Adds an attribute, or a further extent of one, to a file.
    fn add(&self, file: &mut File, found: &RawAttribute<'_>, holder: &Record) -> Result<()> {
        let at = holder.at.saturating_add(found.at as u64);
        let value = match &found.form {
            RawForm::Resident { value, .. } => Value::Resident(value.to_vec()),
            RawForm::NonResident(extent) if extent.lowest_vcn == 0 => {
                Value::NonResident(self.first_extent(found, holder.at)?)
            }
            RawForm::NonResident(extent) => {
                let first = file
                    .attributes
                    .iter_mut()
                    .find(|a| a.type_code == found.type_code && a.name == found.name)
                    .and_then(|a| match &mut a.value {
                        Value::NonResident(value) => Some(value),
                        Value::Resident(_) => None,
                    });
                let end = first
                    .as_ref()
                    .and_then(|value| value.runs.last())
                    .map_or(0, |r| r.vcns().end);
                let Some(first) = first.filter(|_| end == extent.lowest_vcn) else {
                    return Err(Error::Corrupt {
                        what: "extent of an attribute",
                        at,
                        found: format!("lowest VCN {} after {end} clusters", extent.lowest_vcn),
                        expected: "extents without gaps",
                    });
                };
                let left = self.limits.max_runs.saturating_sub(first.runs.len());
                let mapping_at = at.saturating_add(extent.mapping_at as u64);
                first
                    .runs
                    .extend(runs::decode(extent.mapping, end, left, mapping_at)?.0);
                return Ok(());
            }
        };
        if file.attributes.len() >= self.limits.max_attributes {
            let limit = self.limits.max_attributes as u64;
            return Err(Error::Limit {
                what: "attributes of one file",
                asked: limit + 1,
                limit,
            });
        }
        file.attributes.push(Attribute {
            type_code: found.type_code,
            name: found.name.clone(),
            flags: found.flags,
            record: holder.number,
            at,
            value,
        });
        Ok(())
    }

    /// A non-resident value from its first extent.
    pub(crate) fn first_extent(&self, found: &RawAttribute<'_>, record_at: u64) -> Result<NonResident> {
        let RawForm::NonResident(extent) = &found.form else {
            return Ok(NonResident::default());
        };
        let at = record_at.saturating_add((found.at + extent.mapping_at) as u64);
        Ok(NonResident {
            allocated_bytes: extent.allocated_bytes,
            size_bytes: extent.size_bytes,
            initialized_bytes: extent.initialized_bytes,
            total_allocated_bytes: extent.total_allocated_bytes,
            compression_unit: extent.compression_unit,
            runs: runs::decode(extent.mapping, extent.lowest_vcn, self.limits.max_runs, at)?.0,
        })
    }

    /// The bytes of an attribute list, resident or not.
    pub(crate) fn load_list(&mut self, found: &RawAttribute<'_>, record_at: u64) -> Result<Vec<u8>> {
        match &found.form {
            RawForm::Resident { value, .. } => Ok(value.to_vec()),
            RawForm::NonResident(_) => {
                let value = self.first_extent(found, record_at)?;
                let limit = self.limits.max_attribute_list_bytes;
                self.load_clusters(&value, "attribute list", limit)
            }
        }
    }

    fn load_clusters(&mut self, value: &NonResident, what: &'static str, limit: u64) -> Result<Vec<u8>> {
        let mut extents = Extents::of_clusters(value, &self.boot);
        load(&mut extents, &mut self.device, what, limit)
    }

    /// The whole value of a small attribute.
    ///
    /// # Errors
    /// `Limit` above [`Limits::max_value_bytes`], `Corrupt`, `Io`.
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

    /// Every file in use, in the order of the MFT. A record that cannot be read gives an `Err`.
    pub fn walk(&mut self) -> Walk<'_, R> {
        Walk {
            volume: self,
            next: 0,
        }
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

/// Iterator of [`Volume::walk`].
#[derive(Debug)]
pub struct Walk<'v, R> {
    volume: &'v mut Volume<R>,
    next: u64,
}

impl<R: Read + Seek> Iterator for Walk<'_, R> {
    type Item = Result<File>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.volume.record_count() {
            let number = self.next;
            self.next += 1;
            self.volume.prefetch(number);
            let (bytes, at) = match self.volume.record_bytes(number) {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            // Records never used are zeros on volumes that Windows formats.
            if bytes.get(..4) == Some(&[0; 4]) {
                continue;
            }
            match Record::parse(number, at, bytes) {
                Ok(record) if !record.is_in_use() || !record.is_base() => {}
                Ok(record) => return Some(self.volume.merge(&record)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

/// The boot sector, or the backup after the last sector of the volume.
fn read_boot<R: Read + Seek>(device: &mut Device<R>) -> Result<BootSector> {
    read_boot_at(device, 0).or_else(|error| backup_boot(device).ok_or(error))
}

/// The backup boot sector: the last sector of what holds the volume, whatever its size.
pub(crate) fn backup_boot<R: Read + Seek>(device: &mut Device<R>) -> Option<BootSector> {
    for sector_bytes in [512, 4096, 1024, 2048] {
        if let Some(at) = device.len().checked_sub(sector_bytes)
            && let Ok(boot) = read_boot_at(device, at)
            && boot.backup_offset() == at
        {
            return Some(boot);
        }
    }
    None
}

fn read_boot_at<R: Read + Seek>(device: &mut Device<R>, at: u64) -> Result<BootSector> {
    let mut bytes = [0; 512];
    device.read_at(at, &mut bytes, "boot sector")?;
    BootSector::parse(&bytes, at)
}
