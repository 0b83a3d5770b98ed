//! Reading and checking the file header.

use crate::codec::Codec;
use crate::layout::{
    DEFAULT_CHUNK_BYTES, HEADER_BYTES, Header, ResourceHeader, VERSION_DEFAULT, VERSION_SOLID, header_flag,
};
use crate::source::Source;
use crate::{Error, Limits, Result};

/// The header that counts: the one at the end in a pipable file, else the one at the start.
pub(super) fn read_header(source: &Source, limits: &Limits) -> Result<Header> {
    let mut at = 0;
    let mut header = decode(source, at)?;
    if header.pipable && header.blob_table.is_absent() {
        at = source.len().saturating_sub(HEADER_BYTES as u64);
        header = decode(source, at)?;
    }
    if header.header_bytes as usize != HEADER_BYTES {
        return Err(Error::Corrupt {
            what: "header size",
            at: at + 8,
            found: format!("{} bytes", header.header_bytes),
            expected: "208 bytes",
        });
    }
    if !matches!(header.version, VERSION_DEFAULT | VERSION_SOLID) {
        return Err(Error::Unsupported {
            what: "header",
            at: at + 12,
            feature: format!("version {:#x}", header.version),
        });
    }
    if header.part_number == 0 || header.part_number > header.part_count {
        return Err(Error::Corrupt {
            what: "part number",
            at: at + 40,
            found: format!("part {} of {}", header.part_number, header.part_count),
            expected: "a part from 1 to the number of parts",
        });
    }
    if header.image_count > limits.max_images {
        return Err(Error::Limit {
            what: "number of images",
            asked: u64::from(header.image_count),
            limit: u64::from(limits.max_images),
        });
    }
    if header.boot_index > header.image_count {
        // Parts after the first may state an image that only the first one holds.
        header.boot_index = 0;
    }
    if header.has(header_flag::COMPRESSED) && header.chunk_bytes == 0 {
        header.chunk_bytes = DEFAULT_CHUNK_BYTES;
    }
    Ok(header)
}

fn decode(source: &Source, at: u64) -> Result<Header> {
    let bytes: [u8; HEADER_BYTES] = source.read_array("header", at)?;
    Header::decode(&bytes).ok_or_else(|| Error::Corrupt {
        what: "header magic",
        at,
        found: format!("{:02x?}", &bytes[..8]),
        expected: "\"MSWIM\\0\\0\\0\" or \"WLPWM\\0\\0\\0\"",
    })
}

/// The compression of a file's non-solid resources.
pub(super) fn codec_of(header: &Header) -> Option<Codec> {
    if header.has(header_flag::LZX) {
        Some(Codec::Lzx)
    } else if header.has(header_flag::XPRESS) || header.has(header_flag::XPRESS_2) {
        Some(Codec::Xpress)
    } else if header.has(header_flag::LZMS) {
        Some(Codec::Lzms)
    } else {
        None
    }
}

/// Where the chunks of a non-solid resource lie.
pub(super) fn map_of(
    source: &Source,
    header: &Header,
    resource: &ResourceHeader,
    what: &'static str,
    limits: &Limits,
) -> Result<super::ChunkMap> {
    source.check_range(what, resource.offset, resource.stored_bytes)?;
    if !resource.is_compressed() {
        if resource.stored_bytes != resource.size_bytes {
            return Err(Error::Corrupt {
                what,
                at: resource.offset,
                found: format!(
                    "{} stored, {} uncompressed bytes",
                    resource.stored_bytes, resource.size_bytes
                ),
                expected: "equal sizes of a resource that is not compressed",
            });
        }
        return Ok(super::ChunkMap::stored(resource.offset, resource.size_bytes));
    }
    let codec = codec_of(header).ok_or_else(|| Error::Corrupt {
        what,
        at: resource.offset,
        found: format!("a compressed resource in a file with flags {:#x}", header.flags),
        expected: "flags that name a compression",
    })?;
    super::ChunkMap::compressed(resource, codec, header.chunk_bytes, header.pipable, limits)
}
