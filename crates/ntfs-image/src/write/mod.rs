//! The builder: a tree described as plain data, laid out and written in one ascending pass.
//!
//! `tree` holds what was described, `prepare` checks and orders it, `plan` counts it, `writer` takes the
//! data, `metadata`, `tables` and `system` write everything else; the encodings are in `attribute`, `record`,
//! `index`, `values`, `secure` and `geometry`.

mod attribute;
mod bytes;
mod delivery;
mod dosname;
mod error;
mod extended;
mod geometry;
mod held;
mod index;
mod metadata;
mod naming;
mod node_record;
mod plan;
mod prepare;
mod record;
mod report;
mod room;
mod secure;
mod sink;
mod space;
mod system;
mod tables;
mod tree;
mod values;
mod writer;

use std::io::{Seek, Write};

pub use error::{BuildError, BuildErrorKind};
pub use plan::Plan;
pub use report::{Placed, Report};
pub use writer::VolumeWriter;

use crate::spec::{NodeId, NodeSpec, SecurityRef, VolumeSpec};

/// Something that cannot be kept as it was described. None of it changes the content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Files and directories declared as NTFS-compressed are stored uncompressed.
    CompressionDropped {
        /// How many.
        nodes: u64,
    },
    /// DOS names that are illegal, already used in their directory, or the second one of a file.
    DosNamesDropped {
        /// How many.
        names: u64,
    },
    /// Names in a directory that is not case-sensitive which differ only in case: Windows finds just one of
    /// them.
    NamesDifferOnlyInCase {
        /// How many.
        names: u64,
    },
}

/// Describes a volume, then writes it.
///
/// Files are added in any order; their records are numbered in the order of addition. Nothing is written
/// before [`NtfsBuilder::writer`].
#[derive(Debug)]
pub struct NtfsBuilder {
    spec: VolumeSpec,
    tree: tree::Tree,
    descriptors: secure::Descriptors,
    /// Of the last call of `plan`, when nothing was added since.
    prepared: Option<prepare::Prepared>,
}

impl NtfsBuilder {
    /// A volume with an empty root directory.
    pub fn new(spec: VolumeSpec) -> Self {
        let mut tree = tree::Tree::new();
        tree.nodes[0].times = [spec.time; 4];
        tree.nodes[0].attributes |=
            crate::layout::file_attribute::HIDDEN | crate::layout::file_attribute::SYSTEM;
        Self {
            spec,
            tree,
            descriptors: secure::Descriptors::new(),
            prepared: None,
        }
    }

    /// The root directory.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// Describes the root directory: its metadata, named streams, reparse point.
    pub fn set_root(&mut self, mut node: NodeSpec) {
        node.metadata.attributes |= crate::layout::file_attribute::DIRECTORY;
        self.prepared = None;
        self.tree.replace_node(0, node);
    }

    /// Adds a self-relative security descriptor; the same bytes give the same reference.
    pub fn add_security_descriptor(&mut self, descriptor: &[u8]) -> SecurityRef {
        SecurityRef(self.descriptors.add(descriptor))
    }

    /// Adds a file or directory. It needs a name, too.
    pub fn add_node(&mut self, node: NodeSpec) -> NodeId {
        self.prepared = None;
        NodeId(self.tree.push_node(node))
    }

    /// Gives a node a name in a directory: 1 to 255 UTF-16 code units, unpaired surrogates included. A file
    /// may have up to 1024 names (hard links), a directory has one. `dos` is the 8.3 name that belongs to
    /// this name; a file keeps the first one it is given.
    pub fn add_name(&mut self, parent: NodeId, node: NodeId, name: &[u16], dos: Option<&[u16]>) {
        self.prepared = None;
        self.tree.push_name(parent, node, name, dos);
    }

    /// Adds a node and gives it a name.
    pub fn add(&mut self, parent: NodeId, name: &str, node: NodeSpec) -> NodeId {
        let node = self.add_node(node);
        let units: Vec<u16> = name.encode_utf16().collect();
        self.add_name(parent, node, &units, None);
        node
    }

    /// Checks everything and counts what the volume needs. Writes nothing.
    ///
    /// # Errors
    /// `Invalid` for what cannot be stored (the error names the path), `NoSpace` with the size that is
    /// needed.
    pub fn plan(&mut self) -> Result<Plan, BuildError> {
        let prepared = self.prepare()?;
        let plan = plan::count(&self.spec, &self.tree, &prepared, &self.descriptors);
        plan::check_space(&self.spec, &self.tree, &plan, &prepared.geometry)?;
        self.prepared = Some(prepared);
        Ok(plan)
    }

    /// The DOS name that the name added as number `index` (from 0) gets beside it, as of the last
    /// [`plan`](Self::plan): the given one unless it was dropped, or a generated one. `None` for none, also where the
    /// name is its own DOS name.
    pub fn dos_name(&self, index: usize) -> Option<&[u16]> {
        let name = u32::try_from(index)
            .ok()
            .filter(|_| index < self.tree.names.len())?;
        Some(self.tree.dos_name(name)).filter(|name| !name.is_empty())
    }

    /// Starts to write into `out`, whose offset 0 is the start of the volume. The old boot sector is
    /// overwritten first.
    ///
    /// # Errors
    /// Those of [`NtfsBuilder::plan`], before anything is written, and `Io`.
    pub fn writer<W: Write + Seek>(mut self, out: W) -> Result<VolumeWriter<W>, BuildError> {
        let prepared = self.prepare()?;
        let plan = plan::count(&self.spec, &self.tree, &prepared, &self.descriptors);
        plan::check_space(&self.spec, &self.tree, &plan, &prepared.geometry)?;
        VolumeWriter::start(self.spec, self.tree, self.descriptors, prepared, plan, out)
    }

    fn prepare(&mut self) -> Result<prepare::Prepared, BuildError> {
        match self.prepared.take() {
            Some(prepared) => Ok(prepared),
            None => prepare::prepare(&self.spec, &mut self.tree, &self.descriptors),
        }
    }
}
