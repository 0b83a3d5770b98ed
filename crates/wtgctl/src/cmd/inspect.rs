//! `wtgctl inspect`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl inspect`.
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {}

/// Runs the command.
pub(crate) fn run(args: InspectArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
