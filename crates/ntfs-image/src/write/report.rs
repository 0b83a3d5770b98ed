//! What a writer tells of its work.

use super::Warning;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// MFT records in use.
    pub record_count: u64,
    /// Of them, extension records.
    pub extension_record_count: u64,
    /// Index blocks of directories.
    pub index_block_count: u64,
    /// Clusters in use.
    pub used_clusters: u64,
    /// Bytes of the clusters that hold streams.
    pub data_cluster_bytes: u64,
    /// Bytes held in memory for MFT records.
    pub resident_bytes: u64,
    /// Files stored compact.
    pub compact_file_count: u64,
    /// Calls of `write` on the output.
    pub write_calls: u64,
    /// Calls of `seek` on the output.
    pub seek_calls: u64,
    /// Bytes given to the output.
    pub bytes_written: u64,
    /// What could not be kept as it was described.
    pub warnings: Vec<Warning>,
}

/// Where the bytes are that were delivered so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placed {
    /// Bytes that went to the output, or go with its next write.
    pub output_bytes: u64,
    /// Bytes of the stream under way that have no place yet.
    pub waiting_bytes: u64,
    /// Bytes for MFT records, which [`VolumeWriter::finish`](super::VolumeWriter::finish) writes.
    pub record_bytes: u64,
    /// Bytes of memory that these take.
    pub held_bytes: u64,
}
