//! An opened WIM: its files, images and blobs.

mod blobs;
mod images;

pub(crate) use blobs::compressed_map;

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::{Arc, OnceLock};

use super::blob_table::{Blob, SolidResource, read_blob_table};
use super::chunk_map::ChunkMap;
use super::header::{codec_of, map_of, read_header};
use super::integrity::{self, IntegrityReport, IntegrityTable};
use super::resource::{MAX_GROWTH, read_whole};
use super::xml;
use crate::layout::{Header, ResourceHeader};
use crate::source::Source;
use crate::{BlobHash, BlobId, Error, ImageInfo, Limits, Result};

/// A WIM: one file, or the parts of a split one, or a file and others that it takes blobs from.
#[derive(Debug)]
pub struct Wim {
    limits: Limits,
    parts: Vec<Part>,
    xml: Vec<u8>,
    images: Vec<ImageInfo>,
    metadata: Vec<(BlobHash, ResourceHeader)>,
    blobs: Vec<Blob>,
    by_hash: HashMap<BlobHash, BlobId>,
    solid: Vec<SolidResource>,
    solid_maps: Vec<OnceLock<Arc<ChunkMap>>>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Part {
    source: Arc<Source>,
    header: Header,
}

/// One opened file.
#[derive(Clone, Copy, Debug)]
pub struct PartInfo {
    /// Its header.
    pub header: Header,
    /// Its length in bytes.
    pub file_bytes: u64,
}

impl Wim {
    /// Opens a WIM, or the first part of a split one.
    ///
    /// # Errors
    /// `Corrupt`, `Truncated` or `Limit` when header, blob table or XML are not valid; `Unsupported` for an
    /// unknown version or an encrypted ESD; `Io`.
    pub fn open(reader: impl Read + Seek + Send + 'static, limits: &Limits) -> Result<Self> {
        let source = Source::new(Box::new(reader))?;
        let header = read_header(&source, limits)?;
        let table = read_blob_table(&source, &header, 0, 0, limits)?;
        let xml = if header.xml.is_absent() {
            Vec::new()
        } else {
            let map = map_of(&source, &header, &header.xml, "XML", limits)?;
            read_whole(&source, &map, "XML", limits.max_xml_bytes, MAX_GROWTH)?
        };
        let (images, mut xml_warnings) = xml::parse(&xml, header.xml.offset, header.image_count)?;
        let mut wim = Self {
            limits: limits.clone(),
            parts: vec![Part {
                source: Arc::new(source),
                header,
            }],
            xml,
            images,
            metadata: table.metadata,
            blobs: Vec::new(),
            by_hash: HashMap::new(),
            solid: Vec::new(),
            solid_maps: Vec::new(),
            warnings: table.warnings,
        };
        wim.warnings.append(&mut xml_warnings);
        wim.merge(table.blobs, table.solid);
        Ok(wim)
    }

    /// Adds another part of the split file, or a file whose blobs this one refers to (the base of a delta,
    /// a shared resource file). Streams of an [`Image`](crate::Image) read before do not see the new blobs.
    ///
    /// # Errors
    /// `Invalid` when that part of the set is open already or counts the parts differently; as [`Wim::open`].
    pub fn add_part(&mut self, reader: impl Read + Seek + Send + 'static) -> Result<()> {
        let source = Source::new(Box::new(reader))?;
        let header = read_header(&source, &self.limits)?;
        let same_set = |part: &&Part| part.header.guid == header.guid && header.part_count > 1;
        for part in self.parts.iter().filter(same_set) {
            let reason = if part.header.part_count != header.part_count {
                format!(
                    "states {} parts, another one {}",
                    header.part_count, part.header.part_count
                )
            } else if part.header.part_number == header.part_number {
                format!("part {} is open already", header.part_number)
            } else {
                continue;
            };
            return Err(Error::Invalid {
                what: "part of a split file",
                reason,
            });
        }
        let number = u16::try_from(self.parts.len()).map_err(|_| Error::Limit {
            what: "number of files",
            asked: 65_536,
            limit: 65_535,
        })?;
        let first_solid = u32::try_from(self.solid.len()).unwrap_or(u32::MAX);
        let table = read_blob_table(&source, &header, number, first_solid, &self.limits)?;
        self.parts.push(Part {
            source: Arc::new(source),
            header,
        });
        self.warnings.extend(table.warnings);
        self.merge(table.blobs, table.solid);
        Ok(())
    }

    fn merge(&mut self, blobs: Vec<Blob>, solid: Vec<SolidResource>) {
        self.solid_maps.extend(solid.iter().map(|_| OnceLock::new()));
        self.solid.extend(solid);
        for blob in blobs {
            let id = BlobId(u32::try_from(self.blobs.len()).unwrap_or(u32::MAX));
            if let std::collections::hash_map::Entry::Vacant(slot) = self.by_hash.entry(blob.hash) {
                slot.insert(id);
                self.blobs.push(blob);
            }
        }
    }

    /// Header of the first opened file.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.parts[0].header
    }

    /// All opened files.
    #[must_use]
    pub fn parts(&self) -> Vec<PartInfo> {
        let info = |part: &Part| PartInfo {
            header: part.header,
            file_bytes: part.source.len(),
        };
        self.parts.iter().map(info).collect()
    }

    /// Numbers of the parts of a split file that are not open.
    #[must_use]
    pub fn missing_parts(&self) -> Vec<u16> {
        let first = self.header();
        let open = |number: &u16| {
            self.parts
                .iter()
                .any(|p| p.header.guid == first.guid && p.header.part_number == *number)
        };
        (1..=first.part_count).filter(|number| !open(number)).collect()
    }

    /// The XML document as stored: UTF-16LE with a byte order mark.
    #[must_use]
    pub fn xml(&self) -> &[u8] {
        &self.xml
    }

    /// The XML document as text; unpaired surrogates become U+FFFD.
    #[must_use]
    pub fn xml_text(&self) -> String {
        xml::decode_utf16(&self.xml)
    }

    /// What was odd but tolerated.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The integrity table of the first opened file, if it has one.
    ///
    /// # Errors
    /// When it is there and not valid.
    pub fn integrity_table(&self) -> Result<Option<IntegrityTable>> {
        integrity::read_integrity_table(&self.parts[0].source, self.header())
    }

    /// Compares every opened file with its integrity table: one report a file, `None` where it has no table.
    /// `go_on` is asked now and then, with the number of bytes done in that file, whether to go on.
    ///
    /// # Errors
    /// When a table is not valid, reading fails, or `go_on` says no (`Interrupted`).
    pub fn check_integrity(
        &self,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Vec<Option<IntegrityReport>>> {
        let check = |part: &Part| {
            let table = integrity::read_integrity_table(&part.source, &part.header)?;
            table
                .map(|table| integrity::check_integrity(&part.source, &table, go_on))
                .transpose()
        };
        self.parts.iter().map(check).collect()
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Compression and chunk size of the non-solid resources of the first file.
    #[must_use]
    pub fn compression(&self) -> Option<(crate::codec::Codec, u32)> {
        codec_of(self.header()).map(|codec| (codec, self.header().chunk_bytes))
    }
}
