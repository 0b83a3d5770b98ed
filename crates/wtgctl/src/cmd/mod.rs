//! The commands, one module each.

pub(crate) mod apply;
pub(crate) mod bcd;
pub(crate) mod create;
pub(crate) mod devices;
pub(crate) mod fat;
pub(crate) mod hive;
pub(crate) mod inspect;
pub(crate) mod iso;
mod job;
pub(crate) mod ntfs;
pub(crate) mod paths;
pub(crate) mod plan;
pub(crate) mod verify;
pub(crate) mod wim;
pub(crate) mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::{Command, Global};
use crate::failure::{Failure, SYSTEM};
use crate::i18n;
use crate::output::Output;

/// What a command that ran says: exit code 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, and what was checked holds.
    Holds,
    /// What was checked does not hold; the findings were printed.
    DoesNotHold,
}

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    /// Rendering.
    pub(crate) output: Output,
    interrupt: Arc<AtomicBool>,
    /// Whether the command under way looks at `interrupt`.
    is_polled: Arc<AtomicBool>,
    /// `--seed`.
    pub(crate) seed: Option<u64>,
    /// `--threads`, or the number of processors.
    pub(crate) threads: usize,
    /// `--memory-limit` in bytes.
    pub(crate) memory_limit_bytes: Option<u64>,
    /// For temporary files: `TMPDIR`, or `/var/tmp`, since `/tmp` is memory on many systems.
    spool_dir: PathBuf,
}

impl Context {
    #[expect(
        clippy::disallowed_methods,
        reason = "the program reads its own environment: NO_COLOR, TMPDIR and the language"
    )]
    pub(crate) fn new(global: &Global) -> Result<Self, Failure> {
        let interrupt = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupt);
        let is_polled = Arc::new(AtomicBool::new(false));
        let polled = Arc::clone(&is_polled);
        ctrlc::set_handler(move || {
            // The second time, and where nobody looks at the flag: at once.
            if flag.swap(true, Ordering::SeqCst) || !polled.load(Ordering::SeqCst) {
                std::process::exit(i32::from(crate::failure::INTERRUPTED));
            }
        })
        .map_err(|error| Failure::of(SYSTEM, &error))?;
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let lang = i18n::language(global.lang, |name| std::env::var_os(name));
        Ok(Self {
            output: Output::new(
                global,
                lang,
                std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()),
            ),
            interrupt,
            is_polled,
            seed: global.seed,
            threads: global.threads.map_or(processors, std::num::NonZeroUsize::get),
            memory_limit_bytes: global.memory_limit.map(|size| size.0),
            spool_dir: std::env::var_os("TMPDIR").map_or_else(|| "/var/tmp".into(), PathBuf::from),
        })
    }
}

impl Context {
    /// Set by Ctrl-C from here on, so that what is under way ends in order; before, Ctrl-C ends the program at once.
    pub(crate) fn interrupt(&self) -> &AtomicBool {
        self.is_polled.store(true, Ordering::SeqCst);
        &self.interrupt
    }

    /// The options of this run, for the library.
    pub(crate) fn run_options(&self) -> stick::RunOptions<'_> {
        stick::RunOptions {
            threads: self.threads,
            memory_limit_bytes: self.memory_limit_bytes,
            spool_dir: Some(&self.spool_dir),
            interrupt: self.interrupt(),
        }
    }
}

/// Runs one command.
pub(crate) fn run(command: Command, context: &Context) -> Result<Outcome, Failure> {
    match command {
        Command::Plan(args) => plan::run(args, context),
        Command::Create(args) => create::run(args, context),
        Command::Apply(args) => apply::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Inspect(args) => inspect::run(args, context),
        Command::Ntfs(verb) => ntfs::run(verb, context),
        Command::Fat(verb) => fat::run(verb, context),
        Command::Wim(verb) => wim::run(verb, context),
        Command::Iso(verb) => iso::run(verb, context),
        Command::Hive(verb) => hive::run(verb, context),
        Command::Bcd(verb) => bcd::run(verb, context),
        Command::Devices(args) => devices::run(args, context),
        Command::Write(args) => write::run(args, context),
    }
}
