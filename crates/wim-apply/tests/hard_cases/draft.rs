//! A small WIM put together by hand, each part open to change.

use sha1::{Digest, Sha1};
use wim_apply::BlobHash;
use wim_apply::layout::{
    BlobEntry, DentryFixed, ExtraStreamFixed, HEADER_BYTES, Header, ResourceHeader, VERSION_DEFAULT,
    resource_flag,
};

pub(crate) const DIRECTORY: u32 = 0x10;

pub(crate) fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha1::digest(bytes).into())
}

/// What the file `data` of the draft holds.
pub(crate) const CONTENT: &[u8] = b"content of a file";

/// A metadata resource: its security data, then entries.
pub(crate) struct Metadata(pub(crate) Vec<u8>);

impl Metadata {
    /// No descriptors, and a root whose children begin right after it.
    pub(crate) fn new() -> Self {
        Self::with_security(&[8, 0, 0, 0, 0, 0, 0, 0])
    }

    pub(crate) fn with_security(security: &[u8]) -> Self {
        let mut metadata = Self(security.to_vec());
        metadata.align();
        let children = metadata.0.len() as u64 + 104 + 8;
        metadata.entry(
            "",
            DentryFixed {
                subdir_offset: children,
                ..fixed(DIRECTORY)
            },
        );
        metadata.end()
    }

    pub(crate) fn file(self, name: &str) -> Self {
        self.with(name, fixed(0x20))
    }

    pub(crate) fn directory(self, name: &str, subdir_offset: u64) -> Self {
        let entry = DentryFixed {
            subdir_offset,
            ..fixed(DIRECTORY)
        };
        self.with(name, entry)
    }

    pub(crate) fn with(mut self, name: &str, entry: DentryFixed) -> Self {
        self.entry(name, entry);
        self
    }

    fn entry(&mut self, name: &str, entry: DentryFixed) {
        let name: Vec<u16> = name.encode_utf16().collect();
        self.units(&name, entry, &[]);
    }

    /// A name of any units, and extra streams.
    pub(crate) fn units(&mut self, name: &[u16], mut entry: DentryFixed, streams: &[(&str, BlobHash)]) {
        entry.name_bytes = (name.len() * 2) as u16;
        let name = terminated(name);
        if entry.length == 0 {
            entry.length = (DentryFixed::SIZE + name.len()).next_multiple_of(8) as u64;
        }
        entry.extra_stream_count = streams.len() as u16;
        self.0.extend(entry.encode());
        self.0.extend(name);
        self.align();
        for (name, hash) in streams {
            let units: Vec<u16> = name.encode_utf16().collect();
            let name = terminated(&units);
            let stream = ExtraStreamFixed {
                length: (ExtraStreamFixed::SIZE + name.len()) as u64,
                hash: *hash,
                name_bytes: (units.len() * 2) as u16,
            };
            self.0.extend(stream.encode());
            self.0.extend(name);
            self.align();
        }
    }

    pub(crate) fn end(mut self) -> Self {
        self.0.extend([0; 8]);
        self
    }

    pub(crate) fn at(&self) -> u64 {
        self.0.len() as u64
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
    }
}

/// An entry of these attributes, nothing else set.
pub(crate) fn fixed(attributes: u32) -> DentryFixed {
    DentryFixed {
        attributes,
        security_id: -1,
        ..DentryFixed::default()
    }
}

/// A file with the content of the draft's blob.
pub(crate) fn data_file() -> DentryFixed {
    DentryFixed {
        main_hash: hash(CONTENT),
        ..fixed(0x20)
    }
}

fn terminated(name: &[u16]) -> Vec<u8> {
    let end = (!name.is_empty()).then_some(0);
    name.iter()
        .copied()
        .chain(end)
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// An uncompressed WIM of one image.
pub(crate) struct Draft {
    pub(crate) header: Header,
    /// What follows the header; the blob table and the XML come last.
    pub(crate) data: Vec<u8>,
    pub(crate) blobs: Vec<BlobEntry>,
    pub(crate) xml: Vec<u8>,
}

impl Draft {
    pub(crate) fn new() -> Self {
        Self::of(&Metadata::new().with("data", data_file()).end())
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        let xml = "\u{feff}<WIM><IMAGE INDEX=\"1\"><NAME>N</NAME></IMAGE></WIM>";
        let mut draft = Self {
            header: Header {
                header_bytes: HEADER_BYTES as u32,
                version: VERSION_DEFAULT,
                part_number: 1,
                part_count: 1,
                image_count: 1,
                guid: [7; 16],
                ..Header::default()
            },
            data: Vec::new(),
            blobs: Vec::new(),
            xml: xml.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        draft.blob(CONTENT, 0);
        draft.blob(&metadata.0, resource_flag::METADATA);
        draft
    }

    pub(crate) fn blob(&mut self, bytes: &[u8], flags: u8) {
        self.blobs.push(BlobEntry {
            resource: ResourceHeader {
                stored_bytes: bytes.len() as u64,
                flags,
                offset: (HEADER_BYTES + self.data.len()) as u64,
                size_bytes: bytes.len() as u64,
            },
            part_number: 1,
            reference_count: 1,
            hash: hash(bytes),
        });
        self.data.extend_from_slice(bytes);
    }

    /// The file; what the header says of table and XML already is kept.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let table: Vec<u8> = self.blobs.iter().flat_map(BlobEntry::encode).collect();
        let mut at = (HEADER_BYTES + self.data.len()) as u64;
        for (place, bytes) in [
            (&mut self.header.blob_table, &table),
            (&mut self.header.xml, &self.xml),
        ] {
            if *place == ResourceHeader::default() {
                *place = ResourceHeader {
                    stored_bytes: bytes.len() as u64,
                    flags: resource_flag::METADATA,
                    offset: at,
                    size_bytes: bytes.len() as u64,
                };
            }
            at += bytes.len() as u64;
        }
        [&self.header.encode()[..], &self.data, &table, &self.xml].concat()
    }
}
