//! An opened WIM: its files, images and blobs.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::{Arc, OnceLock};

use sha1::{Digest, Sha1};

use super::blob_table::{Blob, BlobStorage, SolidResource, read_blob_table};
use super::chunk_map::ChunkMap;
use super::header::{codec_of, map_of, read_header};
use super::integrity::{self, IntegrityReport, IntegrityTable};
use super::metadata::check_metadata;
use super::resource::{MAX_GROWTH, RawResource, read_whole};
use super::{BlobReader, xml};
use crate::layout::{Header, ResourceHeader, resource_flag};
use crate::path_list::{MAX_ERROR_BYTES, PathList};
use crate::source::Source;
use crate::{BlobHash, BlobId, Error, Image, ImageInfo, Limits, Result};

/// Most bytes of the names of images in one error.
const MAX_LISTED_BYTES: usize = 4 << 10;

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
    /// a shared resource file). Streams of an [`Image`] read before do not see the new blobs.
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

    /// The images, in order; image `n` is at index `n - 1`.
    #[must_use]
    pub fn images(&self) -> &[ImageInfo] {
        &self.images
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

    /// The number of the image that `text` means: a number, a name, or else (any case) an edition id.
    ///
    /// # Errors
    /// `NotFound`, which lists the images; `Invalid` when several have that name.
    pub fn find_image(&self, text: &str) -> Result<u32> {
        if let Ok(number) = text.parse::<u32>()
            && self.images.iter().any(|image| image.index == number)
        {
            return Ok(number);
        }
        let exact = |image: &&ImageInfo| {
            image.name.as_deref() == Some(text) || image.display_name.as_deref() == Some(text)
        };
        let loose = |image: &&ImageInfo| {
            [&image.name, &image.display_name, &image.edition_id]
                .into_iter()
                .any(|value| value.as_ref().is_some_and(|v| v.eq_ignore_ascii_case(text)))
        };
        let mut found: Vec<&ImageInfo> = self.images.iter().filter(exact).collect();
        if found.is_empty() {
            found = self.images.iter().filter(loose).collect();
        }
        match found.as_slice() {
            [image] => Ok(image.index),
            [] => Err(Error::NotFound {
                what: "image",
                name: format!("{text}; there are {}", list_images(&self.images)),
            }),
            several => Err(Error::Invalid {
                what: "image",
                reason: format!("{text:?} fits several: {}", list_images(several.iter().copied())),
            }),
        }
    }

    /// All blobs of the opened files; [`BlobId`] is the index.
    #[must_use]
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// The solid resources of the opened files.
    #[must_use]
    pub fn solid_resources(&self) -> &[SolidResource] {
        &self.solid
    }

    /// One blob.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn blob(&self, id: BlobId) -> Result<&Blob> {
        self.blobs.get(id.0 as usize).ok_or_else(|| Error::NotFound {
            what: "blob",
            name: format!("number {}", id.0),
        })
    }

    /// The blob of that hash.
    #[must_use]
    pub fn blob_by_hash(&self, hash: &BlobHash) -> Option<BlobId> {
        self.by_hash.get(hash).copied()
    }

    /// Reads an image's tree. Its metadata resource must have the hash that the blob table states.
    ///
    /// # Errors
    /// `NotFound` when there is no such image, or its metadata is not in the first opened file;
    /// `HashMismatch`, `Corrupt`, `Truncated` or `Limit` for a bad metadata resource.
    pub fn image(&self, index: u32) -> Result<Image> {
        let bytes = self.metadata_resource(index)?;
        Image::parse_metadata(&bytes, &self.limits, &|hash| {
            let id = self.blob_by_hash(hash)?;
            Some((id, self.blobs.get(id.0 as usize)?.size_bytes))
        })
    }

    /// Checks an image's metadata as [`Wim::image`] does, without building its tree. Returns the paths of
    /// files whose blob is in no opened file.
    pub(crate) fn check_image(&self, index: u32) -> Result<Vec<String>> {
        let bytes = self.metadata_resource(index)?;
        let is_known = |hash: &BlobHash| self.by_hash.contains_key(hash);
        if check_metadata(&bytes, &self.limits, &is_known)? {
            return Ok(Vec::new());
        }
        drop(bytes);
        Ok(self.image(index)?.paths_of_missing_blobs())
    }

    /// SHA-1 of an image's metadata resource, as the blob table states it. It names the whole image: every
    /// other hash is in the metadata.
    #[must_use]
    pub fn metadata_hash(&self, index: u32) -> Option<BlobHash> {
        let slot = (index as usize).checked_sub(1)?;
        self.metadata.get(slot).map(|(hash, _)| *hash)
    }

    /// The stored bytes of an image's metadata resource, with its hash and place.
    pub(crate) fn raw_metadata(&self, index: u32) -> Result<Option<(BlobHash, ResourceHeader, Vec<u8>)>> {
        let Some((hash, resource)) = self.metadata_entry(index).filter(|_| !self.header().pipable) else {
            return Ok(None);
        };
        let what = "metadata resource";
        let limit = self.limits.max_metadata_bytes;
        if resource.stored_bytes > limit {
            return Err(Error::Limit {
                what,
                asked: resource.stored_bytes,
                limit,
            });
        }
        let bytes = self.parts[0]
            .source
            .read_vec(what, resource.offset, resource.stored_bytes)?;
        Ok(Some((hash, resource, bytes)))
    }

    /// Hash and place of an image's metadata resource.
    pub(crate) fn metadata_entry(&self, index: u32) -> Option<(BlobHash, ResourceHeader)> {
        self.metadata.get((index as usize).checked_sub(1)?).copied()
    }

    /// An image's metadata resource, uncompressed, its hash checked.
    ///
    /// # Errors
    /// As [`Wim::image`].
    pub fn metadata_resource(&self, index: u32) -> Result<Vec<u8>> {
        let slot = (index as usize).checked_sub(1);
        if slot.is_none_or(|slot| slot >= self.images.len()) {
            let name = format!("{index}; there are {}", list_images(&self.images));
            return Err(Error::NotFound { what: "image", name });
        }
        let Some((hash, resource)) = slot.and_then(|slot| self.metadata.get(slot)) else {
            let name = if self.header().part_number == 1 {
                format!("of image {index}")
            } else {
                format!(
                    "of image {index}: it is in part 1, this is part {}",
                    self.header().part_number
                )
            };
            return Err(Error::NotFound {
                what: "metadata resource",
                name,
            });
        };
        let part = &self.parts[0];
        let what = "metadata resource";
        let map = map_of(&part.source, &part.header, resource, what, &self.limits)?;
        let limit = self.limits.max_metadata_bytes;
        let bytes = read_whole(&part.source, &map, what, limit, MAX_GROWTH)?;
        let found = BlobHash(Sha1::digest(&bytes).into());
        if found != *hash {
            return Err(Error::HashMismatch {
                expected: *hash,
                found,
                at: resource.offset,
                paths: vec![format!("metadata of image {index}")],
            });
        }
        Ok(bytes)
    }

    /// The paths that hold a blob, in all images whose metadata can be read; with several images, each path
    /// has the number of its image in front (`2:\Windows\notepad.exe`). A last line counts those beyond 64 KiB.
    #[must_use]
    pub fn paths_of_blob(&self, id: BlobId) -> Vec<String> {
        let mut paths = PathList::new(MAX_ERROR_BYTES);
        for info in &self.images {
            let Ok(image) = self.image(info.index) else {
                continue;
            };
            for (_, entry, stream) in image.uses().filter(|(used, ..)| *used == id) {
                paths.push(|| self.path_in_image(info.index, image.path_of_stream(entry, stream)));
            }
        }
        paths.into_paths()
    }

    /// A path of one image, as it is called among all images.
    pub(crate) fn path_in_image(&self, index: u32, path: String) -> String {
        if self.images.len() > 1 {
            format!("{index}:{path}")
        } else {
            path
        }
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

    /// Random access to a blob's bytes.
    ///
    /// # Errors
    /// `NotFound`, and when the resource is not valid.
    pub fn open_blob(&self, id: BlobId) -> Result<BlobReader> {
        let blob = self.blob(id)?;
        let start = match blob.storage {
            BlobStorage::Solid { offset, .. } => offset,
            _ => 0,
        };
        BlobReader::new(self.source_of(blob)?, self.chunk_map(id)?, start, blob.size_bytes)
    }

    /// The compressed resource of a blob as it lies in the file, for those who store it as it is. `None` when
    /// the blob is stored, in a solid resource, or in a pipable file (whose resources are laid out otherwise).
    ///
    /// # Errors
    /// `NotFound`, and when the resource is not valid.
    pub fn raw_resource(&self, id: BlobId) -> Result<Option<RawResource>> {
        let blob = self.blob(id)?;
        let BlobStorage::Compressed { offset, stored_bytes } = blob.storage else {
            return Ok(None);
        };
        let map = self.chunk_map(id)?;
        let Some(codec) = map.codec.filter(|_| !self.is_pipable(blob)) else {
            return Ok(None);
        };
        Ok(Some(RawResource {
            source: self.source_of(blob)?,
            offset,
            position: 0,
            codec,
            chunk_bytes: map.chunk_bytes,
            size_bytes: blob.size_bytes,
            stored_bytes,
            map: Arc::unwrap_or_clone(map),
        }))
    }

    /// Where the chunks of the resource lie that holds the blob.
    pub(crate) fn chunk_map(&self, id: BlobId) -> Result<Arc<ChunkMap>> {
        let blob = self.blob(id)?;
        let part = self.part_of(blob)?;
        let resource = match blob.storage {
            BlobStorage::Solid { resource, .. } => return self.solid_map(resource),
            BlobStorage::Stored { offset } => {
                return Ok(Arc::new(ChunkMap::stored(offset, blob.size_bytes)));
            }
            BlobStorage::Compressed { offset, stored_bytes } => ResourceHeader {
                stored_bytes,
                flags: resource_flag::COMPRESSED,
                offset,
                size_bytes: blob.size_bytes,
            },
        };
        Ok(Arc::new(map_of(
            &part.source,
            &part.header,
            &resource,
            "blob",
            &self.limits,
        )?))
    }

    /// Where the chunks of a solid resource lie; read once.
    pub(crate) fn solid_map(&self, number: u32) -> Result<Arc<ChunkMap>> {
        let missing = || Error::NotFound {
            what: "solid resource",
            name: format!("number {number}"),
        };
        let resource = self.solid.get(number as usize).ok_or_else(missing)?;
        let slot = self.solid_maps.get(number as usize).ok_or_else(missing)?;
        if let Some(map) = slot.get() {
            return Ok(Arc::clone(map));
        }
        let part = self.parts.get(usize::from(resource.part)).ok_or_else(missing)?;
        let place = ResourceHeader {
            stored_bytes: resource.stored_bytes,
            flags: resource_flag::SOLID,
            offset: resource.offset,
            size_bytes: resource.header.size_bytes,
        };
        let map = Arc::new(ChunkMap::solid(
            &part.source,
            &place,
            &resource.header,
            &self.limits,
        )?);
        Ok(Arc::clone(slot.get_or_init(|| map)))
    }

    fn part_of(&self, blob: &Blob) -> Result<&Part> {
        self.parts
            .get(usize::from(blob.part))
            .ok_or_else(|| Error::NotFound {
                what: "file",
                name: format!("number {}", blob.part),
            })
    }

    pub(crate) fn source_of(&self, blob: &Blob) -> Result<Arc<Source>> {
        Ok(Arc::clone(&self.part_of(blob)?.source))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Header of the file that holds a blob.
    pub(crate) fn header_of(&self, blob: &Blob) -> Result<&Header> {
        Ok(&self.part_of(blob)?.header)
    }

    /// Compression of the non-solid resources of the file that holds a blob.
    pub(crate) fn codec_of_part(&self, blob: &Blob) -> Result<Option<crate::codec::Codec>> {
        Ok(codec_of(&self.part_of(blob)?.header))
    }

    pub(crate) fn is_pipable(&self, blob: &Blob) -> bool {
        self.part_of(blob).is_ok_and(|part| part.header.pipable)
    }

    /// Compression and chunk size of the non-solid resources of the first file.
    #[must_use]
    pub fn compression(&self) -> Option<(crate::codec::Codec, u32)> {
        codec_of(self.header()).map(|codec| (codec, self.header().chunk_bytes))
    }
}

/// Where the chunks of a blob with a compressed resource of its own lie.
pub(crate) fn compressed_map(
    header: &Header,
    offset: u64,
    stored_bytes: u64,
    size_bytes: u64,
    limits: &Limits,
) -> Result<ChunkMap> {
    let codec = codec_of(header).ok_or_else(|| Error::Corrupt {
        what: "blob",
        at: offset,
        found: format!("a compressed resource in a file with flags {:#x}", header.flags),
        expected: "flags that name a compression",
    })?;
    let resource = ResourceHeader {
        stored_bytes,
        flags: resource_flag::COMPRESSED,
        offset,
        size_bytes,
    };
    ChunkMap::compressed(&resource, codec, header.chunk_bytes, header.pipable, limits)
}

fn list_images<'a>(images: impl IntoIterator<Item = &'a ImageInfo>) -> String {
    let one = |image: &ImageInfo| format!("{} ({})", image.index, image.name.as_deref().unwrap_or("unnamed"));
    let mut list = PathList::new(MAX_LISTED_BYTES);
    for image in images {
        list.push(|| one(image));
    }
    let all = list.into_paths();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}
