//! Captures a directory into a new WIM: `capture DIRECTORY WIM [none|xpress|lzx] [THREADS]`.

#![allow(clippy::print_stdout, reason = "an example")]

use std::error::Error;
use std::fs::File;
use std::sync::atomic::AtomicBool;

use wim_apply::ImageInfo;
use wim_apply::write::{Compression, DirectorySource, WimWriter, WriteControl, WriteOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("a directory is needed")?;
    let mut file = File::create_new(arguments.next().ok_or("a file is needed")?)?;
    let compression = match arguments.next().as_deref() {
        Some("none") => Compression::None,
        Some("lzx") => Compression::Lzx,
        _ => Compression::Xpress,
    };
    let mut options = WriteOptions {
        compression,
        ..WriteOptions::default()
    };
    if let Some(threads) = arguments.next() {
        options.threads = threads.parse()?;
    }
    let info = ImageInfo {
        name: Some("example".to_owned()),
        ..ImageInfo::default()
    };
    let mut control = WriteControl {
        interrupt: &AtomicBool::new(false),
        progress: &mut |_| {},
    };
    let mut writer = WimWriter::create(&mut file, &options)?;
    let report = writer.capture(&mut DirectorySource::new(directory), &info, &[], &mut control)?;
    report.warnings.iter().for_each(|warning| println!("{warning}"));
    let written = writer.finish()?;
    println!(
        "{} blobs of {} bytes in {} bytes",
        written.blobs, written.blob_bytes, written.file_bytes
    );
    Ok(())
}
