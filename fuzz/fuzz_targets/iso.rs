//! Fuzz target `iso`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::iso::iso(data));
