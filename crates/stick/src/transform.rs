//! Edits of the tree before layout. Each says what it changed.

use std::path::Path;

use bootcfg::offline;
use bootcfg::unattend;
use regf_hive::Hive;
use sha2::{Digest, Sha256};

use crate::tree::{ATTRIBUTE_ARCHIVE, ATTRIBUTE_DIRECTORY, Content, Node, Stream, Tree};
use crate::{Error, Result};

/// Path of the SYSTEM hive.
pub(crate) const SYSTEM_HIVE: &str = "\\Windows\\System32\\config\\SYSTEM";
/// Where Windows looks for the answer file before it looks at removable media.
pub(crate) const ANSWER_FILE: &str = "\\Windows\\Panther\\unattend.xml";

/// An answer file that Windows finds before [`ANSWER_FILE`].
const ANSWER_FILE_BEFORE: &str = "\\Windows\\Panther\\Unattend\\unattend.xml";

/// Edits the SYSTEM hive for life on a stick. `hive` is the file as it is in the image.
pub(crate) fn system_hive(tree: &mut Tree, hive: &[u8], changes: &mut Vec<String>) -> Result<()> {
    let wrap = |source| Error::Hive {
        path: SYSTEM_HIVE.to_owned(),
        source,
    };
    let entry = tree
        .lookup(SYSTEM_HIVE)
        .ok_or_else(|| Error::Unsupported(format!("{SYSTEM_HIVE} is missing in the image")))?;
    let mut edited = Hive::read(hive, &regf_hive::Limits::default()).map_err(wrap)?;
    let settings = offline::Settings::portable();
    for change in offline::apply(&mut edited, &settings).map_err(Error::Boot)? {
        changes.push(format!("SYSTEM: {change}"));
    }
    let bytes = edited.write(&regf_hive::WriteOptions::new()).map_err(wrap)?;
    tree.set_unnamed_data(tree.entry(entry).node, bytes);
    Ok(())
}

/// Puts an answer file into the tree, readable by SYSTEM and administrators only: it may hold a password.
pub(crate) fn answer_file(
    tree: &mut Tree,
    host_path: &Path,
    bytes: Vec<u8>,
    time: u64,
    changes: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let parsed = unattend::check(&bytes).map_err(Error::Boot)?;
    warnings.extend(parsed.passes_without_effect().map(|pass| {
        format!(
            "{}: the pass {pass} has no effect on an image that is applied",
            host_path.display()
        )
    }));
    let windows = tree
        .lookup("\\Windows")
        .ok_or_else(|| Error::Unsupported("\\Windows is missing in the image".to_owned()))?;
    let security = Some(tree.add_security_descriptor(&unattend::security_descriptor()));
    let new_node = |attributes, streams| Node {
        attributes,
        creation_time: time,
        modification_time: time,
        access_time: time,
        security,
        streams,
        ..Node::default()
    };
    let panther = match tree.lookup("\\Windows\\Panther") {
        Some(panther) => panther,
        None => {
            let inherited = tree.node(tree.entry(windows).node).security;
            let directory = Node {
                security: inherited,
                ..new_node(ATTRIBUTE_DIRECTORY, Vec::new())
            };
            tree.add(windows, "Panther", directory)
        }
    };
    let size = bytes.len();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let verb = match tree.lookup(ANSWER_FILE) {
        Some(existing) => {
            let node = tree.entry(existing).node;
            tree.set_unnamed_data(node, bytes);
            tree.node_mut(node).security = security;
            "replaced"
        }
        None => {
            let stream = Stream {
                name: Box::default(),
                content: Content::Bytes(bytes.into()),
            };
            tree.add(panther, "unattend.xml", new_node(ATTRIBUTE_ARCHIVE, vec![stream]));
            "added"
        }
    };
    changes.push(format!(
        "{ANSWER_FILE}: {verb} from {} ({size} bytes, SHA-256 {digest})",
        host_path.display()
    ));
    if tree.lookup(ANSWER_FILE_BEFORE).is_some() {
        warnings.push(format!(
            "{ANSWER_FILE_BEFORE} is in the image, and Windows prefers it to the answer file that is {verb}"
        ));
    }
    Ok(())
}
