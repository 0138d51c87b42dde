//! Decimal digits, eight at a time: numbers are most of what pages of bars and streams consist of.

/// Ten to the eighth.
pub(crate) const EIGHT: u64 = 100_000_000;

/// The eight digits of a number, as they stand in memory: halves are cut into pairs, pairs into
/// digits, all at once.
#[inline]
pub(crate) fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
    (tens | ((pairs - tens * 10) << 8)) + 0x3030_3030_3030_3030
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_of_any_number() {
        for number in (0..100_000_000).step_by(9_973).chain([0, 1, 99, 100, 9_999, 10_000, 99_999_999]) {
            assert_eq!(eight_digits(number).to_le_bytes(), *format!("{number:08}").as_bytes());
        }
    }
}
