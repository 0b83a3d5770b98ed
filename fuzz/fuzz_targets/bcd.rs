//! Fuzz target `bcd`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::registry::bcd(data));
