//! `wtgctl bcd`: Boot Configuration Data stores.

mod create;
mod edit;

use std::path::PathBuf;

use bootcfg::bcd::{Severity, Store, doctor};
use regf_hive::{Hive, Limits};

use super::hive::file::{HiveArgs, read_file};
use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;

/// Verbs of `wtgctl bcd`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Every object and element, devices decoded.
    Show(HiveArgs),
    /// The store of a new Windows, as bcdboot makes it.
    Create(create::CreateArgs),
    /// Set an element.
    Set(edit::SetArgs),
    /// Delete an element, or an object.
    Delete(edit::DeleteArgs),
    /// Replace the ids of disks and partitions, as after cloning.
    Retarget(edit::RetargetArgs),
    /// What keeps a store from booting, or is odd.
    Doctor(DoctorArgs),
}

/// Arguments of `wtgctl bcd doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// The store.
    file: PathBuf,
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Show(args) => {
            let report = read(&args, context)?.to_report();
            context
                .output
                .result(&report, || report.to_string().trim_end().to_owned())?;
        }
        Verb::Create(args) => create::run(&args, context)?,
        Verb::Set(args) => edit::set(&args, context)?,
        Verb::Delete(args) => edit::delete(&args, context)?,
        Verb::Retarget(args) => edit::retarget(&args, context)?,
        Verb::Doctor(args) => return examine(&args, context),
    }
    Ok(Outcome::Holds)
}

/// The store in a hive file.
fn read(args: &HiveArgs, context: &Context) -> Result<Store, Failure> {
    let hive = args.read(context)?;
    Store::from_hive(&hive).map_err(|error| Failure::from(error).at(args.file.display()))
}

fn examine(args: &DoctorArgs, context: &Context) -> Result<Outcome, Failure> {
    let hive = Hive::read_dirty(&read_file(&args.file)?, &Limits::default())
        .map_err(|error| Failure::from(error).at(args.file.display()))?;
    let findings = doctor(&hive);
    for finding in &findings {
        context.output.entry(finding, || finding.to_string())?;
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    let counts = serde_json::json!({ "errors": errors, "warnings": warnings });
    context.output.result(&counts, || {
        let (errors, warnings) = (errors as u64, warnings as u64);
        Message::ErrorsAndWarnings { errors, warnings }.text(context.output.lang())
    })?;
    Ok(if errors == 0 {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}
