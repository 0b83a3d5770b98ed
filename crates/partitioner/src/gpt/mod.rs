//! GUID partition tables: plan, encode, decode, and the order of writing that makes the primary copy the commit.

mod commit;
mod decode;
mod encode;
mod layout;
mod plan;
mod table;
mod types;

pub use commit::{wipe, wipe_signatures};
pub use decode::{FoundGpt, GptCopy, read};
pub use encode::EncodedGpt;
pub use plan::{DEFAULT_ALIGNMENT_BYTES, DiskSpec, PartitionSize, PartitionSpec, plan};
pub(crate) use table::check_sector_bytes;
pub use table::{GptTable, Partition};
pub use types::{
    BASIC_DATA, BIOS_BOOT, EFI_SYSTEM, LINUX_FILESYSTEM, MICROSOFT_RESERVED, WINDOWS_RECOVERY, attribute,
    type_name,
};
