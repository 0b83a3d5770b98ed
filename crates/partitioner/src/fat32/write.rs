//! Writing a planned volume: front to back, the boot sector last.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::build::Kind;
use super::layout::{
    BACKUP_SECTOR, BootSector, END_OF_CHAIN, FSINFO_SECTOR, MEDIA, ROOT_CLUSTER, ShortEntry, encode_fsinfo,
    encode_long_name,
};
use super::plan::FatPlan;
use super::spec::{Attributes, Content};
use crate::error::{Error, Result};

/// Bytes gathered for one write.
const BLOCK_BYTES: usize = 1 << 20;

impl FatPlan {
    /// Writes the volume at the start of `out` (a [`Window`](crate::Window) onto its partition, or a file of
    /// the volume's size): zeros in place of the boot sector, then everything up to the last used cluster in
    /// ascending blocks of 1 MiB, a flush, and the boot sector. Free clusters are not touched. `content` is called
    /// once for each keyed file, in the order in which the files were added.
    ///
    /// # Errors
    /// `Io` for `out` and for `content`; `Invalid` when a content has not the size that was planned. The volume
    /// then has no boot sector.
    pub fn write<W, F, R>(&self, out: &mut W, mut content: F) -> Result<()>
    where
        W: Write + Seek,
        F: FnMut(u64) -> io::Result<R>,
        R: Read,
    {
        let boot = self.boot_sector();
        out.seek(SeekFrom::Start(0))
            .map_err(Error::io("seek in FAT volume", 0))?;
        let mut stream = Stream {
            out,
            buffer: Vec::with_capacity(BLOCK_BYTES),
            at: 0,
        };
        self.write_reserved(&mut stream, &boot)?;
        for _ in 0..2 {
            self.write_fat(&mut stream)?;
        }
        for &index in &self.order {
            let start = stream.position();
            match &self.tree.nodes[index].kind {
                Kind::Directory { parent, children } => {
                    stream.put(&self.directory(index, *parent, children))?;
                }
                Kind::File(Content::Bytes(bytes)) => stream.put(bytes)?,
                Kind::File(Content::Keyed { key, size_bytes }) => {
                    let reader = content(*key).map_err(Error::io("open the content of a FAT file", start))?;
                    stream.copy(reader, *size_bytes, &self.tree.nodes[index].name)?;
                }
            }
            let whole = u64::from(self.placed[index].clusters) * self.cluster_bytes();
            stream.zeros(start + whole - stream.position())?;
        }
        stream.drain()?;
        let end = stream.at;
        out.flush().map_err(Error::io("flush FAT volume", end))?;
        out.seek(SeekFrom::Start(0))
            .and_then(|_| out.write_all(&boot))
            .and_then(|()| out.flush())
            .map_err(Error::io("write FAT boot sector", 0))
    }

    fn boot_sector(&self) -> Vec<u8> {
        let g = &self.geometry;
        BootSector {
            // 512 or 4096.
            sector_bytes: g.sector_bytes as u16,
            sectors_per_cluster: g.sectors_per_cluster,
            reserved_sectors: g.reserved_sectors,
            hidden_sectors: self.tree.spec.hidden_sectors,
            total_sectors: g.total_sectors,
            fat_sectors: g.fat_sectors,
            volume_id: self.tree.spec.volume_id,
            label: self.tree.label,
        }
        .encode()
    }

    fn write_reserved<W: Write>(&self, stream: &mut Stream<'_, W>, boot: &[u8]) -> Result<()> {
        let sector = u64::from(self.geometry.sector_bytes);
        let free = self.geometry.cluster_count - self.used_clusters();
        let fsinfo = encode_fsinfo(boot.len(), free, ROOT_CLUSTER + self.used_clusters());
        let mut third = vec![0; boot.len()];
        third[510..512].copy_from_slice(&[0x55, 0xAA]);
        stream.zeros(sector * u64::from(FSINFO_SECTOR))?;
        stream.put(&fsinfo)?;
        stream.put(&third)?;
        stream.zeros(sector * u64::from(BACKUP_SECTOR) - stream.position())?;
        stream.put(boot)?;
        stream.put(&fsinfo)?;
        stream.put(&third)?;
        stream.zeros(sector * u64::from(self.geometry.reserved_sectors) - stream.position())
    }

    /// One copy of the FAT: each file and directory is one run of clusters.
    fn write_fat<W: Write>(&self, stream: &mut Stream<'_, W>) -> Result<()> {
        let end =
            stream.position() + u64::from(self.geometry.fat_sectors) * u64::from(self.geometry.sector_bytes);
        stream.put(&(0x0FFF_FF00 | u32::from(MEDIA)).to_le_bytes())?;
        stream.put(&END_OF_CHAIN.to_le_bytes())?;
        for &index in &self.order {
            let place = &self.placed[index];
            for link in (place.first_cluster + 1..).take(place.clusters.saturating_sub(1) as usize) {
                stream.put(&link.to_le_bytes())?;
            }
            if place.clusters > 0 {
                stream.put(&END_OF_CHAIN.to_le_bytes())?;
            }
        }
        stream.zeros(end - stream.position())
    }

    fn directory(&self, index: usize, parent: usize, children: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.placed[index].size_bytes as usize);
        if index == 0 && !self.tree.spec.label.is_empty() {
            bytes.extend(self.entry(0, self.tree.label, Attributes::VOLUME_LABEL, 0));
        }
        if index != 0 {
            let own = self.placed[index].first_cluster;
            // The parent's cluster is written as 0 when the parent is the root.
            let above = if parent == 0 {
                0
            } else {
                self.placed[parent].first_cluster
            };
            bytes.extend(self.entry(index, *b".          ", Attributes::DIRECTORY, own));
            bytes.extend(self.entry(index, *b"..         ", Attributes::DIRECTORY, above));
        }
        for &child in children {
            let (node, place) = (&self.tree.nodes[child], &self.placed[child]);
            if place.long {
                let units: Vec<u16> = node.name.encode_utf16().collect();
                bytes.extend(encode_long_name(&units, &place.short).as_flattened());
            }
            bytes.extend(self.entry(child, place.short, node.attributes, place.first_cluster));
        }
        bytes
    }

    /// A short entry with the times of a node and, for files, its size.
    fn entry(&self, index: usize, name: [u8; 11], attributes: Attributes, first_cluster: u32) -> [u8; 32] {
        let node = &self.tree.nodes[index];
        ShortEntry {
            name,
            attributes,
            created: node.times.created,
            modified: node.times.modified,
            accessed: node.times.accessed,
            first_cluster,
            size_bytes: match &node.kind {
                // At most 4 GiB - 1.
                Kind::File(content) => content.size_bytes() as u32,
                Kind::Directory { .. } => 0,
            },
        }
        .encode()
    }
}

/// An ascending stream in large blocks.
struct Stream<'a, W> {
    out: &'a mut W,
    buffer: Vec<u8>,
    /// Bytes handed to `out`.
    at: u64,
}

impl<W: Write> Stream<'_, W> {
    fn position(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            self.drain_if_full()?;
        }
        Ok(())
    }

    fn zeros(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let now = count.min((BLOCK_BYTES - self.buffer.len()) as u64) as usize;
            self.buffer.resize(self.buffer.len() + now, 0);
            count -= now as u64;
            self.drain_if_full()?;
        }
        Ok(())
    }

    /// Exactly `size_bytes` from a reader that must then be at its end, read straight into the block.
    fn copy<R: Read>(&mut self, mut reader: R, size_bytes: u64, name: &str) -> Result<()> {
        let wrong = |what: &str| {
            Error::invalid(
                "content of a FAT file",
                format!("{name:?} was planned with {size_bytes} bytes and has {what}"),
            )
        };
        let mut left = size_bytes;
        while left > 0 {
            let (start, at) = (self.buffer.len(), self.position());
            let now = left.min((BLOCK_BYTES - start) as u64) as usize;
            self.buffer.resize(start + now, 0);
            let mut filled = start;
            while filled < start + now {
                match reader.read(&mut self.buffer[filled..]) {
                    Ok(0) => return Err(wrong("fewer")),
                    Ok(count) => filled += count,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(Error::io("read the content of a FAT file", at)(e)),
                }
            }
            left -= now as u64;
            self.drain_if_full()?;
        }
        let at = self.position();
        match reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(wrong("more")),
            Err(e) => Err(Error::io("read the content of a FAT file", at)(e)),
        }
    }

    fn drain_if_full(&mut self) -> Result<()> {
        if self.buffer.len() == BLOCK_BYTES {
            self.drain()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        self.out
            .write_all(&self.buffer)
            .map_err(Error::io("write FAT volume", self.at))?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
