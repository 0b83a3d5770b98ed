//! Fuzz targets: wim_header, wim_metadata, wim_xml, efs_raw.

use std::io::Cursor;

use wim_apply::apply::{ApplyOptions, Control, loss_report, verify};
use wim_apply::efs_raw::{Piece, Pieces, Scanner};
use wim_apply::layout::{HEADER_BYTES, Header, ResourceHeader};
use wim_apply::{BlobId, Image, Limits, Wim, select};

/// Small limits, so that time goes into paths and not into bytes.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_metadata_bytes = 1 << 20;
    limits.max_chunk_bytes = 1 << 20;
    limits.max_blobs = 1 << 12;
    limits.max_xml_bytes = 1 << 20;
    limits
}

/// Body of the target `wim_header`: a whole file, all that there is to read in it.
pub fn wim_header(data: &[u8]) {
    let Ok(wim) = Wim::open(Cursor::new(data.to_vec()), &limits()) else {
        return;
    };
    let options = ApplyOptions {
        threads: std::num::NonZeroUsize::MIN,
        ..ApplyOptions::default()
    };
    let _ = Control::silent(&wim, |control| verify(&wim, &options, control));
    for number in 0..wim.blobs().len().min(16) {
        let id = BlobId(u32::try_from(number).unwrap_or(0));
        let _ = wim
            .raw_resource(id)
            .map(|raw| raw.map(|raw| raw.chunk_extents(0, 1)));
        if let Ok(mut reader) = wim.open_blob(id) {
            let _ = std::io::Read::read(&mut reader, &mut [0; 64]);
        }
    }
}

/// Body of the target `wim_metadata`: an uncompressed metadata resource.
///
/// # Panics
/// When a part of an image is larger than the image: a finding.
pub fn wim_metadata(data: &[u8]) {
    let Ok(image) = Image::parse_metadata(data, &limits(), &|hash| {
        (hash.0[0] & 1 == 1).then_some((BlobId(u32::from(hash.0[0])), 5))
    }) else {
        return;
    };
    for (id, _) in image.walk(Image::ROOT) {
        // Paths of deep trees are long: not all of them.
        if id.0 < 64 {
            let _ = image.lookup(&image.path_of(id));
        }
    }
    let _ = loss_report(&image, wim_apply::apply::Features::default());
    if let Ok(found) = select(&image, &["**/*a*", "?"], true) {
        let part = image.subset(&found);
        assert!(part.dentries.len() <= image.dentries.len());
    }
}

/// Body of the target `wim_xml`: an XML document in a file that is otherwise right.
///
/// # Panics
/// When the number of images is not that of the header: a finding.
pub fn wim_xml(data: &[u8]) {
    let size_bytes = data.len() as u64;
    let xml = ResourceHeader {
        stored_bytes: size_bytes,
        flags: 2,
        offset: HEADER_BYTES as u64,
        size_bytes,
    };
    let header = Header {
        image_count: 3,
        xml,
        ..Header::default()
    };
    let mut file = header.encode().to_vec();
    file.extend_from_slice(data);
    if let Ok(wim) = Wim::open(Cursor::new(file), &limits()) {
        assert_eq!(wim.images().len(), 3);
        let _ = wim.find_image("1");
        let _ = wim.xml_text();
    }
}

/// Body of the target `efs_raw`: the raw form of an encrypted file, whole and byte by byte; what was read is written
/// and read again.
///
/// # Panics
/// When the two ways differ, or what is written is read as something else: a finding.
pub fn efs_raw(data: &[u8]) {
    let scan = |step: usize| {
        let mut scanner = Scanner::default();
        for bytes in data.chunks(step) {
            scanner.push(bytes)?;
        }
        scanner.finish()
    };
    let whole = scan(data.len().max(1)).map_err(|error| error.to_string());
    let pieces = scan(1 + data.len() % 7).map_err(|error| error.to_string());
    assert_eq!(whole, pieces, "the size of the pieces says nothing");
    let Ok(mut file) = whole else { return };
    // Holes are not told by a scan, and streams of exabytes take long to go through.
    file.streams
        .retain(|stream| stream.size_bytes < 1 << 34 && stream.valid_bytes < 1 << 22);
    for stream in &mut file.streams {
        stream.hole_unit_bytes = 0;
    }
    let mut scanner = Scanner::default();
    for piece in Pieces::new(&file, &[], 4096).expect("metadata that were read") {
        match piece {
            Piece::Header(bytes) => scanner.push(&bytes).expect("a header of our own"),
            Piece::Data { bytes, .. } if bytes <= 1 << 20 => {
                let bytes = vec![0xC1; usize::try_from(bytes).unwrap_or(0)];
                scanner.push(&bytes).expect("data that a header announced");
            }
            Piece::Data { .. } => return,
        }
    }
    assert_eq!(scanner.finish().expect("a raw form of our own"), file);
}
