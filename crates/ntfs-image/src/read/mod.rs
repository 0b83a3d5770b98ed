//! Reading any NTFS volume: records, directories, streams and everything else a file carries.
//!
//! [`Volume`] is the way in. It works on any `Read + Seek` that is exactly one volume.

mod attribute;
mod attribute_list;
mod boot;
pub(crate) mod bytes;
pub(crate) mod device;
mod directory;
mod file;
mod file_name;
pub mod fixup;
mod index;
pub mod lznt1;
mod merge;
mod metadata;
mod mft;
mod record;
mod reference;
pub mod runs;
mod security;
mod stream;
mod value;
mod volume;
mod wof;

pub use attribute::{BadAttribute, RawAttribute, RawForm, RawNonResident};
pub use attribute_list::ListEntry;
pub(crate) use attribute_list::parse as parse_attribute_list;
pub use boot::BootSector;
pub use directory::{DirectoryEntry, I30};
pub use file::{Attribute, File, NonResident, Value, parse_reparse_point};
pub use file_name::{FileName, StandardInformation};
pub use index::{Index, IndexHeader, Node, NodeHeader, RawEntry};
pub use metadata::{ExtendedAttribute, VolumeInformation, parse_extended_attributes};
pub use mft::Walk;
pub use record::{Record, RecordHeader};
pub use reference::FileReference;
pub use runs::Run;
pub use security::descriptor_hash;
pub(crate) use security::{SDH, SDS, SDS_HEADER_BYTES, SII};
pub use stream::Stream;
pub use volume::Volume;
pub(crate) use volume::backup_boot;
pub use wof::{ChunkDecoder, CompactExtent, CompactFile, CompactStream};
