//! Paths and patterns on the command line: which entries of a tree are meant.

use std::fs::File;

use iso_loopback::{Entry, IsoImage};

use super::ImageArgs;
use crate::cmd::paths::{Pattern, is_pattern};
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
        if !is_pattern(path) {
            let entry = image
                .lookup_ignore_case(path)
                .map_err(|error| args.failed(error))?;
            selected.push((path.to_owned(), entry));
            continue;
        }
        let pattern = Pattern::new(path);
        let before = selected.len();
        let root = image.root().map_err(|error| args.failed(error))?;
        for step in image.walk(&root).map_err(|error| args.failed(error))? {
            let (path, entry) = step.map_err(|error| args.failed(error))?;
            if pattern.fits(&path) {
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
