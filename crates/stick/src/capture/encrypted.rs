//! The raw form of an encrypted file on a volume.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use ntfs_image::layout::{EFS_BYTES, attribute, file_attribute};
use ntfs_image::read::{Attribute, File, NonResident, Volume};
use wim_apply::apply::TargetError;
use wim_apply::efs_raw::{Piece, Pieces, RawFile, RawStream};

use super::data_streams;

/// Largest unit of holes in a raw form.
const MAX_HOLE_UNIT_BYTES: u64 = 1 << 20;

/// Whether a file is encrypted.
#[derive(Debug)]
pub(super) enum Encryption {
    /// It is not.
    None,
    /// It is.
    Raw(EncryptedSource),
    /// It is, and cannot be taken; why.
    Unusable(&'static str),
}

/// What a raw form is made of.
#[derive(Debug)]
pub(super) struct EncryptedSource {
    raw: RawFile,
    /// Per stream: its holes, in bytes.
    holes: Vec<Vec<Range<u64>>>,
    cluster_bytes: u32,
}

impl EncryptedSource {
    pub(super) fn of<R: Read + Seek>(volume: &mut Volume<R>, file: &File) -> Result<Encryption, TargetError> {
        let marked = file.file_attributes() & file_attribute::ENCRYPTED != 0;
        let ciphertext = file.streams().any(Attribute::is_encrypted);
        let Some(metadata) = volume.efs(file)? else {
            return Ok(if ciphertext || marked && !file.is_directory() {
                Encryption::Unusable("without $EFS")
            } else {
                Encryption::None
            });
        };
        if !EFS_BYTES.contains(&metadata.len()) {
            return Ok(Encryption::Unusable("with $EFS of a wrong length"));
        }
        if !file.is_directory() && file.attribute(attribute::REPARSE_POINT, &[]).is_some() {
            // A WIM says by their order what streams are, and has no order for these two.
            return Ok(Encryption::Unusable("and a reparse point"));
        }
        let boot = volume.boot();
        let cluster_bytes = boot.cluster_bytes;
        let volume_bytes = boot.total_sectors.saturating_mul(boot.sector_bytes.into());
        if file.streams().any(|stream| stream.size_bytes() > volume_bytes) {
            return Ok(Encryption::Unusable("and larger than its volume"));
        }
        let mut new = Self {
            raw: RawFile {
                metadata,
                streams: Vec::new(),
            },
            holes: Vec::new(),
            cluster_bytes,
        };
        for attribute in data_streams(file, false) {
            let (mut stream, holes) = describe_stream(attribute, cluster_bytes.into());
            stream.name = attribute.name.as_slice().into();
            new.raw.streams.push(stream);
            new.holes.push(holes);
        }
        Ok(Encryption::Raw(new))
    }

    fn pieces(&self) -> Result<Pieces<'_>, TargetError> {
        Ok(Pieces::new(&self.raw, &self.holes, self.cluster_bytes)?)
    }

    pub(super) fn raw_bytes(&self) -> Result<u64, TargetError> {
        Ok(self.pieces()?.total_bytes())
    }

    pub(super) fn open<'a, R: Read + Seek>(
        &'a self,
        volume: &'a mut Volume<R>,
        file: &'a File,
    ) -> Result<RawForm<'a, R>, TargetError> {
        Ok(RawForm {
            volume,
            streams: data_streams(file, false).collect(),
            pieces: self.pieces()?,
            header: io::Cursor::default(),
            data: None,
        })
    }
}

/// Lengths of a stream, and where it has no data. A plain stream is taken with zeros in the place of its holes.
fn describe_stream(attribute: &Attribute, cluster_bytes: u64) -> (RawStream, Vec<Range<u64>>) {
    let size_bytes = attribute.size_bytes();
    let mut stream = RawStream::encrypted(&[], size_bytes, size_bytes);
    let value = attribute.non_resident().filter(|_| attribute.is_encrypted());
    let Some(value) = value else {
        stream.encrypted = false;
        return (stream, Vec::new());
    };
    stream.valid_bytes = value.initialized_bytes.min(size_bytes);
    stream.sparse = attribute.is_sparse();
    let holes = holes(value, stream.valid_bytes, cluster_bytes);
    let ends = holes.iter().map(|hole| {
        hole.start
            | if hole.end < stream.valid_bytes {
                hole.end
            } else {
                0
            }
    });
    let bits = ends.fold(MAX_HOLE_UNIT_BYTES, |bits, end| bits | end);
    if !holes.is_empty() {
        stream.hole_unit_bytes = 1 << bits.trailing_zeros();
    }
    (stream, holes)
}

fn holes(value: &NonResident, valid_bytes: u64, cluster_bytes: u64) -> Vec<Range<u64>> {
    let mut holes: Vec<Range<u64>> = Vec::new();
    for run in value.runs.iter().filter(|run| run.lcn.is_none()) {
        let vcns = run.vcns();
        let bytes = vcns.start.saturating_mul(cluster_bytes)..vcns.end.saturating_mul(cluster_bytes);
        if bytes.start >= valid_bytes {
            break;
        }
        match holes.last_mut() {
            Some(last) if last.end == bytes.start => last.end = bytes.end,
            _ => holes.push(bytes),
        }
    }
    holes
}

/// Reads a raw form.
pub(super) struct RawForm<'a, R> {
    volume: &'a mut Volume<R>,
    streams: Vec<&'a Attribute>,
    pieces: Pieces<'a>,
    header: io::Cursor<Vec<u8>>,
    /// Stream, and the bytes of it that come next.
    data: Option<(usize, Range<u64>)>,
}

impl<R: Read + Seek> Read for RawForm<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let count = self.header.read(out)?;
            if count > 0 {
                return Ok(count);
            }
            if let Some((stream, left)) = self.data.as_mut().filter(|(_, left)| !left.is_empty()) {
                let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
                let attribute = self.streams.get(*stream).ok_or(io::ErrorKind::InvalidData)?;
                let mut bytes = self.volume.open_ciphertext(attribute).map_err(invalid)?;
                bytes.seek(SeekFrom::Start(left.start))?;
                let count = bytes.take(left.end - left.start).read(out)?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                left.start += count as u64;
                return Ok(count);
            }
            match self.pieces.next() {
                None => return Ok(0),
                Some(Piece::Header(bytes)) => self.header = io::Cursor::new(bytes),
                Some(Piece::Data {
                    stream,
                    offset,
                    bytes,
                }) => self.data = Some((stream, offset..offset + bytes)),
            }
        }
    }
}
