//! Verbs that read a volume.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use partitioner::fat32::{self, Attributes, FatEntry, FatVolume};
use partitioner::{Limits, Window, find_partition};
use serde::Serialize;

use super::VolumeArgs;
use crate::cmd::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure, REFUSED};
use crate::i18n::Message;
use crate::output;
use crate::size::human;

type Volume = FatVolume<BufReader<Window<File>>>;

/// Arguments of `wtgctl fat ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The directory; everything below the root when absent.
    path: Option<String>,
}

/// Arguments of `wtgctl fat cat`.
#[derive(Debug, clap::Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The file.
    path: String,
}

/// Arguments of `wtgctl fat extract`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The file or directory; `/` for everything.
    path: String,
    /// Where to; must not be there yet.
    to: PathBuf,
}

#[derive(Serialize)]
struct Listed<'a> {
    path: &'a str,
    directory: bool,
    size_bytes: u32,
    short_name: &'a str,
    attributes: String,
    first_cluster: u32,
    created: String,
    modified: String,
    accessed: String,
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

#[derive(Serialize)]
struct Extracted {
    files: u64,
    directories: u64,
    size_bytes: u64,
}

/// What the volume says of itself.
pub(super) fn info(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(args)?;
    let info = volume.info()?;
    let free_bytes = u64::from(volume.count_free_clusters()?) * u64::from(info.cluster_bytes);
    let mut value = serde_json::to_value(&info).map_err(|e| Failure::new(crate::failure::SYSTEM, e))?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("free_bytes".into(), free_bytes.into());
    }
    context.output.result(&value, || {
        format!(
            "type            {:?}\nlabel           {}\nvolume id       {}\nsize            {} ({})\nfree            {}\n\
             sector          {} bytes\ncluster         {} bytes, {} of them",
            info.fat_type,
            info.label.as_deref().unwrap_or("(none)"),
            info.volume_id.map_or("(none)".into(), |id| format!("{:04X}-{:04X}", id >> 16, id & 0xFFFF)),
            info.size_bytes,
            human(info.size_bytes),
            human(free_bytes),
            info.sector_bytes,
            info.cluster_bytes,
            info.cluster_count,
        )
    })?;
    Ok(Outcome::Holds)
}

/// Lists a directory, or everything.
pub(super) fn ls(args: &LsArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(&args.volume)?;
    let mut entries: Vec<(String, FatEntry)> = Vec::new();
    if let Some(path) = &args.path {
        entries.extend(
            volume
                .list(path)?
                .into_iter()
                .map(|entry| (entry.name.clone(), entry)),
        );
    } else {
        volume.walk(|path, entry| {
            entries.push((path.to_owned(), entry.clone()));
            Ok(())
        })?;
    }
    for (path, entry) in &entries {
        let listed = Listed {
            path,
            directory: entry.is_directory(),
            size_bytes: entry.size_bytes,
            short_name: &entry.short_name,
            attributes: letters(entry.attributes),
            first_cluster: entry.first_cluster,
            created: entry.times.created.to_text(),
            modified: entry.times.modified.to_text(),
            accessed: entry.times.accessed.to_text(),
        };
        context.output.entry(&listed, || {
            format!(
                "{} {:>10} {} {}",
                listed.attributes,
                entry.size_bytes,
                listed.modified,
                shown(path)
            )
        })?;
    }
    let count = Count { count: entries.len() };
    context.output.result(&count, String::new)?;
    Ok(Outcome::Holds)
}

/// A file's content to stdout.
pub(super) fn cat(args: &CatArgs, context: &Context) -> Result<Outcome, Failure> {
    context.output.stdout_is_data();
    let mut volume = open(&args.volume)?;
    let entry = volume.entry(&args.path)?;
    let mut file = volume.open_file(&entry)?;
    let size_bytes = output::copy_to_stdout(&mut file, |error| read_failure(&args.path, error))?;
    context
        .output
        .result_beside_data(&serde_json::json!({ "size_bytes": size_bytes }))?;
    Ok(Outcome::Holds)
}

/// Copies a file or a directory to the host.
pub(super) fn extract(args: &ExtractArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(&args.volume)?;
    let mut done = Extracted {
        files: 0,
        directories: 0,
        size_bytes: 0,
    };
    let mut rest = Vec::new();
    if args.path.trim_matches(['/', '\\']).is_empty() {
        make_directory(&args.to)?;
        done.directories += 1;
        rest.extend(below(volume.list("/")?, &args.to)?);
    } else {
        rest.push((volume.entry(&args.path)?, args.to.clone()));
    }
    let limit = Limits::default();
    while let Some((entry, to)) = rest.pop() {
        if done.files + done.directories + rest.len() as u64 > limit.max_fat_entries {
            return Err(Failure::new(BAD_INPUT, Message::DirectoryCircle));
        }
        if entry.is_directory() {
            make_directory(&to)?;
            done.directories += 1;
            rest.extend(below(volume.list_directory(&entry)?, &to)?);
        } else {
            let mut out = File::create_new(&to).map_err(|e| Failure::io(to.display(), &e))?;
            let mut file = volume.open_file(&entry)?;
            done.size_bytes += io::copy(&mut file, &mut out).map_err(|e| read_failure(&entry.name, &e))?;
            done.files += 1;
        }
    }
    context.output.result(&done, || {
        let message = Message::FilesCopied {
            files: done.files,
            directories: done.directories,
            size: human(done.size_bytes),
            to: args.to.display().to_string(),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

/// Everything that is wrong.
pub(super) fn check(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let findings = open(args)?.check()?;
    for finding in &findings {
        context.output.entry(finding, || {
            format!("{}: {}", finding.code, shown(&finding.message))
        })?;
    }
    let count = Count {
        count: findings.len(),
    };
    context.output.result(&count, || {
        let message = match findings.len() as u64 {
            0 => Message::NothingWrong,
            count => Message::DoesNotHold { count },
        };
        message.text(context.output.lang())
    })?;
    Ok(if findings.is_empty() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

/// Every byte and whose it is.
pub(super) fn dump(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let regions = open(args)?.dump()?;
    for region in &regions {
        context.output.entry(region, || {
            format!(
                "{:#012x} {:>12} {}",
                region.first_byte,
                region.size_bytes,
                shown(&region.what)
            )
        })?;
    }
    let count = Count { count: regions.len() };
    context.output.result(&count, String::new)?;
    Ok(Outcome::Holds)
}

fn open(args: &VolumeArgs) -> Result<Volume, Failure> {
    let name = args.volume.display().to_string();
    let mut file = File::open(&args.volume).map_err(|e| Failure::io(&name, &e))?;
    let (first_byte, size_bytes) = match args.partition {
        Some(number) => {
            find_partition(&mut file, number, &Limits::default()).map_err(|e| Failure::from(e).at(&name))?
        }
        None => (
            0,
            file.seek(SeekFrom::End(0)).map_err(|e| Failure::io(&name, &e))?,
        ),
    };
    let window = BufReader::new(Window::new(file, first_byte, size_bytes));
    fat32::open(window, Limits::default()).map_err(|e| {
        let failure = Failure::from(e).at(&name);
        match args.partition {
            Some(_) => failure,
            None => failure.hint(Message::HintPartition),
        }
    })
}

/// The places of a directory's entries on the host. A name that would lead elsewhere is refused: the volume may be
/// anybody's.
fn below(entries: Vec<FatEntry>, folder: &Path) -> Result<Vec<(FatEntry, PathBuf)>, Failure> {
    entries
        .into_iter()
        .map(|entry| {
            let name = &entry.name;
            if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
                let name = name.clone();
                return Err(Failure::new(BAD_INPUT, Message::NameLeadsElsewhere { name }));
            }
            let to = folder.join(name);
            Ok((entry, to))
        })
        .collect()
}

fn make_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            REFUSED,
            Message::ExistsAlready {
                path: path.display().to_string(),
            },
        ),
        _ => Failure::io(path.display(), &e),
    })
}

fn read_failure(name: &str, error: &io::Error) -> Failure {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<partitioner::Error>())
    {
        Some(inner) => Failure::of(BAD_INPUT, inner).at(shown(name)),
        None => Failure::io(shown(name), error),
    }
}

/// `drhsa`, with `-` for what is not set.
fn letters(attributes: Attributes) -> String {
    [(16, 'd'), (1, 'r'), (2, 'h'), (4, 's'), (32, 'a')]
        .into_iter()
        .map(|(bit, letter)| {
            if attributes.contains(Attributes(bit)) {
                letter
            } else {
                '-'
            }
        })
        .collect()
}

/// A name from the volume for a terminal: control characters escaped.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}
