//! Lists of subkeys: `li`, `lf`, `lh`, and `ri`, a list of lists.

use crate::Result;
use crate::bytes::Fields;
use crate::layout::NIL;

use super::Reader;

impl Reader<'_> {
    /// Offsets of the subkeys of the key node `node`, in stored order.
    pub(super) fn subkey_offsets(&mut self, node: &Fields<'_>, list: u32, count: u32) -> Result<Vec<u32>> {
        let mut offsets = Vec::new();
        if count == 0 || list == NIL {
            if count != 0 {
                return Err(node.corrupt(format!("{count} subkeys without a list"), "a list of them"));
            }
            return Ok(offsets);
        }
        let f = self.cells.take("subkey list", list)?;
        if f.slice(0, 2)? == b"ri" {
            for at in 0..usize::from(f.u16(2)?) {
                let leaf = self.cells.take("subkey list", f.u32(4 + 4 * at)?)?;
                leaf_offsets(&leaf, &mut offsets)?;
            }
        } else {
            leaf_offsets(&f, &mut offsets)?;
        }
        if offsets.len() as u64 != u64::from(count) {
            return Err(f.corrupt(
                format!("{} elements", offsets.len()),
                "as many as the key node has subkeys",
            ));
        }
        Ok(offsets)
    }
}

fn leaf_offsets(f: &Fields<'_>, offsets: &mut Vec<u32>) -> Result<()> {
    let signature = f.slice(0, 2)?;
    let element_bytes = match signature {
        b"lf" | b"lh" => 8,
        b"li" => 4,
        _ => {
            let found = format!("{:?}", signature.escape_ascii().to_string());
            return Err(f.corrupt(found, "\"lf\", \"lh\", \"li\", or \"ri\" at the top"));
        }
    };
    for at in 0..usize::from(f.u16(2)?) {
        offsets.push(f.u32(4 + element_bytes * at)?);
    }
    Ok(())
}
