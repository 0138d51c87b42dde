//! The inside of a world's bars, made up: two finer bars, or four trades, or nothing is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use candlewick_model::run::PathModel;
use candlewick_model::{Amount, Bar, Bars, Quantity, Timestamp};
use candlewick_simulator::{Detail, DetailSource, Print, Setup, Unreadable};

struct Inside(BTreeMap<Timestamp, Detail>);

impl DetailSource for Inside {
    fn inside(&self, open_time: Timestamp, _: Timestamp) -> Result<Option<Detail>, Unreadable> {
        Ok(self.0.get(&open_time).cloned())
    }
}

/// The same markets along detail.
pub(crate) fn along(mut setup: Setup) -> Setup {
    for market in &mut setup.markets {
        let known = market.bars.iter().enumerate().filter_map(|(row, bar)| Some((bar.open_time, inside(row, bar)?)));
        market.details = vec![Arc::new(Inside(known.collect()))];
        market.fill_model.path = PathModel::Detail;
    }
    setup
}

fn inside(row: usize, bar: Bar) -> Option<Detail> {
    match row % 3 {
        0 => Some(Detail::Bars(Arc::new(halves(bar)), 0..2)),
        1 if !bar.volume.is_zero() => Some(Detail::Trades(trades(bar).into(), 0..4)),
        _ => None,
    }
}

/// The high first, whatever is nearer; the second one may end before the bar does.
fn halves(bar: Bar) -> Bars {
    let (middle, half) = (bar.open_time.plus(29_999_999), Amount::from_units(bar.volume.units() / 3));
    let first = Bar { close_time: middle, low: bar.open, close: bar.high, volume: half, ..bar };
    let volume = Amount::from_units(bar.volume.units() - half.units());
    let ends = if bar.volume.units() % 2 == 0 { bar.close_time } else { bar.close_time.plus(-5_000_000) };
    [first, Bar { open_time: middle.plus(1), close_time: ends, open: bar.high, volume, ..bar }].into_iter().collect()
}

/// Two of them at one time, the last when the bar closes.
fn trades(bar: Bar) -> Vec<Print> {
    let part = bar.volume.units() / 5;
    let quantities = [part, part, part, bar.volume.units() - 3 * part];
    let after = [0, 20_000_000, 20_000_000, 59_999_999];
    let prices = [bar.open, bar.high, bar.low, bar.close];
    let trade = |at: usize| Print {
        time: bar.open_time.plus(after[at]),
        price: prices[at],
        quantity: Quantity::from_amount_saturating(Amount::from_units(quantities[at])),
    };
    (0..4).map(trade).collect()
}
