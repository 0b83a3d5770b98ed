//! Fuzz target `udf`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wtg_fuzz::iso::udf(data));
