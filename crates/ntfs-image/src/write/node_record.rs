//! The MFT record of a node: its attributes from what was described and stored.

use std::io::{Seek, Write};

use super::BuildError;
use super::attribute::{Attribute, sparse};
use super::bytes::low32;
use super::metadata::Metadata;
use super::record::{self, Header};
use super::space::Run;
use super::tree::{NONE, Stored, record_of, reference_of};
use super::values::{
    compact_reparse_value, file_info, file_name_value, index_attributes, reparse_value, standard_information,
};
use super::{secure, system};
use crate::layout::{EFS_NAME, attribute, namespace, record as number, record_flag};

impl<W: Write + Seek> Metadata<'_, W> {
    /// One record of `$MFT`, and its extensions.
    pub(super) fn record(&self, record: u64) -> Result<(Vec<u8>, Vec<u8>), BuildError> {
        let geometry = self.writer.geometry();
        let record_bytes = geometry.record_bytes;
        let node = match record {
            number::ROOT => 0,
            number::FIRST_FILE.. => low32(usize::try_from(record - number::FIRST_FILE + 1).unwrap_or(0)),
            _ => NONE,
        };
        let mut out = Vec::with_capacity(record_bytes);
        let unused = (number::FIRST_UNUSED..number::QUOTA).contains(&record) || record >= self.node_records();
        if unused {
            out.resize(record_bytes, 0);
            return Ok((out, Vec::new()));
        }
        if node == NONE {
            let attributes = system::attributes(record, &self.writer.spec, &geometry, &self.places);
            record::encode(&system::header(record), &attributes, record_bytes, &mut out);
            return Ok((out, Vec::new()));
        }
        let header = self.node_header(node);
        if let Some(overflow) = self.overflows.get(&node) {
            let runs = overflow.list_runs.clone().map(|runs| (runs, geometry.cluster));
            return Ok(overflow
                .spread
                .encode(&header, overflow.first_extension, runs, record_bytes));
        }
        record::encode(&header, &self.node_attributes(node)?, record_bytes, &mut out);
        Ok((out, Vec::new()))
    }

    pub(super) fn node_header(&self, at: u32) -> Header {
        if at == 0 {
            return system::header(number::ROOT);
        }
        let tree = &self.writer.tree;
        let directory = tree.nodes[at as usize].directory;
        let names = self.writer.prepared.names_of(at);
        let links = names
            .iter()
            .map(|&name| 1 + u16::from(tree.names[name as usize].dos_len > 0))
            .sum();
        Header {
            record: record_of(at),
            sequence: 1,
            flags: record_flag::IN_USE | if directory { record_flag::DIRECTORY } else { 0 },
            links,
            base: 0,
        }
    }

    /// Attributes of a node, sorted.
    pub(super) fn node_attributes(&self, at: u32) -> Result<Vec<Attribute>, BuildError> {
        let tree = &self.writer.tree;
        let cluster = self.cluster();
        let node = &tree.nodes[at as usize];
        let info = file_info(tree, at, cluster);
        let stored = tree.stored_attributes(node);
        let security = match node.security {
            0 if at == 0 => None,
            0 => Some(secure::DEFAULT_ID),
            id => Some(id),
        };
        let information = standard_information(&node.times, stored, node.case_sensitive, security);
        let mut out = vec![Attribute::resident(
            attribute::STANDARD_INFORMATION,
            &[],
            information,
        )];
        if at == 0 {
            out.push(system::root_file_name(&info));
            if security.is_none() {
                out.push(system::root_descriptor());
            }
        }
        for &index in self.writer.prepared.names_of(at) {
            let name = &tree.names[index as usize];
            let parent = reference_of(name.parent);
            let mut value = Vec::with_capacity(66 + 2 * tree.name(index).len());
            file_name_value(parent, &info, name.namespace, tree.name(index), &mut value);
            out.push(Attribute::file_name(value));
            if name.dos_len > 0 {
                let mut value = Vec::with_capacity(66 + 24);
                file_name_value(parent, &info, namespace::DOS, tree.dos_name(index), &mut value);
                out.push(Attribute::file_name(value));
            }
        }
        if let Some(directory) = self.directories.get(node.aux as usize).filter(|_| node.directory) {
            let root = tree.held.get(directory.root, u64::from(directory.root_bytes))?;
            let runs = &tree.runs[directory.first_run as usize..][..directory.run_count as usize];
            let bitmap = directory.bitmap_runs.as_deref();
            out.extend(index_attributes(
                &self.i30,
                root.into_owned(),
                runs,
                directory.blocks,
                bitmap,
                cluster,
            ));
        }
        for index in tree
            .streams_of(node)
            .chain((!node.directory && node.aux != NONE).then_some(node.aux as usize))
        {
            out.push(self.stream_attribute(index)?);
        }
        if !node.directory && tree.unnamed_stream(node).is_none() {
            out.push(Attribute::resident(attribute::DATA, &[], Vec::new()));
        }
        self.extra_attributes(at, &mut out);
        record::sort(&mut out);
        Ok(out)
    }

    pub(super) fn stream_attribute(&self, index: usize) -> Result<Attribute, BuildError> {
        let tree = &self.writer.tree;
        let cluster = self.cluster();
        let stream = &tree.streams[index];
        let name = tree.stream_name(stream);
        let mut out = match stream.stored {
            Stored::Resident(place) => {
                let bytes = tree.held.get(place, stream.size)?;
                Attribute::resident(attribute::DATA, name, bytes.into_owned())
            }
            _ if stream.sparse => {
                let unit = self.writer.geometry().sparse_unit();
                sparse(
                    attribute::DATA,
                    name,
                    tree.runs_of(stream).to_vec(),
                    stream.size,
                    cluster,
                    unit,
                )
            }
            _ => {
                let runs = tree.runs_of(stream).to_vec();
                Attribute::in_clusters(attribute::DATA, name, runs, stream.size, cluster)
            }
        };
        if stream.encrypted != NONE {
            out.encrypt(tree.lengths(stream));
        }
        Ok(out)
    }

    /// Object id, reparse point, extended attributes, `$EFS`.
    pub(super) fn extra_attributes(&self, at: u32, out: &mut Vec<Attribute>) {
        let tree = &self.writer.tree;
        let cluster = self.cluster();
        let node = &tree.nodes[at as usize];
        let named = |kind, name: &[u16], bytes: Vec<u8>, runs: &Option<Vec<Run>>| match runs {
            None => Attribute::resident(kind, name, bytes),
            Some(runs) => Attribute::in_clusters(kind, name, runs.clone(), bytes.len() as u64, cluster),
        };
        let value = |kind, bytes, runs: &_| named(kind, &[], bytes, runs);
        if let Some(extra) = tree.extra(node) {
            if let Some(id) = &extra.object_id {
                // The birth ids are in the index only.
                let id = id.get(..16).unwrap_or(id).to_vec();
                out.push(Attribute::resident(attribute::OBJECT_ID, &[], id));
            }
            if let Some(reparse) = &extra.reparse {
                out.push(value(
                    attribute::REPARSE_POINT,
                    reparse_value(reparse),
                    &extra.reparse_runs,
                ));
            }
            if let Some(list) = &extra.extended {
                out.push(Attribute::resident(
                    attribute::EA_INFORMATION,
                    &[],
                    list.information.to_vec(),
                ));
                out.push(value(attribute::EA, list.packed.clone(), &extra.extended_runs));
            }
            if let Some(efs) = &extra.efs {
                let name: Vec<u16> = EFS_NAME.encode_utf16().collect();
                let kind = attribute::LOGGED_UTILITY_STREAM;
                out.push(named(kind, &name, efs.clone(), &extra.efs_runs));
            }
        }
        if let Some(format) = tree.compact_stream(node).and_then(|stream| stream.compact) {
            out.push(Attribute::resident(
                attribute::REPARSE_POINT,
                &[],
                compact_reparse_value(format),
            ));
        }
    }
}
