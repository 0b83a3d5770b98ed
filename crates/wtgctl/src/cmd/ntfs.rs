//! `wtgctl ntfs`: NTFS volumes.

mod cat;
mod check;
mod dump;
mod format;
mod info;
mod list;
mod open;

use std::path::PathBuf;

use super::{Context, Outcome};
use crate::failure::Failure;

/// Verbs of `wtgctl ntfs`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Make an empty NTFS volume in a file.
    Format(format::FormatArgs),
    /// What the volume says of itself.
    Info(VolumeArgs),
    /// List directories and files, or everything.
    Ls(list::LsArgs),
    /// A file's content, or a named stream (`file:stream`), to stdout.
    Cat(cat::CatArgs),
    /// Every invariant of the format; changes nothing.
    Check(VolumeArgs),
    /// Every byte of the volume, and whose it is.
    Dump(VolumeArgs),
}

/// A volume.
#[derive(Debug, clap::Args)]
pub(crate) struct VolumeArgs {
    /// A volume, or with --partition a disk image.
    volume: PathBuf,
    /// Partition of a disk image.
    #[arg(long, value_name = "N")]
    partition: Option<u32>,
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Format(args) => format::run(args, context),
        Verb::Info(args) => info::run(&args, context),
        Verb::Ls(args) => list::run(&args, context),
        Verb::Cat(args) => cat::run(&args, context),
        Verb::Check(args) => check::run(&args, context),
        Verb::Dump(args) => dump::run(&args, context),
    }
}
