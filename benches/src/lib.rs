//! What the benchmarks share.

pub mod cpu_time;
pub mod libwim;
