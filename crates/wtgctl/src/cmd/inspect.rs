//! `wtgctl inspect`: say what any file is.

use std::path::PathBuf;

use clap::Args;
use stick::inspect::{Thing, inspect};

use super::{Context, Outcome};
use crate::failure::Failure;
use crate::size::human;

/// Arguments of `wtgctl inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Any file, or a device.
    thing: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: InspectArgs, context: &Context) -> Result<Outcome, Failure> {
    let thing = inspect(&args.thing)?;
    context.output.result(&thing, || {
        let mut lines = Vec::new();
        render(&thing, 0, &mut lines);
        lines.join("\n")
    })?;
    Ok(if thing.is_sound() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

fn render(thing: &Thing, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}", thing.title));
    for fact in &thing.facts {
        let value = match (&fact.value, fact.value.as_u64()) {
            (_, Some(bytes)) if fact.name.ends_with("_bytes") && bytes >= 10_240 => {
                format!("{bytes} ({})", human(bytes))
            }
            (serde_json::Value::String(text), _) => text.clone(),
            (value, _) => value.to_string(),
        };
        lines.push(format!("{indent}  {:<18} {value}", fact.name));
    }
    for problem in &thing.problems {
        lines.push(format!("{indent}  problem: {problem}"));
    }
    for child in &thing.children {
        render(child, depth + 1, lines);
    }
}
