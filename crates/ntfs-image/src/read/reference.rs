//! File references: a record number and how often that record was reused.

use std::fmt;

/// Reference to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileReference {
    /// Record number, 48 bits.
    pub record: u64,
    /// Sequence number of that record.
    pub sequence: u16,
}

impl FileReference {
    /// From its 64 bits on disk.
    #[must_use]
    pub fn from_raw(raw: u64) -> Self {
        Self {
            record: raw & 0xffff_ffff_ffff,
            sequence: (raw >> 48) as u16,
        }
    }

    /// Its 64 bits on disk.
    #[must_use]
    pub fn to_raw(self) -> u64 {
        (self.record & 0xffff_ffff_ffff) | u64::from(self.sequence) << 48
    }

    /// Whether it refers to nothing.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.to_raw() == 0
    }
}

impl fmt::Display for FileReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.record, self.sequence)
    }
}
