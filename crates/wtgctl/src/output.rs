//! Rendering: text for people on stdout, progress and warnings on stderr, JSON Lines with `--json`.

use std::fmt::Display;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{Global, Lang, ProgressMode, When};
use crate::failure::Failure;
use crate::i18n::{Message, Text};

/// Where results, warnings and errors go.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    color_stderr: bool,
    progress: ProgressMode,
    lang: Lang,
    /// Whether stdout carries a file's bytes, and records go to stderr.
    stdout_is_data: AtomicBool,
}

impl Output {
    /// As the options say, in one language; `no_color` is the environment's `NO_COLOR`.
    pub(crate) fn new(global: &Global, lang: Lang, no_color: bool) -> Self {
        let color_stderr = match global.color {
            When::Always => true,
            When::Never => false,
            When::Auto => !no_color && io::stderr().is_terminal(),
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            color_stderr,
            progress: global.progress,
            lang,
            stdout_is_data: AtomicBool::new(false),
        }
    }

    /// Before the options are known.
    pub(crate) fn plain() -> Self {
        Self {
            json: false,
            quiet: false,
            verbose: false,
            color_stderr: false,
            progress: ProgressMode::Never,
            lang: Lang::En,
            stdout_is_data: AtomicBool::new(false),
        }
    }

    /// Before the options are known, but for `--json`.
    pub(crate) fn json() -> Self {
        Self {
            json: true,
            ..Self::plain()
        }
    }

    /// Whether `--json` was given.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether `--quiet` was given.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The language of text for people.
    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether progress is wanted at all.
    pub(crate) fn wants_progress(&self) -> bool {
        !self.quiet && self.progress == ProgressMode::Auto
    }

    /// A line for people; nothing with `--json`.
    pub(crate) fn text(&self, line: impl Display) -> Result<(), Failure> {
        if self.json {
            Ok(())
        } else {
            write_line(&line.to_string())
        }
    }

    /// One record of a listing: `{"type":"entry",…}` or the line that `text` makes.
    pub(crate) fn entry<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.record("entry", value, text)
    }

    /// The one last record: `{"type":"result",…}` or the text (nothing when it is empty).
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        self.record("result", value, text)
    }

    /// From here on stdout carries a file's bytes: the records of `--json` go to stderr.
    pub(crate) fn stdout_is_data(&self) {
        self.stdout_is_data.store(true, Ordering::Relaxed);
    }

    /// The last record where stdout carries a file's bytes; nothing without `--json`.
    pub(crate) fn result_beside_data<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        if self.json {
            self.write_record(&record("result", value)?)?;
        }
        Ok(())
    }

    /// A record of progress with `--json`.
    pub(crate) fn progress_record<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        if self.json {
            self.record("progress", value, String::new)
        } else {
            Ok(())
        }
    }

    /// Something that the user should know and that stops nothing.
    pub(crate) fn warning(&self, message: impl Into<Text>) {
        let message = message.into();
        if self.json {
            let record = json!({ "type": "warning", "message": message.text(Lang::En) });
            let _ = self.write_record(&record);
        } else if !self.quiet {
            self.label("33", &Message::Warning, &message.text(self.lang));
        }
    }

    /// The end of a command that failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            let record = json!({
                "type": "error", "exit_code": failure.code, "message": failure.sentence(Lang::En),
                "hint": failure.hint.as_ref().map(|hint| hint.text(Lang::En)), "causes": failure.causes,
            });
            let _ = self.write_record(&record);
            return;
        }
        self.label("31", &Message::Error, &failure.sentence(self.lang));
        let shown = if self.verbose { failure.causes.len() } else { 1 };
        for cause in failure.causes.iter().take(shown) {
            eprintln!("  {}: {cause}", Message::CausedBy.text(self.lang));
        }
        if let Some(hint) = &failure.hint {
            self.label("36", &Message::Hint, &hint.text(self.lang));
        }
    }

    fn label(&self, color: &str, label: &Message, message: &str) {
        let label = label.text(self.lang);
        let message = shown(message);
        if self.color_stderr {
            eprintln!("\x1b[1;{color}m{label}\x1b[0m: {message}");
        } else {
            eprintln!("{label}: {message}");
        }
    }

    fn record<T: Serialize>(
        &self,
        kind: &str,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            let text = text();
            return if text.is_empty() {
                Ok(())
            } else {
                write_line(&text)
            };
        }
        self.write_record(&record(kind, value)?)
    }

    fn write_record(&self, record: &Value) -> Result<(), Failure> {
        if self.stdout_is_data.load(Ordering::Relaxed) {
            eprintln!("{record}");
            return Ok(());
        }
        write_line(&record.to_string())
    }
}

/// A value and its type as one object.
fn record<T: Serialize>(kind: &str, value: &T) -> Result<Value, Failure> {
    let mut record = serde_json::Map::new();
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => record = fields,
        Ok(other) => drop(record.insert("value".to_owned(), other)),
        Err(error) => return Err(Failure::new(crate::failure::SYSTEM, error)),
    }
    record.insert("type".to_owned(), Value::from(kind));
    Ok(Value::Object(record))
}

fn write_line(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        // Nobody reads any more (`| head`): what the command does, and its exit code, stay the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::io("stdout", &error)),
    }
}

/// Copies everything to stdout and makes sure that it is there; what reading fails with becomes a [`Failure`] by
/// `read_failed`.
pub(crate) fn copy_to_stdout(
    from: &mut dyn Read,
    read_failed: impl Fn(&io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut stdout = io::stdout().lock();
    let mut buffer = vec![0; 1 << 16];
    let mut size_bytes = 0_u64;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(read_failed(&error)),
        };
        size_bytes += count as u64;
        stdout
            .write_all(buffer.get(..count).unwrap_or_default())
            .map_err(|error| Failure::io("stdout", &error))?;
    }
    stdout.flush().map_err(|error| Failure::io("stdout", &error))?;
    Ok(size_bytes)
}

/// Text from a file for a terminal: control characters escaped, so that no name moves the cursor or forges a line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}
