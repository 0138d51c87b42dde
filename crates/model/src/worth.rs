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

/// Where an asset's part of [`Worth`] is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Nowhere,
    Counted,
    Priced(usize),
    Routed(usize),
}

/// The routes from assets to the one that is counted in, and what is held.
#[derive(Debug, Clone)]
pub struct Worth {
    routes: Vec<Route>,
    /// Where what is held of each of the ledger's assets is to be found, and how much that is.
    places: Vec<(Place, Amount)>,
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
        Self { routes, places: Vec::new(), counted: Amount::ZERO, priced: Vec::new(), routed: Vec::new() }
    }

    /// Takes in what is held now, always of the same ledger.
    pub fn hold(&mut self, ledger: &Ledger) {
        for (asset, _) in ledger.iter().skip(self.places.len()) {
            let place = self.place(asset);
            self.places.push((place, Amount::ZERO));
        }
        let Self { places, counted, priced, routed, .. } = self;
        for ((place, held), (_, balance)) in places.iter_mut().zip(ledger.iter()) {
            let total = balance.total();
            // Most stay as they were.
            if std::mem::replace(held, total) == total {
                continue;
            }
            match *place {
                Place::Nowhere => {}
                Place::Counted => *counted = total,
                Place::Priced(at) => priced[at].0 = Holding::new(total),
                Place::Routed(at) => routed[at].0 = total,
            }
        }
    }

    /// A place for an asset of which there is nothing yet.
    fn place(&mut self, asset: Asset) -> Place {
        let Some(route) = self.routes.iter().position(|route| route.asset == asset) else { return Place::Nowhere };
        match self.routes[route].hops[..] {
            [] => Place::Counted,
            [Hop { series, inverse: false }] => {
                self.priced.push((Holding::new(Amount::ZERO), series));
                Place::Priced(self.priced.len() - 1)
            }
            _ => {
                self.routed.push((Amount::ZERO, route));
                Place::Routed(self.routed.len() - 1)
            }
        }
    }

    fn nothing_is_routed(&self) -> bool {
        self.routed.iter().all(|(amount, _)| amount.is_zero())
    }

    /// As [`Self::at`], along so many rows of series that go row by row, in one sweep; `prices`
    /// gives those of a series.
    pub fn along<'a>(&self, rows: usize, prices: impl Fn(usize) -> &'a [Price], worth: &mut Amounts) {
        let held = || self.priced.iter().filter(|(holding, _)| !holding.is_zero());
        let held = || held().map(|(holding, series)| (*holding, &prices(*series)[..rows]));
        let counted = i64::try_from(self.counted.units()).ok().filter(|_| self.nothing_is_routed());
        let most = |counted: i64| {
            held().try_fold(counted.max(0), |sum, (holding, prices)| sum.checked_add(holding.most(prices)?))
        };
        // Column by column, where all sums fit 64 bits.
        if let Some(counted) = counted.filter(|counted| most(*counted).is_some())
            && let Some(sums) = worth.narrow_units()
        {
            let mut held = held();
            let Some((first, prices)) = held.next() else { return sums.resize(sums.len() + rows, counted) };
            let begin = sums.len();
            sums.extend(first.values(prices).map(|value| value.wrapping_add(counted)));
            for (holding, prices) in held {
                let values = holding.values(prices);
                sums[begin..].iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(value));
            }
            return;
        }
        (0..rows).for_each(|row| worth.push(self.at(|series| prices(series)[row])));
    }

    /// Everything in the asset that is counted in, each holding rounded down at 1e-8; `price`
    /// gives the price of a series, zero before it has one.
    #[must_use]
    #[inline]
    pub fn at(&self, price: impl Fn(usize) -> Price) -> Amount {
        let mut worth = self.counted.units();
        for (holding, series) in self.priced.iter().filter(|(holding, _)| !holding.is_zero()) {
            worth += holding.value(price(*series)).units();
        }
        for (amount, route) in self.routed.iter().filter(|(amount, _)| !amount.is_zero()) {
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn along_rows_it_is_what_it_is_at_each(
            held in prop::collection::vec(prop_oneof![Just(0), 1..10_000_000_000_i64, 0..i64::MAX], 4),
            prices in prop::collection::vec(prop::collection::vec(prop_oneof![1..10_000_000_000_000_i64, 1..i64::MAX], 5), 3),
            passes in 1..3_usize,
        ) {
            let names = ["BTC", "ETH", "BNB", "USDT"].map(asset);
            let pairs: Vec<_> = names[..3].iter().map(|name| (*name, names[3])).collect();
            let amounts = held.iter().map(|units| Amount::from_units((*units).into()));
            let mut worth = Worth::new(names[3], &pairs);
            worth.hold(&Ledger::of(&names.into_iter().zip(amounts).collect()));
            let prices: Vec<Vec<_>> = prices.into_iter().map(|of_one| of_one.into_iter().map(Price::from_units).collect()).collect();
            let mut along = Amounts::default();
            (0..passes).for_each(|_| worth.along(5, |series| &prices[series], &mut along));
            let at = |row: usize| worth.at(|series| prices[series][row]);
            prop_assert_eq!((0..along.len()).map(|row| along.at(row)).collect::<Vec<_>>(), (0..5 * passes).map(|row| at(row % 5)).collect::<Vec<_>>());
        }
    }
}
