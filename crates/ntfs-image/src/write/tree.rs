//! The described tree, held compactly: arenas instead of a vector per node.

use super::held::{Held, HeldRef};
use super::space::Run;
use crate::layout::{file_attribute, record};
use crate::spec::{
    CompactFormat, Content, EncryptedLengths, Metadata, NodeId, NodeSpec, Placement, ReparsePoint,
    SecurityRef, StreamKey,
};

/// No index.
pub(super) const NONE: u32 = u32::MAX;

/// Attributes that are stored; the others are properties of the API or derived.
const STORED_ATTRIBUTES: u32 = 0x0058_3167;

/// A file or directory.
#[derive(Debug)]
pub(super) struct Node {
    /// Creation, modification, change, access.
    pub(super) times: [u64; 4],
    pub(super) attributes: u32,
    /// Security id, 0 for the volume's default.
    pub(super) security: u32,
    pub(super) first_stream: u32,
    pub(super) stream_count: u16,
    pub(super) directory: bool,
    pub(super) case_sensitive: bool,
    /// What few nodes have, or `NONE`.
    pub(super) extra: u32,
    /// Of a file: its `WofCompressedData` stream. Of a directory: its index. Or `NONE`.
    pub(super) aux: u32,
}

/// What few nodes have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) reparse: Option<ReparsePoint>,
    pub(super) object_id: Option<Vec<u8>>,
    pub(super) extended: Option<Extended>,
    /// Clusters of a reparse point that does not fit its record.
    pub(super) reparse_runs: Option<Vec<Run>>,
    /// Clusters of extended attributes that do not fit their record.
    pub(super) extended_runs: Option<Vec<Run>>,
    /// `$EFS`.
    pub(super) efs: Option<Vec<u8>>,
    /// Clusters of `$EFS` that does not fit its record.
    pub(super) efs_runs: Option<Vec<Run>>,
}

/// Extended attributes as they are stored.
#[derive(Debug)]
pub(super) struct Extended {
    /// `$EA_INFORMATION`.
    pub(super) information: [u8; 8],
    /// `$EA`.
    pub(super) packed: Vec<u8>,
}

/// A name of a node in a directory.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) parent: u32,
    pub(super) node: u32,
    at: u32,
    dos_at: u32,
    len: u8,
    pub(super) dos_len: u8,
    pub(super) namespace: u8,
}

/// Where the bytes of a stream come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    Bytes(HeldRef),
    Key(u64),
}

/// Where they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    /// Not delivered yet.
    Pending,
    /// Kept for the record.
    Resident(HeldRef),
    /// In `Tree::runs`.
    Clusters { first: u32, count: u32 },
}

/// A data stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) node: u32,
    name_at: u32,
    /// Of its content; see `Tree::lengths` for the stream.
    pub(super) size: u64,
    pub(super) source: Source,
    pub(super) stored: Stored,
    /// Index in `Tree::placements`, or `NONE`.
    pub(super) placement: u32,
    /// Index in `Tree::encrypted`, or `NONE`.
    pub(super) encrypted: u32,
    name_len: u8,
    pub(super) sparse: bool,
    /// Planned to lie in the record.
    pub(super) resident: bool,
    /// Of a `WofCompressedData` stream.
    pub(super) compact: Option<CompactFormat>,
}

/// Everything that was described.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) names: Vec<Name>,
    pub(super) streams: Vec<Stream>,
    pub(super) extras: Vec<Extra>,
    pub(super) runs: Vec<Run>,
    /// Clusters of placed streams: first LCN.
    pub(super) placements: Vec<u64>,
    pub(super) held: Held,
    /// Lengths of encrypted streams.
    pub(super) encrypted: Vec<EncryptedLengths>,
    units: Vec<u16>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut tree = Self {
            nodes: Vec::new(),
            names: Vec::new(),
            streams: Vec::new(),
            extras: Vec::new(),
            runs: Vec::new(),
            placements: Vec::new(),
            held: Held::default(),
            encrypted: Vec::new(),
            units: Vec::new(),
        };
        tree.push_node(NodeSpec::directory());
        tree
    }

    fn push_units(&mut self, units: &[u16]) -> u32 {
        let at = super::bytes::low32(self.units.len());
        self.units.extend_from_slice(units);
        at
    }

    fn units(&self, at: u32, len: u8) -> &[u16] {
        &self.units[at as usize..at as usize + usize::from(len)]
    }

    pub(super) fn push_node(&mut self, spec: NodeSpec) -> u32 {
        let index = super::bytes::low32(self.nodes.len());
        let node = self.make_node(index, spec);
        self.nodes.push(node);
        index
    }

    /// Describes an existing node anew.
    pub(super) fn replace_node(&mut self, index: u32, spec: NodeSpec) {
        let node = self.make_node(index, spec);
        self.nodes[index as usize] = node;
    }

    fn make_node(&mut self, index: u32, spec: NodeSpec) -> Node {
        let Metadata {
            attributes,
            creation_time,
            modification_time,
            change_time,
            access_time,
            security,
        } = spec.metadata;
        let first_stream = super::bytes::low32(self.streams.len());
        let stream_count = u16::try_from(spec.streams.len()).unwrap_or(u16::MAX);
        for stream in spec.streams {
            let name_len = u8::try_from(stream.name.len()).unwrap_or(u8::MAX);
            let name_at = self.push_units(&stream.name[..usize::from(name_len)]);
            let (size, source) = match stream.content {
                Content::Bytes(bytes) => {
                    let size = bytes.len() as u64;
                    (size, Source::Bytes(self.held.push_owned(bytes)))
                }
                Content::Keyed {
                    key: StreamKey(key),
                    size_bytes,
                } => (size_bytes, Source::Key(key)),
            };
            let placement = match stream.placement {
                Placement::Ascending => NONE,
                Placement::At(lcn) => {
                    self.placements.push(lcn);
                    super::bytes::low32(self.placements.len() - 1)
                }
            };
            let encrypted = stream.encrypted.map_or(NONE, |lengths| {
                self.encrypted.push(lengths);
                super::bytes::low32(self.encrypted.len() - 1)
            });
            self.streams.push(Stream {
                node: index,
                name_at,
                size,
                source,
                stored: Stored::Pending,
                placement,
                encrypted,
                name_len,
                sparse: stream.sparse && size > 0,
                resident: false,
                compact: None,
            });
        }
        let mut extra = NONE;
        let some = [
            spec.reparse.is_some(),
            spec.object_id.is_some(),
            spec.extended_attributes.is_some(),
            spec.efs.is_some(),
        ];
        if some.contains(&true) {
            extra = super::bytes::low32(self.extras.len());
            self.extras.push(Extra {
                reparse: spec.reparse,
                object_id: spec.object_id,
                extended: spec.extended_attributes.as_deref().map(super::extended::pack),
                efs: spec.efs,
                ..Extra::default()
            });
        }
        Node {
            times: [creation_time, modification_time, change_time, access_time],
            attributes,
            security: security.map_or(0, |SecurityRef(id)| id),
            first_stream,
            stream_count,
            directory: attributes & file_attribute::DIRECTORY != 0,
            case_sensitive: spec.case_sensitive,
            extra,
            aux: NONE,
        }
    }

    pub(super) fn push_name(&mut self, parent: NodeId, node: NodeId, name: &[u16], dos: Option<&[u16]>) {
        // Names that are too long become empty, which the plan refuses.
        let name = if name.len() <= 255 { name } else { &[] };
        let dos = dos.filter(|dos| dos.len() <= 12).unwrap_or_default();
        let at = self.push_units(name);
        let dos_at = self.push_units(dos);
        self.names.push(Name {
            parent: parent.0,
            node: node.0,
            at,
            dos_at,
            len: super::bytes::low8(name.len()),
            dos_len: super::bytes::low8(dos.len()),
            namespace: 0,
        });
    }

    pub(super) fn set_dos_name(&mut self, name: u32, dos: &[u16]) {
        let dos_at = self.push_units(dos);
        let name = &mut self.names[name as usize];
        name.dos_at = dos_at;
        name.dos_len = super::bytes::low8(dos.len());
    }

    pub(super) fn name(&self, name: u32) -> &[u16] {
        let name = &self.names[name as usize];
        self.units(name.at, name.len)
    }

    pub(super) fn dos_name(&self, name: u32) -> &[u16] {
        let name = &self.names[name as usize];
        self.units(name.dos_at, name.dos_len)
    }

    pub(super) fn stream_name(&self, stream: &Stream) -> &[u16] {
        self.units(stream.name_at, stream.name_len)
    }

    /// Streams as they were described.
    pub(super) fn streams_of(&self, node: &Node) -> std::ops::Range<usize> {
        let first = node.first_stream as usize;
        first..first + usize::from(node.stream_count)
    }

    pub(super) fn unnamed_stream(&self, node: &Node) -> Option<&Stream> {
        self.streams_of(node)
            .filter_map(|at| self.streams.get(at))
            .find(|stream| stream.name_len == 0)
    }

    /// The `WofCompressedData` stream of a compact file.
    pub(super) fn compact_stream(&self, node: &Node) -> Option<&Stream> {
        if node.directory {
            None
        } else {
            self.streams.get(node.aux as usize)
        }
    }

    pub(super) fn extra(&self, node: &Node) -> Option<&Extra> {
        self.extras.get(node.extra as usize)
    }

    /// Length and valid length of a stream.
    pub(super) fn lengths(&self, stream: &Stream) -> EncryptedLengths {
        let plain = EncryptedLengths {
            size_bytes: stream.size,
            valid_bytes: stream.size,
        };
        self.encrypted
            .get(stream.encrypted as usize)
            .copied()
            .unwrap_or(plain)
    }

    pub(super) fn runs_of(&self, stream: &Stream) -> &[Run] {
        match stream.stored {
            Stored::Clusters { first, count } => &self.runs[first as usize..first as usize + count as usize],
            _ => &[],
        }
    }

    /// Makes a file compact; the new stream is delivered next.
    pub(super) fn add_compact_stream(
        &mut self,
        node: u32,
        format: CompactFormat,
        size: u64,
        resident: bool,
    ) -> u32 {
        let name: Vec<u16> = crate::layout::WOF_STREAM_NAME.encode_utf16().collect();
        let name_at = match self.streams.iter().rev().find(|stream| stream.compact.is_some()) {
            Some(stream) => stream.name_at,
            None => self.push_units(&name),
        };
        let index = super::bytes::low32(self.streams.len());
        self.streams.push(Stream {
            node,
            name_at,
            size,
            source: Source::Key(0),
            stored: Stored::Pending,
            placement: NONE,
            encrypted: NONE,
            name_len: super::bytes::low8(name.len()),
            sparse: false,
            resident,
            compact: Some(format),
        });
        self.nodes[node as usize].aux = index;
        index
    }

    /// Attributes as they are stored in `$STANDARD_INFORMATION`; in `$FILE_NAME` directories have one more.
    pub(super) fn stored_attributes(&self, node: &Node) -> u32 {
        let mut out = node.attributes & STORED_ATTRIBUTES;
        if self.unnamed_stream(node).is_some_and(|stream| stream.sparse)
            || self.compact_stream(node).is_some()
        {
            out |= file_attribute::SPARSE;
        }
        if self.reparse_tag(node).is_some() {
            out |= file_attribute::REPARSE_POINT;
        }
        if self.extra(node).is_some_and(|extra| extra.efs.is_some()) {
            out |= file_attribute::ENCRYPTED;
        }
        out
    }

    pub(super) fn reparse_tag(&self, node: &Node) -> Option<u32> {
        if self.compact_stream(node).is_some() {
            return Some(crate::layout::REPARSE_TAG_WOF);
        }
        self.extra(node)?.reparse.as_ref().map(|reparse| reparse.tag)
    }

    /// One of the paths of a node, for messages.
    pub(super) fn path(&self, node: u32) -> String {
        let mut parts = Vec::new();
        let mut at = node;
        while at != 0 && parts.len() < 256 {
            let Some(name) = (0..).zip(&self.names).find(|(_, name)| name.node == at) else {
                parts.push(format!("<node {at}>"));
                break;
            };
            parts.push(String::from_utf16_lossy(self.name(name.0)));
            at = name.1.parent;
        }
        parts.push(String::new());
        parts.reverse();
        parts.join("\\")
    }
}

/// MFT record of a node.
pub(super) fn record_of(node: u32) -> u64 {
    if node == 0 {
        record::ROOT
    } else {
        record::FIRST_FILE - 1 + u64::from(node)
    }
}

/// Reference to the record of a node.
pub(super) fn reference_of(node: u32) -> u64 {
    let sequence = if node == 0 { 5 } else { 1 };
    super::record::reference(record_of(node), sequence)
}
