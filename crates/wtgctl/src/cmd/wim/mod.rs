//! `wtgctl wim`: Windows images: WIM, ESD, SWM, alone or inside a disc image.

mod apply;
mod cat;
mod extract;
mod info;
mod list;
mod open;
mod verify;

use super::{Context, Outcome};
use crate::failure::Failure;

/// Verbs of `wtgctl wim`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Say what the file is: images, compression, parts.
    Info(info::InfoArgs),
    /// List files of an image.
    Ls(list::LsArgs),
    /// Write one file, or one of its streams, to stdout.
    Cat(cat::CatArgs),
    /// Read everything and compare every hash.
    Verify(verify::VerifyArgs),
    /// Copy some files of an image out into a folder.
    Extract(extract::ExtractArgs),
    /// Apply a whole image to a folder, or to an NTFS volume.
    Apply(apply::ApplyArgs),
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Info(args) => info::run(&args, context),
        Verb::Ls(args) => list::run(&args, context),
        Verb::Cat(args) => cat::run(&args, context),
        Verb::Verify(args) => verify::run(&args, context),
        Verb::Extract(args) => extract::run(args, context),
        Verb::Apply(args) => apply::run(args, context),
    }
}
