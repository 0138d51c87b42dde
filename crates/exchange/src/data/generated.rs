//! Which markets a generated exchange has: names, prices, times of listing and delisting.

use std::ops::Range;
use std::str::FromStr;

use candlewick_model::{Asset, Interval, Price, Quantity, Symbol, Timestamp};

use crate::MarketPlan;

/// A market that is to be generated: `ETHUSDT`, `ARBUSDT@2023-03-23T15:00:00Z`,
/// `LUNAUSDT@..2022-05-13`: listed and delisted at other times than the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketName {
    /// Its name.
    pub symbol: Symbol,
    /// When it is listed, if not from the beginning.
    pub from: Option<Timestamp>,
    /// When it is delisted, if it is.
    pub to: Option<Timestamp>,
}

/// A text that names no market to be generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no market; write a symbol, or SYMBOL@FROM..TO with days or times in UTC, either of them optional")]
pub struct MarketNameError {
    text: String,
}

impl FromStr for MarketName {
    type Err = MarketNameError;

    fn from_str(text: &str) -> Result<Self, MarketNameError> {
        let wrong = || MarketNameError { text: text.to_owned() };
        let (symbol, span) = text.split_once('@').unwrap_or((text, ""));
        let (from, to) = span.split_once("..").unwrap_or((span, ""));
        let time = |text: &str| match text {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| wrong()),
        };
        let is_name = !symbol.is_empty() && symbol.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !is_name {
            return Err(wrong());
        }
        Ok(Self { symbol: symbol.parse().map_err(|_| wrong())?, from: time(from)?, to: time(to)? })
    }
}

impl MarketName {
    /// The first so many markets of a made-up exchange; some are listed late, some delisted.
    #[must_use]
    pub fn first(count: usize, range: &Range<Timestamp>) -> Vec<Self> {
        let length = range.end.micros() - range.start.micros();
        // Days are whole, so that most archives are.
        let part = |of: i64| Interval::OneDay.open_at(range.start.plus(length / 100 * of));
        let name = |at: usize| {
            let known = KNOWN.get(at).map_or_else(|| format!("C{at:04}"), |(base, _)| (*base).to_owned());
            let symbol = Symbol::new(&format!("{known}USDT")).expect("a short name");
            let from = (at % 7 == 5).then(|| part(10 + (at as i64 * 13) % 50));
            let to = (at % 11 == 9).then(|| part(65 + (at as i64 * 7) % 30));
            Self { symbol, from, to }
        };
        (0..count).map(name).collect()
    }

    /// The market's plan within the exchange's time.
    #[must_use]
    pub fn plan(&self, seed: u64, interval: Interval, range: &Range<Timestamp>) -> MarketPlan {
        let (base, quote) = assets(self.symbol);
        let price = KNOWN
            .iter()
            .find(|(name, _)| *name == base.as_str())
            .map_or_else(|| 10_000_000 * (1 + (hash(seed, self.symbol.as_str()) % 1_000) as i64), |(_, price)| *price);
        let market = MarketPlan::bitcoin(seed, interval, range.start, range.end);
        let bitcoin = market.first_price.units();
        let (from, to) = (self.from.unwrap_or(range.start), self.to.unwrap_or(range.end));
        MarketPlan {
            seed: if base.as_str() == "BTC" { seed } else { hash(seed, self.symbol.as_str()) },
            symbol: self.symbol,
            base_asset: base,
            quote_asset: quote,
            from: interval.open_at(from.max(range.start)),
            to: to.min(range.end),
            first_price: Price::from_units(price),
            tick: Price::from_units(power_of_ten(price / 1_000_000)),
            step: Quantity::from_units(power_of_ten(bitcoin / price.min(bitcoin) * 1_000)),
            minute_volume: (60 * bitcoin / price).unsigned_abs().max(1),
            liquidity: if price == bitcoin { 10_000 } else { 300 + (hash(seed, quote.as_str()) % 3_000) as u32 },
            ..market
        }
    }
}

/// Base assets with a price that one of them once had, in 1e-8.
const KNOWN: [(&str, i64); 12] = [
    ("BTC", 2_300_000_000_000),
    ("ETH", 160_000_000_000),
    ("BNB", 30_000_000_000),
    ("SOL", 2_400_000_000),
    ("XRP", 38_000_000),
    ("ARB", 130_000_000),
    ("ADA", 35_000_000),
    ("DOGE", 7_500_000),
    ("SHIB", 1_100),
    ("LUNA", 160_000_000),
    ("LTC", 9_500_000_000),
    ("PEPE", 200),
];

/// Assets that others are paid in.
const QUOTES: [&str; 14] =
    ["FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "JPY", "DAI", "USD"];

/// Splits a symbol's name into what is bought and what is paid, as well as a name tells it.
pub(super) fn assets(symbol: Symbol) -> (Asset, Asset) {
    let name = symbol.as_str();
    let quote = QUOTES.into_iter().find(|quote| name.len() > quote.len() && name.ends_with(quote));
    let quote = quote.unwrap_or_else(|| name.char_indices().nth(3).map_or("", |(at, _)| &name[at..]));
    let asset = |text: &str| text.parse().unwrap_or_default();
    (asset(name.strip_suffix(quote).unwrap_or(name)), asset(quote))
}

/// The largest power of ten that is not above a number; 1 below 10.
fn power_of_ten(number: i64) -> i64 {
    std::iter::successors(Some(1_i64), |power| power.checked_mul(10)).take_while(|p| *p <= number).last().unwrap_or(1)
}

/// FNV-1a: the same on every machine.
pub(super) fn hash(seed: u64, text: &str) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range() -> Range<Timestamp> {
        "2023-03-01".parse().unwrap().."2023-03-05".parse().unwrap()
    }

    #[test]
    fn names_with_times() {
        let name: MarketName = "ARBUSDT@2023-03-23T15:00:00Z..2023-04-01".parse().unwrap();
        assert_eq!(name.from.unwrap().to_string(), "2023-03-23T15:00:00Z");
        assert_eq!(name.to.unwrap().to_string(), "2023-04-01T00:00:00Z");
        assert_eq!("ETHUSDT".parse::<MarketName>().unwrap().from, None);
        assert_eq!("X@..2023-04-01".parse::<MarketName>().unwrap().to, name.to);
        for wrong in ["", "btcusdt", "A@x", "A@2023-13-01", "A B"] {
            assert!(wrong.parse::<MarketName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_split() {
        for (name, base, quote) in [("BTCUSDT", "BTC", "USDT"), ("ETHBTC", "ETH", "BTC"), ("ABCXYZ", "ABC", "XYZ")] {
            let (b, q) = assets(name.parse().unwrap());
            assert_eq!((b.as_str(), q.as_str()), (base, quote));
        }
    }

    #[test]
    fn every_price_level_gives_consistent_bars() {
        let names = MarketName::first(40, &range());
        for name in &names {
            let bars = name.plan(1, Interval::OneHour, &range()).bars();
            assert!(bars.iter().all(|bar| bar.check().is_ok()), "{name:?}");
        }
        assert!(names.iter().any(|name| name.from.is_some()) && names.iter().any(|name| name.to.is_some()));
        let cheap: MarketName = "PEPEUSDT".parse().unwrap();
        let bars = cheap.plan(1, Interval::OneDay, &range()).bars();
        assert!(bars.volume.at(0).units() > i128::from(i64::MAX), "more than 64 bits of 1e-8 hold");
    }

    #[test]
    fn bitcoin_is_the_market_of_the_demo() {
        let bitcoin: MarketName = "BTCUSDT".parse().unwrap();
        let plan = bitcoin.plan(7, Interval::OneMinute, &range());
        assert_eq!(plan, MarketPlan::bitcoin(7, Interval::OneMinute, range().start, range().end));
    }
}
