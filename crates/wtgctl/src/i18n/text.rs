//! A sentence that is ours, and so known in every language, or one that came from elsewhere.

use std::borrow::Cow;
use std::fmt::Display;

use super::Message;
use crate::cli::Lang;

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// As it came.
    Verbatim(String),
    /// From the catalogue; boxed, since errors carry it.
    Ours(Box<Message>),
}

impl Text {
    /// The words.
    pub(crate) fn text(&self, lang: Lang) -> Cow<'_, str> {
        match self {
            Self::Verbatim(text) => Cow::Borrowed(text),
            Self::Ours(message) => Cow::Owned(message.text(lang)),
        }
    }
}

impl<T: Display> From<T> for Text {
    fn from(text: T) -> Self {
        Self::Verbatim(text.to_string())
    }
}

impl From<Message> for Text {
    fn from(message: Message) -> Self {
        Self::Ours(Box::new(message))
    }
}
