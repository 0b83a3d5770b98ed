//! A WIM without images around raw compressed resources, so that programs which read WIM files decode them.

use wim_apply::layout::{BlobEntry, HEADER_BYTES, Header, ResourceHeader, header_flag, resource_flag};
use wim_apply::{BlobHash, codec};

/// A compressed resource: a chunk table and chunks, as WOF stores them, too.
pub(crate) struct Resource {
    /// The bytes.
    pub(crate) raw: Vec<u8>,
    /// Size of what is decoded.
    pub(crate) size_bytes: u64,
    /// SHA-1 of what is decoded.
    pub(crate) hash: BlobHash,
}

/// The WIM: header, resources, blob table, XML.
pub(crate) fn wim_around(resources: &[Resource], codec: codec::Codec, chunk_bytes: u32) -> Vec<u8> {
    let mut wim = vec![0; HEADER_BYTES];
    let mut table = Vec::new();
    for resource in resources {
        let entry = BlobEntry {
            resource: ResourceHeader {
                stored_bytes: resource.raw.len() as u64,
                flags: resource_flag::COMPRESSED,
                offset: wim.len() as u64,
                size_bytes: resource.size_bytes,
            },
            part_number: 1,
            reference_count: 1,
            hash: resource.hash,
        };
        table.extend(entry.encode());
        wim.extend(&resource.raw);
    }
    let xml: Vec<u8> = "\u{feff}<WIM><TOTALBYTES>0</TOTALBYTES></WIM>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut append = |bytes: &[u8]| {
        let resource = ResourceHeader {
            stored_bytes: bytes.len() as u64,
            flags: resource_flag::METADATA,
            offset: wim.len() as u64,
            size_bytes: bytes.len() as u64,
        };
        wim.extend(bytes);
        resource
    };
    let format = match codec {
        codec::Codec::Xpress => header_flag::XPRESS,
        codec::Codec::Lzx => header_flag::LZX,
        codec::Codec::Lzms => header_flag::LZMS,
    };
    let header = Header {
        flags: header_flag::COMPRESSED | format,
        chunk_bytes,
        guid: *b"raw resources...",
        blob_table: append(&table),
        xml: append(&xml),
        ..Header::default()
    };
    wim[..HEADER_BYTES].copy_from_slice(&header.encode());
    wim
}
