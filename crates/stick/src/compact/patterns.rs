//! Path patterns as in WIM configuration files: `*` and `?`, letter case ignored, a match covers what lies below.

/// A list of patterns.
#[derive(Clone, Debug, Default)]
pub struct PathPatterns {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug)]
struct Pattern {
    chars: Vec<char>,
    /// How many of them come before the first wildcard.
    literal: usize,
    /// A bare name fits in every directory.
    is_bare_name: bool,
}

/// A path, made ready to be compared with many patterns.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    chars: Vec<char>,
    /// Where its components end.
    ends: Vec<usize>,
}

impl Subject {
    pub(super) fn new(path: &str) -> Self {
        let chars: Vec<char> = path.to_lowercase().chars().collect();
        let separators = chars.iter().enumerate().skip(1);
        let mut ends: Vec<usize> = separators.filter(|&(_, &c)| c == '\\').map(|(i, _)| i).collect();
        ends.push(chars.len());
        Self { chars, ends }
    }
}

impl PathPatterns {
    /// From patterns with `\` separators. One without any separator is a name in any directory; else a leading
    /// `\` is implied.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let patterns = patterns.into_iter().map(|pattern| {
            let pattern = pattern.trim().replace('/', "\\").to_lowercase();
            let is_bare_name = !pattern.contains('\\');
            let chars: Vec<char> = format!("\\{}", pattern.trim_matches('\\')).chars().collect();
            let wildcard = chars.iter().position(|c| matches!(c, '*' | '?'));
            Pattern {
                literal: wildcard.unwrap_or(chars.len()),
                chars,
                is_bare_name,
            }
        });
        Self {
            patterns: patterns.collect(),
        }
    }

    /// One section of a WIM configuration file (UTF-8 or UTF-16LE with BOM), e.g. `PrepopulateList`.
    #[must_use]
    pub fn from_ini(bytes: &[u8], section: &str) -> Self {
        let text = decode(bytes);
        let mut inside = false;
        let mut lines = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[') {
                inside = name.trim_end_matches(']').eq_ignore_ascii_case(section);
            } else if inside && !line.is_empty() && !line.starts_with(['#', ';']) {
                lines.push(line.trim_matches('"'));
            }
        }
        Self::new(lines)
    }

    /// Whether the path, or a directory above it, matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.matches_subject(&Subject::new(path))
    }

    /// As [`matches`](Self::matches).
    pub(super) fn matches_subject(&self, Subject { chars, ends }: &Subject) -> bool {
        let start = |end: usize| chars[..end].iter().rposition(|&c| c == '\\').unwrap_or(0);
        self.patterns.iter().any(|pattern| {
            if pattern.is_bare_name {
                return ends
                    .iter()
                    .any(|&end| glob(&pattern.chars, &chars[start(end)..end]));
            }
            chars.starts_with(&pattern.chars[..pattern.literal])
                && ends.iter().any(|&end| glob(&pattern.chars, &chars[..end]))
        })
    }
}

fn decode(bytes: &[u8]) -> String {
    if let Some(units) = bytes.strip_prefix(&[0xff, 0xfe]) {
        let units: Vec<u16> = units
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes)).into_owned()
}

/// `*` matches within one component, `?` one character; iterative, with one point to go back to.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == text[t] || (c == '?' && text[t] != '\\') => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) if text[from] != '\\' => {
                    star = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                _ => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        let check = |pattern: &str, path: &str, expected: bool| {
            assert_eq!(
                PathPatterns::new([pattern]).matches(path),
                expected,
                "{pattern} {path}"
            );
        };
        check(
            "\\Windows\\System32\\winload.*",
            "\\windows\\SYSTEM32\\WinLoad.efi",
            true,
        );
        check(
            "\\Windows\\System32\\winload.*",
            "\\Windows\\System32\\sub\\winload.efi",
            false,
        );
        check("\\Windows\\Boot\\*", "\\Windows\\Boot\\EFI\\bootmgfw.efi", true);
        check("\\Windows\\Boot", "\\Windows\\Boot\\EFI\\bootmgfw.efi", true);
        check("\\Windows\\Boot", "\\Windows\\Boots", false);
        check(
            "\\Users\\*\\NTUSER.DAT*",
            "\\Users\\Default\\ntuser.dat.LOG1",
            true,
        );
        check("\\Users\\*\\NTUSER.DAT*", "\\Users\\a\\b\\ntuser.dat", false);
        check("\\*.nls", "\\l_intl.nls", true);
        check("winload.*", "\\Windows\\System32\\winload.efi", true);
        check("winload.*", "\\winload.d\\x", true);
        check("load.*", "\\Windows\\System32\\winload.efi", false);
        check("\\a?c", "\\abc", true);
        check("\\a?c", "\\a\\c", false);
    }

    #[test]
    fn section_of_a_configuration_file() {
        let ini = "[CompressionExclusionList]\r\n*.mp3\r\n[PrepopulateList]\r\n# comment\r\n\\Windows\\System32\\config\\SYSTEM\r\n\r\n[Other]\r\n\\x\r\n";
        for bytes in [
            ini.as_bytes().to_vec(),
            [0xff, 0xfe]
                .into_iter()
                .chain(ini.encode_utf16().flat_map(u16::to_le_bytes))
                .collect(),
        ] {
            let patterns = PathPatterns::from_ini(&bytes, "PrepopulateList");
            assert!(patterns.matches("\\Windows\\System32\\config\\SYSTEM"));
            assert!(!patterns.matches("\\x"));
            assert!(!patterns.matches("\\music.mp3"));
        }
    }
}
