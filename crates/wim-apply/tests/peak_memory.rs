//! The memory that whole processes take, by the kernel's count, on a Windows-like image: the large sample when it
//! is there, the small one otherwise.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "each measurement is a process of its own, which is told what to do and prints its peak"
)]

mod support;

use std::env;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use support::options;
use wim_apply::apply::{Control, DirectoryTarget, TargetError, apply_image, verify};
use wim_apply::write::{CaptureSource, WimWriter, WriteControl, WriteOptions, rewrite};
use wim_apply::{Dentry, DentryId, Image, ImageInfo, Inode, InodeId, Limits, Wim};

const JOB: &str = "WIM_APPLY_PEAK_MEMORY_JOB";
const MARK: &str = "peak KiB: ";

/// What the child process does: verb, number of workers, file, target directory.
fn run(job: &str) {
    let fields: Vec<&str> = job.split('|').collect();
    let [verb, workers, file, target] = fields[..] else {
        panic!("{job}");
    };
    let options = options(workers.parse().expect("a number"));
    let file = BufReader::new(File::open(file).expect("the sample"));
    let wim = Wim::open(file, &Limits::default()).expect("a right WIM");
    Control::silent(&wim, |control| {
        if verb == "verify" {
            assert!(verify(&wim, &options, control).expect("a right WIM").is_ok());
        } else if verb == "export" {
            let mut out = File::create_new(target).expect("a new file");
            rewrite(&wim, &mut out, &WriteOptions::like(&wim), &mut write_control()).expect("a right WIM");
        } else {
            let mut target = DirectoryTarget::new(target);
            apply_image(&wim, 1, &mut target, &options, control).expect("room for the files");
        }
    });
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux kernel");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|text| text.split_whitespace().next());
    println!("{MARK}{}", peak.expect("a peak"));
}

/// Peak of a process of its own, in MiB.
fn peak_mib(verb: &str, workers: u64, file: &Path) -> u64 {
    let target = tempfile::tempdir().expect("a directory");
    let job = format!(
        "{verb}|{workers}|{}|{}",
        file.display(),
        target.path().join("tree").display()
    );
    let output = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "peak_is_bounded", "--nocapture"])
        .env(JOB, job)
        .output()
        .expect("this program");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (_, rest) = text.split_once(MARK).expect("the mark");
    let peak: u64 = rest
        .split_whitespace()
        .next()
        .and_then(|n| n.parse().ok())
        .expect("a number");
    peak.div_ceil(1024)
}

fn sample(name: &str) -> Option<PathBuf> {
    let small = testkit::samples::generated("small", name)?;
    let large = small.parent()?.parent()?.join("large").join(name);
    Some(if large.exists() { large } else { small })
}

#[test]
fn peak_is_bounded() {
    if let Ok(job) = env::var(JOB) {
        return run(&job);
    }
    // LZX, XPRESS, LZMS in solid chunks of 64 MiB: most MiB, and for each worker.
    for (name, most_mib, each_mib) in [
        ("install.wim", 30, 2),
        ("boot.wim", 30, 2),
        ("install.esd", 64, 85),
    ] {
        let Some(file) = sample(name) else { return };
        for (verb, workers) in [("verify", 1), ("verify", 2), ("apply", 2)] {
            let peak = peak_mib(verb, workers, &file);
            println!("{verb} {name}, {workers} workers: {peak} MiB");
            assert!(peak <= most_mib + workers * each_mib, "{verb} {name}: {peak} MiB");
        }
    }
}

fn write_control() -> WriteControl<'static> {
    static GO_ON: AtomicBool = AtomicBool::new(false);
    WriteControl {
        interrupt: &GO_ON,
        progress: Box::leak(Box::new(|_| {})),
    }
}

/// A directory of files without data.
struct EmptyFiles(u32);

impl CaptureSource for EmptyFiles {
    fn tree(&mut self) -> Result<Image, TargetError> {
        let mut image = Image::default();
        for number in 0..=self.0 {
            let is_root = number == 0;
            image.inodes.push(Inode {
                attributes: if is_root { 0x10 } else { 0x20 },
                link_count: 1,
                ..Inode::default()
            });
            let name = format!("a file whose name takes some room, {number}");
            image.dentries.push(Dentry {
                name: name.encode_utf16().filter(|_| !is_root).collect(),
                short_name: Box::default(),
                parent: Image::ROOT,
                inode: InodeId(number),
                children: (1..=self.0).filter(|_| is_root).map(DentryId).collect(),
            });
        }
        Ok(image)
    }

    fn open(&mut self, _: InodeId, _: usize) -> Result<Box<dyn Read + '_>, TargetError> {
        Ok(Box::new(std::io::empty()))
    }

    fn name_of(&self, inode: InodeId) -> String {
        inode.0.to_string()
    }
}

#[test]
fn trees_of_many_images_are_held_one_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let peak_of = |images: u32| {
        let path = dir.path().join(format!("{images}.wim"));
        let mut file = File::create_new(&path).expect("a new file");
        let mut writer = WimWriter::create(&mut file, &WriteOptions::default()).expect("a writer");
        for number in 0..images {
            let info = ImageInfo {
                name: Some(number.to_string()),
                ..ImageInfo::default()
            };
            writer
                .capture(&mut EmptyFiles(20_000), &info, &[], &mut write_control())
                .expect("an image");
        }
        writer.finish().expect("a file");
        peak_mib("export", 1, &path)
    };
    let (one, many) = (peak_of(1), peak_of(10));
    println!("export of 1 image: {one} MiB, of 10: {many} MiB");
    assert!(many <= one + 15, "{one} MiB, then {many}");
}
