//! A group's costs as a table of ratios.

use std::fmt::Write as _;

use super::groups::Group;
use super::measure::{Cost, Outcome};

/// The first contestant that ran is 1; above that is better.
pub(super) fn table(group: &Group, outcomes: &[Outcome], writes: bool) -> String {
    let mut text = String::from("\n| | wall s | ratio | CPU s | ratio | peak MiB |");
    if writes {
        text.push_str(
            " write calls | ratio | MB written | ratio |\n|---|---|---|---|---|---|---|---|---|---|\n",
        );
    } else {
        text.push_str("\n|---|---|---|---|---|---|\n");
    }
    let first = outcomes.iter().flatten().next().copied().unwrap_or_default();
    for (contestant, outcome) in group.contestants.iter().zip(outcomes) {
        let _ = write!(text, "| {} |", contestant.name);
        match outcome {
            Ok(cost) => row(&mut text, &first, cost, writes),
            Err(_) if writes => text.push_str(" failed | | | | | | | | |"),
            Err(_) => text.push_str(" failed | | | | |"),
        }
        text.push('\n');
    }
    text
}

fn row(text: &mut String, first: &Cost, cost: &Cost, writes: bool) {
    let _ = write!(
        text,
        " {:.2} | {} | {:.2} | {} | {} |",
        cost.wall_s,
        ratio(first.wall_s, cost.wall_s),
        cost.cpu_s,
        ratio(first.cpu_s, cost.cpu_s),
        cost.peak_kib / 1024,
    );
    if writes {
        let _ = write!(
            text,
            " {} | {} | {:.0} | {} |",
            cost.write_calls,
            ratio(first.write_calls as f64, cost.write_calls as f64),
            cost.written_bytes as f64 / 1e6,
            ratio(first.written_bytes as f64, cost.written_bytes as f64),
        );
    }
}

fn ratio(first: f64, this: f64) -> String {
    if this == 0.0 {
        "-".to_owned()
    } else {
        format!("{:.2}", first / this)
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups::Contestant;
    use super::*;

    fn group() -> Group {
        let one = |name: &str| Contestant {
            name: name.into(),
            script: String::new(),
        };
        Group {
            id: "x",
            title: "x",
            writes: true,
            contestants: vec![one("peer"), one("ours"), one("broken")],
        }
    }

    #[test]
    fn ratios_are_of_the_first_row_and_failures_keep_the_columns() {
        let cost = |wall_s, calls| Cost {
            wall_s,
            cpu_s: wall_s,
            peak_kib: 2048,
            write_calls: calls,
            written_bytes: 4_000_000,
        };
        let outcomes = [Ok(cost(3.0, 100)), Ok(cost(1.5, 0)), Err("no".to_owned())];
        for writes in [false, true] {
            let text = table(&group(), &outcomes, writes);
            let columns: Vec<_> = text
                .lines()
                .skip(1)
                .map(|line| line.matches('|').count())
                .collect();
            assert!(columns.iter().all(|count| *count == columns[0]), "{text}");
        }
        let text = table(&group(), &outcomes, true);
        assert!(
            text.contains("| ours | 1.50 | 2.00 | 1.50 | 2.00 | 2 | 0 | - | 4 | 1.00 |"),
            "{text}"
        );
    }
}
