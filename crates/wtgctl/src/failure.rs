//! What a command failed with: the exit code, one sentence, its causes, and a hint.

use std::error::Error;
use std::fmt::Display;
use std::io;

use crate::cli::Lang;
use crate::hints;
use crate::i18n::{Message, Text};

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
    /// What, where, found, expected; in English.
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: Option<Text>,
    /// The causes, outermost first.
    pub(crate) causes: Vec<String>,
    /// The message where it is ours and so known in every language, without `place`.
    ours: Option<Box<Message>>,
    /// What [`at`](Self::at) put in front of the message.
    place: String,
    /// What is on the target now, said after the message.
    left: Option<Box<Message>>,
    broken_pipe: bool,
}

impl Failure {
    /// A failure that is one sentence: of the catalogue, or as it is.
    pub(crate) fn new(code: u8, message: impl Into<Text>) -> Self {
        let message = message.into();
        Self {
            code,
            message: message.text(Lang::En).into_owned(),
            hint: None,
            causes: Vec::new(),
            ours: match message {
                Text::Ours(message) => Some(message),
                Text::Verbatim(_) => None,
            },
            place: String::new(),
            left: None,
            broken_pipe: false,
        }
    }

    /// A failure with a library's error behind it.
    pub(crate) fn of(code: u8, error: &(dyn Error + 'static)) -> Self {
        let mut failure = Self::new(code, error);
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.causes.push(error.to_string());
            cause = error.source();
        }
        failure
    }

    /// Reading or writing a file of the host.
    pub(crate) fn io(what: impl Display, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::AlreadyExists => REFUSED,
            // Not there, or no file: a folder, say.
            io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => BAD_INPUT,
            _ => SYSTEM,
        };
        let mut failure = Self::new(code, format_args!("{what}: {error}"));
        if code == BAD_INPUT {
            failure.hint = Some(Message::HintCheckPath.into());
        }
        failure.broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// With the place where it happened put in front.
    pub(crate) fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self.place = format!("{place}: {}", self.place);
        self
    }

    /// With what is on the target now.
    pub(crate) fn left(mut self, state: Message) -> Self {
        self.left = Some(Box::new(state));
        self
    }

    /// The message for people.
    pub(crate) fn sentence(&self, lang: Lang) -> String {
        let mut sentence = match &self.ours {
            Some(ours) => format!("{}{}", self.place, ours.text(lang)),
            None => self.message.clone(),
        };
        if let Some(left) = &self.left {
            sentence.push_str(if lang == Lang::Zh { "；" } else { "; " });
            sentence.push_str(&left.text(lang));
        }
        sentence
    }

    /// With a hint.
    pub(crate) fn hint(mut self, hint: impl Into<Text>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a hint where there is none yet.
    fn hint_if_none(mut self, hint: Message) -> Self {
        self.hint.get_or_insert(hint.into());
        self
    }

    /// Whether the reader of our output went away, which is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

/// What a library's kinds of failure mean for the exit code.
macro_rules! failure_from {
    ($($error:ty, $kind:path, $hint:path { $($variant:ident)|+ => $code:ident $(, $($more:ident)|+ => $more_code:ident)* $(,)? })+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                use $kind as Kind;
                let kind = error.kind();
                let code = match kind {
                    $(Kind::$variant)|+ => $code,
                    $($(Kind::$more)|+ => $more_code,)*
                    _ => BAD_INPUT,
                };
                let mut failure = Self::of(code, &error);
                failure.hint = $hint(&error).map(Text::from);
                failure
            }
        })+
    };
}

failure_from! {
    wim_apply::Error, wim_apply::ErrorKind, hints::wim {
        Invalid | NotFound => USAGE, Io | Target => SYSTEM, Interrupted => INTERRUPTED,
    }
    iso_loopback::Error, iso_loopback::ErrorKind, hints::iso {
        Invalid | NotFound => USAGE, Io | Target => SYSTEM, Interrupted => INTERRUPTED,
    }
    partitioner::Error, partitioner::ErrorKind, hints::disk {
        Invalid | NotFound | NoSpace => USAGE, Refused => REFUSED, Io | Mismatch => SYSTEM, Interrupted => INTERRUPTED,
    }
    ntfs_image::Error, ntfs_image::ErrorKind, hints::ntfs {
        Invalid | NotFound => USAGE, Io => SYSTEM,
    }
    ntfs_image::BuildError, ntfs_image::BuildErrorKind, hints::build {
        NoSpace => USAGE, Io => SYSTEM,
    }
    regf_hive::Error, regf_hive::ErrorKind, hints::hive {
        Invalid | NotFound => USAGE,
    }
    bootcfg::Error, bootcfg::ErrorKind, hints::boot {
        Invalid | NotFound => USAGE,
    }
}

impl From<stick::Error> for Failure {
    fn from(error: stick::Error) -> Self {
        use stick::Error as E;
        let message = error.to_string();
        let inner = match error {
            E::Incomplete { source: inner, .. } => Self::from(*inner).hint_if_none(Message::HintMakeRoom),
            E::Wim { source, .. } => source.into(),
            E::Iso { source, .. } => source.into(),
            E::Partitioner(source) => source.into(),
            E::Ntfs(source) => source.into(),
            E::Build(source) => source.into(),
            E::Hive { source, .. } => source.into(),
            E::Boot(source) => source.into(),
            E::Io { ref source, .. }
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
                ) =>
            {
                Self::of(BAD_INPUT, &error).hint(Message::HintCheckPath)
            }
            E::Io { .. } => Self::of(SYSTEM, &error),
            E::Source { .. } => Self::new(BAD_INPUT, "").hint(Message::HintNotAnImage),
            E::ImageNotChosen { .. } => Self::new(USAGE, "").hint(Message::HintChooseImage),
            E::TooSmall { needed_bytes, .. } => Self::new(USAGE, "").hint(Message::HintSizeAtLeast {
                mib: needed_bytes.div_ceil(1 << 20),
            }),
            E::PlanChanged(_) => Self::new(REFUSED, "").hint(Message::HintNewPlan),
            E::Interrupted => Self::new(INTERRUPTED, "").hint(Message::HintRunAgainSeed),
            _ => Self::new(BAD_INPUT, ""),
        };
        Self { message, ..inner }
    }
}
