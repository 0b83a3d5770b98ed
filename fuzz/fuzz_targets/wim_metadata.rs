//! Fuzz target `wim_metadata`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::wim::wim_metadata(data));
