//! NTFS volumes written in one pass; check and dump of any NTFS volume.

#![forbid(unsafe_code)]

mod attrdef;
pub mod check;
pub mod dump;
mod error;
pub mod layout;
mod limits;
pub mod read;
mod spec;
mod upcase;
mod write;

pub use attrdef::{ATTRDEF_BYTES, attrdef_bytes};
pub use error::{Error, ErrorKind, Result};
pub use limits::Limits;
pub use spec::{
    CompactFormat, Content, DosNames, Metadata, NodeId, NodeSpec, Placement, ReparsePoint, SecurityRef,
    StreamForm, StreamKey, StreamSpec, VolumeSpec,
};
pub use upcase::{UPCASE_BYTES, upcase, upcase_bytes, upcase_table};
pub use write::{BuildError, BuildErrorKind, NtfsBuilder, Plan, Report, VolumeWriter, Warning};
