//! Codeword lengths from symbol frequencies: Huffman's construction with a limit on the length.
//!
//! LZMS decoders must find the very lengths that the encoder found, so every tie is decided: leaves in order
//! of (frequency, symbol), leaves before inner nodes of the same frequency, longest codewords to the rarest.

/// Builds codeword lengths; holds the working space.
#[derive(Debug, Default)]
pub(crate) struct LengthBuilder {
    /// Used symbols in ascending order of (frequency, symbol), packed as frequency << 16 | symbol.
    leaves: Vec<u64>,
    /// Weight, then parent, then depth of each inner node, in order of creation.
    inner: Vec<u32>,
}

impl LengthBuilder {
    /// Sets `lengths` to an optimal prefix code of at most `limit` bits for symbols that occur
    /// `frequencies` times. Unused symbols get length 0; a single used symbol gets length 1, and so does
    /// another one (0, or 1 when it is 0 that is used), to make the code complete.
    pub(crate) fn build(&mut self, frequencies: &[u32], limit: usize, lengths: &mut [u8]) {
        self.leaves.clear();
        let used = frequencies
            .iter()
            .zip(0_u64..)
            .filter(|&(&frequency, _)| frequency != 0);
        self.leaves
            .extend(used.map(|(&frequency, symbol)| (u64::from(frequency) << 16) | symbol));
        self.leaves.sort_unstable();
        lengths.fill(0);
        if self.leaves.len() < 2 {
            if let Some(&leaf) = self.leaves.first() {
                let symbol = symbol_of(leaf);
                lengths[symbol] = 1;
                if let Some(other) = lengths.get_mut(usize::from(symbol == 0)) {
                    *other = 1;
                }
            }
            return;
        }
        self.build_tree();
        let counts = self.length_counts(limit);
        let mut leaves = self.leaves.iter();
        for bits in (1..=limit).rev() {
            for &leaf in leaves.by_ref().take(counts[bits] as usize) {
                lengths[symbol_of(leaf)] = bits.to_le_bytes()[0];
            }
        }
    }

    /// Joins the two lightest nodes until one is left. `inner[i]` then is the parent of inner node `i`.
    fn build_tree(&mut self) {
        self.inner.clear();
        let (mut leaf, mut node) = (0, 0);
        for parent in 0..self.leaves.len() - 1 {
            let mut weight = 0;
            for _ in 0..2 {
                let leaf_weight = self
                    .leaves
                    .get(leaf)
                    .map(|&l| u32::try_from(l >> 16).unwrap_or(u32::MAX));
                let node_weight = (node < parent).then(|| self.inner[node]);
                match (leaf_weight, node_weight) {
                    (Some(l), n) if n.is_none_or(|n| l <= n) => {
                        weight += l;
                        leaf += 1;
                    }
                    (_, Some(n)) => {
                        weight += n;
                        self.inner[node] = u32::try_from(parent).expect("small alphabets");
                        node += 1;
                    }
                    (_, None) => unreachable!("two nodes are left"),
                }
            }
            self.inner.push(weight);
        }
    }

    /// The number of leaves at each depth. A leaf that would lie deeper than `limit` is hung under a
    /// shallower one.
    fn length_counts(&mut self, limit: usize) -> [u32; 17] {
        let mut counts = [0_u32; 17];
        counts[1] = 2;
        let root = self.inner.len() - 1;
        self.inner[root] = 0;
        for node in (0..root).rev() {
            let depth = self.inner[self.inner[node] as usize] + 1;
            self.inner[node] = depth;
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

fn symbol_of(leaf: u64) -> usize {
    (leaf & 0xffff) as usize
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
