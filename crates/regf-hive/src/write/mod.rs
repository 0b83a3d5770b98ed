//! From the tree to bytes: a fresh layout, depth first, root cell at 0x20.

mod bins;
mod key;
mod security;

use crate::header::check_minor;
use crate::layout::ROOT_CELL;
use crate::{Hive, Result};

use bins::Bins;
use security::SecurityCells;

/// How [`Hive::write`] writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Format 1.`minor_version` (3 to 6); the hive's own where `None`. 1.3 and 1.4 use fast leaves (`lf`),
    /// later ones hash leaves (`lh`); 1.3 stores long data in one cell, later ones in segments (`db`).
    pub minor_version: Option<u32>,
    /// Time of writing for the header (FILETIME); the hive's own where `None`. Keys have their own times.
    pub last_written: Option<u64>,
}

impl WriteOptions {
    /// The hive's own format and time.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this format 1.`minor`.
    #[must_use]
    pub fn minor_version(mut self, minor: u32) -> Self {
        self.minor_version = Some(minor);
        self
    }

    /// With this time in the header (FILETIME).
    #[must_use]
    pub fn last_written(mut self, filetime: u64) -> Self {
        self.last_written = Some(filetime);
        self
    }
}

/// State of one write.
struct Writer<'h> {
    bins: Bins,
    security: SecurityCells<'h>,
    minor_version: u32,
}

pub(crate) fn hive(hive: &Hive, options: &WriteOptions) -> Result<Vec<u8>> {
    let header = hive.header();
    let minor_version = options.minor_version.unwrap_or(header.minor_version);
    check_minor(minor_version)?;
    let last_written = options.last_written.unwrap_or(header.last_written);
    let mut writer = Writer {
        bins: Bins::new(last_written),
        security: SecurityCells::default(),
        minor_version,
    };
    let root = writer.key(hive.root(), None, 0)?;
    debug_assert_eq!(root, ROOT_CELL);
    writer.security.close(&mut writer.bins);
    let (mut file, bins_bytes) = writer.bins.finish()?;
    let block = header.to_block(minor_version, last_written, bins_bytes);
    file[..block.len()].copy_from_slice(&block);
    Ok(file)
}
