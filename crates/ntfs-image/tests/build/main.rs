//! The builder against foreign readers and checkers.

mod features;
mod plain;
mod support;
