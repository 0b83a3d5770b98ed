//! The fast decoders, the plain ones and libwim's on the same chunks, whole and damaged.
//!
//! Without more, the chunks are of small files that wimlib captures. `WTGCTL_TEST_CODEC_WIMS` names a folder of WIM
//! files to take instead, of any size; docs/testing.md says how to fill it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail with the test")]
#![allow(clippy::print_stderr, reason = "the counts are to be recorded")]
#![allow(clippy::disallowed_methods, reason = "the folder is named by the environment")]

mod codec_support;

use std::collections::BTreeMap;

use codec_support::{Resource, captured, decoder, libwim, mutated, reference, resources};
use wim_apply::codec::Codec;

/// Damaged chunks of each file of the folder, and of each captured one.
const DAMAGED: [usize; 2] = [4000, 500];
/// Chunks up to this size are damaged.
const MAX_DAMAGED_BYTES: usize = 128 << 10;

/// What was compared.
#[derive(Debug, Default)]
struct Counts {
    files: usize,
    chunks: usize,
    bytes: usize,
    damaged: usize,
    accepted: usize,
    /// By the reasons of ours to refuse.
    accepted_by_libwim_alone: BTreeMap<String, usize>,
    accepted_by_us_alone: usize,
    accepted_with_other_bytes: usize,
}

impl Counts {
    /// Decodes every chunk of a resource in all three ways.
    fn compare(&mut self, resource: &Resource) {
        let Some(mut theirs) = libwim::decoder(resource.codec, resource.chunk_bytes) else {
            return;
        };
        let mut decoder = decoder(resource);
        resource.check(|input, output| {
            decoder.decompress(input, output)?;
            let mut plain = vec![0x55; output.len()];
            reference(resource, input, &mut plain)?;
            assert!(output == plain, "the plain decoder");
            plain.fill(0x77);
            assert!(theirs(input, &mut plain) && output == plain, "libwim");
            self.chunks += 1;
            self.bytes += output.len();
            Ok(())
        });
    }

    /// Decodes damaged chunks in all three ways.
    fn compare_damaged(&mut self, resources: &[Resource], count: usize) {
        let chunks: Vec<_> = resources
            .iter()
            .flat_map(|resource| resource.chunks.iter().map(move |chunk| (resource, chunk)))
            .filter(|(_, (chunk, size))| chunk.len() < *size && *size <= MAX_DAMAGED_BYTES)
            .collect();
        let Some((first, _)) = chunks.first() else { return };
        let Some(mut theirs) = libwim::decoder(first.codec, first.chunk_bytes) else {
            return;
        };
        let mut decoder = decoder(first);
        let step = chunks.len().div_ceil(count);
        for (seed, (resource, (chunk, size))) in (0..).zip(chunks.iter().cycle().step_by(step).take(count)) {
            let damaged = mutated(chunk, seed);
            let [mut fast, mut plain, mut foreign] = [0x55, 0x66, 0x77].map(|byte| vec![byte; *size]);
            let fast_result = decoder.decompress(&damaged, &mut fast);
            let plain_result = reference(resource, &damaged, &mut plain);
            assert_eq!(
                fast_result.is_ok(),
                plain_result.is_ok(),
                "{seed}: {fast_result:?}, {plain_result:?}"
            );
            self.damaged += 1;
            let accepted_by_libwim = theirs(&damaged, &mut foreign);
            match fast_result {
                Ok(()) => {
                    assert!(fast == plain, "{seed}");
                    self.accepted += 1;
                    self.accepted_by_us_alone += usize::from(!accepted_by_libwim);
                    self.accepted_with_other_bytes += usize::from(accepted_by_libwim && fast != foreign);
                }
                Err(error) if accepted_by_libwim => {
                    let reason = format!("{:?}", error.reason);
                    *self.accepted_by_libwim_alone.entry(reason).or_default() += 1;
                }
                Err(_) => {}
            }
        }
    }
}

/// Compares the decoders on every file of the folder that has resources of this codec, or on captured ones.
fn compare(codec: Codec, recipes: &[&[&str]]) {
    let mut counts = Counts::default();
    let mut file = |wim: Vec<u8>, damaged| {
        let mut resources = resources(&wim);
        drop(wim);
        resources.retain(|resource| resource.codec == codec);
        counts.files += usize::from(!resources.is_empty());
        resources.iter().for_each(|resource| counts.compare(resource));
        counts.compare_damaged(&resources, damaged);
    };
    if let Some(folder) = std::env::var_os("WTGCTL_TEST_CODEC_WIMS") {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "wim" || end == "esd"));
        paths.sort();
        paths
            .iter()
            .for_each(|path| file(std::fs::read(path).unwrap(), DAMAGED[0]));
    } else {
        for recipe in recipes {
            let Some(wim) = captured(recipe) else { return };
            file(wim, DAMAGED[1]);
        }
    }
    eprintln!("{codec:?}: {counts:?}");
    assert!(counts.files > 0 && counts.accepted < counts.damaged);
    // A run of codeword lengths that goes past the list: libwim cuts it off.
    let reasons = counts.accepted_by_libwim_alone.keys();
    assert!(
        reasons
            .into_iter()
            .all(|reason| codec == Codec::Lzx && reason == "BadCodeLengths")
    );
    assert_eq!(
        (counts.accepted_by_us_alone, counts.accepted_with_other_bytes),
        (0, 0)
    );
}

#[test]
fn xpress() {
    compare(
        Codec::Xpress,
        &[
            &["--compress=XPRESS"],
            &["--compress=XPRESS", "--chunk-size=4096"],
        ],
    );
}

#[test]
fn lzx() {
    compare(
        Codec::Lzx,
        &[&["--compress=LZX"], &["--compress=LZX", "--chunk-size=64K"]],
    );
}

#[test]
fn lzms() {
    compare(
        Codec::Lzms,
        &[&["--compress=LZMS", "--chunk-size=32K"], &["--compress=LZMS"]],
    );
}
