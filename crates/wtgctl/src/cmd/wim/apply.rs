//! `wtgctl wim apply`.

use std::path::{Path, PathBuf};

use clap::Args;
use partitioner::Window;
use serde_json::json;
use stick::{Compact, VolumeOptions};
use wim_apply::apply::{DirectoryTarget, apply_tree};

use super::extract::warn_of_losses;
use super::open::{WimArgs, apply_options, with_control};
use super::{Context, Outcome};
use crate::cmd::job::{CompactArg, VerifyArg};
use crate::failure::{Failure, REFUSED, USAGE};
use crate::progress::Progress;
use crate::size::{Size, human};

/// Arguments of `wtgctl wim apply`.
#[derive(Debug, Args)]
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
    /// Bytes per cluster.
    #[arg(long, requires = "ntfs", default_value_t = 4096)]
    cluster_size: u32,
    /// Go on after damaged data: zeros take its place, and each file is named.
    #[arg(long, conflicts_with = "ntfs")]
    recover: bool,
}

/// Runs the verb.
pub(crate) fn run(args: ApplyArgs, context: &Context) -> Result<Outcome, Failure> {
    match (&args.ntfs, &args.directory) {
        (Some(volume), _) => to_volume(&args, volume, context),
        (None, Some(directory)) => to_directory(&args, directory, context),
        (None, None) => Err(Failure::new(USAGE, "a folder or --ntfs VOLUME is needed")),
    }
}

fn to_directory(args: &ApplyArgs, directory: &Path, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, Some(&args.image))?;
    let image = wim.image(index).map_err(|error| args.wim.failed(error))?;
    let mut target = DirectoryTarget::new(directory);
    warn_of_losses(&image, &target, context);
    let mut options = apply_options(context);
    options.recover = args.recover;
    let report = with_control(context, "apply", &|id| image.paths_of_blob(id), |control| {
        apply_tree(&wim, &image, &mut target, &options, control)
    })
    .map_err(|error| args.wim.failed(error))?;
    let damaged: Vec<String> = report
        .failures
        .iter()
        .map(|failure| failure.error.to_string())
        .collect();
    let result = json!({ "entries": image.dentries.len(), "bytes": report.size_bytes, "damaged": damaged });
    context.output.result(&result, || {
        let mut lines = damaged.clone();
        let (entries, bytes) = (image.dentries.len(), human(report.size_bytes));
        lines.push(format!(
            "{entries} entries, {bytes} applied to {}",
            directory.display()
        ));
        lines.join("\n")
    })?;
    Ok(if damaged.is_empty() {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

fn to_volume(args: &ApplyArgs, volume: &Path, context: &Context) -> Result<Outcome, Failure> {
    let wim = args.wim.open()?;
    let index = args.wim.image_index(&wim, Some(&args.image))?;
    let options = VolumeOptions {
        size_bytes: args.size.map(|size| size.0),
        first_byte: 0,
        sector_bytes: 512,
        cluster_bytes: args.cluster_size,
        compact: Compact::from(args.compact),
        verify: args.verify.into(),
        seed: context.seed.unwrap_or(0),
    };
    let run = context.run_options();
    let io = |error: std::io::Error| Failure::io(volume.display(), &error);
    let mut progress = Progress::new(&context.output);
    let mut show = |p: stick::Progress| progress.update(p.phase, p.done_bytes, p.total_bytes);
    let report = match args.partition {
        None => {
            let prepared = stick::PreparedVolume::new(&wim, index, options, &run)?;
            for warning in &prepared.warnings {
                context.output.warning(warning);
            }
            let mut file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(volume)
                .map_err(io)?;
            file.set_len(prepared.size_bytes).map_err(io)?;
            let report = prepared.write_to(&wim, &mut file, &run, &mut show)?;
            file.sync_all().map_err(io)?;
            report
        }
        Some(number) => {
            let mut file = std::fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(volume)
                .map_err(io)?;
            if !file.metadata().map_err(io)?.is_file() {
                return Err(
                    Failure::new(REFUSED, format_args!("{}: not a regular file", volume.display()))
                        .hint("devices are written whole, by `wtgctl create` or `wtgctl write`"),
                );
            }
            let limits = partitioner::Limits::default();
            let (first_byte, size_bytes) = partitioner::find_partition(&mut file, number, &limits)?;
            let options = VolumeOptions {
                size_bytes: Some(size_bytes),
                first_byte,
                ..options
            };
            let prepared = stick::PreparedVolume::new(&wim, index, options, &run)?;
            for warning in &prepared.warnings {
                context.output.warning(warning);
            }
            let mut window = Window::new(&mut file, first_byte, size_bytes);
            let report = prepared.write_to(&wim, &mut window, &run, &mut show)?;
            file.sync_all().map_err(io)?;
            report
        }
    };
    progress.finish();
    context.output.result(&report, || {
        format!(
            "{} files and directories on {}, {} written in {} writes",
            report.files,
            volume.display(),
            human(report.written_bytes),
            report.write_calls
        )
    })?;
    Ok(Outcome::Holds)
}
