//! Paths and patterns on the command line: which entries of a tree are meant.

use std::fs::File;

use iso_loopback::{Entry, IsoImage};

use super::ImageArgs;
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;

/// The entries that paths or patterns name, each with its path; a pattern without a match is an error.
pub(super) fn select(
    args: &ImageArgs,
    image: &mut IsoImage<File>,
    wanted: &[String],
) -> Result<Vec<(String, Entry)>, Failure> {
    let mut selected = Vec::new();
    for path in wanted {
        let path = path.trim_matches('/');
        if !path.contains(['*', '?']) {
            let entry = image
                .lookup_ignore_case(path)
                .map_err(|error| args.failed(error))?;
            selected.push((path.to_owned(), entry));
            continue;
        }
        let pattern: Vec<char> = path.to_lowercase().chars().collect();
        let before = selected.len();
        let root = image.root().map_err(|error| args.failed(error))?;
        for step in image.walk(&root).map_err(|error| args.failed(error))? {
            let (path, entry) = step.map_err(|error| args.failed(error))?;
            let lower: Vec<char> = path.to_lowercase().chars().collect();
            if matches(&pattern, &lower) {
                selected.push((path, entry));
            }
        }
        if selected.len() == before {
            return Err(Failure::new(
                USAGE,
                Message::NothingMatches {
                    path: path.to_owned(),
                },
            ));
        }
    }
    Ok(selected)
}

/// Leaves out what lies below a folder that is selected too: the folder brings it.
pub(super) fn without_nested(selected: Vec<(String, Entry)>) -> Vec<(String, Entry)> {
    let mut kept: Vec<(String, Entry)> = Vec::new();
    let mut folders = std::collections::BTreeSet::new();
    for (path, entry) in selected {
        let nested = path
            .match_indices('/')
            .any(|(at, _)| path.get(..at).is_some_and(|p| folders.contains(p)));
        if nested || folders.contains(&path) {
            continue;
        }
        if entry.is_dir() {
            folders.insert(path.clone());
        }
        kept.push((path, entry));
    }
    kept
}

/// `?` is one character and `*` any number of them, in one name; `**` crosses `/`.
fn matches(pattern: &[char], text: &[char]) -> bool {
    // reachable[i]: the pattern so far matches the first i characters.
    let mut reachable: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
    let mut rest = pattern;
    while let [first, after @ ..] = rest {
        let crosses = *first == '*' && after.first() == Some(&'*');
        rest = if crosses {
            after.get(1..).unwrap_or_default()
        } else {
            after
        };
        let mut next: Vec<bool> = vec![false; reachable.len()];
        let mut open = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let here = reachable.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let previous = before.and_then(|before| text.get(before)).copied();
            if *first == '*' {
                open = here || (open && (crosses || previous != Some('/')));
                *slot = open;
            } else {
                let was = before
                    .and_then(|before| reachable.get(before))
                    .copied()
                    .unwrap_or(false);
                *slot = was && previous.is_some_and(|c| c == *first || (*first == '?' && c != '/'));
            }
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    fn check(pattern: &str, text: &str) -> bool {
        let chars = |s: &str| s.chars().collect::<Vec<char>>();
        super::matches(&chars(pattern), &chars(text))
    }

    #[test]
    fn stars_stay_in_one_name_and_double_stars_cross() {
        assert!(check("sources/*.wim", "sources/install.wim"));
        assert!(!check("*.wim", "sources/install.wim"));
        assert!(check("**.wim", "sources/install.wim"));
        assert!(check("**/boot?64.efi", "efi/boot/bootx64.efi"));
        assert!(!check("sources/?", "sources/ab"));
        assert!(check("*", ""));
        assert!(!check("a*b", "a/b"));
    }
}
