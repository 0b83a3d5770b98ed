//! The `wtgctl` program: arguments in, rendering out. No imaging logic lives here.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the program that talks to people"
)]

mod cli;
mod cmd;
mod failure;
mod hints;
mod i18n;
mod output;
mod progress;
mod size;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and succeed; a wrong command line goes to stderr, or is a record.
            if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
                let failure = failure::Failure::new(failure::USAGE, sentence(&error.to_string()));
                output::Output::json().failure(&failure.hint(i18n::Message::HintHelp));
                return ExitCode::from(failure::USAGE);
            }
            let code = if error.use_stderr() { failure::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let context = match cmd::Context::new(&cli.global) {
        Ok(context) => context,
        Err(failure) => {
            output::Output::plain().failure(&failure);
            return ExitCode::from(failure.code);
        }
    };
    match cmd::run(cli.command, &context) {
        Ok(cmd::Outcome::Holds) => ExitCode::SUCCESS,
        Ok(cmd::Outcome::DoesNotHold) => ExitCode::from(failure::DOES_NOT_HOLD),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            context.output.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// The first paragraph of a message of the command line's parser, as one line: usage and tips are for people.
fn sentence(message: &str) -> String {
    let first = message.split("\n\n").next().unwrap_or_default();
    let lines: Vec<&str> = first
        .trim_start_matches("error: ")
        .lines()
        .map(str::trim)
        .collect();
    lines.join(" ")
}
