//! Numbers as few characters as a page can carry: variable-length integers in base64.
//!
//! For: series inside the page, which its script decodes. Not for: files that others read.

/// A growing row of integers.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
}

impl Packed {
    /// Adds a number: seven bits a byte, lowest first, the sign in the lowest bit.
    pub(crate) fn push(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        while rest >= 0x80 {
            self.bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// Adds a column as differences from value to value.
    pub(crate) fn push_differences(&mut self, values: impl Iterator<Item = i64>) {
        let mut before = 0;
        for value in values {
            self.push(value - before);
            before = value;
        }
    }

    /// All of it as base64 with padding.
    pub(crate) fn base64(&self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::with_capacity(self.bytes.len().div_ceil(3) * 4);
        for chunk in self.bytes.chunks(3) {
            let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for i in 0..4 {
                let sextet = (bits >> (18 - 6 * i) & 63) as usize;
                text.push(if i <= chunk.len() { char::from(ALPHABET[sextet]) } else { '=' });
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        for (plain, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(Packed { bytes: plain.into() }.base64(), text);
        }
    }

    #[test]
    fn small_numbers_take_one_byte() {
        let mut packed = Packed::default();
        for value in [0, -1, 1, 63, -64, 64, 300] {
            packed.push(value);
        }
        assert_eq!(packed.bytes, [0, 1, 2, 126, 127, 0x80, 1, 0xd8, 4]);
        let mut extremes = Packed::default();
        extremes.push(i64::MIN);
        extremes.push(i64::MAX);
        assert_eq!(extremes.bytes.len(), 20);
    }
}
