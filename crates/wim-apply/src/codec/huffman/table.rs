//! Prefix codes decoded by table: one look-up for codewords of up to `ROOT` bits, a search by length for the
//! rare longer ones.

use super::{BadLengths, MAX_CODE_BITS};
use crate::codec::cpu::{self, Hot};

/// Marks the entries of codewords longer than the root.
pub(crate) const LONG: u32 = 1 << 30;

/// A canonical code. `SIZE` is 2^`ROOT`; `SYMBOLS` the largest alphabet.
///
/// An entry is what the caller wants to know of a symbol, with the codeword's length added to it: when the payload has a
/// number of extra bits in its low six bits, the entry has that of all bits.
#[derive(Clone, Debug)]
pub(crate) struct Table<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize> {
    entries: [u32; SIZE],
    /// Entries in order of (length, symbol).
    sorted: [u32; SYMBOLS],
    /// For each length: the first 16 bits of input that are past all codewords up to this length.
    ends: [u32; MAX_CODE_BITS + 1],
    /// For each length: where its entries begin in `sorted`, less the number of its first codeword.
    starts: [u32; MAX_CODE_BITS + 1],
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize> Default for Table<ROOT, SIZE, SYMBOLS> {
    fn default() -> Self {
        assert!(SIZE == 1 << ROOT);
        let numbers = [0; MAX_CODE_BITS + 1];
        Self {
            entries: [0; SIZE],
            sorted: [0; SYMBOLS],
            ends: numbers,
            starts: numbers,
        }
    }
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize> Table<ROOT, SIZE, SYMBOLS> {
    /// Builds the tables for codewords of the given lengths (at most 16 bits); `payloads` are the entries
    /// without lengths. A code without codewords reads no bits and always gives symbol 0.
    pub(crate) fn build(&mut self, lengths: &[u8], payloads: &[u32]) -> Result<(), BadLengths> {
        cpu::run(Build {
            table: self,
            lengths,
            payloads,
        })
    }

    #[inline(always)]
    fn build_here(&mut self, lengths: &[u8], payloads: &[u32]) -> Result<(), BadLengths> {
        let mut counts = [0_u32; 32];
        for &length in lengths {
            counts[usize::from(length & 31)] += 1;
        }
        counts[0] = 0;
        let (mut taken, mut index) = (0_u32, 0_u32);
        let mut next = [0_u32; 32];
        for length in 1..=MAX_CODE_BITS {
            next[length] = index;
            let spare = MAX_CODE_BITS - length;
            self.starts[length] = index.wrapping_sub(taken >> spare);
            taken += counts[length] << spare;
            index += counts[length];
            self.ends[length] = taken;
        }
        if taken != 1 << MAX_CODE_BITS {
            self.entries.fill(payloads[0]);
            return if index == 0 { Ok(()) } else { Err(BadLengths) };
        }
        // Unused symbols go behind the others.
        next[0] = index;
        for (&length, &payload) in lengths.iter().zip(payloads) {
            let next = &mut next[usize::from(length & 31)];
            self.sorted[*next as usize] = payload + u32::from(length);
            *next += 1;
        }
        self.fill(&counts);
        Ok(())
    }

    #[inline(always)]
    fn fill(&mut self, counts: &[u32; 32]) {
        let mut sorted = &self.sorted[..];
        let mut entries = &mut self.entries[..];
        for length in 1..=ROOT {
            let (group, rest) = sorted.split_at(counts[length as usize] as usize);
            sorted = rest;
            let each = 1 << (ROOT - length);
            let (part, rest) = entries.split_at_mut(group.len() * each);
            entries = rest;
            match each {
                1 => part.copy_from_slice(group),
                2 => fill_each::<2>(part, group),
                4 => fill_each::<4>(part, group),
                _ => {
                    for (part, &entry) in part.chunks_exact_mut(each).zip(group) {
                        for eight in part.as_chunks_mut::<8>().0 {
                            *eight = [entry; 8];
                        }
                    }
                }
            }
        }
        entries.fill(LONG);
    }

    /// The entry of the codeword at the top of `bits`, or [`LONG`].
    #[inline(always)]
    pub(crate) fn root(&self, bits: u64) -> u32 {
        self.entries[(bits >> (64 - ROOT)) as usize]
    }

    /// The entry of the codeword at the top of `bits`, when [`root`](Self::root) said that it is long.
    #[cold]
    #[inline(never)]
    pub(crate) fn long(&self, bits: u64) -> u32 {
        let window = (bits >> 48) as u32;
        let mut length = ROOT as usize + 1;
        while length < MAX_CODE_BITS && window >= self.ends[length] {
            length += 1;
        }
        let index = self.starts[length].wrapping_add(window >> (MAX_CODE_BITS - length));
        self.sorted[(index as usize).min(SYMBOLS - 1)]
    }

    /// The entry of the codeword at the top of `bits`.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: u64) -> u32 {
        let entry = self.root(bits);
        if entry & LONG == 0 { entry } else { self.long(bits) }
    }
}

/// The building of a table.
struct Build<'a, const ROOT: u32, const SIZE: usize, const SYMBOLS: usize> {
    table: &'a mut Table<ROOT, SIZE, SYMBOLS>,
    lengths: &'a [u8],
    payloads: &'a [u32],
}

impl<const ROOT: u32, const SIZE: usize, const SYMBOLS: usize> Hot for Build<'_, ROOT, SIZE, SYMBOLS> {
    type Output = Result<(), BadLengths>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        self.table.build_here(self.lengths, self.payloads)
    }
}

#[inline(always)]
fn fill_each<const N: usize>(part: &mut [u32], group: &[u32]) {
    for (part, &entry) in part.as_chunks_mut::<N>().0.iter_mut().zip(group) {
        *part = [entry; N];
    }
}
