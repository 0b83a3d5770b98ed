//! `wtgctl inspect`: say what any file is.

use std::path::PathBuf;

use clap::Args;
use stick::inspect::{Thing, inspect};

use super::{Context, Outcome};
use crate::cli::Lang;
use crate::failure::Failure;
use crate::i18n::Message;
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
        render(&thing, 0, context.output.lang(), &mut lines);
        lines.join("\n")
    })?;
    Ok(if thing.is_sound() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

fn render(thing: &Thing, depth: usize, lang: Lang, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}", title(thing, lang)));
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
    let label = Message::Problem.text(lang);
    for problem in &thing.problems {
        lines.push(format!("{indent}  {label}: {problem}"));
    }
    for child in &thing.children {
        render(child, depth + 1, lang, lines);
    }
}

/// What a thing is. The catalogue speaks where its English is what the library says.
fn title(thing: &Thing, lang: Lang) -> String {
    match message(thing) {
        Some(message) if message.text(Lang::En) == thing.title => message.text(lang),
        _ => thing.title.clone(),
    }
}

fn message(thing: &Thing) -> Option<Message> {
    Some(match thing.kind {
        "gpt-disk" => Message::ThingGpt,
        "mbr-disk" => Message::ThingMbr,
        "ntfs" => Message::ThingNtfs,
        "fat" => Message::ThingFat {
            name: thing.title.strip_suffix(" volume")?.to_owned(),
        },
        "exfat" => Message::ThingExfat,
        "ext" => Message::ThingExt,
        "bitlocker" => Message::ThingBitlocker,
        "luks" => Message::ThingLuks,
        "wim" => Message::ThingWim,
        "iso" => Message::ThingIso {
            views: thing.title.strip_prefix("disc image")?.to_owned(),
        },
        "hive" => Message::ThingHive,
        "bcd" => Message::ThingBcd,
        "plan" => Message::ThingPlan,
        "vhdx" => Message::ThingVhdx,
        "vhd" => Message::ThingVhd,
        "qcow2" => Message::ThingQcow2,
        "pe" => Message::ThingPe,
        "xz" => Message::ThingXz,
        "zip" => Message::ThingZip,
        "unknown" if thing.title.contains("brace") => Message::ThingBrace,
        "unknown" => Message::ThingUnknown,
        _ => return None,
    })
}
