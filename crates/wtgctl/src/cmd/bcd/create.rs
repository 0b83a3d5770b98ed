//! `wtgctl bcd create`.

use std::path::PathBuf;

use bootcfg::bcd::{BcdbootSpec, Device, Firmware, LoaderIds, WindowsVolume, bcdboot_store};
use uuid::Uuid;

use crate::cmd::hive::file::replace;
use crate::cmd::{Context, job};
use crate::failure::{Failure, REFUSED};
use crate::i18n::Message;

/// Arguments of `wtgctl bcd create`.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// The store to be written.
    file: PathBuf,
    /// GUID of the GPT disk.
    #[arg(long, value_name = "GUID")]
    disk: Uuid,
    /// GUID of the EFI system partition.
    #[arg(long, value_name = "GUID")]
    system_partition: Uuid,
    /// GUID of the Windows partition, or of the one that holds the --vhd file.
    #[arg(long, value_name = "GUID")]
    windows_partition: Uuid,
    /// Path of a VHD or VHDX file on that partition which holds Windows, such as `\windows.vhdx`.
    #[arg(long, value_name = "PATH", conflicts_with = "locate")]
    vhd: Option<String>,
    /// Find Windows on whatever volume holds its loader, not by the partition's GUID.
    #[arg(long)]
    locate: bool,
    /// Name in the boot menu.
    #[arg(long, value_name = "NAME", default_value = "Windows")]
    description: String,
    /// Locale of the menus.
    #[arg(long, value_name = "LOCALE", default_value = "en-US")]
    locale: String,
    /// Seconds the boot menu waits.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &CreateArgs, context: &Context) -> Result<(), Failure> {
    if args.file.exists() && !args.force {
        return Err(Failure::new(
            REFUSED,
            Message::ExistsAlready {
                path: args.file.display().to_string(),
            },
        )
        .hint(Message::HintOtherName));
    }
    let seed = match context.seed {
        Some(seed) => seed,
        None => job::random_seed()?,
    };
    let ids = LoaderIds {
        loader: stick::Seed(seed).guid("boot loader"),
        resume: stick::Seed(seed).guid("resume loader"),
    };
    let parent = Device::gpt_partition(args.disk, args.windows_partition);
    let windows = match &args.vhd {
        Some(path) => WindowsVolume::Vhd {
            parent,
            path: path.clone(),
        },
        None if args.locate => WindowsVolume::Locate,
        None => WindowsVolume::Device(parent),
    };
    let spec = BcdbootSpec {
        firmware: Firmware::Uefi,
        windows,
        description: args.description.clone(),
        locale: args.locale.clone(),
        timeout_seconds: args.timeout,
        ..BcdbootSpec::uefi(args.disk, args.system_partition, args.windows_partition, ids)
    };
    let store = bcdboot_store(&spec);
    replace(&args.file, &store.write(0)?)?;
    let record = serde_json::json!({
        "file": args.file, "seed": seed, "loader": ids.loader, "resume": ids.resume,
        "objects": store.objects.len(),
    });
    context.output.result(&record, || {
        format!("{}: loader {{{}}}, seed {seed}", args.file.display(), ids.loader)
    })
}
