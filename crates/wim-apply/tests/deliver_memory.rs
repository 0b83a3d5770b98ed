//! The memory that a delivery takes, counted at the allocator. One test: its process has no other.
#![expect(unsafe_code, reason = "an allocator that counts")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sha1::{Digest, Sha1};
use support::{noise, open, options, text, wimlib};
use wim_apply::apply::{
    ApplyOptions, BlobInfo, BlobSink, CompactFormat, Control, DeliverReport, Form, TargetError, Want, deliver,
};
use wim_apply::{BlobId, Wim};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(by: usize) {
    PEAK.fetch_max(NOW.fetch_add(by, Relaxed) + by, Relaxed);
}

// SAFETY: all is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grow(size);
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counts {
    want: Want,
    compact: Vec<u64>,
}

impl BlobSink for Counts {
    fn want(&mut self, _: &BlobInfo) -> Want {
        self.want
    }

    fn begin_blob(&mut self, blob: &BlobInfo, form: Form, _: u64) -> Result<(), TargetError> {
        if form != Form::Decoded {
            self.compact.push(blob.size_bytes);
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        // Slower than any worker with stored bytes: these must not pile up.
        for _ in 0..3 {
            std::hint::black_box(Sha1::digest(bytes));
        }
        Ok(())
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        Ok(())
    }
}

/// The report, the sizes of the blobs that were compact, and the peak in MiB over what was there before.
fn run(wim: &Wim, want: Want, limit_mib: u64) -> (DeliverReport, Vec<u64>, usize) {
    let all: Vec<BlobId> = (0..u32::try_from(wim.blobs().len()).expect("few"))
        .map(BlobId)
        .collect();
    let mut sink = Counts {
        want,
        compact: Vec::new(),
    };
    let options = ApplyOptions {
        memory_limit_bytes: Some(limit_mib << 20),
        ..options(8)
    };
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let report = Control::silent(wim, |control| deliver(wim, &all, &mut sink, &options, control))
        .expect("a right WIM");
    let peak = PEAK.load(Relaxed) - before;
    (report, sink.compact, peak.div_ceil(1 << 20))
}

#[test]
fn stays_within_the_memory_limit() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(&tree).unwrap();
    let mut large = text(1, 60_000);
    while large.len() < 40_000_000 {
        large.extend_from_within(..60_000);
        large.extend(noise(large.len() as u64, 30_000));
    }
    fs::write(tree.join("large"), &large).unwrap();
    fs::write(tree.join("noise"), noise(1, 9_000_000)).unwrap();
    fs::write(tree.join("text"), text(2, 3_000_000)).unwrap();
    let large_bytes = large.len() as u64;
    drop(large);
    let recompress = Want::Compact {
        verbatim: 0,
        recompress: Some(CompactFormat::Xpress8K),
        cluster_bytes: 4096,
        record_bytes: 0,
    };

    let capture = ["capture", "tree", "x.wim", "N", "--no-acls", "--compress=LZX:5"];
    if wimlib(&capture, dir.path()).is_none() {
        return;
    }
    let wim = open(&dir.path().join("x.wim"));
    for (limit_mib, workers) in [(100, 8), (80, 8)] {
        let (report, compact, peak_mib) = run(&wim, recompress, limit_mib);
        println!("LZX, {limit_mib} MiB: {} workers, {peak_mib} MiB", report.workers);
        assert_eq!((report.workers, compact.len()), (workers, 2));
        assert!(peak_mib as u64 <= limit_mib);
    }
    let (_, compact, peak_mib) = run(&wim, recompress, 48);
    assert!(!compact.contains(&large_bytes));
    assert!(peak_mib <= 48, "{peak_mib} MiB");
    drop(wim);

    let capture = [
        "capture",
        "tree",
        "stored.wim",
        "N",
        "--no-acls",
        "--compress=none",
    ];
    if wimlib(&capture, dir.path()).is_none() {
        return;
    }
    let wim = open(&dir.path().join("stored.wim"));
    let (report, _, peak_mib) = run(&wim, Want::Decoded, 24);
    assert_eq!(report.workers, 2);
    assert!(peak_mib <= 24, "{peak_mib} MiB");
    drop(wim);

    // Chunks of 16 MiB: the limit allows as many workers as there is room for.
    let capture = [
        "capture",
        "tree",
        "solid.wim",
        "N",
        "--no-acls",
        "--solid",
        "--solid-compress=LZMS:1",
        "--solid-chunk-size=16M",
    ];
    if wimlib(&capture, dir.path()).is_none() {
        return;
    }
    let wim = open(&dir.path().join("solid.wim"));
    for (want, limit_mib, workers) in [
        (Want::Decoded, 400, 8),
        (Want::Decoded, 85, 2),
        (Want::Decoded, 40, 1),
        (recompress, 150, 2),
    ] {
        let (report, compact, peak_mib) = run(&wim, want, limit_mib);
        println!(
            "solid, {limit_mib} MiB: {} workers, {peak_mib} MiB",
            report.workers
        );
        assert_eq!(report.workers, workers);
        assert_eq!(compact.len(), if want == Want::Decoded { 0 } else { 2 });
        assert!(peak_mib as u64 <= limit_mib, "{peak_mib} of {limit_mib} MiB");
    }
}
