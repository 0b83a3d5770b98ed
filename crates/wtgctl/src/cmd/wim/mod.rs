//! `wtgctl wim`: Windows images: WIM, ESD, SWM, alone or inside a disc image.

mod apply;
mod capture;
mod cat;
mod diff;
mod existing;
mod export;
mod extract;
mod info;
mod list;
mod new_file;
mod new_wim;
mod open;
mod rewrite;
mod set;
mod split;
mod taken;
mod tree_source;
mod update;
mod verify;
mod writing;

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
    /// Make a WIM from a folder or an NTFS volume.
    Capture(capture::CaptureArgs),
    /// Capture into an existing WIM, as a new image.
    Append(capture::AppendArgs),
    /// Change what a WIM says of an image: name, description, edition, whether it is started.
    Set(set::SetArgs),
    /// Add, delete and rename files of an image.
    Update(update::UpdateArgs),
    /// Copy images to another WIM.
    Export(export::ExportArgs),
    /// Split a WIM into parts of a size.
    Split(split::SplitArgs),
    /// Make one WIM of the parts of a split one.
    Join(rewrite::JoinArgs),
    /// Write a WIM anew, without unused data.
    Optimize(rewrite::OptimizeArgs),
    /// Delete an image.
    Delete(rewrite::DeleteArgs),
    /// Compare an image with another, a folder, or an NTFS volume.
    Diff(diff::DiffArgs),
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Info(args) => info::run(&args, context),
        Verb::Ls(args) => list::run(&args, context),
        Verb::Cat(args) => cat::run(&args, context),
        Verb::Verify(args) => verify::run(&args, context),
        Verb::Extract(args) => extract::run(&args, context),
        Verb::Apply(args) => apply::run(args, context),
        Verb::Capture(args) => capture::run(&args, context),
        Verb::Append(args) => capture::append(&args, context),
        Verb::Set(args) => set::run(&args, context),
        Verb::Update(args) => update::run(&args, context),
        Verb::Export(args) => export::run(&args, context),
        Verb::Split(args) => split::run(&args, context),
        Verb::Join(args) => rewrite::join(&args, context),
        Verb::Optimize(args) => rewrite::optimize(&args, context),
        Verb::Delete(args) => rewrite::delete(&args, context),
        Verb::Diff(args) => diff::run(&args, context),
    }
}
