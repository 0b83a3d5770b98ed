//! `wtgctl apply`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl apply`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {}

/// Runs the command.
pub(crate) fn run(args: ApplyArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
