//! Paths for errors and reports: as many as a number of bytes allows, the others counted.

/// Most bytes of the paths in one error.
pub(crate) const MAX_ERROR_BYTES: usize = 64 << 10;
/// Most bytes of the paths in one report.
pub(crate) const MAX_REPORT_BYTES: usize = 4 << 20;

/// Paths, and how many more there are: deep directories make many long ones of a small file.
#[derive(Debug)]
pub(crate) struct PathList {
    paths: Vec<String>,
    left_bytes: usize,
    left_out: u64,
}

impl PathList {
    /// An empty list for paths of up to `max_bytes` in all; the first may be longer.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            paths: Vec::new(),
            left_bytes: max_bytes,
            left_out: 0,
        }
    }

    /// Adds what `path` makes when there is room; returns the bytes that it took.
    pub(crate) fn push(&mut self, path: impl FnOnce() -> String) -> usize {
        if self.left_bytes == 0 {
            self.left_out += 1;
            return 0;
        }
        let path = path();
        let bytes = path.len();
        self.left_bytes = self.left_bytes.saturating_sub(bytes);
        self.paths.push(path);
        bytes
    }

    /// Only counts from here on.
    pub(crate) fn close(&mut self) {
        self.left_bytes = 0;
    }

    /// The paths, and a last line when some were left out.
    pub(crate) fn into_paths(mut self) -> Vec<String> {
        if self.left_out > 0 {
            self.paths.push(format!("and {} more", self.left_out));
        }
        self.paths
    }
}
