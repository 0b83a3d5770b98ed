//! The volume recognition sequence (ECMA-167, 2/8): does the image say that it holds UDF?

use std::io::{Read, Seek};

use crate::iso9660::SECTOR_BYTES;
use crate::source::Source;
use crate::{ReadOptions, Result};

/// First byte of the sequence in its session, for every block size.
const START: u64 = 32_768;
/// Descriptors in a sequence; real ones have at most a handful.
const MAX_DESCRIPTORS: u64 = 64;

/// Looks for an NSR descriptor (ECMA-167 second or third edition) at 2048-byte steps, then at 4096-byte steps. Gives
/// the step: 4096 says that the sectors have that size.
pub(crate) fn find_nsr<R: Read + Seek>(source: &mut Source<R>, options: &ReadOptions) -> Result<Option<u64>> {
    for step in [2048, 4096] {
        for index in 0..MAX_DESCRIPTORS {
            let at = u64::from(options.session_start) * SECTOR_BYTES + START + index * step;
            let mut header = [0; 7];
            if source.check("volume structure descriptor", at, 7).is_err() {
                break;
            }
            source.read_at("volume structure descriptor", at, &mut header)?;
            match header.get(1..6) {
                Some(b"NSR02" | b"NSR03") => return Ok(Some(step)),
                Some(b"BEA01" | b"CD001" | b"BOOT2" | b"CDW02" | b"TEA01") => {}
                _ => break,
            }
        }
    }
    Ok(None)
}
