//! The builder: a tree described as plain data, laid out and written in one ascending pass.

mod error;

pub use error::{BuildError, BuildErrorKind};
