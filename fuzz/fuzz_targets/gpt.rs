//! Fuzz target `gpt`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::partition::gpt(data));
