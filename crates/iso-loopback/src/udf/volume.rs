//! A UDF volume: opened through its anchors, its directories and files found through their ICBs.

use std::io::{Read, Seek};

use super::allocation::extents_of;
use super::anchor::{Anchor, find_anchors};
use super::directory::{self, FileIdentifier};
use super::file_entry::{self, FileEntry, IcbAddress, file_type};
use super::partition::{Deferred, Maps, Partition, decode_maps, resolve};
use super::volume_descriptors::{PrimaryVolume, VolumeDescriptors, read_sequence};
use super::{osta, tag};
use crate::entry::Location;
use crate::fields::Fields;
use crate::source::Source;
use crate::{Entry, EntryKind, Error, Extent, ReadOptions, Result, Timestamp};

/// An opened volume.
#[derive(Clone, Debug)]
pub(crate) struct UdfVolume {
    pub(crate) label: String,
    /// UDF revision in BCD.
    pub(crate) revision: u16,
    pub(crate) block_bytes: u32,
    pub(crate) volume_set_id: String,
    pub(crate) application: String,
    pub(crate) recorded: Option<Timestamp>,
    /// Whether the integrity descriptor says "closed"; `None` without one.
    pub(crate) closed: Option<bool>,
    pub(super) partitions: Vec<Partition>,
    root: IcbAddress,
}

impl UdfVolume {
    pub(crate) fn open<R: Read + Seek>(
        source: &mut Source<R>,
        options: &ReadOptions,
        recognition_step: Option<u64>,
    ) -> Result<Self> {
        let mut first_error = None;
        for anchor in find_anchors(source, options, recognition_step)? {
            // The reserve sequence holds the same descriptors.
            for sequence in [anchor.main, anchor.reserve] {
                let opened = read_sequence(source, options, anchor.sector_bytes, sequence)
                    .and_then(|descriptors| Self::from_descriptors(source, options, &anchor, descriptors));
                match opened {
                    Ok(volume) => return Ok(volume),
                    Err(error) => first_error.get_or_insert(error),
                };
            }
        }
        Err(first_error.unwrap_or_else(|| Error::NotAnImage {
            reason: "no UDF anchor".to_owned(),
        }))
    }

    fn from_descriptors<R: Read + Seek>(
        source: &mut Source<R>,
        options: &ReadOptions,
        anchor: &Anchor,
        descriptors: VolumeDescriptors,
    ) -> Result<Self> {
        let Maps { partitions, deferred } = decode_maps(source, options, &descriptors, anchor.sector_bytes)?;
        let logical = descriptors.logical_volume;
        let primary = descriptors.primary.unwrap_or_else(|| PrimaryVolume {
            volume_id: String::new(),
            volume_set_id: String::new(),
            application: String::new(),
            recorded: None,
        });
        let mut volume = Self {
            label: if logical.id.is_empty() {
                primary.volume_id
            } else {
                logical.id
            },
            revision: logical.revision,
            block_bytes: logical.block_bytes,
            volume_set_id: primary.volume_set_id,
            application: primary.application,
            recorded: primary.recorded,
            closed: None,
            partitions,
            root: IcbAddress {
                block: 0,
                partition: 0,
            },
        };
        for (index, map) in deferred {
            let partition = match map {
                Deferred::Virtual { inner } => volume.read_vat(source, options, inner)?,
                Deferred::Metadata {
                    inner,
                    file_block,
                    mirror_block,
                } => volume
                    .read_metadata_file(source, options, inner, file_block, file_type::METADATA_FILE)
                    .or_else(|error| {
                        let mirror = file_type::METADATA_MIRROR;
                        volume
                            .read_metadata_file(source, options, inner, mirror_block, mirror)
                            .map_err(|_| error)
                    })?,
            };
            if let Some(slot) = volume.partitions.get_mut(index) {
                *slot = partition;
            }
        }
        volume.closed = read_integrity(source, options, anchor.sector_bytes, logical.integrity);
        let (block, partition) = logical.file_set;
        volume.root = volume.read_file_set(source, options, IcbAddress { block, partition }, logical.at)?;
        Ok(volume)
    }

    /// Kinds of the partitions, for people.
    pub(crate) fn partition_kinds(&self) -> Vec<&'static str> {
        self.partitions.iter().map(Partition::describe).collect()
    }

    pub(crate) fn root<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
    ) -> Result<Entry> {
        let file = self.file_entry(source, options, self.root, 0)?;
        if file.file_type != file_type::DIRECTORY {
            return Err(Error::corrupt(
                "UDF root directory",
                file.at,
                format!("file type {}", file.file_type),
                "a directory (4)",
            ));
        }
        self.entry(source, options, String::new(), false, self.root, &file)
    }

    pub(crate) fn read_dir<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        directory: IcbAddress,
    ) -> Result<Vec<Entry>> {
        let names = self.read_names(source, options, directory)?;
        names
            .into_iter()
            .map(|name| self.entry_of(source, options, name))
            .collect()
    }

    /// The first entry whose name satisfies `matches`; the other names' file entries are not read.
    pub(crate) fn find<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        directory: IcbAddress,
        matches: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Entry>> {
        let names = self.read_names(source, options, directory)?;
        names
            .into_iter()
            .find(|identifier| matches(&identifier.name))
            .map(|identifier| self.entry_of(source, options, identifier))
            .transpose()
    }

    pub(crate) fn extents<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        icb: IcbAddress,
    ) -> Result<Vec<Extent>> {
        let file = self.file_entry(source, options, icb, 0)?;
        self.extents_of(source, options, icb, &file)
    }

    pub(super) fn extents_of<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        icb: IcbAddress,
        file: &FileEntry,
    ) -> Result<Vec<Extent>> {
        extents_of(
            source,
            options,
            &self.partitions,
            self.block_bytes,
            icb.partition,
            file,
        )
    }

    fn read_names<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        directory: IcbAddress,
    ) -> Result<Vec<FileIdentifier>> {
        let file = self.file_entry(source, options, directory, 0)?;
        let (at, data) = self.read_content(source, options, directory, &file)?;
        directory::decode(&data, at, options)
    }

    fn entry_of<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        name: FileIdentifier,
    ) -> Result<Entry> {
        let file = self.file_entry(source, options, name.icb, name.at)?;
        self.entry(source, options, name.name, name.hidden, name.icb, &file)
    }

    fn entry<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        name: String,
        hidden: bool,
        icb: IcbAddress,
        file: &FileEntry,
    ) -> Result<Entry> {
        let kind = match file.file_type {
            file_type::DIRECTORY => EntryKind::Directory,
            file_type::UNSPECIFIED | file_type::FILE | file_type::REAL_TIME_FILE => EntryKind::File,
            file_type::SYMLINK => {
                let (_, data) = self.read_content(source, options, icb, file)?;
                EntryKind::Symlink(symlink_target(&data))
            }
            _ => EntryKind::Special,
        };
        Ok(Entry {
            name,
            kind,
            size_bytes: file.information_bytes,
            modified: file.modified,
            accessed: file.accessed,
            created: file.created,
            hidden,
            associated: false,
            unix: Some(file.unix),
            location: Location::Udf(icb),
        })
    }

    /// Content of a directory or another small structure, and the offset of its first byte.
    pub(super) fn read_content<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        icb: IcbAddress,
        file: &FileEntry,
    ) -> Result<(u64, Vec<u8>)> {
        let limit = options.limits.max_directory_bytes;
        if file.information_bytes > limit {
            return Err(Error::Limit {
                what: "bytes of a UDF directory",
                asked: file.information_bytes,
                limit,
            });
        }
        let extents = self.extents_of(source, options, icb, file)?;
        let mut data = Vec::new();
        for extent in &extents {
            match extent.image_offset {
                Some(at) => data.extend(source.read_vec("UDF directory", at, extent.length_bytes)?),
                None => {
                    return Err(Error::corrupt(
                        "UDF directory",
                        file.at,
                        "an unrecorded extent",
                        "recorded data",
                    ));
                }
            }
        }
        let first = extents.first().and_then(|extent| extent.image_offset);
        Ok((first.unwrap_or(file.at), data))
    }

    pub(super) fn file_entry<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        icb: IcbAddress,
        named_at: u64,
    ) -> Result<FileEntry> {
        let (at, block) = self.read_block(source, "UDF file entry", icb, named_at)?;
        // In a virtual partition the tag carries the virtual or the real number, depending on the writer.
        let is_virtual = matches!(
            self.partitions.get(usize::from(icb.partition)),
            Some(Partition::Virtual { .. })
        );
        file_entry::decode(&block, at, (!is_virtual).then_some(icb.block), options)
    }

    fn read_block<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        what: &'static str,
        address: IcbAddress,
        named_at: u64,
    ) -> Result<(u64, Vec<u8>)> {
        let len = u64::from(self.block_bytes);
        let mut place = Vec::new();
        let IcbAddress { block, partition } = address;
        resolve(
            &self.partitions,
            self.block_bytes,
            partition,
            block,
            len,
            named_at,
            &mut place,
        )?;
        match place.as_slice() {
            [
                Extent {
                    image_offset: Some(at),
                    ..
                },
            ] => Ok((*at, source.read_vec(what, *at, len)?)),
            _ => Err(Error::corrupt(
                what,
                named_at,
                "a block in pieces or a hole",
                "one recorded block",
            )),
        }
    }

    /// File set descriptor (4/14.1): where the root directory is.
    fn read_file_set<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        address: IcbAddress,
        named_at: u64,
    ) -> Result<IcbAddress> {
        const FILE_SET: &str = "UDF file set descriptor";
        let (at, block) = self.read_block(source, FILE_SET, address, named_at)?;
        let fields = Fields::new(FILE_SET, at, &block);
        tag::expect(&fields, &[tag::FILE_SET], options.verify_checksums)?;
        Ok(IcbAddress {
            block: fields.u32(400 + 4)?,
            partition: fields.u16(400 + 8)?,
        })
    }
}

/// The last logical volume integrity descriptor of its first extent (3/10.10): closed or open.
fn read_integrity<R: Read + Seek>(
    source: &mut Source<R>,
    options: &ReadOptions,
    sector_bytes: u64,
    (first, len): (u32, u32),
) -> Option<bool> {
    const WHAT: &str = "UDF logical volume integrity descriptor";
    let mut closed = None;
    for index in 0..(u64::from(len) / sector_bytes).min(64) {
        let at = (u64::from(first) + index) * sector_bytes;
        let bytes = source.read_vec(WHAT, at, sector_bytes).ok()?;
        let fields = Fields::new(WHAT, at, &bytes);
        if tag::expect(&fields, &[tag::INTEGRITY], options.verify_checksums).is_err() {
            break;
        }
        closed = Some(fields.u32(28).ok()? == 1);
    }
    closed
}

/// A path of components (4/14.16): root, parent, current, or a name.
fn symlink_target(data: &[u8]) -> String {
    let mut target = String::new();
    let mut rest = data;
    while let [kind, len, _, _, after @ ..] = rest {
        let (name, next) = after.split_at(usize::from(*len).min(after.len()));
        if !target.is_empty() && !target.ends_with('/') {
            target.push('/');
        }
        match kind {
            1 | 2 => target = "/".to_owned(),
            3 => target.push_str(".."),
            4 => target.push('.'),
            _ => target.push_str(&osta::decode(name)),
        }
        rest = next;
    }
    target
}
