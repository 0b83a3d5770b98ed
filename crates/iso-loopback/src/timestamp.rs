//! Points in time as ISO 9660 and UDF record them.

/// A recorded time, field by field, with its zone when one was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Year, 1 to 9999.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Nanosecond, as fine as the format records (10 ms in ISO 9660, 1 µs in UDF).
    pub nanosecond: u32,
    /// Minutes east of UTC; `None` when the recorder gave no zone.
    pub utc_offset_minutes: Option<i16>,
}

impl Timestamp {
    /// Checks the fields' ranges; recorders write zeros for "not set", which gives `None`.
    pub(crate) fn checked(self) -> Option<Self> {
        let ok = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
            && self.nanosecond < 1_000_000_000
            && self
                .utc_offset_minutes
                .is_none_or(|m| (-1440..=1440).contains(&m));
        ok.then_some(self)
    }

    /// Seconds since 1970-01-01 00:00 UTC; a time without a zone is taken as UTC.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        // Days from civil date, counted in years that start in March.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let seconds = days * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second);
        seconds - i64::from(self.utc_offset_minutes.unwrap_or(0)) * 60
    }
}

impl std::fmt::Display for Timestamp {
    /// RFC 3339 with seconds; without a suffix when no zone was recorded.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )?;
        match self.utc_offset_minutes {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(m) => {
                let sign = if m < 0 { '-' } else { '+' };
                let m = m.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", m / 60, m % 60)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_seconds_match_known_dates() {
        let at = |year, month, day, hour, zone| Timestamp {
            year,
            month,
            day,
            hour,
            minute: 0,
            second: 0,
            nanosecond: 0,
            utc_offset_minutes: zone,
        };
        assert_eq!(at(1970, 1, 1, 0, None).unix_seconds(), 0);
        assert_eq!(at(2000, 2, 29, 0, Some(0)).unix_seconds(), 951_782_400);
        assert_eq!(at(2000, 3, 1, 0, Some(0)).unix_seconds(), 951_868_800);
        assert_eq!(at(2024, 12, 31, 1, Some(60)).unix_seconds(), 1_735_603_200);
        assert_eq!(at(1969, 12, 31, 0, None).unix_seconds(), -86_400);
        assert_eq!(
            at(2024, 12, 31, 1, Some(-90)).to_string(),
            "2024-12-31T01:00:00-01:30"
        );
    }
}
