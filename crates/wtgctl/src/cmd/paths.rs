//! Paths and patterns on the command line.

use crate::failure::Failure;

/// Replaces `@FILE` by the lines of that file.
pub(crate) fn expand_lists(paths: &[String]) -> Result<Vec<String>, Failure> {
    let mut patterns = Vec::new();
    for path in paths {
        match path.strip_prefix('@') {
            None => patterns.push(path.clone()),
            Some(list) => {
                let bytes = std::fs::read(list).map_err(|error| Failure::io(list, &error))?;
                patterns.extend(wim_apply::parse_list_file(&bytes));
            }
        }
    }
    Ok(patterns)
}

/// Whether a path is a pattern.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// A pattern for paths with `/` between names; case does not count. `?` is one character and `*` any number of
/// them, in one name; `**` crosses `/`.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<char>);

impl Pattern {
    /// Of its text.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_lowercase().chars().collect())
    }

    /// Whether a path fits.
    pub(crate) fn fits(&self, path: &str) -> bool {
        let text: Vec<char> = path.to_lowercase().chars().collect();
        // reachable[i]: the pattern so far fits the first i characters.
        let mut reachable: Vec<bool> = std::iter::once(true).chain(text.iter().map(|_| false)).collect();
        let mut rest = self.0.as_slice();
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
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stay_in_one_name_and_double_stars_cross() {
        let fits = |pattern: &str, path: &str| Pattern::new(pattern).fits(path);
        assert!(fits("sources/*.wim", "sources/install.wim"));
        assert!(fits("SOURCES/*.wim", "Sources/install.WIM"));
        assert!(!fits("*.wim", "sources/install.wim"));
        assert!(fits("**.wim", "sources/install.wim"));
        assert!(fits("**/boot?64.efi", "efi/boot/bootx64.efi"));
        assert!(!fits("sources/?", "sources/ab"));
        assert!(fits("*", ""));
        assert!(!fits("a*b", "a/b"));
    }
}
