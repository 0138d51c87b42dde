//! Fixed-point numbers at the exchange's own resolution of 1e-8.
//!
//! For: prices, quantities and sums of money, exact and checked. Not for: indicators and
//! statistics (those are `f64`), nor for arithmetic that users configure (`rust_decimal`).
//!
//! The unit of every integer here is 1e-8. Rounding is a word in a function's name; a result
//! that does not fit is `None`, never a wrapped number.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Decimal places that every number of this module carries.
pub const SCALE: u32 = 8;
/// One, in units of 1e-8.
pub const ONE: i64 = 100_000_000;

/// Why a text is no number of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// There is no digit at all.
    #[error("empty number")]
    Empty,
    /// A character that is no digit stands where none may, or there are two points.
    #[error("not a plain decimal number")]
    Malformed,
    /// A digit other than zero stands behind the eighth decimal.
    #[error("more than 8 decimals")]
    Precision,
    /// The value does not fit.
    #[error("number out of range")]
    Range,
}

/// Reads `123`, `-1.5`, `.5`, `1.50000000000` as a count of 1e-8. No exponent, no plus sign,
/// no white space. Zeros behind the eighth decimal are let pass, other digits there are not.
pub fn parse_e8(text: &str) -> Result<i128, NumberError> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first() {
        None => return Err(NumberError::Empty),
        Some((b'-', rest)) => (true, rest),
        Some(_) => (false, bytes),
    };
    let mut value: i128 = 0;
    let mut decimals: Option<u32> = None;
    let mut seen = false;
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                let digit = i128::from(byte - b'0');
                match decimals {
                    Some(SCALE) if digit != 0 => return Err(NumberError::Precision),
                    Some(SCALE) => continue,
                    Some(places) => decimals = Some(places + 1),
                    None => {}
                }
                value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or(NumberError::Range)?;
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return Err(NumberError::Malformed),
        }
    }
    if !seen {
        return Err(if digits.is_empty() { NumberError::Empty } else { NumberError::Malformed });
    }
    let missing = SCALE - decimals.unwrap_or(0);
    let value = value.checked_mul(10_i128.pow(missing)).ok_or(NumberError::Range)?;
    Ok(if negative { -value } else { value })
}

/// How long a number can be with eight decimals: 31 digits before them, a point, a sign.
const WRITTEN_MAX: usize = 48;

/// A number with eight decimals, as text.
struct Written {
    bytes: [u8; WRITTEN_MAX],
    from: usize,
}

impl Written {
    fn of(value: i128) -> Self {
        let mut written = Self { bytes: [b'0'; WRITTEN_MAX], from: WRITTEN_MAX };
        let magnitude = value.unsigned_abs();
        match u64::try_from(magnitude) {
            Ok(small) => {
                written.put(small % ONE.unsigned_abs(), 8);
                written.put_byte(b'.');
                written.put(small / ONE.unsigned_abs(), 1);
            }
            // Divisions of 128 bits are slow, and few numbers need them.
            Err(_) => {
                let one = u128::from(ONE.unsigned_abs());
                let (mut whole, decimals) = (magnitude / one, (magnitude % one) as u64);
                written.put(decimals, 8);
                written.put_byte(b'.');
                while let Some(rest) = whole.checked_div(one).filter(|rest| *rest > 0) {
                    written.put((whole % one) as u64, 8);
                    whole = rest;
                }
                written.put(whole as u64, 1);
            }
        }
        if value < 0 {
            written.put_byte(b'-');
        }
        written
    }

    fn put_byte(&mut self, byte: u8) {
        self.from -= 1;
        self.bytes[self.from] = byte;
    }

    /// Digits in front of what is there, so many at least.
    fn put(&mut self, mut number: u64, least: usize) {
        let end = self.from;
        while number > 0 || end - self.from < least {
            self.put_byte(b'0' + (number % 10) as u8);
            number /= 10;
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.from..]).expect("digits, a point and a sign")
    }
}

fn to_decimal(value: i128) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(value, SCALE).ok()
}

fn from_decimal(decimal: Decimal) -> Result<i128, NumberError> {
    let d = decimal.normalize();
    if d.scale() > SCALE {
        return Err(NumberError::Precision);
    }
    d.mantissa().checked_mul(10_i128.pow(SCALE - d.scale())).ok_or(NumberError::Range)
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name($int);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value that fits.
            pub const MAX: Self = Self(<$int>::MAX);

            /// From a count of 1e-8.
            #[must_use]
            #[inline]
            pub const fn from_units(units: $int) -> Self {
                Self(units)
            }
            /// The count of 1e-8.
            #[must_use]
            #[inline]
            pub const fn units(self) -> $int {
                self.0
            }
            /// Whether this is zero.
            #[must_use]
            #[inline]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
            /// Sum, or `None` where it does not fit.
            #[must_use]
            #[inline]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(v) => Some(Self(v)),
                    None => None,
                }
            }
            /// Difference, or `None` where it does not fit.
            #[must_use]
            #[inline]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(v) => Some(Self(v)),
                    None => None,
                }
            }
            /// From a decimal of the borders; more than 8 decimals is an error.
            pub fn from_decimal(decimal: Decimal) -> Result<Self, NumberError> {
                from_decimal(decimal)?.try_into().map(Self).map_err(|_| NumberError::Range)
            }
            /// As a decimal for the borders; `None` beyond its 96 bits.
            #[must_use]
            pub fn to_decimal(self) -> Option<Decimal> {
                to_decimal(self.0.into())
            }
            /// The nearest float, for indicators and statistics only.
            #[must_use]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / ONE as f64
            }
        }

        impl FromStr for $name {
            type Err = NumberError;
            fn from_str(text: &str) -> Result<Self, NumberError> {
                parse_e8(text)?.try_into().map(Self).map_err(|_| NumberError::Range)
            }
        }

        impl fmt::Display for $name {
            /// Eight decimals, as the exchange writes them.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Written::of(self.0.into()).as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(Written::of(self.0.into()).as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
            }
        }
    };
}

number! {
    /// A price in quote asset for one unit of base asset.
    Price, i64
}
number! {
    /// A quantity of base asset, as orders carry it.
    Quantity, i64
}
number! {
    /// A sum of some asset: balances, notionals, volumes of a bar.
    Amount, i128
}

impl From<Quantity> for Amount {
    fn from(quantity: Quantity) -> Self {
        Self(quantity.0.into())
    }
}

impl Amount {
    /// Rounds towards zero to `places` decimals (8 or more leaves it as it is).
    #[must_use]
    #[inline]
    pub const fn truncate_to(self, places: u32) -> Self {
        if places >= SCALE {
            return self;
        }
        let unit = 10_i128.pow(SCALE - places);
        Self(self.0 - self.0 % unit)
    }

    /// What so much quote asset comes to in base asset, rounded down at 1e-8; nothing at a price
    /// of zero, or where it does not fit.
    #[must_use]
    pub fn divided_by_floor(self, price: Price) -> Self {
        let value = self.0.checked_mul(ONE.into()).and_then(|units| units.checked_div(price.0.into()));
        Self(value.unwrap_or(0))
    }

    /// This amount times `rate` (1e-8), rounded down. Both must not be negative.
    #[must_use]
    #[inline]
    pub fn times_rate_floor(self, rate: Rate) -> Self {
        assert!(self.0 >= 0, "a rate applies to amounts that are not negative");
        match i64::try_from(self.0) {
            Ok(small) => Self(product_floor(small, rate.0)),
            Err(_) => {
                let one = i128::from(ONE);
                let (whole, rest) = (self.0 / one, self.0 % one);
                Self(whole * i128::from(rate.0) + rest * i128::from(rate.0) / one)
            }
        }
    }
}

number! {
    /// A share or a rate: 0.001 is ten basis points.
    Rate, i64
}

/// ⌊a × b⌋ of two numbers at 1e-8 that are not negative, without a 128-bit division: the
/// integral and fractional parts are multiplied apart, and only the product of the two
/// fractions (below 1e16) is divided.
#[must_use]
#[inline]
pub const fn product_floor(a: i64, b: i64) -> i128 {
    assert!(a >= 0 && b >= 0, "a product of money that is negative");
    let (a_whole, a_part) = (a / ONE, a % ONE);
    let (b_whole, b_part) = (b / ONE, b % ONE);
    (a_whole as i128) * (b as i128) + (a_part as i128) * (b_whole as i128) + (a_part * b_part / ONE) as i128
}

impl Price {
    /// Price × quantity, rounded down at 1e-8. Both must not be negative.
    #[must_use]
    #[inline]
    pub const fn notional_floor(self, quantity: Quantity) -> Amount {
        Amount(product_floor(self.0, quantity.0))
    }

    /// Rounded down to a multiple of `tick`; a tick of zero changes nothing.
    #[must_use]
    #[inline]
    pub const fn floor_to(self, tick: Self) -> Self {
        if tick.0 == 0 { self } else { Self(self.0 - self.0 % tick.0) }
    }

    /// Rounded up to a multiple of `tick`; `None` where it does not fit.
    #[must_use]
    #[inline]
    pub const fn ceil_to(self, tick: Self) -> Option<Self> {
        let floor = self.floor_to(tick);
        if floor.0 == self.0 { Some(self) } else { floor.checked_add(tick) }
    }
}

impl Quantity {
    /// Rounded down to a multiple of `step`; a step of zero changes nothing.
    #[must_use]
    #[inline]
    pub const fn floor_to(self, step: Self) -> Self {
        if step.0 == 0 { self } else { Self(self.0 - self.0 % step.0) }
    }

    /// The smaller of the amount and the largest quantity there is; negative amounts are zero.
    #[must_use]
    #[inline]
    pub fn from_amount_saturating(amount: Amount) -> Self {
        Self(amount.0.clamp(0, i64::MAX.into()) as i64)
    }

    /// How much base asset `money` buys at `price`, rounded down at 1e-8; `None` if the price
    /// is zero or the quantity does not fit.
    #[must_use]
    pub fn bought_floor(money: Amount, price: Price) -> Option<Self> {
        if price.0 <= 0 || money.0 < 0 {
            return None;
        }
        let units = money.0.checked_mul(ONE.into())? / i128::from(price.0);
        i64::try_from(units).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_of_the_exchange() {
        for (text, units) in [
            ("0.00000001", 1),
            ("16541.77000000", 1_654_177_000_000),
            ("92233720368.00000000", 9_223_372_036_800_000_000),
            ("1", ONE.into()),
            (".5", 50_000_000),
            ("5.", 5 * i128::from(ONE)),
            ("-0.5", -50_000_000),
            ("1.100000000000", 110_000_000),
        ] {
            assert_eq!(parse_e8(text), Ok(units), "{text}");
        }
        for (text, error) in [
            ("", NumberError::Empty),
            ("-", NumberError::Empty),
            (".", NumberError::Malformed),
            ("1e5", NumberError::Malformed),
            ("NaN", NumberError::Malformed),
            ("+1", NumberError::Malformed),
            (" 1", NumberError::Malformed),
            ("1.2.3", NumberError::Malformed),
            ("0.000000001", NumberError::Precision),
            ("999999999999999999999999999999999999999", NumberError::Range),
        ] {
            assert_eq!(parse_e8(text), Err(error), "{text}");
        }
        assert_eq!("92233720369".parse::<Price>(), Err(NumberError::Range));
    }

    #[test]
    fn numbers_of_any_size_are_written() {
        let one = i128::from(ONE);
        let bounds =
            [0, 1, one - 1, one, 10 * one, u64::MAX.into(), i128::from(u64::MAX) + 1, one * one, one * one * one];
        for units in bounds.into_iter().flat_map(|n| [n, -n, n - 1, n * 7 + 3]).chain([i128::MAX, i128::MIN]) {
            let (sign, magnitude) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
            let expected = format!("{sign}{}.{:08}", magnitude / one.unsigned_abs(), magnitude % one.unsigned_abs());
            let amount = Amount::from_units(units);
            assert_eq!(
                (amount.to_string(), serde_json::json!(amount)),
                (expected.clone(), serde_json::json!(expected))
            );
        }
    }

    #[test]
    fn a_bar_of_pepe_does_not_fit_64_bits() {
        let volume: Amount = "12345678901234.00000000".parse().unwrap();
        assert!(i64::try_from(volume.units()).is_err());
    }

    #[test]
    fn truncation_goes_towards_zero() {
        let amount: Amount = "1.23999999".parse().unwrap();
        assert_eq!(amount.truncate_to(2).to_string(), "1.23000000");
        assert_eq!(Amount::from_units(-199).truncate_to(6).units(), -100);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(units in any::<i64>()) {
            let price = Price::from_units(units);
            prop_assert_eq!(price.to_string().parse::<Price>(), Ok(price));
            let amount = Amount::from_units(i128::from(units) * 977);
            prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        }

        #[test]
        fn products_equal_long_division(a in 0..=i64::MAX, b in 0..=i64::MAX) {
            let exact = i128::from(a) * i128::from(b) / i128::from(ONE);
            prop_assert_eq!(product_floor(a, b), exact);
        }

        #[test]
        fn decimals_come_back(units in any::<i64>()) {
            let price = Price::from_units(units);
            let decimal = price.to_decimal().unwrap();
            prop_assert_eq!(Price::from_decimal(decimal), Ok(price));
        }

        #[test]
        fn rates_never_round_up(units in 0..i128::MAX / 1_000_000_000, rate in 0..ONE) {
            let part = Amount::from_units(units).times_rate_floor(Rate::from_units(rate)).units();
            prop_assert!(part <= units);
            let (one, rate) = (i128::from(ONE), i128::from(rate));
            if let Some(exact) = units.checked_mul(rate) {
                prop_assert_eq!(part, exact / one);
            }
        }

        #[test]
        fn what_money_buys_costs_no_more(money in 0..i64::MAX, price in 1..i64::MAX) {
            let money = Amount::from_units(money.into());
            if let Some(quantity) = Quantity::bought_floor(money, Price::from_units(price)) {
                prop_assert!(Price::from_units(price).notional_floor(quantity) <= money);
            }
        }
    }
}
