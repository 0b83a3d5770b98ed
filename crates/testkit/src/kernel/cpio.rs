//! Initial RAM file systems: cpio archives as the kernel unpacks them.
//!
//! # Source
//! Linux, Documentation/driver-api/early-userspace/buffer-format.rst

/// Builds one archive in the `newc` format.
#[derive(Debug, Default)]
pub(crate) struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
}

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const ALIGNMENT_BYTES: usize = 4;
/// Archives that follow one another start at multiples of this.
const ARCHIVE_ALIGNMENT_BYTES: usize = 512;

impl Cpio {
    pub(crate) fn dir(&mut self, path: &str) {
        self.entry(path, DIRECTORY, &[]);
    }

    /// A file that may be run.
    pub(crate) fn program(&mut self, path: &str, content: &[u8]) {
        self.entry(path, PROGRAM, content);
    }

    /// The archive with its trailer.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.pad(ARCHIVE_ALIGNMENT_BYTES);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let links = 1;
        let size = u32::try_from(content.len()).expect("a small file");
        let name_size = u32::try_from(path.len() + 1).expect("a short name");
        let fields = [self.entries, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad(ALIGNMENT_BYTES);
        self.bytes.extend_from_slice(content);
        self.pad(ALIGNMENT_BYTES);
    }

    fn pad(&mut self, alignment: usize) {
        let len = self.bytes.len().next_multiple_of(alignment);
        self.bytes.resize(len, 0);
    }
}
