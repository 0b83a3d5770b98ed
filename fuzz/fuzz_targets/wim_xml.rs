//! Fuzz target `wim_xml`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::wim::wim_xml(data));
