//! Everything that is not data, ascending unless ranges are kept free: indexes, `$Secure`, `$LogFile`, `$Bitmap`, `$MFT`,
//! the backup boot sector, and last the boot sector.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use super::BuildError;
use super::attribute::Attribute;
use super::bytes::{low16, low32};
use super::held::HeldRef;
use super::index::{self, Built, Kind, RunWriter, Shape, block_clusters};
use super::plan::{SMALL_VIEW_ROOT_BYTES, directory_shape, entry_reference, mft_records};
use super::prepare::{Entry, SYSTEM_NAMES, entry_name, system_names};
use super::record::{Spread, capacity, spread};
use super::report::Report;
use super::room::small_value_limit;
use super::space::Run;
use super::system::{self, Places, ViewIndex};
use super::tree::reference_of;
use super::values::{block_bitmap, encode_name_entry, file_info, reparse_value, view_entry};
use super::writer::VolumeWriter;
use crate::layout::{SDS_BLOCK_BYTES, attribute, collation, namespace, record as number};

/// Blocks whose `$BITMAP` stays in the record.
const SMALL_BITMAP_BLOCKS: u64 = 512;

/// The index of a directory as written.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) root: HeldRef,
    pub(super) root_bytes: u32,
    pub(super) first_run: u32,
    pub(super) run_count: u32,
    pub(super) blocks: u64,
    pub(super) bitmap_runs: Option<Vec<Run>>,
}

/// A file that needs several records.
#[derive(Debug)]
pub(super) struct Overflow {
    pub(super) spread: Spread,
    pub(super) first_extension: u64,
    pub(super) list_runs: Option<Vec<Run>>,
}

/// State of the pass.
#[derive(Debug)]
pub(super) struct Metadata<'w, W> {
    pub(super) writer: &'w mut VolumeWriter<W>,
    pub(super) places: Places,
    pub(super) directories: Vec<Directory>,
    pub(super) overflows: BTreeMap<u32, Overflow>,
    pub(super) extension_count: u64,
    pub(super) i30: Vec<u16>,
}

impl<'w, W: Write + Seek> Metadata<'w, W> {
    pub(super) fn write(writer: &'w mut VolumeWriter<W>, report: &mut Report) -> Result<(), BuildError> {
        let mut pass = Self {
            writer,
            places: Places::default(),
            directories: Vec::new(),
            overflows: BTreeMap::new(),
            extension_count: 0,
            i30: "$I30".encode_utf16().collect(),
        };
        pass.plan_mft_size();
        pass.write_large_values()?;
        report.index_block_count = pass.write_directories()?;
        pass.write_secure()?;
        pass.write_view_indexes()?;
        pass.spread_records()?;
        pass.place_tables()?;
        pass.write_tables()?;
        report.extension_record_count = pass.extension_count;
        report.record_count = pass.node_records() + pass.extension_count;
        pass.write_boot()
    }

    pub(super) fn cluster(&self) -> u64 {
        self.writer.geometry().cluster
    }

    pub(super) fn nodes(&self) -> u32 {
        low32(self.writer.tree.nodes.len())
    }

    /// Records of the system and of the nodes, without extensions.
    pub(super) fn node_records(&self) -> u64 {
        number::FIRST_FILE - 1 + u64::from(self.nodes())
    }

    /// The root directory's index states the size of `$MFT`: without extensions, which only add to it
    /// within the slack that is planned here.
    fn plan_mft_size(&mut self) {
        self.places.mft_records = mft_records(self.node_records());
    }

    /// Reparse points, extended attributes and `$EFS` that are too long for a record.
    fn write_large_values(&mut self) -> Result<(), BuildError> {
        let room = capacity(self.writer.geometry().record_bytes);
        for node in 0..self.nodes() {
            let at = self.writer.tree.nodes[node as usize].extra as usize;
            if at >= self.writer.tree.extras.len() {
                continue;
            }
            let limit = small_value_limit(&self.writer.tree, &self.writer.prepared, node, room);
            let extra = &self.writer.tree.extras[at];
            let reparse = extra
                .reparse
                .as_ref()
                .map(reparse_value)
                .filter(|value| value.len() > limit);
            let extended = extra
                .extended
                .as_ref()
                .map(|list| list.packed.clone())
                .filter(|list| list.len() > limit);
            let efs = extra.efs.clone().filter(|efs| efs.len() > limit);
            if let Some(value) = reparse {
                let runs = self.writer.store(&value)?;
                self.writer.tree.extras[at].reparse_runs = Some(runs);
            }
            if let Some(value) = extended {
                let runs = self.writer.store(&value)?;
                self.writer.tree.extras[at].extended_runs = Some(runs);
            }
            if let Some(value) = efs {
                let runs = self.writer.store(&value)?;
                self.writer.tree.extras[at].efs_runs = Some(runs);
            }
        }
        Ok(())
    }

    /// All directory indexes; returns the number of their blocks.
    fn write_directories(&mut self) -> Result<u64, BuildError> {
        let system = system_names();
        let kind = Kind {
            indexed: attribute::FILE_NAME,
            collation: collation::FILE_NAME,
        };
        let cluster = self.cluster();
        let geometry = self.writer.geometry();
        let time = self.writer.spec.time;
        let mut total = 0;
        for node in 0..self.nodes() {
            if !self.writer.tree.nodes[node as usize].directory {
                continue;
            }
            let shape = directory_shape(&self.writer.tree, &self.writer.prepared, node, &system);
            let runs = self.allocate_blocks(&shape)?;
            let parent = reference_of(node);
            let (tree, prepared) = (&self.writer.tree, &self.writer.prepared);
            let places = &self.places;
            let encode = |at: usize, out: &mut Vec<u8>| {
                let entry = prepared.entry(node, at);
                let name = entry_name(tree, entry, &system);
                let (info, namespace) = match entry {
                    Entry::Name { name, dos } => {
                        let name = &tree.names[name as usize];
                        let space = if dos { namespace::DOS } else { name.namespace };
                        (file_info(tree, name.node, cluster), space)
                    }
                    Entry::System(at) => {
                        let record = SYSTEM_NAMES[at].1;
                        (
                            system::index_info(record, time, &geometry, places),
                            namespace::WIN32_AND_DOS,
                        )
                    }
                };
                encode_name_entry(entry_reference(tree, entry), parent, &info, namespace, name, out);
            };
            let Built { root, blocks } =
                index::build(kind, &shape, cluster, &runs, &mut self.writer.sink, encode)?;
            total += blocks;
            let bitmap_runs = self.store_block_bitmap(blocks)?;
            let tree = &mut self.writer.tree;
            let directory = Directory {
                root_bytes: low32(root.len()),
                root: tree.held.push(&root)?,
                first_run: low32(tree.runs.len()),
                run_count: low32(runs.len()),
                blocks,
                bitmap_runs,
            };
            tree.runs.extend(runs);
            tree.nodes[node as usize].aux = low32(self.directories.len());
            self.directories.push(directory);
        }
        Ok(total)
    }

    fn allocate_blocks(&mut self, shape: &Shape) -> Result<Vec<Run>, BuildError> {
        let mut runs = Vec::new();
        if !shape.is_small() {
            let cluster = self.cluster();
            self.writer
                .space
                .allocate(block_clusters(shape.blocks(), cluster), &mut runs)
                .ok_or_else(|| self.writer.full())?;
        }
        Ok(runs)
    }

    fn store_block_bitmap(&mut self, blocks: u64) -> Result<Option<Vec<Run>>, BuildError> {
        if blocks <= SMALL_BITMAP_BLOCKS {
            return Ok(None);
        }
        self.writer.store(&block_bitmap(blocks)).map(Some)
    }

    fn write_secure(&mut self) -> Result<(), BuildError> {
        let layout = self.writer.descriptors.layout();
        let runs = self.writer.allocate(layout.size_bytes)?;
        let cluster = self.cluster();
        let mut out = RunWriter::new(&runs, cluster);
        for block in 0..layout.block_count() {
            let mut bytes = self.writer.descriptors.block(&layout, block);
            let used = bytes.len();
            bytes.resize(usize::try_from(SDS_BLOCK_BYTES).unwrap_or(used), 0);
            out.write(&mut self.writer.sink, &bytes)?;
            let last = block + 1 == layout.block_count();
            out.write(&mut self.writer.sink, if last { &bytes[..used] } else { &bytes })?;
        }
        out.finish(&mut self.writer.sink)?;
        self.places.sds = runs;
        self.places.sds_bytes = layout.size_bytes;
        self.places.by_hash = self.write_view_index(collation::SECURITY_HASH, &layout.by_hash())?;
        self.places.by_id = self.write_view_index(collation::ULONG, &layout.by_id())?;
        Ok(())
    }

    fn write_view_index(&mut self, collation: u32, entries: &[Vec<u8>]) -> Result<ViewIndex, BuildError> {
        let lens: Vec<u16> = entries.iter().map(|entry| low16(entry.len())).collect();
        let shape = Shape::new(&lens, SMALL_VIEW_ROOT_BYTES, 0);
        let runs = self.allocate_blocks(&shape)?;
        let cluster = self.cluster();
        let kind = Kind {
            indexed: 0,
            collation,
        };
        let built = index::build(kind, &shape, cluster, &runs, &mut self.writer.sink, |at, out| {
            out.extend_from_slice(&entries[at]);
        })?;
        let bitmap_runs = self.store_block_bitmap(built.blocks)?;
        Ok(ViewIndex::new(built, runs, bitmap_runs))
    }

    /// `$ObjId:$O` and `$Reparse:$R`.
    fn write_view_indexes(&mut self) -> Result<(), BuildError> {
        let tree = &self.writer.tree;
        let mut ids: Vec<([u8; 16], [u8; 56])> = Vec::new();
        let mut tags: Vec<(u32, u64)> = Vec::new();
        for (at, node) in (0..).zip(&tree.nodes) {
            if let Some(tag) = tree.reparse_tag(node) {
                tags.push((tag, reference_of(at)));
            }
            if let Some(id) = tree.extra(node).and_then(|extra| extra.object_id.as_ref()) {
                let mut key = [0; 16];
                key.copy_from_slice(&id[..16]);
                let mut data = [0; 56];
                data[..8].copy_from_slice(&reference_of(at).to_le_bytes());
                data[8..8 + id.len() - 16].copy_from_slice(&id[16..]);
                ids.push((key, data));
            }
        }
        ids.sort_by_key(|(key, _)| words(key));
        if ids.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            let value = ids.len() as u64;
            return Err(BuildError::Invalid {
                what: "object ids",
                value,
                rule: "different for each file",
            });
        }
        // As sequences of words: the tag, then the two halves of the reference.
        tags.sort_by_key(|&(tag, reference)| (tag, reference as u32, reference >> 32));
        let ids: Vec<Vec<u8>> = ids.iter().map(|(key, data)| view_entry(key, data)).collect();
        let tags: Vec<Vec<u8>> = tags
            .iter()
            .map(|(tag, reference)| {
                let mut key = tag.to_le_bytes().to_vec();
                key.extend(reference.to_le_bytes());
                view_entry(&key, &[])
            })
            .collect();
        self.places.object_ids = self.write_view_index(collation::ULONGS, &ids)?;
        self.places.reparse_points = self.write_view_index(collation::ULONGS, &tags)?;
        Ok(())
    }

    /// Finds the files whose attributes do not fit one record.
    fn spread_records(&mut self) -> Result<(), BuildError> {
        let record_bytes = self.writer.geometry().record_bytes;
        let room = capacity(record_bytes);
        for node in 0..self.nodes() {
            let attributes = self.node_attributes(node)?;
            if attributes.iter().map(Attribute::encoded_len).sum::<usize>() <= room {
                continue;
            }
            let spread = spread(attributes, record_bytes);
            let list_runs = match spread.list_bytes_in_clusters() {
                None => None,
                Some(_) => {
                    let first = self.node_records() + self.extension_count;
                    let list = spread.list(reference_of(node), first);
                    Some(self.writer.store(&list)?)
                }
            };
            let first_extension = self.node_records() + self.extension_count;
            self.extension_count += spread.extension_count() as u64;
            self.overflows.insert(
                node,
                Overflow {
                    spread,
                    first_extension,
                    list_runs,
                },
            );
        }
        Ok(())
    }
}

/// A key as little-endian words, for its order.
fn words(key: &[u8; 16]) -> Vec<u32> {
    key.chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}
