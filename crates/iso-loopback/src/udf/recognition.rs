//! The volume recognition sequence (ECMA-167, 2/8): does the image say that it holds UDF?

use std::io::{Read, Seek};

use crate::Result;
use crate::source::Source;

/// First byte of the sequence, for every block size.
const START: u64 = 32_768;
/// Descriptors in a sequence; real ones have at most a handful.
const MAX_DESCRIPTORS: u64 = 64;

/// Version of ECMA-167 that the volume follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nsr {
    /// Second edition: UDF 1.x.
    Nsr02,
    /// Third edition: UDF 2.x.
    Nsr03,
}

/// Looks for an NSR descriptor at 2048-byte steps, then at 4096-byte steps (blocks of 4096 bytes).
pub(crate) fn find_nsr<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Nsr>> {
    for step in [2048, 4096] {
        for index in 0..MAX_DESCRIPTORS {
            let at = START + index * step;
            let mut header = [0; 7];
            if source.check("volume structure descriptor", at, 7).is_err() {
                break;
            }
            source.read_at("volume structure descriptor", at, &mut header)?;
            match header.get(1..6) {
                Some(b"NSR02") => return Ok(Some(Nsr::Nsr02)),
                Some(b"NSR03") => return Ok(Some(Nsr::Nsr03)),
                Some(b"BEA01" | b"CD001" | b"BOOT2" | b"CDW02" | b"TEA01") => {}
                _ => break,
            }
        }
    }
    Ok(None)
}
