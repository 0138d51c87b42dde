//! What holds for every run.

use candlewick_model::{Price, Side};
use proptest::prelude::*;

use super::made::{Made, asset, quantity};
use crate::statistics;

proptest! {
    /// Round trips, the open position and dust together are what equity changed by. Values are
    /// cut at 1e-8 a few times a trip, hence the tolerance.
    #[test]
    fn trips_add_up_to_equity(
        days in prop::collection::vec((50_i64..200, any::<bool>(), 1_i64..400), 1..60),
    ) {
        let mut made = Made::with("100000");
        for (close, buy, hundredths) in days {
            let close = Price::from_units(close * 100_000_000 + 1_230_000).to_string();
            made = made.flat(&close);
            let held = made.run.account.balance(asset("AAA")).total();
            let step = quantity("0.01");
            let wanted = candlewick_model::Quantity::from_units(hundredths * step.units());
            let all = candlewick_model::Quantity::from_amount_saturating(held).floor_to(step);
            let size = if buy { wanted } else { wanted.min(all) };
            if !size.is_zero() {
                made = made.fill(if buy { Side::Buy } else { Side::Sell }, &close, &size.to_string());
            }
        }
        let s = statistics(&made.run());
        let t = &s.round_trips;
        let sum = t.closed_pnl.units() + t.open_pnl.units() + t.dust_pnl.units();
        let off = (sum - s.strategy.pnl.units()).abs();
        prop_assert!(off <= 2 * i128::from(t.count) + 4, "off by {off}");
    }

    /// Depth lies between nothing and everything, and is nothing at each new peak.
    #[test]
    fn drawdown_is_a_share(equity in prop::collection::vec(0_i128..1_000_000, 1..80)) {
        let mut made = Made::with("0.005");
        for _ in &equity {
            made = made.flat("1");
        }
        let mut run = made.run();
        run.equity = equity.iter().copied().map(candlewick_model::Amount::from_units).collect();
        let s = statistics(&run);
        let mut peak = 500_000;
        for (value, depth) in equity.iter().zip(&s.curve.drawdown) {
            peak = peak.max(*value);
            prop_assert!((0.0..=1.0).contains(depth));
            prop_assert_eq!(*depth == 0.0, *value == peak);
        }
    }
}
