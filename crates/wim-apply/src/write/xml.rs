//! The XML document: what is known of each image is kept as text, so that nothing is lost that this crate
//! does not know.

use std::fmt::Write;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::{ImageInfo, Wim};

/// Most nesting that is followed.
const MAX_DEPTH: usize = 64;

/// The elements within one `IMAGE` element: name, and the whole element as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ImageXml {
    elements: Vec<(String, String)>,
}

impl ImageXml {
    /// What the document of `wim` says of each image, in order; when it cannot be read, what was understood of it.
    pub(super) fn of_images(wim: &Wim) -> Vec<Self> {
        let images = wim.images();
        let mut elements = elements_of(&wim.xml_text(), images.len()).unwrap_or_default();
        elements.resize(images.len(), Vec::new());
        let image = |(info, elements): (&ImageInfo, Vec<_>)| {
            if elements.is_empty() {
                Self::of_info(info)
            } else {
                Self { elements }
            }
        };
        images.iter().zip(elements).map(image).collect()
    }

    /// From typed values.
    pub(super) fn of_info(info: &ImageInfo) -> Self {
        let mut xml = Self::default();
        let texts = [
            ("NAME", &info.name),
            ("DESCRIPTION", &info.description),
            ("FLAGS", &info.flags),
            ("DISPLAYNAME", &info.display_name),
            ("DISPLAYDESCRIPTION", &info.display_description),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                xml.set_text(name, text);
            }
        }
        xml.set_counts(info);
        if info.wim_boot {
            xml.set_text("WIMBOOT", "1");
        }
        let windows = windows(info);
        if !windows.is_empty() {
            xml.set("WINDOWS", &windows);
        }
        xml
    }

    /// Sets the counts and times that are known.
    pub(super) fn set_counts(&mut self, info: &ImageInfo) {
        let numbers = [
            ("DIRCOUNT", info.directory_count),
            ("FILECOUNT", info.file_count),
            ("TOTALBYTES", info.total_bytes),
            ("HARDLINKBYTES", info.hard_link_bytes),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                self.set_text(name, &number.to_string());
            }
        }
        for (name, time) in [
            ("CREATIONTIME", info.creation_time),
            ("LASTMODIFICATIONTIME", info.last_modification_time),
        ] {
            if let Some(time) = time {
                self.set_time(name, time);
            }
        }
    }

    /// Sets an element that holds text.
    pub(super) fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, &escape(text));
    }

    /// Sets an element that holds a FILETIME.
    pub(super) fn set_time(&mut self, name: &str, time: u64) {
        let (high, low) = (time >> 32, time & 0xffff_ffff);
        self.set(
            name,
            &format!("<HIGHPART>0x{high:08X}</HIGHPART><LOWPART>0x{low:08X}</LOWPART>"),
        );
    }

    /// Takes an element away.
    pub(super) fn remove(&mut self, name: &str) {
        self.elements.retain(|(known, _)| known != name);
    }

    fn set(&mut self, name: &str, inner: &str) {
        let element = format!("<{name}>{inner}</{name}>");
        match self.elements.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = element,
            None => self.elements.push((name.to_owned(), element)),
        }
    }
}

/// The whole document: UTF-16LE with a byte order mark.
pub(super) fn encode(images: &[ImageXml], total_bytes: Option<u64>) -> Vec<u8> {
    let mut text = "\u{feff}<WIM>".to_owned();
    if let Some(total_bytes) = total_bytes {
        // Writing to a `String` does not fail.
        let _ = write!(text, "<TOTALBYTES>{total_bytes}</TOTALBYTES>");
    }
    for (number, image) in images.iter().enumerate() {
        let _ = write!(text, "<IMAGE INDEX=\"{}\">", number + 1);
        image
            .elements
            .iter()
            .for_each(|(_, element)| text.push_str(element));
        text.push_str("</IMAGE>");
    }
    text.push_str("</WIM>");
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn windows(info: &ImageInfo) -> String {
    let mut inner = String::new();
    let mut element = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            let _ = write!(inner, "<{name}>{text}</{name}>");
        }
    };
    let text = |value: &Option<String>| value.as_deref().map(escape);
    element(
        "ARCH",
        info.architecture
            .map(|architecture| architecture.to_raw().to_string()),
    );
    element("PRODUCTNAME", text(&info.product_name));
    element("EDITIONID", text(&info.edition_id));
    element("INSTALLATIONTYPE", text(&info.installation_type));
    element("PRODUCTTYPE", text(&info.product_type));
    let mut languages = String::new();
    for language in &info.languages {
        let _ = write!(languages, "<LANGUAGE>{}</LANGUAGE>", escape(language));
    }
    if let Some(default) = &info.default_language {
        let _ = write!(languages, "<DEFAULT>{}</DEFAULT>", escape(default));
    }
    element("LANGUAGES", (!languages.is_empty()).then_some(languages));
    element(
        "VERSION",
        info.version.map(|version| {
            format!(
                "<MAJOR>{}</MAJOR><MINOR>{}</MINOR><BUILD>{}</BUILD><SPBUILD>{}</SPBUILD><SPLEVEL>0</SPLEVEL>",
                version.major, version.minor, version.build, version.service_pack_build
            )
        }),
    );
    element("SYSTEMROOT", text(&info.system_root));
    inner
}

/// The elements of the images `1 ..= count`, as they are. `None` when the document is damaged.
fn elements_of(text: &str, count: usize) -> Option<Vec<Vec<(String, String)>>> {
    let mut reader = Reader::from_str(text);
    let mut images = vec![Vec::new(); count];
    let mut path: Vec<String> = Vec::new();
    // Of the image that the reader is in.
    let mut slot = None;
    let mut start = 0;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).ok()?;
        let elements = slot.and_then(|slot: usize| images.get_mut(slot));
        match event {
            Event::Start(tag) => {
                path.push(tag.name().0.to_owned());
                match path.len() {
                    2 if path[0] == "WIM" && path[1] == "IMAGE" => slot = slot_of(&tag),
                    2 => slot = None,
                    3 => start = before,
                    n if n > MAX_DEPTH => return None,
                    _ => {}
                }
            }
            Event::Empty(tag) if path.len() == 2 => {
                if let Some(elements) = elements {
                    elements.push((tag.name().0.to_owned(), text.get(before..after)?.to_owned()));
                }
            }
            Event::End(_) => {
                let name = path.pop()?;
                if path.len() == 2
                    && let Some(elements) = elements
                {
                    elements.push((name, text.get(start..after)?.to_owned()));
                }
            }
            Event::Eof => return Some(images),
            _ => {}
        }
    }
}

/// Place of the image that an `IMAGE` element is about.
fn slot_of(tag: &BytesStart<'_>) -> Option<usize> {
    let mut attributes = tag.attributes().flatten();
    let index = attributes.find(|attribute| attribute.key.0 == "INDEX")?;
    index.value.trim().parse::<usize>().ok()?.checked_sub(1)
}

/// Text with what XML cannot hold replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Version};

    #[test]
    fn unknown_elements_survive() {
        let text = "<WIM><IMAGE INDEX=\"2\"><A><B x=\"1\">t &amp; u</B></A><NAME>old</NAME><E/></IMAGE>\
                    <IMAGE INDEX=\"1\"><NAME>other</NAME></IMAGE></WIM>";
        let mut xml = ImageXml {
            elements: elements_of(text, 2).unwrap().remove(1),
        };
        xml.set_text("NAME", "a<b");
        let bytes = encode(&[xml], Some(9));
        assert_eq!(bytes[..4], [0xff, 0xfe, b'<', 0]);
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|p| u16::from_le_bytes([p[0], p[1]]))
            .collect();
        let expected = "\u{feff}<WIM><TOTALBYTES>9</TOTALBYTES><IMAGE INDEX=\"1\">\
                        <A><B x=\"1\">t &amp; u</B></A><NAME>a&lt;b</NAME><E/></IMAGE></WIM>";
        assert_eq!(String::from_utf16(&units).unwrap(), expected);
        let cut = elements_of("<WIM><IMAGE INDEX=\"1\"><NAME>", 1);
        assert_eq!(cut, Some(vec![Vec::new()]));
        assert_eq!(elements_of("<WIM></IMAGE>", 1), None);
    }

    #[test]
    fn typed_values() {
        let info = ImageInfo {
            name: Some("N".to_owned()),
            architecture: Some(Architecture::Amd64),
            version: Some(Version {
                major: 10,
                minor: 0,
                build: 22621,
                service_pack_build: 1,
            }),
            languages: vec!["en-US".to_owned()],
            creation_time: Some(0x0123_4567_89ab_cdef),
            ..ImageInfo::default()
        };
        let xml = ImageXml::of_info(&info);
        let all: String = xml.elements.iter().map(|(_, element)| element.as_str()).collect();
        assert!(all.contains("<HIGHPART>0x01234567</HIGHPART><LOWPART>0x89ABCDEF</LOWPART>"));
        assert!(all.contains("<ARCH>9</ARCH>") && all.contains("<BUILD>22621</BUILD>"));
    }
}
