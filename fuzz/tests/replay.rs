//! Every input that a fuzz target is known to care about, on stable: the committed corpus, what is made here, past
//! findings, and mutations of all. No input may make a target panic.

#![allow(clippy::unwrap_used, reason = "what cannot be had fails the test")]

use std::path::{Path, PathBuf};

const MUTATIONS: u64 = 12;

#[test]
fn known_inputs_and_their_mutations() {
    for (name, body) in wtg_fuzz::TARGETS {
        let mut inputs = plain_inputs();
        inputs.extend(made_inputs(name));
        inputs.extend(files(name).iter().map(|path| std::fs::read(path).unwrap()));
        for (number, input) in (0u64..).zip(&inputs) {
            body(input);
            for mutation in 0..MUTATIONS {
                body(&mutated(input, number * MUTATIONS + mutation + 1));
            }
        }
    }
}

/// Nothing, zeros, ones and noise of some lengths.
fn plain_inputs() -> Vec<Vec<u8>> {
    let mut inputs = vec![Vec::new()];
    for len in [1, 64, 512, 4096, 0x1_0000] {
        inputs.push(vec![0; len]);
        inputs.push(vec![0xff; len]);
        inputs.push(noise(len as u64).take(len).collect());
    }
    inputs
}

/// Sound inputs that need no file.
fn made_inputs(target: &str) -> Vec<Vec<u8>> {
    match target {
        "efs_raw" => vec![testkit::efs::sparse_raw_form()],
        // Each of the files that the target holds, unchanged.
        "wim_file" => (0..6).map(|choice| vec![choice]).collect(),
        _ => Vec::new(),
    }
}

fn files(target: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = ["corpus", "regressions"]
        .iter()
        .filter_map(|kind| std::fs::read_dir(root.join(kind).join(target)).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

/// The input with a few bytes changed, or cut; the same for the same seed.
fn mutated(input: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = noise(seed).map(usize::from);
    let mut number = || numbers.by_ref().take(4).fold(0, |value, byte| value << 8 | byte);
    let mut bytes = input.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    for _ in 0..=number() % 8 {
        let at = number() % bytes.len();
        // Most structure lies at the front.
        let at = if number() % 2 == 0 {
            at % 1024.min(bytes.len())
        } else {
            at
        };
        bytes[at] = match number() % 4 {
            0 => 0,
            1 => 0xff,
            2 => bytes[at].wrapping_add(1),
            _ => (number() & 0xff) as u8,
        };
    }
    if number() % 8 == 0 {
        bytes.truncate(number() % (bytes.len() + 1));
    }
    bytes
}

fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    })
}
