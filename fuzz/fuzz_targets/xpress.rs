//! Fuzz target `xpress`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::codec::xpress(data));
