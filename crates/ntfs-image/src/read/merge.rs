//! Files by number or reference: a base record merged with the records that extend it.

use std::io::{Read, Seek};

use super::attribute::{RawAttribute, RawForm};
use super::attribute_list;
use super::file::{Attribute, File, NonResident, Value};
use super::record::Record;
use super::reference::FileReference;
use super::runs;
use super::volume::Volume;
use crate::layout::{attribute, record};
use crate::{Error, Result};

impl<R: Read + Seek> Volume<R> {
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
}
