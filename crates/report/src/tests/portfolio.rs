//! Several markets, two quote assets, money paid in: by hand.

use std::sync::Arc;

use candlewick_model::Side;
use candlewick_model::run::{Event, Run};

use super::made::{Made, amount, asset, price};
use crate::{csv, json, page, statistics};

/// AAAUUU and AAABBB over the same three days, BBBUUU for prices. Equity is 1,000 UUU at first;
/// 500 are paid in on the second day.
fn run() -> Run {
    let days = |closes: [&str; 3]| {
        let made = closes.into_iter().fold(Made::with("1000"), |made, close| made.flat(close));
        Arc::clone(&made.run().markets[0].bars)
    };
    let made = Made::with("1000").flat("100").fill(Side::Buy, "100", "5").flat("120");
    let paid = Event::BalanceUpdate { time: made.now(), asset: asset("UUU"), amount: amount("500") };
    let mut run = made.event(paid).flat("90").run();
    let mut second = run.markets[0].clone();
    (second.symbol, second.quote_asset) = ("AAABBB".parse().unwrap(), asset("BBB"));
    second.bars = days(["10", "12", "9"]);
    run.markets.push(second);
    run.prices = vec![(asset("BBB"), asset("UUU"), days(["10", "10", "20"]))];
    run.equity = ["1000", "1600", "1450"].map(amount).into_iter().collect();
    run
}

#[test]
fn transfers_are_no_profit() {
    let s = statistics(&run());
    assert_eq!((s.strategy.initial_equity, s.strategy.final_equity), (amount("1000"), amount("1450")));
    assert_eq!((s.strategy.transferred, s.strategy.pnl), (amount("500"), amount("-50")));
    // 1000 → 1600 of which 500 were paid in: +10 %; 1600 → 1450: −9.375 %.
    let grown = 1.1 * 1450.0 / 1600.0 - 1.0;
    assert!((s.strategy.growth.unwrap() - grown).abs() < 1e-9, "{:?}", s.strategy.growth);
    assert!((s.strategy.max_drawdown - 150.0 / 1600.0).abs() < 1e-9);
    assert!((s.curve.measured()[1].to_f64() - 1100.0).abs() < 1e-6);
}

#[test]
fn holding_spreads_over_the_markets() {
    let s = statistics(&run());
    // 500 by AAAUUU: 600, then 450. 500 by AAABBB: 50 BBB became 60, worth 600; then 45, worth 900.
    assert_eq!(s.curve.buy_and_hold, ["1000", "1200", "1350"].map(amount));
}

#[test]
fn everything_is_counted_in_one_asset() {
    let mut run = run();
    // Five AAA for 50 BBB, a tenth of a percent of it in AAA, and 1 BBB of a third asset's worth.
    let mut report = crate::trips::fills(&run).next().unwrap().0;
    report.order.symbol = "AAABBB".parse().unwrap();
    let fill = report.fill.as_mut().unwrap();
    (fill.price, fill.quote_quantity) = (price("10"), amount("50"));
    (fill.commission, fill.commission_asset) = (amount("1"), asset("BBB"));
    run.events.push(Event::ExecutionReport(report));
    let s = statistics(&run);
    assert_eq!(s.fills.notional, amount("1000"), "500 UUU, and 50 BBB at 10");
    let value = |name: &str| s.commission.iter().find(|c| c.asset == asset(name)).unwrap().value.unwrap();
    assert_eq!((value("AAA"), value("BBB")), (amount("0.5"), amount("10")));
    let [first, second] = &s.markets[..] else { panic!("two markets") };
    // Each holds five AAA at 90 UUU, or at 9 BBB of 20 UUU; the second paid 50 BBB and one more.
    assert_eq!((first.pnl, second.pnl), (amount("-50.45"), amount("-120")));
    assert_eq!((s.trips.open.len(), s.round_trips.open_pnl), (2, amount("-170.45")));
}

#[test]
fn files_and_page_tell_the_markets_apart() {
    let run = run();
    let s = statistics(&run);
    assert!(csv::equity(&run, &s).lines().nth(1).unwrap().starts_with("2024-01-01T23:59:59.999999Z,,1000.00000000,"));
    let summary: serde_json::Value = serde_json::from_str(&json::summary(&run, &s)).unwrap();
    assert_eq!(summary["markets"][1]["quote_asset"], "BBB");
    assert_eq!(summary["statistics"]["markets"][0]["fills"], 1);
    let page = page::render(&run, &s);
    assert!(page.contains("<option value=\"1\">AAABBB 1d</option>") && page.contains(" UUU were paid in and out"));
}
