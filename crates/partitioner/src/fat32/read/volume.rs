//! Reading files and directories of a volume.

use std::io::{self, Read, Seek, SeekFrom};

use serde::Serialize;

use super::super::layout::{ENTRY_BYTES, MAX_DIRECTORY_BYTES};
use super::super::names::{fold, join};
use super::boot::{self, Boot, FatType};
use super::bytes::{u16_at, u32_at};
use super::directory::{Decoded, FatEntry, decode};
use crate::Limits;
use crate::error::{Error, Result};

/// Bytes of the table that are kept; a multiple of 3, so that no 12-bit entry is split.
const PAGE_BYTES: u64 = 48 << 10;

/// What a volume says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FatInfo {
    /// FAT12, FAT16 or FAT32.
    pub fat_type: FatType,
    /// Label, from the root directory or else the boot sector; `None` for none.
    pub label: Option<String>,
    /// Serial number.
    pub volume_id: Option<u32>,
    /// Sector size in the boot sector.
    pub sector_bytes: u32,
    /// Cluster size.
    pub cluster_bytes: u32,
    /// Clusters.
    pub cluster_count: u32,
    /// Size of the volume.
    pub size_bytes: u64,
    /// Copies of the table.
    pub fat_count: u8,
}

/// A FAT12, FAT16 or FAT32 volume, opened for reading. Any input gives a value or an error, within [`Limits`].
#[derive(Debug)]
pub struct FatVolume<R> {
    pub(super) inner: R,
    pub(super) boot: Boot,
    pub(super) limits: Limits,
    page: Vec<u8>,
    page_at: Option<u64>,
}

/// What an entry of the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Free,
    Next(u32),
    End,
    Bad,
}

/// Opens a volume that starts at the start of `inner` (a [`Window`](crate::Window) for a partition).
///
/// # Errors
/// `Corrupt` when the boot sector is none, or does not fit the stream; `Io`.
pub fn open<R: Read + Seek>(mut inner: R, limits: Limits) -> Result<FatVolume<R>> {
    let length_bytes = inner
        .seek(SeekFrom::End(0))
        .map_err(Error::io("find the size of the FAT volume", 0))?;
    let mut sector = [0; 512];
    if length_bytes < 512 {
        return Err(Error::corrupt(
            "FAT boot sector",
            0,
            format!("{length_bytes} bytes"),
            "at least 512",
        ));
    }
    inner
        .rewind()
        .and_then(|()| inner.read_exact(&mut sector))
        .map_err(Error::io("read FAT boot sector", 0))?;
    Ok(FatVolume {
        boot: boot::decode(&sector, length_bytes)?,
        inner,
        limits,
        page: Vec::new(),
        page_at: None,
    })
}

impl<R: Read + Seek> FatVolume<R> {
    /// What the volume says of itself.
    ///
    /// # Errors
    /// As for [`list`](Self::list): the label lies in the root directory.
    pub fn info(&mut self) -> Result<FatInfo> {
        let label = self.root()?.label.unwrap_or(self.boot.label);
        let label = String::from_utf8_lossy(&label).trim_end().to_owned();
        let b = &self.boot;
        Ok(FatInfo {
            fat_type: b.fat_type,
            label: Some(label).filter(|l| !l.is_empty() && l != "NO NAME"),
            volume_id: b.volume_id,
            sector_bytes: b.sector_bytes,
            cluster_bytes: b.cluster_bytes,
            cluster_count: b.cluster_count,
            size_bytes: b.total_bytes,
            fat_count: b.fat_count,
        })
    }

    /// Clusters that the table calls free.
    ///
    /// # Errors
    /// `Io`.
    pub fn count_free_clusters(&mut self) -> Result<u32> {
        let mut free = 0;
        for cluster in 2..self.boot.cluster_count + 2 {
            free += u32::from(self.link(cluster)? == Link::Free);
        }
        Ok(free)
    }

    /// The entries of a directory, in the order on disk; `/` or the empty path is the root.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` for a broken chain; `Io`.
    pub fn list(&mut self, path: &str) -> Result<Vec<FatEntry>> {
        match self.find(path)? {
            None => Ok(self.root()?.entries),
            Some(entry) => self.list_directory(&entry),
        }
    }

    /// The entries of a directory that was listed before.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub fn list_directory(&mut self, entry: &FatEntry) -> Result<Vec<FatEntry>> {
        if entry.is_directory() {
            Ok(self.directory(entry.first_cluster)?.entries)
        } else {
            Err(Error::NotFound {
                what: "directory",
                name: entry.name.clone(),
            })
        }
    }

    /// The entry at a path; names are compared without regard to case, long or 8.3.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` for a broken chain; `Io`.
    pub fn entry(&mut self, path: &str) -> Result<FatEntry> {
        self.find(path)?
            .ok_or_else(|| Error::invalid("FAT path", "the root has no entry"))
    }

    /// A file's content.
    ///
    /// # Errors
    /// `Invalid` for a directory.
    pub fn open_file(&mut self, entry: &FatEntry) -> Result<FatFile<'_, R>> {
        if entry.is_directory() {
            return Err(Error::invalid(
                "FAT path",
                format!("{:?} is a directory", entry.name),
            ));
        }
        Ok(FatFile {
            volume: self,
            cluster: entry.first_cluster,
            offset: 0,
            left: entry.size_bytes,
        })
    }

    /// Calls `visit` with the path (`/` between names, none in front) and entry of everything on the volume,
    /// directories before what is in them.
    ///
    /// # Errors
    /// What `visit` returns; `Limit` for more entries or depth than [`Limits`] allow, which a volume with a loop in
    /// its directories reaches; `Corrupt`; `Io`.
    pub fn walk(&mut self, mut visit: impl FnMut(&str, &FatEntry) -> Result<()>) -> Result<()> {
        let root = self.root()?.entries;
        // What is decoded counts, not what is visited: it bounds the memory too.
        let mut count = root.len() as u64;
        let mut stack = vec![(String::new(), root.into_iter())];
        while let Some((folder, entries)) = stack.last_mut() {
            let Some(entry) = entries.next() else {
                stack.pop();
                continue;
            };
            let path = join(folder, &entry.name);
            visit(&path, &entry)?;
            if entry.is_directory() {
                if stack.len() as u64 > u64::from(self.limits.max_fat_depth) {
                    return Err(Error::Limit {
                        what: "depth of FAT directories",
                        asked: stack.len() as u64,
                        limit: self.limits.max_fat_depth.into(),
                    });
                }
                let below = self.directory(entry.first_cluster)?.entries;
                count += below.len() as u64;
                if count > self.limits.max_fat_entries {
                    return Err(Error::Limit {
                        what: "entries of the FAT volume",
                        asked: count,
                        limit: self.limits.max_fat_entries,
                    });
                }
                stack.push((path, below.into_iter()));
            }
        }
        Ok(())
    }

    fn find(&mut self, path: &str) -> Result<Option<FatEntry>> {
        let mut at: Option<FatEntry> = None;
        for name in path.split(['/', '\\']).filter(|part| !part.is_empty()) {
            let entries = match &at {
                None => self.root()?.entries,
                Some(entry) if entry.is_directory() => self.directory(entry.first_cluster)?.entries,
                Some(_) => Vec::new(),
            };
            let wanted = fold(name);
            let found = entries
                .into_iter()
                .find(|e| fold(&e.name) == wanted || fold(&e.short_name) == wanted);
            at = Some(found.ok_or_else(|| Error::NotFound {
                what: "FAT path",
                name: path.to_owned(),
            })?);
        }
        Ok(at)
    }

    pub(super) fn root(&mut self) -> Result<Decoded> {
        if self.boot.fat_type == FatType::Fat32 {
            return self.directory(self.boot.root_cluster);
        }
        let (at, length) = self.boot.fixed_root;
        let mut bytes = vec![0; length as usize];
        self.read_at(at, &mut bytes, "read FAT root directory")?;
        Ok(decode(&bytes))
    }

    pub(super) fn directory(&mut self, first_cluster: u32) -> Result<Decoded> {
        let cluster_bytes = self.boot.cluster_bytes as usize;
        let mut bytes = Vec::new();
        let mut cluster = first_cluster;
        loop {
            let at = self.cluster_at(cluster)?;
            if (bytes.len() + cluster_bytes) as u64 > MAX_DIRECTORY_BYTES.max(cluster_bytes as u64) {
                return Err(Error::corrupt(
                    "FAT directory",
                    at,
                    "a chain that goes on",
                    format!("at most {} entries", MAX_DIRECTORY_BYTES / ENTRY_BYTES as u64),
                ));
            }
            let start = bytes.len();
            bytes.resize(start + cluster_bytes, 0);
            self.read_at(at, &mut bytes[start..], "read FAT directory")?;
            // Nothing follows the first entry that starts with zero.
            if bytes[start..].chunks_exact(ENTRY_BYTES).any(|e| e[0] == 0) {
                break;
            }
            match self.link(cluster)? {
                Link::Next(next) => cluster = next,
                Link::End => break,
                link => return Err(self.broken(cluster, link)),
            }
        }
        Ok(decode(&bytes))
    }

    /// Offset of a cluster's bytes.
    pub(super) fn cluster_at(&self, cluster: u32) -> Result<u64> {
        match cluster
            .checked_sub(2)
            .filter(|&index| index < self.boot.cluster_count)
        {
            Some(index) => Ok(self.boot.data_at + u64::from(index) * u64::from(self.boot.cluster_bytes)),
            None => Err(Error::corrupt(
                "FAT cluster number",
                self.boot.fat_at,
                cluster,
                format!("2 to {}", self.boot.cluster_count + 1),
            )),
        }
    }

    pub(super) fn broken(&self, cluster: u32, link: Link) -> Error {
        let width = match self.boot.fat_type {
            FatType::Fat12 => u64::from(cluster) * 3 / 2,
            FatType::Fat16 => u64::from(cluster) * 2,
            FatType::Fat32 => u64::from(cluster) * 4,
        };
        Error::corrupt(
            "FAT chain",
            self.boot.fat_at + width,
            format!("{link:?} after cluster {cluster}"),
            "a link to the next cluster or an end",
        )
    }

    /// The entry of the first copy of the table.
    pub(super) fn link(&mut self, cluster: u32) -> Result<Link> {
        self.cluster_at(cluster)?;
        let (value, bad) = self.raw_link(cluster)?;
        Ok(match value {
            0 => Link::Free,
            v if v > bad => Link::End,
            v if v == bad => Link::Bad,
            v => Link::Next(v),
        })
    }

    /// The number in the table, and the number that means "bad" in a table of this width.
    pub(super) fn raw_link(&mut self, cluster: u32) -> Result<(u32, u32)> {
        let index = u64::from(cluster);
        Ok(match self.boot.fat_type {
            FatType::Fat12 => {
                let pair = u32::from(u16_at(self.fat_bytes(index * 3 / 2, 2)?, 0));
                let value = if cluster.is_multiple_of(2) {
                    pair & 0xFFF
                } else {
                    pair >> 4
                };
                (value, 0xFF7)
            }
            FatType::Fat16 => (u16_at(self.fat_bytes(index * 2, 2)?, 0).into(), 0xFFF7),
            FatType::Fat32 => (
                u32_at(self.fat_bytes(index * 4, 4)?, 0) & 0x0FFF_FFFF,
                0x0FFF_FFF7,
            ),
        })
    }

    /// A few bytes of the table from the page that is kept.
    fn fat_bytes(&mut self, offset: u64, length: u64) -> Result<&[u8]> {
        let page = offset / PAGE_BYTES * PAGE_BYTES;
        if self.page_at != Some(page) {
            self.page_at = None;
            // One byte more for a 12-bit entry at the end of the page.
            let size = (PAGE_BYTES + 1).min(self.boot.fat_bytes.saturating_sub(page));
            let mut bytes = std::mem::take(&mut self.page);
            bytes.resize(size as usize, 0);
            self.read_at(self.boot.fat_at + page, &mut bytes, "read FAT")?;
            self.page = bytes;
            self.page_at = Some(page);
        }
        let start = (offset - page) as usize;
        Ok(self.page.get(start..start + length as usize).unwrap_or_default())
    }

    pub(super) fn read_at(&mut self, at: u64, buffer: &mut [u8], op: &'static str) -> Result<()> {
        self.inner
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.inner.read_exact(buffer))
            .map_err(Error::io(op, at))
    }
}

/// A file's content as a stream. A chain that ends before the file does is an error of kind `InvalidData`.
#[derive(Debug)]
pub struct FatFile<'a, R> {
    volume: &'a mut FatVolume<R>,
    /// Cluster of the next byte.
    cluster: u32,
    /// Offset of the next byte in it.
    offset: u32,
    left: u32,
}

impl<R: Read + Seek> FatFile<'_, R> {
    fn next_block(&mut self) -> Result<u64> {
        if self.offset == self.volume.boot.cluster_bytes {
            self.cluster = match self.volume.link(self.cluster)? {
                Link::Next(next) => next,
                link => return Err(self.volume.broken(self.cluster, link)),
            };
            self.offset = 0;
        }
        Ok(self.volume.cluster_at(self.cluster)? + u64::from(self.offset))
    }
}

impl<R: Read + Seek> Read for FatFile<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let at = self.next_block().map_err(io::Error::other)?;
        let room = (self.volume.boot.cluster_bytes - self.offset).min(self.left) as usize;
        let length = room.min(buffer.len());
        self.volume.inner.seek(SeekFrom::Start(at))?;
        let count = self.volume.inner.read(&mut buffer[..length])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u32;
        self.left -= count as u32;
        Ok(count)
    }
}
