//! `wtgctl hive`: registry hives.

mod data;
pub(crate) mod file;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use regf_hive::{Key, Value};
use serde::Serialize;

use super::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
pub(crate) use data::number;
use data::{DataType, shown};
use file::HiveArgs;

/// Verbs of `wtgctl hive`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// A key's values and subkeys, or one value.
    Get(GetArgs),
    /// Set a value; its key is created where missing.
    Set(SetArgs),
    /// Delete a value, or a key with all below it.
    Del(DelArgs),
    /// A key and all below it as .reg text.
    Export(ExportArgs),
}

/// Arguments of `wtgctl hive get`.
#[derive(Debug, clap::Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    hive: HiveArgs,
    /// Path of the key from the root, such as `ControlSet001\Services`; the root when absent.
    key: Option<String>,
    /// Name of the value; `@` is the default value.
    value: Option<String>,
}

/// Arguments of `wtgctl hive set`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    hive: HiveArgs,
    /// Path of the key.
    key: String,
    /// Name of the value; `@` is the default value.
    value: String,
    /// Type of the data.
    #[arg(long = "type", value_enum, default_value_t = DataType::Sz)]
    data_type: DataType,
    /// The data: text, a number (0x for hexadecimal), or bytes in hexadecimal; several texts for multi-sz.
    data: Vec<String>,
    /// Write here instead of into the hive itself.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `wtgctl hive del`.
#[derive(Debug, clap::Args)]
pub(crate) struct DelArgs {
    #[command(flatten)]
    hive: HiveArgs,
    /// Path of the key.
    key: String,
    /// Name of the value; without it the whole key is deleted.
    value: Option<String>,
    /// Write here instead of into the hive itself.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `wtgctl hive export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    hive: HiveArgs,
    /// Path of the key from the root; the root when absent.
    key: Option<String>,
    /// Path that the text gives to the hive's root.
    #[arg(long, value_name = "PATH", default_value = "HKEY_LOCAL_MACHINE\\HIVE")]
    prefix: String,
    /// Write here, as UTF-16 that regedit takes, instead of UTF-8 to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs one verb.
pub(crate) fn run(verb: Verb, context: &Context) -> Result<Outcome, Failure> {
    match verb {
        Verb::Get(args) => get(&args, context)?,
        Verb::Set(args) => set(&args, context)?,
        Verb::Del(args) => del(&args, context)?,
        Verb::Export(args) => export(&args, context)?,
    }
    Ok(Outcome::Holds)
}

#[derive(Serialize)]
struct ValueRecord {
    name: String,
    data_type: String,
    value: serde_json::Value,
}

impl ValueRecord {
    fn new(value: &Value) -> Self {
        let number = value.data_type.0;
        Self {
            name: value.name.to_string(),
            data_type: value
                .data_type
                .name()
                .map_or_else(|| format!("{number:#x}"), str::to_owned),
            value: shown(value),
        }
    }

    fn line(&self) -> String {
        let name = if self.name.is_empty() { "@" } else { &self.name };
        let value = match &self.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{name}\t{}\t{value}", self.data_type)
    }
}

fn get(args: &GetArgs, context: &Context) -> Result<(), Failure> {
    let hive = args.hive.read(context)?;
    let path = args.key.as_deref().unwrap_or("");
    let key = find(hive.key(path), path)?;
    if let Some(name) = &args.value {
        let value = key.value(value_name(name));
        let value = value.ok_or_else(|| {
            Failure::new(
                USAGE,
                Message::NoSuchValue {
                    path: format!("{path}\\{name}"),
                },
            )
        })?;
        let record = ValueRecord::new(value);
        return context.output.result(&record, || record.line());
    }
    for value in key.values() {
        let record = ValueRecord::new(value);
        context.output.entry(&record, || record.line())?;
    }
    for subkey in key.subkeys() {
        let name = subkey.name().to_string();
        context
            .output
            .entry(&serde_json::json!({ "key": name }), || format!("[{name}]"))?;
    }
    let counts = serde_json::json!({
        "values": key.values().len(), "subkeys": key.subkeys().len(), "last_write_filetime": key.last_write,
    });
    context.output.result(&counts, String::new)
}

fn set(args: &SetArgs, context: &Context) -> Result<(), Failure> {
    let mut hive = args.hive.read(context)?;
    let value = args.data_type.value(value_name(&args.value), &args.data)?;
    let new = ValueRecord::new(&value);
    let old = hive.set_value(&args.key, value)?;
    file::write_hive(&hive, args.out.as_deref().unwrap_or(&args.hive.file))?;
    let old = old.as_ref().map(ValueRecord::new);
    context.output.result(
        &serde_json::json!({ "key": args.key, "old": old, "new": new }),
        || new.line(),
    )
}

fn del(args: &DelArgs, context: &Context) -> Result<(), Failure> {
    let mut hive = args.hive.read(context)?;
    let deleted = match &args.value {
        Some(name) => {
            hive.delete_value(&args.key, value_name(name))?;
            format!("{}\\{name}", args.key)
        }
        None => {
            hive.delete_key(&args.key)?;
            args.key.clone()
        }
    };
    file::write_hive(&hive, args.out.as_deref().unwrap_or(&args.hive.file))?;
    context
        .output
        .result(&serde_json::json!({ "deleted": deleted }), || {
            Message::Deleted {
                what: deleted.clone(),
            }
            .text(context.output.lang())
        })
}

fn export(args: &ExportArgs, context: &Context) -> Result<(), Failure> {
    if args.out.is_none() {
        context.output.stdout_is_data();
    }
    let hive = args.hive.read(context)?;
    let path = args.key.as_deref().unwrap_or("");
    let key = find(hive.key(path), path)?;
    let prefix = match path {
        "" => args.prefix.clone(),
        _ => format!("{}\\{}", args.prefix, path.trim_matches('\\')),
    };
    let Some(out) = &args.out else {
        let mut stdout = BufWriter::new(std::io::stdout().lock());
        key.export(&prefix, &mut stdout)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::io("stdout", &error))?;
        return context
            .output
            .result_beside_data(&serde_json::json!({ "file": null }));
    };
    let mut text = Vec::new();
    let failed = |error: std::io::Error| Failure::io(out.display(), &error);
    key.export(&prefix, &mut text).map_err(failed)?;
    let text = String::from_utf8_lossy(&text);
    let mut file = BufWriter::new(File::create_new(out).map_err(failed)?);
    for unit in std::iter::once(0xfeff).chain(text.encode_utf16()) {
        file.write_all(&unit.to_le_bytes()).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    context.output.result(&serde_json::json!({ "file": out }), || {
        let path = out.display().to_string();
        Message::FileWritten { path }.text(context.output.lang())
    })
}

fn find<'h>(key: Option<&'h Key>, path: &str) -> Result<&'h Key, Failure> {
    key.ok_or_else(|| {
        Failure::new(
            USAGE,
            Message::NoSuchKey {
                path: path.to_owned(),
            },
        )
    })
}

fn value_name(name: &str) -> &str {
    if name == "@" { "" } else { name }
}
