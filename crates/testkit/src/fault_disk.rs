//! A disk in memory that fails, or loses power, at a chosen write, and remembers what was written in which order.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// What happens at the chosen write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The write fails with an error; nothing of it is stored, and later writes fail as well.
    Error,
    /// The first `kept` bytes of the write are stored, then it fails, as do all later ones.
    Torn {
        /// Bytes of the fatal write that reach the disk.
        kept: usize,
    },
    /// No error is seen: the fatal write and all later ones are lost, as when power goes with data in a cache.
    Lost,
}

/// One call of `write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracedWrite {
    /// First byte.
    pub offset: u64,
    /// Length in bytes.
    pub len: usize,
}

/// `Read + Write + Seek` over memory, with faults and a trace.
#[derive(Clone, Debug)]
pub struct FaultDisk {
    bytes: Vec<u8>,
    capacity: Option<u64>,
    position: u64,
    fault: Option<(usize, Fault)>,
    trace: Vec<TracedWrite>,
    flushes: Vec<usize>,
}

impl FaultDisk {
    /// A disk that grows as it is written.
    #[must_use]
    pub fn growing() -> Self {
        Self {
            bytes: Vec::new(),
            capacity: None,
            position: 0,
            fault: None,
            trace: Vec::new(),
            flushes: Vec::new(),
        }
    }

    /// A disk of fixed size, filled with `fill`; writes beyond its end fail with `StorageFull`.
    ///
    /// # Panics
    /// When the size does not fit memory.
    #[must_use]
    pub fn sized(size_bytes: u64, fill: u8) -> Self {
        let len = usize::try_from(size_bytes).expect("a disk in memory");
        Self {
            bytes: vec![fill; len],
            capacity: Some(size_bytes),
            ..Self::growing()
        }
    }

    /// The same, with a fault at the write call number `write` (0 is the first).
    #[must_use]
    pub fn failing_at(mut self, write: usize, fault: Fault) -> Self {
        self.fault = Some((write, fault));
        self
    }

    /// What is on the disk.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.bytes
    }

    /// What is on the disk, by value.
    #[must_use]
    pub fn into_contents(self) -> Vec<u8> {
        self.bytes
    }

    /// Every write call so far, in order; with those that a fault swallowed.
    #[must_use]
    pub fn trace(&self) -> &[TracedWrite] {
        &self.trace
    }

    /// How many writes had been made at each `flush`.
    #[must_use]
    pub fn flushes(&self) -> &[usize] {
        &self.flushes
    }

    /// How many writes do not start where the one before ended: 0 for a disk written in one ascending pass.
    #[must_use]
    pub fn seeks(&self) -> usize {
        self.trace
            .windows(2)
            .filter(|pair| pair[1].offset != pair[0].offset + pair[0].len as u64)
            .count()
    }

    fn store(&mut self, data: &[u8]) {
        let start = usize::try_from(self.position).expect("checked by write");
        let end = start + data.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(data);
        self.position += data.len() as u64;
    }
}

impl Write for FaultDisk {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let end = self.position.checked_add(data.len() as u64);
        if end.is_none_or(|end| usize::try_from(end).is_err() || self.capacity.is_some_and(|c| end > c)) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "end of the disk"));
        }
        let number = self.trace.len();
        self.trace.push(TracedWrite {
            offset: self.position,
            len: data.len(),
        });
        match self.fault {
            Some((at, fault)) if number >= at => match fault {
                Fault::Lost => {
                    self.position += data.len() as u64;
                    Ok(data.len())
                }
                Fault::Torn { kept } if number == at => {
                    self.store(&data[..kept.min(data.len())]);
                    Err(io::Error::other("write fails by order of the test"))
                }
                Fault::Error | Fault::Torn { .. } => {
                    Err(io::Error::other("write fails by order of the test"))
                }
            },
            _ => {
                self.store(data);
                Ok(data.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes.push(self.trace.len());
        match self.fault {
            Some((at, Fault::Error | Fault::Torn { .. })) if self.trace.len() > at => {
                Err(io::Error::other("flush fails by order of the test"))
            }
            _ => Ok(()),
        }
    }
}

impl Read for FaultDisk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(self.position)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        let count = buffer.len().min(self.bytes.len() - start);
        buffer[..count].copy_from_slice(&self.bytes[start..start + count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FaultDisk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.bytes.len() as u64;
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_do_what_they_say() {
        let mut disk = FaultDisk::growing().failing_at(1, Fault::Torn { kept: 2 });
        disk.write_all(b"abcd").unwrap();
        assert!(disk.write_all(b"efgh").is_err());
        assert!(disk.write_all(b"ijkl").is_err());
        assert_eq!(disk.contents(), b"abcdef");

        let mut disk = FaultDisk::sized(8, 0xee).failing_at(1, Fault::Lost);
        disk.write_all(b"abcd").unwrap();
        disk.write_all(b"efgh").unwrap();
        assert_eq!(disk.write(b"x").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.contents(), b"abcd\xee\xee\xee\xee");
        assert_eq!(disk.seeks(), 0);
        assert_eq!(disk.trace()[1], TracedWrite { offset: 4, len: 4 });
    }
}
