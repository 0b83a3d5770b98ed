//! `wtgctl iso`: what is in a disc image, read in place.

mod extract;
mod info;
mod list;
mod select;
mod verify;

use std::fs::File;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use iso_loopback::{Entry, IsoImage, Limits, ReadOptions, View};

use super::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;

/// Verbs of `wtgctl iso`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Say what the image is: trees, labels, origin, and what can boot from it.
    Info(info::InfoArgs),
    /// List files.
    Ls(list::LsArgs),
    /// Write one file to stdout.
    Cat(extract::CatArgs),
    /// Copy files out into a folder.
    Extract(extract::ExtractArgs),
    /// Say where a file's bytes lie in the image.
    Extents(list::ExtentsArgs),
    /// Read everything, and compare the image's trees with each other.
    Verify(verify::VerifyArgs),
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Info(args) => info::run(&args, context),
        Verb::Ls(args) => list::run_ls(&args, context),
        Verb::Cat(args) => extract::run_cat(&args, context),
        Verb::Extract(args) => extract::run_extract(&args, context),
        Verb::Extents(args) => list::run_extents(&args, context),
        Verb::Verify(args) => verify::run(&args, context),
    }
}

/// Which image, and how it is read.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// Disc image.
    image: PathBuf,
    /// Tree to read; auto is the most complete one, and UDF wherever the image has it.
    #[arg(long, value_enum, default_value_t = ViewArg::Auto)]
    view: ViewArg,
    /// First 2048-byte sector of the session, for images of multisession discs.
    #[arg(long, default_value_t = 0, value_name = "SECTOR")]
    session_start: u32,
    /// Open a truncated or damaged image; what is missing is still an error.
    #[arg(long)]
    lenient: bool,
}

/// Trees on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewArg {
    /// The most complete one.
    Auto,
    /// UDF.
    Udf,
    /// ISO 9660 with Rock Ridge.
    RockRidge,
    /// Joliet.
    Joliet,
    /// ISO 9660.
    Iso9660,
}

impl ImageArgs {
    fn options(&self) -> ReadOptions {
        ReadOptions {
            limits: Limits::default(),
            verify_checksums: !self.lenient,
            allow_truncated: self.lenient,
            session_start: self.session_start,
        }
    }

    fn file(&self) -> Result<File, Failure> {
        File::open(&self.image).map_err(|error| Failure::io(self.image.display(), &error))
    }

    fn open(&self) -> Result<IsoImage<File>, Failure> {
        let view = match self.view {
            ViewArg::Auto => None,
            ViewArg::Udf => Some(View::Udf),
            ViewArg::RockRidge => Some(View::RockRidge),
            ViewArg::Joliet => Some(View::Joliet),
            ViewArg::Iso9660 => Some(View::Iso9660),
        };
        IsoImage::open_with(self.file()?, view, &self.options()).map_err(|error| self.failed(error))
    }

    /// An error of the library, with the image's name.
    fn failed(&self, error: iso_loopback::Error) -> Failure {
        Failure::from(error).at(self.image.display())
    }

    /// One file by its path; a missing one hints at how to find it.
    fn file_entry(&self, image: &mut IsoImage<File>, path: &str) -> Result<Entry, Failure> {
        let entry = image.lookup_ignore_case(path).map_err(|error| {
            let missing = error.kind() == iso_loopback::ErrorKind::NotFound;
            let failure = self.failed(error);
            if missing {
                failure.hint(Message::HintIsoList {
                    path: self.image.display().to_string(),
                })
            } else {
                failure
            }
        })?;
        if entry.is_file() {
            Ok(entry)
        } else {
            let path = path.to_owned();
            Err(Failure::new(USAGE, Message::NoFileOnDisc { path }).at(self.image.display()))
        }
    }
}
