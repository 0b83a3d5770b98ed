//! Compressed and solid resources: files that wimlib made, then damaged.

use std::path::Path;

use wim_apply::layout::{BlobEntry, HEADER_BYTES, Header};

use crate::Verdict::{Refused, Taken};
use crate::support::{text, wimlib};
use crate::{Case, case, judge};

/// Captures one file of 20,000 bytes.
fn captured(dir: &Path, args: &[&str]) -> Option<Vec<u8>> {
    std::fs::create_dir_all(dir.join("tree")).unwrap();
    std::fs::write(dir.join("tree/file"), text(1, 20_000)).unwrap();
    wimlib(
        &[&["capture", "tree", "x.wim", "N", "--no-acls"], args].concat(),
        dir,
    )?;
    Some(std::fs::read(dir.join("x.wim")).unwrap())
}

/// Entries of the blob table, and where each lies.
fn table(file: &[u8]) -> Vec<(usize, BlobEntry)> {
    let header = Header::decode(file.first_chunk().unwrap()).unwrap();
    let start = usize::try_from(header.blob_table.offset).unwrap();
    let end = start + usize::try_from(header.blob_table.size_bytes).unwrap();
    (start..end)
        .step_by(BlobEntry::SIZE)
        .map(|at| (at, BlobEntry::decode(file[at..].first_chunk().unwrap())))
        .collect()
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn chunk_tables() {
    let dir = tempfile::tempdir().unwrap();
    for codec in ["--compress=XPRESS", "--compress=LZX", "--compress=LZMS"] {
        let Some(file) = captured(dir.path(), &[codec, "--chunk-size=32K", "--check"]) else {
            return;
        };
        judge(vec![case("sound", Taken, file.clone())]);
        let mut integrity = file.clone();
        let header = Header::decode(file.first_chunk().unwrap()).unwrap();
        integrity[usize::try_from(header.integrity.offset).unwrap() + 14] ^= 1;
        judge(vec![case("an integrity table that is wrong", Refused, integrity)]);
    }
    let Some(file) = captured(dir.path(), &["--compress=XPRESS", "--chunk-size=4K"]) else {
        return;
    };
    let (_, blob) = table(&file)
        .into_iter()
        .find(|(_, e)| !e.resource.is_metadata())
        .unwrap();
    let at = usize::try_from(blob.resource.offset).unwrap();
    // Five chunks, so four offsets, then the chunks.
    let with = |name, verdict, offset: usize, value: u32| -> Case {
        let mut file = file.clone();
        put(&mut file, at + offset, &value.to_le_bytes());
        case(name, verdict, file)
    };
    let first = u32::from_le_bytes(*file[at..].first_chunk().unwrap());
    judge(vec![
        with("as it was", Taken, 0, first),
        with("a chunk of no bytes", Refused, 0, 0),
        with("a chunk that begins after the next", Refused, 0, 1 << 20),
        with("offsets beyond the resource", Refused, 12, u32::MAX),
        with("a chunk longer than what it holds", Refused, 4, 10_000),
        // wimlib's corrupted_file_2.
        with("code lengths that are no code", Refused, 16 + 40, u32::MAX),
    ]);
}

#[test]
fn solid_resources() {
    let dir = tempfile::tempdir().unwrap();
    let args = [
        "--solid",
        "--solid-compress=XPRESS",
        "--solid-chunk-size=4K",
        "--compress=none",
    ];
    let Some(file) = captured(dir.path(), &args) else {
        return;
    };
    let entries = table(&file);
    let magic = 1_u64 << 32;
    let (resource_at, resource) = *entries
        .iter()
        .find(|(_, e)| e.resource.size_bytes == magic)
        .unwrap();
    let (blob_at, blob) = *entries
        .iter()
        .find(|(_, e)| e.resource.is_solid() && e.resource.size_bytes != magic)
        .unwrap();
    let at = usize::try_from(resource.resource.offset).unwrap();
    let in_resource = |name, verdict, offset: usize, bytes: &[u8]| {
        let mut file = file.clone();
        put(&mut file, at + offset, bytes);
        case(name, verdict, file)
    };
    let in_table = |name, verdict, at: usize, change: &dyn Fn(&mut BlobEntry)| {
        let mut file = file.clone();
        let mut entry = BlobEntry::decode(file[at..].first_chunk().unwrap());
        change(&mut entry);
        put(&mut file, at, &entry.encode());
        case(name, verdict, file)
    };
    assert_eq!(blob.resource.offset, 0);
    let mut older = file.clone();
    put(&mut older, 12, &0x10d00_u32.to_le_bytes());
    judge(vec![
        case("sound", Taken, file.clone()),
        case("version of files that are not solid", Refused, older),
        in_resource("shorter than its blobs", Refused, 0, &10_u64.to_le_bytes()),
        in_resource("longer than its chunks", Refused, 0, &(1_u64 << 50).to_le_bytes()),
        in_resource("chunk size 3000", Refused, 8, &3000_u32.to_le_bytes()),
        in_resource("chunk size 0", Refused, 8, &[0; 4]),
        in_resource("format 7", Refused, 12, &7_u32.to_le_bytes()),
        in_resource("the format of another codec", Refused, 12, &2_u32.to_le_bytes()),
        in_resource("a chunk of no bytes", Refused, 16, &[0; 4]),
        in_resource("a chunk beyond the end", Refused, 16, &u32::MAX.to_le_bytes()),
        in_table("a blob beyond the resource", Refused, blob_at, &|e| {
            e.resource.offset = 1 << 30;
        }),
        in_table("a blob whose end overflows", Refused, blob_at, &|e| {
            e.resource.offset = u64::MAX;
        }),
        in_table("a resource beyond the end", Refused, resource_at, &|e| {
            e.resource.offset = 1 << 40;
        }),
        in_table("a resource that is not compressed", Taken, resource_at, &|e| {
            e.resource.flags = 0x10;
        }),
    ]);
}

#[test]
fn kinds_of_files_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["--pipable"][..], &["--solid"], &["--check"]] {
        let Some(file) = captured(dir.path(), args) else {
            return;
        };
        assert!(file.len() > HEADER_BYTES * 4);
        judge(vec![
            case("sound", Taken, file.clone()),
            case("half", Refused, file[..file.len() / 2].to_vec()),
            case("a byte is missing", Refused, file[..file.len() - 1].to_vec()),
            case("only a header", Refused, file[..HEADER_BYTES].to_vec()),
        ]);
    }
}
