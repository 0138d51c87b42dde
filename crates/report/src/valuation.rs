//! What assets were worth in the asset that a run is counted in, at any instant of it.
//!
//! For: initial equity, transfers, commission, round trips in other quote assets. Not for:
//! equity at the closes, which the run records itself.

use candlewick_model::run::Run;
use candlewick_model::{Amount, Asset, Bars, Timestamp, Worth};

/// The prices of a run, and the ways from asset to asset.
pub(crate) struct Valuation<'a> {
    worth: Worth,
    series: Vec<&'a Bars>,
}

impl<'a> Valuation<'a> {
    pub(crate) fn of(run: &'a Run) -> Self {
        let markets = run.markets.iter().map(|m| (m.base_asset, m.quote_asset, &*m.bars));
        let prices = run.prices.iter().map(|(base, quote, bars)| (*base, *quote, &**bars));
        let all: Vec<_> = markets.chain(prices).collect();
        let pairs: Vec<_> = all.iter().map(|(base, quote, _)| (*base, *quote)).collect();
        Self { worth: Worth::new(run.counted_in, &pairs), series: all.into_iter().map(|(.., bars)| bars).collect() }
    }

    /// What an amount came to at the last closes not after an instant (at the first open before
    /// the first of them); `None` where no series leads to a price.
    pub(crate) fn value(&self, asset: Asset, amount: Amount, at: Timestamp) -> Option<Amount> {
        self.worth.value(asset, amount, |series| {
            let bars = self.series[series];
            let closed = bars.close_time.partition_point(|close| close <= at);
            let price = if closed == 0 { bars.open.first() } else { bars.close.get(closed - 1) };
            price.copied().unwrap_or_default()
        })
    }
}
