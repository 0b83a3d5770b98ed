//! Every entry below a directory, depth first.

use std::io::{Read, Seek};

use crate::entry::Location;
use crate::{Entry, Error, ErrorKind, IsoImage, Result};

/// Iterator of [`IsoImage::walk`]: paths relative to its start, with `/`, a directory before what it holds.
///
/// A directory that cannot be read, or that lies inside itself, gives an error in its place, and the walk goes on beside
/// it; collecting into a `Result` stops at the first. Too deep a tree and more entries than the limits allow end the
/// walk.
#[derive(Debug)]
pub struct Walk<'a, R> {
    image: &'a mut IsoImage<R>,
    /// Directories on the way down: path, place, and entries not yet visited.
    stack: Vec<Level>,
    visited: u64,
}

#[derive(Debug)]
struct Level {
    path: String,
    location: Location,
    entries: std::vec::IntoIter<Entry>,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    pub(crate) fn new(image: &'a mut IsoImage<R>, start: &Entry) -> Result<Self> {
        let entries = image.read_dir(start)?.into_iter();
        let level = Level {
            path: String::new(),
            location: start.location.clone(),
            entries,
        };
        Ok(Self {
            image,
            stack: vec![level],
            visited: 0,
        })
    }

    fn step(&mut self) -> Result<Option<(String, Entry)>> {
        let Some((path, entry)) = self.next_entry() else {
            return Ok(None);
        };
        let limits = &self.image.options().limits;
        self.visited += 1;
        if self.visited > limits.max_entries {
            return Err(Error::Limit {
                what: "entries of a walk",
                asked: self.visited,
                limit: limits.max_entries,
            });
        }
        if entry.is_dir() {
            if self.stack.len() >= limits.max_depth {
                return Err(Error::Limit {
                    what: "depth of directories",
                    asked: self.stack.len() as u64 + 1,
                    limit: limits.max_depth as u64,
                });
            }
            if self
                .stack
                .iter()
                .any(|level| level.location.is_same_place(&entry.location))
            {
                return Err(Error::corrupt(
                    "directory",
                    entry.location.offset_hint(),
                    format!("{path}, one of the directories that hold it"),
                    "a tree without cycles",
                ));
            }
            let entries = self.image.read_dir(&entry)?.into_iter();
            self.stack.push(Level {
                path: path.clone(),
                location: entry.location.clone(),
                entries,
            });
        }
        Ok(Some((path, entry)))
    }

    fn next_entry(&mut self) -> Option<(String, Entry)> {
        while let Some(level) = self.stack.last_mut() {
            if let Some(entry) = level.entries.next() {
                let path = if level.path.is_empty() {
                    entry.name.clone()
                } else {
                    format!("{}/{}", level.path, entry.name)
                };
                return Some((path, entry));
            }
            self.stack.pop();
        }
        None
    }
}

impl<R: Read + Seek> Iterator for Walk<'_, R> {
    type Item = Result<(String, Entry)>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.as_ref().is_err_and(|error| error.kind() == ErrorKind::Limit) {
            self.stack.clear();
        }
        step.transpose()
    }
}
