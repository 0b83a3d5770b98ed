//! The `wtgctl` program.
fn main() {}
