//! What a command failed with: the exit code, one sentence, its causes, and a hint.

use std::error::Error;
use std::fmt::Display;
use std::io;

/// Exit code 1: it ran, and what was checked does not hold.
pub(crate) const DOES_NOT_HOLD: u8 = 1;
/// Exit code 2: the command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// Exit code 3: an input is bad.
pub(crate) const BAD_INPUT: u8 = 3;
/// Exit code 4: refused to protect something.
pub(crate) const REFUSED: u8 = 4;
/// Exit code 5: the system failed.
pub(crate) const SYSTEM: u8 = 5;
/// Exit code 130: interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Exit code.
    pub(crate) code: u8,
    /// What, where, found, expected.
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: Option<String>,
    /// The causes, outermost first.
    pub(crate) causes: Vec<String>,
    broken_pipe: bool,
}

impl Failure {
    /// A failure that is a sentence of our own.
    pub(crate) fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            hint: None,
            causes: Vec::new(),
            broken_pipe: false,
        }
    }

    /// A failure with a library's error behind it.
    pub(crate) fn of(code: u8, error: &(dyn Error + 'static)) -> Self {
        let mut failure = Self::new(code, error);
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.causes.push(error.to_string());
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
            {
                failure.broken_pipe = true;
            }
            cause = error.source();
        }
        failure
    }

    /// Reading or writing a file of the host.
    pub(crate) fn io(what: impl Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::AlreadyExists => REFUSED,
            io::ErrorKind::NotFound => BAD_INPUT,
            _ => SYSTEM,
        };
        let mut failure = Self::new(code, format_args!("{what}: {error}"));
        failure.broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// With the place where it happened put in front.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// With a hint.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Whether the reader of our output went away, which is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl From<wim_apply::Error> for Failure {
    fn from(error: wim_apply::Error) -> Self {
        use wim_apply::ErrorKind as K;
        let kind = error.kind();
        let code = match kind {
            K::Invalid | K::NotFound => USAGE,
            K::Io | K::Target => SYSTEM,
            K::Interrupted => INTERRUPTED,
            _ => BAD_INPUT,
        };
        let mut failure = Self::of(code, &error);
        failure.hint = crate::hints::wim(kind);
        failure
    }
}
