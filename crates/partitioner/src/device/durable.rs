//! Counting bytes when they are on the medium: a bounded amount is under way, and a thread waits for it while the
//! next is written.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Bytes written between two syncs. At most twice as many are not yet durable.
const WINDOW_BYTES: u64 = 16 << 20;

/// Syncs a file in the background every [`WINDOW_BYTES`].
#[derive(Debug)]
pub(super) struct Durable {
    file: Arc<File>,
    /// Written since the last sync was started.
    dirty_bytes: u64,
    /// The sync under way and the bytes that it makes durable.
    running: Option<(JoinHandle<io::Result<()>>, u64)>,
    durable_bytes: u64,
}

impl Durable {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self {
            file,
            dirty_bytes: 0,
            running: None,
            durable_bytes: 0,
        }
    }

    pub(super) fn durable_bytes(&self) -> u64 {
        self.durable_bytes
    }

    pub(super) fn wrote(&mut self, bytes: u64) -> io::Result<()> {
        self.dirty_bytes += bytes;
        if self.dirty_bytes >= WINDOW_BYTES {
            self.wait()?;
            let file = Arc::clone(&self.file);
            let handle = std::thread::Builder::new()
                .name("sync".into())
                .spawn(move || file.sync_data())?;
            self.running = Some((handle, std::mem::take(&mut self.dirty_bytes)));
        }
        Ok(())
    }

    /// Waits until everything written is durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.wait()?;
        if self.dirty_bytes > 0 {
            self.file.sync_data()?;
            self.durable_bytes += std::mem::take(&mut self.dirty_bytes);
        }
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        if let Some((handle, bytes)) = self.running.take() {
            handle
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the sync thread panicked")))?;
            self.durable_bytes += bytes;
        }
        Ok(())
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        // An error here has nobody to go to; whoever needs the bytes durable called `sync`.
        let _ = self.wait();
    }
}
