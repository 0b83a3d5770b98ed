//! `wtgctl ntfs format`.

use std::path::PathBuf;

use ntfs_image::{DosNames, NtfsBuilder, VolumeSpec};
use partitioner::device::{FileRequest, Host, Target};
use serde::Serialize;

use crate::cmd::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::size::{Size, human};

/// FILETIME of 1 January 2000: formatting reads no clock.
const FORMAT_TIME: u64 = 125_911_584_000_000_000;

/// Arguments of `wtgctl ntfs format`.
#[derive(Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// The file to make.
    volume: PathBuf,
    /// Size of the volume, e.g. 100M; 32 MiB to 2 TiB.
    #[arg(long)]
    size: Size,
    /// Label, up to 32 characters.
    #[arg(long, default_value = "")]
    label: String,
    /// Serial number, sixteen hexadecimal digits; from --seed when absent.
    #[arg(long, value_name = "HEX", value_parser = serial)]
    serial: Option<u64>,
    /// Cluster size.
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    cluster_size: Size,
    /// Logical sector size.
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    sector_size: u32,
    /// LBA of the partition on the disk that the volume is for.
    #[arg(long, value_name = "LBA", default_value_t = 0)]
    hidden_sectors: u32,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

fn serial(text: &str) -> Result<u64, String> {
    u64::from_str_radix(&text.replace('-', ""), 16).map_err(|_| "up to sixteen hexadecimal digits".to_owned())
}

#[derive(Serialize)]
struct Formatted {
    volume: PathBuf,
    serial: String,
    size_bytes: u64,
    cluster_bytes: u64,
}

/// Makes a volume.
pub(super) fn run(args: FormatArgs, context: &Context) -> Result<Outcome, Failure> {
    let serial = match (args.serial, context.seed) {
        (Some(serial), _) => serial,
        (None, Some(seed)) => stick::Seed(seed).serial("ntfs format"),
        (None, None) => stick::Seed(crate::cmd::job::random_seed()?).serial("ntfs format"),
    };
    let mut builder = NtfsBuilder::new(VolumeSpec {
        size_bytes: args.size.0,
        sector_bytes: args.sector_size,
        cluster_bytes: u32::try_from(args.cluster_size.0).unwrap_or(u32::MAX),
        mft_record_bytes: if args.sector_size == 4096 { 4096 } else { 1024 },
        serial,
        hidden_sectors: args.hidden_sectors,
        label: args.label.encode_utf16().collect(),
        time: FORMAT_TIME,
        dos_names: DosNames::Given,
        keep_free: Vec::new(),
    });
    // What cannot be built is said before a file is made.
    builder.plan().map_err(|error| match error.kind() {
        ntfs_image::BuildErrorKind::Invalid => Failure::of(USAGE, &error),
        _ => error.into(),
    })?;
    let request = FileRequest {
        path: &args.volume,
        size_bytes: args.size.0,
        force: args.force,
        sources: &[],
    };
    let target = Target::open_file(&Host::default(), &request)?;
    let (target, _) = builder.writer(target)?.finish()?;
    target.finish()?;
    let formatted = Formatted {
        volume: args.volume,
        serial: format!("{serial:016x}"),
        size_bytes: args.size.0,
        cluster_bytes: args.cluster_size.0,
    };
    context.output.result(&formatted, || {
        let message = Message::FormattedNtfs {
            path: formatted.volume.display().to_string(),
            size: human(formatted.size_bytes),
            cluster_bytes: formatted.cluster_bytes,
            serial: formatted.serial.clone(),
        };
        message.text(context.output.lang())
    })?;
    Ok(Outcome::Holds)
}
