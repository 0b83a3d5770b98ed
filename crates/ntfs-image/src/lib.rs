//! NTFS volumes written in one pass; check and dump of any NTFS volume.

#![forbid(unsafe_code)]

mod spec;

pub use spec::{
    CompactFormat, Content, DosNames, Metadata, NodeId, NodeSpec, Placement, ReparsePoint, SecurityRef,
    StreamForm, StreamKey, StreamSpec, VolumeSpec,
};
