//! From bytes to the tree.

mod cells;
mod data;
mod index;
mod key;

use std::collections::HashMap;
use std::sync::Arc;

use crate::header::Header;
use crate::limits::Limits;
use crate::{Hive, Result};

use cells::Cells;

/// State of one read.
struct Reader<'a> {
    cells: Cells<'a>,
    limits: &'a Limits,
    minor_version: u32,
    /// Descriptors by cell; many keys share one.
    security: HashMap<u32, Arc<[u8]>>,
    keys: u32,
    values: u32,
}

pub(crate) fn hive(bytes: &[u8], header: Header, limits: &Limits) -> Result<Hive> {
    let mut reader = Reader {
        cells: Cells::map(bytes, &header, limits)?,
        limits,
        minor_version: header.minor_version,
        security: HashMap::new(),
        keys: 0,
        values: 0,
    };
    let root = reader.key(header.root_cell, 0)?;
    Ok(Hive { header, root })
}
