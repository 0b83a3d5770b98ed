//! UDF timestamps (ECMA-167, 1/7.3).

use crate::Timestamp;
use crate::fields::Fields;

pub(super) fn decode(bytes: &[u8]) -> Option<Timestamp> {
    let fields = Fields::new("UDF timestamp", 0, bytes);
    let type_and_zone = fields.u16(0).ok()?;
    // Twelve signed bits of minutes; -2047 is "no zone given". Type 1 is local time with that zone.
    let zone = (type_and_zone << 4).cast_signed() >> 4;
    let small = |at| fields.u8(at).ok();
    let fraction = u32::from(small(9)?) * 10_000 + u32::from(small(10)?) * 100 + u32::from(small(11)?);
    Timestamp {
        year: fields.u16(2).ok()?.cast_signed(),
        month: small(4)?,
        day: small(5)?,
        hour: small(6)?,
        minute: small(7)?,
        second: small(8)?,
        nanosecond: fraction * 1000,
        utc_offset_minutes: match type_and_zone >> 12 {
            0 => Some(0),
            1 if zone != -2047 => Some(zone),
            _ => None,
        },
    }
    .checked()
}
