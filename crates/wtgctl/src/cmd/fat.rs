//! `wtgctl fat`: FAT volumes.

mod format;
mod read;

use std::path::PathBuf;

use super::{Context, Outcome};
use crate::failure::Failure;

/// Verbs of `wtgctl fat`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Make a FAT32 volume in a file, empty or from a folder.
    Format(format::FormatArgs),
    /// What the volume says of itself.
    Info(VolumeArgs),
    /// List a directory, or everything.
    Ls(read::LsArgs),
    /// A file's content to stdout.
    Cat(read::CatArgs),
    /// A file or directory to a new place on the host.
    Extract(read::ExtractArgs),
    /// Everything that is wrong with the volume; changes nothing.
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
        Verb::Info(args) => read::info(&args, context),
        Verb::Ls(args) => read::ls(&args, context),
        Verb::Cat(args) => read::cat(&args, context),
        Verb::Extract(args) => read::extract(&args, context),
        Verb::Check(args) => read::check(&args, context),
        Verb::Dump(args) => read::dump(&args, context),
    }
}
