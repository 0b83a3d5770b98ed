//! Data of registry values as people type and read them.

use regf_hive::{Value, ValueType};
use serde_json::json;

use crate::failure::{Failure, USAGE};
use crate::i18n::Message;

/// Types that can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DataType {
    /// Text.
    Sz,
    /// Text with `%variables%`.
    ExpandSz,
    /// Texts.
    MultiSz,
    /// 32-bit number.
    Dword,
    /// 64-bit number.
    Qword,
    /// Bytes in hexadecimal.
    Binary,
}

impl DataType {
    /// The value that these words mean.
    pub(crate) fn value(self, name: &str, data: &[String]) -> Result<Value, Failure> {
        if self == Self::MultiSz {
            return Ok(Value::multi_string(name, data));
        }
        let [data] = data else {
            let given = data.len() as u64;
            return Err(Failure::new(USAGE, Message::OneData { given }));
        };
        let text = || data.clone();
        let wrong = |message| Failure::new(USAGE, message);
        Ok(match self {
            Self::Sz | Self::MultiSz => Value::string(name, data),
            Self::ExpandSz => Value::new(name, ValueType::EXPAND_SZ, Value::string(name, data).data),
            Self::Dword => {
                let number = number(data).and_then(|n| u32::try_from(n).ok());
                Value::dword(
                    name,
                    number.ok_or_else(|| wrong(Message::NoNumber32 { text: text() }))?,
                )
            }
            Self::Qword => Value::qword(
                name,
                number(data).ok_or_else(|| wrong(Message::NoNumber64 { text: text() }))?,
            ),
            Self::Binary => Value::binary(
                name,
                bytes(data).ok_or_else(|| wrong(Message::NoHexadecimal { text: text() }))?,
            ),
        })
    }
}

/// A decimal number, or a hexadecimal one after `0x`.
pub(crate) fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !matches!(c, ' ' | ','))
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// The data as JSON: a number, a text, a list of texts, or bytes in hexadecimal.
pub(crate) fn shown(value: &Value) -> serde_json::Value {
    if let Some(number) = value.as_dword() {
        json!(number)
    } else if let Some(number) = value.as_qword() {
        json!(number)
    } else if let Some(text) = value.as_string() {
        json!(text)
    } else if let Some(texts) = value.as_multi_string() {
        json!(texts)
    } else {
        let hex: String = value.data.iter().map(|byte| format!("{byte:02x}")).collect();
        json!(hex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_data() {
        let value = |data_type: DataType, text: &str| data_type.value("n", &[text.to_owned()]);
        assert_eq!(value(DataType::Dword, "0x10").unwrap().as_dword(), Some(16));
        assert!(value(DataType::Dword, "4294967296").is_err());
        assert_eq!(
            value(DataType::Binary, "de ad,BE").unwrap().data,
            [0xde, 0xad, 0xbe]
        );
        assert!(value(DataType::Binary, "abc").is_err());
        assert!(DataType::Sz.value("n", &[]).is_err());
        assert_eq!(shown(&Value::multi_string("n", &["a", "b"])), json!(["a", "b"]));
    }
}
