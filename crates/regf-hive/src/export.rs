//! Export as the text that `regedit` imports.
//!
//! # Source
//! Microsoft, "How to add, modify, or delete registry subkeys and values by using a .reg file"; long lines and
//! `hex(n)` observed in files exported by regedit of Windows 10.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::{Hive, Key, Value, ValueType};

impl Hive {
    /// Writes a `.reg` file (format 5.00, as UTF-8 text with CRLF; `regedit` wants UTF-16, see
    /// [`Key::export`]) of the whole hive, as if it were loaded at `HKEY_LOCAL_MACHINE\` and the root's name.
    ///
    /// # Errors
    /// Those of `target`.
    pub fn export(&self, target: &mut impl Write) -> io::Result<()> {
        let root = self.root();
        root.export(&format!("HKEY_LOCAL_MACHINE\\{}", root.name()), target)
    }
}

impl Key {
    /// Writes a `.reg` file of this key and all below it, under the given path. The text is UTF-8; `regedit`
    /// takes it as UTF-16 with a byte order mark, or as it is when it is pure ASCII.
    ///
    /// # Errors
    /// Those of `target`.
    pub fn export(&self, path: &str, target: &mut impl Write) -> io::Result<()> {
        target.write_all(b"Windows Registry Editor Version 5.00\r\n")?;
        let mut names: Vec<String> = Vec::new();
        for (depth, key) in self.walk() {
            names.truncate(depth.saturating_sub(1));
            if depth > 0 {
                names.push(key.name().to_string());
            }
            let below: String = names.iter().map(|name| format!("\\{name}")).collect();
            write!(target, "\r\n[{path}{below}]\r\n")?;
            for value in key.values() {
                target.write_all(value_line(value).as_bytes())?;
            }
        }
        Ok(())
    }
}

fn value_line(value: &Value) -> String {
    let mut line = match value.name.is_empty() {
        true => "@=".to_owned(),
        false => format!("\"{}\"=", escaped(&value.name.to_string())),
    };
    match plain(value) {
        Some(text) => line.push_str(&text),
        None => push_hex(&mut line, value),
    }
    line.push_str("\r\n");
    line
}

/// The readable form, where the data is exactly what that form stands for.
fn plain(value: &Value) -> Option<String> {
    if value.data_type == ValueType::DWORD {
        return value.as_dword().map(|number| format!("dword:{number:08x}"));
    }
    let text = value.as_string()?;
    let exact = value.data_type == ValueType::SZ && Value::string("", &text).data == value.data;
    (exact && !text.contains(['\r', '\n'])).then(|| format!("\"{}\"", escaped(&text)))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// `hex(n):` and the bytes, in lines of at most 80 characters that end in `\`.
fn push_hex(line: &mut String, value: &Value) {
    match value.data_type {
        ValueType::BINARY => line.push_str("hex:"),
        ValueType(other) => {
            let _ = write!(line, "hex({other:x}):");
        }
    }
    let mut column = line.chars().count();
    for (at, byte) in value.data.iter().enumerate() {
        let comma = if at + 1 == value.data.len() { "" } else { "," };
        let _ = write!(line, "{byte:02x}{comma}");
        column += 3;
        if column > 76 && !comma.is_empty() {
            line.push_str("\\\r\n  ");
            column = 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_regedit_writes_them() {
        let line = |value: &Value| value_line(value);
        assert_eq!(line(&Value::dword("n", 255)), "\"n\"=dword:000000ff\r\n");
        assert_eq!(line(&Value::string("", "C:\\\"x\"")), "@=\"C:\\\\\\\"x\\\"\"\r\n");
        assert_eq!(
            line(&Value::multi_string("m", &["a"])),
            "\"m\"=hex(7):61,00,00,00,00,00\r\n"
        );
        let unterminated = Value::new("s", ValueType::SZ, vec![65, 0]);
        assert_eq!(line(&unterminated), "\"s\"=hex(1):41,00\r\n");
        let long = line(&Value::binary("long", vec![0; 40]));
        assert!(
            long.lines().all(|l| l.len() <= 80) && long.contains(",\\\r\n  00"),
            "{long}"
        );
        assert_eq!(line(&Value::binary("e", vec![])), "\"e\"=hex:\r\n");
    }
}
