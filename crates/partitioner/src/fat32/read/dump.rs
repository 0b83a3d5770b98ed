//! Every byte of a volume, and whose it is.

use std::io::{Read, Seek};

use serde::Serialize;

use super::boot::FatType;
use super::volume::{FatVolume, Link};
use crate::error::Result;

/// A range of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FatRegion {
    /// Offset of its first byte.
    pub first_byte: u64,
    /// Length.
    pub size_bytes: u64,
    /// Whose: a structure in angle brackets, else the path of a file or directory.
    pub what: String,
}

impl<R: Read + Seek> FatVolume<R> {
    /// The volume from the first byte to the last, as ranges without gaps. A file's ranges are those of its chain,
    /// as far as it can be followed; where chains overlap, the first in directory order has the clusters.
    ///
    /// # Errors
    /// As for [`walk`](Self::walk).
    pub fn dump(&mut self) -> Result<Vec<FatRegion>> {
        let mut regions = self.structures();
        let mut chains = Vec::new();
        if self.boot.fat_type == FatType::Fat32 {
            chains.push(("<root directory>".to_owned(), self.boot.root_cluster));
        }
        self.walk(|path, entry| {
            if entry.first_cluster != 0 {
                chains.push((path.to_owned(), entry.first_cluster));
            }
            Ok(())
        })?;
        let cluster_bytes = u64::from(self.boot.cluster_bytes);
        // Owner of each cluster, by index into `chains`; one word a cluster.
        let mut owners = vec![u32::MAX; self.boot.cluster_count as usize];
        for (index, (_, first)) in (0u32..).zip(&chains) {
            let mut cluster = *first;
            while let Some(owner) = owners.get_mut((cluster as usize).wrapping_sub(2)) {
                if *owner != u32::MAX {
                    break;
                }
                *owner = index;
                match self.link(cluster)? {
                    Link::Next(next) => cluster = next,
                    _ => break,
                }
            }
        }
        let mut at = self.boot.data_at;
        for (cluster, owner) in (2u32..).zip(owners) {
            let what = match chains.get(owner as usize) {
                Some((path, _)) => path.as_str(),
                None => match self.link(cluster)? {
                    Link::Free => "<free>",
                    Link::Bad => "<bad>",
                    Link::Next(_) | Link::End => "<lost>",
                },
            };
            push(&mut regions, at, cluster_bytes, what);
            at += cluster_bytes;
        }
        push(
            &mut regions,
            at,
            self.boot.total_bytes - at,
            "<behind the last cluster>",
        );
        Ok(regions)
    }

    fn structures(&self) -> Vec<FatRegion> {
        let b = &self.boot;
        let sector = u64::from(b.sector_bytes);
        let mut named = vec![(0, "<boot sector>")];
        if b.fat_type == FatType::Fat32 {
            named.push((u64::from(b.fsinfo_sector), "<FSInfo>"));
            named.push((u64::from(b.backup_sector), "<backup of the boot sector>"));
        }
        named.sort_unstable();
        named.dedup_by_key(|(at, _)| *at);
        let mut regions = Vec::new();
        let mut at = 0;
        for (number, what) in named {
            let start = number * sector;
            if start >= at && start + sector <= b.fat_at {
                push(&mut regions, at, start - at, "<reserved>");
                push(&mut regions, start, sector, what);
                at = start + sector;
            }
        }
        push(&mut regions, at, b.fat_at - at, "<reserved>");
        for copy in 0..u64::from(b.fat_count) {
            let what = format!("<FAT {}>", copy + 1);
            push(&mut regions, b.fat_at + copy * b.fat_bytes, b.fat_bytes, &what);
        }
        push(
            &mut regions,
            b.fixed_root.0,
            b.data_at - b.fixed_root.0,
            "<root directory>",
        );
        regions
    }
}

/// Adds a range, joined with the one before when it is the same thing; nothing when it is empty.
fn push(regions: &mut Vec<FatRegion>, first_byte: u64, size_bytes: u64, what: &str) {
    match regions.last_mut() {
        _ if size_bytes == 0 => {}
        Some(last) if last.what == what && last.first_byte + last.size_bytes == first_byte => {
            last.size_bytes += size_bytes;
        }
        _ => regions.push(FatRegion {
            first_byte,
            size_bytes,
            what: what.to_owned(),
        }),
    }
}
