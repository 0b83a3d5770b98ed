//! `wtgctl bcd`.

use super::{Context, Outcome};
use crate::failure::Failure;

/// Verbs of `wtgctl bcd`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    let _ = context;
    match verb {}
}
