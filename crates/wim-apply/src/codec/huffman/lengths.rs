//! Codeword lengths from symbol frequencies: Huffman's construction with a limit on the length.
//!
//! LZMS decoders must find the very lengths that the encoder found, so every tie is decided: leaves in order
//! of (frequency, symbol), leaves before inner nodes of the same frequency, longest codewords to the rarest.

/// Largest alphabet.
const MAX_SYMBOLS: usize = 1024;
/// Frequencies are cut to this.
const MAX_FREQUENCY: u32 = (1 << 22) - 1;
/// Leaves with frequencies from here on are sorted by comparison.
const BUCKETS: usize = 64;
/// Parts of the alphabet that are sorted side by side.
const PARTS: usize = 4;

/// Builds codeword lengths; holds the working space.
#[derive(Debug)]
pub(crate) struct LengthBuilder {
    /// Used symbols in ascending order of (frequency, symbol), packed as frequency * `MAX_SYMBOLS` + symbol; then
    /// two entries that are larger than all.
    leaves: [u32; MAX_SYMBOLS + 2],
    /// Weights of inner nodes, in order of creation.
    weights: [u32; MAX_SYMBOLS + 2],
    /// The parent, then the depth, of each inner node.
    parents: [u32; MAX_SYMBOLS + 2],
}

impl Default for LengthBuilder {
    fn default() -> Self {
        let zeros = [0; MAX_SYMBOLS + 2];
        Self {
            leaves: zeros,
            weights: zeros,
            parents: zeros,
        }
    }
}

impl LengthBuilder {
    /// Sets `lengths` to an optimal prefix code of at most `limit` bits for symbols that occur
    /// `frequencies` times. Unused symbols get length 0; a single used symbol gets length 1, and so does
    /// another one (0, or 1 when it is 0 that is used), to make the code complete.
    pub(crate) fn build(&mut self, frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
        lengths.fill(0);
        let leaves = self.sort(frequencies);
        if leaves < 2 {
            if leaves == 1 {
                let symbol = symbol_of(self.leaves[0]);
                lengths[symbol] = 1;
                if let Some(other) = lengths.get_mut(usize::from(symbol == 0)) {
                    *other = 1;
                }
            }
            return;
        }
        self.join(leaves);
        let counts = self.length_counts(leaves - 1, limit);
        let mut at = 0;
        for bits in (1..=limit).rev() {
            let group = &self.leaves[at..at + counts[bits] as usize];
            at += group.len();
            for &leaf in group {
                lengths[symbol_of(leaf)] = bits.to_le_bytes()[0];
            }
        }
    }

    /// Fills `leaves`, and returns how many there are.
    ///
    /// Four parts of the alphabet are counted side by side: most frequencies are equal, and a counter that
    /// is changed again and again would be waited for.
    fn sort(&mut self, frequencies: &[u32]) -> usize {
        let part = frequencies.len().div_ceil(PARTS);
        let mut places = [[0_u32; PARTS]; BUCKETS];
        for i in 0..part {
            for (p, first) in (0..PARTS).map(|p| (p, p * part)) {
                if let Some(&frequency) = frequencies.get(first + i) {
                    places[bucket_of(frequency)][p] += 1;
                }
            }
        }
        let used = frequencies.len() - places[0].iter().sum::<u32>() as usize;
        // Unused symbols go behind, and are cut off.
        let mut place = 0;
        for counts in places.iter_mut().skip(1) {
            for count in counts {
                (place, *count) = (place + *count, place);
            }
        }
        let mut behind = used as u32;
        for count in &mut places[0] {
            (behind, *count) = (behind + *count, behind);
        }
        let frequent = places[BUCKETS - 1][0] as usize;
        for i in 0..part {
            for (p, first) in (0..PARTS).map(|p| (p, p * part)) {
                if let Some(&frequency) = frequencies.get(first + i) {
                    let place = &mut places[bucket_of(frequency)][p];
                    let symbol = (first + i) as u32;
                    self.leaves[*place as usize] = frequency.min(MAX_FREQUENCY) * MAX_SYMBOLS as u32 + symbol;
                    *place += 1;
                }
            }
        }
        self.leaves[frequent..used].sort_unstable();
        self.leaves[used..used + 2].fill(u32::MAX);
        used
    }

    /// Joins the two lightest nodes until one is left, which makes `parents`.
    fn join(&mut self, leaves: usize) {
        self.weights[..=leaves].fill(u32::MAX);
        let (mut leaf, mut node) = (0, 0);
        for parent in 0..leaves - 1 {
            let [leaf0, leaf1] = [0, 1].map(|i| self.leaves[leaf + i] / MAX_SYMBOLS as u32);
            let [node0, node1] = [0, 1].map(|i| self.weights[node + i]);
            // A leaf goes before a node of the same weight. No weight is as large as the end marks.
            if leaf + 1 < leaves && leaf1 <= node0 {
                self.weights[parent] = leaf0 + leaf1;
                leaf += 2;
            } else if leaf >= leaves || node1 < leaf0 {
                self.weights[parent] = node0 + node1;
                self.parents[node..node + 2].fill(parent as u32);
                node += 2;
            } else {
                self.weights[parent] = leaf0 + node0;
                self.parents[node] = parent as u32;
                leaf += 1;
                node += 1;
            }
        }
    }

    /// The number of leaves at each depth.
    fn length_counts(&mut self, inner: usize, limit: usize) -> [u32; 17] {
        // Nodes are in order of their parents, so those of one depth are side by side.
        let mut counts = [0_u32; 17];
        let (mut above, mut start) = (inner, inner - 1);
        for leaves in &mut counts[1..=limit] {
            // Nodes from `start` to before `above` are one less deep than the leaves that are counted.
            let nodes = above - start;
            above = start;
            let parent = start;
            while start > 0 && self.parents[start - 1] as usize >= parent {
                start -= 1;
            }
            *leaves = (2 * nodes - (above - start)) as u32;
        }
        if start == above {
            counts
        } else {
            self.limited_length_counts(inner, limit)
        }
    }

    /// The same where a leaf would lie deeper than `limit`: it is hung under a shallower one.
    #[cold]
    fn limited_length_counts(&mut self, inner: usize, limit: usize) -> [u32; 17] {
        let mut counts = [0_u32; 17];
        counts[1] = 2;
        let root = inner - 1;
        self.parents[root] = 0;
        for node in (0..root).rev() {
            let depth = self.parents[self.parents[node] as usize] + 1;
            self.parents[node] = depth;
            // A leaf at this depth becomes an inner node with two leaves below it.
            let mut depth = depth as usize;
            if depth >= limit {
                depth = limit - 1;
                while counts[depth] == 0 {
                    depth -= 1;
                }
            }
            counts[depth] -= 1;
            counts[depth + 1] += 2;
        }
        counts
    }
}

fn bucket_of(frequency: u32) -> usize {
    (frequency as usize).min(BUCKETS - 1)
}

fn symbol_of(leaf: u32) -> usize {
    leaf as usize % MAX_SYMBOLS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn build(frequencies: &[u32], limit: usize) -> Vec<u8> {
        let mut lengths = vec![0; frequencies.len()];
        LengthBuilder::default().build(frequencies, limit, &mut lengths);
        lengths
    }

    #[test]
    fn ties_go_to_leaves_and_rare_symbols_get_long_codewords() {
        assert_eq!(build(&[1, 1, 1, 1], 15), [2, 2, 2, 2]);
        assert_eq!(build(&[1, 1, 2], 15), [2, 2, 1]);
        assert_eq!(build(&[2, 1, 1], 15), [1, 2, 2]);
        assert_eq!(build(&[1, 1, 1], 15), [2, 2, 1]);
        assert_eq!(build(&[0, 7, 0], 15), [1, 1, 0]);
        assert_eq!(build(&[7, 0, 0], 15), [1, 1, 0]);
        assert_eq!(build(&[0, 0], 15), [0, 0]);
    }

    #[test]
    fn fibonacci_frequencies_meet_the_limit() {
        let mut frequencies = vec![1_u32, 1];
        while frequencies.len() < 30 {
            frequencies.push(frequencies[frequencies.len() - 1] + frequencies[frequencies.len() - 2]);
        }
        assert_eq!(build(&frequencies, 15).iter().max(), Some(&15));
    }

    proptest! {
        #[test]
        fn codes_are_complete(frequencies in prop::collection::vec(0_u32..5000, 2..600), limit in 10_usize..=16) {
            let lengths = build(&frequencies, limit);
            let taken: u64 = lengths.iter().filter(|&&n| n != 0).map(|&n| 1 << (16 - n)).sum();
            let used = frequencies.iter().filter(|&&f| f != 0).count();
            prop_assert_eq!(taken, if used == 0 { 0 } else { 1 << 16 });
        }
    }
}
