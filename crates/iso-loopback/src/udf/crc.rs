//! CRC-16 of descriptor tags: polynomial 0x1021, initial value 0 (ECMA-167, 3/7.2.6 and UDF 2.60, 2.2.1).

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 {
                (crc << 1) ^ 0x1021
            } else {
                crc << 1
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

pub(super) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, &byte| {
        let index = (crc >> 8) as u8 ^ byte;
        (crc << 8) ^ TABLE.get(usize::from(index)).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_value_of_ecma_167() {
        assert_eq!(super::crc16(&[0x70, 0x6a, 0x77]), 0x3299);
    }
}
