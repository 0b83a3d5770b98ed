//! `wtgctl plan`: print what would be done; touches nothing.

use std::path::PathBuf;

use clap::Args;
use stick::{Plan, Prepared};

use super::job::JobArgs;
use super::{Context, Outcome};
use crate::failure::Failure;
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
    let spec = args.job.spec(context)?;
    let prepared = Prepared::new(spec, &context.run_options())?;
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
    context.output.result(&prepared.plan, || render(&prepared.plan))?;
    Ok(Outcome::Holds)
}

/// Prints the warnings of a plan.
pub(crate) fn warn(plan: &Plan, context: &Context) {
    for warning in &plan.warnings {
        context.output.warning(warning);
    }
}

/// The plan for people.
pub(crate) fn render(plan: &Plan) -> String {
    let mut lines = vec![
        format!(
            "source   {} ({})",
            plan.spec.source.display(),
            plan.source.description
        ),
        format!("image    {}: {}", plan.image.index, plan.image.description),
        format!(
            "target   {} ({})",
            plan.spec.target.path().display(),
            human(plan.disk.size_bytes)
        ),
        format!("seed     {}", plan.spec.seed),
        format!(
            "disk     GPT {}, {}-byte sectors",
            plan.disk.disk_guid, plan.disk.sector_bytes
        ),
    ];
    for partition in &plan.disk.partitions {
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
    let windows = &plan.windows;
    lines.push(format!(
        "windows  {} files, {} directories, {} of data; {} {} on the volume, {} free",
        windows.files,
        windows.directories,
        human(windows.data_bytes),
        if windows.is_upper_bound {
            "at most"
        } else {
            "exactly"
        },
        human(windows.used_bytes),
        human(windows.free_bytes),
    ));
    lines.push(format!(
        "boot     {} files, {}; {}",
        plan.boot.files,
        human(plan.boot.bytes),
        plan.boot.description
    ));
    for change in &plan.changes {
        lines.push(format!("change   {change}"));
    }
    lines.join("\n")
}
