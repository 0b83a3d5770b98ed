//! BCD stores, boot files, answer files and offline configuration of Windows.
//!
//! ```
//! use bootcfg::bcd::{Element, Object, Store, element_ids, object_ids};
//! use regf_hive::Limits;
//!
//! # fn main() -> bootcfg::Result<()> {
//! let mut store = Store::new();
//! let manager = Object::new(object_ids::types::BOOT_MANAGER).with(element_ids::TIMEOUT, Element::Integer(3));
//! store.objects.insert(object_ids::BOOT_MANAGER, manager);
//! let bytes = store.write(0)?;
//! assert_eq!(Store::read(&bytes, &Limits::default())?, store);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod bcd;
mod error;
pub mod files;
pub mod offline;
mod security;
pub mod unattend;

pub use error::{Error, ErrorKind, Result};

/// The example of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
