//! What everything held is worth in one asset, at the prices of the series at hand.
//!
//! For: equity, in whatever assets it lies. Not for: prices that no series gives; an asset
//! without one counts for nothing.

use crate::amounts::Amounts;
use crate::ledger::{Holding, Ledger};
use crate::number::{Amount, Price};
use crate::text::Asset;

/// One price on the way from an asset to the one that is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hop {
    /// The series that gives it.
    series: usize,
    /// Whether the asset is the quote asset of that series.
    inverse: bool,
}

/// How an asset is valued.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    asset: Asset,
    /// None for the asset that is counted in; one or two else.
    hops: Vec<Hop>,
}

/// The routes from assets to the one that is counted in, and what is held.
#[derive(Debug, Clone)]
pub struct Worth {
    routes: Vec<Route>,
    /// The route of each of the ledger's assets, if there is one.
    route_of: Vec<Option<usize>>,
    /// Held of the asset that is counted in.
    counted: Amount,
    /// Held of assets that a series prices in it: how much, and the series.
    priced: Vec<(Holding, usize)>,
    /// Held of all others that have a value: how much, and the route.
    routed: Vec<(Amount, usize)>,
}

impl Worth {
    /// Finds the shortest route for every asset of `pairs` (base and quote of each series): one
    /// hop, or two. Of several the one by the first series is taken.
    #[must_use]
    pub fn new(counted_in: Asset, pairs: &[(Asset, Asset)]) -> Self {
        let mut routes = vec![Route { asset: counted_in, hops: Vec::new() }];
        for hops in 1..=2 {
            for (series, (base, quote)) in pairs.iter().enumerate() {
                for (asset, other, inverse) in [(*base, *quote, false), (*quote, *base, true)] {
                    let onward = routes.iter().find(|route| route.asset == other && route.hops.len() == hops - 1);
                    let known = routes.iter().any(|route| route.asset == asset);
                    if let (Some(onward), false) = (onward, known) {
                        let mut all = vec![Hop { series, inverse }];
                        all.extend(&onward.hops);
                        routes.push(Route { asset, hops: all });
                    }
                }
            }
        }
        Self { routes, route_of: Vec::new(), counted: Amount::ZERO, priced: Vec::new(), routed: Vec::new() }
    }

    /// Takes in what is held now, always of the same ledger.
    pub fn hold(&mut self, ledger: &Ledger) {
        let unknown = ledger.iter().skip(self.route_of.len());
        let route = |asset: Asset| self.routes.iter().position(|route| route.asset == asset);
        self.route_of.extend(unknown.map(|(asset, _)| route(asset)));
        self.counted = Amount::ZERO;
        self.priced.clear();
        self.routed.clear();
        for (at, route) in self.route_of.iter().enumerate() {
            let Some(route) = *route else { continue };
            let total = ledger.balance(at).total();
            match self.routes[route].hops[..] {
                [] => self.counted = total,
                _ if total.is_zero() => {}
                [Hop { series, inverse: false }] => self.priced.push((Holding::new(total), series)),
                _ => self.routed.push((total, route)),
            }
        }
    }

    /// As [`Self::at`], along so many rows of series that go row by row, in one sweep; `prices`
    /// gives those of a series.
    pub fn along<'a>(&self, rows: usize, prices: impl Fn(usize) -> &'a [Price], worth: &mut Amounts) {
        let wide = |row: usize| self.at(|series| prices(series)[row]);
        match (&self.priced[..], &self.routed[..], i64::try_from(self.counted.units())) {
            ([], [], Ok(counted)) => worth.extend_by(rows, |units| units.resize(units.len() + rows, counted), wide),
            ([(holding, series)], [], Ok(counted)) => {
                let prices = &prices(*series)[..rows];
                worth.extend_by(rows, |units| holding.narrow_values(prices, counted, units), wide);
            }
            (priced, [], Ok(counted)) => {
                let priced: Vec<_> = priced.iter().map(|(holding, series)| (*holding, prices(*series))).collect();
                let narrow = |row: usize| {
                    priced
                        .iter()
                        .try_fold(counted, |sum, (holding, prices)| sum.checked_add(holding.narrow_value(prices[row])?))
                };
                worth.extend_by(rows, |units| units.extend((0..rows).map_while(narrow)), wide);
            }
            _ => worth.extend_by(rows, |_| (), wide),
        }
    }

    /// Everything in the asset that is counted in, each holding rounded down at 1e-8; `price`
    /// gives the price of a series, zero before it has one.
    #[must_use]
    #[inline]
    pub fn at(&self, price: impl Fn(usize) -> Price) -> Amount {
        let mut worth = self.counted.units();
        for (holding, series) in &self.priced {
            worth += holding.value(price(*series)).units();
        }
        for (amount, route) in &self.routed {
            worth += through(&self.routes[*route].hops, *amount, &price).units();
        }
        Amount::from_units(worth)
    }

    /// What an amount of an asset comes to; `None` where no series leads to a price for it.
    #[must_use]
    pub fn value(&self, asset: Asset, amount: Amount, price: impl Fn(usize) -> Price) -> Option<Amount> {
        let route = self.routes.iter().find(|route| route.asset == asset)?;
        Some(through(&route.hops, amount, &price))
    }
}

/// What an amount comes to along a route.
fn through(hops: &[Hop], amount: Amount, price: &impl Fn(usize) -> Price) -> Amount {
    hops.iter().fold(amount, |amount, hop| {
        let price = price(hop.series);
        if hop.inverse { amount.divided_by_floor(price) } else { Holding::new(amount).value(price) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    fn asset(name: &str) -> Asset {
        Asset::new(name).unwrap()
    }

    #[test]
    fn every_asset_finds_the_shortest_way() {
        // 0: BTCUSDT, 1: ETHBTC, 2: BTCEUR, 3: ETHUSDT
        let pairs =
            [("BTC", "USDT"), ("ETH", "BTC"), ("BTC", "EUR"), ("ETH", "USDT")].map(|(b, q)| (asset(b), asset(q)));
        let prices = ["20000", "0.07", "18000", "1500"].map(|text| text.parse::<Price>().unwrap());
        let account: Account = [("BTC", "2"), ("ETH", "10"), ("EUR", "900"), ("USDT", "5"), ("XYZ", "7")]
            .map(|(name, amount)| (asset(name), amount.parse::<Amount>().unwrap()))
            .into_iter()
            .collect();
        let ledger = Ledger::of(&account);
        let worth_in = |name| {
            let mut worth = Worth::new(asset(name), &pairs);
            worth.hold(&ledger);
            worth.at(|series| prices[series]).to_string()
        };
        // 2 × 20000 + 10 × 1500 + 900 ÷ 18000 × 20000 + 5; XYZ has no price.
        assert_eq!(worth_in("USDT"), "56005.00000000");
        // 2 + 10 × 0.07 + 900 ÷ 18000 + 5 ÷ 20000
        assert_eq!(worth_in("BTC"), "2.75025000");
    }
}
