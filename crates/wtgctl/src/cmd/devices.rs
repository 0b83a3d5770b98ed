//! `wtgctl devices`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl devices`.
#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {}

/// Runs the command.
pub(crate) fn run(args: DevicesArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
