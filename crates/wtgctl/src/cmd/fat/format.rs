//! `wtgctl fat format`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use partitioner::device::{FileRequest, Host, Target};
use partitioner::fat32::{Attributes, Content, FatBuilder, FatSpec, FatTime};
use serde::Serialize;

use crate::cmd::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure};
use crate::i18n::Message;
use crate::size::{Size, human};

/// Arguments of `wtgctl fat format`.
#[derive(Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// The file to make.
    volume: PathBuf,
    /// Size of the volume, e.g. 100M.
    #[arg(long)]
    size: Size,
    /// Label, up to 11 characters.
    #[arg(long, default_value = "")]
    label: String,
    /// Folder whose files and folders are put into it.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Serial number, eight hexadecimal digits; from --seed when absent.
    #[arg(long, value_name = "HEX", value_parser = volume_id)]
    volume_id: Option<u32>,
    /// Logical sector size.
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    sector_size: u32,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

fn volume_id(text: &str) -> Result<u32, String> {
    u32::from_str_radix(&text.replace('-', ""), 16)
        .map_err(|_| "eight hexadecimal digits, like 1234-ABCD".to_owned())
}

#[derive(Serialize)]
struct Formatted {
    volume: PathBuf,
    volume_id: u32,
    size_bytes: u64,
    cluster_bytes: u64,
    cluster_count: u32,
    free_bytes: u64,
    files: usize,
}

/// Makes a volume.
pub(super) fn run(args: FormatArgs, context: &Context) -> Result<Outcome, Failure> {
    let volume_id = match (args.volume_id, context.seed) {
        (Some(id), _) => id,
        (None, Some(seed)) => mix(seed),
        (None, None) => mix(crate::cmd::job::random_seed()?),
    };
    let mut builder = FatBuilder::new(FatSpec {
        size_bytes: args.size.0,
        sector_bytes: args.sector_size,
        hidden_sectors: 0,
        volume_id,
        label: args.label,
        time: FatTime::MIN,
    })?;
    let mut files = Vec::new();
    if let Some(folder) = &args.from {
        add_folder(folder, "", &mut builder, &mut files)?;
    }
    let plan = builder.plan()?;
    let request = FileRequest {
        path: &args.volume,
        size_bytes: args.size.0,
        force: args.force,
        sources: &files,
    };
    let mut target = Target::open_file(&Host::default(), &request)?;
    plan.write(&mut target, |key| File::open(&files[key as usize]))?;
    target.finish()?;
    let formatted = Formatted {
        volume: args.volume,
        volume_id,
        size_bytes: args.size.0,
        cluster_bytes: plan.cluster_bytes(),
        cluster_count: plan.cluster_count(),
        free_bytes: plan.free_bytes(),
        files: files.len(),
    };
    context.output.result(&formatted, || {
        let message = Message::FormattedFat {
            path: formatted.volume.display().to_string(),
            size: human(formatted.size_bytes),
            files: formatted.files as u64,
            free: human(formatted.free_bytes),
            id: format!("{:04X}-{:04X}", volume_id >> 16, volume_id & 0xFFFF),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}

/// 32 bits of a seed, so that neighbouring seeds give numbers far apart.
fn mix(seed: u64) -> u32 {
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) >> 32) as u32
}

/// Adds a folder's content in the order of names, so that the same folder gives the same bytes.
fn add_folder(
    folder: &Path,
    inside: &str,
    builder: &mut FatBuilder,
    files: &mut Vec<PathBuf>,
) -> Result<(), Failure> {
    let failed = |e| Failure::io(folder.display(), &e);
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let shown = path.display().to_string();
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| Failure::new(BAD_INPUT, Message::NameNotUtf8 { path: shown.clone() }))?;
        let inside = if inside.is_empty() {
            name.to_owned()
        } else {
            format!("{inside}/{name}")
        };
        // Without following links: what lies outside the folder is not meant.
        let metadata = fs::symlink_metadata(&path).map_err(|e| Failure::io(path.display(), &e))?;
        let time = FatTime::from_unix_seconds(metadata.mtime());
        if metadata.is_dir() {
            builder.add_directory(&inside, Attributes::NONE, time)?;
            add_folder(&path, &inside, builder, files)?;
        } else if metadata.is_file() {
            let content = Content::Keyed {
                key: files.len() as u64,
                size_bytes: metadata.len(),
            };
            builder.add_file(&inside, content, Attributes::ARCHIVE, time)?;
            files.push(path);
        } else {
            return Err(Failure::new(BAD_INPUT, Message::NotForFat { path: shown }));
        }
    }
    Ok(())
}
