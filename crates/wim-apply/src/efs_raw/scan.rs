//! What a raw form holds, without its data.

use super::{Parser, Part, RawFile};
use crate::{Error, Result};

/// Takes the bytes of a raw form and keeps everything but the data.
#[derive(Debug, Default)]
pub struct Scanner {
    parser: Parser,
    file: RawFile,
}

impl Scanner {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// As [`Parser::push`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.parser.push(bytes, &mut keep(&mut self.file))
    }

    /// Ends the raw form.
    ///
    /// # Errors
    /// As [`Parser::finish`]; `Corrupt` for two streams of one name.
    pub fn finish(mut self) -> Result<RawFile> {
        self.parser.finish(&mut keep(&mut self.file))?;
        let mut names: Vec<_> = self.file.streams.iter().map(|stream| &stream.name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::Corrupt {
                what: "EFS raw form: names of streams",
                at: 0,
                found: "two streams of one name".to_owned(),
                expected: "different names",
            });
        }
        Ok(self.file)
    }
}

fn keep(file: &mut RawFile) -> impl FnMut(Part<'_>) -> Result<()> {
    |part| {
        match part {
            Part::Metadata(metadata) => file.metadata = metadata.to_vec(),
            Part::End(stream) => file.streams.push(stream.clone()),
            Part::Begin { .. } | Part::Data { .. } => {}
        }
        Ok(())
    }
}
