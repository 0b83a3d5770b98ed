//! Where a new WIM goes: a file, or stdout.

use std::io::{IsTerminal, Stdout};
use std::path::Path;

use serde_json::Value;
use wim_apply::write::{FileForm, Output, Pipe, WriteOptions};

use super::Context;
use super::new_file::NewFile;
use crate::failure::{Failure, REFUSED, USAGE};
use crate::i18n::Message;

/// A WIM that is being made.
#[derive(Debug)]
pub(super) enum NewWim {
    /// It takes its name when it is complete.
    File(NewFile),
    /// For `-`.
    Stdout(Pipe<Stdout>),
}

impl NewWim {
    /// At `path`, as [`NewFile::create`]; `-` is stdout, which takes pipable files and is no terminal.
    pub(super) fn create(
        path: &Path,
        replace: bool,
        options: &WriteOptions,
        context: &Context,
    ) -> Result<Self, Failure> {
        if path.as_os_str() != "-" {
            return NewFile::create(path, replace, context).map(Self::File);
        }
        if options.form != FileForm::Pipable {
            return Err(Failure::new(USAGE, Message::NoPipe).hint(Message::HintPipable));
        }
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            return Err(Failure::new(REFUSED, Message::StdoutIsTerminal).hint(Message::HintRedirect));
        }
        context.output.stdout_is_data();
        Ok(Self::Stdout(Pipe::new(stdout)))
    }

    /// To be written.
    pub(super) fn output(&mut self) -> &mut dyn Output {
        match self {
            Self::File(file) => file.file(),
            Self::Stdout(pipe) => pipe,
        }
    }

    /// Where the file is until it is complete.
    pub(super) fn unfinished(&self) -> Option<&Path> {
        match self {
            Self::File(file) => Some(file.unfinished()),
            Self::Stdout(_) => None,
        }
    }

    /// Gives a file its name.
    pub(super) fn keep(self) -> Result<(), Failure> {
        match self {
            Self::File(file) => file.keep(),
            Self::Stdout(_) => Ok(()),
        }
    }
}

/// The result of a command that wrote a WIM: nothing for people where the WIM itself went to stdout.
pub(super) fn result(
    path: &Path,
    record: &Value,
    context: &Context,
    text: impl FnOnce() -> Message,
) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return context.output.result_beside_data(record);
    }
    let lang = context.output.lang();
    context.output.result(record, || text().text(lang))
}
