//! The command line, as types. One contract for every command.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd;
use crate::size::Size;

/// Turns a Windows image into a bootable Windows To Go stick, without Windows, mounts or root.
#[derive(Debug, Parser)]
#[command(
    name = "wtgctl",
    version,
    propagate_version = true,
    subcommand_required = true
)]
#[command(after_help = "\
Examples:
  wtgctl create windows.iso --target stick.img --size 32G
  wtgctl verify stick.img --against windows.iso
  wtgctl wim info windows.iso
  wtgctl wim extract install.wim 'Windows\\System32\\*.exe' --image 1 --dest out

`wtgctl COMMAND --help` and `wtgctl wim VERB --help` have more.

Exit codes: 0 done; 1 what was checked does not hold; 2 wrong command line; 3 bad input; 4 refused to protect
something; 5 the system failed; 130 interrupted.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where help puts the options of every command: behind the command's own.
const EVERYWHERE: &str = "Options of every command";

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// JSON Lines on stdout, ending in exactly one `result` or `error`.
    #[arg(help_heading = EVERYWHERE, long, global = true)]
    pub(crate) json: bool,
    /// Only results and errors.
    #[arg(help_heading = EVERYWHERE, long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Causes of errors, and more detail.
    #[arg(help_heading = EVERYWHERE, long, short, global = true)]
    pub(crate) verbose: bool,
    /// Progress on stderr.
    #[arg(help_heading = EVERYWHERE, long, global = true, value_enum, default_value_t = ProgressMode::Auto)]
    pub(crate) progress: ProgressMode,
    /// Colours.
    #[arg(help_heading = EVERYWHERE, long, global = true, value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,
    /// Language of messages for people; default: WTGCTL_LANG, then the locale.
    #[arg(help_heading = EVERYWHERE, long, global = true, value_enum)]
    pub(crate) lang: Option<Lang>,
    /// Seed of every identifier on the target; random, and printed, when absent.
    #[arg(help_heading = EVERYWHERE, long, global = true)]
    pub(crate) seed: Option<u64>,
    /// Worker threads; default: one for each processor.
    #[arg(help_heading = EVERYWHERE, long, global = true)]
    pub(crate) threads: Option<std::num::NonZeroUsize>,
    /// Most memory for buffers (e.g. 256M); fewer workers when it is tight.
    #[arg(help_heading = EVERYWHERE, long, global = true, value_name = "SIZE")]
    pub(crate) memory_limit: Option<Size>,
}

/// When to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// A bar on a terminal, a line now and then elsewhere, records with `--json`.
    Auto,
    /// None.
    Never,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Languages of messages for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what `create` would do; touches nothing.
    Plan(cmd::plan::PlanArgs),
    /// Make a stick: plan and apply.
    Create(cmd::create::CreateArgs),
    /// Carry out a saved plan; refuses when source or target changed since.
    Apply(cmd::apply::ApplyArgs),
    /// Check a stick: tables, volumes, boot files, and every file against the image.
    Verify(cmd::verify::VerifyArgs),
    /// Say what any file is: disk image, volume, ISO, WIM, hive, BCD, plan.
    Inspect(cmd::inspect::InspectArgs),
    /// NTFS volumes.
    #[command(subcommand)]
    Ntfs(cmd::ntfs::Verb),
    /// FAT volumes.
    #[command(subcommand)]
    Fat(cmd::fat::Verb),
    /// Windows images.
    #[command(subcommand)]
    Wim(cmd::wim::Verb),
    /// ISO images.
    #[command(subcommand)]
    Iso(cmd::iso::Verb),
    /// Registry hives.
    #[command(subcommand)]
    Hive(cmd::hive::Verb),
    /// Boot configuration stores.
    #[command(subcommand)]
    Bcd(cmd::bcd::Verb),
    /// Devices that can be written, and why others cannot.
    Devices(cmd::devices::DevicesArgs),
    /// Write a disk image to a device.
    Write(cmd::write::WriteArgs),
}
