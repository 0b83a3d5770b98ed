//! Fuzz target `lzms`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::codec::lzms(data));
