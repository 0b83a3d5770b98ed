//! Images written by hadris-udf and hadris-iso, and volumes edited to hold what no writer at hand makes.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};

use hadris_fs::sync::Volume;
use hadris_fs::{Content, MountOptions, Node as HadrisNode, Tree, host};
use hadris_io::ErrorType;
use hadris_iso::{IsoId, IsoLevel, IsoOptions};
use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize, MemDevice};
use hadris_udf::{UdfId, UdfOptions, UdfRevision};
use iso_loopback::{ErrorKind, Extent, IsoImage, Limits, ReadOptions, View};

use crate::tree::{Node, read_image};

const SECTOR: usize = 2048;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// Files of every size class, in nested and empty directories, with names in both character widths.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("readme.txt", pattern(5)),
        ("empty.txt", Vec::new()),
        ("café.txt", pattern(2048)),
        ("ždárek.bin", pattern(2049)),
        ("docs/big.bin", pattern(70_000)),
        ("docs/sub/deep.txt", pattern(4)),
    ]
}

fn sample_tree() -> Tree {
    let mut tree = Tree::new();
    for (path, bytes) in files() {
        tree.insert(path, HadrisNode::file(Content::bytes(bytes)))
            .expect("file");
    }
    tree.insert("emptydir", HadrisNode::dir()).expect("directory");
    for index in 0..80 {
        let content = Content::bytes(format!("file {index}"));
        tree.insert(format!("many/file-{index:03}.txt"), HadrisNode::file(content))
            .expect("file");
    }
    tree
}

fn iso_options() -> IsoOptions {
    IsoOptions::default()
        .with_id(IsoId::Volume, "BRIDGE")
        .with_level(IsoLevel::L3)
        .with_joliet()
        .with_rock_ridge()
}

fn udf_options(revision: UdfRevision) -> UdfOptions {
    UdfOptions::default()
        .with_id(UdfId::Volume, "BRIDGE")
        .with_revision(revision)
}

fn block_size() -> BlockSize {
    BlockSize::new(2048).expect("2048")
}

/// A small bridge in memory.
pub(crate) fn bridge(revision: UdfRevision) -> Vec<u8> {
    let (tree, iso, udf) = (sample_tree(), iso_options(), udf_options(revision));
    let report = hadris_udf::plan_bridge(&tree, &iso, &udf).expect("plan");
    let mut device = MemDevice::new(vec![0_u8; report.size() as usize], block_size());
    hadris_udf::sync::write_bridge(&mut device, &tree, &iso, &udf).expect("write");
    device.into_inner()
}

#[test]
fn bridges_read_back_on_all_sides() {
    for revision in [
        UdfRevision::V1_02,
        UdfRevision::V1_50,
        UdfRevision::V2_00,
        UdfRevision::V2_01,
    ] {
        let bytes = bridge(revision);
        for view in [View::Udf, View::RockRidge, View::Joliet] {
            let opened = IsoImage::open_view(Cursor::new(&bytes), view, &ReadOptions::default());
            let mut image = opened.unwrap_or_else(|error| panic!("{view}: {error}"));
            assert_eq!(image.volume_info().label, "BRIDGE");
            let read = read_image(&mut image).expect("tree");
            for (path, content) in files() {
                assert_eq!(read.get(path), Some(&Node::File(content)), "{view}: {path}");
            }
            assert_eq!(read.get("emptydir"), Some(&Node::Directory));
            assert_eq!(read.len(), 6 + 2 + 1 + 1 + 80, "{view}");
        }
    }
}

/// A device that leaves zeros unwritten, so that gigabytes of them cost no disk space.
struct SparseDevice(File, u64);

impl ErrorType for SparseDevice {
    type Error = std::io::Error;
}

impl BlockDevice for SparseDevice {
    fn block_size(&self) -> BlockSize {
        block_size()
    }

    fn block_count(&self) -> u64 {
        self.1
    }

    fn writable(&self) -> bool {
        true
    }

    fn read_blocks(
        &mut self,
        first: BlockIndex,
        buf: &mut [u8],
    ) -> Result<(), hadris_fs::Error<std::io::Error>> {
        let failed = |error| hadris_fs::Error::device(error, "read");
        self.0.seek(SeekFrom::Start(first.get() * 2048)).map_err(failed)?;
        self.0.read_exact(buf).map_err(failed)
    }

    fn write_blocks(
        &mut self,
        first: BlockIndex,
        buf: &[u8],
    ) -> Result<(), hadris_fs::Error<std::io::Error>> {
        // All equal to their neighbour, and the first is zero.
        if buf.first() == Some(&0) && buf[1..] == buf[..buf.len() - 1] {
            return Ok(());
        }
        let failed = |error| hadris_fs::Error::device(error, "write");
        self.0.seek(SeekFrom::Start(first.get() * 2048)).map_err(failed)?;
        self.0.write_all(buf).map_err(failed)
    }
}

/// 4 GiB and 300 MiB: five UDF extents of less than 1 GiB, two ISO 9660 sections.
#[test]
fn files_over_4_gib_are_one_file_on_both_sides() {
    const LEN: u64 = (4 << 30) + (300 << 20) + 77;
    let scratch = tempfile::tempdir().expect("folder");
    let big = scratch.path().join("install.wim");
    let mut file = File::create(&big).expect("file");
    file.set_len(LEN).expect("sparse");
    let marks = [0, (1 << 30) - 3, (4 << 30) - 2, LEN - 5];
    for (mark, at) in marks.iter().enumerate() {
        file.seek(SeekFrom::Start(*at)).expect("seek");
        file.write_all(&[b'M', mark as u8, 1, 2, 3]).expect("write");
    }
    let mut tree = Tree::new();
    tree.insert(
        "sources/install.wim",
        HadrisNode::file(host::file(&big).expect("content")),
    )
    .expect("insert");
    let (iso, udf) = (iso_options(), udf_options(UdfRevision::V1_02));
    let report = hadris_udf::plan_bridge(&tree, &iso, &udf).expect("plan");
    let path = scratch.path().join("big.iso");
    let image = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .expect("image");
    image.set_len(report.size()).expect("sparse");
    let mut device = SparseDevice(image, report.size() / 2048);
    hadris_udf::sync::write_bridge(&mut device, &tree, &iso, &udf).expect("write");

    for view in [View::Udf, View::RockRidge, View::Joliet] {
        let file = File::open(&path).expect("image");
        let mut image = IsoImage::open_view(file, view, &ReadOptions::default()).expect("open");
        let entry = image.lookup_ignore_case("SOURCES/INSTALL.WIM").expect("entry");
        assert_eq!(entry.size_bytes, LEN, "{view}");
        let extents = image.extents(&entry).expect("extents");
        assert_eq!(extents.len(), 1, "{view}: neighbours are joined: {extents:?}");
        let mut reader = image.into_file(&entry).expect("reader");
        assert_eq!(reader.len(), LEN);
        for (mark, at) in marks.iter().enumerate() {
            let mut found = [0; 5];
            reader.seek(SeekFrom::Start(*at)).expect("seek");
            reader.read_exact(&mut found).expect("read");
            assert_eq!(found, [b'M', mark as u8, 1, 2, 3], "{view} at {at}");
        }
        assert_eq!(reader.read(&mut [0; 8]).expect("end"), 0);
    }
}

/// A volume with one file, whose allocation descriptors the tests rewrite.
struct Edited {
    bytes: Vec<u8>,
    icb_sector: usize,
    partition_sector: usize,
    data_sector: usize,
    free_sector: usize,
}

impl Edited {
    fn new() -> Self {
        let mut tree = Tree::new();
        tree.insert("f.bin", HadrisNode::file(Content::bytes(pattern(5000))))
            .expect("file");
        let options = UdfOptions::default().with_min_blocks(1000);
        let report = hadris_udf::plan(&tree, &options).expect("plan");
        let mut device = MemDevice::new(vec![0_u8; report.size() as usize], block_size());
        hadris_udf::sync::write(&mut device, &tree, &options).expect("write");
        let bytes = device.into_inner();
        let data_sector = (report.extents("f.bin").expect("extents")[0].offset() / 2048) as usize;
        let tag = |sector: usize| u16::from_le_bytes([bytes[sector * SECTOR], bytes[sector * SECTOR + 1]]);
        let file_set = (257..1000).find(|sector| tag(*sector) == 256).expect("file set");
        let location = u32::from_le_bytes(bytes[file_set * SECTOR + 12..][..4].try_into().expect("4"));
        let is_file = |sector: &usize| tag(*sector) == 261 && bytes[*sector * SECTOR + 27] == 5;
        Self {
            icb_sector: (257..1000).find(is_file).expect("file entry"),
            partition_sector: file_set - location as usize,
            data_sector,
            free_sector: data_sector + 20,
            bytes,
        }
    }

    fn block(&self, sector: usize) -> u32 {
        (sector - self.partition_sector) as u32
    }

    fn set(&mut self, form: u8, size: u64, descriptors: &[u8]) {
        let entry = &mut self.bytes[self.icb_sector * SECTOR..][..SECTOR];
        entry[34] = entry[34] & !7 | form;
        entry[56..64].copy_from_slice(&size.to_le_bytes());
        entry[168..172].fill(0);
        entry[172..176].copy_from_slice(&(descriptors.len() as u32).to_le_bytes());
        entry[176..].fill(0);
        entry[176..176 + descriptors.len()].copy_from_slice(descriptors);
        seal(&mut self.bytes, self.icb_sector * SECTOR);
    }

    fn read(&self) -> iso_loopback::Result<(Vec<u8>, Vec<Extent>)> {
        let mut image = IsoImage::open(Cursor::new(&self.bytes), &Limits::default())?;
        let entry = image.lookup("f.bin")?;
        let extents = image.extents(&entry)?;
        let mut bytes = Vec::new();
        image.open_file(&entry)?.read_to_end(&mut bytes).expect("read");
        Ok((bytes, extents))
    }

    /// What hadris reads.
    fn hadris(&self) -> Vec<u8> {
        let device = MemDevice::new(self.bytes.clone(), block_size());
        let volume = hadris_udf::sync::UdfFs::mount(device, MountOptions::new()).expect("mount");
        Volume::new(volume).read("/f.bin").expect("read")
    }
}

/// Rewrites the CRC and the checksum of the tag at an offset.
pub(crate) fn seal(bytes: &mut [u8], at: usize) {
    let len = usize::from(u16::from_le_bytes([bytes[at + 10], bytes[at + 11]]));
    let Some(covered) = bytes.get(at + 16..at + 16 + len) else {
        return;
    };
    let mut crc = 0_u16;
    for byte in covered {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x1021
            };
        }
    }
    bytes[at + 8..at + 10].copy_from_slice(&crc.to_le_bytes());
    bytes[at + 4] = 0;
    bytes[at + 4] = bytes[at..at + 16]
        .iter()
        .fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
}

fn short(len: u32, kind: u32, block: u32) -> Vec<u8> {
    let mut bytes = (len | kind << 30).to_le_bytes().to_vec();
    bytes.extend(block.to_le_bytes());
    bytes
}

fn long(len: u32, kind: u32, block: u32) -> Vec<u8> {
    let mut bytes = short(len, kind, block);
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn allocation_descriptors_of_every_form_read() {
    let mut volume = Edited::new();
    let data = volume.block(volume.data_sector);
    let original = pattern(5000);
    volume.set(0, 5000, &short(5000, 0, data));
    assert_eq!(volume.read().expect("short").0, original);
    assert_eq!(volume.hadris(), original);
    volume.set(1, 5000, &long(5000, 0, data));
    assert_eq!(volume.read().expect("long").0, original);
    assert_eq!(volume.hadris(), original);
    // Reversed blocks: a fragmented file.
    volume.set(
        0,
        4096,
        &[short(2048, 0, data + 1), short(2048, 0, data)].concat(),
    );
    let (bytes, extents) = volume.read().expect("fragments");
    assert_eq!(bytes, [&original[2048..4096], &original[..2048]].concat());
    assert_eq!((bytes, extents.len()), (volume.hadris(), 2));
    // In the file entry itself.
    volume.set(3, 300, &original[..300]);
    let (bytes, extents) = volume.read().expect("embedded");
    assert_eq!(bytes, volume.hadris());
    let offset = (volume.icb_sector * SECTOR + 176) as u64;
    assert_eq!(
        extents,
        [Extent {
            image_offset: Some(offset),
            length_bytes: 300
        }]
    );
    // Extended: length, recorded length, information length, address, implementation use.
    let mut extended = 2048_u32.to_le_bytes().repeat(3);
    extended.extend(data.to_le_bytes());
    extended.extend([0; 4]);
    volume.set(2, 2048, &extended);
    assert_eq!(volume.read().expect("extended").0, original[..2048]);
}

#[test]
fn unrecorded_extents_read_as_zeros() {
    let mut volume = Edited::new();
    let data = volume.block(volume.data_sector);
    let original = pattern(5000);
    // Allocated but not recorded (1), not allocated (2), then data.
    volume.set(
        0,
        7048,
        &[short(2048, 1, 900), short(2048, 2, 0), short(2952, 0, data)].concat(),
    );
    let (bytes, extents) = volume.read().expect("sparse");
    assert_eq!(bytes, [&[0; 4096][..], &original[..2952]].concat());
    let hole = Extent {
        image_offset: None,
        length_bytes: 4096,
    };
    assert_eq!(extents[0], hole);
    assert_eq!(extents.len(), 2);
}

#[test]
fn continued_descriptors_are_followed_and_cycles_end() {
    let mut volume = Edited::new();
    let data = volume.block(volume.data_sector);
    let next = volume.block(volume.free_sector);
    let at = volume.free_sector * SECTOR;
    let rest = short(2952, 0, data + 1);
    let extent = &mut volume.bytes[at..at + SECTOR];
    extent[..2].copy_from_slice(&258_u16.to_le_bytes());
    extent[2] = 2;
    extent[10..12].copy_from_slice(&16_u16.to_le_bytes());
    extent[12..16].copy_from_slice(&next.to_le_bytes());
    extent[20..24].copy_from_slice(&8_u32.to_le_bytes());
    extent[24..32].copy_from_slice(&rest);
    seal(&mut volume.bytes, at);
    volume.set(0, 5000, &[short(2048, 0, data), short(2048, 3, next)].concat());
    assert_eq!(volume.read().expect("continued").0, pattern(5000));
    assert_eq!(volume.hadris(), pattern(5000));

    volume.bytes[at + 24..at + 32].copy_from_slice(&short(2048, 3, next));
    seal(&mut volume.bytes, at);
    assert_eq!(volume.read().expect_err("cycle").kind(), ErrorKind::Limit);
}

#[test]
fn files_that_are_not_all_there_are_errors() {
    let mut volume = Edited::new();
    let data = volume.block(volume.data_sector);
    volume.set(0, 5000, &short(2048, 0, data));
    let error = volume.read().expect_err("short allocation");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("2048 bytes allocated"), "{error}");
    volume.set(0, 5000, &short(5000, 0, 0x00ff_ffff));
    assert_eq!(volume.read().expect_err("outside").kind(), ErrorKind::Corrupt);
    volume.set(0, 5000, &short(5000, 0, data));
    volume.bytes[volume.icb_sector * SECTOR + 60] ^= 1;
    let error = volume.read().expect_err("CRC");
    assert!(error.to_string().contains("descriptor CRC"), "{error}");
}
