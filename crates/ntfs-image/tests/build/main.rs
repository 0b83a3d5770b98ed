//! The builder against foreign readers and checkers.

mod plain;
mod support;
