//! A byte range of a disk as a stream of its own.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// `Read + Write + Seek` over `length_bytes` of another stream, from `first_byte` on. Reads end and writes fail at
/// the window's end, so nothing inside can touch what lies outside. It seeks the inner stream before each access
/// that needs it, so several windows may take turns over one disk (`Window<&mut T>`).
///
/// ```
/// use std::io::{Cursor, Write};
/// use partitioner::Window;
///
/// let mut disk = Cursor::new(vec![0u8; 8]);
/// let mut part = Window::new(&mut disk, 2, 4);
/// part.write_all(b"abcd")?;
/// assert!(part.write_all(b"e").is_err());
/// assert_eq!(disk.into_inner(), b"\0\0abcd\0\0");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Window<T> {
    inner: T,
    first_byte: u64,
    length_bytes: u64,
    position: u64,
    /// Whether the inner stream is known to stand at `first_byte + position`.
    in_place: bool,
}

impl<T> Window<T> {
    /// A window; a range that would pass 2^64 is cut there.
    pub fn new(inner: T, first_byte: u64, length_bytes: u64) -> Self {
        Self {
            inner,
            first_byte,
            length_bytes: length_bytes.min(u64::MAX - first_byte),
            position: 0,
            in_place: false,
        }
    }

    /// The stream behind it.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// Size of the window.
    pub fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    fn room(&self, wanted: usize) -> usize {
        let left = self.length_bytes.saturating_sub(self.position);
        usize::try_from(left).map_or(wanted, |left| left.min(wanted))
    }
}

impl<T: Seek> Window<T> {
    fn take_place(&mut self) -> io::Result<()> {
        if !self.in_place {
            // Cannot overflow: position < length_bytes here, and their sum was bounded in `new`.
            self.inner
                .seek(SeekFrom::Start(self.first_byte + self.position))?;
            self.in_place = true;
        }
        Ok(())
    }

    fn moved(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        match &result {
            Ok(count) => self.position += *count as u64,
            Err(_) => self.in_place = false,
        }
        result
    }
}

impl<T: Read + Seek> Read for Window<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.room(buffer.len());
        let Some(buffer) = buffer.get_mut(..length).filter(|b| !b.is_empty()) else {
            return Ok(0);
        };
        self.take_place()?;
        let result = self.inner.read(buffer);
        self.moved(result)
    }
}

impl<T: Write + Seek> Write for Window<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let Some(part) = buffer.get(..self.room(buffer.len())).filter(|b| !b.is_empty()) else {
            return if buffer.is_empty() {
                Ok(0)
            } else {
                Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    format!("write past the end of a window of {} bytes", self.length_bytes),
                ))
            };
        };
        self.take_place()?;
        let result = self.inner.write(part);
        self.moved(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Window<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let Some(target) = target else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "seek before the start of the window",
            ));
        };
        // A `&mut` window may share its disk with others, so a seek always takes its place anew.
        self.position = target;
        self.in_place = false;
        Ok(target)
    }
}
