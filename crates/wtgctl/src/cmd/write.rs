//! `wtgctl write`: a disk image to a device.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::PathBuf;

use partitioner::copy::{CopyOptions, CopyPhase, CopyReport, copy_image, data_ranges};
use partitioner::device::{DeviceRequest, Host, Target};
use serde::Serialize;

use super::{Context, Outcome};
use crate::failure::{BAD_INPUT, Failure};
use crate::i18n::Message;
use crate::progress::Progress;
use crate::size::human;

/// Arguments of `wtgctl write`.
#[derive(Debug, clap::Args)]
pub(crate) struct WriteArgs {
    /// The disk image.
    image: PathBuf,
    /// The whole device (loop, removable or USB); everything on it is lost.
    device: PathBuf,
    /// The device's by-id name or serial number, once more, to confirm that it may be erased.
    #[arg(long, value_name = "BY-ID|SERIAL")]
    erase: Option<String>,
    /// Do not read back what was written.
    #[arg(long)]
    no_verify: bool,
    /// Leave the backup partition table where the image has it, also on a larger device.
    #[arg(long)]
    keep_table: bool,
}

#[derive(Serialize)]
struct Written {
    device: PathBuf,
    #[serde(flatten)]
    report: CopyReport,
    verified: bool,
}

/// Runs the command.
pub(crate) fn run(args: WriteArgs, context: &Context) -> Result<Outcome, Failure> {
    let image = args.image.display().to_string();
    let mut source = File::open(&args.image).map_err(|e| Failure::io(&image, &e))?;
    // Not the file's metadata: the image may be a device.
    let image_bytes = source
        .seek(SeekFrom::End(0))
        .map_err(|e| Failure::io(&image, &e))?;
    let ranges = data_ranges(&source, image_bytes).map_err(|e| Failure::from(e).at(&image))?;
    let request = DeviceRequest {
        path: &args.device,
        erase: args.erase.as_deref(),
        need_bytes: image_bytes,
        sources: std::slice::from_ref(&args.image),
    };
    let mut target = Target::open_device(&Host::default(), &request).map_err(not_opened)?;
    let options = CopyOptions {
        verify: !args.no_verify,
        fit_gpt: !args.keep_table,
        interrupt: context.interrupt(),
    };
    let mut progress = Progress::new(&context.output);
    let copied = copy_image(&mut source, &ranges, &mut target, &options, &mut |step| {
        let phase = match step.phase {
            CopyPhase::Copy => "write",
            CopyPhase::Verify => "verify",
        };
        progress.update(phase, step.done_bytes, step.total_bytes);
    });
    progress.finish();
    let report = match copied.and_then(|report| target.finish().map(|()| report)) {
        Ok(report) => report,
        Err(error) => return Err(incomplete(error, &args.device)),
    };
    if let Some(kept) = &report.gpt_kept {
        let message = kept.message.clone();
        context.output.warning(Message::BackupTableKept { message });
    }
    let verified = options.verify;
    let written = Written {
        device: args.device,
        report,
        verified,
    };
    context.output.result(&written, || {
        let (report, lang) = (&written.report, context.output.lang());
        let device = written.device.display().to_string();
        let (data, cleared) = (human(report.data_bytes), human(report.zeroed_bytes));
        let message = if written.verified {
            Message::WroteAndRead {
                device,
                data,
                cleared,
            }
        } else {
            Message::Wrote {
                device,
                data,
                cleared,
            }
        };
        let mut lines = vec![message.text(lang)];
        if report.gpt_moved {
            lines.push(Message::BackupTableMoved.text(lang));
        }
        lines.join("\n")
    })?;
    Ok(Outcome::Holds)
}

fn not_opened(error: partitioner::Error) -> Failure {
    if error.kind() == partitioner::ErrorKind::NotFound {
        return Failure::of(BAD_INPUT, &error).hint(Message::HintDevicePath);
    }
    error.into()
}

fn incomplete(error: partitioner::Error, device: &std::path::Path) -> Failure {
    use partitioner::ErrorKind as K;
    // Both are found before the first write.
    let untouched = matches!(error.kind(), K::NoSpace | K::Invalid);
    let failure = Failure::from(error).at(device.display());
    if untouched {
        failure
    } else {
        failure.hint(Message::HintDoNotUse)
    }
}
