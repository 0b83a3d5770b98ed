//! Fuzz target `ntfs_check`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::ntfs::ntfs_check(data));
