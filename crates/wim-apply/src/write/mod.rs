//! Writing WIM files: capture, append, export, split, join, optimize, delete; and comparing images.
//!
//! A [`WimWriter`] writes one file to an [`Output`]. Images come from a [`CaptureSource`] (a directory, a
//! volume) or from another [`Wim`](crate::Wim). [`rewrite`] optimizes a file or joins a split one, [`SplitPlan`]
//! splits one, [`diff`] compares images.
//!
//! ```
//! use std::io::Cursor;
//! use std::sync::atomic::AtomicBool;
//! use wim_apply::write::{DirectorySource, WimWriter, WriteControl, WriteOptions};
//! use wim_apply::{ImageInfo, Limits, Wim};
//!
//! # let source = tempfile::tempdir()?;
//! # std::fs::write(source.path().join("hello.txt"), "hello")?;
//! # let folder = source.path();
//! let mut file = Cursor::new(Vec::new()); // or a `File`
//! let mut control = WriteControl { interrupt: &AtomicBool::new(false), progress: &mut |_| {} };
//! let mut writer = WimWriter::create(&mut file, &WriteOptions::default())?;
//! let info = ImageInfo { name: Some("Tools".to_owned()), ..ImageInfo::default() };
//! writer.capture(&mut DirectorySource::new(folder), &info, &[], &mut control)?;
//! writer.finish()?;
//!
//! let wim = Wim::open(file, &Limits::default())?;
//! assert!(wim.image(1)?.lookup("\\hello.txt").is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod capture;
mod container;
mod diff;
mod directory;
mod exclude;
mod existing;
mod export;
mod finish;
mod graft;
mod large;
mod likeness;
mod metadata;
mod options;
mod output;
mod pack;
mod pipable;
mod queue;
mod recompress;
mod relay;
mod rewrite;
mod solid;
mod source;
mod split;
mod statistics;
mod streams;
mod symlink;
mod tail;
mod update;
mod writer;
mod xml;

pub use capture::{CaptureReport, hash_tree};
pub use diff::{Change, Compare, Difference, FieldChange, diff};
pub use directory::DirectorySource;
pub use exclude::{DEFAULT_EXCLUDE, parse_capture_config};
pub use existing::ImageTexts;
pub use export::ExportImage;
pub use options::{Compression, FileForm, WriteControl, WriteOptions};
pub use output::{Output, Pipe};
pub use rewrite::rewrite;
pub use source::CaptureSource;
pub use split::SplitPlan;
pub use update::Edit;
pub use writer::{WimWriter, WriteReport};
