//! Volumes with a bit of everything for the NTFS targets, and small inputs that change a few bytes of them: a whole
//! volume is too large for a fuzzer to change with effect.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::Cursor;

use ntfs_image::{
    CompactFormat, Content, DosNames, NodeId, NodeSpec, NtfsBuilder, ReparsePoint, StreamForm, StreamKey,
    StreamSpec, VolumeSpec, upcase_bytes,
};

/// A unit that an input addresses.
const SECTOR_BYTES: usize = 512;
/// The smallest that the builder makes.
const VOLUME_BYTES: u64 = 32 << 20;

struct Volume {
    bytes: Vec<u8>,
    /// Offsets of the sectors that hold structure: neither zero nor filler nor the table of upper case.
    sectors: Vec<usize>,
}

thread_local! {
    static VOLUMES: RefCell<[Volume; 2]> = RefCell::new([
        Volume::new(512, 1024, 512),
        Volume::new(4096, 4096, 4096),
    ]);
}

/// Calls `body` with a volume that differs from a sound one by what `input` says, or with the input itself if it looks
/// like a volume.
///
/// The first byte chooses the volume. Each change is two bytes for the sector, two for the place in it (9 bits) and the
/// count of bytes (3 bits), then those bytes.
pub(crate) fn with_changed(input: &[u8], body: impl FnOnce(&[u8])) {
    if input.get(3..7) == Some(b"NTFS") {
        return body(input);
    }
    let Some((choice, mut rest)) = input.split_first() else {
        return;
    };
    VOLUMES.with_borrow_mut(|volumes| {
        let volume = &mut volumes[usize::from(choice & 1)];
        let mut before = Vec::new();
        while let Some(([s0, s1, p0, p1], more)) = rest.split_first_chunk::<4>() {
            let sector = usize::from(u16::from_le_bytes([*s0, *s1])) % volume.sectors.len();
            let place = u16::from_le_bytes([*p0, *p1]);
            let at = volume.sectors[sector] + usize::from(place) % SECTOR_BYTES;
            let count = (usize::from(place >> 9) % 8 + 1).min(more.len());
            let (new, more) = more.split_at(count);
            rest = more;
            let end = (at + count).min(volume.bytes.len());
            before.push((at, volume.bytes[at..end].to_vec()));
            volume.bytes[at..end].copy_from_slice(&new[..end - at]);
        }
        body(&volume.bytes);
        for (at, old) in before.into_iter().rev() {
            volume.bytes[at..at + old.len()].copy_from_slice(&old);
        }
    });
}

impl Volume {
    fn new(sector_bytes: u32, mft_record_bytes: u32, cluster_bytes: u32) -> Self {
        let bytes = build(VolumeSpec {
            sector_bytes,
            mft_record_bytes,
            cluster_bytes,
            dos_names: DosNames::Generate,
            label: "fuzz".encode_utf16().collect(),
            ..VolumeSpec::new(VOLUME_BYTES)
        });
        let upcase = upcase_bytes();
        let filler: HashSet<&[u8]> = upcase
            .chunks_exact(SECTOR_BYTES)
            .chain([
                [0; SECTOR_BYTES].as_slice(),
                &[0xff; SECTOR_BYTES],
                &[DATA; SECTOR_BYTES],
            ])
            .collect();
        let sectors = (0..bytes.len())
            .step_by(SECTOR_BYTES)
            .filter(|at| !filler.contains(&bytes[*at..at + SECTOR_BYTES]))
            .collect();
        Self { bytes, sectors }
    }
}

/// The byte that fills streams.
const DATA: u8 = b'd';

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn data(size_bytes: usize) -> Content {
    Content::Bytes(vec![DATA; size_bytes])
}

/// The volume itself: every kind of attribute and of index, few files.
fn build(spec: VolumeSpec) -> Vec<u8> {
    let mut builder = NtfsBuilder::new(spec);
    let root = builder.root();
    for (name, size_bytes) in [("empty", 0), ("resident", 100), ("outside", 9000)] {
        builder.add(root, name, NodeSpec::file(data(size_bytes)));
    }
    let folder = builder.add(root, "a folder with an index of its own", NodeSpec::directory());
    let linked = builder.add_node(NodeSpec::file(data(2000)));
    for number in 0..30 {
        let name = units(&format!(
            "link {number} with a name that takes some room in the record"
        ));
        builder.add_name(folder, linked, &name, None);
    }
    streams(&mut builder, root);
    extras(&mut builder, root);
    let (key, size_bytes) = (StreamKey(1), 40_000);
    let content = Content::Keyed { key, size_bytes };
    builder.add(root, "compact", NodeSpec::file(content));
    // A table of four offsets, then five chunks.
    let mut packed: Vec<u8> = (1..5_u32)
        .flat_map(|chunk| (chunk * 1000).to_le_bytes())
        .collect();
    packed.resize(16 + 5000, DATA);
    let mut writer = builder.writer(Cursor::new(Vec::new())).expect("a plan");
    writer
        .begin_stream(
            key,
            StreamForm::Compact(CompactFormat::Xpress8K),
            packed.len() as u64,
        )
        .expect("a stream of the plan");
    writer.write(&packed).expect("room");
    writer.end_stream().expect("the stream's end");
    let (volume, _) = writer.finish().expect("a volume");
    volume.into_inner()
}

fn streams(builder: &mut NtfsBuilder, root: NodeId) {
    let mut directory = NodeSpec::directory();
    directory
        .streams
        .push(StreamSpec::named(units("of a directory"), data(700)));
    builder.add(root, "directory with a stream", directory);
    let mut holes = vec![0; 600_000];
    holes[200_000] = DATA;
    holes[400_000] = DATA;
    let mut sparse = StreamSpec::unnamed(Content::Bytes(holes));
    sparse.sparse = true;
    let mut many = NodeSpec {
        streams: vec![sparse],
        ..NodeSpec::default()
    };
    // More than a record holds.
    for number in 0..20 {
        let name = units(&format!("stream number {number} with a name of some length"));
        many.streams.push(StreamSpec::named(name, data(number * 40)));
    }
    builder.add(root, "sparse", many);
}

fn extras(builder: &mut NtfsBuilder, root: NodeId) {
    let mut target = vec![0, 0, 14, 0, 16, 0, 6, 0];
    for text in ["\\??\\C:\\\0", "C:\\\0"] {
        target.extend(units(text).iter().flat_map(|unit| unit.to_le_bytes()));
    }
    for (name, tag, data) in [
        ("junction", 0xA000_0003, target),
        ("cloud", 0x9000_001A, vec![1; 60]),
    ] {
        let mut node = NodeSpec::directory();
        node.reparse = Some(ReparsePoint {
            tag,
            reserved: 0,
            data: data.into(),
        });
        builder.add(root, name, node);
    }
    for number in 0..3 {
        let mut node = NodeSpec::file(data(10));
        node.object_id = Some(vec![number + 1; 16]);
        node.metadata.security = Some(builder.add_security_descriptor(&descriptor(number)));
        // One attribute: next 0, no flags, a name of 4 bytes, a value of 3.
        node.extended_attributes = Some(b"\0\0\0\0\0\x04\x03\0NAME\0abc".to_vec());
        builder.add(root, &format!("owned {number}"), node);
    }
}

/// A self-relative descriptor: an owner, a group, no lists.
fn descriptor(number: u8) -> Vec<u8> {
    let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, number];
    let mut descriptor = vec![1, 0, 0, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    descriptor.extend(sid);
    descriptor.extend(sid);
    descriptor
}

#[cfg(test)]
mod tests {
    use super::with_changed;
    use ntfs_image::Limits;

    #[test]
    fn unchanged_volumes_are_sound() {
        for choice in [0, 1] {
            with_changed(&[choice], |volume| {
                let report = ntfs_image::check::check(std::io::Cursor::new(volume), &Limits::default());
                assert!(report.findings.is_empty(), "{:?}", report.findings);
            });
        }
    }

    #[test]
    fn changes_are_undone() {
        let mut first = Vec::new();
        with_changed(&[0], |volume| first = volume.to_vec());
        with_changed(
            &[0, 5, 0, 200, 15, 1, 2, 3, 4, 5, 6, 7, 8, 5, 0, 200, 1, 9],
            |volume| {
                assert!(volume != first.as_slice());
            },
        );
        with_changed(&[0], |volume| assert!(volume == first.as_slice()));
    }
}
