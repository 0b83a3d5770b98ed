//! `wtgctl apply`: carry out a saved plan; refuses when source or target changed since.

use std::path::PathBuf;

use clap::Args;
use stick::{Plan, Prepared};

use super::{Context, Outcome, create};
use crate::failure::{BAD_INPUT, Failure, USAGE};
use crate::i18n::Message;

/// Arguments of `wtgctl apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// A plan saved by `wtgctl plan --out`.
    plan: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: ApplyArgs, context: &Context) -> Result<Outcome, Failure> {
    let text =
        std::fs::read_to_string(&args.plan).map_err(|error| Failure::io(args.plan.display(), &error))?;
    let saved: Plan = serde_json::from_str(&text).map_err(|error| {
        let message = Message::NotAPlan {
            path: args.plan.display().to_string(),
            error: error.to_string(),
        };
        Failure::new(BAD_INPUT, message).hint(Message::HintMakePlan)
    })?;
    if context.seed.is_some_and(|seed| seed != saved.spec.seed) {
        let seed = saved.spec.seed;
        return Err(Failure::new(USAGE, Message::PlanHasSeed { seed }).hint(Message::HintNewPlanSeed));
    }
    let prepared = Prepared::from_plan(saved, &context.run_options())?;
    create::apply(prepared, context)
}
