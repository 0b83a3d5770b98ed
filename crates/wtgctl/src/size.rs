//! Sizes on the command line: `16G` and `16GiB` are binary, `16GB` decimal, a plain number is bytes.

use std::fmt;
use std::str::FromStr;

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: u64 = number
            .parse()
            .map_err(|_| "a size is a whole number with a unit, like 16G".to_owned())?;
        let (base, letter) = match unit.to_ascii_uppercase().as_str() {
            "" | "B" => return Ok(Self(number)),
            "K" | "KIB" => (1024, 1),
            "M" | "MIB" => (1024, 2),
            "G" | "GIB" => (1024, 3),
            "T" | "TIB" => (1024, 4),
            "KB" => (1000, 1),
            "MB" => (1000, 2),
            "GB" => (1000, 3),
            "TB" => (1000, 4),
            _ => {
                return Err(format!(
                    "unknown unit {unit:?}; use K, M, G, T (binary) or KB, MB, GB, TB (decimal)"
                ));
            }
        };
        let factor: u64 = u64::pow(base, letter);
        number
            .checked_mul(factor)
            .map(Self)
            .ok_or_else(|| "the size does not fit in 64 bits".to_owned())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&human(self.0))
    }
}

/// A size for people, binary units, three digits.
pub(crate) fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else if value < 10.0 {
        format!("{value:.2} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units() {
        for (text, bytes) in [
            ("16G", 16 << 30),
            ("16GiB", 16 << 30),
            ("16gb", 16_000_000_000),
            ("512", 512),
            ("4k", 4096),
            ("1T", 1 << 40),
        ] {
            assert_eq!(text.parse::<Size>(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "G", "1.5G", "1X", "-1", "99999999999T"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
