//! Columns on a terminal, where a Chinese character takes two.

use unicode_width::UnicodeWidthStr;

/// The text, filled up with spaces to so many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.width());
    format!("{text}{:missing$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_and_not_characters() {
        assert_eq!(pad("disk", 8), "disk    ");
        assert_eq!(pad("磁盘", 8), "磁盘    ");
        assert_eq!(pad("windows volume", 8), "windows volume");
    }
}
