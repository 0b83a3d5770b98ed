//! Fuzz target wim_file: sound WIM files of each kind with a few changes, whose metadata then gets its right hash again,
//! read, applied and written anew.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use wim_apply::apply::{
    ApplyOptions, ApplyTarget, BlobInfo, BlobSink, CompactFormat, Control, Features, Form, TargetError, Want,
    apply_tree, verify,
};
use wim_apply::layout::{BlobEntry, HEADER_BYTES, Header};
use wim_apply::write::{Compression, Output, SplitPlan, WimWriter, WriteControl, WriteOptions, rewrite};
use wim_apply::{Error, Image, Limits, Wim};

use crate::wim_volume;

/// Most bytes that are written: sizes that a file states are not to be believed.
const MAX_OUTPUT_BYTES: u64 = 8 << 20;

/// A sound file, and where its parts lie.
struct Base {
    bytes: Vec<u8>,
    /// Header, blob table, XML, and each resource.
    regions: Vec<(usize, usize)>,
}

static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| {
    let own = [Compression::None, Compression::Xpress].map(wim_volume::file);
    let wimlibs = [
        &include_bytes!("../corpus/wim_header/lzx.bin")[..],
        include_bytes!("../corpus/wim_header/pipable.bin"),
        include_bytes!("../corpus/wim_header/solid.bin"),
        include_bytes!("../corpus/wim_header/solidx.bin"),
    ];
    own.into_iter()
        .chain(wimlibs.map(<[u8]>::to_vec))
        .map(Base::new)
        .collect()
});

impl Base {
    fn new(bytes: Vec<u8>) -> Self {
        let header = header_of(&bytes).expect("a WIM");
        let at = |place: u64, size: u64| (place as usize, (place + size).min(bytes.len() as u64) as usize);
        let resource = |r: &wim_apply::layout::ResourceHeader| at(r.offset, r.stored_bytes);
        let table = resource(&header.blob_table);
        let mut regions = vec![(0, HEADER_BYTES), table, resource(&header.xml)];
        for raw in bytes[table.0..table.1].chunks_exact(BlobEntry::SIZE) {
            let entry = BlobEntry::decode(raw.try_into().expect("its size"));
            let (start, end) = resource(&entry.resource);
            if start < end {
                // Structure lies in front.
                regions.push((start, end.min(start + 64)));
                regions.push((start, end));
            }
        }
        Self { bytes, regions }
    }

    /// Each change is a region, a place in it, and what is put there: bytes, or a number that is hard.
    fn changed(&self, mut input: &[u8]) -> Vec<u8> {
        const NUMBERS: [u64; 12] = [
            0,
            1,
            7,
            255,
            4096,
            0xffff_ffff,
            1 << 32,
            (1 << 55) - 1,
            (1 << 63) - 1,
            1 << 63,
            u64::MAX - 7,
            u64::MAX,
        ];
        let mut bytes = self.bytes.clone();
        while let Some(([region, p0, p1, how], rest)) = input.split_first_chunk::<4>() {
            input = rest;
            let (start, end) = self.regions[usize::from(*region) % self.regions.len()];
            let at = start + usize::from(u16::from_le_bytes([*p0, *p1])) % (end - start);
            let count = usize::from(how & 7) + 1;
            let new = if how & 8 == 0 {
                let count = count.min(input.len());
                let (new, rest) = input.split_at(count);
                input = rest;
                new.to_vec()
            } else {
                let number = NUMBERS[usize::from(how >> 4) % NUMBERS.len()];
                number.to_le_bytes()[..count].to_vec()
            };
            let end = (at + new.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&new[..end - at]);
        }
        bytes
    }
}

fn header_of(bytes: &[u8]) -> Option<Header> {
    let first = Header::decode(bytes.first_chunk()?)?;
    if first.pipable && first.blob_table.is_absent() {
        return Header::decode(bytes.last_chunk()?);
    }
    Some(first)
}

fn open(bytes: Vec<u8>) -> Option<Wim> {
    Wim::open(Cursor::new(bytes), &crate::wim::limits()).ok()
}

/// Gives metadata that was changed its hash: else nothing behind that check would ever be read.
fn mend(bytes: &mut [u8]) {
    let Some((wim, header)) = open(bytes.to_vec()).zip(header_of(bytes)) else {
        return;
    };
    let start = usize::try_from(header.blob_table.offset).unwrap_or(usize::MAX);
    for info in wim.images() {
        let Err(Error::HashMismatch { expected, found, .. }) = wim.metadata_resource(info.index) else {
            continue;
        };
        let table = bytes.get_mut(start..).unwrap_or_default();
        let entries = table.chunks_exact_mut(BlobEntry::SIZE);
        for entry in entries.filter(|entry| entry[30..] == expected.0) {
            entry[30..].copy_from_slice(&found.0);
        }
    }
}

fn options() -> ApplyOptions {
    ApplyOptions {
        threads: NonZeroUsize::MIN,
        ..ApplyOptions::default()
    }
}

fn is_sound(wim: &Wim) -> bool {
    Control::silent(wim, |control| verify(wim, &options(), control)).is_ok_and(|report| report.is_ok())
}

/// Body of the target: the first byte chooses the file, the rest are its changes.
///
/// # Panics
/// When a file that holds becomes one that does not: a finding.
pub fn wim_file(data: &[u8]) {
    let Some((choice, changes)) = data.split_first() else {
        return;
    };
    let mut bytes = BASES[usize::from(*choice) % BASES.len()].changed(changes);
    mend(&mut bytes);
    let Some(wim) = open(bytes.clone()) else { return };
    let holds = is_sound(&wim);
    for info in wim.images().iter().take(2) {
        let Ok(image) = wim.image(info.index) else {
            continue;
        };
        apply(&wim, &image, holds);
        if let Ok(encoded) = image.encode_metadata() {
            let again =
                Image::parse_metadata(&encoded, &Limits::default(), &|_| None).expect("what we wrote");
            assert_eq!(again.dentries.len(), image.dentries.len());
        }
    }
    let mut silent = WriteControl {
        interrupt: &AtomicBool::new(false),
        progress: &mut |_| {},
    };
    let compact = WriteOptions {
        compression: Compression::Xpress,
        chunk_bytes: 4096,
        threads: NonZeroUsize::MIN,
        ..WriteOptions::default()
    };
    for options in [WriteOptions::like(&wim), compact] {
        let mut out = Bounded::default();
        if rewrite(&wim, &mut out, &options, &mut silent).is_ok() {
            let again = open(out.0.into_inner()).expect("what we wrote");
            assert_eq!(again.images().len(), wim.images().len());
            assert!(!holds || is_sound(&again), "rewriting made a sound file unsound");
        }
    }
    split(&wim, holds, &mut silent);
    let mut out = Bounded(Cursor::new(bytes));
    let is_removed = WimWriter::append(&mut out, &wim, &compact)
        .is_ok_and(|mut writer| writer.remove_image(&wim, 1).is_ok() && writer.finish().is_ok());
    if is_removed {
        let again = open(out.0.into_inner()).expect("what we wrote");
        assert_eq!(again.images().len() + 1, wim.images().len());
        assert!(
            !holds || is_sound(&again),
            "removing an image made a sound file unsound"
        );
    }
}

fn apply(wim: &Wim, image: &Image, holds: bool) {
    for want in [
        Want::Decoded,
        Want::Compact {
            verbatim: 0xf,
            recompress: Some(CompactFormat::Xpress4K),
            cluster_bytes: 512,
            record_bytes: 100,
        },
    ] {
        let mut target = Nowhere { want, left_bytes: 0 };
        let result = Control::silent(wim, |control| {
            apply_tree(wim, image, &mut target, &options(), control)
        });
        assert!(
            !holds || result.is_ok(),
            "a sound file is not applied: {result:?}"
        );
    }
}

fn split(wim: &Wim, holds: bool, control: &mut WriteControl<'_>) {
    let Ok(plan) = SplitPlan::new(wim, 3000) else {
        return;
    };
    let mut joined: Option<Wim> = None;
    for number in 1..=plan.part_count() {
        let mut out = Bounded::default();
        let number = u16::try_from(number).expect("few parts");
        if plan
            .write_part(wim, number, &mut out, &WriteOptions::like(wim), control)
            .is_err()
        {
            assert!(!holds, "a sound file is not split");
            return;
        }
        match &mut joined {
            None => joined = open(out.0.into_inner()),
            Some(wim) => wim.add_part(out.0).expect("what we wrote"),
        }
    }
    let joined = joined.expect("what we wrote");
    assert!(!holds || is_sound(&joined), "splitting made a sound file unsound");
}

/// A target that counts what it is told.
struct Nowhere {
    want: Want,
    left_bytes: u64,
}

impl BlobSink for Nowhere {
    fn want(&mut self, _: &BlobInfo) -> Want {
        self.want
    }

    fn begin_blob(&mut self, _: &BlobInfo, _: Form, stored_bytes: u64) -> Result<(), TargetError> {
        assert_eq!(self.left_bytes, 0, "a blob begins within another");
        self.left_bytes = stored_bytes;
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        self.left_bytes = self
            .left_bytes
            .checked_sub(bytes.len() as u64)
            .expect("as many bytes as stated");
        Ok(())
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        assert_eq!(self.left_bytes, 0, "a blob ends too early");
        Ok(())
    }
}

impl ApplyTarget for Nowhere {
    fn features(&self) -> Features {
        Features {
            named_streams: true,
            ..Features::default()
        }
    }

    fn begin(&mut self, _: &Image) -> Result<(), TargetError> {
        Ok(())
    }

    fn finish(&mut self, _: &Image) -> Result<(), TargetError> {
        Ok(())
    }
}

/// A file in memory that is full at some point.
#[derive(Default)]
struct Bounded(Cursor<Vec<u8>>);

impl Bounded {
    fn check(size_bytes: u64) -> io::Result<()> {
        if size_bytes > MAX_OUTPUT_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::check(self.0.position().saturating_add(bytes.len() as u64))?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Bounded {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Output for Bounded {
    fn set_len(&mut self, size_bytes: u64) -> io::Result<()> {
        Self::check(size_bytes)?;
        self.0.set_len(size_bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
