//! Runs at the edge of what can be said: nothing may be NaN, infinite or a panic.

use std::sync::Arc;

use candlewick_model::time::MINUTE;
use candlewick_model::{Amount, Bar, Bars, Interval, Side, Timestamp};

use super::made::{Made, amount, price};
use crate::{json, page, statistics, terminal};

fn everything_renders(run: &candlewick_model::run::Run) -> String {
    let s = statistics(run);
    let all = [
        json::summary(run, &s),
        terminal::summary(run, &s),
        crate::csv::equity(run, &s),
        crate::csv::trades(&s),
        crate::csv::orders(run),
        page::render(run, &s),
    ];
    for text in &all {
        for word in ["NaN", "inf,", "inf\n", " inf ", "-inf"] {
            assert!(!text.contains(word), "{word:?} in {}", &text[..200]);
        }
    }
    let [.., page] = all;
    page
}

#[test]
fn no_bars() {
    let run = Made::with("1000").run();
    let s = statistics(&run);
    assert_eq!((s.strategy.final_equity, s.strategy.growth, s.strategy.cagr), (amount("1000"), Some(0.0), None));
    assert_eq!((s.exposure.time, s.fills.turnover, s.period.from), (None, None, None));
    everything_renders(&run);
}

#[test]
fn one_bar_and_no_orders() {
    let run = Made::with("1000").flat("100").run();
    let s = statistics(&run);
    assert_eq!((s.strategy.ratios.sharpe, s.strategy.max_drawdown, s.round_trips.win_rate), (None, 0.0, None));
    assert_eq!(s.months.len(), 1);
    everything_renders(&run);
}

#[test]
fn no_money_at_all() {
    let run = Made::with("0").flat("100").flat("90").run();
    let s = statistics(&run);
    assert_eq!((s.strategy.growth, s.strategy.cagr, s.strategy.ratios.sharpe), (None, None, None));
    everything_renders(&run);
}

#[test]
fn ruin() {
    let mut run = Made::with("100").flat("100").fill(Side::Buy, "100", "1").flat("50").flat("20").run();
    run.equity = [amount("100"), Amount::ZERO, Amount::ZERO].into_iter().collect();
    let s = statistics(&run);
    assert_eq!((s.strategy.max_drawdown, s.strategy.cagr, s.strategy.ratios.sharpe), (1.0, Some(-1.0), None));
    everything_renders(&run);
}

#[test]
fn sums_of_cheap_tokens() {
    let mut run = Made::with("1000000000000").flat("0.00000001").flat("0.00000003").run();
    run.markets[0].tick = price("0.00000001");
    let s = statistics(&run);
    assert_eq!(s.curve.buy_and_hold[1], amount("3000000000000"));
    everything_renders(&run);
}

#[test]
fn a_year_of_minutes_stays_small() {
    let mut run = Made::with("1000").run();
    let bars: Bars = (0..525_600_i64)
        .map(|row| {
            let open_time = Timestamp::from_date(2024, 1, 1).unwrap().plus(row * MINUTE);
            let wave = price("100").units() + (row * 7_919 % 10_007 - 5_000) * 10_000;
            let [open, high, low, close] =
                [wave, wave + 3_000_000, wave - 2_000_000, wave + 1_000_000].map(candlewick_model::Price::from_units);
            let none = Amount::ZERO;
            Bar {
                open_time,
                close_time: open_time.plus(MINUTE - 1),
                open,
                high,
                low,
                close,
                volume: amount("12.5"),
                quote_volume: none,
                taker_buy_volume: none,
                taker_buy_quote_volume: none,
                trades: 1,
            }
        })
        .collect();
    run.markets[0].interval = Interval::OneMinute;
    run.equity = (0..bars.len() as i128).map(|i| Amount::from_units(amount("1000").units() + i * 777)).collect();
    run.marks = candlewick_model::run::Marks::Merged(bars.close_time.clone());
    run.markets[0].bars = Arc::new(bars);
    let page = page::render(&run, &statistics(&run));
    assert!(page.len() < 2_500_000, "{} bytes", page.len());
}
