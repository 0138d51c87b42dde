//! Which series of the lake give prices to assets.
//!
//! For: equity in one asset whatever is held, and discounted commission. Not for: the markets
//! that are traded.

use std::ops::Range;
use std::sync::Arc;

use anyhow::anyhow;
use candlewick_lake::{Lake, SeriesName, Snapshot};
use candlewick_model::{Amount, Asset, Bars, Interval, Symbol, Timestamp, Worth};

use crate::prepare::unknown;
use crate::series::{Columns, Found, bars};

/// A series that gives prices, with base and quote asset.
pub(crate) type Priced = (Asset, Asset, Arc<Bars>);

/// The series beside the markets.
pub(crate) struct Beside {
    pub(crate) series: Vec<Priced>,
    /// What they are, by content.
    pub(crate) sha256: Vec<String>,
    pub(crate) symbols: Vec<Symbol>,
}

/// The series at hand: those of the markets, then those beside them.
pub(crate) struct Prices<'a> {
    lake: &'a Lake,
    snapshots: &'a [Snapshot],
    finest: Interval,
    range: Range<Timestamp>,
    known: Vec<Priced>,
    beside: Vec<Priced>,
    /// What those beside are, by content.
    sha256: Vec<String>,
    /// Their symbols.
    symbols: Vec<Symbol>,
}

impl<'a> Prices<'a> {
    pub(crate) fn new(lake: &'a Lake, snapshots: &'a [Snapshot], finest: Interval, range: Range<Timestamp>) -> Self {
        Self {
            lake,
            snapshots,
            finest,
            range,
            known: Vec::new(),
            beside: Vec::new(),
            sha256: Vec::new(),
            symbols: Vec::new(),
        }
    }

    /// A market's own bars.
    pub(crate) fn know(&mut self, base: Asset, quote: Asset, bars: &Arc<Bars>) {
        self.known.push((base, quote, Arc::clone(bars)));
    }

    /// Takes up the series of a symbol.
    pub(crate) fn add(&mut self, symbol: Symbol) -> anyhow::Result<()> {
        let mut instruments = self.snapshots.iter().filter_map(|s| s.info.instruments.get(&symbol));
        let instrument = instruments.next_back().ok_or_else(|| unknown(symbol, self.snapshots))?;
        let (base, quote) = (instrument.base_asset, instrument.quote_asset);
        if self.find(base, quote).is_none() {
            let Found { bars, sha256, .. } = self.read(symbol)?;
            self.beside.push((base, quote, bars));
            self.sha256.push(sha256);
            self.symbols.push(symbol);
        }
        Ok(())
    }

    /// The bars of a pair of assets, from the lake where they are not at hand.
    pub(crate) fn of_pair(&mut self, base: Asset, quote: Asset) -> anyhow::Result<Arc<Bars>> {
        if self.find(base, quote).is_none() {
            let symbol = self.symbol_of(base, quote).ok_or_else(|| {
                anyhow!("the exchangeInfo knows no market of {base} in {quote}, which would give its price")
            })?;
            self.add(symbol)?;
        }
        Ok(Arc::clone(self.find(base, quote).expect("it is at hand now")))
    }

    /// Sees to it that an asset has a value: by the series at hand, or by one of the lake.
    pub(crate) fn ensure(&mut self, asset: Asset, counted_in: Asset) -> anyhow::Result<()> {
        if self.worth(counted_in).value(asset, Amount::ZERO, |_| candlewick_model::Price::ZERO).is_some() {
            return Ok(());
        }
        for (base, quote) in [(asset, counted_in), (counted_in, asset)] {
            if let Some(symbol) = self.symbol_of(base, quote)
                && self.add(symbol).is_ok()
            {
                return Ok(());
            }
        }
        Err(anyhow!(
            "no bars of the lake in {} give {asset} a price in {counted_in}; ingest those of {asset}{counted_in}, or name in `prices` a symbol that leads there",
            self.lake.root().display()
        ))
    }

    /// The series beside the markets, with what they are by content and their symbols.
    pub(crate) fn into_beside(self) -> Beside {
        Beside { series: self.beside, sha256: self.sha256, symbols: self.symbols }
    }

    fn all(&self) -> impl Iterator<Item = &Priced> {
        self.known.iter().chain(&self.beside)
    }

    fn find(&self, base: Asset, quote: Asset) -> Option<&Arc<Bars>> {
        self.all().find(|(b, q, _)| (*b, *q) == (base, quote)).map(|(.., bars)| bars)
    }

    fn worth(&self, counted_in: Asset) -> Worth {
        let pairs: Vec<_> = self.all().map(|(base, quote, _)| (*base, *quote)).collect();
        Worth::new(counted_in, &pairs)
    }

    fn symbol_of(&self, base: Asset, quote: Asset) -> Option<Symbol> {
        let mut all = self.snapshots.iter().rev().flat_map(|s| s.info.instruments.values());
        all.find(|i| (i.base_asset, i.quote_asset) == (base, quote)).map(|i| i.symbol)
    }

    /// The bars of a symbol at the markets' shortest interval, or the shortest longer one that
    /// the lake holds.
    fn read(&self, symbol: Symbol) -> anyhow::Result<Found> {
        let read = |interval| bars(self.lake, SeriesName { symbol, interval }, self.range.clone(), Columns::Market);
        let mut intervals = Interval::ALL.into_iter().filter(|interval| *interval >= self.finest);
        intervals.find_map(|interval| read(interval).ok()).map_or_else(|| read(self.finest), Ok)
    }
}
