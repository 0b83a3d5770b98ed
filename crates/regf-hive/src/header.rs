//! The base block: versions, sequence numbers, time, checksum.

use crate::bytes::{Fields, put};
use crate::layout::{BLOCK_BYTES, ROOT_CELL, base};
use crate::{Error, Name, Result};

/// The 4096-byte base block of a hive. Fields without an accessor are kept as they were.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    block: Box<[u8; BLOCK_BYTES]>,
    pub(crate) primary_sequence: u32,
    pub(crate) secondary_sequence: u32,
    pub(crate) minor_version: u32,
    pub(crate) root_cell: u32,
    pub(crate) bins_bytes: u32,
    pub(crate) last_written: u64,
    /// The checksum in the file, if it is wrong.
    wrong_checksum: Option<u32>,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let f = Fields {
            what: "hive header",
            at: 0,
            bytes,
        };
        let magic = f.slice(0, 4)?;
        if magic != base::MAGIC {
            return Err(f.corrupt(format!("{:?}", magic.escape_ascii().to_string()), "\"regf\""));
        }
        let Some(block) = bytes.first_chunk::<BLOCK_BYTES>() else {
            return Err(Error::Truncated {
                what: "hive header",
                at: 0,
                need: BLOCK_BYTES as u64,
                have: bytes.len() as u64,
            });
        };
        let (major, minor) = (f.u32(base::MAJOR)?, f.u32(base::MINOR)?);
        if major != 1 || !(3..=6).contains(&minor) {
            return Err(Error::Unsupported {
                what: "hive header",
                at: base::MAJOR as u64,
                feature: format!("format {major}.{minor}"),
            });
        }
        let file_type = f.u32(base::FILE_TYPE)?;
        if file_type != 0 {
            return Err(Error::Unsupported {
                what: "hive header",
                at: base::FILE_TYPE as u64,
                feature: format!("file type {file_type} (a transaction log, not a hive)"),
            });
        }
        let format = f.u32(base::FILE_FORMAT)?;
        if format != 1 {
            return Err(Error::Corrupt {
                what: "hive header, file format",
                at: base::FILE_FORMAT as u64,
                found: format.to_string(),
                expected: "1",
            });
        }
        Ok(Self {
            primary_sequence: f.u32(base::PRIMARY_SEQUENCE)?,
            secondary_sequence: f.u32(base::SECONDARY_SEQUENCE)?,
            minor_version: minor,
            root_cell: f.u32(base::ROOT_CELL)?,
            bins_bytes: f.u32(base::BINS_BYTES)?,
            last_written: f.u64(base::LAST_WRITTEN)?,
            wrong_checksum: Some(f.u32(base::CHECKSUM)?).filter(|&stored| stored != checksum(block)),
            block: Box::new(*block),
        })
    }

    pub(crate) fn new(minor_version: u32) -> Result<Self> {
        check_minor(minor_version)?;
        let mut block = Box::new([0; BLOCK_BYTES]);
        put(&mut *block, 0, base::MAGIC);
        put(&mut *block, base::MAJOR, &1u32.to_le_bytes());
        put(&mut *block, base::FILE_FORMAT, &1u32.to_le_bytes());
        put(&mut *block, base::CLUSTER, &1u32.to_le_bytes());
        Ok(Self {
            wrong_checksum: None,
            block,
            primary_sequence: 1,
            secondary_sequence: 1,
            minor_version,
            root_cell: ROOT_CELL,
            bins_bytes: 0,
            last_written: 0,
        })
    }

    /// The minor version of the format 1.x.
    #[must_use]
    pub fn minor_version(&self) -> u32 {
        self.minor_version
    }

    /// Sequence numbers: primary (written first) and secondary (written last).
    #[must_use]
    pub fn sequences(&self) -> (u32, u32) {
        (self.primary_sequence, self.secondary_sequence)
    }

    /// Whether the hive was not closed cleanly: the sequence numbers differ, or the checksum is wrong.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.primary_sequence != self.secondary_sequence || !self.checksum_holds()
    }

    /// Whether the checksum of the base block is right.
    #[must_use]
    pub fn checksum_holds(&self) -> bool {
        self.wrong_checksum.is_none()
    }

    pub(crate) fn check_checksum(&self) -> Result<()> {
        let Some(stored) = self.wrong_checksum else {
            return Ok(());
        };
        Err(Error::Corrupt {
            what: "hive header, checksum",
            at: base::CHECKSUM as u64,
            found: format!("{stored:#010x}"),
            expected: "the XOR of the 127 words before it",
        })
    }

    /// When the hive was last written (FILETIME: 100 ns since 1601-01-01 UTC).
    #[must_use]
    pub fn last_written(&self) -> u64 {
        self.last_written
    }

    /// Sets the time of writing (FILETIME).
    pub fn set_last_written(&mut self, filetime: u64) {
        self.last_written = filetime;
    }

    /// Size of the hive bins in bytes (the file may be longer).
    #[must_use]
    pub fn bins_bytes(&self) -> u32 {
        self.bins_bytes
    }

    /// The tail of the path the hive had, for people to read.
    #[must_use]
    pub fn file_name(&self) -> String {
        let field = &self.block[base::FILE_NAME..base::FILE_NAME + base::FILE_NAME_BYTES];
        let name = Name::from_stored(field, false).map(|n| n.to_string());
        let name = name.unwrap_or_default();
        name.split('\0').next().unwrap_or_default().to_owned()
    }

    /// Sets the name shown in the header: its last 31 UTF-16 units are stored.
    pub fn set_file_name(&mut self, name: &str) {
        let units: Vec<u16> = name.encode_utf16().collect();
        let mut field = [0; base::FILE_NAME_BYTES];
        let tail = &units[units.len().saturating_sub(base::FILE_NAME_BYTES / 2 - 1)..];
        for (slot, unit) in field.as_chunks_mut::<2>().0.iter_mut().zip(tail) {
            *slot = unit.to_le_bytes();
        }
        put(&mut *self.block, base::FILE_NAME, &field);
    }

    /// The base block of a clean hive with these fields.
    pub(crate) fn to_block(&self, minor: u32, last_written: u64, bins_bytes: u32) -> [u8; BLOCK_BYTES] {
        let mut block = *self.block;
        let sequence = self.primary_sequence.max(self.secondary_sequence);
        put(&mut block, base::PRIMARY_SEQUENCE, &sequence.to_le_bytes());
        put(&mut block, base::SECONDARY_SEQUENCE, &sequence.to_le_bytes());
        put(&mut block, base::LAST_WRITTEN, &last_written.to_le_bytes());
        put(&mut block, base::MINOR, &minor.to_le_bytes());
        put(&mut block, base::ROOT_CELL, &ROOT_CELL.to_le_bytes());
        put(&mut block, base::BINS_BYTES, &bins_bytes.to_le_bytes());
        let sum = checksum(&block);
        put(&mut block, base::CHECKSUM, &sum.to_le_bytes());
        block
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Header")
            .field("minor_version", &self.minor_version)
            .field("sequences", &self.sequences())
            .field("last_written", &self.last_written)
            .field("bins_bytes", &self.bins_bytes)
            .field("file_name", &self.file_name())
            .finish_non_exhaustive()
    }
}

pub(crate) fn check_minor(minor: u32) -> Result<()> {
    if (3..=6).contains(&minor) {
        return Ok(());
    }
    Err(Error::Invalid {
        what: "hive format",
        reason: format!("1.{minor} is not one of 1.3 to 1.6"),
    })
}

/// XOR of the first 127 little-endian words; never 0 or all ones.
pub(crate) fn checksum(block: &[u8]) -> u32 {
    let words = block.as_chunks::<4>().0.iter().take(base::CHECKSUM / 4);
    match words.fold(0, |sum, &word| sum ^ u32::from_le_bytes(word)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}
