//! Answer files: the `unattend.xml` that Windows follows at its first start.

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use serde::Serialize;

use crate::{Error, Result, security};

/// Where Windows looks for it before all other places that an image can hold.
pub const TARGET_PATH: &str = "\\Windows\\Panther\\unattend.xml";

const NAMESPACE: &str = "urn:schemas-microsoft-com:unattend";

/// Passes that Windows runs at its first start.
const PASSES_AT_FIRST_START: [&str; 4] = ["specialize", "oobeSystem", "auditSystem", "auditUser"];
/// Passes that run elsewhere: in Setup, in DISM, in sysprep.
const PASSES_ELSEWHERE: [&str; 3] = ["windowsPE", "offlineServicing", "generalize"];

/// What an answer file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnswerFile {
    /// Passes with settings, in order.
    pub passes: Vec<String>,
    /// Architectures of its components, sorted: settings for another than the image's are skipped by Windows.
    pub architectures: Vec<String>,
}

impl AnswerFile {
    /// Passes that do not run from [`TARGET_PATH`] at the first start, so that their settings have no effect.
    pub fn passes_without_effect(&self) -> impl Iterator<Item = &str> {
        self.passes
            .iter()
            .map(String::as_str)
            .filter(|pass| !PASSES_AT_FIRST_START.contains(pass))
    }
}

/// Checks that these bytes are well-formed XML with an `unattend` root in Microsoft's namespace and known
/// passes. UTF-8, or UTF-16 with a byte order mark.
///
/// # Errors
/// `Invalid`, with the byte offset in the text (as UTF-8).
///
/// # Source
/// Microsoft Learn, "Answer files overview" and "Windows Setup configuration passes".
pub fn check(bytes: &[u8]) -> Result<AnswerFile> {
    let text = text(bytes)?;
    let mut reader = NsReader::from_str(&text);
    let mut file = AnswerFile::default();
    let mut depth = 0usize;
    let mut seen_root = false;
    loop {
        let at = reader.buffer_position();
        let (namespace, event) = reader
            .read_resolved_event()
            .map_err(|e| invalid(at, e.to_string()))?;
        match event {
            Event::Start(element) => {
                if depth == 0 {
                    check_root(&namespace, &element, at)?;
                    if std::mem::replace(&mut seen_root, true) {
                        return Err(invalid(at, "there is a second root element".to_owned()));
                    }
                }
                read_element(&element, depth, at, &mut file)?;
                depth += 1;
            }
            Event::Empty(element) => {
                if depth == 0 {
                    check_root(&namespace, &element, at)?;
                    if std::mem::replace(&mut seen_root, true) {
                        return Err(invalid(at, "there is a second root element".to_owned()));
                    }
                }
                read_element(&element, depth, at, &mut file)?;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) if depth == 0 && !text.as_ref().trim_ascii().is_empty() => {
                return Err(invalid(at, "there is text outside the root element".to_owned()));
            }
            Event::Eof if depth > 0 => {
                return Err(invalid(at, "it ends inside an element".to_owned()));
            }
            Event::Eof if !seen_root => return Err(invalid(at, "it has no root element".to_owned())),
            Event::Eof => break,
            _ => {}
        }
    }
    file.architectures.sort();
    file.architectures.dedup();
    Ok(file)
}

fn text(bytes: &[u8]) -> Result<String> {
    let utf16 = |decode: fn([u8; 2]) -> u16| {
        let (units, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = units.iter().skip(1).map(|&unit| decode(unit)).collect();
        String::from_utf16(&units)
            .ok()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| invalid(0, "it is not valid UTF-16".to_owned()))
    };
    match bytes {
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes);
            text.map(str::to_owned)
                .map_err(|e| invalid(e.valid_up_to() as u64, "it is not valid UTF-8".to_owned()))
        }
    }
}

fn check_root(namespace: &ResolveResult<'_>, element: &BytesStart<'_>, at: u64) -> Result<()> {
    let in_namespace = matches!(namespace, ResolveResult::Bound(Namespace(found)) if *found == NAMESPACE);
    if in_namespace && element.local_name().as_ref() == "unattend" {
        return Ok(());
    }
    let name = element.name().as_ref().to_owned();
    Err(invalid(
        at,
        format!("its root element is {name:?}, not \"unattend\" of urn:schemas-microsoft-com:unattend"),
    ))
}

/// Notes the pass of a `settings` element and the architecture of a `component`.
fn read_element(element: &BytesStart<'_>, depth: usize, at: u64, file: &mut AnswerFile) -> Result<()> {
    let mut attributes = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|e| invalid(at, e.to_string()))?;
        attributes.push((attribute.key, attribute.value));
    }
    let attribute = |wanted: &str| {
        let mut found = attributes.iter().filter(|(key, _)| key.as_ref() == wanted);
        found.next().map(|(_, value)| value.as_ref().to_owned())
    };
    match (depth, element.local_name().as_ref()) {
        (1, "settings") => {
            let pass =
                attribute("pass").ok_or_else(|| invalid(at, "a settings element has no pass".to_owned()))?;
            if !PASSES_AT_FIRST_START.contains(&pass.as_str()) && !PASSES_ELSEWHERE.contains(&pass.as_str()) {
                return Err(invalid(at, format!("there is no pass {pass:?}")));
            }
            file.passes.push(pass);
        }
        (2, "component") => file.architectures.extend(attribute("processorArchitecture")),
        _ => {}
    }
    Ok(())
}

fn invalid(at: u64, reason: String) -> Error {
    Error::Invalid {
        what: "answer file",
        reason: format!("at byte {at}: {reason}"),
    }
}

/// Self-relative security descriptor for an answer file, which may hold a password: owner Administrators,
/// full access for SYSTEM and Administrators, nobody else, nothing inherited
/// (`O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)`).
#[must_use]
pub fn security_descriptor() -> Vec<u8> {
    const ALL: u32 = 0x001f_01ff;
    security::descriptor(
        security::PROTECTED,
        [(security::SYSTEM, ALL), (security::ADMINISTRATORS, ALL)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="specialize"><component name="x" processorArchitecture="amd64"/></settings>
  <settings pass="offlineServicing"></settings>
</unattend>"#;

    fn refused(xml: &str) -> String {
        check(xml.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn passes_and_architectures_are_listed() {
        let file = check(GOOD.as_bytes()).unwrap();
        assert_eq!(file.passes, ["specialize", "offlineServicing"]);
        assert_eq!(file.architectures, ["amd64"]);
        assert_eq!(
            file.passes_without_effect().collect::<Vec<_>>(),
            ["offlineServicing"]
        );

        let mut utf16 = vec![0xff, 0xfe];
        utf16.extend(
            GOOD.replace("utf-8", "utf-16")
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        );
        assert_eq!(check(&utf16).unwrap(), file);
        assert_eq!(check(format!("\u{feff}{GOOD}").as_bytes()).unwrap(), file);
    }

    #[test]
    fn what_windows_would_refuse_is_refused() {
        assert!(refused("").contains("no root element"));
        assert!(refused("not xml").contains("outside the root"));
        assert!(refused("<unattend/>").contains("root element"));
        assert!(refused(&GOOD.replace("</unattend>", "")).contains("ends inside"));
        assert!(
            refused(
                &GOOD
                    .replace("</component>", "")
                    .replace("\"amd64\"/>", "\"amd64\">")
            )
            .contains("at byte")
        );
        assert!(refused(&GOOD.replace("specialize", "specialise")).contains("no pass"));
        assert!(refused(&format!("{GOOD}{}", &GOOD[39..])).contains("second root"));
        assert!(check(b"\xff\xfe<").is_err());
    }

    #[test]
    fn descriptor_offsets_fit() {
        let bytes = security_descriptor();
        assert_eq!(bytes.len(), 100);
        assert_eq!(
            bytes[2..4],
            [0x04, 0x90],
            "self-relative, access list present and protected"
        );
        assert_eq!(
            &bytes[72..88],
            &bytes[bytes.len() - 28..bytes.len() - 12],
            "owner"
        );
        assert_eq!(&bytes[88..], &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0], "group");
    }
}
