//! Why a chunk cannot be decoded.

use super::Codec;

/// A chunk that is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{codec} chunk at compressed byte {at}: {reason}")]
pub struct DecodeError {
    /// The format.
    pub codec: Codec,
    /// About how many bytes of the compressed chunk had been read.
    pub at: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The input is shorter than its fixed part, or has an impossible length.
    #[error("too short, or not a whole number of units")]
    InputSize,
    /// The output is larger than the format (or the decoder's window) allows.
    #[error("the uncompressed size exceeds the window")]
    OutputSize,
    /// A code's lengths describe no complete prefix code.
    #[error("a prefix code is incomplete or over-subscribed")]
    BadCode,
    /// A run in a list of code lengths passes the list's end.
    #[error("a run of code lengths is too long")]
    BadCodeLengths,
    /// The block type is unknown.
    #[error("unknown block type")]
    BlockType,
    /// A block is empty, or larger than what is left of the chunk.
    #[error("the block size does not fit the chunk")]
    BlockSize,
    /// A match begins before the chunk.
    #[error("a match begins before the chunk")]
    MatchOffset,
    /// A match ends after the chunk or block.
    #[error("a match ends after the block")]
    MatchLength,
}
