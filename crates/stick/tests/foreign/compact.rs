//! Compact files, read and decoded by others.
//!
//! The raw `WofCompressedData` streams are read by libntfs-3g (wimlib captures them as named streams) and, some of
//! them, by `ntfscat`. A WIM without images is put around them, with the hashes and sizes that the applied image
//! states, and `wimlib-imagex verify` and 7-Zip decode it: both programs' LZX and XPRESS decoders, at the chunk sizes
//! that WOF has.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stick::{Compact, Source, VolumeOptions};
use testkit::manifest::{Manifest, from_ntfs3g, from_wimlib, sha1_hex};
use testkit::samples::generated;
use wim_apply::BlobHash;
use wim_apply::codec::Codec;

use crate::resources::{Resource, wim_around};
use crate::volume::{capture, make};
use crate::volume_options::plain;

const SPARSE_AND_REPARSE: u32 = 0x600;
const STREAM: &str = "sha1:WofCompressedData";

/// A way to store files compact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Xpress4k = 0,
    Lzx = 1,
    Xpress8k = 2,
    Xpress16k = 3,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Xpress4k, Self::Lzx, Self::Xpress8k, Self::Xpress16k];

    fn codec(self) -> (Codec, u32) {
        match self {
            Self::Xpress4k => (Codec::Xpress, 4096),
            Self::Lzx => (Codec::Lzx, 32_768),
            Self::Xpress8k => (Codec::Xpress, 8192),
            Self::Xpress16k => (Codec::Xpress, 16_384),
        }
    }

    /// SHA-1 of the reparse data: `WOF_EXTERNAL_INFO` (version 1, provider 2) and `FILE_PROVIDER_EXTERNAL_INFO_V1`
    /// (version 1, algorithm, flags 0).
    fn reparse_sha1(self) -> String {
        let fields = [1_u32, 2, 1, self as u32];
        sha1_hex(&fields.map(u32::to_le_bytes).concat())
    }
}

/// A compact volume, and what others found on it.
struct Volume {
    path: PathBuf,
    cluster_bytes: u32,
    mft_record_bytes: usize,
    /// What the applied image holds.
    image: Manifest,
    /// Algorithm and raw stream of every compact file.
    compact: BTreeMap<String, (Algorithm, Vec<u8>)>,
}

/// Makes the volume, and lets the checkers, wimlib and 7-Zip judge it. `None` when they may be skipped.
fn judged(file: &str, options: VolumeOptions, dir: &Path) -> Option<Volume> {
    let source = generated("small", file)?;
    let path = dir.join("volume.img");
    let report = make(&source, options, &path);
    testkit::oracles::ntfs_gate(&path);
    let image = from_wimlib(&source, "1")?;
    let mut captured = capture(&path, dir)?;
    let compact = take_compact(
        &image,
        &mut captured.manifest,
        &from_ntfs3g(&path)?,
        &captured.wim,
    );
    // Beside the compact form, everything is as in the image.
    image.assert_same(&captured.manifest, "the image and the compact volume");
    assert!(report.compact_files > 100, "{report:?}");
    for algorithm in Algorithm::ALL {
        decode_elsewhere(&image, &compact, algorithm, dir);
    }
    let cluster_bytes = options.cluster_bytes;
    Some(Volume {
        path,
        cluster_bytes,
        mft_record_bytes: if options.sector_bytes == 4096 { 4096 } else { 1024 },
        image,
        compact,
    })
}

/// The raw stream of every compact file; in the manifest of what was captured, files look as if they were plain.
fn take_compact(
    image: &Manifest,
    captured: &mut Manifest,
    mounted: &Manifest,
    wim: &Path,
) -> BTreeMap<String, (Algorithm, Vec<u8>)> {
    let wim = Source::open(wim).unwrap().wim;
    let mut names = BTreeMap::new();
    for first in mounted.0.values().filter_map(|facts| facts.get("first_link")) {
        *names.entry(first).or_insert(0) += 1;
    }
    let mut compact = BTreeMap::new();
    for (path, facts) in &mut captured.0 {
        let Some(raw_hash) = facts.remove(STREAM) else {
            continue;
        };
        let expected = &image.0[path];
        assert_eq!(
            facts.remove("reparse_tag").as_deref(),
            Some("0x80000017"),
            "{path}"
        );
        let reparse = facts.remove("reparse_sha1");
        let algorithm = Algorithm::ALL
            .into_iter()
            .find(|algorithm| reparse == Some(algorithm.reparse_sha1()));
        let algorithm = algorithm.unwrap_or_else(|| panic!("{path}: no known WOF reparse data"));
        let plain = u32::from_str_radix(&expected["attributes"], 16).unwrap();
        assert_eq!(
            facts["attributes"],
            format!("{:08x}", plain | SPARSE_AND_REPARSE),
            "{path}"
        );
        for fact in ["attributes", "size", "sha1"] {
            facts.insert(fact.into(), expected[fact].clone());
        }
        // wimlib captures every name of a reparse point as a file of its own; ntfs-3g tells which are one, and counts
        // DOS names.
        let first = mounted.0[path].get("first_link");
        let links = first.map_or(1, |first| names[first]);
        facts.insert("links".into(), links.to_string());
        facts.extend(first.map(|first| ("first_link".to_owned(), first.clone())));
        let blob = wim.blob_by_hash(&parse(&raw_hash)).unwrap();
        let mut raw = Vec::new();
        wim.open_blob(blob).unwrap().read_to_end(&mut raw).unwrap();
        assert_eq!(sha1_hex(&raw), raw_hash);
        compact.insert(path.clone(), (algorithm, raw));
    }
    compact
}

fn parse(hash: &str) -> BlobHash {
    let mut bytes = [0; 20];
    for (byte, digits) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    BlobHash(bytes)
}

/// wimlib and 7-Zip decode all streams of one algorithm to what the image holds, and see a changed bit.
fn decode_elsewhere(
    image: &Manifest,
    compact: &BTreeMap<String, (Algorithm, Vec<u8>)>,
    algorithm: Algorithm,
    dir: &Path,
) {
    let mut resources = BTreeMap::new();
    for (path, (_, raw)) in compact.iter().filter(|(_, (found, _))| *found == algorithm) {
        let resource = Resource {
            raw: raw.clone(),
            size_bytes: image.0[path]["size"].parse().unwrap(),
            hash: parse(&image.0[path]["sha1"]),
        };
        // Files with the same content share a blob, and have the same stream.
        let hash = resource.hash;
        if let Some(other) = resources.insert(hash, resource) {
            assert_eq!(other.raw, *raw, "{path}");
        }
    }
    if resources.is_empty() {
        return;
    }
    let mut resources: Vec<Resource> = resources.into_values().collect();
    let (codec, chunk_bytes) = algorithm.codec();
    let path = dir.join(format!("{algorithm:?}.wim"));
    std::fs::write(&path, wim_around(&resources, codec, chunk_bytes)).unwrap();
    assert_eq!(wimlib_decodes(&path), Ok(()));
    assert_eq!(seven_zip_decodes(&path, resources.len()), Ok(()));

    let last = resources.last_mut().unwrap();
    last.hash.0[0] ^= 1;
    std::fs::write(&path, wim_around(&resources, codec, chunk_bytes)).unwrap();
    assert!(wimlib_decodes(&path).is_err(), "wimlib compares no hash");
    assert!(
        seven_zip_decodes(&path, resources.len()).is_err(),
        "7-Zip compares no hash"
    );
    std::fs::remove_file(&path).unwrap();
}

const LIMIT: Duration = Duration::from_secs(120);

/// Decodes every blob and compares its hash.
fn wimlib_decodes(wim: &Path) -> Result<(), String> {
    let mut command = testkit::tool("wimlib-imagex").unwrap();
    let text = testkit::run_for(command.arg("verify").arg(wim), LIMIT)?;
    text.contains("was successfully verified")
        .then_some(())
        .ok_or(text)
}

/// Decodes every blob, `count` of them, and compares its hash.
fn seven_zip_decodes(wim: &Path, count: usize) -> Result<(), String> {
    let Some(mut command) = testkit::tool("7z") else {
        return Ok(());
    };
    let text = testkit::run_for(command.arg("t").arg(wim), LIMIT)?;
    // The XML is shown as one file more.
    let files = format!("Files: {}\n", count + 1);
    (text.contains("Everything is Ok") && text.contains(&files))
        .then_some(())
        .ok_or(text)
}

impl Volume {
    fn clusters(&self, size_bytes: u64) -> u64 {
        size_bytes.div_ceil(u64::from(self.cluster_bytes))
    }
}

/// Every compact file saves a cluster; what lies in the record takes none.
fn assert_each_saves_a_cluster(volume: &Volume) {
    for (path, (_, raw)) in &volume.compact {
        let size_bytes: u64 = volume.image.0[path]["size"].parse().unwrap();
        let in_record = raw.len() + 128 < volume.mft_record_bytes;
        let saves = volume.clusters(raw.len() as u64) < volume.clusters(size_bytes);
        assert!(saves || in_record, "{path}: {size_bytes} as {}", raw.len());
    }
}

/// Files of one cluster are compact where their compressed stream lies in the record; those that the boot loader
/// reads are not.
fn assert_small_files_lie_in_records(volume: &Volume) {
    let small: Vec<&String> = (volume.compact.keys())
        .filter(|path| {
            volume.image.0[*path]["size"]
                .parse()
                .is_ok_and(|size| volume.clusters(size) == 1)
        })
        .collect();
    assert!(small.len() > 100, "{}", small.len());
    let critical = ["windows/system32/drivers/", "windows/inf/", "windows/boot/"];
    for path in small {
        let lower = path.to_lowercase();
        assert!(!critical.iter().any(|prefix| lower.starts_with(prefix)), "{path}");
    }
}

/// Whether a file must be plain, by the list in the image's own `WimBootCompress.ini`, or since Windows writes to it
/// before its filter is up.
fn must_be_plain(path: &str) -> bool {
    let path = path.to_lowercase();
    let prefixes = [
        "windows/system32/config/",
        "windows/system32/drivers/partmgr.sys",
        "windows/system32/winload.",
        "windows/system32/wtgctl-boot-proof.txt",
        "users/default/ntuser.dat",
    ];
    prefixes.iter().any(|prefix| path.starts_with(prefix))
}

/// What must be plain is plain, and is there.
fn assert_boot_files_are_plain(volume: &Volume) {
    let must = volume.image.0.keys().filter(|path| must_be_plain(path));
    let compact: Vec<&String> = must.filter(|path| volume.compact.contains_key(*path)).collect();
    assert_eq!(compact, Vec::<&String>::new());
    for path in ["Windows/System32/config/SYSTEM", "Windows/System32/winload.efi"] {
        assert!(
            volume.clusters(volume.image.0[path]["size"].parse().unwrap()) > 1,
            "{path}"
        );
    }
}

fn algorithms(volume: &Volume) -> BTreeSet<Algorithm> {
    volume.compact.values().map(|(algorithm, _)| *algorithm).collect()
}

/// `ntfscat` reads the same raw streams as wimlib did.
fn assert_ntfscat_agrees(volume: &Volume) {
    for (path, (_, raw)) in volume.compact.iter().step_by(40) {
        let Some(mut command) = testkit::tool("ntfscat") else {
            return;
        };
        command.args(["-n", "WofCompressedData"]).arg(&volume.path);
        let read = testkit::run(command.arg(format!("/{path}"))).stdout;
        assert_eq!(sha1_hex(&read), sha1_hex(raw), "{path}");
    }
}

/// The LZX resources of the WIM lie on the volume as they are, wherever that saves a cluster.
#[test]
fn auto_takes_lzx_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let Some(volume) = judged("install.wim", with(Compact::Auto), dir.path()) else {
        return;
    };
    assert_boot_files_are_plain(&volume);
    assert_each_saves_a_cluster(&volume);
    assert_small_files_lie_in_records(&volume);
    assert_ntfscat_agrees(&volume);
    let source = Source::open(&generated("small", "install.wim").unwrap()).unwrap();
    let file = std::fs::read(&source.path).unwrap();
    // Files of one content are stored alike: one that must be plain makes the others plain.
    let plain: BTreeSet<&String> = (volume.image.0.iter())
        .filter(|(path, _)| must_be_plain(path))
        .filter_map(|(_, facts)| facts.get("sha1"))
        .collect();
    let mut verbatim = 0;
    for (path, facts) in &volume.image.0 {
        let (Some(hash), Some(size_bytes)) = (facts.get("sha1"), facts.get("size")) else {
            continue;
        };
        let Some(blob) = source.wim.blob_by_hash(&parse(hash)) else {
            continue;
        };
        let blob = source.wim.blob(blob).unwrap();
        let (stored, size_bytes) = (blob.stored_bytes().unwrap(), size_bytes.parse::<u64>().unwrap());
        match volume.compact.get(path) {
            Some((Algorithm::Lzx, raw)) => {
                let at = blob.offset() as usize;
                assert!(
                    file[at..at + stored as usize] == raw[..],
                    "{path} is not verbatim"
                );
                verbatim += 1;
            }
            Some((other, _)) => panic!("{path}: {other:?}, and the WIM has it as LZX"),
            // A file stored sparse has no use for it.
            None => assert!(
                volume.clusters(stored) >= volume.clusters(size_bytes)
                    || plain.contains(hash)
                    || facts["attributes"] == "00000220",
                "{path}: {size_bytes} bytes are plain, and {stored} were to be had"
            ),
        }
    }
    assert!(verbatim > 400, "{verbatim}");
}

#[test]
fn xpress_4k() {
    one_algorithm("install.wim", with(Compact::Xpress4k), Algorithm::Xpress4k);
}

#[test]
fn xpress_8k() {
    one_algorithm("install.wim", with(Compact::Xpress8k), Algorithm::Xpress8k);
}

#[test]
fn xpress_16k() {
    one_algorithm("install.wim", with(Compact::Xpress16k), Algorithm::Xpress16k);
}

/// A solid resource has nothing to be taken as it is.
#[test]
fn auto_from_an_esd() {
    one_algorithm("install.esd", with(Compact::Auto), Algorithm::Xpress4k);
}

#[test]
fn lzx() {
    one_algorithm("install.wim", with(Compact::Lzx), Algorithm::Lzx);
}

#[test]
fn lzx_from_an_esd() {
    one_algorithm("install.esd", with(Compact::Lzx), Algorithm::Lzx);
}

#[test]
fn small_clusters() {
    let options = VolumeOptions {
        cluster_bytes: 512,
        ..with(Compact::Auto)
    };
    one_algorithm("install.wim", options, Algorithm::Lzx);
}

#[test]
fn large_clusters_and_sectors() {
    let options = VolumeOptions {
        cluster_bytes: 65_536,
        sector_bytes: 4096,
        ..with(Compact::Xpress16k)
    };
    one_algorithm("install.wim", options, Algorithm::Xpress16k);
}

fn with(compact: Compact) -> VolumeOptions {
    VolumeOptions { compact, ..plain() }
}

fn one_algorithm(file: &str, options: VolumeOptions, algorithm: Algorithm) {
    let dir = tempfile::tempdir().unwrap();
    let Some(volume) = judged(file, options, dir.path()) else {
        return;
    };
    assert_eq!(algorithms(&volume), BTreeSet::from([algorithm]));
    assert_boot_files_are_plain(&volume);
    assert_each_saves_a_cluster(&volume);
    assert_ntfscat_agrees(&volume);
}
