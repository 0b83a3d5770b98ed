//! `cargo xtask sample`: Windows-like images from free parts only, in `target/sample/{small,large}`.
//!
//! An NTFS volume is filled through ntfs-3g and captured by wimlib, so that other programs wrote every structure
//! that this project reads.

mod capture;
mod descriptors;
mod hives;
mod parts;
pub(crate) mod programs;
mod tree;
mod volume;

use std::path::PathBuf;

use crate::sh::{self, Result};

pub(crate) use hives::write as write_hives;

/// Which sample.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which one.
    #[arg(value_enum, default_value_t = Kind::Small)]
    kind: Kind,
    /// Anew, even when it is there.
    #[arg(long)]
    again: bool,
}

/// Everything that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// A Windows image of about 1,500 files, 60 MB: made in seconds.
    Small,
    /// A Windows image of more than 20,000 files, 3,000 hard links, 700 MB of PE files.
    Large,
    /// Programs as published, captured from a folder, 1.1 GB: fewer, larger files, to measure codecs with.
    Programs,
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Size {
    /// About 1,500 files, 60 MB: made in seconds.
    Small,
    /// More than 20,000 files, 3,000 hard links, 700 MB of PE files.
    Large,
}

impl Size {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

/// Changes when what is generated changes.
const RECIPE: &str = "2";

/// The folder of a sample.
pub(crate) fn dir(size: Size) -> PathBuf {
    testkit::workspace_root().join("target/sample").join(size.name())
}

/// Makes a sample unless it is there.
pub(crate) fn make(size: Size) -> Result {
    make_windows(size, false)
}

/// Makes the sample unless it is there.
pub(crate) fn run(args: &Args) -> Result {
    match args.kind {
        Kind::Small => make_windows(Size::Small, args.again),
        Kind::Large => make_windows(Size::Large, args.again),
        Kind::Programs => programs::make(&parts_dir(), args.again),
    }
}

/// What samples are made of.
fn parts_dir() -> PathBuf {
    testkit::workspace_root().join("target/sample/parts")
}

fn make_windows(size: Size, again: bool) -> Result {
    let dir = dir(size);
    let bootmgr = std::env::var_os("WTGCTL_TEST_BOOTMGR_DIR").map(PathBuf::from);
    let recipe = format!("{RECIPE} {bootmgr:?}");
    let stamp = dir.join("stamp");
    if !again && sh::read_or_empty(&stamp) == recipe {
        return Ok(());
    }
    if dir.exists() {
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    let parts = parts_dir();
    let work = tempfile::tempdir_in(&dir)?;
    let volume = work.path().join("volume.img");
    let wine = sh::step("wine's PE files", || parts::wine(&parts))?;
    let wheels = match size {
        Size::Small => None,
        Size::Large => Some(sh::step("PE files from wheels", || {
            parts::wheels(&parts, "wheels", parts::WHEELS)
        })?),
    };
    sh::step("NTFS volume", || {
        let plan = tree::Plan {
            size,
            wine: &wine,
            wheels: wheels.as_deref(),
            bootmgr: bootmgr.as_deref(),
            work: work.path(),
        };
        tree::fill(&plan, &volume)
    })?;
    capture::run(size, &volume, work.path(), &dir)?;
    std::fs::write(stamp, recipe)?;
    Ok(())
}
