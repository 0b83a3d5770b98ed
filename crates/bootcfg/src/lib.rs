//! BCD stores, boot files, answer files and offline configuration of Windows.
#![forbid(unsafe_code)]

pub mod bcd;
mod error;
pub mod files;
pub mod offline;
mod security;
pub mod unattend;

pub use error::{Error, ErrorKind, Result};
