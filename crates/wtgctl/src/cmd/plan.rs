//! `wtgctl plan`: print what would be done; touches nothing.

use std::path::PathBuf;

use clap::Args;
use stick::Plan;

use super::job::JobArgs;
use super::{Context, Outcome};
use crate::cli::Lang;
use crate::failure::Failure;
use crate::i18n::{Message, pad};
use crate::size::human;

/// Arguments of `wtgctl plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Save the plan as JSON, for `wtgctl apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: PlanArgs, context: &Context) -> Result<Outcome, Failure> {
    let prepared = args.job.prepare(context)?;
    if let Some(path) = args.out {
        let mut json = serde_json::to_string_pretty(&prepared.plan)
            .map_err(|e| Failure::of(crate::failure::SYSTEM, &e))?;
        json.push('\n');
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, json.as_bytes()))
            .map_err(|error| Failure::io(path.display(), &error))?;
    }
    warn(&prepared.plan, context);
    context
        .output
        .result(&prepared.plan, || render(&prepared.plan, context.output.lang()))?;
    Ok(Outcome::Holds)
}

/// Prints the warnings of a plan.
pub(crate) fn warn(plan: &Plan, context: &Context) {
    for warning in &plan.warnings {
        context.output.warning(warning);
    }
}

/// Columns of the labels.
const LABEL_COLUMNS: usize = 8;

/// A label and its value, in columns.
pub(crate) fn row(label: &Message, lang: Lang, value: impl std::fmt::Display) -> String {
    format!("{} {value}", pad(&label.text(lang), LABEL_COLUMNS))
}

/// The plan for people.
pub(crate) fn render(plan: &Plan, lang: Lang) -> String {
    let row = |label: Message, value: String| row(&label, lang, value);
    let (spec, disk) = (&plan.spec, &plan.disk);
    let table = Message::DiskTable {
        guid: disk.disk_guid.to_string(),
        sector_bytes: disk.sector_bytes,
    };
    let mut lines = vec![
        row(
            Message::Source,
            format!("{} ({})", spec.source.display(), plan.source.description),
        ),
        row(
            Message::Image,
            format!("{}: {}", plan.image.index, plan.image.description),
        ),
        row(
            Message::Target,
            format!("{} ({})", spec.target.path().display(), human(disk.size_bytes)),
        ),
        row(Message::Seed, spec.seed.to_string()),
        row(Message::Disk, table.text(lang)),
    ];
    for partition in &disk.partitions {
        lines.push(format!(
            "  {}  LBA {:>10} .. {:<10} {:>10}  {}  {}",
            partition.number,
            partition.first_lba,
            partition.last_lba,
            human(partition.size_bytes),
            partition.guid,
            partition.name
        ));
    }
    let boot = Message::BootFiles {
        files: plan.boot.files,
        size: human(plan.boot.bytes),
        description: plan.boot.description.clone(),
    };
    lines.push(row(Message::Windows, volume(plan).text(lang)));
    lines.push(row(Message::Boot, boot.text(lang)));
    for change in &plan.changes {
        lines.push(row(Message::Change, change.clone()));
    }
    lines.join("\n")
}

/// What will be on the Windows volume.
fn volume(plan: &Plan) -> Message {
    let windows = &plan.windows;
    let (files, directories) = (windows.files, windows.directories);
    let (data, used, free) = (
        human(windows.data_bytes),
        human(windows.used_bytes),
        human(windows.free_bytes),
    );
    if windows.is_upper_bound {
        Message::VolumeAtMost {
            files,
            directories,
            data,
            used,
            free,
        }
    } else {
        Message::VolumeExactly {
            files,
            directories,
            data,
            used,
            free,
        }
    }
}
