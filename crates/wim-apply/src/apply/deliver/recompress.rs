//! Compressing a blob anew, as a `WofCompressedData` stream.

use super::super::CompactFormat;
use super::plan::saves_a_cluster;
use crate::codec::xpress;

/// How to compress a blob anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recompress {
    pub(super) format: CompactFormat,
    pub(super) cluster_bytes: u32,
}

impl Recompress {
    /// `None` when there is no encoder for the format.
    pub(super) fn new(format: CompactFormat, cluster_bytes: u32) -> Option<Self> {
        chunk_bytes(format).map(|_| Self {
            format,
            cluster_bytes,
        })
    }

    /// The chunk table (offsets of all chunks but the first, relative to its end) and the chunks. `None` when
    /// that would occupy no cluster less.
    pub(super) fn compress(self, encoder: &mut xpress::Encoder, plain: &[u8]) -> Option<Vec<u8>> {
        let size_bytes = u32::try_from(plain.len()).ok()?;
        let chunk_bytes = chunk_bytes(self.format)?;
        let table_bytes = (plain.len().div_ceil(chunk_bytes).checked_sub(1)?) * 4;
        let mut out = vec![0; table_bytes];
        let mut packed = Vec::new();
        for (number, chunk) in plain.chunks(chunk_bytes).enumerate() {
            if number > 0 {
                let offset = u32::try_from(out.len() - table_bytes).ok()?;
                out[(number - 1) * 4..number * 4].copy_from_slice(&offset.to_le_bytes());
            }
            match encoder.compress(chunk, &mut packed) {
                Some(()) => out.extend_from_slice(&packed),
                None => out.extend_from_slice(chunk),
            }
            if !saves_a_cluster(out.len() as u64, u64::from(size_bytes), self.cluster_bytes) {
                return None;
            }
        }
        Some(out)
    }
}

fn chunk_bytes(format: CompactFormat) -> Option<usize> {
    match format {
        CompactFormat::Xpress4K => Some(4096),
        CompactFormat::Xpress8K => Some(8192),
        CompactFormat::Xpress16K => Some(16_384),
        CompactFormat::Lzx32K => None,
    }
}
