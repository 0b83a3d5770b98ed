//! What the kernel's text files say, without reading them.

use serde::Serialize;

/// Major and minor number of a block device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DeviceNumber {
    /// Driver.
    pub major: u32,
    /// Device of that driver.
    pub minor: u32,
}

impl DeviceNumber {
    /// From `8:16`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.trim().split_once(':')?;
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    }

    /// From the number in a file's metadata (`st_rdev`, `st_dev`).
    #[must_use]
    pub fn from_raw(raw: u64) -> Self {
        Self {
            major: rustix::fs::major(raw),
            minor: rustix::fs::minor(raw),
        }
    }
}

impl std::fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// One line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountLine {
    /// The device by number; a number of no device for btrfs and the like.
    pub number: DeviceNumber,
    /// Where it is mounted.
    pub mount_point: String,
    /// Type of the file system.
    pub file_system: String,
    /// The device by name, as it was mounted.
    pub source: String,
}

/// The lines of `/proc/self/mountinfo`; lines that are none are left out.
///
/// # Source
/// proc(5), `/proc/pid/mountinfo`.
#[must_use]
pub fn parse_mountinfo(text: &str) -> Vec<MountLine> {
    text.lines().filter_map(parse_mount_line).collect()
}

fn parse_mount_line(line: &str) -> Option<MountLine> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let number = DeviceNumber::parse(before.next()?)?;
    let mount_point = unescape(before.nth(1)?);
    let mut after = after.split(' ');
    Some(MountLine {
        number,
        mount_point,
        file_system: after.next()?.to_owned(),
        source: unescape(after.next()?),
    })
}

/// The files and devices of `/proc/swaps`.
///
/// # Source
/// proc(5), `/proc/swaps`.
#[must_use]
pub fn parse_swaps(text: &str) -> Vec<String> {
    text.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .map(unescape)
        .collect()
}

/// The value of a property in udev's database, `/run/udev/data/b8:16`.
#[must_use]
pub fn udev_property<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("E:")?.split_once('='))
        .find_map(|(name, value)| (name == key).then_some(value))
}

/// Undoes the kernel's `\040`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|digits| first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)))
            .and_then(|digits| {
                let value = digits.iter().fold(0u32, |sum, &d| sum * 8 + u32::from(d - b'0'));
                u8::try_from(value).ok()
            });
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A string that a device says of itself, made safe to print: no control characters, nothing that turns the
/// direction of writing or takes no room, single spaces, at most 80 characters. Firmware strings are input like any
/// other, and a name that can overwrite the line above it can make one disk look like another.
#[must_use]
pub fn printable(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}'
                | '\u{E0000}'..='\u{E0FFF}')
    };
    let shown: String = text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = shown.split_whitespace().collect();
    words.join(" ").chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_lines() {
        let text = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            61 27 8:17 / /media/a\\040b\\134c rw shared:1 master:2 - vfat /dev/sdb1 rw\n\
            nonsense\n\
            70 27 0:44 /sub /home rw - btrfs /dev/mapper/home rw\n";
        let lines = parse_mountinfo(text);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].mount_point, "/");
        assert_eq!(lines[1].number, DeviceNumber { major: 8, minor: 17 });
        assert_eq!(
            (lines[1].mount_point.as_str(), lines[1].source.as_str()),
            ("/media/a b\\c", "/dev/sdb1")
        );
        assert_eq!(
            (lines[2].file_system.as_str(), lines[2].source.as_str()),
            ("btrfs", "/dev/mapper/home")
        );
    }

    #[test]
    fn swap_lines() {
        let text = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda3   partition\t8\t0\t-2\n/swap\\040file file 1 0 -3\n";
        assert_eq!(parse_swaps(text), ["/dev/sda3", "/swap file"]);
        assert_eq!(parse_swaps(""), [""; 0]);
    }

    #[test]
    fn udev_lines() {
        let text = "S:disk/by-id/usb-x\nE:ID_SERIAL=a_b\nE:ID_SERIAL_SHORT=b=c\n";
        assert_eq!(udev_property(text, "ID_SERIAL_SHORT"), Some("b=c"));
        assert_eq!(udev_property(text, "ID_MODEL"), None);
    }

    #[test]
    fn device_strings_cannot_forge_output() {
        assert_eq!(
            printable("  Ultra  Fit\n\u{1b}[2K\u{202e}kcits\u{200b} "),
            "Ultra Fit [2K kcits"
        );
        assert_eq!(printable(&"x".repeat(500)).len(), 80);
    }

    #[test]
    fn escapes_do_not_panic() {
        assert_eq!(unescape("\\777\\04\\"), "\\777\\04\\");
    }
}
