//! Second pass: each file as a whole.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{attribute, attribute_flag, file_attribute, record, record_flag};
use crate::read::bytes::{u16_at, u32_at};
use crate::read::{
    Attribute, CompactExtent, File, I30, Value, parse_extended_attributes, parse_reparse_point,
};

/// What the later passes need of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FileFact {
    pub(super) size_bytes: u64,
    pub(super) allocated_bytes: u64,
    pub(super) attributes: u32,
    /// Reparse tag, or size of the extended attributes.
    pub(super) reparse_or_ea: u32,
    /// Names that are not DOS aliases.
    pub(super) links: u16,
    pub(super) resident: bool,
    /// Whether the rest of this was filled in.
    pub(super) known: bool,
}

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_files(&mut self) {
        self.files = vec![FileFact::default(); self.records.len()];
        for number in 0..self.records.len() as u64 {
            if !self.record_fact(number).is_some_and(|fact| fact.is_base()) {
                continue;
            }
            self.volume.prefetch(number);
            let Ok(base) = self.volume.record(number) else {
                continue;
            };
            if !self.check_list(&base) {
                continue;
            }
            match self.volume.merge(&base) {
                Ok(file) => self.check_file(&file),
                Err(error) => {
                    let place = Place::record(number, base.at);
                    self.out.add_error(Code::AttributeHeader, place, &error);
                }
            }
        }
        self.check_extensions();
    }

    fn check_file(&mut self, file: &File) {
        let number = file.reference.record;
        let place = Place::record(number, file.at);
        let mut fact = FileFact {
            known: true,
            ..FileFact::default()
        };
        let info = match file.attribute(attribute::STANDARD_INFORMATION, &[]) {
            None => {
                self.out
                    .add(Code::AttributeMissing, place, "no $STANDARD_INFORMATION", "one");
                None
            }
            Some(found) if !matches!(found.size_bytes(), 48 | 72) => {
                let text = format!("{} bytes", found.size_bytes());
                self.out.add(Code::StandardInformation, place, text, "48 or 72");
                file.standard_information()
            }
            Some(_) => file.standard_information(),
        };
        fact.attributes = info.map_or(0, |info| info.attributes);
        if let Some(data) = file.data() {
            fact.size_bytes = data.size_bytes();
            fact.resident = data.resident().is_some();
            fact.allocated_bytes = data.allocated_bytes();
        }
        self.check_names_of(file, &mut fact);
        for found in &file.attributes {
            if let Value::NonResident(value) = &found.value {
                self.check_clusters_of(file, found, value);
            }
        }
        self.check_stream_names(file);
        self.check_record_flags(file);
        self.check_security_of(file, info.and_then(|info| info.security_id));
        self.check_reparse_of(file, &mut fact);
        self.check_object_id_of(file);
        self.check_extended_attributes(file, &mut fact);
        if info.is_some() {
            self.check_file_attributes(file, fact.attributes);
            self.check_encryption(file, fact.attributes);
        }
        if let Some(slot) = usize::try_from(number).ok().and_then(|n| self.files.get_mut(n)) {
            *slot = fact;
        }
    }

    /// Clusters, holes and sizes of a non-resident attribute, all extents together.
    fn check_clusters_of(&mut self, file: &File, found: &Attribute, value: &crate::read::NonResident) {
        let place = Place::record(file.reference.record, found.at);
        let cluster = u64::from(self.volume.boot.cluster_bytes);
        let end = value.runs.last().map_or(0, |run| run.vcns().end);
        if end.checked_mul(cluster) != Some(value.allocated_bytes) {
            let text = format!(
                "{} bytes allocated, {end} clusters in runs",
                value.allocated_bytes
            );
            self.out.add(Code::SizeAllocated, place, text, "the same");
        }
        let stored: u64 = value
            .runs
            .iter()
            .filter(|run| run.lcn.is_some())
            .map(|run| run.clusters)
            .sum();
        if let Some(total) = value.total_allocated_bytes
            && stored.checked_mul(cluster) != Some(total)
        {
            let text = format!("{total} bytes, {stored} clusters in use");
            self.out.add(Code::SizeTotal, place, text, "the same");
        }
        let flagged = found.flags & (attribute_flag::SPARSE | attribute_flag::COMPRESSED) != 0;
        let bad_clusters = file.reference.record == record::BAD_CLUSTERS && !found.name.is_empty();
        if !flagged && stored != end && !bad_clusters {
            let text = format!("{} clusters in holes", end - stored);
            self.out.add(
                Code::RunsHole,
                place,
                text,
                "clusters everywhere, or the sparse flag",
            );
        }
        if flagged && value.total_allocated_bytes.is_none() {
            self.out.add(
                Code::AttributeHeader,
                place,
                "no total allocated size",
                "a 72-byte header",
            );
        }
        let unit = value.compression_unit;
        if found.is_compressed() && !(1..=16).contains(&unit) || unit > 16 {
            let text = format!("2^{unit} clusters, flags {:#06x}", found.flags);
            self.out.add(Code::CompressionUnit, place, text, "2^4 clusters");
        } else if found.is_compressed() {
            self.check_units(value, place);
        }
    }

    /// A compression unit is all there, not there at all, or cut short by a hole.
    fn check_units(&mut self, value: &crate::read::NonResident, place: Place) {
        let unit = 1u64 << value.compression_unit;
        for pair in value.runs.windows(2) {
            let [hole, next] = pair else { continue };
            if hole.lcn.is_none() && next.lcn.is_some() && !next.vcn.is_multiple_of(unit) {
                let text = format!("clusters at VCN {} after a hole", next.vcn);
                self.out.add(
                    Code::CompressionUnit,
                    place,
                    text,
                    "a hole up to the end of the unit",
                );
            }
        }
    }

    fn check_stream_names(&mut self, file: &File) {
        let names: Vec<&Attribute> = file.streams().collect();
        for (index, stream) in names.iter().enumerate() {
            let place = Place::record(file.reference.record, stream.at);
            let bad = |&unit: &u16| unit == 0 || unit == u16::from(b':') || unit == u16::from(b'/');
            if stream.name.iter().any(bad) || stream.name.contains(&u16::from(b'\\')) {
                let text = format!("stream {:?}", String::from_utf16_lossy(&stream.name));
                self.out
                    .add(Code::NameCharacters, place, text, "no NUL, colon or slash");
            }
            let twin = names[..index]
                .iter()
                .find(|other| self.volume.compare_folded(&other.name, &stream.name).is_eq());
            if twin.is_some() {
                let text = format!("stream {:?} twice", String::from_utf16_lossy(&stream.name));
                self.out.add(
                    Code::AttributeDuplicate,
                    place,
                    text,
                    "each stream name once, up to case",
                );
            }
        }
        let indexed = file
            .attributes
            .iter()
            .any(|a| a.type_code == attribute::INDEX_ROOT);
        let place = Place::record(file.reference.record, file.at);
        match file.data() {
            None if !indexed => {
                self.out.add(
                    Code::AttributeMissing,
                    place,
                    "no unnamed $DATA",
                    "one in every file",
                );
            }
            Some(data) if file.is_directory() => {
                let place = Place::record(file.reference.record, data.at);
                self.out.add(
                    Code::AttributeDuplicate,
                    place,
                    "unnamed $DATA in a directory",
                    "none",
                );
            }
            _ => {}
        }
    }

    fn check_record_flags(&mut self, file: &File) {
        let place = Place::record(file.reference.record, file.at + 0x16);
        let roots = || file.of_type(attribute::INDEX_ROOT);
        let directory = roots().any(|a| a.name == I30);
        let view = roots().any(|a| a.name != I30);
        let wanted = if directory { record_flag::DIRECTORY } else { 0 };
        let has = |flag: u16| file.flags & flag != 0;
        if has(record_flag::DIRECTORY) != directory || has(record_flag::VIEW_INDEX) != view {
            let expected = wanted | if view { record_flag::VIEW_INDEX } else { 0 };
            let text = format!("{:#x}", file.flags);
            self.out.add(
                Code::RecordFlags,
                place,
                text,
                format!("index flags {expected:#x}"),
            );
        }
        for root in roots() {
            let blocks = file.attribute(attribute::INDEX_ALLOCATION, &root.name).is_some();
            let bitmap = file.attribute(attribute::BITMAP, &root.name).is_some();
            if blocks && !bitmap {
                let text = format!("index {:?} without $BITMAP", String::from_utf16_lossy(&root.name));
                self.out.add(
                    Code::AttributeMissing,
                    place,
                    text,
                    "one beside $INDEX_ALLOCATION",
                );
            }
        }
        let stats = &mut self.out.report.stats;
        *(if directory {
            &mut stats.directories
        } else {
            &mut stats.files
        }) += 1;
    }

    /// File attributes against what the file has.
    fn check_file_attributes(&mut self, file: &File, attributes: u32) {
        let data_flags = file.streams().fold(0, |flags, stream| flags | stream.flags);
        let reparse = file.attribute(attribute::REPARSE_POINT, &[]).is_some();
        let rules = [
            (file_attribute::REPARSE_POINT, "reparse point", reparse, true),
            (
                file_attribute::SPARSE,
                "sparse",
                data_flags & attribute_flag::SPARSE != 0,
                true,
            ),
            // The flag stays on directories, and on files too small to be compressed.
            (
                file_attribute::COMPRESSED,
                "compressed",
                data_flags & attribute_flag::COMPRESSED != 0,
                false,
            ),
            (
                file_attribute::ENCRYPTED,
                "encrypted",
                data_flags & attribute_flag::ENCRYPTED != 0,
                false,
            ),
        ];
        let place = Place::record(file.reference.record, file.at);
        for (flag, what, present, both_ways) in rules {
            let stated = attributes & flag != 0;
            let system = file.reference.record < record::FIRST_UNUSED;
            if present && !stated && !system || both_ways && stated && !present {
                let text = format!("{what} {stated} in {attributes:#x}");
                self.out
                    .add(Code::FileAttributes, place, text, present.to_string());
            }
        }
    }

    fn check_extended_attributes(&mut self, file: &File, fact: &mut FileFact) {
        let info = file.attribute(attribute::EA_INFORMATION, &[]);
        let list = file.attribute(attribute::EA, &[]);
        let place = Place::record(file.reference.record, list.or(info).map_or(file.at, |a| a.at));
        let (info, list) = match (info, list) {
            (None, None) => return,
            (Some(info), Some(list)) => (info.resident().unwrap_or_default(), list),
            _ => {
                let text = "only one of $EA_INFORMATION and $EA";
                return self
                    .out
                    .add(Code::ExtendedAttributeInformation, place, text, "both or none");
            }
        };
        let bytes = match self.volume.load_value(list) {
            Ok(bytes) => bytes,
            Err(error) => return self.out.add_error(Code::ExtendedAttributes, place, &error),
        };
        let Some(parsed) = parse_extended_attributes(&bytes) else {
            let text = format!("{} bytes that are no list", bytes.len());
            return self
                .out
                .add(Code::ExtendedAttributes, place, text, "a list of attributes");
        };
        // Packed: 5 bytes, name with its NUL, value; without the alignment of the list.
        let packed: usize = parsed.iter().map(|ea| 5 + ea.name.len() + ea.value.len()).sum();
        let needed = parsed.iter().filter(|ea| ea.flags & 0x80 != 0).count();
        let stated = (u16_at(info, 0), u16_at(info, 2), u32_at(info, 4));
        let wanted = (
            u16::try_from(packed).ok(),
            u16::try_from(needed).ok(),
            u32::try_from(bytes.len()).ok(),
        );
        if stated != wanted {
            let (text, expected) = (format!("{stated:?}"), format!("{wanted:?}"));
            self.out
                .add(Code::ExtendedAttributeInformation, place, text, expected);
        }
        if fact.reparse_or_ea == 0 {
            fact.reparse_or_ea = packed as u32;
        }
    }

    fn check_reparse_of(&mut self, file: &File, fact: &mut FileFact) {
        let Some(found) = file.attribute(attribute::REPARSE_POINT, &[]) else {
            return;
        };
        let place = Place::record(file.reference.record, found.at);
        let value = match self.volume.load_value(found) {
            Ok(value) => value,
            Err(error) => return self.out.add_error(Code::ReparseValue, place, &error),
        };
        let tag = u32_at(&value, 0).unwrap_or(0);
        let point =
            parse_reparse_point(&value).filter(|point| tag != 0 && point.data.len() + 8 == value.len());
        fact.reparse_or_ea = tag;
        self.reparse_points.push((tag, file.reference.to_raw()));
        if point.is_none() {
            let text = format!("tag {tag:#010x}, {} bytes", value.len());
            return self.out.add(Code::ReparseValue, place, text, "header and data");
        }
        match self.volume.compact(file) {
            Ok(None) => {}
            Ok(Some(compact)) => self.check_compact(file, &compact),
            Err(error) => self.out.add_error(Code::Compact, place, &error),
        }
    }

    fn check_compact(&mut self, file: &File, compact: &crate::read::CompactFile<'_>) {
        let place = Place::record(file.reference.record, compact.stream.at);
        if let Some(value) = file.data().and_then(Attribute::non_resident)
            && value.runs.iter().any(|run| run.lcn.is_some())
        {
            self.out
                .add(Code::Compact, place, "clusters in the unnamed $DATA", "a hole");
        }
        match self.volume.compact_extents(compact) {
            Ok(chunks) => {
                let bad = chunks.iter().position(|chunk| !chunk.is_valid());
                if let Some((index, chunk)) = bad.and_then(|at| chunks.get(at).map(|chunk| (at, chunk))) {
                    let CompactExtent {
                        packed_bytes,
                        plain_bytes,
                        ..
                    } = chunk;
                    let text = format!("chunk {index}: {packed_bytes} bytes for {plain_bytes}");
                    self.out.add(Code::Compact, place, text, "1 up to the plain size");
                }
            }
            Err(error) => self.out.add_error(Code::Compact, place, &error),
        }
    }

    fn check_object_id_of(&mut self, file: &File) {
        let Some(found) = file.attribute(attribute::OBJECT_ID, &[]) else {
            return;
        };
        let id = found.resident().unwrap_or_default();
        let place = Place::record(file.reference.record, found.at);
        match id.get(..16).and_then(|id| <[u8; 16]>::try_from(id).ok()) {
            Some(guid) if matches!(id.len(), 16 | 64) && guid != [0; 16] => {
                // The id of the volume itself is not in the index.
                if file.reference.record != record::VOLUME {
                    self.object_ids.push((guid, file.reference.to_raw()));
                }
            }
            _ => {
                let text = format!("{} bytes", id.len());
                self.out.add(
                    Code::ObjectIdValue,
                    place,
                    text,
                    "16 or 64 bytes that are not zero",
                );
            }
        }
    }
}
