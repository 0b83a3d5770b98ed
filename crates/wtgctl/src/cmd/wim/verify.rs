//! `wtgctl wim verify`.

use clap::Args;
use serde_json::json;

use super::open::{WimArgs, apply_options, with_control};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl wim verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim verify install.esd
  wtgctl wim verify install.swm              all parts that lie beside it
  wtgctl wim verify delta.wim --ref base.wim")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    wim: WimArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let report = with_control(context, "verify", &|id| wim.paths_of_blob(id), |control| {
        wim_apply::apply::verify(&wim, &apply_options(context), control)
    })
    .map_err(|error| args.wim.failed(error))?;
    let mut findings: Vec<String> = Vec::new();
    for (part, integrity) in report.integrity.iter().enumerate() {
        for range in integrity.iter().flat_map(|report| &report.damaged) {
            findings.push(format!(
                "integrity table of part {}: bytes {range:?} differ",
                part + 1
            ));
        }
    }
    findings.extend(report.metadata_failures.iter().map(ToString::to_string));
    findings.extend(
        report
            .missing
            .iter()
            .map(|path| format!("{path}: its data is in none of the given files")),
    );
    findings.extend(
        report
            .blobs
            .failures
            .iter()
            .map(|failure| failure.error.to_string()),
    );
    let result = json!({
        "holds": report.is_ok(),
        "blobs": report.blobs.blobs,
        "bytes": report.blobs.size_bytes,
        "findings": findings,
    });
    context.output.result(&result, || {
        let mut lines = findings.clone();
        let message = if report.is_ok() {
            Message::HoldsBlobs {
                blobs: report.blobs.blobs as u64,
                size: human(report.blobs.size_bytes),
            }
        } else {
            Message::DoesNotHold {
                count: findings.len() as u64,
            }
        };
        lines.push(message.text(context.output.lang()));
        lines.join("\n")
    })?;
    Ok(if report.is_ok() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}
