//! What to fetch: a range of months or days, cut into the lake's files.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use candlewick_lake::SeriesName;
use candlewick_model::Period;

/// A series and a range of whole days, both ends included.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which bars.
    pub series: SeriesName,
    /// Whole months and single days in order, by the file that holds them.
    pub units: Vec<Vec<Period>>,
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

impl Plan {
    /// From the first instant of `from` to the last of `to`. Months that lie in it whole are
    /// taken whole, the rest day by day.
    pub fn new(series: SeriesName, from: Period, to: Period) -> Result<Self, PlanError> {
        let (start, end) = (from.range().start, to.range().end);
        if start >= end {
            return Err(PlanError::Empty { from, to });
        }
        if let Some(period) = [from, to].into_iter().find(|period| !YEARS.contains(&period.year())) {
            return Err(PlanError::Year { period });
        }
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
            let file = if series.is_yearly() { Period::Month { year: month.year(), month: 1 } } else { month };
            units.entry(file).or_default().extend(periods);
            at = month.range().end;
        }
        Ok(Self { series, units: units.into_values().collect() })
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Interval, Symbol};

    use super::*;

    fn plan(interval: Interval, from: &str, to: &str) -> Vec<Vec<String>> {
        let series = SeriesName { symbol: Symbol::new("A").unwrap(), interval };
        let plan = Plan::new(series, from.parse().unwrap(), to.parse().unwrap()).unwrap();
        plan.units.iter().map(|unit| unit.iter().map(ToString::to_string).collect()).collect()
    }

    #[test]
    fn whole_months_whole_and_the_rest_by_days() {
        let minute = Interval::OneMinute;
        assert_eq!(plan(minute, "2023-01", "2023-02"), [["2023-01"], ["2023-02"]]);
        assert_eq!(
            plan(minute, "2023-01-30", "2023-02-02"),
            [["2023-01-30", "2023-01-31"], ["2023-02-01", "2023-02-02"]]
        );
        assert_eq!(plan(minute, "2023-02-01", "2023-02-28"), [["2023-02"]]);
        assert_eq!(plan(Interval::OneHour, "2023-11", "2024-01-01"), [vec!["2023-11", "2023-12"], vec!["2024-01-01"]]);
        let series = SeriesName { symbol: Symbol::new("A").unwrap(), interval: minute };
        assert!(Plan::new(series, "2023-02".parse().unwrap(), "2023-01".parse().unwrap()).is_err());
        assert!(Plan::new(series, "2023-02-03".parse().unwrap(), "2023-02-03".parse().unwrap()).is_ok());
    }
}
