//! Bounds on what a reader accepts from an untrusted file.

/// Finite limits for reading a hive. The defaults take every hive Windows makes.
///
/// Memory is bounded by the input besides: no cell is used twice, so the decoded tree cannot hold more
/// names and data than the file does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Largest hive, in bytes.
    pub max_hive_bytes: u64,
    /// Deepest key nesting; values above [`MAX_DEPTH`](crate::MAX_DEPTH), Windows' own limit, have no effect.
    pub max_depth: u32,
    /// Most keys.
    pub max_keys: u32,
    /// Most values of all keys together.
    pub max_values: u32,
    /// Largest data of one value, in bytes.
    pub max_value_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_hive_bytes: 2 << 30,
            max_depth: crate::MAX_DEPTH,
            max_keys: 1 << 24,
            max_values: 1 << 25,
            max_value_bytes: 256 << 20,
        }
    }
}
