//! Which paths hold a blob, when many blobs are asked for.

use std::cell::OnceCell;
use std::collections::HashMap;

use wim_apply::BlobId;
use wim_apply::path::name_to_text;

use super::{Content, EntryId, Tree};

/// Most bytes of the paths of one blob; the first may be longer.
const MAX_PATH_BYTES: usize = 64 << 10;

/// The entries of a tree by blob. They are looked up together at the first question.
#[derive(Debug)]
pub(crate) struct BlobPaths<'a> {
    tree: &'a Tree,
    entries: OnceCell<HashMap<BlobId, Vec<EntryId>>>,
}

impl<'a> BlobPaths<'a> {
    pub(crate) fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            entries: OnceCell::new(),
        }
    }

    /// The paths that hold a blob, streams after a `:`; a last line counts what is too much.
    pub(crate) fn of(&self, blob: BlobId) -> Vec<String> {
        let entries = self.entries.get_or_init(|| self.tree.entries_of_blobs());
        let mut entries = entries.get(&blob).into_iter().flatten();
        let mut paths = Vec::new();
        let mut bytes = 0;
        for &entry in entries.by_ref() {
            let new = self.tree.paths_in_entry(entry, blob);
            bytes += new.iter().map(String::len).sum::<usize>();
            paths.extend(new);
            if bytes >= MAX_PATH_BYTES {
                break;
            }
        }
        match entries.count() {
            0 => {}
            more => paths.push(format!("and {more} more")),
        }
        paths
    }
}

impl Tree {
    fn entries_of_blobs(&self) -> HashMap<BlobId, Vec<EntryId>> {
        let mut of_blobs: HashMap<BlobId, Vec<EntryId>> = HashMap::new();
        for (id, entry) in (0..).map(EntryId).zip(&self.entries) {
            let node = self.node(entry.node);
            let streams = node.streams.iter().map(|stream| &stream.content);
            let contents = streams.chain(node.reparse.as_ref().map(|reparse| &reparse.data));
            let blobs = contents.filter_map(Content::blob);
            for blob in blobs.chain(node.encrypted.as_ref().map(|raw| raw.blob)) {
                let entries = of_blobs.entry(blob).or_default();
                if entries.last() != Some(&id) {
                    entries.push(id);
                }
            }
        }
        of_blobs
    }

    /// What of an entry holds a blob.
    fn paths_in_entry(&self, id: EntryId, blob: BlobId) -> Vec<String> {
        let node = self.node(self.entry(id).node);
        let mut paths = Vec::new();
        for stream in node.streams.iter().filter(|s| s.content.blob() == Some(blob)) {
            let name = if stream.name.is_empty() {
                String::new()
            } else {
                format!(":{}", name_to_text(&stream.name))
            };
            paths.push(self.path(id) + &name);
        }
        let encrypted = node.encrypted.as_ref().map(|raw| raw.blob);
        let reparse = node.reparse.as_ref().and_then(|reparse| reparse.data.blob());
        if encrypted == Some(blob) || reparse == Some(blob) {
            paths.push(self.path(id));
        }
        paths
    }
}

#[cfg(test)]
mod tests {
    use wim_apply::BlobHash;

    use super::*;
    use crate::tree::{Node, Stream};

    #[test]
    fn of_a_blob_with_very_many_names_some_are_told() {
        let content = Content::Blob {
            id: BlobId(7),
            hash: BlobHash::ZERO,
            size_bytes: 1,
        };
        let mut tree = Tree::empty();
        for number in 0..10_000 {
            let stream = |name: &str| Stream {
                name: crate::tree::utf16(name).into(),
                content: content.clone(),
            };
            let node = Node {
                streams: vec![stream(""), stream("s")],
                ..Node::default()
            };
            tree.add(tree.root(), &format!("{number:05}"), node);
        }
        let paths = BlobPaths::new(&tree).of(BlobId(7));
        assert_eq!(paths[..2], ["\\00000", "\\00000:s"]);
        let told = (paths.len() - 1) / 2;
        assert!(paths.len() < 12_000, "{}", paths.len());
        assert_eq!(*paths.last().unwrap(), format!("and {} more", 10_000 - told));
        assert_eq!(BlobPaths::new(&tree).of(BlobId(8)), Vec::<String>::new());
    }
}
