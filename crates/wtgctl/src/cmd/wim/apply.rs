//! `wtgctl wim apply`.

use std::path::{Path, PathBuf};

use clap::Args;
use partitioner::device::{FileRequest, Host, Target};
use partitioner::{find_partition, gpt};
use serde_json::json;
use stick::{Compact, PreparedVolume, VolumeOptions};
use wim_apply::apply::{DirectoryTarget, apply_tree};

use super::extract::{warn_of_losses, warn_of_lost_links};
use super::open::{WimArgs, apply_options, check_claim, with_control};
use super::{Context, Outcome};
use crate::cmd::job::{CompactArg, VerifyArg, random_seed};
use crate::failure::{Failure, INTERRUPTED, REFUSED, SYSTEM, USAGE};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::{Size, human};

/// Arguments of `wtgctl wim apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  wtgctl wim apply install.wim \"Windows 11 Pro\" folder
  wtgctl wim apply install.esd 6 --ntfs windows.img --size 32G --compact auto
  wtgctl wim apply install.wim 1 --ntfs stick.img --partition 3 --force
  curl https://example.org/pipable.wim | wtgctl wim apply - 1 folder")]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    wim: WimArgs,
    /// Image: number or name.
    image: String,
    /// Folder to apply to; empty, or made.
    #[arg(required_unless_present = "ntfs", conflicts_with = "ntfs")]
    directory: Option<PathBuf>,
    /// NTFS volume to make: a new file, or with --partition a partition of a disk image.
    #[arg(long, value_name = "VOLUME")]
    ntfs: Option<PathBuf>,
    /// Size of the new volume; without it, what is needed and some room.
    #[arg(long, requires = "ntfs")]
    size: Option<Size>,
    /// Number of the partition of a disk image.
    #[arg(long, requires = "ntfs", conflicts_with = "size")]
    partition: Option<u32>,
    /// Store files compact, as Windows' own `compact /exe` does.
    #[arg(long, requires = "ntfs", value_enum, default_value_t = CompactArg::Off)]
    compact: CompactArg,
    /// When the hashes of compact files are checked.
    #[arg(long, requires = "ntfs", value_enum, default_value_t = VerifyArg::Inline)]
    verify: VerifyArg,
    /// Replace a volume file that is there, or overwrite the partition.
    #[arg(long, requires = "ntfs")]
    force: bool,
    /// Bytes per cluster.
    #[arg(long, requires = "ntfs", default_value_t = 4096)]
    cluster_size: u32,
    /// Go on after damaged data: zeros take its place, and each file is named. Refused when the file claims more than
    /// twice the data that its XML document states.
    #[arg(long)]
    recover: bool,
}

/// Runs the verb.
pub(crate) fn run(args: ApplyArgs, context: &Context) -> Result<Outcome, Failure> {
    match (&args.ntfs, &args.directory) {
        (Some(volume), _) => to_volume(&args, volume, context),
        (None, Some(directory)) => to_directory(&args, directory, context),
        (None, None) => Err(Failure::new(USAGE, Message::FolderOrVolume)),
    }
}

fn to_directory(args: &ApplyArgs, directory: &Path, context: &Context) -> Result<Outcome, Failure> {
    is_folder_or_new(directory)?;
    if has_entries(directory) {
        let path = directory.display().to_string();
        return Err(Failure::new(REFUSED, Message::FolderNotEmpty { path }).hint(Message::HintEmptyFolder));
    }
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, Some(&args.image))?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let mut target = DirectoryTarget::new(directory);
    warn_of_losses(&image, &target, context);
    let mut options = apply_options(context);
    options.recover = args.recover;
    if args.recover {
        check_claim(&wim, index, &image, args.wim.path())?;
    }
    let report = with_control(context, "apply", &|id| image.paths_of_blob(id), |control| {
        apply_tree(&wim, &image, &mut target, &options, control)
    })
    .map_err(|error| unfinished(args.wim.failed(error), directory, context))?;
    warn_of_lost_links(&target, context);
    let damaged: Vec<String> = report
        .failures
        .iter()
        .map(|failure| failure.error.to_string())
        .collect();
    let result = json!({ "entries": image.dentries.len(), "bytes": report.size_bytes, "damaged": damaged });
    context.output.result(&result, || {
        let mut lines = damaged.clone();
        let (entries, bytes) = (image.dentries.len(), human(report.size_bytes));
        let directory = directory.display().to_string();
        let applied = Message::EntriesApplied {
            entries: entries as u64,
            bytes,
            directory,
        };
        lines.push(applied.text(context.output.lang()));
        lines.join("\n")
    })?;
    Ok(holds_if_none(&damaged))
}

/// What is damaged decides about the exit code.
pub(super) fn holds_if_none(damaged: &[String]) -> Outcome {
    if damaged.is_empty() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    }
}

/// Says what a failed apply leaves behind.
fn unfinished(failure: Failure, directory: &Path, context: &Context) -> Failure {
    if !has_entries(directory) {
        return failure;
    }
    let path = directory.display().to_string();
    context.output.warning(Message::FolderUnfinished { path });
    match failure.code {
        SYSTEM | INTERRUPTED => failure.hint(Message::HintFolderUnfinished),
        _ => failure,
    }
}

/// Refuses what is there and no folder.
pub(super) fn is_folder_or_new(path: &Path) -> Result<(), Failure> {
    if path.exists() && !path.is_dir() {
        let path = path.display().to_string();
        return Err(Failure::new(REFUSED, Message::NotAFolder { path }).hint(Message::HintEmptyFolder));
    }
    Ok(())
}

fn has_entries(directory: &Path) -> bool {
    std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn to_volume(args: &ApplyArgs, volume: &Path, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, Some(&args.image))?;
    let mut options = VolumeOptions {
        size_bytes: args.size.map(|size| size.0),
        first_byte: 0,
        sector_bytes: 512,
        cluster_bytes: args.cluster_size,
        compact: Compact::from(args.compact),
        verify: args.verify.into(),
        recover: args.recover,
        seed: match context.seed {
            Some(seed) => seed,
            None => random_seed()?,
        },
    };
    if args.recover {
        let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
        check_claim(&wim, index, &image, args.wim.path())?;
    }
    let host = Host::default();
    let sources = args.wim.files();
    let mut disk = None;
    if let Some(number) = args.partition {
        if !args.force {
            let message = Message::PartitionOverwritten {
                path: volume.display().to_string(),
                number,
            };
            return Err(Failure::new(REFUSED, message).hint(Message::HintForce));
        }
        let mut target = Target::open_file_in_place(&host, volume, &sources)?;
        let limits = partitioner::Limits::default();
        let (first_byte, size_bytes) = find_partition(&mut target, number, &limits)?;
        options.sector_bytes =
            gpt::read(&mut target, None, &limits).map_or(512, |found| found.table.sector_bytes);
        options.first_byte = first_byte;
        options.size_bytes = Some(size_bytes);
        disk = Some(target);
    }
    let run = context.run_options();
    let prepared = PreparedVolume::new(&wim, index, options, &run).map_err(|error| match error {
        // A partition has the size it has.
        stick::Error::TooSmall { .. } if args.partition.is_some() => {
            Failure::from(error).hint(Message::HintLargerPartition)
        }
        error => error.into(),
    })?;
    for warning in &prepared.warnings {
        context.output.warning(warning);
    }
    let mut target = match disk {
        Some(target) => target,
        None => {
            let size_bytes = prepared.size_bytes;
            let request = FileRequest {
                path: volume,
                size_bytes,
                force: args.force,
                sources: &sources,
            };
            Target::open_file(&host, &request)?
        }
    };
    let mut progress = Progress::new(&context.output);
    let mut show = |p: stick::Progress| progress.update(p.phase, p.done_bytes, p.total_bytes);
    let written = prepared.write_to_target(&wim, &mut target, &run, &mut show);
    progress.finish();
    let report = written.map_err(|error| Failure::from(error).hint(Message::HintVolumeUnfinished))?;
    target.finish()?;
    context.output.result(&report, || {
        let mut lines = report.damaged.clone();
        let message = Message::Written {
            target: volume.display().to_string(),
            files: report.files,
            size: human(report.written_bytes),
            writes: report.write_calls,
            seed: options.seed,
        };
        lines.push(message.text(context.output.lang()));
        lines.join("\n")
    })?;
    Ok(holds_if_none(&report.damaged))
}
