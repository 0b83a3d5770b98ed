//! Fuzz targets: ntfs_read, ntfs_check.

use std::io::{Cursor, Read};

use ntfs_image::read::{self, CompactFile, File, Volume};
use ntfs_image::{CompactFormat, Limits};

use crate::ntfs_volume::with_changed;

/// Small enough that a run takes milliseconds.
const LIMITS: Limits = Limits {
    max_records: 4096,
    max_attribute_list_bytes: 1 << 16,
    max_attributes: 256,
    max_runs: 1 << 12,
    max_index_depth: 8,
    max_index_entries: 1 << 12,
    max_value_bytes: 1 << 20,
    max_compression_unit_bytes: 1 << 20,
    max_findings: 200,
};

/// Bytes read of each stream.
const STREAM_BYTES: u64 = 1 << 16;

/// Body of the target `ntfs_read`: every reader on one volume, and the parsers on the bytes themselves.
pub fn ntfs_read(data: &[u8]) {
    parsers(data);
    with_changed(data, read_volume);
}

fn read_volume(data: &[u8]) {
    let Ok(mut volume) = Volume::open(Cursor::new(data), &LIMITS) else {
        return;
    };
    let _ = volume.information();
    let files: Vec<File> = volume.walk().take(64).filter_map(Result::ok).collect();
    for file in &files {
        let _ = volume.security_descriptor(file);
        let _ = volume.reparse_point(file);
        let _ = volume.extended_attributes(file);
        let _ = (
            file.object_id(),
            file.standard_information(),
            file.names().count(),
        );
        if let Ok(entries) = volume.directory(file)
            && let Some(entry) = entries.first()
        {
            let _ = volume.lookup_in(file, &entry.key.name);
            let _ = volume.file_by_reference(entry.reference);
        }
        for attribute in &file.attributes {
            if let Ok(stream) = volume.open_attribute(attribute) {
                let _ = std::io::copy(&mut stream.take(STREAM_BYTES), &mut std::io::sink());
            }
        }
        if let Ok(Some(compact)) = volume.compact(file) {
            read_compact(&mut volume, &compact);
        }
    }
    let _ = volume.lookup(r"\Windows\System32\config");
}

fn read_compact(volume: &mut Volume<Cursor<&[u8]>>, compact: &CompactFile<'_>) {
    let _ = volume.compact_extents(compact);
    let decode = |_: CompactFormat, packed: &[u8], plain: &mut [u8]| {
        plain.fill(packed.first().copied().unwrap_or(0));
        Ok(())
    };
    if let Ok(stream) = volume.open_compact(compact, decode) {
        let _ = std::io::copy(&mut stream.take(STREAM_BYTES), &mut std::io::sink());
    }
}

fn parsers(data: &[u8]) {
    let _ = read::BootSector::parse(data, 0);
    let _ = read::runs::decode(data, 0, 1000, 0);
    let _ = read::lznt1::decompress(data, &mut vec![0; 65_536]);
    let _ = read::FileName::parse(data);
    let _ = read::StandardInformation::parse(data);
    let _ = read::parse_reparse_point(data);
    let _ = read::parse_extended_attributes(data);
    if let Ok(record) = read::Record::parse(0, 0, data.to_vec()) {
        let _ = record.attributes().count();
    }
    let mut block = data.to_vec();
    let _ = read::fixup::apply(&mut block, "block", 0);
}

/// Body of the target `ntfs_check`: the check and the dump end, whatever the bytes.
pub fn ntfs_check(data: &[u8]) {
    with_changed(data, check_and_dump);
}

fn check_and_dump(data: &[u8]) {
    let report = ntfs_image::check::check(Cursor::new(data), &LIMITS);
    assert!(report.findings.len() <= LIMITS.max_findings);
    let _ = ntfs_image::dump::dump(Cursor::new(data), &LIMITS, &mut std::io::sink());
}
