//! What `--json` prints is what docs/schema says.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]
#![allow(clippy::disallowed_methods, reason = "runs the program under test")]

mod check;
mod jobs;
mod nouns;
