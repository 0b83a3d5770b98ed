//! MFT records: attributes packed into one record, or into several under an attribute list.

use super::attribute::{Attribute, resident_len};
use super::bytes::{apply_fixup, low8, low16, low32, pad8, push_units, put_u32};
use super::space::Run;
use crate::layout::{ATTRIBUTE_END, FILE_MAGIC, FIXUP_STRIDE_BYTES, attribute, record_flag};
use crate::upcase::upcase;

/// An attribute list up to this length stays in the record.
const RESIDENT_LIST_BYTES: usize = 256;

/// Number and sequence number of a record as one reference.
pub(super) fn reference(record: u64, sequence: u16) -> u64 {
    record | u64::from(sequence) << 48
}

/// Header fields of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) record: u64,
    pub(super) sequence: u16,
    pub(super) flags: u16,
    pub(super) links: u16,
    /// Reference of the base record, 0 in a base record.
    pub(super) base: u64,
}

/// Offset of the first attribute in records of a size.
pub(super) fn attributes_at(record_bytes: usize) -> usize {
    (0x30 + 2 * (record_bytes / FIXUP_STRIDE_BYTES + 1)).next_multiple_of(8)
}

/// Room for attributes in records of a size.
pub(super) fn capacity(record_bytes: usize) -> usize {
    record_bytes - attributes_at(record_bytes) - 8
}

/// Sorts as NTFS does: by type, name, lowest VCN.
pub(super) fn sort(attributes: &mut [Attribute]) {
    attributes.sort_by(|a, b| {
        a.kind
            .cmp(&b.kind)
            .then_with(|| {
                let upper = |name: &[u16]| name.iter().map(|&unit| upcase(unit)).collect::<Vec<_>>();
                upper(&a.name)
                    .cmp(&upper(&b.name))
                    .then_with(|| a.name.cmp(&b.name))
            })
            .then_with(|| a.lowest_vcn().cmp(&b.lowest_vcn()))
    });
}

/// Encodes one record from sorted attributes that fit.
pub(super) fn encode(header: &Header, attributes: &[Attribute], record_bytes: usize, out: &mut Vec<u8>) {
    encode_numbered(
        header,
        (0..).zip(attributes),
        low16(attributes.len()),
        record_bytes,
        out,
    );
}

/// Encodes one record from sorted attributes with their instance numbers, which are below `next`.
fn encode_numbered<'a>(
    header: &Header,
    attributes: impl Iterator<Item = (u16, &'a Attribute)>,
    next: u16,
    record_bytes: usize,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let first = attributes_at(record_bytes);
    out.resize(start + first, 0);
    for (instance, attribute) in attributes {
        attribute.encode(instance, out);
    }
    out.extend(ATTRIBUTE_END.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    let used = low32(out.len() - start);
    debug_assert!(out.len() - start <= record_bytes);
    out.resize(start + record_bytes, 0);
    let record = &mut out[start..];
    record[..4].copy_from_slice(FILE_MAGIC);
    record[0x10..0x12].copy_from_slice(&header.sequence.to_le_bytes());
    record[0x12..0x14].copy_from_slice(&header.links.to_le_bytes());
    record[0x14..0x16].copy_from_slice(&low16(first).to_le_bytes());
    record[0x16..0x18].copy_from_slice(&header.flags.to_le_bytes());
    put_u32(record, 0x18, used);
    put_u32(record, 0x1C, low32(record_bytes));
    record[0x20..0x28].copy_from_slice(&header.base.to_le_bytes());
    record[0x28..0x2A].copy_from_slice(&next.to_le_bytes());
    record[0x2C..0x30].copy_from_slice(&(header.record & 0xFFFF_FFFF).to_le_bytes()[..4]);
    apply_fixup(record, 0x30);
}

/// A file whose attributes need several records. Instance numbers are unique in the file, and the parts of
/// one attribute share one: some readers tell by it which parts belong together.
#[derive(Debug)]
pub(super) struct Spread {
    /// Sorted: where each part is (`None` for the base record, else the extension), its instance number.
    parts: Vec<(Option<usize>, u16, Attribute)>,
    extension_count: usize,
    next_instance: u16,
}

/// Instance number of the attribute list.
const LIST_INSTANCE: u16 = 1;

/// Distributes sorted attributes that do not fit one record.
pub(super) fn spread(attributes: Vec<Attribute>, record_bytes: usize) -> Spread {
    let capacity = capacity(record_bytes);
    let mut parts: Vec<Attribute> = Vec::new();
    // As Windows does, the parts of a divided attribute all lie outside the base record.
    let mut divided = Vec::new();
    for attribute in attributes {
        let pieces = attribute.split(capacity);
        divided.resize(parts.len() + pieces.len(), pieces.len() > 1);
        parts.extend(pieces);
    }
    let list_bytes: usize = parts.iter().map(list_entry_len).sum();
    let list_cost = if list_bytes <= RESIDENT_LIST_BYTES {
        resident_len(0, list_bytes)
    } else {
        64 + 16
    };
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let mut names = 0;
    let ranks: Vec<u32> = parts
        .iter()
        .map(|part| {
            if part.kind == attribute::FILE_NAME {
                names += 1;
            }
            rank(part, names)
        })
        .collect();
    order.sort_by_key(|&at| ranks[at]);
    let mut home: Vec<Option<usize>> = vec![None; parts.len()];
    let mut base_left = capacity.saturating_sub(list_cost);
    let mut left: Vec<usize> = Vec::new();
    for at in order {
        let len = parts[at].encoded_len();
        if len <= base_left && !divided[at] {
            base_left -= len;
            continue;
        }
        let open = left.last().is_some_and(|&room| room >= len);
        if !open {
            left.push(capacity);
        }
        if let Some(room) = left.last_mut() {
            *room -= len;
        }
        home[at] = Some(left.len() - 1);
    }
    // The attribute list comes second in the base record.
    let mut instance = 0;
    let mut numbered = Vec::with_capacity(parts.len());
    for (part, home) in parts.into_iter().zip(home) {
        if part.lowest_vcn() == 0 && !numbered.is_empty() {
            instance = if instance + 1 == LIST_INSTANCE {
                LIST_INSTANCE + 1
            } else {
                instance + 1
            };
        }
        numbered.push((home, instance, part));
    }
    Spread {
        parts: numbered,
        extension_count: left.len(),
        next_instance: instance + 1,
    }
}

/// What stays in the base record first.
fn rank(part: &Attribute, names: u32) -> u32 {
    match part.kind {
        attribute::STANDARD_INFORMATION => 0,
        // The view indexes name the base record: a reader may look for these there only.
        attribute::INDEX_ROOT | attribute::OBJECT_ID | attribute::REPARSE_POINT => 1,
        attribute::INDEX_ALLOCATION | attribute::BITMAP => 2,
        attribute::FILE_NAME if names <= 2 => 3,
        attribute::DATA if part.name.is_empty() => 4,
        attribute::FILE_NAME => 6,
        _ => 5,
    }
}

fn list_entry_len(part: &Attribute) -> usize {
    (0x1A + 2 * part.name.len()).next_multiple_of(8)
}

impl Spread {
    /// Number of records beside the base record.
    pub(super) fn extension_count(&self) -> usize {
        self.extension_count
    }

    /// Whether the list needs clusters, and how many bytes.
    pub(super) fn list_bytes_in_clusters(&self) -> Option<u64> {
        let len: usize = self.parts.iter().map(|(_, _, part)| list_entry_len(part)).sum();
        (len > RESIDENT_LIST_BYTES).then_some(len as u64)
    }

    /// The attribute list, when the extensions get consecutive records from `first`.
    pub(super) fn list(&self, base: u64, first: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for (home, instance, part) in &self.parts {
            let record = home.map_or(base, |extension| reference(first + extension as u64, 1));
            let start = out.len();
            out.extend(part.kind.to_le_bytes());
            out.extend(low16(list_entry_len(part)).to_le_bytes());
            out.push(low8(part.name.len()));
            out.push(0x1A);
            out.extend(part.lowest_vcn().to_le_bytes());
            out.extend(record.to_le_bytes());
            out.extend(instance.to_le_bytes());
            push_units(&mut out, &part.name);
            out.resize(start + list_entry_len(part), 0);
        }
        pad8(&mut out);
        out
    }

    fn parts_in(&self, home: Option<usize>) -> impl Iterator<Item = (u16, &Attribute)> {
        self.parts
            .iter()
            .filter(move |(at, _, _)| *at == home)
            .map(|(_, instance, part)| (*instance, part))
    }

    /// Encodes all records: the base record, then the extensions.
    pub(super) fn encode(
        &self,
        header: &Header,
        first: u64,
        list_runs: Option<(Vec<Run>, u64)>,
        record_bytes: usize,
    ) -> (Vec<u8>, Vec<u8>) {
        let base = reference(header.record, header.sequence);
        let list = self.list(base, first);
        let list = match list_runs {
            None => Attribute::resident(attribute::ATTRIBUTE_LIST, &[], list),
            Some((runs, cluster)) => {
                let size = list.len() as u64;
                Attribute::in_clusters(attribute::ATTRIBUTE_LIST, &[], runs, size, cluster)
            }
        };
        let own = self.parts_in(None);
        let (before, after): (Vec<_>, Vec<_>) =
            own.partition(|(_, part)| part.kind < attribute::ATTRIBUTE_LIST);
        let attributes = before.into_iter().chain([(LIST_INSTANCE, &list)]).chain(after);
        let mut base_record = Vec::new();
        encode_numbered(
            header,
            attributes,
            self.next_instance,
            record_bytes,
            &mut base_record,
        );
        let mut rest = Vec::new();
        for extension in 0..self.extension_count {
            let header = Header {
                record: first + extension as u64,
                sequence: 1,
                flags: record_flag::IN_USE,
                links: 0,
                base,
            };
            let parts = self.parts_in(Some(extension));
            encode_numbered(&header, parts, self.next_instance, record_bytes, &mut rest);
        }
        (base_record, rest)
    }
}
