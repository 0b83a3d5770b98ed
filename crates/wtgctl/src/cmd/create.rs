//! `wtgctl create`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl create`.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {}

/// Runs the command.
pub(crate) fn run(args: CreateArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
