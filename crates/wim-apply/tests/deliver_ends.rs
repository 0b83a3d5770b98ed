//! Deliveries that end before the end: the sink, the caller or the source stops them at every place there is. Each
//! ends with the right error, and none waits for ever.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

mod support;

use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use support::{noise, options, text, wimlib};
use wim_apply::apply::{
    ApplyOptions, BlobInfo, BlobSink, CompactFormat, Control, Form, ParallelSink, TargetError, Want, deliver,
    verify,
};
use wim_apply::{BlobId, Error, ErrorKind, Limits, Wim};

/// One file of each kind: resources of their own, solid chunks, nothing compressed, chunks for a pipe.
fn files() -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for (number, size) in (0_u32..).zip([1, 4000, 40_000, 600_000]) {
        fs::write(tree.join(format!("{number}")), text(number, size)).unwrap();
    }
    fs::write(tree.join("noise"), noise(7, 530_000)).unwrap();
    let kinds: [&[&str]; 4] = [
        &["--compress=XPRESS", "--chunk-size=16K"],
        &["--solid", "--solid-compress=XPRESS", "--solid-chunk-size=64K"],
        &["--compress=none"],
        &["--compress=XPRESS", "--pipable"],
    ];
    let captured = |args: &[&str]| {
        wimlib(
            &[&["capture", "tree", "x.wim", "N", "--no-acls"], args].concat(),
            dir.path(),
        )?;
        Some(fs::read(dir.path().join("x.wim")).unwrap())
    };
    kinds.into_iter().filter_map(captured).collect()
}

/// The result of `body`, which must not take long.
fn in_time<T: Send + 'static>(what: String, body: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)));
    });
    match receiver.recv_timeout(Duration::from_secs(30)) {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("{what} hangs"),
    }
}

/// Where a delivery is ended: at this call of its kind, counted from 0.
#[derive(Clone, Default)]
struct Fuse {
    at: usize,
    calls: Arc<AtomicUsize>,
}

impl Fuse {
    fn at(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    fn burns(&self) -> bool {
        self.calls.fetch_add(1, Ordering::Relaxed) == self.at
    }

    fn check(&self) -> Result<(), TargetError> {
        if self.burns() {
            Err("no space left".into())
        } else {
            Ok(())
        }
    }
}

struct Sink {
    fuse: Fuse,
    want: Want,
    is_parallel: bool,
}

impl ParallelSink for Fuse {
    fn put(&self, _: &BlobInfo, _: u64, _: &[u8]) -> Result<(), TargetError> {
        self.check()
    }
}

impl BlobSink for Sink {
    fn want(&mut self, _: &BlobInfo) -> Want {
        self.want
    }

    fn parallel(&self) -> Option<Arc<dyn ParallelSink>> {
        self.is_parallel.then(|| Arc::new(self.fuse.clone()) as _)
    }

    fn begin_blob(&mut self, _: &BlobInfo, _: Form, _: u64) -> Result<(), TargetError> {
        self.fuse.check()
    }

    fn data(&mut self, _: &[u8]) -> Result<(), TargetError> {
        self.fuse.check()
    }

    fn end_blob(&mut self, _: &BlobInfo) -> Result<(), TargetError> {
        self.fuse.check()
    }
}

const RECOMPRESS: Want = Want::Compact {
    verbatim: 0xf,
    recompress: Some(CompactFormat::Xpress4K),
    cluster_bytes: 4096,
    record_bytes: 0,
};

fn run(wim: &Wim, sink: &mut Sink, options: &ApplyOptions, interrupt: &Fuse) -> Result<(), Error> {
    let all: Vec<BlobId> = (0..wim.blobs().len())
        .map(|id| BlobId(u32::try_from(id).unwrap()))
        .collect();
    let interrupted = AtomicBool::new(false);
    let mut control = Control {
        interrupt: &interrupted,
        progress: &mut |_| interrupted.store(interrupt.burns(), Ordering::Relaxed),
        paths: &|_| Vec::new(),
    };
    deliver(wim, &all, sink, options, &mut control).map(|_| ())
}

/// No end at all.
const NEVER: usize = usize::MAX;

/// More workers than jobs, and one with next to no memory.
fn settings() -> [ApplyOptions; 2] {
    let narrow = ApplyOptions {
        memory_limit_bytes: Some(1 << 20),
        ..options(9)
    };
    [options(9), narrow]
}

#[test]
fn with_the_sink_at_every_call_and_with_the_caller_at_every_report() {
    for (kind, file) in files().into_iter().enumerate() {
        let wim = Arc::new(Wim::open(Cursor::new(file), &Limits::default()).unwrap());
        let ways = [(Want::Decoded, false), (Want::Decoded, true), (RECOMPRESS, false)];
        for (options, (want, is_parallel)) in settings().into_iter().flat_map(|o| ways.map(|way| (o, way))) {
            let end = |call: Fuse, report: Fuse| {
                let wim = Arc::clone(&wim);
                let what = format!(
                    "file {kind}, {want:?}, ended at call {}, report {}",
                    call.at, report.at
                );
                in_time(what, move || {
                    let mut sink = Sink {
                        fuse: call,
                        want,
                        is_parallel,
                    };
                    run(&wim, &mut sink, &options, &report)
                })
            };
            let (calls, reports) = (Fuse::at(NEVER), Fuse::at(NEVER));
            end(calls.clone(), reports.clone()).unwrap();
            let (calls, reports) = (
                calls.calls.load(Ordering::Relaxed),
                reports.calls.load(Ordering::Relaxed),
            );
            assert!(calls > 5 && reports > 5);
            for at in 0..calls {
                let error = end(Fuse::at(at), Fuse::at(NEVER)).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Target, "{error}");
            }
            // After the last report nothing is left to interrupt.
            for at in 0..reports - 1 {
                match end(Fuse::at(NEVER), Fuse::at(at)) {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}"),
                    // The workers were done.
                    Ok(()) => assert!(is_parallel || at + 2 >= reports),
                }
            }
        }
    }
}

/// A source whose reads fail, end too early, or panic from one on.
struct Failing {
    file: Cursor<Vec<u8>>,
    fuse: Fuse,
    is_on: Arc<AtomicBool>,
    how: Failure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Error,
    End,
    Panic,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let burns = self.is_on.load(Ordering::Relaxed) && self.fuse.burns();
        match self.how {
            Failure::Error if burns => Err(std::io::Error::other("a bad sector")),
            Failure::End if burns => Ok(0),
            Failure::Panic if burns => panic!("a reader with a bug"),
            _ => self.file.read(buffer),
        }
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn with_the_source_at_every_read() {
    for (kind, file) in files().into_iter().enumerate() {
        for how in [Failure::Error, Failure::End, Failure::Panic] {
            let end = |fuse: Fuse, is_verified: bool| {
                let what = format!("file {kind}, {how:?} at read {}", fuse.at);
                let file = file.clone();
                in_time(what, move || {
                    let is_on = Arc::new(AtomicBool::new(false));
                    let source = Failing {
                        file: Cursor::new(file),
                        fuse,
                        is_on: Arc::clone(&is_on),
                        how,
                    };
                    let wim = Wim::open(source, &Limits::default()).unwrap();
                    is_on.store(true, Ordering::Relaxed);
                    let body = || {
                        if is_verified {
                            return Control::silent(&wim, |control| verify(&wim, &options(3), control))
                                .map(|_| ());
                        }
                        let mut sink = Sink {
                            fuse: Fuse::at(NEVER),
                            want: RECOMPRESS,
                            is_parallel: false,
                        };
                        run(&wim, &mut sink, &options(3), &Fuse::at(NEVER))
                    };
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body))
                })
            };
            for is_verified in [false, true] {
                let reads = Fuse::at(NEVER);
                end(reads.clone(), is_verified).unwrap().unwrap();
                let reads = reads.calls.load(Ordering::Relaxed);
                assert!(reads > 3, "{reads}");
                for at in 0..reads {
                    match end(Fuse::at(at), is_verified) {
                        Ok(Err(error)) => assert_eq!(error.kind(), ErrorKind::Io, "{how:?}: {error}"),
                        Err(_) => assert_eq!(how, Failure::Panic),
                        Ok(Ok(())) => panic!("file {kind}: {how:?} at read {at} of {reads} is not noticed"),
                    }
                }
            }
        }
    }
}
