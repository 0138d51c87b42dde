//! Names of streams, as the exchange documents them: `btcusdt@kline_1m`, `!miniTicker@arr`.
//!
//! For: what a name asks for. Not for: whether the market is there. Case counts everywhere, and
//! symbols are in lower case; what has no meaning is accepted by the exchange and never says
//! anything, so it is `None` here and no error. Retired streams (`!ticker@arr`, `!bookTicker`)
//! have no meaning any more.

use candlewick_model::Interval;
use candlewick_model::time::{DAY, HOUR, SECOND};

use crate::data::aggregate::{Grid, time_zone};

/// What a stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Trade,
    JoinedTrade,
    Bars(Grid),
    Ticker(Ticker),
    BestPrices,
    AveragePrice,
    ReferencePrice,
    /// So many of the best levels, at most every so many microseconds.
    Levels(usize, i64),
    /// Changes of the book, at most every so many microseconds.
    Changes(i64),
}

/// What of a window is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticker {
    /// 24 hours, prices and volumes.
    Mini,
    /// 24 hours, everything.
    Day,
    /// A window that begins on a minute.
    Window(Window),
}

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) name: &'static str,
    pub(crate) length_us: i64,
}

const WINDOWS: [Window; 3] = [
    Window { name: "1h", length_us: HOUR },
    Window { name: "4h", length_us: 4 * HOUR },
    Window { name: "1d", length_us: DAY },
];

const SLOW: i64 = SECOND;
const FAST: i64 = SECOND / 10;

/// A stream by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream<'a> {
    /// Of one market, by its symbol in lower case.
    Market(&'a str, Kind),
    /// Of all markets, in an array, at most every so many microseconds.
    All(Ticker, i64),
}

impl<'a> Stream<'a> {
    /// Reads a name; `None` where it means nothing.
    pub(crate) fn read(name: &'a str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix('!') {
            let (kind, speed) = rest.split_once("@arr")?;
            let ticker = match kind {
                "miniTicker" => Ticker::Mini,
                other => Ticker::Window(window(other)?),
            };
            // Speeds of old, which clients still ask for.
            let speed_us = match speed {
                "" | "@1000ms" => SLOW,
                "@3000ms" => 3 * SLOW,
                _ => return None,
            };
            return Some(Self::All(ticker, speed_us));
        }
        let (symbol, kind) = name.split_once('@')?;
        kind_of(kind).map(|kind| Self::Market(symbol, kind))
    }
}

fn kind_of(text: &str) -> Option<Kind> {
    Some(match text {
        "trade" => Kind::Trade,
        "aggTrade" => Kind::JoinedTrade,
        "bookTicker" => Kind::BestPrices,
        "avgPrice" => Kind::AveragePrice,
        "referencePrice" => Kind::ReferencePrice,
        "miniTicker" => Kind::Ticker(Ticker::Mini),
        "ticker" => Kind::Ticker(Ticker::Day),
        _ => {
            let grid = text.strip_prefix("kline_").and_then(grid).map(Kind::Bars);
            let depth = || text.strip_prefix("depth").and_then(depth);
            return grid.or_else(depth).or_else(|| window(text).map(|window| Kind::Ticker(Ticker::Window(window))));
        }
    })
}

/// `1m`, `1d@+08:00`. The documents have that one time zone.
fn grid(text: &str) -> Option<Grid> {
    let (interval, zone) = text.split_once('@').map_or((text, None), |(interval, zone)| (interval, Some(zone)));
    let interval = Interval::ALL.into_iter().find(|known| known.rest_name() == interval)?;
    let offset_us = match zone {
        None => 0,
        Some(zone) => time_zone(zone).filter(|_| zone == "+08:00")?,
    };
    Some(Grid { interval, offset_us })
}

/// What follows `depth`: levels if any, speed if any.
fn depth(text: &str) -> Option<Kind> {
    let (levels, speed) = text.split_once('@').map_or((text, None), |(levels, speed)| (levels, Some(speed)));
    let speed_us = match speed {
        None | Some("1000ms") => SLOW,
        Some("100ms") => FAST,
        Some(_) => return None,
    };
    match levels {
        "" => Some(Kind::Changes(speed_us)),
        "5" => Some(Kind::Levels(5, speed_us)),
        "10" => Some(Kind::Levels(10, speed_us)),
        "20" => Some(Kind::Levels(20, speed_us)),
        _ => None,
    }
}

/// `ticker_1h`.
fn window(text: &str) -> Option<Window> {
    let name = text.strip_prefix("ticker_")?;
    WINDOWS.into_iter().find(|window| window.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str) -> Option<Kind> {
        kind_of(kind)
    }

    #[test]
    fn documented_names() {
        let utc = |interval| Some(Kind::Bars(Grid::utc(interval)));
        for interval in Interval::ALL {
            assert_eq!(of(&format!("kline_{}", interval.rest_name())), utc(interval));
            let shifted = Grid { interval, offset_us: 8 * HOUR };
            assert_eq!(of(&format!("kline_{}@+08:00", interval.rest_name())), Some(Kind::Bars(shifted)));
        }
        assert_eq!(
            [of("depth"), of("depth@1000ms"), of("depth@100ms")].map(Option::unwrap),
            [SLOW, SLOW, FAST].map(Kind::Changes)
        );
        assert_eq!(of("depth20@100ms"), Some(Kind::Levels(20, FAST)));
        assert_eq!(of("depth5"), Some(Kind::Levels(5, SLOW)));
        assert_eq!(of("ticker_4h"), Some(Kind::Ticker(Ticker::Window(WINDOWS[1]))));
        assert_eq!(Stream::read("btcusdt@ticker"), Some(Stream::Market("btcusdt", Kind::Ticker(Ticker::Day))));
        assert_eq!(Stream::read("!miniTicker@arr"), Some(Stream::All(Ticker::Mini, SLOW)));
        assert_eq!(Stream::read("!miniTicker@arr@3000ms"), Some(Stream::All(Ticker::Mini, 3 * SLOW)));
        assert_eq!(Stream::read("!ticker_1d@arr"), Some(Stream::All(Ticker::Window(WINDOWS[2]), SLOW)));
    }

    #[test]
    fn what_means_nothing() {
        for name in [
            "",
            "0",
            "1",
            "btcusdt",
            "!ticker@arr",
            "!bookTicker",
            "!miniTicker",
            "!miniTicker@arr@",
            "!miniTicker@array",
            "!ticker_2h@arr",
            "!",
            "@",
            "btcusdt@",
            "btcusdt@Trade",
            "btcusdt@kline_1mo",
            "btcusdt@kline_1m@",
            "btcusdt@kline_1m@+07:00",
            "btcusdt@kline_",
            "btcusdt@depth7",
            "btcusdt@depth@50ms",
            "btcusdt@depth5@",
            "btcusdt@blockTrade",
            "btcusdt@ticker_1w",
        ] {
            assert_eq!(Stream::read(name), None, "{name}");
        }
    }
}
