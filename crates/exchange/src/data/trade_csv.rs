//! Archives of trades as CSV, from the trades that could have made the bars.

use std::io::Write;

use candlewick_binance::archive::Dataset;
use candlewick_model::{Amount, Bars, Period, Price, Quantity, TimeUnit, Timestamp};

use super::trades;

/// The rows of a period; numbers go on from the first bar that there is.
pub(crate) fn csv(
    bars: &Bars,
    period: Period,
    dataset: Dataset,
    unit: TimeUnit,
    grid: Option<(Price, Quantity)>,
) -> Vec<u8> {
    let range = period.range();
    let from = bars.open_time.partition_point(|t| t < range.start);
    let to = bars.open_time.partition_point(|t| t < range.end);
    let mut trade_id: i64 = bars.trades[..from].iter().sum();
    let mut joined_id: i64 = (0..from).map(|row| trades::count(&bars.bar(row), grid)).sum();
    let time = |t: Timestamp| match unit {
        TimeUnit::Milliseconds => t.millis(),
        TimeUnit::Microseconds => t.micros(),
    };
    let word = |truth: bool| if truth { "True" } else { "False" };
    let mut csv = Vec::new();
    for bar in (from..to).map(|row| bars.bar(row)) {
        for print in trades::inside(&bar, grid) {
            let (at, price, is_maker) = (time(print.time), Price::from_units(print.price), word(!print.is_buy));
            if dataset == Dataset::AggTrades {
                let (quantity, last) = (Amount::from_units(print.quantity()), trade_id + print.count - 1);
                writeln!(csv, "{joined_id},{price},{quantity},{trade_id},{last},{at},{is_maker},True")
                    .expect("writing to memory");
            } else {
                for (number, (quantity, quote)) in (trade_id..).zip(print.parts()) {
                    let (quantity, quote) = (Amount::from_units(quantity), Amount::from_units(quote));
                    writeln!(csv, "{number},{price},{quantity},{quote},{at},{is_maker},True")
                        .expect("writing to memory");
                }
            }
            joined_id += 1;
            trade_id += print.count;
        }
    }
    csv
}

#[cfg(test)]
mod tests {
    use candlewick_model::Interval;

    use super::*;
    use crate::MarketPlan;

    #[test]
    fn numbers_go_on_from_day_to_day_and_columns_sum_up() {
        let (from, to) = ("2023-03-01".parse().unwrap(), "2023-03-03".parse().unwrap());
        let plan = MarketPlan { liquidity: 100, ..MarketPlan::bitcoin(1, Interval::OneMinute, from, to) };
        let (bars, grid) = (plan.bars(), Some((plan.tick, plan.step)));
        for (dataset, columns) in [(Dataset::AggTrades, 8), (Dataset::Trades, 7)] {
            let mut lines = Vec::new();
            for day in ["2023-03-01", "2023-03-02"] {
                let csv = csv(&bars, day.parse().unwrap(), dataset, TimeUnit::Milliseconds, grid);
                lines.extend(String::from_utf8(csv).unwrap().lines().map(str::to_owned));
            }
            let column = |line: &String, at: usize| line.split(',').nth(at).unwrap().to_owned();
            assert!(lines.iter().all(|line| line.split(',').count() == columns));
            assert!(lines.iter().enumerate().all(|(at, line)| column(line, 0) == at.to_string()), "one more each");
            let sum =
                |at: usize| lines.iter().map(|line| column(line, at).parse::<Amount>().unwrap().units()).sum::<i128>();
            assert_eq!(sum(2), bars.volume.iter().map(|v| v.units()).sum::<i128>());
            if dataset == Dataset::Trades {
                assert_eq!(sum(3), bars.quote_volume.iter().map(|v| v.units()).sum::<i128>());
                assert_eq!(lines.len() as i64, bars.trades.iter().sum::<i64>());
            }
        }
    }
}
