//! Encrypted files (EFS): attribute, `$EFS` metadata and ciphertext belong together. What is encrypted is not looked at.

use std::io::{Read, Seek};

use super::Checker;
use super::code::Code;
use super::report::Place;
use crate::layout::{EFS_BYTES, EFS_NAME, attribute, file_attribute};
use crate::read::{Attribute, File};

impl<R: Read + Seek> Checker<'_, R> {
    pub(super) fn check_encryption(&mut self, file: &File, attributes: u32) {
        let name: Vec<u16> = EFS_NAME.encode_utf16().collect();
        let efs = file.attribute(attribute::LOGGED_UTILITY_STREAM, &name);
        let stream = file.streams().find(|stream| stream.is_encrypted());
        let stated = attributes & file_attribute::ENCRYPTED != 0;
        let mut add = |at: u64, found: String, expected: &str| {
            let place = Place::record(file.reference.record, at);
            self.out.add(Code::Encryption, place, found, expected);
        };
        match efs {
            Some(efs) => {
                let bytes = efs.size_bytes();
                if !usize::try_from(bytes).is_ok_and(|bytes| EFS_BYTES.contains(&bytes)) {
                    add(efs.at, format!("$EFS of {bytes} bytes"), "84 to 262,144 bytes");
                }
                if !stated {
                    let found = format!("$EFS, and attributes {attributes:#x}");
                    add(efs.at, found, "the attribute of encryption (0x4000)");
                }
            }
            None if stated || stream.is_some() => {
                let at = stream.map_or(file.at, |stream| stream.at);
                add(
                    at,
                    "encrypted, without $EFS".to_owned(),
                    "$EFS beside what is encrypted",
                );
            }
            None => {}
        }
        let resident = |stream: &&Attribute| stream.is_encrypted() && stream.resident().is_some();
        if let Some(stream) = file.streams().find(resident) {
            let found = "resident ciphertext".to_owned();
            add(stream.at, found, "ciphertext in clusters, in whole sectors");
        }
    }
}
