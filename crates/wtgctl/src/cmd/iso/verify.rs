//! `wtgctl iso verify`.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use clap::Args;
use serde::Serialize;

use super::list::printable;
use super::{Context, ImageArgs, Outcome};
use crate::failure::{Failure, INTERRUPTED};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Arguments of `wtgctl iso verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    image: ImageArgs,
}

#[derive(Serialize)]
struct FindingRecord {
    view: String,
    path: String,
    problem: String,
}

#[derive(Serialize)]
struct TreeRecord {
    view: String,
    files: u64,
    directories: u64,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_files: Option<u64>,
}

#[derive(Serialize)]
struct DifferenceRecord {
    path: String,
    view: String,
    size_bytes: u64,
    other_size_bytes: u64,
}

#[derive(Serialize)]
struct VerifyResult {
    sound: bool,
    findings: usize,
    trees: Vec<TreeRecord>,
    differences: Vec<DifferenceRecord>,
}

/// Reads everything.
pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut progress = Progress::new(&context.output);
    let report = iso_loopback::verify(args.image.file()?, &args.image.options(), &mut |done, total| {
        progress.update("verify", done, total);
        if context.interrupt().load(Ordering::SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    progress.finish();
    let report = report.map_err(|error| match error {
        iso_loopback::Error::Interrupted => Failure::new(INTERRUPTED, Message::Interrupted),
        error => args.image.failed(error),
    })?;
    for finding in &report.findings {
        let record = FindingRecord {
            view: finding.view.to_string(),
            path: finding.path.clone(),
            problem: finding.error.to_string(),
        };
        context.output.entry(&record, || {
            let path = if record.path.is_empty() {
                "(the tree itself)".to_owned()
            } else {
                printable(&record.path)
            };
            format!("{}: {path}: {}", record.view, record.problem)
        })?;
    }
    for difference in &report.differences {
        context.output.warning(Message::OtherSizeInTree {
            view: difference.view.to_string(),
            path: printable(&difference.path),
            other_bytes: difference.other_size_bytes,
            bytes: difference.size_bytes,
        });
    }
    let sound = report.findings.is_empty();
    let trees = report.trees.iter().map(|tree| TreeRecord {
        view: tree.view.to_string(),
        files: tree.files,
        directories: tree.directories,
        size_bytes: tree.bytes,
        missing_files: tree.missing_files,
    });
    let differences = report.differences.iter().map(|difference| DifferenceRecord {
        path: difference.path.clone(),
        view: difference.view.to_string(),
        size_bytes: difference.size_bytes,
        other_size_bytes: difference.other_size_bytes,
    });
    let result = VerifyResult {
        sound,
        findings: report.findings.len(),
        trees: trees.collect(),
        differences: differences.collect(),
    };
    context.output.result(&result, || {
        let mut lines: Vec<String> = result.trees.iter().map(tree_line).collect();
        let message = if sound {
            Message::DiscReadable
        } else {
            Message::DoesNotHold {
                count: result.findings as u64,
            }
        };
        lines.push(message.text(context.output.lang()));
        lines.join("\n")
    })?;
    Ok(if sound {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

fn tree_line(tree: &TreeRecord) -> String {
    let missing = match tree.missing_files {
        Some(count) if count > 0 => format!("; {count} files of the most complete tree are missing"),
        _ => String::new(),
    };
    format!(
        "{:<10} {} files, {} folders, {}{missing}",
        tree.view,
        tree.files,
        tree.directories,
        human(tree.size_bytes)
    )
}
