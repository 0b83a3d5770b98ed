//! Byte strings that are held until the MFT is written: in memory, or in a file that the caller gives.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use super::BuildError;

/// Where a byte string is held.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeldRef {
    chunk: u32,
    at: u32,
}

/// An arena of byte strings.
#[derive(Debug, Default)]
pub(super) struct Held {
    chunks: Vec<Chunk>,
    /// The file, and its length.
    spool: Option<(File, u64)>,
    /// Of all strings.
    bytes: u64,
    /// Capacity of the chunks in memory.
    memory_bytes: u64,
}

#[derive(Debug)]
enum Chunk {
    Memory(Vec<u8>),
    /// In the file, from this offset.
    Spooled(u64),
}

/// Size of a chunk of the arena; longer strings get a chunk of their own.
const CHUNK_BYTES: usize = 1 << 20;

impl Held {
    /// Takes a copy; with a file, chunks that are full go there.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<HeldRef, BuildError> {
        if !self.has_room(bytes.len()) {
            self.spool_chunks()?;
        }
        Ok(self.append(bytes))
    }

    /// Takes a string over, before there is a file; a long one without copying it.
    pub(super) fn push_owned(&mut self, bytes: Vec<u8>) -> HeldRef {
        if bytes.len() < CHUNK_BYTES / 4 {
            return self.append(&bytes);
        }
        self.bytes += bytes.len() as u64;
        self.push_chunk(bytes);
        self.last(0)
    }

    fn append(&mut self, bytes: &[u8]) -> HeldRef {
        if !self.has_room(bytes.len()) {
            self.push_chunk(Vec::with_capacity(bytes.len().max(CHUNK_BYTES)));
        }
        let Some(Chunk::Memory(chunk)) = self.chunks.last_mut() else {
            return HeldRef::default();
        };
        let at = chunk.len();
        chunk.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        self.last(at)
    }

    fn has_room(&self, len: usize) -> bool {
        match self.chunks.last() {
            Some(Chunk::Memory(chunk)) => chunk.capacity() - chunk.len() >= len,
            Some(Chunk::Spooled(_)) | None => false,
        }
    }

    fn push_chunk(&mut self, chunk: Vec<u8>) {
        self.memory_bytes += chunk.capacity() as u64;
        self.chunks.push(Chunk::Memory(chunk));
    }

    /// A place in the last chunk.
    fn last(&self, at: usize) -> HeldRef {
        HeldRef {
            chunk: super::bytes::low32(self.chunks.len() - 1),
            at: super::bytes::low32(at),
        }
    }

    /// From here on, only the chunk that is being filled is held in memory.
    pub(super) fn set_spool(&mut self, file: File) -> Result<(), BuildError> {
        self.spool = Some((file, 0));
        self.spool_chunks()
    }

    fn spool_chunks(&mut self) -> Result<(), BuildError> {
        let Some((file, end)) = &mut self.spool else {
            return Ok(());
        };
        // Only the last ones are in memory.
        for chunk in self.chunks.iter_mut().rev() {
            let Chunk::Memory(bytes) = chunk else { break };
            file.seek(SeekFrom::Start(*end))
                .and_then(|_| file.write_all(bytes))
                .map_err(|source| spool_error("write the spool", *end, source))?;
            let at = *end;
            *end += bytes.len() as u64;
            *chunk = Chunk::Spooled(at);
        }
        self.memory_bytes = 0;
        Ok(())
    }

    /// A string and its length, as they were pushed.
    pub(super) fn get(&self, place: HeldRef, len: u64) -> Result<Cow<'_, [u8]>, BuildError> {
        let at = place.at as usize;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match (self.chunks.get(place.chunk as usize), &self.spool) {
            (Some(Chunk::Memory(chunk)), _) => {
                let bytes = at.checked_add(len).and_then(|end| chunk.get(at..end));
                bytes.map(Cow::Borrowed).ok_or_else(|| not_held(place))
            }
            (Some(Chunk::Spooled(start)), Some((file, _))) => {
                let mut file = file;
                let offset = start + u64::from(place.at);
                let mut bytes = vec![0; len];
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.read_exact(&mut bytes))
                    .map_err(|source| spool_error("read the spool", offset, source))?;
                Ok(Cow::Owned(bytes))
            }
            _ => Err(not_held(place)),
        }
    }

    /// Bytes of all strings.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of memory that they take.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }
}

fn not_held(place: HeldRef) -> BuildError {
    BuildError::Invalid {
        what: "place of bytes that wait for the MFT",
        value: u64::from(place.chunk) << 32 | u64::from(place.at),
        rule: "it is one that was given out",
    }
}

fn spool_error(op: &'static str, offset: u64, source: std::io::Error) -> BuildError {
    BuildError::Io { op, offset, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strings of many lengths, an owned one among them, before and after there is a file.
    #[test]
    fn strings_come_back_from_memory_and_from_the_file() {
        let text = |n: usize| vec![u8::try_from(n % 251).unwrap(); n * 100];
        let mut held = Held::default();
        let mut places = Vec::new();
        for n in 0..600 {
            let place = match n {
                50 => held.push_owned(text(4000)),
                300 => {
                    held.set_spool(tempfile::tempfile().unwrap()).unwrap();
                    assert_eq!(held.memory_bytes(), 0);
                    held.push(&text(n)).unwrap()
                }
                _ => held.push(&text(n)).unwrap(),
            };
            places.push((place, text(if n == 50 { 4000 } else { n })));
            assert!(n < 300 || held.memory_bytes() <= CHUNK_BYTES as u64);
        }
        for (place, expected) in &places {
            assert_eq!(*held.get(*place, expected.len() as u64).unwrap(), expected[..]);
        }
        let bytes: usize = places.iter().map(|(_, expected)| expected.len()).sum();
        assert_eq!(held.bytes(), bytes as u64);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let mut held = Held::default();
        assert!(held.get(HeldRef::default(), 0).is_err(), "nothing is held");
        let place = held.push(b"some bytes").unwrap();
        assert_eq!(*held.get(place, 10).unwrap(), *b"some bytes");
        let after = HeldRef { at: 11, ..place };
        let no_chunk = HeldRef { chunk: 1, ..place };
        for (place, len) in [(place, 11), (place, u64::MAX), (after, 0), (no_chunk, 1)] {
            assert!(held.get(place, len).is_err(), "{place:?}, {len} bytes");
        }
    }
}
