//! Errors of reading and checking. (The builder's own are `BuildError` in `write/error.rs`; this file is the
//! reader's: an early copy of the builder's errors landed here by mistake and was taken out again.)
