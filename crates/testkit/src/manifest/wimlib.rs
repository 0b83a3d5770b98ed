//! An image of a WIM, or a whole NTFS volume, as wimlib sees it.

use std::path::Path;

use super::{Facts, Manifest, attributes_text, escape, sha1_hex};

/// What `wimlib-imagex dir --detailed` says of an image. Times have seconds only and are left out.
/// `None` when wimlib is missing and skipping is allowed.
///
/// # Panics
/// When wimlib does not read the file.
#[must_use]
pub fn from_wimlib(wim: &Path, image: &str) -> Option<Manifest> {
    let mut command = crate::tool("wimlib-imagex")?;
    let output = crate::run(command.arg("dir").arg(wim).arg(image).arg("--detailed"));
    let mut listing = vec![b'\n'];
    listing.extend(output.stdout);
    Some(parse(&listing))
}

/// The manifest of a volume image, by letting wimlib capture it (through libntfs-3g) and list what it got.
/// `None` when wimlib is missing and skipping is allowed.
///
/// # Panics
/// When wimlib cannot capture the volume.
#[must_use]
pub fn capture_with_wimlib(volume: &Path) -> Option<Manifest> {
    let mut command = crate::tool("wimlib-imagex")?;
    let dir = tempfile::tempdir().expect("temporary folder");
    let wim = dir.path().join("captured.wim");
    // The default configuration would leave out page files and the like.
    let everything = dir.path().join("everything.ini");
    std::fs::write(&everything, "[ExclusionList]\n").expect("capture configuration");
    let config = format!("--config={}", everything.display());
    crate::run(
        command
            .arg("capture")
            .arg(volume)
            .arg(&wim)
            .args(["1", "--compress=none", &config]),
    );
    from_wimlib(&wim, "1")
}

/// Reads the listing.
fn parse(listing: &[u8]) -> Manifest {
    let mut manifest = Manifest::default();
    let mut groups = std::collections::BTreeMap::<String, Vec<String>>::new();
    for entry in split_entries(listing) {
        let Some((path, facts, group)) = parse_entry(entry) else {
            continue;
        };
        if let Some(group) = group {
            groups.entry(group).or_default().push(path.clone());
        }
        manifest.0.insert(path, facts);
    }
    for mut paths in groups.into_values().filter(|paths| paths.len() > 1) {
        paths.sort();
        for path in &paths {
            if let Some(facts) = manifest.0.get_mut(path) {
                facts.insert("first_link".into(), paths[0].clone());
            }
        }
    }
    manifest.without_own_short_names()
}

/// Entries lie between lines of dashes.
fn split_entries(listing: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rule: &[u8] = b"\n----------------------------------------------------------------------------\n";
    let mut rest = listing;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = rest.windows(rule.len()).position(|window| window == rule);
        let (entry, tail) = at.map_or((rest, &rest[rest.len()..]), |at| {
            (&rest[..at], &rest[at + rule.len()..])
        });
        rest = tail;
        Some(entry)
    })
}

fn parse_entry(entry: &[u8]) -> Option<(String, Facts, Option<String>)> {
    const DIRECTORY: u32 = 0x10;
    const REPARSE_POINT: u32 = 0x400;
    let mut facts = Facts::new();
    let mut path = None;
    let mut group = None;
    let mut attributes = 0;
    let mut stream = String::new();
    for line in entry.split(|b| *b == b'\n') {
        let line = line.strip_prefix(b"\t").unwrap_or(line);
        if line.starts_with(b"Unnamed data stream:") {
            stream = "sha1".into();
        } else if let Some(rest) = line.strip_prefix(b"Named data stream \"") {
            let name = rest.strip_suffix(b"\":").unwrap_or(rest);
            stream = format!("sha1:{}", escape(name));
        } else if line.starts_with(b"Reparse point stream:") {
            stream = "reparse_sha1".into();
        }
        let Some(at) = line.windows(2).position(|w| w == b"= ") else {
            continue;
        };
        let value = &line[at + 2..];
        let text = String::from_utf8_lossy(value).into_owned();
        let unquoted = || {
            value
                .strip_prefix(b"\"")
                .and_then(|v| v.strip_suffix(b"\""))
                .unwrap_or(value)
        };
        match String::from_utf8_lossy(&line[..at]).trim_end() {
            "Full Path" => {
                let full = unquoted();
                path = Some(escape(full.strip_prefix(b"/").unwrap_or(full)));
            }
            "Short Name" if !unquoted().is_empty() => {
                facts.insert("dos_name".into(), escape(unquoted()));
            }
            "Attributes" => {
                attributes = u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(0);
                facts.insert("attributes".into(), attributes_text(attributes));
            }
            "Security Descriptor" => {
                facts.insert("acl".into(), sha1_hex(&unhex(&text)));
            }
            "Object ID" => {
                facts.insert("object_id".into(), text.trim_start_matches("0x").to_owned());
            }
            "Link Group ID" if !text.trim_start_matches("0x").trim_matches('0').is_empty() => {
                group = Some(text);
            }
            "Link Count" if attributes & DIRECTORY == 0 => {
                facts.insert("links".into(), text);
            }
            "Reparse Tag" => {
                facts.insert(
                    "reparse_tag".into(),
                    text.split_whitespace().next().unwrap_or_default().to_owned(),
                );
            }
            "Hash" if !stream.is_empty() => {
                let hash = text.trim_start_matches("0x").to_owned();
                facts.insert(stream.clone(), normal_hash(&hash));
            }
            "Uncompressed size" if stream == "sha1" => {
                facts.insert("size".into(), text.trim_end_matches(" bytes").to_owned());
            }
            _ => {}
        }
    }
    if attributes & (DIRECTORY | REPARSE_POINT) != 0 {
        facts.remove("size");
        facts.remove("sha1");
    }
    Some((path?, facts, group))
}

/// An empty stream has no blob: its hash is written as zeros.
fn normal_hash(hash: &str) -> String {
    if hash.trim_matches('0').is_empty() {
        sha1_hex(b"")
    } else {
        hash.to_owned()
    }
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listing_is_read() {
        let rule = "-".repeat(76);
        let text = format!(
            "{rule}\nFull Path           = \"/\"\nAttributes          = 0x00000010\n\n{rule}\n\
Full Path           = \"/a\"\nShort Name          = \"A~1\"\nAttributes          = 0x00000020\n\
Security Descriptor = 0100\nLink Group ID       = 0x0000000000000002\nLink Count          = 2\n\
\tUnnamed data stream:\nHash              = 0x00\nUncompressed size = 0 bytes\n\n\
\tNamed data stream \"s\":\nHash              = 0x2356\nUncompressed size = 3 bytes\n"
        );
        let manifest = parse(format!("\n{text}").as_bytes());
        assert_eq!(
            manifest.to_text(),
            format!(
                "\tattributes=00000000\na\tacl={}\tattributes=00000020\tdos_name=A~1\tlinks=2\tsha1={}\tsha1:s=2356\tsize=0\n",
                sha1_hex(&[1, 0]),
                sha1_hex(b"")
            )
        );
    }
}
