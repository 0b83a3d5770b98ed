//! Writes a raw form: headers as bytes, and which data come between them.

use std::ops::Range;

use super::segment::EncryptionHeader;
use super::{
    MAX_METADATA_BYTES, METADATA_NAME, RawFile, RawStream, SEGMENT_HEADER_BYTES, SIGNATURE_FILE,
    SIGNATURE_SEGMENT, SIGNATURE_STREAM, STREAM_HEADER_BYTES, name, whole_sectors,
};
use crate::{Error, Result};

/// Data of a segment, unless holes have a larger unit.
const SEGMENT_BYTES: u64 = 64 << 10;
/// Largest piece of a stream beyond its valid data length that one segment stands for.
const TAIL_BYTES: u64 = 1 << 30;
/// Largest data unit that is written.
const MAX_UNIT_BYTES: u64 = 1 << 20;

/// A piece of a raw form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Header(Vec<u8>),
    /// Bytes of a data stream as they are stored.
    Data {
        /// Index in [`RawFile::streams`].
        stream: usize,
        /// First byte in the stream.
        offset: u64,
        /// How many.
        bytes: u64,
    },
}

impl Piece {
    /// Length in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        match self {
            Self::Header(bytes) => bytes.len() as u64,
            Self::Data { bytes, .. } => *bytes,
        }
    }
}

/// The pieces of a raw form in their order. One segment holds one data unit: 64 KiB, or the unit of the holes where
/// that is larger.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    file: &'a RawFile,
    holes: &'a [Vec<Range<u64>>],
    cluster_shift: u8,
    step: Step,
    /// Data that the last header announced.
    data: Option<Piece>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Metadata,
    Begin(usize),
    /// The stream, and the first byte of its next segment.
    Segment(usize, u64),
}

impl<'a> Pieces<'a> {
    /// Of a file whose streams have holes (byte ranges, ascending; none where the outer slice ends) and lie in
    /// clusters of `cluster_bytes`.
    ///
    /// # Errors
    /// `Invalid` for metadata that are too long, or holes that are no multiples of 512 bytes or of more than 1 MiB.
    pub fn new(file: &'a RawFile, holes: &'a [Vec<Range<u64>>], cluster_bytes: u32) -> Result<Self> {
        let invalid = |reason: String| Error::Invalid {
            what: "EFS raw form",
            reason,
        };
        if file.metadata.len() > MAX_METADATA_BYTES {
            return Err(invalid(format!("{} bytes of metadata", file.metadata.len())));
        }
        let units = file.streams.iter().map(|stream| stream.hole_unit_bytes);
        for unit in units.filter(|&unit| unit != 0) {
            if !unit.is_power_of_two() || !(512..=MAX_UNIT_BYTES).contains(&unit) {
                return Err(invalid(format!("holes in units of {unit} bytes")));
            }
        }
        Ok(Self {
            file,
            holes,
            cluster_shift: u8::try_from(cluster_bytes.trailing_zeros()).unwrap_or(0),
            step: Step::Metadata,
            data: None,
        })
    }

    /// Length of the whole raw form.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.clone()
            .fold(0, |sum: u64, piece| sum.saturating_add(piece.len_bytes()))
    }

    fn segment(&mut self, at: usize, stream: &RawStream, start: u64) -> Vec<u8> {
        let left = stream.size_bytes - start;
        if !stream.encrypted {
            let bytes = left.min(SEGMENT_BYTES);
            return self.plain(at, start, bytes);
        }
        let valid = stream.valid_bytes.saturating_sub(start);
        let unit = if valid == 0 {
            left.min(TAIL_BYTES).next_power_of_two().max(512)
        } else if stream.hole_unit_bytes > 0 {
            stream.hole_unit_bytes
        } else {
            left.min(SEGMENT_BYTES).next_power_of_two().max(512)
        };
        let hole = self.holes.get(at).is_some_and(|holes| {
            let next = holes.partition_point(|hole| hole.end <= start);
            holes.get(next).is_some_and(|hole| hole.start <= start)
        });
        let (size_bytes, valid) = (left.min(unit), valid.min(unit));
        let block = if hole { 0 } else { whole_sectors(valid) };
        let header = EncryptionHeader {
            start,
            size_bytes: size_bytes as u32,
            valid_bytes: valid as u32,
            unit_shift: u8::try_from(unit.trailing_zeros()).unwrap_or(0),
            cluster_shift: self.cluster_shift,
            blocks: vec![block as u32],
            sparse: stream.sparse,
        }
        .encode();
        self.step = Step::Segment(at, start + size_bytes);
        self.announce(at, start, block);
        let mut out = segment_header(header.len() as u64 + block);
        out.extend(header);
        out
    }

    fn plain(&mut self, at: usize, start: u64, bytes: u64) -> Vec<u8> {
        self.step = Step::Segment(at, start + bytes);
        self.announce(at, start, bytes);
        segment_header(bytes)
    }

    fn announce(&mut self, stream: usize, offset: u64, bytes: u64) {
        self.data = (bytes > 0).then_some(Piece::Data {
            stream,
            offset,
            bytes,
        });
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(data) = self.data.take() {
            return Some(data);
        }
        let file = self.file;
        let header = match self.step {
            Step::Metadata => {
                let mut out = SIGNATURE_FILE.to_vec();
                out.extend([0; 8]);
                out.extend(stream_header(&METADATA_NAME, true));
                out.extend(segment_header(file.metadata.len() as u64));
                out.extend(&file.metadata);
                self.step = Step::Begin(0);
                out
            }
            Step::Begin(at) => {
                let stream = file.streams.get(at)?;
                self.step = Step::Segment(at, 0);
                stream_header(&name::encode(&stream.name), stream.encrypted)
            }
            Step::Segment(at, start) => {
                let stream = file.streams.get(at)?;
                if start >= stream.size_bytes {
                    self.step = Step::Begin(at + 1);
                    return self.next();
                }
                self.segment(at, stream, start)
            }
        };
        Some(Piece::Header(header))
    }
}

fn stream_header(name: &[u8], encrypted: bool) -> Vec<u8> {
    let mut out = ((STREAM_HEADER_BYTES + name.len()) as u32).to_le_bytes().to_vec();
    out.extend(SIGNATURE_STREAM);
    out.extend(u32::from(!encrypted).to_le_bytes());
    out.extend([0; 8]);
    out.extend((name.len() as u32).to_le_bytes());
    out.extend(name);
    out
}

fn segment_header(rest_bytes: u64) -> Vec<u8> {
    let length = SEGMENT_HEADER_BYTES as u64 + rest_bytes;
    let mut out = (length as u32).to_le_bytes().to_vec();
    out.extend(SIGNATURE_SEGMENT);
    out.extend([0; 4]);
    out
}
