//! `wtgctl verify`: tables, volumes, boot files, and every file against the image.

use std::path::PathBuf;

use clap::Args;
use stick::verify::{Expected, VerifyReport};
use stick::{Prepared, Seed, Target};

use super::job::ContentArgs;
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Arguments of `wtgctl verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Image file or device that holds a stick.
    target: PathBuf,
    /// The Windows ISO, WIM, ESD or SWM that it was made from.
    #[arg(long, value_name = "SOURCE")]
    against: Option<PathBuf>,
    #[command(flatten)]
    content: ContentArgs,
}

/// Runs the command.
pub(crate) fn run(args: VerifyArgs, context: &Context) -> Result<Outcome, Failure> {
    let against = match args.against {
        None => None,
        Some(source) => {
            let target = Target::File {
                path: args.target.clone(),
                size_bytes: 0,
                force: true,
            };
            let spec = args.content.spec(source, target, context.seed.unwrap_or(0));
            Some(Prepared::for_comparison(spec, &context.run_options())?)
        }
    };
    let mut progress = Progress::new(&context.output);
    let expected = Expected {
        content: against.as_ref(),
        seed: context.seed.map(Seed),
    };
    let report = stick::verify::verify(&args.target, expected, &context.run_options(), &mut |p| {
        progress.update(p.phase, p.done_bytes, p.total_bytes);
    });
    progress.finish();
    let report = report?;
    let lang = context.output.lang();
    context.output.result(&report, || {
        let mut lines: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
        if report.more_findings > 0 {
            let count = report.more_findings;
            lines.push(Message::MoreFindings { count }.text(lang));
        }
        lines.push(verdict(&report).text(lang));
        lines.join("\n")
    })?;
    Ok(if report.holds() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

/// The last line.
fn verdict(report: &VerifyReport) -> Message {
    match (report.holds(), report.compared_with_source) {
        (true, true) => Message::HoldsCompared {
            files: report.files_compared,
            size: human(report.bytes_compared),
        },
        (true, false) => Message::HoldsUncompared,
        (false, _) => Message::DoesNotHold {
            count: report.findings.len() as u64 + report.more_findings,
        },
    }
}
