//! What can be captured: a tree, and the bytes of its streams.

use std::io::Read;

use crate::apply::TargetError;
use crate::image::{Image, InodeId};

/// A tree that is captured into an image.
pub trait CaptureSource {
    /// The tree. Streams have their kind, name and size; hash and blob are filled while they are read. Each
    /// inode's `link_count` is the number of its dentries; what could not be taken is in `warnings`.
    ///
    /// # Errors
    /// Whatever stops the reading.
    fn tree(&mut self) -> Result<Image, TargetError>;

    /// The bytes of one stream, from its start: as many as the tree says. Streams are opened in the order of
    /// the inodes; one may be opened twice.
    ///
    /// # Errors
    /// Whatever stops the reading.
    fn open(&mut self, inode: InodeId, stream: usize) -> Result<Box<dyn Read + '_>, TargetError>;

    /// A name for errors: the path of an inode.
    fn name_of(&self, inode: InodeId) -> String;
}
