//! The XML document: UTF-16LE, one `IMAGE` element an image.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::image::MAX_WARNINGS;
use crate::{Architecture, Error, ImageInfo, Result, Version};

/// Deepest nesting that is looked at.
const MAX_DEPTH: usize = 64;

/// The document as text, without its byte order mark; unpaired surrogates become U+FFFD.
pub(super) fn decode_utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.trim_end_matches('\0').to_owned()
}

/// The images `1 ..= image_count`, and what was odd. A document that is damaged costs the names of images,
/// not the images.
pub(super) fn parse(bytes: &[u8], at: u64, image_count: u32) -> Result<(Vec<ImageInfo>, Vec<String>)> {
    let mut images: Vec<ImageInfo> = (1..=image_count)
        .map(|index| ImageInfo {
            index,
            ..ImageInfo::default()
        })
        .collect();
    let mut warnings = Vec::new();
    if bytes.is_empty() {
        if image_count > 0 {
            warnings.push("there is no XML document; images have no names".to_owned());
        }
        return Ok((images, warnings));
    }
    let mut document = Document {
        images: &mut images,
        path: Vec::new(),
        text: String::new(),
        image: None,
    };
    match document.read(&decode_utf16(bytes)) {
        Ok(Root::Wim | Root::OtherElement) => {}
        Ok(Root::None) if looks_like_utf16_xml(bytes) => {}
        Ok(Root::None) => return Err(no_text(at, "it has no element")),
        Ok(Root::Encrypted) => {
            return Err(Error::Unsupported {
                what: "XML",
                at,
                feature: "an encrypted ESD (as Windows Update delivers it: decrypt it first)".to_owned(),
            });
        }
        Err(problem) if !looks_like_utf16_xml(bytes) => return Err(no_text(at, &problem)),
        Err(problem) => warnings.push(format!("XML document: {problem}")),
    }
    warnings.truncate(MAX_WARNINGS);
    Ok((images, warnings))
}

fn no_text(at: u64, problem: &str) -> Error {
    let feature = format!("a document that is no text, so probably an encrypted ESD ({problem})");
    Error::Unsupported {
        what: "XML",
        at,
        feature,
    }
}

/// What the document turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    None,
    Wim,
    OtherElement,
    Encrypted,
}

fn looks_like_utf16_xml(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, b'<', 0, ..] | [b'<', 0, ..])
}

struct Document<'a> {
    images: &'a mut [ImageInfo],
    path: Vec<String>,
    text: String,
    image: Option<usize>,
}

impl Document<'_> {
    fn read(&mut self, text: &str) -> std::result::Result<Root, String> {
        let mut reader = Reader::from_str(text);
        let mut root = Root::None;
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(tag) => {
                    self.open(&tag)?;
                    if self
                        .path
                        .iter()
                        .map(String::as_str)
                        .eq(["WIM", "ESD", "ENCRYPTED"])
                    {
                        root = Root::Encrypted;
                    } else if root == Root::None {
                        root = if self.path[0] == "WIM" {
                            Root::Wim
                        } else {
                            Root::OtherElement
                        };
                    }
                }
                Event::Empty(tag) => {
                    self.open(&tag)?;
                    self.close();
                }
                Event::End(_) => self.close(),
                Event::Text(piece) => self.text.push_str(&piece),
                Event::CData(piece) => self.text.push_str(&piece),
                Event::GeneralRef(name) => match name.resolve_char_ref() {
                    Ok(Some(c)) => self.text.push(c),
                    _ => self.text.push_str(match &*name {
                        "lt" => "<",
                        "gt" => ">",
                        "amp" => "&",
                        "apos" => "'",
                        "quot" => "\"",
                        _ => "\u{fffd}",
                    }),
                },
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        Ok(root)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> std::result::Result<(), String> {
        if self.path.len() >= MAX_DEPTH {
            return Err(format!("elements are nested deeper than {MAX_DEPTH}"));
        }
        self.text.clear();
        self.path.push(tag.name().0.to_owned());
        if self.path.len() == 2 && self.path[1] == "IMAGE" {
            let index = tag
                .attributes()
                .flatten()
                .find(|attribute| attribute.key.0 == "INDEX")
                .and_then(|attribute| attribute.value.trim().parse::<usize>().ok());
            self.image = index
                .and_then(|index| index.checked_sub(1))
                .filter(|i| *i < self.images.len());
        }
        Ok(())
    }

    fn close(&mut self) {
        if let [root, image, inner @ ..] = self.path.as_slice()
            && root == "WIM"
            && image == "IMAGE"
            && let Some(info) = self.image.and_then(|index| self.images.get_mut(index))
        {
            let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
            set(info, &inner, self.text.trim());
        }
        if self.path.len() == 2 {
            self.image = None;
        }
        self.path.pop();
        self.text.clear();
    }
}

fn set(info: &mut ImageInfo, path: &[&str], text: &str) {
    let string = || Some(text.to_owned());
    match path {
        ["NAME"] => info.name = string(),
        ["DESCRIPTION"] => info.description = string(),
        ["DISPLAYNAME"] => info.display_name = string(),
        ["DISPLAYDESCRIPTION"] => info.display_description = string(),
        ["FLAGS"] => info.flags = string(),
        ["DIRCOUNT"] => info.directory_count = number(text),
        ["FILECOUNT"] => info.file_count = number(text),
        ["TOTALBYTES"] => info.total_bytes = number(text),
        ["HARDLINKBYTES"] => info.hard_link_bytes = number(text),
        ["WIMBOOT"] => info.wim_boot = number(text) == Some(1),
        ["CREATIONTIME", half] => set_half(&mut info.creation_time, half, text),
        ["LASTMODIFICATIONTIME", half] => set_half(&mut info.last_modification_time, half, text),
        ["WINDOWS", "ARCH"] => info.architecture = number32(text).map(Architecture::from_raw),
        ["WINDOWS", "EDITIONID"] => info.edition_id = string(),
        ["WINDOWS", "INSTALLATIONTYPE"] => info.installation_type = string(),
        ["WINDOWS", "PRODUCTNAME"] => info.product_name = string(),
        ["WINDOWS", "PRODUCTTYPE"] => info.product_type = string(),
        ["WINDOWS", "SYSTEMROOT"] => info.system_root = string(),
        ["WINDOWS", "LANGUAGES", "LANGUAGE"] => info.languages.push(text.to_owned()),
        ["WINDOWS", "LANGUAGES", "DEFAULT"] => info.default_language = string(),
        ["WINDOWS", "VERSION", field] => {
            if let Some(value) = number32(text) {
                let version = info.version.get_or_insert_with(Version::default);
                match *field {
                    "MAJOR" => version.major = value,
                    "MINOR" => version.minor = value,
                    "BUILD" => version.build = value,
                    "SPBUILD" => version.service_pack_build = value,
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn set_half(time: &mut Option<u64>, half: &str, text: &str) {
    let Some(value) = number32(text) else { return };
    let old = time.unwrap_or(0);
    match half {
        "HIGHPART" => *time = Some((u64::from(value) << 32) | (old & 0xffff_ffff)),
        "LOWPART" => *time = Some((old & !0xffff_ffff) | u64::from(value)),
        _ => {}
    }
}

/// Decimal, or hexadecimal after `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn number32(text: &str) -> Option<u32> {
    number(text).and_then(|value| u32::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        "\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect()
    }

    #[test]
    fn typed_values_by_index_attribute() {
        let text = r#"<WIM><TOTALBYTES>9</TOTALBYTES><IMAGE INDEX="2"><NAME>A &amp; B&#x21;</NAME>
            <WINDOWS><ARCH>9</ARCH><VERSION><MAJOR>10</MAJOR><BUILD>22621</BUILD><SPBUILD>1</SPBUILD></VERSION>
            <LANGUAGES><LANGUAGE>en-US</LANGUAGE><LANGUAGE>zh-CN</LANGUAGE><DEFAULT>en-US</DEFAULT></LANGUAGES>
            </WINDOWS><CREATIONTIME><HIGHPART>0x01DC7C5C</HIGHPART><LOWPART>0x00000002</LOWPART></CREATIONTIME>
            <WIMBOOT>1</WIMBOOT></IMAGE><IMAGE INDEX="7"><NAME>none</NAME></IMAGE></WIM>"#;
        let (images, warnings) = parse(&utf16(text), 0, 2).unwrap();
        assert!(warnings.is_empty());
        assert_eq!(
            images[0],
            ImageInfo {
                index: 1,
                ..ImageInfo::default()
            }
        );
        let image = &images[1];
        assert_eq!(image.name.as_deref(), Some("A & B!"));
        assert_eq!(image.architecture, Some(Architecture::Amd64));
        assert_eq!(image.version.unwrap().to_string(), "10.0.22621.1");
        assert_eq!(image.languages, ["en-US", "zh-CN"]);
        assert_eq!(image.creation_time, Some(0x01dc_7c5c_0000_0002));
        assert!(image.wim_boot);
    }

    #[test]
    fn encrypted_esd_is_refused_by_name() {
        let text = "<WIM><ESD><ENCRYPTED><KEY>AQID</KEY></ENCRYPTED></ESD></WIM>";
        for bytes in [utf16(text), vec![0x81, 0x17, 0x52, 0x9a, 0x33, 0x3c, 0x00, 0x3c]] {
            let error = parse(&bytes, 208, 1).unwrap_err();
            assert!(error.to_string().contains("encrypted ESD"), "{error}");
        }
    }

    #[test]
    fn damaged_document_costs_names_only() {
        let (images, warnings) = parse(&utf16("<WIM><IMAGE INDEX=\"1\"><NAME>x</NAME></WIM>"), 0, 1).unwrap();
        assert_eq!(images[0].name.as_deref(), Some("x"));
        assert_eq!(warnings.len(), 1);
        let deep = "<A>".repeat(100_000);
        assert_eq!(parse(&utf16(&deep), 0, 1).unwrap().1.len(), 1);
    }
}
