//! Arguments that `plan`, `create` and `verify` share, turned into a [`Spec`].

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use stick::{BootCa, Compact, Prepared, Spec, Target, Verify};

use super::Context;
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::size::Size;

/// What shall be made, and of what.
#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// Windows ISO, WIM, ESD, or first SWM part.
    pub(crate) source: PathBuf,
    /// Image file to make, or whole block device (loop, removable or USB).
    #[arg(long, value_name = "FILE|DEVICE")]
    pub(crate) target: PathBuf,
    /// Size of the image file, e.g. 16G.
    #[arg(long)]
    pub(crate) size: Option<Size>,
    /// Replace an existing image file.
    #[arg(long)]
    pub(crate) force: bool,
    /// For a device: its by-id name or serial number, once more, to confirm that it may be erased.
    #[arg(long, value_name = "BY-ID|SERIAL")]
    pub(crate) erase: Option<String>,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
}

/// What goes onto the stick.
#[derive(Debug, Args)]
pub(crate) struct ContentArgs {
    /// Image in the source: its number, or its name or edition.
    #[arg(long, value_name = "N|NAME")]
    pub(crate) index: Option<String>,
    /// Answer file for `\Windows\Panther\unattend.xml`.
    #[arg(long, value_name = "FILE")]
    pub(crate) unattend: Option<PathBuf>,
    /// Store files compact, as Windows' own `compact /exe` does.
    #[arg(long, value_enum, default_value_t = CompactArg::Off)]
    pub(crate) compact: CompactArg,
    /// When the hashes of compact files are checked.
    #[arg(long, value_enum, default_value_t = VerifyArg::Inline)]
    pub(crate) verify: VerifyArg,
    /// Logical sector size of an image file.
    #[arg(long, value_name = "BYTES", default_value_t = 512, value_parser = sector_bytes)]
    pub(crate) sector_size: u32,
    /// Which signed boot files to use where the image has both.
    #[arg(long, value_enum, default_value_t = BootCaArg::Pca2011)]
    pub(crate) boot_ca: BootCaArg,
}

fn sector_bytes(text: &str) -> Result<u32, String> {
    match text {
        "512" => Ok(512),
        "4096" => Ok(4096),
        _ => Err("512 or 4096".to_owned()),
    }
}

/// `--compact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompactArg {
    /// Plain files.
    Off,
    /// The image's own compressed bytes where possible, XPRESS 4K for the rest.
    Auto,
    /// XPRESS, 4 KiB chunks.
    Xpress4k,
    /// XPRESS, 8 KiB chunks.
    Xpress8k,
    /// XPRESS, 16 KiB chunks.
    Xpress16k,
    /// LZX, 32 KiB chunks.
    Lzx,
}

impl From<CompactArg> for Compact {
    fn from(arg: CompactArg) -> Self {
        match arg {
            CompactArg::Off => Self::Off,
            CompactArg::Auto => Self::Auto,
            CompactArg::Xpress4k => Self::Xpress4k,
            CompactArg::Xpress8k => Self::Xpress8k,
            CompactArg::Xpress16k => Self::Xpress16k,
            CompactArg::Lzx => Self::Lzx,
        }
    }
}

/// `--verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyArg {
    /// Beside the write path, before the table is written.
    Inline,
    /// By a later `wtgctl verify`.
    Deferred,
}

impl From<VerifyArg> for Verify {
    fn from(arg: VerifyArg) -> Self {
        match arg {
            VerifyArg::Inline => Self::Inline,
            VerifyArg::Deferred => Self::Deferred,
        }
    }
}

/// `--boot-ca`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BootCaArg {
    /// Microsoft Windows Production PCA 2011: boots where that is not revoked.
    #[value(name = "2011")]
    Pca2011,
    /// Windows UEFI CA 2023: boots only where that is enrolled.
    #[value(name = "2023")]
    Ca2023,
}

impl From<BootCaArg> for BootCa {
    fn from(arg: BootCaArg) -> Self {
        match arg {
            BootCaArg::Pca2011 => Self::Pca2011,
            BootCaArg::Ca2023 => Self::Ca2023,
        }
    }
}

impl JobArgs {
    /// Everything that is known before the first byte is written.
    pub(crate) fn prepare(self, context: &Context) -> Result<Prepared, Failure> {
        let spec = self.spec(context)?;
        let is_device = matches!(spec.target, Target::Device { .. });
        Prepared::new(spec, &context.run_options()).map_err(|error| match error {
            // A device has the size it has.
            stick::Error::TooSmall { .. } if is_device => {
                Failure::from(error).hint(Message::HintLargerDevice)
            }
            error => error.into(),
        })
    }

    /// The specification that the arguments describe.
    fn spec(self, context: &Context) -> Result<Spec, Failure> {
        let target = target(&self.target, self.size, self.force, self.erase)?;
        let seed = match context.seed {
            Some(seed) => seed,
            None => random_seed()?,
        };
        Ok(self.content.spec(self.source, target, seed))
    }
}

impl ContentArgs {
    /// The specification for a source and a target.
    pub(crate) fn spec(self, source: PathBuf, target: Target, seed: u64) -> Spec {
        // A plan is carried out from any folder.
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let target = match target {
            Target::File {
                path,
                size_bytes,
                force,
            } => Target::File {
                path: absolute(path),
                size_bytes,
                force,
            },
            Target::Device { path, erase } => Target::Device {
                path: absolute(path),
                erase,
            },
        };
        Spec {
            source: absolute(source),
            image: self.index,
            target,
            seed,
            unattend: self.unattend.map(absolute),
            compact: self.compact.into(),
            verify: self.verify.into(),
            sector_bytes: self.sector_size,
            boot_ca: self.boot_ca.into(),
        }
    }
}

/// A path below `/dev` or one that is a block device is a device, anything else an image file.
fn target(path: &Path, size: Option<Size>, force: bool, erase: Option<String>) -> Result<Target, Failure> {
    let usage = |message: Message, hint: Message| Err(Failure::new(USAGE, message).hint(hint));
    if is_device(path) {
        return match (erase, size) {
            (_, Some(_)) => usage(Message::SizeWithDevice, Message::HintWholeDevice),
            (Some(erase), None) => Ok(Target::Device {
                path: path.to_owned(),
                erase,
            }),
            (None, None) => usage(Message::DeviceNeedsErase, Message::HintDevicesBoth),
        };
    }
    match (erase, size) {
        (Some(_), _) => usage(Message::EraseIsForDevices, Message::HintReplaceFile),
        (None, Some(Size(size_bytes))) => Ok(Target::File {
            path: path.to_owned(),
            size_bytes,
            force,
        }),
        (None, None) => usage(Message::FileNeedsSize, Message::HintSizeExample),
    }
}

fn is_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.starts_with("/dev") && !path.starts_with("/dev/shm")
        || std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_block_device())
}

/// A seed from the system's random source.
pub(crate) fn random_seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| std::io::Read::read_exact(&mut source, &mut bytes))
        .map_err(|error| Failure::io("/dev/urandom", &error))?;
    // Seeds that fit a JSON number.
    Ok(u64::from_le_bytes(bytes) >> 11)
}
