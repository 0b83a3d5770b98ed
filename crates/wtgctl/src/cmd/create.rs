//! `wtgctl create`: plan and apply.

use clap::Args;
use stick::Prepared;

use super::job::JobArgs;
use super::{Context, Outcome, plan};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Arguments of `wtgctl create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    job: JobArgs,
}

/// Runs the command.
pub(crate) fn run(args: CreateArgs, context: &Context) -> Result<Outcome, Failure> {
    apply(args.job.prepare(context)?, context)
}

/// Carries a prepared plan out, with progress, and prints the result.
pub(crate) fn apply(prepared: Prepared, context: &Context) -> Result<Outcome, Failure> {
    let lang = context.output.lang();
    plan::warn(&prepared.plan, context);
    if !context.output.is_quiet() {
        context.output.text(plan::render(&prepared.plan, lang))?;
    }
    let seed = prepared.plan.spec.seed;
    let target = prepared.plan.spec.target.path().to_owned();
    let mut progress = Progress::new(&context.output);
    let report = prepared.apply(&context.run_options(), &mut |p| {
        progress.update(p.phase, p.done_bytes, p.total_bytes);
    });
    progress.finish();
    let report = report.inspect_err(|_| {
        if context.output.is_json() {
            context.output.warning(Message::SeedWas { seed });
        }
    })?;
    for warning in &report.warnings {
        context.output.warning(warning);
    }
    if !report.contents_verified {
        context.output.warning(Message::NotHashed);
    }
    context.output.result(&report, || {
        let written = Message::Written {
            target: target.display().to_string(),
            files: report.files,
            size: human(report.written_bytes),
            writes: report.write_calls,
            seed,
        };
        plan::row(&Message::Done, lang, written.text(lang))
    })?;
    Ok(Outcome::Holds)
}
