//! What a caller says about a volume and its files.

use std::ops::BitOr;

use serde::Serialize;

/// A FAT32 volume as wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FatSpec {
    /// Size of the volume; a partial last sector is not used.
    pub size_bytes: u64,
    /// Logical sector size of the disk: 512 or 4096.
    pub sector_bytes: u32,
    /// Sectors before the volume on its disk: the partition's first sector, 0 for a bare volume.
    pub hidden_sectors: u32,
    /// Serial number of the volume.
    pub volume_id: u32,
    /// Up to 11 ASCII characters, stored in upper case; empty for none.
    pub label: String,
    /// Time of the label and of directories that are made on the way to a file.
    pub time: FatTime,
}

/// A point in time as FAT stores it: two seconds fine (creation: 10 ms), 1980 to 2107, with no time zone. Windows
/// takes it for local time, firmware for UTC; this crate converts as UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct FatTime {
    pub(super) date: u16,
    pub(super) time: u16,
    /// 0 to 199: what exceeds the even second.
    pub(super) centiseconds: u8,
}

impl FatTime {
    /// 1 January 1980, 0:00: the earliest.
    pub const MIN: Self = Self {
        date: 0x0021,
        time: 0,
        centiseconds: 0,
    };

    /// From raw fields of a directory entry.
    #[must_use]
    pub const fn from_dos(date: u16, time: u16, centiseconds: u8) -> Self {
        Self {
            date,
            time,
            centiseconds,
        }
    }

    /// From seconds since 1970 in UTC; outside 1980 to 2107 the nearest time there is.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        const DAY: i64 = 86_400;
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        if seconds < 315_532_800 {
            return Self::MIN;
        }
        if seconds >= 4_354_819_200 {
            return Self::from_dos(0xFF9F, 0xBF7D, 100);
        }
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        // The range was checked above: each part fits its field.
        Self {
            date: (((year - 1980) << 9) | (month << 5) | day) as u16,
            time: ((hour << 11) | (minute << 5) | (second / 2)) as u16,
            centiseconds: (second % 2 * 100) as u8,
        }
    }

    /// From 100 ns units since 1601 in UTC, as NTFS and WIM store time.
    #[must_use]
    pub fn from_filetime(filetime: u64) -> Self {
        let seconds = filetime / 10_000_000;
        let mut time = Self::from_unix_seconds(seconds.cast_signed() - 11_644_473_600);
        if time > Self::MIN && time.date < 0xFF9F {
            // Below 100, so the sum stays below 200.
            time.centiseconds += (filetime / 100_000 % 100) as u8;
        }
        time
    }

    /// `YYYY-MM-DD hh:mm:ss`, as stored.
    #[must_use]
    pub fn to_text(self) -> String {
        let (d, t) = (self.date, self.time);
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            1980 + (d >> 9),
            (d >> 5) & 15,
            d & 31,
            t >> 11,
            (t >> 5) & 63,
            (t & 31) * 2 + u16::from(self.centiseconds) / 100
        )
    }
}

/// Year, month and day of a day counted from 1 January 1970 (proleptic Gregorian calendar).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Count from 1 March of year 0, so that leap days end a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The three times of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FatTimes {
    /// Creation.
    pub created: FatTime,
    /// Last change of the content.
    pub modified: FatTime,
    /// Last access; only its date is stored.
    pub accessed: FatTime,
}

impl FatTimes {
    /// To the precision that a directory entry has: two seconds for the last change, a day for the last access.
    #[must_use]
    pub fn stored(self) -> Self {
        let FatTime { date, time, .. } = self.modified;
        Self {
            created: self.created,
            modified: FatTime::from_dos(date, time, 0),
            accessed: FatTime::from_dos(self.accessed.date, 0, 0),
        }
    }
}

impl From<FatTime> for FatTimes {
    fn from(time: FatTime) -> Self {
        Self {
            created: time,
            modified: time,
            accessed: time,
        }
    }
}

/// Attribute bits of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attributes(pub u8);

impl Attributes {
    /// None.
    pub const NONE: Self = Self(0);
    /// Read-only.
    pub const READ_ONLY: Self = Self(1);
    /// Hidden.
    pub const HIDDEN: Self = Self(2);
    /// System.
    pub const SYSTEM: Self = Self(4);
    pub(super) const VOLUME_LABEL: Self = Self(8);
    pub(super) const DIRECTORY: Self = Self(16);
    /// To be archived.
    pub const ARCHIVE: Self = Self(32);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits that a caller may set: read-only, hidden, system, archive.
    pub(super) const fn settable(self) -> Self {
        Self(self.0 & 0x27)
    }
}

impl BitOr for Attributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Given now.
    Bytes(Vec<u8>),
    /// Asked for by key when the volume is written; exactly `size_bytes` of them.
    Keyed {
        /// The caller's own number.
        key: u64,
        /// Size, at most 4 GiB - 1.
        size_bytes: u64,
    },
}

impl Content {
    pub(super) fn size_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Keyed { size_bytes, .. } => *size_bytes,
        }
    }
}
