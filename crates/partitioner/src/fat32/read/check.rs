//! Checking a whole volume.

use std::collections::HashSet;
use std::io::{Read, Seek};

use super::super::names::fold;
use super::super::names::join;
use super::boot::FatType;
use super::bytes::u32_at;
use super::directory::{Decoded, FatEntry};
use super::volume::{FatVolume, Link};
use crate::Finding;
use crate::error::{Error, ErrorKind, Result};

/// Findings that one check returns at most; the last says that there are more.
const MAX_FINDINGS: usize = 1000;

/// The clusters that something owns.
struct Owned(Vec<u64>);

impl Owned {
    fn new(cluster_count: u32) -> Self {
        Self(vec![0; cluster_count as usize / 64 + 1])
    }

    /// Whether it was free until now. `cluster` counts from 2 and was checked.
    fn take(&mut self, cluster: u32) -> bool {
        let index = cluster as usize - 2;
        let (word, bit) = (&mut self.0[index / 64], 1 << (index % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn has(&self, cluster: u32) -> bool {
        let index = cluster as usize - 2;
        self.0[index / 64] & 1 << (index % 64) != 0
    }
}

impl<R: Read + Seek> FatVolume<R> {
    /// Everything that is wrong with the volume; empty for a sound one. Nothing is changed. Codes:
    /// `fat-boot-backup`, `fat-copies-differ`, `fat-media`, `fat-dirty`, `fat-free-count`, `fat-chain`,
    /// `fat-cross-link`, `fat-size`, `fat-dots`, `fat-name-twice`, `fat-long-name`, `fat-lost-clusters`,
    /// `fat-limit`.
    ///
    /// # Errors
    /// `Io`.
    pub fn check(&mut self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        self.check_reserved(&mut findings)?;
        let mut owned = Owned::new(self.boot.cluster_count);
        self.check_tree(&mut owned, &mut findings)?;
        self.check_table(&owned, &mut findings)?;
        if findings.len() > MAX_FINDINGS {
            findings.truncate(MAX_FINDINGS);
            findings.push(Finding::new(
                "fat-limit",
                format!("more than {MAX_FINDINGS} findings"),
            ));
        }
        Ok(findings)
    }

    fn check_reserved(&mut self, findings: &mut Vec<Finding>) -> Result<()> {
        let sector = u64::from(self.boot.sector_bytes);
        let backup_at = u64::from(self.boot.backup_sector) * sector;
        if backup_at != 0 && self.boot.backup_sector != 0xFFFF && backup_at < self.boot.fat_at {
            let (mut first, mut backup) = ([0; 512], [0; 512]);
            self.read_at(0, &mut first, "read FAT boot sector")?;
            self.read_at(backup_at, &mut backup, "read FAT boot sector backup")?;
            if first != backup {
                findings.push(Finding::new(
                    "fat-boot-backup",
                    format!("the backup of the boot sector at offset {backup_at:#x} differs from it"),
                ));
            }
        }
        let (first, bad) = self.raw_link(0)?;
        if first & 0xFF != u32::from(self.boot.media) {
            findings.push(Finding::new(
                "fat-media",
                format!(
                    "the table begins with {first:#x}, the boot sector says {:#x}",
                    self.boot.media
                ),
            ));
        }
        let clean = match self.boot.fat_type {
            FatType::Fat12 => 0,
            FatType::Fat16 => 0x8000,
            FatType::Fat32 => 0x0800_0000,
        };
        let (second, _) = self.raw_link(1)?;
        if second & clean != clean & bad {
            findings.push(Finding::new("fat-dirty", "the volume was not unmounted"));
        }
        let (mut one, mut other) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        for copy in 1..u64::from(self.boot.fat_count) {
            let mut at = 0;
            while at < self.boot.fat_bytes {
                let length = (self.boot.fat_bytes - at).min(1 << 16) as usize;
                let (one, other) = (&mut one[..length], &mut other[..length]);
                self.read_at(self.boot.fat_at + at, one, "read FAT")?;
                self.read_at(
                    self.boot.fat_at + copy * self.boot.fat_bytes + at,
                    other,
                    "read FAT",
                )?;
                if let Some(differs) = one.iter().zip(&*other).position(|(a, b)| a != b) {
                    findings.push(Finding::new(
                        "fat-copies-differ",
                        format!(
                            "copy {} of the table differs at byte {}",
                            copy + 1,
                            at + differs as u64
                        ),
                    ));
                    break;
                }
                at += length as u64;
            }
        }
        Ok(())
    }

    /// Follows every chain from the root.
    fn check_tree(&mut self, owned: &mut Owned, findings: &mut Vec<Finding>) -> Result<()> {
        if self.boot.fat_type == FatType::Fat32
            && !self.check_chain("/", self.boot.root_cluster, None, owned, findings)?
        {
            return Ok(());
        }
        let root = match self.root() {
            Ok(root) => root,
            Err(e) => return note(e, "/", findings),
        };
        // Path, first cluster, first cluster of the parent as `..` has it.
        let mut stack = Vec::new();
        let mut count = 0;
        self.check_entries("", 0, &root, &mut stack, owned, findings)?;
        while let Some((path, cluster, parent)) = stack.pop() {
            count += 1;
            if count > self.limits.max_fat_entries || findings.len() > MAX_FINDINGS {
                findings.push(Finding::new(
                    "fat-limit",
                    "too much to check: the rest was left out",
                ));
                return Ok(());
            }
            let directory = match self.directory(cluster) {
                Ok(directory) => directory,
                Err(e) => {
                    note(e, &path, findings)?;
                    continue;
                }
            };
            if directory.dots != Some((cluster, parent)) {
                findings.push(Finding::new(
                    "fat-dots",
                    format!("{path}: \".\" and \"..\" do not lead to it and to its parent"),
                ));
            }
            self.check_entries(&path, cluster, &directory, &mut stack, owned, findings)?;
        }
        Ok(())
    }

    fn check_entries(
        &mut self,
        path: &str,
        own_cluster: u32,
        directory: &Decoded,
        stack: &mut Vec<(String, u32, u32)>,
        owned: &mut Owned,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let shown = if path.is_empty() { "/" } else { path };
        if directory.orphans > 0 {
            findings.push(Finding::new(
                "fat-long-name",
                format!(
                    "{shown}: {} long-name entries belong to no file",
                    directory.orphans
                ),
            ));
        }
        let mut names = HashSet::new();
        for entry in &directory.entries {
            let path = join(path, &entry.name);
            let long_is_new = names.insert(fold(&entry.name));
            let short_is_new =
                fold(&entry.name) == fold(&entry.short_name) || names.insert(fold(&entry.short_name));
            if !long_is_new || !short_is_new {
                findings.push(Finding::new(
                    "fat-name-twice",
                    format!("{path}: another entry has that name"),
                ));
            }
            if entry.is_directory() {
                if entry.first_cluster == 0 {
                    findings.push(Finding::new(
                        "fat-chain",
                        format!("{path}: a directory without a cluster"),
                    ));
                } else if self.check_chain(&path, entry.first_cluster, None, owned, findings)? {
                    stack.push((path, entry.first_cluster, own_cluster));
                }
            } else {
                self.check_file(&path, entry, owned, findings)?;
            }
        }
        Ok(())
    }

    fn check_file(
        &mut self,
        path: &str,
        entry: &FatEntry,
        owned: &mut Owned,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let clusters = entry.size_bytes.div_ceil(self.boot.cluster_bytes);
        match (clusters, entry.first_cluster) {
            (0, 0) => {}
            (_, 0) => findings.push(Finding::new(
                "fat-size",
                format!("{path}: {} bytes and no cluster", entry.size_bytes),
            )),
            (_, first) => {
                self.check_chain(path, first, Some(clusters), owned, findings)?;
            }
        }
        Ok(())
    }

    /// Follows one chain; whether it is whole and nobody else's.
    fn check_chain(
        &mut self,
        path: &str,
        first: u32,
        clusters: Option<u32>,
        owned: &mut Owned,
        findings: &mut Vec<Finding>,
    ) -> Result<bool> {
        let (mut cluster, mut length) = (first, 0u32);
        loop {
            if let Err(e) = self.cluster_at(cluster) {
                note(e, path, findings)?;
                return Ok(false);
            }
            // Ends a loop too: its second turn meets its own first.
            if !owned.take(cluster) {
                findings.push(Finding::new(
                    "fat-cross-link",
                    format!(
                        "{path}: cluster {cluster} belongs to another chain or to an earlier part of this one"
                    ),
                ));
                return Ok(false);
            }
            length += 1;
            match self.link(cluster)? {
                Link::Next(next) => cluster = next,
                Link::End => break,
                link => {
                    note(self.broken(cluster, link), path, findings)?;
                    return Ok(false);
                }
            }
        }
        if let Some(expected) = clusters.filter(|&c| c != length) {
            findings.push(Finding::new(
                "fat-size",
                format!("{path}: its size needs {expected} clusters, its chain has {length}"),
            ));
        }
        Ok(true)
    }

    /// Clusters that nobody owns, and the count of free ones.
    fn check_table(&mut self, owned: &Owned, findings: &mut Vec<Finding>) -> Result<()> {
        let (mut free, mut lost) = (0u32, 0u32);
        for cluster in 2..self.boot.cluster_count + 2 {
            match self.link(cluster)? {
                Link::Free => free += 1,
                Link::Next(_) | Link::End => lost += u32::from(!owned.has(cluster)),
                Link::Bad => {}
            }
        }
        if lost > 0 {
            findings.push(Finding::new(
                "fat-lost-clusters",
                format!("{lost} clusters are in use and belong to no file"),
            ));
        }
        let at = u64::from(self.boot.fsinfo_sector) * u64::from(self.boot.sector_bytes);
        if at == 0 || at + 512 > self.boot.fat_at {
            return Ok(());
        }
        let mut fsinfo = [0; 512];
        self.read_at(at, &mut fsinfo, "read FSInfo")?;
        let stored = u32_at(&fsinfo, 488);
        let is_fsinfo = fsinfo.starts_with(b"RRaA") && fsinfo[484..488] == *b"rrAa";
        if is_fsinfo && stored != u32::MAX && stored != free {
            findings.push(Finding::new(
                "fat-free-count",
                format!("{free} clusters are free, FSInfo says {stored}"),
            ));
        }
        Ok(())
    }
}

/// What a chain's error says becomes a finding; a medium that fails stays an error.
fn note(error: Error, path: &str, findings: &mut Vec<Finding>) -> Result<()> {
    if error.kind() == ErrorKind::Io {
        return Err(error);
    }
    findings.push(Finding::new("fat-chain", format!("{path}: {error}")));
    Ok(())
}
