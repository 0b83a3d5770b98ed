//! Compact (WOF) files: the reader finds the chunks, the caller decodes them.

use std::io::{Cursor, Read, Seek, SeekFrom};

use ntfs_image::check::{Code, check};
use ntfs_image::read::Volume;
use ntfs_image::{
    CompactFormat, Content, DosNames, Limits, NodeSpec, NtfsBuilder, Placement, StreamForm, StreamKey,
    StreamSpec, VolumeSpec,
};

const SIZE_BYTES: usize = 10_000;

/// Two chunks of one byte each, which stands for a chunk full of it, around one that is stored plain.
fn stored() -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(4097u32.to_le_bytes());
    bytes.push(5);
    bytes.extend((0..4096).map(|i| i as u8));
    bytes.push(9);
    bytes
}

fn plain() -> Vec<u8> {
    let middle = (0..4096).map(|i| i as u8);
    let ends = |byte, len| std::iter::repeat_n(byte, len);
    ends(5, 4096)
        .chain(middle)
        .chain(ends(9, SIZE_BYTES - 8192))
        .collect()
}

fn decode(format: CompactFormat, packed: &[u8], plain: &mut [u8]) -> std::io::Result<()> {
    assert_eq!((format, packed.len()), (CompactFormat::Xpress4K, 1));
    plain.fill(packed[0]);
    Ok(())
}

fn volume() -> Vec<u8> {
    let mut builder = NtfsBuilder::new(VolumeSpec {
        size_bytes: 32 << 20,
        sector_bytes: 512,
        cluster_bytes: 4096,
        mft_record_bytes: 1024,
        serial: 1,
        hidden_sectors: 0,
        label: Vec::new(),
        time: 1 << 56,
        dos_names: DosNames::Given,
        keep_free: Vec::new(),
    });
    let key = StreamKey(1);
    let content = Content::Keyed {
        key,
        size_bytes: SIZE_BYTES as u64,
    };
    let stream = StreamSpec {
        name: Vec::new(),
        content,
        sparse: false,
        placement: Placement::Ascending,
        encrypted: None,
    };
    let node = NodeSpec {
        streams: vec![stream],
        ..NodeSpec::default()
    };
    let root = builder.root();
    builder.add(root, "compact.exe", node);
    let mut writer = builder.writer(Cursor::new(Vec::new())).expect("a writer");
    let bytes = stored();
    let form = StreamForm::Compact(CompactFormat::Xpress4K);
    writer.begin_stream(key, form, bytes.len() as u64).expect("begin");
    writer.write(&bytes).expect("write");
    writer.end_stream().expect("end");
    let mut bytes = writer.finish().expect("finish").0.into_inner();
    bytes.resize(32 << 20, 0);
    bytes
}

#[test]
fn chunks_are_found_and_decoded() {
    let mut volume = Volume::open(Cursor::new(volume()), &Limits::default()).unwrap();
    let file = volume.lookup("compact.exe").unwrap();
    let compact = volume.compact(&file).unwrap().unwrap();
    assert_eq!(
        (compact.format, compact.size_bytes),
        (CompactFormat::Xpress4K, SIZE_BYTES as u64)
    );
    let extents = volume.compact_extents(&compact).unwrap();
    let places: Vec<_> = extents
        .iter()
        .map(|e| (e.at, e.packed_bytes, e.plain_bytes))
        .collect();
    assert_eq!(
        places,
        [(8, 1, 4096), (9, 4096, 4096), (4105, 1, SIZE_BYTES as u64 - 8192)]
    );

    let mut bytes = Vec::new();
    let mut stream = volume.open_compact(&compact, decode).unwrap();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes == plain());
    stream.seek(SeekFrom::Start(4090)).unwrap();
    let mut part = [0; 12];
    stream.read_exact(&mut part).unwrap();
    assert_eq!(part, plain()[4090..4102]);
    // Without its filter the file reads as a hole, as Windows shows it to other programs.
    let mut zeros = Vec::new();
    volume
        .open_stream(&file, &[])
        .unwrap()
        .read_to_end(&mut zeros)
        .unwrap();
    assert_eq!(zeros, vec![0; SIZE_BYTES]);
}

#[test]
fn a_bad_chunk_table_is_a_finding_and_an_error() {
    let mut bytes = volume();
    assert!(check(Cursor::new(&bytes[..]), &Limits::default()).is_clean());
    let table: Vec<u8> = stored()[..8].to_vec();
    let at = bytes.windows(8).position(|window| window == table).unwrap();
    bytes[at..at + 4].copy_from_slice(&60_000u32.to_le_bytes());
    assert!(check(Cursor::new(&bytes[..]), &Limits::default()).has(Code::Compact));
    let mut volume = Volume::open(Cursor::new(bytes), &Limits::default()).unwrap();
    let file = volume.lookup("compact.exe").unwrap();
    let compact = volume.compact(&file).unwrap().unwrap();
    let mut stream = volume.open_compact(&compact, decode).unwrap();
    assert!(stream.read_to_end(&mut Vec::new()).is_err());
}
