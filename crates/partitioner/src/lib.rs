//! GPT and MBR tables, FAT32 volumes, block devices and their safety policy, sector copy.
//!
//! - [`gpt`]: plan, check, encode and decode GUID partition tables; the primary copy is the commit.
//! - [`mbr`]: read MBR tables.
//! - [`fat32`]: write a FAT32 volume in one pass from a known tree; read, check and dump any FAT volume.
//! - [`device`]: list block devices, say which may be erased, open a target safely.
//! - [`copy`]: copy a disk image to a target, sparse, durable, read back.
//! - [`Window`]: a partition as a stream of its own.
//!
//! Everything but [`device`] works on any `Read`, `Write` and `Seek`: a disk can be a `Vec<u8>`.
//!
//! ```
//! use std::io::Cursor;
//! use partitioner::{Limits, gpt};
//! use uuid::Uuid;
//!
//! let table = gpt::GptTable::empty(Uuid::from_u128(1), 1 << 20, 512)?;
//! let mut disk = Cursor::new(vec![0; 1 << 20]);
//! table.write_backup(&mut disk)?;
//! table.write_primary(&mut disk)?;
//! let found = gpt::read(&mut disk, None, &Limits::default())?;
//! assert_eq!(found.table, table);
//! assert!(found.findings.is_empty());
//! # Ok::<(), partitioner::Error>(())
//! ```

mod error;
mod finding;
mod limits;
mod partition;
mod window;

pub mod copy;
pub mod device;
pub mod fat32;
pub mod gpt;
pub mod mbr;

pub use error::{Error, ErrorKind, Result};
pub use finding::Finding;
pub use limits::Limits;
pub use partition::find_partition;
pub use window::Window;

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
