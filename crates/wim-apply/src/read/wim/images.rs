//! The images of an opened WIM: by name or number, and their metadata.

use std::sync::Arc;

use sha1::{Digest, Sha1};

use super::Wim;
use crate::layout::ResourceHeader;
use crate::path_list::{MAX_ERROR_BYTES, PathList};
use crate::read::BlobReader;
use crate::read::chunk_map::ChunkMap;
use crate::read::header::map_of;
use crate::read::metadata::check_metadata;
use crate::read::resource::{MAX_GROWTH, read_whole};
use crate::{BlobHash, BlobId, Error, Image, ImageInfo, Inode, Result};

/// Most bytes of the names of images in one error.
const MAX_LISTED_BYTES: usize = 4 << 10;

impl Wim {
    /// The images, in order; image `n` is at index `n - 1`.
    #[must_use]
    pub fn images(&self) -> &[ImageInfo] {
        &self.images
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
                name: format!("{text:?}; there are {}", list_images(&self.images)),
            }),
            several => Err(Error::Invalid {
                what: "image",
                reason: format!("{text:?} fits several: {}", list_images(several.iter().copied())),
            }),
        }
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
        .map_err(|error| error.in_metadata_of(index))
    }

    /// Random access to the data of a file of an image, by its path (see [`Image::lookup`]).
    ///
    /// # Errors
    /// `NotFound` when there is no such path, or its data is in no opened file; `Invalid` for a directory; as
    /// [`Wim::open_blob`].
    pub fn open_file(&self, image: &Image, path: &str) -> Result<BlobReader> {
        let inode = image.inode_of(image.lookup(path)?);
        let stream = inode.and_then(Inode::unnamed_data);
        match stream {
            None if inode.is_some_and(Inode::is_directory) => Err(Error::Invalid {
                what: "path",
                reason: format!("{path} is a directory"),
            }),
            Some(stream) if stream.blob.is_none() && !stream.hash.is_zero() => Err(Error::NotFound {
                what: "data",
                name: format!("of {path}: it is in another file"),
            }),
            stream => match stream.and_then(|stream| stream.blob) {
                Some(blob) => self.open_blob(blob),
                None => BlobReader::new(
                    Arc::clone(&self.parts[0].source),
                    Arc::new(ChunkMap::stored(0, 0)),
                    0,
                    0,
                ),
            },
        }
    }

    /// Checks an image's metadata as [`Wim::image`] does, without building its tree. Returns the paths of
    /// files whose blob is in no opened file.
    pub(crate) fn check_image(&self, index: u32) -> Result<Vec<String>> {
        let bytes = self.metadata_resource(index)?;
        let is_known = |hash: &BlobHash| self.by_hash.contains_key(hash);
        let whole = check_metadata(&bytes, &self.limits, &is_known);
        if whole.map_err(|error| error.in_metadata_of(index))? {
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
        let limit = self.limits.max_metadata_bytes;
        let bytes = map_of(&part.source, &part.header, resource, what, &self.limits)
            .and_then(|map| read_whole(&part.source, &map, what, limit, MAX_GROWTH))
            .map_err(|error| error.in_metadata_of(index))?;
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
