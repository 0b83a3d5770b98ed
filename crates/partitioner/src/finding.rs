//! One thing that a check noticed, for a program (code) and for a person (message).

use serde::Serialize;

/// What a check or a policy noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable, in kebab-case.
    pub code: &'static str,
    /// One sentence, lower case, no final period.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
