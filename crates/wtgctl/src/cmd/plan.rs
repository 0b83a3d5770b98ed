//! `wtgctl plan`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {}

/// Runs the command.
pub(crate) fn run(args: PlanArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
