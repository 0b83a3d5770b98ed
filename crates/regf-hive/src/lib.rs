//! Windows registry hives: read, edit in memory, write.
#![forbid(unsafe_code)]

mod bytes;
mod error;
mod export;
mod header;
mod hive;
mod key;
mod layout;
mod limits;
mod name;
mod read;
mod recover;
mod upcase;
mod value;
mod write;

pub use error::{Error, ErrorKind, Result};
pub use header::Header;
pub use hive::Hive;
pub use key::{Key, key_flags};
pub use limits::Limits;
pub use name::Name;
pub use recover::{Recovered, recover};
pub use value::{Value, ValueType};
pub use write::WriteOptions;

/// Deepest nesting of keys, which is Windows' own limit.
///
/// # Source
/// Microsoft Learn, "Registry element size limits": a registry tree can be 512 levels deep.
pub const MAX_DEPTH: u32 = 512;
