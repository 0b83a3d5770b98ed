//! Values and their data.

use crate::bytes::Fields;
use crate::layout::{FIRST_MINOR_WITH_BIG_DATA, NIL, SEGMENT_BYTES, vk};
use crate::{Error, Result, Value, ValueType};

use super::Reader;
use super::key::{count, stored_name};

impl Reader<'_> {
    pub(super) fn values(&mut self, list: u32, value_count: u32) -> Result<Vec<Value>> {
        if value_count == 0 {
            return Ok(Vec::new());
        }
        self.values = count("values", self.values, value_count, self.limits.max_values)?;
        let f = self.cells.take("value list", list)?;
        f.slice(0, (value_count as usize).saturating_mul(4))?;
        (0..value_count as usize)
            .map(|at| self.value(f.u32(4 * at)?))
            .collect()
    }

    fn value(&mut self, offset: u32) -> Result<Value> {
        let f = self.cells.take_record("value", offset, *b"vk")?;
        let flags = f.u16(vk::FLAGS)?;
        let name_length = f.u16(vk::NAME_LENGTH)?;
        Ok(Value {
            name: stored_name(&f, vk::NAME, name_length, flags & vk::COMPRESSED_NAME != 0)?,
            data_type: ValueType(f.u32(vk::DATA_TYPE)?),
            data: self.data(&f)?,
            flags: flags & !vk::COMPRESSED_NAME,
        })
    }

    fn data(&mut self, value: &Fields<'_>) -> Result<Vec<u8>> {
        let length = value.u32(vk::DATA_LENGTH)?;
        if length & vk::RESIDENT != 0 {
            let length = length & !vk::RESIDENT;
            if length > 4 {
                return Err(value.corrupt(format!("{length} bytes of resident data"), "at most 4"));
            }
            return Ok(value.slice(vk::DATA, length as usize)?.to_vec());
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        if length > self.limits.max_value_bytes {
            return Err(Error::Limit {
                what: "value data in bytes",
                asked: length.into(),
                limit: self.limits.max_value_bytes.into(),
            });
        }
        let f = self.cells.take("value data", value.u32(vk::DATA)?)?;
        let length = length as usize;
        let big = self.minor_version >= FIRST_MINOR_WITH_BIG_DATA && length > SEGMENT_BYTES;
        if big && f.bytes.len() < length && f.slice(0, 2)? == b"db" {
            return self.big_data(&f, length);
        }
        Ok(f.slice(0, length)?.to_vec())
    }

    fn big_data(&mut self, f: &Fields<'_>, length: usize) -> Result<Vec<u8>> {
        let segments = usize::from(f.u16(2)?);
        if segments != length.div_ceil(SEGMENT_BYTES) {
            return Err(f.corrupt(
                format!("{segments} segments"),
                "one for each 16344 bytes of the data",
            ));
        }
        let list = f.u32(4)?;
        if list == NIL {
            return Err(f.corrupt("no list of segments".to_owned(), "a list"));
        }
        let list = self.cells.take("big data segment list", list)?;
        let mut data = Vec::new();
        for at in 0..segments {
            let segment = self.cells.take("big data segment", list.u32(4 * at)?)?;
            let want = (length - data.len()).min(SEGMENT_BYTES);
            data.extend_from_slice(segment.slice(0, want)?);
        }
        Ok(data)
    }
}
