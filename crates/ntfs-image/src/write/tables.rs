//! The tables of a volume: `$MFTMirr`, `$LogFile`, `$Bitmap`, `$MFT`, and both boot sectors.

use std::io::{Seek, Write};

use super::BuildError;
use super::attribute::Attribute;
use super::geometry::{Boot, encode_boot};
use super::index::RunWriter;
use super::metadata::Metadata;
use super::plan::{mft_bitmap_bytes, mft_records, mirror_records};
use super::record::capacity;
use super::space::Run;
use super::system;
use crate::layout::record as number;

/// Bytes of records and bitmaps that are encoded before they are handed on.
const BATCH_BYTES: usize = 1 << 18;

impl<W: Write + Seek> Metadata<'_, W> {
    /// Allocates the tables, `$MFT` last so that free space follows it.
    pub(super) fn place_tables(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let mirror_bytes = mirror_records(&geometry) * geometry.record_bytes as u64;
        let mirror_clusters = geometry.clusters_for(mirror_bytes);
        let aside = self.writer.aside.take();
        let space = &mut self.writer.space;
        if let Some(aside) = &aside {
            self.places.mirror = vec![space.claim(aside.mirror.clone())];
            self.places.log_file = vec![space.claim(aside.log_file.clone())];
        } else {
            let mirror = space.contiguous(mirror_clusters);
            self.places.mirror = vec![Run {
                lcn: Some(mirror.ok_or_else(|| self.writer.full())?),
                count: mirror_clusters,
            }];
            self.places.log_file = self.writer.allocate(geometry.log_file_bytes())?;
        }
        self.places.bitmap = self.writer.allocate(geometry.bitmap_bytes())?;
        self.places.mft_records = mft_records(self.node_records() + self.extension_count);
        self.places.mft_bitmap_bytes = mft_bitmap_bytes(self.places.mft_records);
        self.places.mft_bitmap = self.writer.allocate(self.places.mft_bitmap_bytes)?;
        let mft_clusters = geometry.clusters_for(self.places.mft_records * geometry.record_bytes as u64);
        if let Some(aside) = aside {
            let mut left = mft_clusters;
            for piece in aside.mft {
                let end = piece.end.min(piece.start + left);
                left -= end - piece.start;
                if end > piece.start {
                    let run = self.writer.space.claim(piece.start..end);
                    self.places.mft.push(run);
                }
            }
            if left > 0 {
                return Err(self.writer.full());
            }
        } else {
            let mft = self.writer.space.contiguous(mft_clusters);
            self.places.mft = vec![Run {
                lcn: Some(mft.ok_or_else(|| self.writer.full())?),
                count: mft_clusters,
            }];
        }
        self.places.upcase = std::mem::take(&mut self.writer.upcase_runs);
        self.places.attrdef = std::mem::take(&mut self.writer.attrdef_runs);
        self.check_system_records()
    }

    /// A system file has one record: its data must not lie in more pieces than that can list.
    fn check_system_records(&self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let room = capacity(geometry.record_bytes);
        let is_used = |&record: &u64| {
            record != number::ROOT && !(number::FIRST_UNUSED..number::QUOTA).contains(&record)
        };
        for record in (0..number::FIRST_FILE).filter(is_used) {
            let attributes = system::attributes(record, &self.writer.spec, &geometry, &self.places);
            if attributes.iter().map(Attribute::encoded_len).sum::<usize>() > room {
                return Err(BuildError::Invalid {
                    what: "system file in too many pieces, record",
                    value: record,
                    rule: "clusters to be kept free that leave larger gaps",
                });
            }
        }
        Ok(())
    }

    pub(super) fn write_tables(&mut self) -> Result<(), BuildError> {
        let geometry = self.writer.geometry();
        let cluster = geometry.cluster;
        let first_records = self.first_records(mirror_records(&geometry))?;
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
    pub(super) fn first_records(&self, count: u64) -> Result<Vec<u8>, BuildError> {
        let mut bytes = Vec::new();
        let mut extensions = Vec::new();
        for record in 0..self.node_records().min(count) {
            let (base, rest) = self.record(record)?;
            bytes.extend(base);
            extensions.extend(rest);
        }
        bytes.extend(extensions);
        let len = usize::try_from(count).unwrap_or(0) * self.writer.geometry().record_bytes;
        bytes.resize(len, 0);
        Ok(bytes)
    }

    /// `$Bitmap`: bits past the last cluster are set.
    pub(super) fn write_bitmap(&mut self) -> Result<(), BuildError> {
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

    pub(super) fn write_mft_bitmap(&mut self) -> Result<(), BuildError> {
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

    pub(super) fn write_mft(&mut self) -> Result<(), BuildError> {
        let runs = self.places.mft.clone();
        let mut out = RunWriter::new(&runs, self.cluster());
        let mut batch = Vec::with_capacity(BATCH_BYTES + 4096);
        let mut extensions: Vec<u8> = Vec::new();
        for record in 0..self.node_records() {
            let (base, rest) = self.record(record)?;
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

    pub(super) fn write_boot(&mut self) -> Result<(), BuildError> {
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
