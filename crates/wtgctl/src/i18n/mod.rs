//! What is said to people, in their language. JSON, flags, codes, paths, and the sentences of the libraries stay English.

mod catalogue;
mod language;
mod text;
mod width;

pub(crate) use catalogue::Message;
pub(crate) use language::language;
pub(crate) use text::Text;
pub(crate) use width::pad;
