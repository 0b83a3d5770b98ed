//! Bounds on what a reader accepts.

/// Bounds that keep reading and checking finite on any input. The defaults are far above what Windows makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// MFT records looked at.
    pub max_records: u64,
    /// Bytes of one attribute list.
    pub max_attribute_list_bytes: u64,
    /// Attributes of one file, extension records included.
    pub max_attributes: usize,
    /// Runs of one attribute.
    pub max_runs: usize,
    /// Levels of one index tree.
    pub max_index_depth: usize,
    /// Entries of one index.
    pub max_index_entries: usize,
    /// Bytes of a small attribute that is loaded whole (reparse point, extended attributes, security
    /// descriptor, `$Bitmap` of an index).
    pub max_value_bytes: u64,
    /// Bytes of one compression unit.
    pub max_compression_unit_bytes: u64,
    /// Findings that a check reports; the rest is counted.
    pub max_findings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_records: 1 << 32,
            max_attribute_list_bytes: 4 << 20,
            max_attributes: 1 << 16,
            max_runs: 1 << 22,
            max_index_depth: 16,
            max_index_entries: 1 << 24,
            max_value_bytes: 16 << 20,
            max_compression_unit_bytes: 32 << 20,
            max_findings: 10_000,
        }
    }
}
