//! Values of attributes and index entries that are made from a node.

use super::attribute::Attribute;
use super::bytes::{low8, low16, pad8, push_units};
use super::index;
use super::space::Run;
use super::tree::{Stored, Tree};
use crate::layout::{REPARSE_TAG_WOF, attribute, file_attribute};
use crate::spec::CompactFormat;

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
///
/// # Source
/// The mark of a case-sensitive directory (version 1 of at most 0): M. Suhanov, "NTFS today" (2019).
pub(super) fn standard_information(
    times: &[u64; 4],
    attributes: u32,
    case_sensitive: bool,
    security: Option<u32>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(72);
    for time in times {
        out.extend(time.to_le_bytes());
    }
    out.extend(attributes.to_le_bytes());
    for word in [0, u32::from(case_sensitive), 0] {
        out.extend(word.to_le_bytes());
    }
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
pub(super) fn block_bitmap(blocks: u64) -> Vec<u8> {
    let mut out = vec![0xFF; usize::try_from(blocks / 8).unwrap_or(0)];
    if !blocks.is_multiple_of(8) {
        out.push((1 << (blocks % 8)) - 1);
    }
    pad8(&mut out);
    out
}

/// Value of `$REPARSE_POINT`.
pub(super) fn reparse_value(reparse: &crate::spec::ReparsePoint) -> Vec<u8> {
    let mut out = reparse.tag.to_le_bytes().to_vec();
    // The length does not count the GUID of tags that are not Microsoft's (bit 31).
    let guid = if reparse.tag & 0x8000_0000 == 0 { 16 } else { 0 };
    out.extend(low16(reparse.data.len().saturating_sub(guid)).to_le_bytes());
    out.extend(reparse.reserved.to_le_bytes());
    out.extend_from_slice(&reparse.data);
    out
}

/// Reparse point of a compact file: version and provider of WOF, version and algorithm of the file provider.
pub(super) fn compact_reparse_value(format: CompactFormat) -> Vec<u8> {
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
pub(super) fn file_info(tree: &Tree, at: u32, cluster: u64) -> FileInfo {
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
                (clusters * cluster, tree.lengths(stream).size_bytes)
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

pub(super) fn view_entry(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(index::view_entry_len(key.len(), data.len()));
    index::encode_view_entry(key, data, &[], &mut out);
    out
}
