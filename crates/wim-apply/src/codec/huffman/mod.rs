//! Canonical prefix codes: codes of equal length are consecutive, in symbol order, shorter ones first.

mod codewords;
mod counting;
mod lengths;
mod table;

pub(super) use codewords::codewords;
pub(super) use counting::CountingCode;
pub(super) use lengths::LengthBuilder;
pub(super) use table::{LONG, Table};

/// Longest codeword of any of the formats.
pub(super) const MAX_CODE_BITS: usize = 16;

/// The lengths describe neither a complete prefix code nor the empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadLengths;
