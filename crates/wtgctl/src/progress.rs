//! Progress of long commands: a bar on a terminal, a line now and then elsewhere, records with `--json`.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::Lang;
use crate::i18n::Message;
use crate::output::Output;
use crate::size::human;

/// Time between two lines or records.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time between two lines where nobody watches.
const INTERVAL_LOG: Duration = Duration::from_secs(5);

/// One display of progress; phases follow each other.
pub(crate) struct Progress<'a> {
    output: &'a Output,
    bar: Option<ProgressBar>,
    phase: String,
    started: Instant,
    shown: Option<Instant>,
}

#[derive(Serialize)]
struct Record<'a> {
    phase: &'a str,
    done_bytes: u64,
    total_bytes: u64,
    bytes_per_second: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_seconds: Option<u64>,
}

impl<'a> Progress<'a> {
    /// A display that shows nothing until [`update`](Self::update).
    pub(crate) fn new(output: &'a Output) -> Self {
        let bar =
            (output.wants_progress() && !output.is_json() && std::io::stderr().is_terminal()).then(|| {
                let bar = ProgressBar::new(0);
                let style = ProgressStyle::with_template(&format!(
                    "{{msg:<10}} {{wide_bar}} {{bytes}}/{{total_bytes}} {{binary_bytes_per_sec}} {} {{eta}}",
                    Message::TimeLeft.text(output.lang()),
                ));
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar
            });
        Self {
            output,
            bar,
            phase: String::new(),
            started: Instant::now(),
            shown: None,
        }
    }

    /// So many bytes of the phase are done.
    pub(crate) fn update(&mut self, phase: &str, done_bytes: u64, total_bytes: u64) {
        if !self.output.wants_progress() {
            return;
        }
        if self.phase != phase {
            phase.clone_into(&mut self.phase);
            self.started = Instant::now();
            self.shown = None;
            if let Some(bar) = &self.bar {
                bar.reset();
                bar.set_message(phase_name(phase, self.output.lang()));
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total_bytes);
            bar.set_position(done_bytes);
            return;
        }
        let interval = if self.output.is_json() {
            INTERVAL
        } else {
            INTERVAL_LOG
        };
        let due = self
            .shown
            .map_or(self.output.is_json(), |shown| shown.elapsed() >= interval);
        if self.shown.is_none() && !due {
            self.shown = Some(Instant::now());
        }
        if !due {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 {
            done_bytes as f64 / seconds
        } else {
            0.0
        };
        let eta = (rate > 0.0).then(|| (total_bytes.saturating_sub(done_bytes) as f64 / rate) as u64);
        if self.output.is_json() {
            let record = Record {
                phase,
                done_bytes,
                total_bytes,
                bytes_per_second: rate as u64,
                eta_seconds: eta,
            };
            // A reader that went away is noticed when the result is written.
            let _ = self.output.progress_record(&record);
        } else {
            let phase = phase_name(phase, self.output.lang());
            let (done, total, rate) = (human(done_bytes), human(total_bytes), human(rate as u64));
            let line = match eta {
                None => Message::ProgressLine {
                    phase,
                    done,
                    total,
                    rate,
                },
                Some(seconds) => Message::ProgressLineLeft {
                    phase,
                    done,
                    total,
                    rate,
                    seconds,
                },
            };
            eprintln!("{}", line.text(self.output.lang()));
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The name of a phase for people; records keep the stable one.
fn phase_name(phase: &str, lang: Lang) -> String {
    let message = match phase {
        "apply" => Message::PhaseApply,
        "boot" => Message::PhaseBoot,
        "capture" => Message::PhaseCapture,
        "export" => Message::PhaseExport,
        "extract" => Message::PhaseExtract,
        "sync" => Message::PhaseSync,
        "verify" => Message::PhaseVerify,
        "windows" => Message::PhaseWindows,
        "write" => Message::PhaseWrite,
        _ => return phase.to_owned(),
    };
    message.text(lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_names_in_both_languages() {
        for phase in [
            "apply", "boot", "capture", "export", "extract", "sync", "verify", "windows", "write",
        ] {
            assert_eq!(phase_name(phase, Lang::En), phase);
            assert_ne!(phase_name(phase, Lang::Zh), phase);
        }
        assert_eq!(phase_name("new", Lang::Zh), "new");
    }
}
