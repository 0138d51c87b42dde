//! Fields of a row, read as archives and REST write them.
//!
//! For: the fast way through a CSV or a page of klines, many digits at once. Not for: saying what is wrong with a
//! field; `None` sends its row the careful way.

use candlewick_model::number::parse_e8;
use candlewick_model::{Amount, Price};

/// The smallest price that does not fit DECIMAL(18,8).
pub(crate) const HUGE_PRICE: i64 = 1_000_000_000_000_000_000;
/// The smallest volume that does not fit DECIMAL(38,8).
pub(crate) const HUGE_AMOUNT: i128 = 10_i128.pow(38);

/// Reads fields: whole numbers end with a comma, decimals with `END`, which is one in a CSV and a
/// quotation mark in JSON.
pub(crate) struct Cursor<'a, const END: u8 = b','> {
    pub(crate) row: &'a [u8],
    /// Where the next field begins.
    pub(crate) at: usize,
}

impl<const END: u8> Cursor<'_, END> {
    /// The next eight bytes; behind the end of the row there are zeros.
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        if let Some(bytes) = self.row.get(at..at + 8) {
            return u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        }
        let mut word = [0; 8];
        let rest = self.row.get(at..).unwrap_or_default();
        word[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(word)
    }

    /// Up to sixteen digits: how many there are, and the number that they make.
    #[inline(always)]
    fn digits(&self) -> (usize, u64) {
        let (count, high) = leading_digits(self.word(self.at));
        if count < 8 {
            return (count, high);
        }
        let (more, low) = leading_digits(self.word(self.at + 8));
        (8 + more, high * POWERS_OF_TEN[more] + low)
    }

    /// A whole number without sign, of at most sixteen digits.
    #[inline(always)]
    pub(crate) fn whole(&mut self) -> Option<i64> {
        let (count, number) = self.digits();
        if count == 0 || self.row.get(self.at + count) != Some(&b',') {
            return None;
        }
        self.at += count + 1;
        Some(number.cast_signed())
    }

    /// A decimal as the exchange writes it: a point, eight digits, the end. Eleven digits before them
    /// still fit 64 bits.
    #[inline(always)]
    fn usual_decimal(&mut self) -> Option<u64> {
        let (count, whole) = self.digits();
        let (places, decimals) = leading_digits(self.word(self.at + count + 1));
        let end = self.at + count + 9;
        let is_usual = (1..=11).contains(&count)
            && places == 8
            && self.row.get(self.at + count) == Some(&b'.')
            && self.row.get(end) == Some(&END);
        if !is_usual {
            return None;
        }
        self.at = end + 1;
        Some(whole * 100_000_000 + decimals)
    }

    /// A decimal of any length; up to 19 digits are read in 64 bits.
    fn any_decimal(&mut self) -> Option<i128> {
        let start = self.at;
        let mut value: u64 = 0;
        let mut point = None;
        loop {
            let byte = *self.row.get(self.at)?;
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                value = value.wrapping_mul(10).wrapping_add(digit.into());
            } else if byte == b'.' && point.is_none() {
                point = Some(self.at);
            } else if byte == END {
                break;
            } else {
                return None;
            }
            self.at += 1;
        }
        let end = self.at;
        self.at += 1;
        let decimals = point.map_or(0, |point| end - point - 1);
        let digits = end - start - usize::from(point.is_some());
        // Long or over-precise numbers are rare; they go the careful way.
        if digits == 0 || digits > 19 || decimals > 8 {
            return parse_e8(std::str::from_utf8(&self.row[start..end]).ok()?).ok();
        }
        Some(i128::from(value) * i128::from(POWERS_OF_TEN[8 - decimals]))
    }

    /// A decimal without sign, as a count of 1e-8.
    #[inline(always)]
    pub(crate) fn decimal(&mut self) -> Option<i128> {
        match self.usual_decimal() {
            Some(units) => Some(units.into()),
            None => self.any_decimal(),
        }
    }

    /// Passes over a byte, if it is the next one.
    #[inline(always)]
    pub(crate) fn pass(&mut self, byte: u8) -> Option<()> {
        (self.row.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    #[inline(always)]
    pub(crate) fn price(&mut self) -> Option<Price> {
        let units = match self.usual_decimal() {
            Some(units) => i64::try_from(units).ok()?,
            None => i64::try_from(self.any_decimal()?).ok()?,
        };
        (units < HUGE_PRICE).then_some(Price::from_units(units))
    }

    #[inline(always)]
    pub(crate) fn amount(&mut self) -> Option<Amount> {
        let units = self.decimal()?;
        (units < HUGE_AMOUNT).then_some(Amount::from_units(units))
    }
}

const POWERS_OF_TEN: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many of eight bytes are digits before any other, and the number that they make, all at
/// once: neighbours are joined to pairs, pairs to fours, fours to the whole.
#[inline(always)]
fn leading_digits(text: u64) -> (usize, u64) {
    let values = text ^ 0x3030_3030_3030_3030;
    // The highest bit of each byte that is no digit. What a sum carries on comes behind one.
    let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
    let count = others.trailing_zeros() / 8;
    // The digits move to the end, zeros come before them.
    let digits = values.checked_shl(64 - 8 * count).unwrap_or(0);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let odd = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let even = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    (count as usize, odd.wrapping_add(even) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_all_at_once(bytes: [u8; 8], number in "[0-9]{0,8}", other in "[^0-9]") {
            let counted = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            prop_assert_eq!(leading_digits(u64::from_le_bytes(bytes)).0, counted);
            let mut text = [number.as_bytes(), other.as_bytes(), &bytes].concat();
            text.truncate(8);
            let expected = (number.len(), number.parse().unwrap_or(0));
            prop_assert_eq!(leading_digits(u64::from_le_bytes(text.try_into().unwrap())), expected);
        }
    }
}
