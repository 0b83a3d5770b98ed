//! Verbs that read a volume.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use ntfs_image::check::Severity;
use ntfs_image::layout::{attribute, file_attribute, record};
use ntfs_image::read::{DirectoryEntry, FileReference, Volume};
use ntfs_image::{CompactFormat, Limits};
use partitioner::{Window, find_partition};
use serde::Serialize;
use stick::tree::display_name;
use wim_apply::codec::{Codec, Decoder};

use super::VolumeArgs;
use crate::cmd::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure, SYSTEM, USAGE};
use crate::i18n::Message;
use crate::output;
use crate::size::human;

/// Arguments of `wtgctl ntfs ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The directory; everything below the root when absent.
    path: Option<String>,
}

/// Arguments of `wtgctl ntfs cat`.
#[derive(Debug, clap::Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// The file; `file:stream` for a named stream.
    path: String,
    /// The bytes as they are stored, not decoded, for a compact (WOF) file.
    #[arg(long)]
    raw: bool,
}

#[derive(Serialize)]
struct Info {
    label: String,
    serial: String,
    version: String,
    dirty: bool,
    size_bytes: u64,
    sector_bytes: u32,
    cluster_bytes: u32,
    cluster_count: u64,
    mft_record_bytes: u32,
    mft_records: u64,
    index_block_bytes: u32,
    hidden_sectors: u32,
    boot_sector: &'static str,
}

#[derive(Serialize)]
struct Listed {
    path: String,
    record: u64,
    sequence: u16,
    directory: bool,
    size_bytes: u64,
    allocated_bytes: u64,
    attributes: u32,
    creation_time: u64,
    last_write_time: u64,
    change_time: u64,
    last_access_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reparse_tag: Option<u32>,
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

#[derive(Serialize)]
struct Cat {
    size_bytes: u64,
}

#[derive(Serialize)]
struct Checked {
    clean: bool,
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: u64,
    stats: ntfs_image::check::CheckStats,
}

#[derive(Serialize)]
struct Region<'a> {
    first_byte: u64,
    size_bytes: u64,
    what: &'a str,
}

/// What the volume says of itself.
pub(super) fn info(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(args)?;
    let stated = volume.information()?;
    let boot = *volume.boot();
    let info = Info {
        label: display_name(&stated.label),
        serial: format!("{:016x}", boot.serial),
        version: format!("{}.{}", stated.version.0, stated.version.1),
        dirty: stated.flags & 1 != 0,
        size_bytes: boot.total_sectors.saturating_mul(u64::from(boot.sector_bytes)),
        sector_bytes: boot.sector_bytes,
        cluster_bytes: boot.cluster_bytes,
        cluster_count: boot.cluster_count(),
        mft_record_bytes: boot.record_bytes,
        mft_records: volume.record_count(),
        index_block_bytes: boot.index_block_bytes,
        hidden_sectors: boot.hidden_sectors,
        boot_sector: if boot.at == 0 { "primary" } else { "backup" },
    };
    context.output.result(&info, || {
        format!(
            "label           {}\nserial          {}\nNTFS            {}{}\nsize            {} ({})\n\
             sector          {} bytes\ncluster         {} bytes, {} of them\n\
             MFT record      {} bytes, {} of them\nboot sector     {}",
            if info.label.is_empty() {
                "(none)"
            } else {
                &info.label
            },
            info.serial,
            info.version,
            if info.dirty { ", dirty" } else { "" },
            info.size_bytes,
            human(info.size_bytes),
            info.sector_bytes,
            info.cluster_bytes,
            info.cluster_count,
            info.mft_record_bytes,
            info.mft_records,
            info.boot_sector,
        )
    })?;
    Ok(Outcome::Holds)
}

/// Lists a directory, or everything.
pub(super) fn ls(args: &LsArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(&args.volume)?;
    let (start, recursive) = match &args.path {
        Some(path) => (volume.lookup(path)?, false),
        None => (volume.root()?, true),
    };
    if let Some(path) = args.path.as_deref().filter(|_| !start.is_directory()) {
        return ls_file(&mut volume, path, &start, context);
    }
    let base = args
        .path
        .as_deref()
        .unwrap_or_default()
        .trim_matches(['\\', '/'])
        .replace('/', "\\");
    let mut count = 0;
    let mut rest: Vec<(String, FileReference)> = vec![(base, start.reference)];
    // A directory that is met again lies in itself: it is listed once.
    let mut seen = std::collections::BTreeSet::new();
    while let Some((path, reference)) = rest.pop() {
        if !seen.insert(reference) {
            continue;
        }
        let directory = volume.file_by_reference(reference)?;
        let mut below = Vec::new();
        for entry in volume.directory(&directory)? {
            if entry.reference.record == record::ROOT {
                continue;
            }
            let name = display_name(&entry.key.name);
            let path = if path.is_empty() {
                format!("\\{name}")
            } else {
                format!("\\{}\\{name}", path.trim_start_matches('\\'))
            };
            print_entry(&path, &entry, context)?;
            count += 1;
            let reparse = entry.key.attributes & file_attribute::REPARSE_POINT != 0;
            if recursive && !reparse && entry.key.attributes & file_attribute::INDEX_PRESENT != 0 {
                below.push((path, entry.reference));
            }
        }
        rest.extend(below.into_iter().rev());
    }
    context.output.result(&Count { count }, String::new)?;
    Ok(Outcome::Holds)
}

/// Lists one file, as its directory does.
fn ls_file(
    volume: &mut Volume<Window<File>>,
    path: &str,
    file: &ntfs_image::read::File,
    context: &Context,
) -> Result<Outcome, Failure> {
    let path = format!("\\{}", path.trim_matches(['\\', '/']).replace('/', "\\"));
    let folder = path.rsplit_once('\\').map_or("\\", |(folder, _)| folder);
    let folder = volume.lookup(folder)?;
    let asked = path.rsplit('\\').next().unwrap_or_default();
    let mut found: Vec<DirectoryEntry> = volume.directory(&folder)?;
    found.retain(|entry| entry.reference == file.reference);
    // Of several names of the file in this directory, the one that was asked for.
    let named = |entry: &&DirectoryEntry| display_name(&entry.key.name).eq_ignore_ascii_case(asked);
    let entry = found.iter().find(named).or(found.first());
    if let Some(entry) = entry {
        print_entry(&path, entry, context)?;
    }
    let count = usize::from(entry.is_some());
    context.output.result(&Count { count }, String::new)?;
    Ok(Outcome::Holds)
}

fn print_entry(path: &str, entry: &DirectoryEntry, context: &Context) -> Result<(), Failure> {
    let key = &entry.key;
    let reparse = key.attributes & file_attribute::REPARSE_POINT != 0;
    let listed = Listed {
        path: path.to_owned(),
        record: entry.reference.record,
        sequence: entry.reference.sequence,
        directory: key.attributes & file_attribute::INDEX_PRESENT != 0,
        size_bytes: key.size_bytes,
        allocated_bytes: key.allocated_bytes,
        attributes: key.attributes,
        short_name: entry.dos_name.as_deref().map(display_name),
        reparse_tag: reparse.then_some(key.reparse_or_ea),
        creation_time: key.creation_time,
        last_write_time: key.modification_time,
        change_time: key.change_time,
        last_access_time: key.access_time,
    };
    context.output.entry(&listed, || {
        format!(
            "{} {:>12} {}",
            letters(key.attributes),
            key.size_bytes,
            shown(path)
        )
    })
}

/// A file's content to stdout.
pub(super) fn cat(args: &CatArgs, context: &Context) -> Result<Outcome, Failure> {
    context.output.stdout_is_data();
    let mut volume = open(&args.volume)?;
    let (path, stream) = args.path.split_once(':').unwrap_or((&args.path, ""));
    let file = volume.lookup(path)?;
    let name: Vec<u16> = stream.encode_utf16().collect();
    if file.attribute(attribute::DATA, &name).is_none() {
        let path = args.path.clone();
        return Err(Failure::new(
            USAGE,
            if file.is_directory() && stream.is_empty() {
                Message::IsDirectory { path }
            } else {
                Message::NoSuchStream { path }
            },
        ));
    }
    let compact = volume.compact(&file)?.filter(|_| stream.is_empty() && !args.raw);
    let mut bytes: Box<dyn Read + '_> = match &compact {
        Some(compact) => Box::new(volume.open_compact(compact, decoder())?),
        None => Box::new(volume.open_stream(&file, &name)?),
    };
    let size_bytes = output::copy_to_stdout(&mut bytes, |error| read_failure(&args.path, error))?;
    context.output.result_beside_data(&Cat { size_bytes })?;
    Ok(Outcome::Holds)
}

/// Everything that is wrong.
pub(super) fn check(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    let report = ntfs_image::check::check(window(args)?, &Limits::default());
    // What is no NTFS volume at all is a bad input, not a bad volume.
    if report.stats.records == 0
        && let Err(failure) = open(args)
    {
        return Err(failure);
    }
    for finding in &report.findings {
        context.output.entry(finding, || {
            let severity = match finding.severity {
                Severity::Error => Message::Error,
                Severity::Warning => Message::Warning,
                Severity::Note => Message::Note,
            };
            let severity = severity.text(context.output.lang());
            format!("{severity}: {}", shown(&finding.to_string()))
        })?;
    }
    let count = |severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let checked = Checked {
        clean: report.is_clean(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        suppressed: report.suppressed,
        stats: report.stats,
    };
    context.output.result(&checked, || {
        let stats = &checked.stats;
        let (files, directories) = (stats.files, stats.directories);
        let (used, clusters) = (stats.clusters_in_use, stats.clusters);
        let message = if checked.clean {
            Message::NtfsClean {
                files,
                directories,
                used,
                clusters,
            }
        } else {
            Message::NtfsUnclean {
                errors: checked.errors as u64,
                warnings: checked.warnings as u64,
                suppressed: checked.suppressed,
                files,
                directories,
                used,
                clusters,
            }
        };
        message.text(context.output.lang())
    })?;
    Ok(if checked.clean {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

/// Every byte and whose it is.
pub(super) fn dump(args: &VolumeArgs, context: &Context) -> Result<Outcome, Failure> {
    if !context.output.is_json() {
        let mut out = BufWriter::new(io::stdout().lock());
        ntfs_image::dump::dump(window(args)?, &Limits::default(), &mut out)?;
        return Ok(Outcome::Holds);
    }
    let mut lines = Lines {
        context,
        pending: Vec::new(),
        count: 0,
    };
    ntfs_image::dump::dump(window(args)?, &Limits::default(), &mut lines)?;
    context
        .output
        .result(&Count { count: lines.count }, String::new)?;
    Ok(Outcome::Holds)
}

/// Turns the lines of a dump into records.
struct Lines<'c> {
    context: &'c Context,
    pending: Vec<u8>,
    count: usize,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end().trim_start_matches('!');
            let mut parts = line.splitn(2, ' ');
            let first_byte = parts.next().and_then(|at| u64::from_str_radix(at, 16).ok());
            let (length, what) = parts
                .next()
                .unwrap_or_default()
                .trim_start()
                .split_once(' ')
                .unwrap_or_default();
            let region = Region {
                first_byte: first_byte.unwrap_or(0),
                size_bytes: length.parse().unwrap_or(0),
                what,
            };
            self.count += 1;
            let sent = self.context.output.entry(&region, String::new);
            sent.map_err(|failure| io::Error::new(io::ErrorKind::BrokenPipe, failure.message))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn window(args: &VolumeArgs) -> Result<Window<File>, Failure> {
    let name = args.volume.display().to_string();
    let mut file = File::open(&args.volume).map_err(|error| Failure::io(&name, &error))?;
    let (first_byte, size_bytes) = match args.partition {
        Some(number) => find_partition(&mut file, number, &partitioner::Limits::default())
            .map_err(|error| Failure::from(error).at(&name))?,
        None => (
            0,
            file.seek(SeekFrom::End(0))
                .map_err(|error| Failure::io(&name, &error))?,
        ),
    };
    Ok(Window::new(file, first_byte, size_bytes))
}

fn open(args: &VolumeArgs) -> Result<Volume<Window<File>>, Failure> {
    Volume::open(window(args)?, &Limits::default()).map_err(|error| {
        let failure = Failure::from(error).at(args.volume.display());
        match args.partition {
            Some(_) => failure,
            None => failure.hint(Message::HintPartition),
        }
    })
}

/// Decodes chunks of compact files with the codecs of WIM.
fn decoder() -> impl FnMut(CompactFormat, &[u8], &mut [u8]) -> io::Result<()> {
    let mut decoder: Option<Decoder> = None;
    move |format, packed, plain| {
        if decoder.is_none() {
            let codec = if format == CompactFormat::Lzx32K {
                Codec::Lzx
            } else {
                Codec::Xpress
            };
            decoder = Decoder::new(codec, format.chunk_bytes());
        }
        let decoder = decoder.as_mut().ok_or(io::ErrorKind::Unsupported)?;
        decoder
            .decompress(packed, plain)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

fn read_failure(name: &str, error: &io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<ntfs_image::Error>());
    match (inner, error.kind()) {
        (Some(inner), _) => Failure::of(BAD_INPUT, inner).at(shown(name)),
        (None, io::ErrorKind::InvalidData) => Failure::new(BAD_INPUT, error).at(shown(name)),
        (None, io::ErrorKind::Unsupported) => Failure::new(SYSTEM, error).at(shown(name)),
        _ => Failure::io(shown(name), error),
    }
}

/// `drhsalcpe`, with `-` for what is not set: directory, read-only, hidden, system, archive, reparse point
/// (link), compressed, sparse (partial), encrypted.
fn letters(attributes: u32) -> String {
    [
        (file_attribute::INDEX_PRESENT, 'd'),
        (file_attribute::READ_ONLY, 'r'),
        (file_attribute::HIDDEN, 'h'),
        (file_attribute::SYSTEM, 's'),
        (0x20, 'a'),
        (file_attribute::REPARSE_POINT, 'l'),
        (file_attribute::COMPRESSED, 'c'),
        (file_attribute::SPARSE, 'p'),
        (file_attribute::ENCRYPTED, 'e'),
    ]
    .into_iter()
    .map(|(bit, letter)| if attributes & bit != 0 { letter } else { '-' })
    .collect()
}

/// Text from the volume for a terminal: control characters escaped.
fn shown(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}
