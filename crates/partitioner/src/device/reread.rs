//! Asking the kernel to read a disk's partition table again: the one system call here that has no safe wrapper.

#![expect(unsafe_code, reason = "BLKRRPART has no safe wrapper")]

use std::fs::File;

use rustix::ioctl::{NoArg, ioctl, opcode};

/// `_IO(0x12, 95)`.
///
/// # Source
/// Linux, `include/uapi/linux/fs.h`, as shown by ioctl_list(2).
const BLKRRPART: rustix::ioctl::Opcode = opcode::none(0x12, 95);

/// Makes the kernel drop what it knew of the disk's partitions and read the table.
pub(super) fn reread_partition_table(disk: &File) -> std::io::Result<()> {
    // SAFETY: BLKRRPART takes no argument and touches no memory of this process; on a descriptor that is no block
    // device it fails with ENOTTY.
    unsafe { ioctl(disk, NoArg::<BLKRRPART>::new()) }.map_err(Into::into)
}
