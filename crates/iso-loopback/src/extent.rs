//! Where a file's bytes lie in the image, and a reader over such a map.

use std::io::{self, Read, Seek, SeekFrom};

use crate::Error;

/// A run of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Byte offset in the image; `None` is a hole, which reads as zeros.
    pub image_offset: Option<u64>,
    /// Length in bytes.
    pub length_bytes: u64,
}

/// Appends a run, merged into the last one when it continues it; empty runs are dropped.
pub(crate) fn push_extent(extents: &mut Vec<Extent>, image_offset: Option<u64>, length_bytes: u64) {
    if length_bytes == 0 {
        return;
    }
    if let Some(last) = extents.last_mut() {
        let continues = match (last.image_offset, image_offset) {
            (None, None) => true,
            (Some(a), Some(b)) => a.checked_add(last.length_bytes) == Some(b),
            _ => false,
        };
        if let (true, Some(sum)) = (continues, last.length_bytes.checked_add(length_bytes)) {
            last.length_bytes = sum;
            return;
        }
    }
    extents.push(Extent {
        image_offset,
        length_bytes,
    });
}

/// `Read + Seek` over the bytes that a list of [`Extent`]s names in an underlying reader.
///
/// Reads go straight into the caller's buffer, one underlying read per extent touched. A missing byte is an
/// [`io::ErrorKind::UnexpectedEof`] that wraps [`Error::Truncated`], never a short file. Several readers over one
/// image need one underlying handle each: take [`IsoImage::extents`](crate::IsoImage::extents) and open the file
/// again.
///
/// ```
/// use std::io::{Cursor, Read};
/// use iso_loopback::{Extent, ExtentReader};
///
/// let disk = Cursor::new(b"..tail..head".to_vec());
/// let extents = vec![
///     Extent { image_offset: Some(8), length_bytes: 4 },
///     Extent { image_offset: None, length_bytes: 2 },
///     Extent { image_offset: Some(2), length_bytes: 4 },
/// ];
/// let mut text = Vec::new();
/// ExtentReader::new(disk, extents)?.read_to_end(&mut text)?;
/// assert_eq!(text, b"head\0\0tail");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExtentReader<R> {
    inner: R,
    inner_position: Option<u64>,
    /// File offset of each extent's first byte, and the extent.
    map: Vec<(u64, Extent)>,
    len: u64,
    position: u64,
    current: usize,
}

impl<R: Read + Seek> ExtentReader<R> {
    /// A reader of the extents in order; the file's length is the sum of theirs.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when that sum, or an extent's end, exceeds 64 bits.
    pub fn new(inner: R, extents: Vec<Extent>) -> crate::Result<Self> {
        let mut map = Vec::with_capacity(extents.len());
        let mut len = 0_u64;
        for extent in extents.into_iter().filter(|e| e.length_bytes > 0) {
            map.push((len, extent));
            let end = extent.image_offset.unwrap_or(0).checked_add(extent.length_bytes);
            len = match (len.checked_add(extent.length_bytes), end) {
                (Some(sum), Some(_)) => sum,
                _ => {
                    return Err(Error::Invalid {
                        what: "extents",
                        reason: "their end exceeds 64 bits".to_owned(),
                    });
                }
            };
        }
        Ok(Self {
            inner,
            inner_position: None,
            map,
            len,
            position: 0,
            current: 0,
        })
    }

    /// Length of the file in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Current position in the file.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Gives the underlying reader back; its position is unspecified.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// The extent that holds the current position, and how far into it that is.
    fn locate(&mut self) -> Option<(Extent, u64)> {
        let holds = |&(start, extent): &(u64, Extent)| {
            self.position >= start && self.position - start < extent.length_bytes
        };
        if !self.map.get(self.current).is_some_and(holds) {
            let after = self.map.partition_point(|&(start, _)| start <= self.position);
            self.current = after.checked_sub(1)?;
        }
        let &(start, extent) = self.map.get(self.current)?;
        Some((extent, self.position.checked_sub(start)?))
    }
}

impl<R: Read + Seek> Read for ExtentReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() || self.position >= self.len {
            return Ok(0);
        }
        let Some((extent, skip)) = self.locate() else {
            return Ok(0);
        };
        let left = usize::try_from(extent.length_bytes - skip).unwrap_or(usize::MAX);
        let wanted = buf.len().min(left);
        let Some(buf) = buf.get_mut(..wanted) else {
            return Ok(0);
        };
        let read = match extent.image_offset {
            None => {
                buf.fill(0);
                buf.len()
            }
            Some(offset) => {
                let at = offset + skip;
                if self.inner_position != Some(at) {
                    self.inner_position = None;
                    self.inner.seek(SeekFrom::Start(at))?;
                    self.inner_position = Some(at);
                }
                let read = self.inner.read(buf)?;
                if read == 0 {
                    let missing = Error::Truncated {
                        what: "file data",
                        at,
                        need: extent.length_bytes - skip,
                        have: 0,
                    };
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, missing));
                }
                self.inner_position = at.checked_add(read as u64);
                read
            }
        };
        self.position += read as u64;
        Ok(read)
    }
}

impl<R: Read + Seek> Seek for ExtentReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(delta) => self.len.checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "seek before the start of the file")
        })?;
        Ok(self.position)
    }
}
