//! The builder against foreign readers and checkers.

mod divided;
mod encrypted;
mod features;
mod kernel;
mod limits;
mod plain;
mod random;
mod readback;
mod recorder;
mod support;
