//! `wtgctl devices`: what can be written, and why the rest cannot.

use partitioner::Finding;
use partitioner::device::{Device, Host, Request, check_safe};
use serde::Serialize;

use super::{Context, Outcome};
use crate::failure::Failure;
use crate::i18n::Message;
use crate::size::human;

/// Arguments of `wtgctl devices`.
#[derive(Debug, clap::Args)]
pub(crate) struct DevicesArgs {
    /// Show disks that are refused too, each with the reasons.
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    device: &'a Device,
    writable: bool,
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct Summary {
    writable_count: usize,
    refused_count: usize,
}

/// Runs the command.
pub(crate) fn run(args: DevicesArgs, context: &Context) -> Result<Outcome, Failure> {
    let devices: Vec<(Device, Vec<Finding>)> = Host::default()
        .devices()?
        .into_iter()
        .map(|device| {
            let findings = check_safe(&device, &Request::default());
            (device, findings)
        })
        .collect();
    let (mut writable_count, mut refused) = (0, Vec::new());
    for (device, findings) in &devices {
        let writable = findings.is_empty();
        if writable {
            writable_count += 1;
        } else {
            refused.push((device, findings));
        }
        if writable || args.all {
            let entry = Entry {
                device,
                writable,
                findings,
            };
            context.output.entry(&entry, || line(device, findings))?;
        }
    }
    let summary = Summary {
        writable_count,
        refused_count: refused.len(),
    };
    context.output.result(&summary, || {
        closing(&summary, &refused, args.all).text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

fn line(device: &Device, findings: &[Finding]) -> String {
    let mut text = format!(
        "{:<14} {:>10}  {}",
        device.path.display(),
        human(device.size_bytes),
        device.model.as_deref().unwrap_or("(no model)")
    );
    for name in device.erase_names() {
        text.push_str(&format!("\n    --erase {name}"));
    }
    for finding in findings {
        text.push_str(&format!("\n    refused: {}", finding.message));
    }
    text
}

fn closing(summary: &Summary, refused: &[(&Device, &Vec<Finding>)], all: bool) -> Message {
    if refused.is_empty() || all {
        return Message::DevicesShown {
            writable: summary.writable_count as u64,
            refused: summary.refused_count as u64,
        };
    }
    let reasons: Vec<String> = refused
        .iter()
        .map(|(device, findings)| {
            let codes: Vec<&str> = findings.iter().map(|f| f.code).collect();
            format!("{} ({})", device.name, codes.join(", "))
        })
        .collect();
    Message::DevicesHidden {
        writable: summary.writable_count as u64,
        hidden: summary.refused_count as u64,
        reasons: reasons.join(", "),
    }
}
