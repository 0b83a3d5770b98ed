//! Bounds on what a reader accepts from an untrusted file.

/// Finite limits for reading a WIM. The defaults take every image Windows or wimlib makes. Whatever they are, a
/// metadata resource and the XML document are at most 512 times, a blob table 4 times as long as the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Largest metadata resource in bytes, uncompressed.
    pub max_metadata_bytes: u64,
    /// Most entries in a blob table.
    pub max_blobs: u32,
    /// Most images in a file.
    pub max_images: u32,
    /// Largest XML document in bytes.
    pub max_xml_bytes: u64,
    /// Deepest directory nesting.
    pub max_depth: u32,
    /// Most directory entries in one image.
    pub max_dentries: u32,
    /// Largest chunk size in bytes (wimlib can make LZMS chunks of up to 1 GiB).
    pub max_chunk_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_metadata_bytes: 1 << 30,
            max_blobs: 1 << 24,
            max_images: 65_535,
            max_xml_bytes: 64 << 20,
            max_depth: 16_384,
            max_dentries: 1 << 24,
            max_chunk_bytes: 64 << 20,
        }
    }
}
