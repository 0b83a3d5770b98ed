//! How much a reader accepts before it gives up.

/// Bounds of the readers. The defaults hold every disk and volume that real systems make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries of a GUID partition table.
    pub max_gpt_entries: u32,
    /// Logical partitions of an MBR disk.
    pub max_logical_partitions: u32,
    /// Files and directories of a FAT volume that one walk or check visits.
    pub max_fat_entries: u64,
    /// Depth of directories of a FAT volume.
    pub max_fat_depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_gpt_entries: 4096,
            max_logical_partitions: 256,
            max_fat_entries: 1_000_000,
            max_fat_depth: 128,
        }
    }
}
