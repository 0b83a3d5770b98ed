//! Everything that is not data, in one ascending pass: indexes, `$Secure`, `$LogFile`, `$Bitmap`, `$MFT`,
//! the backup boot sector, and last the boot sector.

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use super::attribute::{Attribute, sparse};
use super::bytes::{low8, low16, low32, pad8, push_units};
use super::geometry::{Boot, encode_boot};
use super::index::{self, Built, Kind, RunWriter, Shape, block_clusters};
use super::plan::{
    SMALL_VIEW_ROOT_BYTES, directory_shape, entry_reference, mft_bitmap_bytes, mft_records, mirror_records,
};
use super::prepare::{Entry, SYSTEM_NAMES, entry_name, small_value_limit, system_names};
use super::record::{self, Header, Spread, capacity, spread};
use super::space::Run;
use super::system::{self, Places, ViewIndex};
use super::tree::{BlobRef, NONE, Stored, Tree, record_of, reference_of};
use super::writer::{Report, VolumeWriter};
use super::{BuildError, secure};
use crate::layout::{
    REPARSE_TAG_WOF, SDS_BLOCK_BYTES, attribute, collation, file_attribute, namespace, record as number,
    record_flag,
};
use crate::spec::CompactFormat;

/// Blocks whose `$BITMAP` stays in the record.
const SMALL_BITMAP_BLOCKS: u64 = 512;
/// Bytes of records and bitmaps that are encoded before they are handed on.
const BATCH_BYTES: usize = 1 << 18;

/// What a `$FILE_NAME` says about its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileInfo {
    pub(super) times: [u64; 4],
    pub(super) allocated: u64,
    pub(super) size: u64,
    pub(super) attributes: u32,
    /// Reparse tag, or length of the extended attributes.
    pub(super) tag: u32,
}

/// Appends the value of a `$FILE_NAME`.
pub(super) fn file_name_value(parent: u64, info: &FileInfo, namespace: u8, name: &[u16], out: &mut Vec<u8>) {
    out.extend(parent.to_le_bytes());
    for time in info.times {
        out.extend(time.to_le_bytes());
    }
    out.extend(info.allocated.to_le_bytes());
    out.extend(info.size.to_le_bytes());
    out.extend(info.attributes.to_le_bytes());
    out.extend(info.tag.to_le_bytes());
    out.push(low8(name.len()));
    out.push(namespace);
    push_units(out, name);
}

/// Appends an entry of a directory.
pub(super) fn encode_name_entry(
    reference: u64,
    parent: u64,
    info: &FileInfo,
    namespace: u8,
    name: &[u16],
    out: &mut Vec<u8>,
) {
    let key = 66 + 2 * name.len();
    out.extend(reference.to_le_bytes());
    out.extend(low16((16 + key).next_multiple_of(8)).to_le_bytes());
    out.extend(low16(key).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    let start = out.len() - 16;
    file_name_value(parent, info, namespace, name, out);
    let len = (out.len() - start).next_multiple_of(8);
    out.resize(start + len, 0);
}

/// Value of `$STANDARD_INFORMATION`; 48 bytes without a security id.
pub(super) fn standard_information(times: &[u64; 4], attributes: u32, security: Option<u32>) -> Vec<u8> {
    let mut out = Vec::with_capacity(72);
    for time in times {
        out.extend(time.to_le_bytes());
    }
    out.extend(attributes.to_le_bytes());
    out.extend([0; 12]);
    if let Some(security) = security {
        out.extend([0; 4]);
        out.extend(security.to_le_bytes());
        out.extend([0; 16]);
    }
    out
}

/// `$INDEX_ROOT`, and for an index with blocks `$INDEX_ALLOCATION` and `$BITMAP`.
pub(super) fn index_attributes(
    name: &[u16],
    root: Vec<u8>,
    runs: &[Run],
    blocks: u64,
    bitmap_runs: Option<&[Run]>,
    cluster: u64,
) -> Vec<Attribute> {
    let mut out = vec![Attribute::resident(attribute::INDEX_ROOT, name, root)];
    if blocks > 0 {
        let size = blocks * crate::layout::INDEX_BLOCK_BYTES as u64;
        let allocation =
            Attribute::in_clusters(attribute::INDEX_ALLOCATION, name, runs.to_vec(), size, cluster);
        out.push(allocation);
        out.push(match bitmap_runs {
            None => Attribute::resident(attribute::BITMAP, name, block_bitmap(blocks)),
            Some(runs) => {
                let size = block_bitmap(blocks).len() as u64;
                Attribute::in_clusters(attribute::BITMAP, name, runs.to_vec(), size, cluster)
            }
        });
    }
    out
}

/// `$BITMAP` of an index: all blocks in use.
fn block_bitmap(blocks: u64) -> Vec<u8> {
    let mut out = vec![0xFF; usize::try_from(blocks / 8).unwrap_or(0)];
    if !blocks.is_multiple_of(8) {
        out.push((1 << (blocks % 8)) - 1);
    }
    pad8(&mut out);
    out
}

/// The index of a directory as written.
#[derive(Debug)]
struct Directory {
    root: BlobRef,
    root_bytes: u32,
    first_run: u32,
    run_count: u32,
    blocks: u64,
    bitmap_runs: Option<Vec<Run>>,
}

/// A file that needs several records.
#[derive(Debug)]
struct Overflow {
    spread: Spread,
    first_extension: u64,
    list_runs: Option<Vec<Run>>,
}

/// State of the pass.
#[derive(Debug)]
pub(super) struct Metadata<'w, W> {
    writer: &'w mut VolumeWriter<W>,
    places: Places,
    directories: Vec<Directory>,
    overflows: BTreeMap<u32, Overflow>,
    extension_count: u64,
    i30: Vec<u16>,
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

    fn cluster(&self) -> u64 {
        self.writer.geometry().cluster
    }

    fn nodes(&self) -> u32 {
        low32(self.writer.tree.nodes.len())
    }

    /// Records of the system and of the nodes, without extensions.
    fn node_records(&self) -> u64 {
        number::FIRST_FILE - 1 + u64::from(self.nodes())
    }

    /// The root directory's index states the size of `$MFT`: without extensions, which only add to it
    /// within the slack that is planned here.
    fn plan_mft_size(&mut self) {
        self.places.mft_records = mft_records(self.node_records());
    }

    /// Reparse points and extended attributes that are too long for a record.
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
            if let Some(value) = reparse {
                let runs = self.writer.store(&value)?;
                self.writer.tree.extras[at].reparse_runs = Some(runs);
            }
            if let Some(value) = extended {
                let runs = self.writer.store(&value)?;
                self.writer.tree.extras[at].extended_runs = Some(runs);
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
                root: tree.blobs.push(&root),
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
            let attributes = self.node_attributes(node);
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

    /// Allocates the tables, `$MFT` last so that free space follows it.
    fn place_tables(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let mirror_bytes = mirror_records(&geometry) * geometry.record_bytes as u64;
        let mirror_clusters = geometry.clusters_for(mirror_bytes);
        let mirror = self
            .writer
            .space
            .contiguous(mirror_clusters)
            .ok_or_else(|| self.writer.full())?;
        self.places.mirror = vec![Run {
            lcn: Some(mirror),
            count: mirror_clusters,
        }];
        self.places.log_file = self.writer.allocate(geometry.log_file_bytes())?;
        self.places.bitmap = self.writer.allocate(geometry.bitmap_bytes())?;
        self.places.mft_records = mft_records(self.node_records() + self.extension_count);
        self.places.mft_bitmap_bytes = mft_bitmap_bytes(self.places.mft_records);
        self.places.mft_bitmap = self.writer.allocate(self.places.mft_bitmap_bytes)?;
        let mft_clusters = geometry.clusters_for(self.places.mft_records * geometry.record_bytes as u64);
        self.places.mft = match self.writer.space.contiguous(mft_clusters) {
            Some(lcn) => vec![Run {
                lcn: Some(lcn),
                count: mft_clusters,
            }],
            None => return Err(self.writer.full()),
        };
        self.places.upcase = std::mem::take(&mut self.writer.upcase_runs);
        self.places.attrdef = std::mem::take(&mut self.writer.attrdef_runs);
        Ok(())
    }

    fn write_tables(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let cluster = geometry.cluster;
        let first_records = self.first_records(mirror_records(&geometry));
        let mut out = RunWriter::new(&self.places.mirror, cluster);
        out.write(&mut self.writer.sink, &first_records)?;
        out.finish(&mut self.writer.sink)?;
        for run in &self.places.log_file {
            if let Some(lcn) = run.lcn {
                self.writer
                    .sink
                    .fill_at(lcn * cluster, run.count * cluster, 0xFF)?;
            }
        }
        self.write_bitmap()?;
        self.write_mft_bitmap()?;
        self.write_mft()
    }

    /// What `$MFTMirr` repeats.
    fn first_records(&self, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut extensions = Vec::new();
        for record in 0..self.node_records().min(count) {
            let (base, rest) = self.record(record);
            bytes.extend(base);
            extensions.extend(rest);
        }
        bytes.extend(extensions);
        let len = usize::try_from(count).unwrap_or(0) * self.writer.geometry().record_bytes;
        bytes.resize(len, 0);
        bytes
    }

    /// `$Bitmap`: bits past the last cluster are set.
    fn write_bitmap(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let mut used = self.writer.space.used_ranges();
        used.push(geometry.clusters..geometry.bitmap_bytes() * 8);
        let mut out = RunWriter::new(&self.places.bitmap, geometry.cluster);
        let mut first = 0;
        let mut from = 0;
        while first < geometry.bitmap_bytes() * 8 {
            let end = (first + BATCH_BYTES as u64 * 8).min(geometry.bitmap_bytes() * 8);
            let mut bytes = vec![0u8; usize::try_from((end - first) / 8).unwrap_or(0)];
            while let Some(range) = used.get(from).filter(|range| range.start < end) {
                set_bits(
                    &mut bytes,
                    range.start.max(first) - first,
                    range.end.min(end) - first,
                );
                if range.end > end {
                    break;
                }
                from += 1;
            }
            out.write(&mut self.writer.sink, &bytes)?;
            first = end;
        }
        out.finish(&mut self.writer.sink)
    }

    fn write_mft_bitmap(&mut self) -> Result<(), BuildError> {
        let mut bytes = vec![0u8; usize::try_from(self.places.mft_bitmap_bytes).unwrap_or(0)];
        set_bits(&mut bytes, 0, number::FIRST_UNUSED);
        set_bits(
            &mut bytes,
            number::QUOTA,
            self.node_records() + self.extension_count,
        );
        let mut out = RunWriter::new(&self.places.mft_bitmap, self.cluster());
        out.write(&mut self.writer.sink, &bytes)?;
        out.finish(&mut self.writer.sink)
    }

    fn write_mft(&mut self) -> Result<(), BuildError> {
        let runs = self.places.mft.clone();
        let mut out = RunWriter::new(&runs, self.cluster());
        let mut batch = Vec::with_capacity(BATCH_BYTES + 4096);
        let mut extensions: Vec<u8> = Vec::new();
        for record in 0..self.node_records() {
            let (base, rest) = self.record(record);
            batch.extend_from_slice(&base);
            extensions.extend_from_slice(&rest);
            if batch.len() >= BATCH_BYTES {
                out.write(&mut self.writer.sink, &batch)?;
                batch.clear();
            }
        }
        out.write(&mut self.writer.sink, &batch)?;
        out.write(&mut self.writer.sink, &extensions)?;
        out.finish(&mut self.writer.sink)
    }

    fn write_boot(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let first = |runs: &[Run]| runs.first().and_then(|run| run.lcn).unwrap_or(0);
        let boot = Boot {
            mft_lcn: first(&self.places.mft),
            mirror_lcn: first(&self.places.mirror),
            hidden_sectors: self.writer.spec.hidden_sectors,
            serial: self.writer.spec.serial,
        };
        let sector = encode_boot(&geometry, &boot);
        self.writer.sink.write_at(geometry.backup_boot_at(), &sector)?;
        self.writer.sink.flush()?;
        self.writer.sink.write_at(0, &sector)?;
        self.writer.sink.flush()
    }

    /// One record of `$MFT`, and its extensions.
    fn record(&self, record: u64) -> (Vec<u8>, Vec<u8>) {
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
            return (out, Vec::new());
        }
        if node == NONE {
            let attributes = system::attributes(record, &self.writer.spec, &geometry, &self.places);
            record::encode(&system::header(record), &attributes, record_bytes, &mut out);
            return (out, Vec::new());
        }
        let header = self.node_header(node);
        if let Some(overflow) = self.overflows.get(&node) {
            let runs = overflow.list_runs.clone().map(|runs| (runs, geometry.cluster));
            return overflow
                .spread
                .encode(&header, overflow.first_extension, runs, record_bytes);
        }
        record::encode(&header, &self.node_attributes(node), record_bytes, &mut out);
        (out, Vec::new())
    }

    fn node_header(&self, at: u32) -> Header {
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
    fn node_attributes(&self, at: u32) -> Vec<Attribute> {
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
        let information = standard_information(&node.times, stored, security);
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
            let root = tree
                .blobs
                .get(directory.root, u64::from(directory.root_bytes))
                .to_vec();
            let runs = &tree.runs[directory.first_run as usize..][..directory.run_count as usize];
            let bitmap = directory.bitmap_runs.as_deref();
            out.extend(index_attributes(
                &self.i30,
                root,
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
            out.push(self.stream_attribute(index));
        }
        if !node.directory && tree.unnamed_stream(node).is_none() {
            out.push(Attribute::resident(attribute::DATA, &[], Vec::new()));
        }
        self.extra_attributes(at, &mut out);
        record::sort(&mut out);
        out
    }

    fn stream_attribute(&self, index: usize) -> Attribute {
        let tree = &self.writer.tree;
        let cluster = self.cluster();
        let stream = &tree.streams[index];
        let name = tree.stream_name(stream);
        match stream.stored {
            Stored::Resident(blob) => {
                Attribute::resident(attribute::DATA, name, tree.blobs.get(blob, stream.size).to_vec())
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
        }
    }

    /// Object id, reparse point, extended attributes.
    fn extra_attributes(&self, at: u32, out: &mut Vec<Attribute>) {
        let tree = &self.writer.tree;
        let cluster = self.cluster();
        let node = &tree.nodes[at as usize];
        let value = |kind, bytes: Vec<u8>, runs: &Option<Vec<Run>>| match runs {
            None => Attribute::resident(kind, &[], bytes),
            Some(runs) => Attribute::in_clusters(kind, &[], runs.clone(), bytes.len() as u64, cluster),
        };
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

/// Value of `$REPARSE_POINT`.
fn reparse_value(reparse: &crate::spec::ReparsePoint) -> Vec<u8> {
    let mut out = reparse.tag.to_le_bytes().to_vec();
    // The length does not count the GUID of tags that are not Microsoft's (bit 31).
    let guid = if reparse.tag & 0x8000_0000 == 0 { 16 } else { 0 };
    out.extend(low16(reparse.data.len().saturating_sub(guid)).to_le_bytes());
    out.extend(reparse.reserved.to_le_bytes());
    out.extend_from_slice(&reparse.data);
    out
}

/// Reparse point of a compact file: version and provider of WOF, version and algorithm of the file provider.
fn compact_reparse_value(format: CompactFormat) -> Vec<u8> {
    let algorithm = match format {
        CompactFormat::Xpress4K => 0u32,
        CompactFormat::Lzx32K => 1,
        CompactFormat::Xpress8K => 2,
        CompactFormat::Xpress16K => 3,
    };
    let mut out = REPARSE_TAG_WOF.to_le_bytes().to_vec();
    out.extend([16, 0, 0, 0]);
    for word in [1, 2, 1, algorithm] {
        out.extend(word.to_le_bytes());
    }
    out
}

/// What the names of a node say about it.
fn file_info(tree: &Tree, at: u32, cluster: u64) -> FileInfo {
    let node = &tree.nodes[at as usize];
    let (allocated, size) = match tree.unnamed_stream(node) {
        None => (0, 0),
        Some(stream) => match stream.stored {
            Stored::Clusters { .. } => {
                let runs = tree.runs_of(stream);
                let clusters: u64 = runs
                    .iter()
                    .filter(|run| run.lcn.is_some())
                    .map(|run| run.count)
                    .sum();
                (clusters * cluster, stream.size)
            }
            _ => (stream.size.next_multiple_of(8), stream.size),
        },
    };
    let mut attributes = tree.stored_attributes(node);
    if node.directory {
        attributes |= file_attribute::INDEX_PRESENT;
    }
    let tag = tree.reparse_tag(node).unwrap_or_else(|| {
        let list = tree.extra(node).and_then(|extra| extra.extended.as_ref());
        list.map_or(0, |list| {
            u32::from(u16::from_le_bytes([list.information[0], list.information[1]]))
        })
    });
    FileInfo {
        times: node.times,
        allocated,
        size,
        attributes,
        tag,
    }
}

fn view_entry(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(index::view_entry_len(key.len(), data.len()));
    index::encode_view_entry(key, data, &[], &mut out);
    out
}

/// A key as little-endian words, for its order.
fn words(key: &[u8; 16]) -> Vec<u32> {
    key.chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}

/// Sets the bits `from..to`.
fn set_bits(bytes: &mut [u8], from: u64, to: u64) {
    let mut at = from;
    while at < to {
        let Some(byte) = usize::try_from(at / 8)
            .ok()
            .and_then(|index| bytes.get_mut(index))
        else {
            return;
        };
        if at.is_multiple_of(8) && to - at >= 8 {
            *byte = 0xFF;
            at += 8;
        } else {
            *byte |= 1 << (at % 8);
            at += 1;
        }
    }
}
