//! Volumes made of the small sample, judged by programs that others wrote: wimlib, ntfs-3g, 7-Zip, GRUB, and the NTFS
//! checkers.

#![allow(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

mod boot_files;
mod compact;
mod grub;
mod resources;
mod round_trip;
mod sectors;
mod sources;
mod volume;
#[path = "../support/volume_options.rs"]
mod volume_options;
