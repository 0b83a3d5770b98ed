//! A tree as data: every path with everything that is known about it, as sorted text that can be compared.
//!
//! Facts that a source cannot see are absent, so two manifests from different sources are compared on the
//! facts they share ([`Manifest::diff_shared`]), those from the same source on all of them ([`Manifest::diff`]).

mod ntfs3g;
mod walk;
mod wimlib;

pub use ntfs3g::{NtfsMount, from_ntfs3g};
pub use walk::walk;
pub use wimlib::{capture_with_wimlib, from_wimlib};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What is known about one path: fact name to value.
pub type Facts = BTreeMap<String, String>;

/// A tree: path (with `/`, the root is the empty string) to facts.
///
/// Fact names: `type` (`file`, `dir`, `link`), `size`, `sha1`, `sha1:NAME` (named stream), `links`, `first_link`
/// (the first path of the hard-link group), `target` (symbolic link as the reader shows it), `attributes`, `acl`
/// (hash of the security descriptor), `dos_name`, `reparse`, `object_id`, `created`, `modified`, `accessed`
/// (hundreds of nanoseconds since 1601).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, Facts>);

impl Manifest {
    /// One line for each path: `path<TAB>name=value<TAB>…`, sorted; `\`, controls and bytes outside UTF-8 escaped.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (path, facts) in &self.0 {
            text.push_str(path);
            for (name, value) in facts {
                let _ = write!(text, "\t{name}={value}");
            }
            text.push('\n');
        }
        text
    }

    /// Reads what [`Manifest::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(
            text.lines()
                .map(|line| {
                    let mut fields = line.split('\t');
                    let path = fields.next().unwrap_or_default().to_owned();
                    let facts = fields
                        .filter_map(|field| field.split_once('='))
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect();
                    (path, facts)
                })
                .collect(),
        )
    }

    /// Without the paths that `drop` names, and without what lies below them.
    #[must_use]
    pub fn without(mut self, drop: &[&str]) -> Self {
        self.0.retain(|path, _| {
            !drop.iter().any(|dropped| {
                path.strip_prefix(dropped)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        });
        self
    }

    /// Without facts of these names, for all paths.
    #[must_use]
    pub fn without_facts(mut self, names: &[&str]) -> Self {
        for facts in self.0.values_mut() {
            facts.retain(|name, _| !names.contains(&name.as_str()));
        }
        self
    }

    /// A name that is its own short name (one name for both on the disk) has no short name beside it: readers differ
    /// in whether they show one, and in its case.
    fn without_own_short_names(mut self) -> Self {
        for (path, facts) in &mut self.0 {
            let name = path.rsplit('/').next();
            let upper = |name: &str| name.to_uppercase();
            if facts.get("dos_name").map(|short| upper(short)) == name.map(upper) {
                facts.remove("dos_name");
            }
        }
        self
    }

    /// Every difference, one line each; empty when equal.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Vec<String> {
        self.differences(other, false)
    }

    /// Every difference in facts that both sides have a fact of that name for anywhere.
    #[must_use]
    pub fn diff_shared(&self, other: &Self) -> Vec<String> {
        self.differences(other, true)
    }

    fn fact_names(&self) -> BTreeSet<&str> {
        let base = |name: &'_ String| name.split(':').next().unwrap_or_default().len();
        self.0
            .values()
            .flat_map(|facts| facts.keys().map(move |name| &name[..base(name)]))
            .collect()
    }

    fn differences(&self, other: &Self, shared_only: bool) -> Vec<String> {
        let (left_names, right_names) = (self.fact_names(), other.fact_names());
        let streams = |m: &Self| m.0.values().any(|f| f.keys().any(|n| n.contains(':')));
        let both_streams = streams(self) && streams(other);
        let counts = |name: &str| {
            if !shared_only {
                return true;
            }
            match name.split_once(':') {
                Some(_) => both_streams,
                None => left_names.contains(name) && right_names.contains(name),
            }
        };
        let mut lines = Vec::new();
        let paths: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        for path in paths {
            match (self.0.get(path), other.0.get(path)) {
                (Some(_), None) => lines.push(format!("only left:  /{path}")),
                (None, Some(_)) => lines.push(format!("only right: /{path}")),
                (Some(left), Some(right)) => {
                    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
                    for name in names {
                        let (l, r) = (left.get(name), right.get(name));
                        if l != r && counts(name) {
                            let show = |v: Option<&String>| v.map_or("nothing", |v| v.as_str()).to_owned();
                            lines.push(format!("/{path}: {name}: left {}, right {}", show(l), show(r)));
                        }
                    }
                }
                (None, None) => {}
            }
        }
        lines
    }

    /// # Panics
    /// When the two differ in anything; shows the first differences.
    pub fn assert_same(&self, other: &Self, what: &str) {
        assert_no_differences(&self.diff(other), what);
    }

    /// # Panics
    /// When the two differ in a fact that both know; shows the first differences.
    pub fn assert_same_shared(&self, other: &Self, what: &str) {
        assert_no_differences(&self.diff_shared(other), what);
    }
}

fn assert_no_differences(lines: &[String], what: &str) {
    const SHOWN: usize = 40;
    assert!(
        lines.is_empty(),
        "{what}: {} differences\n{}",
        lines.len(),
        lines[..lines.len().min(SHOWN)].join("\n")
    );
}

/// Attribute flags, without those for folders: readers differ in whether they show the flag of the API (`0x10`),
/// that of the disk (`0x1000_0000`), or both.
fn attributes_text(flags: u32) -> String {
    const DIRECTORY: u32 = 0x1000_0010;
    format!("{:08x}", flags & !DIRECTORY)
}

/// Escapes `\`, controls and bytes outside UTF-8, so that a path or value fits one field of a line.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || c.is_control() {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-1 of bytes, in hexadecimal.
#[must_use]
pub fn sha1_hex(bytes: &[u8]) -> String {
    use sha1::Digest;
    hex(&sha1::Sha1::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &str) -> Manifest {
        Manifest::from_text(lines)
    }

    #[test]
    fn text_round_trips_and_differences_are_named() {
        let left = tree("a\tsize=1\tsha1:s=x\nb\tsize=2\n");
        assert_eq!(left.to_text(), "a\tsha1:s=x\tsize=1\nb\tsize=2\n");
        let right = tree("a\tsize=3\tlinks=1\nc\n");
        assert_eq!(
            left.diff(&right),
            [
                "/a: links: left nothing, right 1",
                "/a: sha1:s: left x, right nothing",
                "/a: size: left 1, right 3",
                "only left:  /b",
                "only right: /c"
            ]
        );
        assert_eq!(left.diff_shared(&right)[0], "/a: size: left 1, right 3");
    }

    #[test]
    fn escapes() {
        assert_eq!(escape(b"a\\b\tc\xff\xc3\xa9"), "a\\u{5c}b\\u{9}c\\xffé");
    }
}
