//! Partitions whose map is a file of the volume: the metadata file and the virtual allocation table.

use std::io::{Read, Seek};

use super::file_entry::{IcbAddress, file_type};
use super::partition::Partition;
use super::vat;
use super::volume::UdfVolume;
use crate::source::Source;
use crate::{Error, ReadOptions, Result};

impl UdfVolume {
    /// Metadata file or its mirror (UDF 2.60, 2.2.13).
    pub(super) fn read_metadata_file<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        inner: u16,
        block: u32,
        wanted_type: u8,
    ) -> Result<Partition> {
        let icb = IcbAddress {
            block,
            partition: inner,
        };
        let file = self.file_entry(source, options, icb, 0)?;
        if file.file_type != wanted_type {
            return Err(Error::corrupt(
                "UDF metadata file",
                file.at,
                format!("file type {}", file.file_type),
                wanted_type.to_string(),
            ));
        }
        let extents = self.extents_of(source, options, icb, &file)?;
        Ok(Partition::Metadata { extents })
    }

    /// The VAT's file entry is the last block that was written (UDF 2.60, 2.2.11).
    pub(super) fn read_vat<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        options: &ReadOptions,
        inner: u16,
    ) -> Result<Partition> {
        /// Blocks after the VAT: run-out, link and padding blocks at the end of a track.
        const MAX_BLOCKS_BACK: u64 = 512;
        const VAT: &str = "UDF virtual allocation table";
        let Some(Partition::Physical { start, len }) = self.partitions.get(usize::from(inner)) else {
            return Err(Error::unsupported(
                VAT,
                0,
                "a virtual partition over another than a physical one",
            ));
        };
        let block_bytes = u64::from(self.block_bytes);
        let end = source.size_bytes().min(start + len);
        let blocks = end.saturating_sub(*start) / block_bytes;
        for block in (blocks.saturating_sub(MAX_BLOCKS_BACK)..blocks).rev() {
            let Ok(number) = u32::try_from(block) else {
                continue;
            };
            let icb = IcbAddress {
                block: number,
                partition: inner,
            };
            let Ok(file) = self.file_entry(source, options, icb, 0) else {
                continue;
            };
            let is_revision_2 = file.file_type == file_type::VAT;
            if !is_revision_2 && file.file_type != file_type::UNSPECIFIED {
                continue;
            }
            let (at, data) = self.read_content(source, options, icb, &file)?;
            match vat::decode(&data, at, is_revision_2) {
                Ok(table) => return Ok(Partition::Virtual { inner, table }),
                Err(error) if is_revision_2 => return Err(error),
                Err(_) => {}
            }
        }
        Err(Error::unsupported(
            VAT,
            end.saturating_sub(block_bytes),
            "write-once media without a table in its last blocks (unfinished, or more than one session and this is \
             not the last one's start)",
        ))
    }
}
