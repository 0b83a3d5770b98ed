//! `wtgctl write`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Arguments of `wtgctl write`.
#[derive(Debug, clap::Args)]
pub(crate) struct WriteArgs {}

/// Runs the command.
pub(crate) fn run(args: WriteArgs, context: &Context) -> Result<Outcome, Failure> {
    let _ = (args, context);
    Ok(Outcome::Holds)
}
