//! The LZMS encoder.

mod item;
mod model;
mod output;
mod slots;

use super::MAX_ENCODED_CHUNK_BYTES;
use super::x86_fast::Filter;
use item::{DeltaPair, Item, Recent};
use model::Model;
use output::{BackwardBits, RangeEncoder};

/// Encoder with reusable tables. Equal input gives equal output.
///
/// ```
/// use wim_apply::codec::lzms;
///
/// let text = b"the cat sat on the mat, the rat sat on the cat. ".repeat(20);
/// let mut compressed = Vec::new();
/// let mut encoder = lzms::Encoder::new(1 << 17).expect("a chunk size of the format");
/// encoder.compress(&text, &mut compressed).expect("it shrinks");
/// let mut back = vec![0; text.len()];
/// lzms::Decoder::new().decompress(&compressed, &mut back)?;
/// assert_eq!(back, text);
/// # Ok::<(), wim_apply::codec::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    chunk_bytes: usize,
    filter: Filter,
    data: Vec<u8>,
    latest: Vec<u32>,
    range: RangeEncoder,
    bits: BackwardBits,
}

impl Encoder {
    /// An encoder for chunks of up to `chunk_bytes`, at most [`MAX_ENCODED_CHUNK_BYTES`], else `None`. It takes memory
    /// when chunks come, as much as their sizes want.
    #[must_use]
    pub fn new(chunk_bytes: u32) -> Option<Self> {
        (chunk_bytes <= MAX_ENCODED_CHUNK_BYTES).then(|| Self {
            chunk_bytes: chunk_bytes as usize,
            filter: Filter::default(),
            data: Vec::new(),
            latest: Vec::new(),
            range: RangeEncoder::default(),
            bits: BackwardBits::default(),
        })
    }

    /// The most memory, in bytes, that an encoder for chunks of that size takes, without its input and output.
    #[must_use]
    pub fn memory_bytes(chunk_bytes: u32) -> u64 {
        u64::from(chunk_bytes) * 10 + (1 << 20)
    }

    /// Encodes one chunk, in place of what `output` holds. `None` when it does not become smaller (or is larger
    /// than a chunk may be): then it is to be stored as it is.
    pub fn compress(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<()> {
        if input.len() > self.chunk_bytes || input.len() <= 4 {
            return None;
        }
        self.data.clear();
        self.data.extend_from_slice(input);
        self.filter.apply(&mut self.data);
        self.range.reset();
        self.bits.reset();
        self.latest.clear();
        self.latest.resize(1 << 16, u32::MAX);
        let data = &self.data[..];
        let mut model = Model::new(input.len());
        let mut recent = Recent::default();
        let mut at = 0;
        while at < data.len() {
            let item = choose(data, at, &mut self.latest, &recent);
            let length = match item {
                Item::Literal(_) => 1,
                Item::Lz { length, .. } | Item::LzRepeat { length, .. } => length,
                Item::Delta { length, .. } | Item::DeltaRepeat { length, .. } => length,
            };
            model.put(&mut self.range, &mut self.bits, item);
            recent.update(item);
            at += length as usize;
            if 2 * (self.range.len() + self.bits.len()) >= input.len() {
                return None;
            }
        }
        output::join(&mut self.range, &mut self.bits, output);
        (output.len() < input.len()).then_some(())
    }
}

/// The longest match at hand.
fn choose(data: &[u8], at: usize, latest: &mut [u32], recent: &Recent) -> Item {
    for (index, offset) in (0..).zip(recent.offsets()) {
        let length = match_length(data, at, offset as usize);
        if length >= 3 {
            return Item::LzRepeat { index, length };
        }
    }
    if let Some(next) = data[at..].first_chunk::<4>() {
        let hash = u32::from_le_bytes(*next).wrapping_mul(0x9e37_79b1) >> 16;
        let from = std::mem::replace(&mut latest[hash as usize], at as u32);
        if from != u32::MAX {
            let length = match_length(data, at, at - from as usize);
            if length >= 4 {
                return Item::Lz {
                    offset: at as u32 - from,
                    length,
                };
            }
        }
    }
    for (index, pair) in (0..).zip(recent.pairs()) {
        let length = delta_length(data, at, pair);
        if length >= 6 {
            return Item::DeltaRepeat { index, length };
        }
    }
    for power in 0..8 {
        let pair = DeltaPair::new(power, 1);
        let length = delta_length(data, at, pair);
        if length >= 8 {
            return Item::Delta { pair, length };
        }
    }
    Item::Literal(data[at])
}

fn delta_length(data: &[u8], at: usize, pair: DeltaPair) -> u32 {
    let span = 1 << pair.power();
    let offset = (pair.raw_offset() as usize) << pair.power();
    if offset + span > at {
        return 0;
    }
    let fits = |&to: &usize| {
        let predicted = data[to - span].wrapping_sub(data[to - offset - span]);
        data[to] == data[to - offset].wrapping_add(predicted)
    };
    (at..data.len()).take_while(fits).count() as u32
}

fn match_length(data: &[u8], at: usize, offset: usize) -> u32 {
    if offset > at {
        return 0;
    }
    let pairs = data[at - offset..].iter().zip(&data[at..]);
    pairs.take_while(|(there, here)| there == here).count() as u32
}
