//! Figures that are computed by hand in the comments.

use candlewick_model::{Amount, Side};

use super::made::{Made, amount, price};
use crate::statistics;

fn near(value: Option<f64>, wanted: f64) {
    let value = value.expect("defined");
    assert!((value - wanted).abs() < 1e-12, "{value} is not {wanted}");
}

/// 1,000 UUU. Day 1: 5 AAA at 100, 0.1 % of AAA: 500 UUU and 4.995 AAA; close 100: 999.5.
/// Day 2: 4.99 AAA at 120 are 598.8, minus 0.5988: 1,098.2012 UUU and 0.005 AAA (dust, below
/// the step of 0.01); close 120: 1,098.8012. Day 3: close 90: 1,098.6512.
fn one_trip() -> Made {
    Made::with("1000")
        .bar(["100", "110", "90", "100"])
        .fill(Side::Buy, "100", "5")
        .bar(["100", "125", "99", "120"])
        .fill(Side::Sell, "120", "4.99")
        .bar(["120", "120", "80", "90"])
}

#[test]
fn a_round_trip_with_dust() {
    let s = statistics(&one_trip().run());
    let [trip] = s.trips.closed[..] else { panic!("one trip") };
    // −500 + 598.8 − 0.5988, and 0.005 of dust at 120.
    assert_eq!(trip.pnl, amount("98.8012"));
    assert_eq!((trip.side, trip.quantity, trip.fills, trip.bars_held), (Side::Buy, amount("5"), 2, 1));
    assert_eq!((trip.entry_price, trip.exit_price), (price("100"), price("120")));
    // 0.005 AAA at 100, and 0.5988 UUU.
    assert_eq!(trip.commission, amount("1.0988"));
    near(trip.growth, 98.8012 / 500.0);
    assert_eq!(trip.entry_time.to_string(), "2024-01-01T08:00:00Z");
    // The dust fell from 120 to 90.
    assert_eq!((s.trips.open, s.trips.dust), (Vec::new(), amount("-0.15")));
    let t = &s.round_trips;
    assert_eq!((t.count, t.won, t.lost, t.profit_factor), (1, 1, 0, None));
    assert_eq!((t.expectancy, t.best, t.worst), (Some(trip.pnl), Some(trip.pnl), Some(trip.pnl)));
    assert_eq!(t.closed_pnl.checked_add(t.dust_pnl), Some(s.strategy.pnl));
}

#[test]
fn curve_and_drawdown() {
    let s = statistics(&one_trip().run());
    assert_eq!(s.curve.equity, ["999.5", "1098.8012", "1098.6512"].map(amount));
    // 10 AAA from the first open of 100.
    assert_eq!(s.curve.buy_and_hold, ["1000", "1200", "900"].map(amount));
    near(s.strategy.growth, 0.098_651_2);
    near(s.buy_and_hold.growth, -0.1);
    near(Some(s.strategy.max_drawdown), 0.000_5);
    near(Some(s.buy_and_hold.max_drawdown), 0.25);
    near(Some(s.curve.drawdown[2]), 0.15 / 1_098.801_2);
    // The first began at the run's begin and was over at the second close: two days less 1 µs.
    let first = s.drawdowns[0];
    assert_eq!(first.peak.to_string(), "2024-01-01T00:00:00Z");
    assert_eq!((first.recovered, first.duration_us), (Some(first.peak.plus(172_799_999_999)), 172_799_999_999));
    assert_eq!(s.drawdowns[1].recovered, None);
    // Three days: 1.0986512 to the power of 365/3.
    near(s.strategy.cagr.map(|c| c / (libm::pow(1.098_651_2, 365.0 / 3.0) - 1.0)), 1.0);
}

#[test]
fn activity() {
    let run = one_trip().refuse(-1013, "Filter failure: LOT_SIZE", "x").refuse(-1013, "Filter failure: LOT_SIZE", "y");
    let s = statistics(&run.refuse(-2010, "Account has insufficient balance for requested action.", "z").run());
    near(s.exposure.time, 1.0 / 3.0);
    near(s.exposure.mean, 499.5 / 999.5 / 3.0);
    assert_eq!(s.fills.notional, amount("1098.8"));
    near(s.fills.turnover, 1_098.8 / ((999.5 + 1_098.801_2 + 1_098.651_2) / 3.0));
    assert_eq!((s.fills.count, s.fills.maker, s.fills.maker_share), (2, 0, Some(0.0)));
    assert_eq!((s.commands.all.sent, s.orders.accepted, s.orders.filled, s.commands.all.refused), (3, 2, 2, 3));
    let counts: Vec<_> = s.refusals.iter().map(|r| (r.code, r.count)).collect();
    assert_eq!(counts, [(-1013, 2), (-2010, 1)]);
    let paid: Vec<_> = s.commission.iter().map(|c| (c.asset.to_string(), c.amount, c.value)).collect();
    assert_eq!(
        paid,
        [
            ("AAA".into(), amount("0.005"), Some(amount("0.5"))),
            ("UUU".into(), amount("0.5988"), Some(amount("0.5988")))
        ]
    );
    assert_eq!(s.commission_value, amount("1.0988"));
}

#[test]
fn only_losses() {
    // Twice 1 AAA at 100, 0.99 AAA back at 90 (89.1 − 0.0891), 0.009 of dust at 90: 0.81.
    // First: −100 + 89.0109 + 0.81 = −10.1791. The second takes over 0.81 of dust and leaves
    // 0.018 AAA: more than a step, so it stays open.
    let made = Made::with("1000").flat("100").fill(Side::Buy, "100", "1").fill(Side::Sell, "90", "0.99");
    let made = made.fill(Side::Buy, "100", "1").fill(Side::Sell, "90", "0.99").flat("90");
    let s = statistics(&made.run());
    assert_eq!(s.trips.closed.len(), 1);
    assert_eq!(s.trips.closed[0].pnl, amount("-10.1791"));
    let open = s.trips.open.first().expect("0.018 AAA are more than a step");
    // −0.81 − 100 + 89.0109 + 0.018 × 90.
    assert_eq!(open.pnl, amount("-10.1791"));
    let t = &s.round_trips;
    assert_eq!((t.win_rate, t.profit_factor, t.longest_losing_streak), (Some(0.0), Some(0.0), 1));
    assert_eq!((t.mean_win, t.mean_loss), (None, Some(amount("-10.1791"))));
    assert_eq!(s.strategy.pnl, Amount::from_units(2 * amount("-10.1791").units()));
}

#[test]
fn what_was_there_before_may_be_sold_first() {
    // 3 AAA from before: selling 2 opens a SELL trip; buying 3 closes it with 2 (plus what
    // commission eats) and opens a BUY trip with the rest.
    let mut made = Made::with("1000");
    made.run.initial.balance_mut(super::made::asset("AAA")).credit(amount("3"));
    made.run.account = made.run.initial.clone();
    let made = made.flat("100").fill(Side::Sell, "100", "2").flat("80").fill(Side::Buy, "80", "3").flat("90");
    let run = made.run();
    let s = statistics(&run);
    let first = s.trips.closed[0];
    assert_eq!((first.side, first.entry_price, first.exit_price), (Side::Sell, price("100"), price("80")));
    // 200 − 0.2 − 160, and 0.002 AAA of commission (two thirds of 0.003) at 80.
    assert_eq!(first.pnl, amount("39.64"));
    let open = s.trips.open.first().expect("0.997 AAA more than at first");
    assert_eq!((open.side, open.quantity), (Side::Buy, amount("1")));
    // The 3 AAA from before fell from 100 to 90: that is nobody's trip.
    let sum = first.pnl.units() + open.pnl.units() + amount("-30").units();
    assert_eq!(s.strategy.pnl.units(), sum);
}
