//! `wtgctl bcd set`, `delete` and `retarget`.

use std::path::{Path, PathBuf};

use bootcfg::bcd::{Element, Retarget, Store, element_ids, format_of};
use uuid::Uuid;

use super::read;
use crate::cmd::Context;
use crate::cmd::hive::file::{HiveArgs, replace};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;

/// Arguments of `wtgctl bcd set`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    store: HiveArgs,
    /// The object: `{default}`, `{bootmgr}`, another alias, or a GUID.
    object: String,
    /// The element: its bcdedit name, or its id in hexadecimal.
    element: String,
    /// The value: text, a number, yes or no, or objects.
    #[arg(required = true)]
    value: Vec<String>,
    /// Write here instead of into the store itself.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `wtgctl bcd delete`.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    store: HiveArgs,
    /// The object.
    object: String,
    /// The element; without it the whole object is deleted.
    element: Option<String>,
    /// Write here instead of into the store itself.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `wtgctl bcd retarget`.
#[derive(Debug, clap::Args)]
pub(crate) struct RetargetArgs {
    #[command(flatten)]
    store: HiveArgs,
    /// A GUID of a disk or partition and the one that takes its place; may be repeated.
    #[arg(long = "map", value_name = "OLD=NEW", required = true, value_parser = parse_map)]
    maps: Vec<(Uuid, Uuid)>,
    /// Write here instead of into the store itself.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn parse_map(text: &str) -> Result<(Uuid, Uuid), String> {
    let (old, new) = text.split_once('=').ok_or("expected OLD=NEW")?;
    let guid = |text: &str| Uuid::try_parse(text).map_err(|e| e.to_string());
    Ok((guid(old)?, guid(new)?))
}

pub(super) fn set(args: &SetArgs, context: &Context) -> Result<(), Failure> {
    let mut store = read(&args.store, context)?;
    let object = store.resolve(&args.object)?;
    let id = element_id(&store, object, &args.element)?;
    let element = parse_element(&store, id, &args.value)?;
    let old = store.set(object, id, element.clone())?;
    write(&store, &args.store, args.out.as_deref(), context)?;
    let record =
        serde_json::json!({ "object": object, "element": format!("{id:#010x}"), "old": old, "new": element });
    context.output.result(&record, || {
        let (object, element) = (args.object.clone(), args.element.clone());
        Message::ElementSet { object, element }.text(context.output.lang())
    })
}

pub(super) fn delete(args: &DeleteArgs, context: &Context) -> Result<(), Failure> {
    let mut store = read(&args.store, context)?;
    let object = store.resolve(&args.object)?;
    match &args.element {
        Some(element) => {
            let id = element_id(&store, object, element)?;
            store.delete(object, id)?;
        }
        None => {
            store
                .objects
                .remove(&object)
                .ok_or(bootcfg::Error::NoObject(object))?;
        }
    }
    write(&store, &args.store, args.out.as_deref(), context)?;
    let record = serde_json::json!({ "object": object, "element": args.element });
    context.output.result(&record, || {
        let what = match &args.element {
            Some(element) => format!("{} {element}", args.object),
            None => args.object.clone(),
        };
        Message::Deleted { what }.text(context.output.lang())
    })
}

pub(super) fn retarget(args: &RetargetArgs, context: &Context) -> Result<(), Failure> {
    let mut store = read(&args.store, context)?;
    let ids = Retarget {
        guids: args.maps.iter().copied().collect(),
        ..Retarget::default()
    };
    let changed = store.retarget(&ids);
    if changed == 0 {
        return Err(Failure::new(USAGE, Message::NoSuchIds).hint(Message::HintBcdShow));
    }
    write(&store, &args.store, args.out.as_deref(), context)?;
    context
        .output
        .result(&serde_json::json!({ "elements_changed": changed }), || {
            Message::ElementsChanged {
                count: changed as u64,
            }
            .text(context.output.lang())
        })
}

fn element_id(store: &Store, object: Uuid, name: &str) -> Result<u32, Failure> {
    let found = store
        .objects
        .get(&object)
        .ok_or(bootcfg::Error::NoObject(object))?;
    element_ids::id(name, found.object_type).ok_or_else(|| {
        Failure::new(
            USAGE,
            Message::NoSuchElement {
                name: name.to_owned(),
            },
        )
    })
}

/// The value that these words mean for an element of this id.
fn parse_element(store: &Store, id: u32, words: &[String]) -> Result<Element, Failure> {
    let objects = || {
        words
            .iter()
            .map(|word| store.resolve(word))
            .collect::<Result<Vec<_>, _>>()
    };
    if format_of(id) == 4 {
        return Ok(Element::ObjectList(objects()?));
    }
    let text = words.join(" ");
    let numbers = || {
        let parse = |word: &String| crate::cmd::hive::number(word);
        words
            .iter()
            .map(parse)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Failure::new(USAGE, Message::NoNumber { text: text.clone() }))
    };
    if format_of(id) == 7 {
        return Ok(Element::IntegerList(numbers()?));
    }
    let [word] = words else {
        return Err(Failure::new(USAGE, Message::NotOneValue { text }));
    };
    Ok(match format_of(id) {
        2 => Element::String(word.clone()),
        3 => Element::Object(store.resolve(word)?),
        5 => Element::Integer(numbers()?[0]),
        6 => Element::Boolean(match word.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" | "1" => true,
            "no" | "off" | "false" | "0" => false,
            _ => return Err(Failure::new(USAGE, Message::NotYesOrNo { text })),
        }),
        _ => {
            return Err(Failure::new(USAGE, Message::NoTypedDevices).hint(Message::HintRetarget));
        }
    })
}

/// Writes the store with the time it had.
fn write(store: &Store, from: &HiveArgs, out: Option<&Path>, context: &Context) -> Result<(), Failure> {
    let filetime = from.read(context)?.header().last_written();
    replace(out.unwrap_or(&from.file), &store.write(filetime)?)
}
