//! `sector_copy/ours` against `sector_copy/dd`: 64 MiB of data to a file, synced. `fat_write/ours`: the same bytes as
//! 3,000 files on a FAT32 volume.

#![allow(missing_docs, reason = "a benchmark has no interface")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the peer is a program")]

use std::fs::File;
use std::io::Cursor;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use criterion::{Criterion, Throughput};
use partitioner::copy::{CopyOptions, copy_image, data_ranges};
use partitioner::device::{FileRequest, Host, Target};
use partitioner::fat32::{Attributes, Content, FatBuilder, FatSpec, FatTime};

const IMAGE_BYTES: u64 = 64 << 20;
const FILES: u64 = 3000;

fn sector_copy(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let bytes: Vec<u8> = (0..IMAGE_BYTES).map(|i| (i * 7 % 251) as u8 + 1).collect();
    std::fs::write(&from, &bytes).unwrap();
    let go_on = AtomicBool::new(false);
    let options = CopyOptions {
        verify: false,
        fit_gpt: false,
        interrupt: &go_on,
    };
    let ours = || {
        let mut source = File::open(&from).unwrap();
        let ranges = data_ranges(&source, IMAGE_BYTES).unwrap();
        let request = FileRequest {
            path: &to,
            size_bytes: IMAGE_BYTES,
            force: true,
            sources: &[],
        };
        let mut target = Target::open_file(&Host::default(), &request).unwrap();
        copy_image(&mut source, &ranges, &mut target, &options, &mut |_| {}).unwrap();
        target.finish().unwrap();
    };
    let dd = || {
        let output = Command::new("dd")
            .arg(format!("if={}", from.display()))
            .arg(format!("of={}", to.display()))
            .args(["bs=1M", "conv=fsync", "status=none"])
            .output()
            .unwrap();
        assert!(output.status.success());
    };
    for run in [&ours as &dyn Fn(), &dd] {
        run();
        assert!(std::fs::read(&to).unwrap() == bytes);
    }
    let mut group = criterion.benchmark_group("sector_copy");
    group.sample_size(10).throughput(Throughput::Bytes(IMAGE_BYTES));
    group.bench_function("ours", |b| b.iter(ours));
    group.bench_function("dd", |b| b.iter(dd));
    group.finish();
}

fn fat_write(criterion: &mut Criterion) {
    let content = vec![7; (IMAGE_BYTES / FILES) as usize];
    let mut group = criterion.benchmark_group("fat_write");
    group.sample_size(10).throughput(Throughput::Bytes(IMAGE_BYTES));
    let mut volume = Cursor::new(vec![0; 128 << 20]);
    group.bench_function("ours", |b| {
        b.iter(|| {
            let mut builder = FatBuilder::new(FatSpec {
                size_bytes: 128 << 20,
                sector_bytes: 512,
                hidden_sectors: 0,
                volume_id: 1,
                label: "BENCH".into(),
                time: FatTime::MIN,
            })
            .unwrap();
            for key in 0..FILES {
                let keyed = Content::Keyed {
                    key,
                    size_bytes: content.len() as u64,
                };
                builder
                    .add_file(
                        &format!("d/file with a long name {key}.dat"),
                        keyed,
                        Attributes::ARCHIVE,
                        FatTime::MIN,
                    )
                    .unwrap();
            }
            let plan = builder.plan().unwrap();
            plan.write(&mut volume, |_| Ok(content.as_slice())).unwrap();
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    sector_copy(&mut criterion);
    fat_write(&mut criterion);
    criterion.final_summary();
}
