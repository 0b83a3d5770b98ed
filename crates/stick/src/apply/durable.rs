//! Progress in bytes that are on the medium: what is written is counted, and blobs wait until theirs are durable.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{Result, Seek, SeekFrom, Write};

use partitioner::device::Target;

/// Bytes after which an output that does not tell what is durable is flushed.
const FLUSH_BYTES: u64 = 32 << 20;
/// Bytes between two marks of a blob queue: what lies in between becomes done at once.
const MARK_BYTES: u64 = 1 << 20;

/// What went to an output since it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    written_bytes: Cell<u64>,
    durable_bytes: Cell<u64>,
    write_calls: Cell<u64>,
}

impl Counts {
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.get()
    }

    pub(crate) fn durable_bytes(&self) -> u64 {
        self.durable_bytes.get()
    }

    pub(crate) fn write_calls(&self) -> u64 {
        self.write_calls.get()
    }
}

/// An output that is counted.
#[derive(Debug)]
pub(crate) struct Counted<'a, D> {
    output: &'a mut D,
    counts: &'a Counts,
    /// For an output that makes bytes durable by itself: how many it has.
    durable_of: Option<fn(&D) -> u64>,
    /// How many it had before.
    durable_before: u64,
}

impl<'a, D: Write> Counted<'a, D> {
    /// An output whose `flush` makes bytes durable. It is flushed now and then.
    pub(crate) fn new(output: &'a mut D, counts: &'a Counts) -> Self {
        Self {
            output,
            counts,
            durable_of: None,
            durable_before: 0,
        }
    }
}

impl<'a> Counted<'a, Target> {
    /// A target, which syncs by itself while it is written to.
    pub(crate) fn target(output: &'a mut Target, counts: &'a Counts) -> Result<Self> {
        output.flush()?;
        Ok(Self {
            durable_before: output.durable_bytes(),
            output,
            counts,
            durable_of: Some(Target::durable_bytes),
        })
    }
}

impl<D: Write> Write for Counted<'_, D> {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        let written = self.output.write(buffer)?;
        let counts = self.counts;
        counts
            .written_bytes
            .set(counts.written_bytes.get() + written as u64);
        counts.write_calls.set(counts.write_calls.get() + 1);
        match self.durable_of {
            Some(durable_of) => counts
                .durable_bytes
                .set(durable_of(self.output) - self.durable_before),
            None if counts.written_bytes.get() - counts.durable_bytes.get() >= FLUSH_BYTES => self.flush()?,
            None => {}
        }
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()?;
        self.counts.durable_bytes.set(self.counts.written_bytes.get());
        Ok(())
    }
}

impl<D: Seek> Seek for Counted<'_, D> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.output.seek(to)
    }
}

/// What was handed over, and waits until the output has it durable.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    /// Ascending: when so much of the output is durable, so much is done.
    marks: VecDeque<(u64, u64)>,
    done_bytes: u64,
    /// Of everything.
    total_bytes: u64,
}

impl Underway {
    /// Nothing of so many bytes is done.
    pub(crate) fn new(total_bytes: u64) -> Self {
        Self {
            total_bytes,
            ..Self::default()
        }
    }

    /// Notes that `done_bytes` in all will be done when `output_bytes` are durable.
    pub(crate) fn mark(&mut self, output_bytes: u64, done_bytes: u64) {
        let before = self.marks.len().checked_sub(2).map(|at| self.marks[at].0);
        match self.marks.back_mut() {
            // The last mark moves on as long as it is near the one before.
            Some(last) if before.is_some_and(|before| output_bytes - before < MARK_BYTES) => {
                *last = (output_bytes, done_bytes);
            }
            _ => self.marks.push_back((output_bytes, done_bytes)),
        }
    }

    /// What is done, now that `durable_bytes` are durable. Never all of it: without what comes after the data there is
    /// no file.
    pub(crate) fn done_bytes(&mut self, durable_bytes: u64) -> u64 {
        while let Some(&(output_bytes, done_bytes)) = self.marks.front()
            && output_bytes <= durable_bytes
        {
            self.done_bytes = done_bytes;
            self.marks.pop_front();
        }
        self.done_bytes.min(self.total_bytes.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_follows_what_is_durable() {
        let mut underway = Underway::new(7001);
        for n in 1..=1000 {
            underway.mark(n * 10_000, n * 7);
            assert_eq!(underway.done_bytes(0), 0);
        }
        assert!(underway.marks.len() < 25, "{}", underway.marks.len());
        let mut before = 0;
        for durable in (0..=10_000_000).step_by(100_000) {
            let done = underway.done_bytes(durable);
            assert!(
                done <= durable / 10_000 * 7 && done >= before,
                "{done} of {durable}"
            );
            assert!(
                done >= durable.saturating_sub(2 * MARK_BYTES) / 10_000 * 7,
                "{done} of {durable}"
            );
            before = done;
        }
        assert_eq!(before, 7000);
    }

    #[test]
    fn data_alone_is_not_all() {
        let mut underway = Underway::new(50);
        underway.mark(100, 50);
        assert_eq!(underway.done_bytes(100), 49);
        assert_eq!(Underway::new(0).done_bytes(0), 0);
    }

    /// Counts what was flushed.
    #[derive(Default)]
    struct Flushed {
        written: u64,
        flushed: u64,
    }

    impl Write for Flushed {
        fn write(&mut self, buffer: &[u8]) -> Result<usize> {
            self.written += buffer.len() as u64;
            Ok(buffer.len())
        }

        fn flush(&mut self) -> Result<()> {
            self.flushed = self.written;
            Ok(())
        }
    }

    #[test]
    fn an_output_that_tells_nothing_is_flushed_now_and_then() {
        let counts = Counts::default();
        let mut output = Flushed::default();
        let mut counted = Counted::new(&mut output, &counts);
        for _ in 0..100 {
            counted.write_all(&vec![1; 1 << 20]).unwrap();
            assert_eq!(counts.durable_bytes(), counted.output.flushed);
            assert!(counts.written_bytes() - counts.durable_bytes() < FLUSH_BYTES);
        }
        assert_eq!(counts.durable_bytes(), 96 << 20);
    }
}
