//! Times, attributes, descriptor, reparse point, object id and extended attributes of a file.

use std::io::{Read, Seek};

use ntfs_image::CompactFormat;
use ntfs_image::read::{File, parse_extended_attributes};

use super::Comparison;
use crate::Result;
use crate::tree::{ATTRIBUTE_DIRECTORY, Content, Node};

/// Attribute bits that storage decides: sparse, reparse point, compressed, and the index and view bits of NTFS.
const STORAGE_ATTRIBUTES: u32 = 0x200 | 0x400 | 0x800 | 0x1000_0000 | 0x2000_0000;
/// `FILE_ATTRIBUTE_NORMAL` means "none of the others".
const ATTRIBUTE_NORMAL: u32 = 0x80;

impl<R: Read + Seek> Comparison<'_, '_, R> {
    pub(super) fn metadata(&mut self, path: &str, node: &Node, file: &File) -> Result<(), ntfs_image::Error> {
        let Some(info) = file.standard_information() else {
            self.report
                .add("metadata-differs", path, "no $STANDARD_INFORMATION");
            return Ok(());
        };
        let plain =
            |attributes: u32| attributes & !(STORAGE_ATTRIBUTES | ATTRIBUTE_NORMAL | ATTRIBUTE_DIRECTORY);
        let mut check = |what: &str, found: u64, expected: u64| {
            if found != expected {
                self.report.add(
                    "metadata-differs",
                    path,
                    format!("{what} {found:#x}, expected {expected:#x}"),
                );
            }
        };
        check(
            "attributes",
            plain(info.attributes).into(),
            plain(node.attributes).into(),
        );
        check("creation time", info.creation_time, node.creation_time);
        check(
            "modification time",
            info.modification_time,
            node.modification_time,
        );
        check("access time", info.access_time, node.access_time);
        check(
            "directory flag",
            file.is_directory().into(),
            (node.attributes & ATTRIBUTE_DIRECTORY != 0).into(),
        );
        if let Some(expected) = node
            .security
            .and_then(|index| self.tree.security_descriptors.get(index as usize))
        {
            let found = self.volume.security_descriptor(file)?;
            if found.as_ref() != Some(expected) {
                self.report.add(
                    "security-differs",
                    path,
                    "another security descriptor than in the image",
                );
            }
        }
        let found = self.volume.reparse_point(file)?;
        let is_compact = found
            .as_ref()
            .is_some_and(|point| CompactFormat::of_reparse_point(point).is_some());
        let same = match (&node.reparse, &found) {
            (None, None) => true,
            (None, Some(_)) => is_compact,
            (Some(expected), Some(found)) => {
                let same_data = matches!(&expected.data, Content::Bytes(bytes) if *bytes == found.data);
                same_data && expected.tag == found.tag && expected.reserved == found.reserved
            }
            (Some(_), None) => false,
        };
        if !same {
            self.report
                .add("reparse-differs", path, "another reparse point than in the image");
        }
        // A file holds the id; the birth ids behind it are in the volume's index, which the checker sees.
        if file.object_id() != node.object_id.as_deref().and_then(|id| id.get(..16)) {
            self.report
                .add("object-id-differs", path, "another object id than in the image");
        }
        // Entry by entry: on a volume the last one states its length, in the tree that nothing follows.
        let list = |packed: &Option<Vec<u8>>| packed.as_deref().map(parse_extended_attributes);
        if list(&self.volume.extended_attributes(file)?) != list(&node.extended_attributes) {
            self.report.add(
                "extended-attributes-differ",
                path,
                "other extended attributes than in the image",
            );
        }
        Ok(())
    }
}
