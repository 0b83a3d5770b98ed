//! Windows registry hives: read, edit in memory, write.
//!
//! A hive is a tree of [`Key`]s with [`Value`]s. [`Hive::read`] takes the file's bytes into memory with
//! everything they hold, and [`Hive::write`] lays the tree out afresh:
//!
//! ```
//! use regf_hive::{Hive, Limits, Value, WriteOptions};
//!
//! # fn main() -> regf_hive::Result<()> {
//! let mut hive = Hive::new("ROOT", vec![1, 0, 4, 0x80], 5)?;
//! hive.set_value("Software\\Example", Value::string("Greeting", "hello"))?;
//! let bytes = hive.write(&WriteOptions::new())?;
//!
//! let again = Hive::read(&bytes, &Limits::default())?;
//! let key = again.key("software\\EXAMPLE").expect("the key");
//! assert_eq!(key.value("greeting").and_then(Value::as_string).as_deref(), Some("hello"));
//! # Ok(())
//! # }
//! ```
//!
//! # Source
//! M. Suhanov, "Windows registry file format specification" (CC BY 4.0); where it is silent, hives written by
//! Windows 7 to 11 were looked at, and the places say so.

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

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
