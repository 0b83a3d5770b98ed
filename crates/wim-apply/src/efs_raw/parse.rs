//! Takes a raw form apart as its bytes come, whatever their number: only headers and the metadata are kept.

use super::open_stream::OpenStream;
use super::segment::EncryptionHeader;
use super::{
    ENCRYPTION_HEADER_BYTES, EXTENDED_HEADER_BYTES, FILE_HEADER_BYTES, FLAG_PLAIN, MAX_METADATA_BYTES,
    MAX_STREAMS, METADATA_NAME, MIN_METADATA_BYTES, RawStream, SEGMENT_HEADER_BYTES, SIGNATURE_FILE,
    SIGNATURE_SEGMENT, SIGNATURE_STREAM, STREAM_HEADER_BYTES, corrupt, name, u32_at,
};
use crate::{Error, Result};

/// Longest encryption header: all block lengths that can be counted, and some slack.
const MAX_ENCRYPTION_HEADER_BYTES: usize =
    ENCRYPTION_HEADER_BYTES + 4 * u16::MAX as usize + EXTENDED_HEADER_BYTES + 4096;

/// A part of a raw form, in the order in which it comes.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// The EFSRPC metadata, whole.
    Metadata(&'a [u8]),
    /// A data stream begins.
    Begin {
        /// UTF-16 name; empty for the unnamed stream.
        name: &'a [u16],
        /// Whether its data are ciphertext.
        encrypted: bool,
    },
    /// Bytes of the stream, ascending. What lies between is zeros. Ciphertext beyond the sector in which the valid
    /// data end means nothing and is left out.
    Data {
        /// Where they belong in the stream.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The stream is complete.
    End(&'a RawStream),
}

/// Takes a raw form in pieces of any size.
#[derive(Debug)]
pub struct Parser {
    state: State,
    /// Offset of the first byte of `buffer`.
    at: u64,
    buffer: Vec<u8>,
    /// Bytes that the structure in `buffer` has.
    want: usize,
    stream: Open,
    stream_count: usize,
}

#[derive(Debug)]
enum State {
    FileHeader,
    /// The first 16 bytes of a stream or segment.
    Item,
    Stream,
    /// A segment of so many bytes, up to the length of its encryption header.
    SegmentStart(u64),
    Segment(u64),
    Data {
        /// Bytes left of the block.
        left: u64,
        block: usize,
    },
}

/// What is being read.
#[derive(Debug)]
enum Open {
    Nothing,
    Metadata(Vec<u8>),
    Data(OpenStream),
}

impl Default for Parser {
    fn default() -> Self {
        Self {
            state: State::FileHeader,
            at: 0,
            buffer: Vec::new(),
            want: FILE_HEADER_BYTES,
            stream: Open::Nothing,
            stream_count: 0,
        }
    }
}

impl Parser {
    /// Takes the next bytes and hands over what is complete.
    ///
    /// # Errors
    /// `Corrupt`, `Unsupported` or `Limit` for what is no raw form, with the offset in it; what `take` returns.
    pub fn push<E: From<Error>>(
        &mut self,
        mut bytes: &[u8],
        take: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !bytes.is_empty() {
            let State::Data { left, block } = self.state else {
                let missing = self.want - self.buffer.len();
                let (now, later) = bytes.split_at(missing.min(bytes.len()));
                self.buffer.extend_from_slice(now);
                bytes = later;
                if self.buffer.len() == self.want {
                    self.structure(take)?;
                }
                continue;
            };
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(count);
            bytes = later;
            match &mut self.stream {
                Open::Metadata(metadata) => metadata.extend_from_slice(now),
                Open::Data(stream) => {
                    let offset = stream.data_at(block, left);
                    let valid = stream.data_end().saturating_sub(offset);
                    let now = &now[..count.min(usize::try_from(valid).unwrap_or(count))];
                    if !now.is_empty() {
                        take(Part::Data { offset, bytes: now })?;
                    }
                }
                Open::Nothing => {}
            }
            self.at += count as u64;
            self.data_follows(left - count as u64, block);
        }
        Ok(())
    }

    /// Ends the raw form.
    ///
    /// # Errors
    /// `Truncated` when a structure is cut off, `Corrupt` without metadata; what `take` returns.
    pub fn finish<E: From<Error>>(
        mut self,
        take: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let have = self.buffer.len() as u64;
        let (what, need) = match self.state {
            State::Item if have == 0 => return self.end_stream(take),
            State::Data { left, .. } => ("EFS raw form: data", left),
            _ => ("EFS raw form: header", self.want as u64),
        };
        Err(E::from(Error::Truncated {
            what,
            at: self.at,
            need,
            have,
        }))
    }

    /// The structure in `buffer` is complete.
    fn structure<E: From<Error>>(
        &mut self,
        take: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.state {
            State::FileHeader => {
                if !self.buffer.starts_with(&SIGNATURE_FILE) {
                    let found = format!("{:02x?}", &self.buffer[..SIGNATURE_FILE.len()]);
                    return Ok(corrupt("EFS raw form: signature", 0, found, "00 01 00 00, ROBS")?);
                }
                self.consume();
            }
            State::Item => self.item()?,
            State::Stream => {
                self.end_stream(take)?;
                self.begin_stream(take)?;
                self.consume();
            }
            State::SegmentStart(length) => {
                let header = u64::from(u32_at(&self.buffer, SEGMENT_HEADER_BYTES + 8));
                let most = (length - SEGMENT_HEADER_BYTES as u64).min(MAX_ENCRYPTION_HEADER_BYTES as u64);
                if !(ENCRYPTION_HEADER_BYTES as u64..=most).contains(&header) {
                    let what = "EFS raw form: length of an encryption header";
                    let at = self.at + SEGMENT_HEADER_BYTES as u64 + 8;
                    return Ok(corrupt(what, at, header, "28 up to what the segment has")?);
                }
                self.want = SEGMENT_HEADER_BYTES + header as usize;
                self.state = State::Segment(length);
                if self.buffer.len() == self.want {
                    self.structure(take)?;
                }
            }
            State::Segment(length) => self.segment(length)?,
            State::Data { .. } => {}
        }
        Ok(())
    }

    /// Goes on behind the structure in `buffer`.
    fn consume(&mut self) {
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        self.state = State::Item;
        self.want = SEGMENT_HEADER_BYTES;
    }

    fn item(&mut self) -> Result<()> {
        let length = u32_at(&self.buffer, 0);
        let signature = &self.buffer[4..12];
        if signature == SIGNATURE_STREAM {
            let most = STREAM_HEADER_BYTES + name::MAX_NAME_BYTES;
            if !(STREAM_HEADER_BYTES..=most).contains(&(length as usize)) {
                let what = "EFS raw form: length of a stream header";
                return corrupt(what, self.at, length, "28 and a name of 255 characters at most");
            }
            self.state = State::Stream;
            self.want = length as usize;
            return Ok(());
        }
        if signature != SIGNATURE_SEGMENT {
            let found = format!("{signature:02x?}");
            return corrupt(
                "EFS raw form: signature",
                self.at + 4,
                found,
                "NTFS or GURE in UTF-16",
            );
        }
        let least = match &self.stream {
            Open::Data(stream) if stream.found.encrypted => SEGMENT_HEADER_BYTES + ENCRYPTION_HEADER_BYTES,
            _ => SEGMENT_HEADER_BYTES,
        };
        if (length as usize) < least {
            return corrupt(
                "EFS raw form: length of a segment",
                self.at,
                length,
                "its headers at least",
            );
        }
        let data_bytes = u64::from(length) - SEGMENT_HEADER_BYTES as u64;
        match &mut self.stream {
            Open::Nothing => {
                return corrupt(
                    "EFS raw form: segment",
                    self.at,
                    "no stream before it",
                    "a stream header",
                );
            }
            Open::Metadata(metadata) => {
                let asked = metadata.len() as u64 + data_bytes;
                if asked > MAX_METADATA_BYTES as u64 {
                    return Err(Error::Limit {
                        what: "EFS raw form: bytes of metadata",
                        asked,
                        limit: MAX_METADATA_BYTES as u64,
                    });
                }
            }
            Open::Data(stream) if stream.found.encrypted => {
                self.state = State::SegmentStart(length.into());
                self.want = SEGMENT_HEADER_BYTES + 12;
                return Ok(());
            }
            Open::Data(stream) => stream.plain_segment(data_bytes),
        }
        self.consume();
        self.data_follows(data_bytes, 0);
        Ok(())
    }

    fn segment(&mut self, length: u64) -> Result<()> {
        let at = self.at + SEGMENT_HEADER_BYTES as u64;
        let data_bytes = length - self.buffer.len() as u64;
        let header = EncryptionHeader::decode(&self.buffer[SEGMENT_HEADER_BYTES..], at, data_bytes)?;
        let first = header.blocks.first().copied().unwrap_or(0).into();
        if let Open::Data(stream) = &mut self.stream {
            stream.place(&header, at)?;
            stream.header = header;
        }
        self.consume();
        self.data_follows(first, 0);
        Ok(())
    }

    /// `left` bytes of a block are still to come; without any, those of the next block that has some.
    fn data_follows(&mut self, mut left: u64, mut block: usize) {
        while left == 0 {
            block += 1;
            let next = match &self.stream {
                Open::Data(stream) => stream.header.blocks.get(block),
                _ => None,
            };
            let Some(&next) = next else {
                self.state = State::Item;
                return;
            };
            left = next.into();
        }
        self.state = State::Data { left, block };
    }

    fn begin_stream<E: From<Error>>(
        &mut self,
        take: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (flag, name_bytes) = (u32_at(&self.buffer, 12), u32_at(&self.buffer, 24));
        let field = &self.buffer[STREAM_HEADER_BYTES..];
        if name_bytes as usize != field.len() {
            let what = "EFS raw form: length of a stream name";
            return Ok(corrupt(
                what,
                self.at + 24,
                name_bytes,
                "what the stream header has",
            )?);
        }
        if self.stream_count == 0 {
            if field != METADATA_NAME {
                let what = "EFS raw form: name of the first stream";
                let found = format!("{field:02x?}");
                return Ok(corrupt(what, self.at + 28, found, "0x1910, the metadata")?);
            }
            self.stream = Open::Metadata(Vec::new());
        } else {
            let encrypted = flag & FLAG_PLAIN == 0;
            let Some(name) = name::decode(field).filter(|_| field != METADATA_NAME) else {
                let what = "EFS raw form: name of a stream";
                let found = format!("{field:02x?}");
                return Ok(corrupt(what, self.at + 28, found, "the name of a data stream")?);
            };
            take(Part::Begin {
                name: &name,
                encrypted,
            })?;
            let mut found = RawStream::encrypted(&name, 0, 0);
            found.encrypted = encrypted;
            self.stream = Open::Data(OpenStream::new(found));
        }
        self.stream_count += 1;
        if self.stream_count > MAX_STREAMS + 1 {
            return Err(E::from(Error::Limit {
                what: "EFS raw form: data streams",
                asked: self.stream_count as u64 - 1,
                limit: MAX_STREAMS as u64,
            }));
        }
        Ok(())
    }

    fn end_stream<E: From<Error>>(
        &mut self,
        take: &mut dyn FnMut(Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match std::mem::replace(&mut self.stream, Open::Nothing) {
            Open::Nothing if self.stream_count == 0 && matches!(self.state, State::Item) => Ok(corrupt(
                "EFS raw form: metadata stream",
                self.at,
                "the end",
                "a stream",
            )?),
            Open::Nothing => Ok(()),
            Open::Metadata(metadata) if metadata.len() < MIN_METADATA_BYTES => Ok(corrupt(
                "EFS raw form: metadata",
                self.at,
                format!("{} bytes", metadata.len()),
                "84 bytes at least",
            )?),
            Open::Metadata(metadata) => take(Part::Metadata(&metadata)),
            Open::Data(stream) => take(Part::End(&stream.finish())),
        }
    }
}
