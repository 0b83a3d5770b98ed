//! Reading: the container ([`Wim`](crate::Wim)), its XML, its metadata resources, and its blobs.

mod blob_reader;
mod blob_table;
mod chunk_map;
mod header;
mod integrity;
mod metadata;
mod metadata_dentry;
mod metadata_streams;
mod resource;
mod spool;
mod wim;
mod xml;

pub use blob_reader::BlobReader;
pub use blob_table::{Blob, BlobStorage, SolidResource};
pub use integrity::{IntegrityReport, IntegrityTable};
pub use resource::RawResource;
pub(crate) use wim::compressed_map;
pub use wim::{PartInfo, Wim};

pub(crate) use chunk_map::{ChunkMap, Extent, InMemory, new_decoder};
pub(crate) use resource::decode_chunk;
