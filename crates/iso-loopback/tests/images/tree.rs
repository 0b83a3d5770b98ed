//! A tree as plain data, read from an image by this crate or from a folder that another program extracted.

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::Path;

use iso_loopback::{EntryKind, IsoImage};

/// A file, directory or link, with all its bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File(Vec<u8>),
    Symlink(String),
    Special,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => f.write_str("directory"),
            Self::File(bytes) => write!(f, "file of {} bytes", bytes.len()),
            Self::Symlink(target) => write!(f, "link to {target}"),
            Self::Special => f.write_str("special"),
        }
    }
}

pub(crate) type Paths = BTreeMap<String, Node>;

/// Everything in an image, every file read to its end.
pub(crate) fn read_image<R: Read + Seek>(image: &mut IsoImage<R>) -> iso_loopback::Result<Paths> {
    let root = image.root()?;
    let entries: Vec<_> = image.walk(&root)?.collect::<Result<_, _>>()?;
    let mut paths = Paths::new();
    for (path, entry) in entries {
        let node = match &entry.kind {
            EntryKind::Directory => Node::Directory,
            EntryKind::Symlink(target) => Node::Symlink(target.clone()),
            EntryKind::File => {
                let mut bytes = Vec::new();
                image
                    .open_file(&entry)?
                    .read_to_end(&mut bytes)
                    .expect("file data");
                assert_eq!(bytes.len() as u64, entry.size_bytes, "{path}");
                Node::File(bytes)
            }
            _ => Node::Special,
        };
        assert!(
            paths.insert(path.clone(), node).is_none(),
            "{path} is there twice"
        );
    }
    Ok(paths)
}

/// Everything in a folder.
pub(crate) fn read_folder(folder: &Path) -> Paths {
    let mut paths = Paths::new();
    read_folder_into(folder, "", &mut paths);
    paths
}

fn read_folder_into(folder: &Path, prefix: &str, paths: &mut Paths) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let entry = entry.expect("entry");
        let path = format!("{prefix}{}", entry.file_name().to_str().expect("UTF-8 name"));
        let kind = entry.file_type().expect("type");
        let node = if kind.is_dir() {
            read_folder_into(&entry.path(), &format!("{path}/"), paths);
            Node::Directory
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).expect("link");
            Node::Symlink(target.to_str().expect("UTF-8 target").to_owned())
        } else if kind.is_file() {
            Node::File(std::fs::read(entry.path()).expect("file"))
        } else {
            Node::Special
        };
        paths.insert(path, node);
    }
}

/// A folder with names and sizes that matter: long, Unicode, deep, empty, around a block.
pub(crate) fn make_folder(root: &Path) {
    let deep = "a/b/c/d/e/f/g/h/i/j/k";
    std::fs::create_dir_all(root.join(deep)).expect("deep");
    std::fs::create_dir_all(root.join("sources/empty")).expect("sources");
    let write = |name: &str, len: usize| {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
        std::fs::write(root.join(name), bytes).expect("file");
    };
    for len in [0, 1, 2047, 2048, 2049, 100_000] {
        write(&format!("sources/size {len}.bin"), len);
    }
    write(&format!("{deep}/bottom.txt"), 77);
    write("Žluťoučký kůň 😀.txt", 5);
    write(
        "a name that is longer than eight dot three and than thirty-one.text",
        9,
    );
    for index in 0..200 {
        std::fs::create_dir_all(root.join("many")).expect("many");
        write(&format!("many/file-{index:03}.dat"), index);
    }
}
