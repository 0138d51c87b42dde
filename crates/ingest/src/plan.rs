//! What to fetch: symbols and datasets, and for each of them a range cut into the lake's files.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use candlewick_binance::archive::Dataset;
use candlewick_lake::{SeriesName, TradeSeries, TradeTable};
use candlewick_model::{Period, Symbol, Timestamp};

/// Something that the lake keeps: bars or trades of one market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Which market.
    pub symbol: Symbol,
    /// What of it.
    pub dataset: Dataset,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.dataset {
            Dataset::Klines(interval) => write!(f, "{} {interval}", self.symbol),
            Dataset::AggTrades => write!(f, "{} agg_trades", self.symbol),
            Dataset::Trades => write!(f, "{} trades", self.symbol),
        }
    }
}

impl Target {
    /// A series of bars.
    #[must_use]
    pub fn of(SeriesName { symbol, interval }: SeriesName) -> Self {
        Self { symbol, dataset: Dataset::Klines(interval) }
    }

    /// The series of bars, if it is one.
    #[must_use]
    pub fn bars(&self) -> Option<SeriesName> {
        match self.dataset {
            Dataset::Klines(interval) => Some(SeriesName { symbol: self.symbol, interval }),
            Dataset::AggTrades | Dataset::Trades => None,
        }
    }

    /// The table of trades, if it is one.
    #[must_use]
    pub fn trades(&self) -> Option<TradeSeries> {
        let table = match self.dataset {
            Dataset::Klines(_) => return None,
            Dataset::AggTrades => TradeTable::AggTrades,
            Dataset::Trades => TradeTable::Trades,
        };
        Some(TradeSeries { symbol: self.symbol, table })
    }
}

/// Years that candles of Spot can be of. Times outside of them are refused in archives too.
const YEARS: RangeInclusive<i32> = 2017..=2099;

/// A range that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It holds nothing.
    #[error("the range is empty: {from} comes after {to}; give the earlier one to --from")]
    Empty {
        /// First month or day.
        from: Period,
        /// Last month or day.
        to: Period,
    },
    /// It reaches to where no candles can be.
    #[error("{period} is outside of the years {} to {}, in which Spot candles can be", YEARS.start(), YEARS.end())]
    Year {
        /// The end that does.
        period: Period,
    },
}

/// Which times are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Whole days for which archives are looked for.
    pub days: Range<Timestamp>,
    /// Up to when bars are wanted: the end of the days, or now.
    pub end: Timestamp,
}

impl Span {
    /// From the first instant of `from` to the last of `to`.
    pub fn new(from: Period, to: Period) -> Result<Self, PlanError> {
        let (start, end) = (from.range().start, to.range().end);
        if let Some(period) = [from, to].into_iter().find(|period| !YEARS.contains(&period.year())) {
            return Err(PlanError::Year { period });
        }
        if start >= end {
            return Err(PlanError::Empty { from, to });
        }
        Ok(Self { days: start..end, end })
    }

    /// From the first instant of `from` to now. Archives come out when their day is over.
    pub fn until_now(from: Period, now: Timestamp) -> Result<Self, PlanError> {
        let today = Period::day_of(now);
        let Self { days, .. } = Self::new(from, today)?;
        Ok(Self { days: days.start..today.range().start.max(days.start), end: now })
    }

    /// The part of it that is over.
    #[must_use]
    pub fn past(&self, now: Timestamp) -> Range<Timestamp> {
        self.days.start..self.end.min(now)
    }

    /// The months that lie in it whole, and the single days of the others, by the file of the
    /// lake that holds them: a year's or a month's.
    #[must_use]
    pub fn units(&self, is_yearly: bool) -> Vec<Vec<Period>> {
        let Range { start, end } = self.days;
        let mut units: BTreeMap<Period, Vec<Period>> = BTreeMap::new();
        let mut at = start;
        while at < end {
            let month = Period::day_of(at).month();
            let whole = month.range().start == at && month.range().end <= end;
            let periods: Vec<_> = if whole {
                vec![month]
            } else {
                month.days().filter(|day| day.range().start >= start && day.range().end <= end).collect()
            };
            let file = if is_yearly { Period::Month { year: month.year(), month: 1 } } else { month };
            units.entry(file).or_default().extend(periods);
            at = month.range().end;
        }
        units.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(is_yearly: bool, from: &str, to: &str) -> Vec<Vec<String>> {
        let span = Span::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        span.units(is_yearly).iter().map(|unit| unit.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn whole_months_whole_and_the_rest_by_days() {
        assert_eq!(units(false, "2023-01", "2023-02"), [["2023-01"], ["2023-02"]]);
        assert_eq!(
            units(false, "2023-01-30", "2023-02-02"),
            [["2023-01-30", "2023-01-31"], ["2023-02-01", "2023-02-02"]]
        );
        assert_eq!(units(false, "2023-02-01", "2023-02-28"), [["2023-02"]]);
        assert_eq!(units(true, "2023-11", "2024-01-01"), [vec!["2023-11", "2023-12"], vec!["2024-01-01"]]);
        assert!(Span::new("2023-02".parse().unwrap(), "2023-01".parse().unwrap()).is_err());
        assert!(Span::new("2023-02-03".parse().unwrap(), "2023-02-03".parse().unwrap()).is_ok());
    }

    #[test]
    fn until_now_is_the_running_month_by_days_and_today_by_bars() {
        let now: Timestamp = "2023-02-03T07:30:00Z".parse().unwrap();
        let span = Span::until_now("2023-01".parse().unwrap(), now).unwrap();
        assert_eq!((span.days.end.to_string().as_str(), span.end), ("2023-02-03T00:00:00Z", now));
        assert_eq!(span.units(false).iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        let today = Span::until_now("2023-02-03".parse().unwrap(), now).unwrap();
        assert!(today.units(false).is_empty());
        assert_eq!(today.past(now), today.days.start..now);
        assert!(Span::until_now("2023-03".parse().unwrap(), now).is_err(), "a future beginning");
    }
}
