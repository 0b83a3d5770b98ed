//! Names: each `$FILE_NAME` by itself, and the tree they make.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::files::FileFact;
use super::report::Place;
use crate::layout::{attribute, file_attribute, namespace, record, record_flag};
use crate::read::{File, FileName, FileReference};

/// One name of a file, for comparing with the directory that should hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameFact {
    /// Raw reference of the directory.
    pub(super) parent: u64,
    /// Raw reference of the file.
    pub(super) child: u64,
    /// Place of the name in the arena.
    pub(super) name_at: u32,
    pub(super) name_len: u8,
    pub(super) namespace: u8,
    pub(super) indexed: bool,
}

impl NameFact {
    pub(super) fn parent_record(&self) -> u64 {
        FileReference::from_raw(self.parent).record
    }

    pub(super) fn child_record(&self) -> u64 {
        FileReference::from_raw(self.child).record
    }
}

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn name_of(&self, fact: &NameFact) -> &[u16] {
        let at = fact.name_at as usize;
        self.name_units
            .get(at..at + usize::from(fact.name_len))
            .unwrap_or_default()
    }

    /// Checks the names of a file and remembers them.
    pub(super) fn check_names_of(&mut self, file: &File, fact: &mut FileFact) {
        let number = file.reference.record;
        let place = Place::record(number, file.at);
        let mut names: Vec<FileName> = Vec::new();
        for found in file.of_type(attribute::FILE_NAME) {
            let value = found.resident().unwrap_or_default();
            let place = Place::record(number, found.at);
            let parsed = FileName::parse(value)
                .filter(|name| !name.name.is_empty() && value.len() == 0x42 + name.name.len() * 2);
            match parsed {
                Some(name) => {
                    self.check_name(file, &name, place);
                    names.push(name);
                }
                None => {
                    let text = format!("{} bytes, name length {:?}", value.len(), value.get(0x40));
                    self.out
                        .add(Code::NameValue, place, text, "a value as long as its name");
                }
            }
        }
        let count = file.of_type(attribute::FILE_NAME).count();
        if usize::from(file.link_count) != count {
            let place = Place::record(number, file.at + 0x12);
            let text = format!("link count {}", file.link_count);
            self.out
                .add(Code::RecordLinks, place, text, format!("{count} names"));
        }
        if count == 0 && !(record::FIRST_RESERVED..record::QUOTA).contains(&number) {
            self.out
                .add(Code::AttributeMissing, place, "no $FILE_NAME", "at least one");
        }
        self.check_aliases(&names, place);
        let links = names.iter().filter(|name| !name.is_dos_alias()).count();
        if file.is_directory() && links > 1 {
            self.out.add(
                Code::NameDirectoryLinks,
                place,
                format!("{links} names"),
                "one name",
            );
        }
        fact.links = u16::try_from(links).unwrap_or(u16::MAX);
        for name in &names {
            let Ok(name_at) = u32::try_from(self.name_units.len()) else {
                continue;
            };
            self.name_units.extend_from_slice(&name.name);
            self.names.push(NameFact {
                parent: name.parent.to_raw(),
                child: file.reference.to_raw(),
                name_at,
                name_len: name.name.len() as u8,
                namespace: name.namespace,
                indexed: false,
            });
        }
    }

    fn check_name(&mut self, file: &File, name: &FileName, place: Place) {
        let text = || {
            format!(
                "{:?}, namespace {}",
                String::from_utf16_lossy(&name.name),
                name.namespace
            )
        };
        if name.namespace > namespace::WIN32_AND_DOS {
            self.out
                .add(Code::NameValue, place, text(), "a namespace of 0 to 3");
        }
        let root = file.reference.record == record::ROOT;
        if !root && !is_legal(&name.name, name.namespace) {
            self.out.add(
                Code::NameCharacters,
                place,
                text(),
                "a name that is legal in its namespace",
            );
        }
        let directory = file.flags & record_flag::DIRECTORY != 0;
        if (name.attributes & file_attribute::INDEX_PRESENT != 0) != directory {
            let text = format!("attributes {:#x}", name.attributes);
            self.out
                .add(Code::NameValue, place, text, format!("directory {directory}"));
        }
        let parent = self.record_fact(name.parent.record);
        let is_directory = parent.is_some_and(|fact| {
            fact.is_base()
                && fact.flags & record_flag::DIRECTORY != 0
                && fact.sequence == name.parent.sequence
        });
        if !is_directory {
            let text = format!("{} in {}", text(), name.parent);
            self.out.add(
                Code::NameParent,
                place,
                text,
                "a directory in use, with its sequence number",
            );
        }
    }

    /// A DOS alias has exactly one long name beside it in the same directory.
    fn check_aliases(&mut self, names: &[FileName], place: Place) {
        let aliases: Vec<&FileName> = names.iter().filter(|name| name.is_dos_alias()).collect();
        if aliases.len() > 1 {
            self.out.add(
                Code::NameAlias,
                place,
                format!("{} DOS names", aliases.len()),
                "one at most",
            );
        }
        for alias in aliases {
            let long = |name: &&FileName| name.namespace == namespace::WIN32 && name.parent == alias.parent;
            let count = names.iter().filter(long).count();
            if count == 0 {
                let text = format!("DOS name {:?} alone", String::from_utf16_lossy(&alias.name));
                self.out
                    .add(Code::NameAlias, place, text, "a Win32 name in the same directory");
            }
        }
    }

    /// Every directory leads up to the root.
    pub(super) fn check_tree(&mut self) {
        let mut parent = vec![u64::MAX; self.records.len()];
        for name in &self.names {
            let child = usize::try_from(name.child_record()).unwrap_or(usize::MAX);
            let directory = self
                .records
                .get(child)
                .is_some_and(|fact| fact.flags & record_flag::DIRECTORY != 0);
            if let Some(slot) = parent.get_mut(child).filter(|_| directory) {
                *slot = name.parent_record();
            }
        }
        // 0: not visited, 1: on the way up, 2: done.
        let mut state = vec![0u8; self.records.len()];
        let mut way = Vec::new();
        for start in 0..parent.len() {
            let mut at = start;
            while state[at] == 0 {
                state[at] = 1;
                way.push(at);
                let up = usize::try_from(parent[at]).unwrap_or(usize::MAX);
                if at == record::ROOT as usize || up >= parent.len() {
                    break;
                }
                at = up;
            }
            if state[at] == 1 && way.last() != Some(&at) {
                let place = Place {
                    record: Some(at as u64),
                    offset: self.volume.record_offset(at as u64),
                };
                self.out.add(
                    Code::TreeCycle,
                    place,
                    "itself among its parents",
                    "a way to the root",
                );
            } else if way.last() == Some(&at) && parent[at] == at as u64 && at != record::ROOT as usize {
                let place = Place {
                    record: Some(at as u64),
                    offset: self.volume.record_offset(at as u64),
                };
                self.out
                    .add(Code::TreeCycle, place, "itself as parent", "a way to the root");
            }
            for done in way.drain(..) {
                state[done] = 2;
            }
        }
    }

    /// Whether a record lies somewhere below `$Extend`, by the names found.
    pub(super) fn is_below_extend(&self, number: u64) -> bool {
        let mut at = number;
        for _ in 0..64 {
            if at == record::EXTEND {
                return true;
            }
            let name = usize::try_from(at)
                .ok()
                .and_then(|at| self.first_name.get(at))
                .copied()
                .flatten();
            let Some(name) = name.and_then(|name| self.names.get(name as usize)) else {
                return false;
            };
            at = name.parent_record();
        }
        false
    }

    /// Path of a record, by the names found.
    pub(super) fn path_of(&self, number: u64) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        let mut at = number;
        for _ in 0..64 {
            if at == record::ROOT {
                parts.push(String::new());
                parts.reverse();
                let path = parts.join("\\");
                return Some(if path.is_empty() { "\\".to_owned() } else { path });
            }
            let name = self
                .first_name
                .get(usize::try_from(at).ok()?)
                .copied()
                .flatten()?;
            let fact = self.names.get(name as usize)?;
            parts.push(String::from_utf16_lossy(self.name_of(fact)));
            at = fact.parent_record();
        }
        None
    }
}

/// Whether a name may stand in a namespace.
///
/// # Source
/// MS-FSCC, 2.1.5: characters of names and of 8.3 names.
fn is_legal(name: &[u16], space: u8) -> bool {
    let any = |set: &str| name.iter().any(|&unit| set.encode_utf16().any(|bad| bad == unit));
    if name.contains(&0) || any("/") {
        return false;
    }
    if space == namespace::POSIX {
        return true;
    }
    if name.iter().any(|&unit| unit < 0x20) || any("\\:*?\"<>|") {
        return false;
    }
    space == namespace::WIN32 || is_8_3(name)
}

/// Whether a name fits 8.3, in either case.
fn is_8_3(name: &[u16]) -> bool {
    let dot = u16::from(b'.');
    let mut parts = name.split(|&unit| unit == dot);
    let (base, extension, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let bad = |&unit: &u16| " +,;=[]".encode_utf16().any(|c| c == unit);
    let fits = |part: &[u16], max: usize| (1..=max).contains(&part.len()) && !part.iter().any(bad);
    more.is_none() && fits(base, 8) && extension.is_none_or(|part| fits(part, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legal(name: &str, space: u8) -> bool {
        is_legal(&name.encode_utf16().collect::<Vec<_>>(), space)
    }

    #[test]
    fn names_by_namespace() {
        for (name, space, expected) in [
            ("a:b", namespace::POSIX, true),
            ("a/b", namespace::POSIX, false),
            ("a:b", namespace::WIN32, false),
            ("a long name.text", namespace::WIN32, true),
            ("$AttrDef", namespace::WIN32_AND_DOS, true),
            ("README.TXT", namespace::DOS, true),
            ("README~10.TXT", namespace::DOS, false),
            ("A.B.C", namespace::DOS, false),
            ("A B", namespace::DOS, false),
            (".profile", namespace::WIN32_AND_DOS, false),
        ] {
            assert_eq!(legal(name, space), expected, "{name} in {space}");
        }
    }
}
