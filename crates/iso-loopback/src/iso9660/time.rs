//! ISO 9660's three date formats.

use crate::Timestamp;
use crate::fields::Fields;

/// Seven binary bytes of a directory record (ECMA-119, 9.1.5).
pub(super) fn short(bytes: &[u8]) -> Option<Timestamp> {
    let &[year, month, day, hour, minute, second, zone] = bytes.first_chunk::<7>()?;
    Timestamp {
        year: 1900 + i16::from(year),
        month,
        day,
        hour,
        minute,
        second,
        nanosecond: 0,
        utc_offset_minutes: Some(quarter_hours(zone)),
    }
    .checked()
}

/// Sixteen digits and a zone byte (ECMA-119, 8.4.26.1); all zeros mean "not specified".
pub(super) fn long(bytes: &[u8]) -> Option<Timestamp> {
    let number = |start: usize, len: usize| -> Option<u32> {
        let digits = Fields::new("date", 0, bytes).slice(start, len).ok()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let small = |start| number(start, 2).and_then(|n| u8::try_from(n).ok());
    Timestamp {
        year: i16::try_from(number(0, 4)?).ok()?,
        month: small(4)?,
        day: small(6)?,
        hour: small(8)?,
        minute: small(10)?,
        second: small(12)?,
        nanosecond: number(14, 2)? * 10_000_000,
        utc_offset_minutes: Some(quarter_hours(*bytes.get(16)?)),
    }
    .checked()
}

fn quarter_hours(zone: u8) -> i16 {
    i16::from(zone.cast_signed()) * 15
}
