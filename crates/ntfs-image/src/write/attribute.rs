//! Attributes of an MFT record and their encoding.

use super::bytes::{low8, low16, low32, pad8, push_units, put_u32};
use super::space::Run;
use crate::layout::attribute_flag;
use crate::spec::EncryptedLengths;

/// An attribute, or a part of one that is spread over several records.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) kind: u32,
    pub(super) name: Vec<u16>,
    pub(super) flags: u16,
    pub(super) body: Body,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Resident { value: Vec<u8>, indexed: bool },
    NonResident(NonResident),
}

/// A value in clusters.
#[derive(Clone, Debug, Default)]
pub(super) struct NonResident {
    pub(super) lowest_vcn: u64,
    pub(super) runs: Vec<Run>,
    pub(super) allocated_bytes: u64,
    pub(super) size_bytes: u64,
    pub(super) initialized_bytes: u64,
    /// Of a sparse attribute: bytes of the clusters that exist.
    pub(super) total_allocated_bytes: Option<u64>,
    /// Exponent of the compression unit, 0 for none.
    pub(super) compression_unit: u16,
}

impl Attribute {
    pub(super) fn resident(kind: u32, name: &[u16], value: Vec<u8>) -> Self {
        Self {
            kind,
            name: name.to_vec(),
            flags: 0,
            body: Body::Resident {
                value,
                indexed: false,
            },
        }
    }

    pub(super) fn file_name(value: Vec<u8>) -> Self {
        Self {
            kind: crate::layout::attribute::FILE_NAME,
            name: Vec::new(),
            flags: 0,
            body: Body::Resident { value, indexed: true },
        }
    }

    /// An ordinary value in clusters: no holes, all of it valid.
    pub(super) fn in_clusters(kind: u32, name: &[u16], runs: Vec<Run>, size: u64, cluster: u64) -> Self {
        let allocated_bytes = runs.iter().map(|run| run.count).sum::<u64>() * cluster;
        Self {
            kind,
            name: name.to_vec(),
            flags: 0,
            body: Body::NonResident(NonResident {
                runs,
                allocated_bytes,
                size_bytes: size,
                initialized_bytes: size,
                ..NonResident::default()
            }),
        }
    }

    /// Marks a value in clusters as ciphertext of a stream of these lengths.
    pub(super) fn encrypt(&mut self, lengths: EncryptedLengths) {
        self.flags |= attribute_flag::ENCRYPTED;
        if let Body::NonResident(value) = &mut self.body {
            value.size_bytes = lengths.size_bytes;
            value.initialized_bytes = lengths.valid_bytes;
        }
    }

    pub(super) fn lowest_vcn(&self) -> u64 {
        match &self.body {
            Body::Resident { .. } => 0,
            Body::NonResident(value) => value.lowest_vcn,
        }
    }

    /// Length of the encoding.
    pub(super) fn encoded_len(&self) -> usize {
        let name = 2 * self.name.len();
        match &self.body {
            Body::Resident { value, .. } => resident_len(self.name.len(), value.len()),
            Body::NonResident(value) => {
                ((value.header_len() + name).next_multiple_of(8) + runs_len(&value.runs)).next_multiple_of(8)
            }
        }
    }

    /// Appends the encoding.
    pub(super) fn encode(&self, instance: u16, out: &mut Vec<u8>) {
        let start = out.len();
        let name = 2 * self.name.len();
        out.extend(self.kind.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        match &self.body {
            Body::Resident { value, indexed } => {
                let value_at = (24 + name).next_multiple_of(8);
                out.push(0);
                out.push(low8(self.name.len()));
                out.extend(24u16.to_le_bytes());
                out.extend(self.flags.to_le_bytes());
                out.extend(instance.to_le_bytes());
                out.extend(low32(value.len()).to_le_bytes());
                out.extend(low16(value_at).to_le_bytes());
                out.push(u8::from(*indexed));
                out.push(0);
                push_units(out, &self.name);
                out.resize(start + value_at, 0);
                out.extend_from_slice(value);
            }
            Body::NonResident(value) => {
                let header = value.header_len();
                let runs_at = (header + name).next_multiple_of(8);
                let clusters: u64 = value.runs.iter().map(|run| run.count).sum();
                out.push(1);
                out.push(low8(self.name.len()));
                out.extend(low16(header).to_le_bytes());
                out.extend(self.flags.to_le_bytes());
                out.extend(instance.to_le_bytes());
                out.extend(value.lowest_vcn.to_le_bytes());
                out.extend((value.lowest_vcn + clusters).wrapping_sub(1).to_le_bytes());
                out.extend(low16(runs_at).to_le_bytes());
                out.extend(value.compression_unit.to_le_bytes());
                out.extend(0u32.to_le_bytes());
                out.extend(value.allocated_bytes.to_le_bytes());
                out.extend(value.size_bytes.to_le_bytes());
                out.extend(value.initialized_bytes.to_le_bytes());
                if let Some(total) = value.total_allocated_bytes {
                    out.extend(total.to_le_bytes());
                }
                push_units(out, &self.name);
                out.resize(start + runs_at, 0);
                encode_runs(&value.runs, out);
            }
        }
        pad8(out);
        let len = low32(out.len() - start);
        put_u32(out, start + 4, len);
    }

    /// Cuts an attribute whose runs are too long for one record into parts of at most `limit` bytes.
    pub(super) fn split(self, limit: usize) -> Vec<Attribute> {
        if self.encoded_len() <= limit {
            return vec![self];
        }
        let Body::NonResident(whole) = &self.body else {
            return vec![self];
        };
        let room = limit - (whole.header_len() + 2 * self.name.len()).next_multiple_of(8) - 8;
        let mut parts: Vec<Vec<Run>> = vec![Vec::new()];
        let mut used = 0;
        for run in &whole.runs {
            // The first run of a part is relative to LCN 0: count the longest form for each.
            let len = 1
                + signed_len(run.count.cast_signed())
                + run.lcn.map_or(0, |lcn| signed_len(lcn.cast_signed()) + 1);
            if used + len > room {
                parts.push(Vec::new());
                used = 0;
            }
            used += len;
            if let Some(part) = parts.last_mut() {
                part.push(*run);
            }
        }
        let mut vcn = whole.lowest_vcn;
        let mut out = Vec::new();
        for (index, runs) in parts.into_iter().enumerate() {
            let clusters: u64 = runs.iter().map(|run| run.count).sum();
            let body = if index == 0 {
                NonResident {
                    runs,
                    ..whole.clone()
                }
            } else {
                NonResident {
                    lowest_vcn: vcn,
                    runs,
                    compression_unit: whole.compression_unit,
                    ..NonResident::default()
                }
            };
            vcn += clusters;
            out.push(Attribute {
                kind: self.kind,
                name: self.name.clone(),
                flags: self.flags,
                body: Body::NonResident(body),
            });
        }
        out
    }
}

impl NonResident {
    fn header_len(&self) -> usize {
        if self.total_allocated_bytes.is_some() {
            72
        } else {
            64
        }
    }
}

/// Encoded length of a resident attribute.
pub(super) fn resident_len(name_units: usize, value_bytes: usize) -> usize {
    ((24 + 2 * name_units).next_multiple_of(8) + value_bytes).next_multiple_of(8)
}

/// Encoded length of a value in one run, at most.
pub(super) fn one_run_len(name_units: usize, sparse: bool) -> usize {
    (if sparse { 72 } else { 64 } + 2 * name_units).next_multiple_of(8) + 16
}

/// A sparse value whose clusters are `runs`, in units of `1 << unit` clusters.
pub(super) fn sparse(
    kind: u32,
    name: &[u16],
    runs: Vec<Run>,
    size: u64,
    cluster: u64,
    unit: u16,
) -> Attribute {
    let clusters: u64 = runs.iter().map(|run| run.count).sum();
    let present: u64 = runs
        .iter()
        .filter(|run| run.lcn.is_some())
        .map(|run| run.count)
        .sum();
    Attribute {
        kind,
        name: name.to_vec(),
        flags: attribute_flag::SPARSE,
        body: Body::NonResident(NonResident {
            lowest_vcn: 0,
            runs,
            allocated_bytes: clusters * cluster,
            size_bytes: size,
            initialized_bytes: size,
            total_allocated_bytes: Some(present * cluster),
            compression_unit: unit,
        }),
    }
}

/// Bytes that a signed little-endian number needs.
fn signed_len(value: i64) -> usize {
    (1..8)
        .find(|len| (value << (64 - 8 * len)) >> (64 - 8 * len) == value)
        .unwrap_or(8)
}

fn runs_len(runs: &[Run]) -> usize {
    let mut previous = 0i64;
    let mut len = 1;
    for run in runs {
        len += 1 + signed_len(run.count.cast_signed());
        if let Some(lcn) = run.lcn {
            len += signed_len(lcn.cast_signed() - previous);
            previous = lcn.cast_signed();
        }
    }
    len
}

/// Appends the mapping pairs of `runs`, the closing zero included.
fn encode_runs(runs: &[Run], out: &mut Vec<u8>) {
    let mut previous = 0i64;
    for run in runs {
        let count = run.count.cast_signed();
        let count_len = signed_len(count);
        match run.lcn {
            Some(lcn) => {
                let delta = lcn.cast_signed() - previous;
                previous = lcn.cast_signed();
                let delta_len = signed_len(delta);
                out.push(low8(count_len | delta_len << 4));
                out.extend_from_slice(&count.to_le_bytes()[..count_len]);
                out.extend_from_slice(&delta.to_le_bytes()[..delta_len]);
            }
            None => {
                out.push(low8(count_len));
                out.extend_from_slice(&count.to_le_bytes()[..count_len]);
            }
        }
    }
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_signed_deltas() {
        let runs = [
            Run {
                lcn: Some(0x80),
                count: 0x7F,
            },
            Run {
                lcn: None,
                count: 0x80,
            },
            Run {
                lcn: Some(0x10),
                count: 1,
            },
        ];
        let mut bytes = Vec::new();
        encode_runs(&runs, &mut bytes);
        assert_eq!(
            bytes,
            [0x21, 0x7F, 0x80, 0x00, 0x02, 0x80, 0x00, 0x11, 0x01, 0x90, 0x00]
        );
        assert_eq!(bytes.len(), runs_len(&runs));
    }

    #[test]
    fn parts_of_a_split_attribute_cover_it() {
        let runs: Vec<Run> = (0..1000)
            .map(|i| Run {
                lcn: Some(i * 7919 % 100_000),
                count: 3,
            })
            .collect();
        let whole = Attribute::in_clusters(0x80, &[], runs, 3000 * 4096, 4096);
        let parts = whole.split(900);
        assert!(parts.iter().all(|part| part.encoded_len() <= 900));
        let mut vcn = 0;
        for part in &parts {
            assert_eq!(part.lowest_vcn(), vcn);
            let Body::NonResident(value) = &part.body else {
                panic!("resident")
            };
            vcn += value.runs.iter().map(|run| run.count).sum::<u64>();
        }
        assert_eq!(vcn, 3000);
    }
}
