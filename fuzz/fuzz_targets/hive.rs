//! Fuzz target `hive`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::registry::hive(data));
