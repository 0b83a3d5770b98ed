//! GPT and MBR tables, FAT32 volumes, block devices and their safety policy, sector copy.

mod error;
mod finding;
mod limits;
mod partition;
mod window;

pub mod copy;
pub mod device;
pub mod fat32;
pub mod gpt;
pub mod mbr;

pub use error::{Error, ErrorKind, Result};
pub use finding::Finding;
pub use limits::Limits;
pub use partition::find_partition;
pub use window::Window;
