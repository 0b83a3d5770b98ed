//! `wtgctl ntfs ls`.

use std::collections::BTreeSet;
use std::fs::File;

use ntfs_image::layout::{file_attribute, record};
use ntfs_image::read::{DirectoryEntry, FileReference, Volume};
use ntfs_image::{Error, ErrorKind};
use partitioner::Window;
use serde::Serialize;
use wim_apply::path::name_to_text;

use super::VolumeArgs;
use super::open::{lookup, open};
use crate::cmd::paths::{Pattern, expand_lists, is_pattern};
use crate::cmd::{Context, Outcome};
use crate::failure::{Failure, USAGE};
use crate::i18n::Message;
use crate::output::shown;

/// Arguments of `wtgctl ntfs ls`.
#[derive(Debug, clap::Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    volume: VolumeArgs,
    /// Paths or patterns (`*`, `?`, `**`), or `@FILE` with one of them a line; the whole volume without any. A
    /// directory stands for its content.
    paths: Vec<String>,
    /// Everything below directories, too.
    #[arg(long, short)]
    recursive: bool,
}

#[derive(Serialize)]
struct Listed<'a> {
    path: &'a str,
    record: u64,
    sequence: u16,
    directory: bool,
    size_bytes: u64,
    allocated_bytes: u64,
    attributes: u32,
    creation_time: u64,
    last_write_time: u64,
    change_time: u64,
    last_access_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reparse_tag: Option<u32>,
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

/// Runs the verb.
pub(super) fn run(args: &LsArgs, context: &Context) -> Result<Outcome, Failure> {
    let mut volume = open(&args.volume)?;
    let mut listing = Listing {
        volume: &mut volume,
        context,
        count: 0,
        damaged: BTreeSet::new(),
    };
    if args.paths.is_empty() {
        let root = listing.volume.root()?.reference;
        listing.directory("", root, true)?;
    }
    for path in expand_lists(&args.paths)? {
        let path = path.trim_matches(['\\', '/']).replace('/', "\\");
        if is_pattern(&path) {
            listing.pattern(&path, args.recursive)?;
        } else {
            listing.path(&path, args.recursive)?;
        }
    }
    let (count, is_sound) = (listing.count, listing.damaged.is_empty());
    context.output.result(&Count { count }, String::new)?;
    Ok(if is_sound {
        Outcome::Holds
    } else {
        Outcome::DoesNotHold
    })
}

struct Listing<'a> {
    volume: &'a mut Volume<Window<File>>,
    context: &'a Context,
    count: usize,
    /// Files and directories that could not be read, each named once.
    damaged: BTreeSet<FileReference>,
}

impl Listing<'_> {
    /// A path without wildcards: a directory's content, or the file itself as its directory lists it.
    fn path(&mut self, path: &str, recursive: bool) -> Result<(), Failure> {
        let file = lookup(self.volume, path)?;
        if file.is_directory() {
            return self.directory(path, file.reference, recursive);
        }
        let (folder, asked) = path.rsplit_once('\\').unwrap_or(("", path));
        let folder = lookup(self.volume, folder)?;
        let mut found: Vec<DirectoryEntry> = self.volume.directory(&folder)?;
        found.retain(|entry| entry.reference == file.reference);
        // Of several names of the file in this directory, the one that was asked for.
        let named = |entry: &&DirectoryEntry| name_to_text(&entry.key.name).eq_ignore_ascii_case(asked);
        match found.iter().find(named).or(found.first()) {
            Some(entry) => self.print(&format!("\\{path}"), entry),
            None => Ok(()),
        }
    }

    /// What fits a pattern: of directories the content.
    fn pattern(&mut self, text: &str, recursive: bool) -> Result<(), Failure> {
        let pattern = Pattern::new(&text.replace('\\', "/"));
        let mut fitting = Vec::new();
        let root = self.volume.root()?.reference;
        self.walk("", root, true, &mut |_, path, entry| {
            if pattern.fits(path.trim_start_matches('\\').replace('\\', "/").as_str()) {
                fitting.push((path.to_owned(), entry.clone()));
            }
            Ok(())
        })?;
        if fitting.is_empty() {
            let path = text.to_owned();
            return Err(Failure::new(USAGE, Message::NothingMatches { path }));
        }
        for (path, entry) in fitting {
            if entry.key.attributes & file_attribute::INDEX_PRESENT != 0 {
                self.directory(path.trim_start_matches('\\'), entry.reference, recursive)?;
            } else {
                self.print(&path, &entry)?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, path: &str, reference: FileReference, recursive: bool) -> Result<(), Failure> {
        self.walk(path, reference, recursive, &mut |listing, path, entry| {
            listing.print(path, entry)
        })
    }

    /// Everything in a directory, or below it.
    fn walk(
        &mut self,
        path: &str,
        reference: FileReference,
        recursive: bool,
        visit: &mut dyn FnMut(&mut Self, &str, &DirectoryEntry) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let base = if path.is_empty() {
            String::new()
        } else {
            format!("\\{path}")
        };
        let mut rest: Vec<(String, FileReference)> = vec![(base, reference)];
        // A directory that is met again lies in itself: it is listed once.
        let mut seen = BTreeSet::new();
        while let Some((base, reference)) = rest.pop() {
            if !seen.insert(reference) {
                continue;
            }
            let directory = self.volume.file_by_reference(reference);
            let entries = match directory.and_then(|directory| self.volume.directory(&directory)) {
                Ok(entries) => entries,
                Err(error) => {
                    self.name_damaged(&base, reference, error)?;
                    continue;
                }
            };
            let mut below = Vec::new();
            for entry in entries {
                if entry.reference.record == record::ROOT {
                    continue;
                }
                let path = format!("{base}\\{}", name_to_text(&entry.key.name));
                visit(self, &path, &entry)?;
                let reparse = entry.key.attributes & file_attribute::REPARSE_POINT != 0;
                if recursive && !reparse && entry.key.attributes & file_attribute::INDEX_PRESENT != 0 {
                    below.push((path, entry.reference));
                }
            }
            rest.extend(below.into_iter().rev());
        }
        Ok(())
    }

    /// Size and allocated bytes of the unnamed stream. A directory states them as they were when it was last told: never
    /// for the volume's own files, and not always for files with more than one link. Hence those of the file itself; the
    /// directory's where it cannot be read, which is said.
    fn sizes(&mut self, path: &str, entry: &DirectoryEntry) -> Result<(u64, u64), Failure> {
        let stated = (entry.key.size_bytes, entry.key.allocated_bytes);
        let file = match self.volume.file_by_reference(entry.reference) {
            Ok(file) => file,
            Err(error) => {
                self.name_damaged(path, entry.reference, error)?;
                return Ok(stated);
            }
        };
        Ok(match file.data() {
            Some(data) if data.resident().is_some() => (data.size_bytes(), stated.1),
            Some(data) => (data.size_bytes(), data.allocated_bytes()),
            None => stated,
        })
    }

    /// Says what cannot be read, once. When the medium fails, the listing ends.
    fn name_damaged(&mut self, path: &str, reference: FileReference, error: Error) -> Result<(), Failure> {
        if error.kind() == ErrorKind::Io {
            return Err(error.into());
        }
        if self.damaged.insert(reference) {
            self.context.output.warning(Message::CannotBeRead {
                path: if path.is_empty() { "\\" } else { path }.to_owned(),
                error: error.to_string(),
            });
        }
        Ok(())
    }

    fn print(&mut self, path: &str, entry: &DirectoryEntry) -> Result<(), Failure> {
        let (size_bytes, allocated_bytes) = self.sizes(path, entry)?;
        let key = &entry.key;
        let reparse = key.attributes & file_attribute::REPARSE_POINT != 0;
        let listed = Listed {
            path,
            record: entry.reference.record,
            sequence: entry.reference.sequence,
            directory: key.attributes & file_attribute::INDEX_PRESENT != 0,
            size_bytes,
            allocated_bytes,
            attributes: key.attributes,
            short_name: entry.dos_name.as_deref().map(name_to_text),
            reparse_tag: reparse.then_some(key.reparse_or_ea),
            creation_time: key.creation_time,
            last_write_time: key.modification_time,
            change_time: key.change_time,
            last_access_time: key.access_time,
        };
        self.count += 1;
        self.context.output.entry(&listed, || {
            format!("{} {:>12} {}", letters(key.attributes), size_bytes, shown(path))
        })
    }
}

/// `drhsalcpe`, with `-` for what is not set: directory, read-only, hidden, system, archive, reparse point
/// (link), compressed, sparse (partial), encrypted.
fn letters(attributes: u32) -> String {
    [
        (file_attribute::INDEX_PRESENT, 'd'),
        (file_attribute::READ_ONLY, 'r'),
        (file_attribute::HIDDEN, 'h'),
        (file_attribute::SYSTEM, 's'),
        (0x20, 'a'),
        (file_attribute::REPARSE_POINT, 'l'),
        (file_attribute::COMPRESSED, 'c'),
        (file_attribute::SPARSE, 'p'),
        (file_attribute::ENCRYPTED, 'e'),
    ]
    .into_iter()
    .map(|(bit, letter)| if attributes & bit != 0 { letter } else { '-' })
    .collect()
}
