//! The markets that are served, and their bars of any interval.
//!
//! For: finding bars by symbol, interval and time zone: stored ones as they are, others
//! aggregated exactly from a shorter interval. Not for: what of it has happened already (`view`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use candlewick_lake::{Lake, SeriesName};
use candlewick_model::time::DAY;
use candlewick_model::{Asset, Bars, Interval, Price, Quantity, Symbol, Timestamp};

use super::aggregate::{Grid, aggregate};
use super::cache::Cache;
use super::folder::Folder;
use super::generated::{MarketName, assets};
use super::trades;
use crate::{ExchangeError, MarketPlan};

/// Memory for bars.
const CACHE_BYTES: usize = 768 << 20;

/// Markets by name.
pub struct Catalogue {
    markets: BTreeMap<Symbol, Listed>,
    /// The exchange's own words about its symbols, if there are any.
    pub(super) exchange_info: Option<String>,
    series: Cache<(Symbol, Grid, Option<i64>), Arc<Bars>>,
}

/// One market.
pub(crate) struct Listed {
    pub(super) base_asset: Asset,
    pub(super) quote_asset: Asset,
    pub(super) stored: Vec<Interval>,
    /// When the exchange takes it off, if it does.
    pub(super) delisted: Option<Timestamp>,
    /// Ticks and steps, where its bars may be cut into trades.
    pub(super) grid: Option<(Price, Quantity)>,
    source: Source,
    span: OnceLock<Option<Range<Timestamp>>>,
}

enum Source {
    Generated(Box<MarketPlan>),
    Lake(Lake),
    Folder(Arc<Folder>),
    Memory(Arc<Bars>),
}

/// Bars of a stretch of time: all that there are in it.
pub(super) struct Stretch {
    pub(super) range: Range<Timestamp>,
    pub(super) bars: Arc<Bars>,
}

impl Catalogue {
    fn new(markets: BTreeMap<Symbol, Listed>) -> Self {
        Self { markets, exchange_info: None, series: Cache::new(CACHE_BYTES) }
    }

    /// One market whose bars are at hand.
    #[must_use]
    pub fn of_bars(symbol: Symbol, interval: Interval, bars: Arc<Bars>) -> Self {
        Self::of_markets([(symbol, interval, bars)])
    }

    /// Markets whose bars are at hand.
    #[must_use]
    pub fn of_markets(markets: impl IntoIterator<Item = (Symbol, Interval, Arc<Bars>)>) -> Self {
        let listed = |(symbol, interval, bars)| (symbol, Listed::new(symbol, vec![interval], Source::Memory(bars)));
        Self::new(markets.into_iter().map(listed).collect())
    }

    /// The same, where bars of a market may be cut into trades, of this tick and step.
    #[must_use]
    pub(crate) fn with_trades(mut self, symbol: Symbol, grid: (Price, Quantity)) -> Self {
        if let Some(listed) = self.markets.get_mut(&symbol) {
            listed.grid = Some(grid);
        }
        self
    }

    /// Generated markets; the seed decides what happens in them.
    #[must_use]
    pub fn generated(seed: u64, names: &[MarketName], interval: Interval, range: &Range<Timestamp>) -> Self {
        let market = |name: &MarketName| {
            let plan = name.plan(seed, interval, range);
            let grid = Some((plan.tick, plan.step));
            let source = Source::Generated(Box::new(plan));
            (name.symbol, Listed { grid, delisted: name.to, ..Listed::new(name.symbol, vec![interval], source) })
        };
        Self::new(names.iter().map(market).collect())
    }

    /// Every series of a lake, and its latest exchangeInfo.
    pub fn of_lake(lake: &Lake) -> Result<Self, ExchangeError> {
        let mut markets: BTreeMap<Symbol, Listed> = BTreeMap::new();
        for SeriesName { symbol, interval } in lake.series()? {
            let fresh = || Listed::new(symbol, Vec::new(), Source::Lake(lake.clone()));
            markets.entry(symbol).or_insert_with(fresh).stored.push(interval);
        }
        let exchange_info =
            lake.exchange_infos_within(Timestamp::MAX..Timestamp::MAX)?.pop().map(|snapshot| snapshot.json);
        Ok(Self { exchange_info, ..Self::new(markets) })
    }

    /// Every series of klines in a folder of the portal's layout.
    pub fn of_folder(root: &Path) -> Result<Self, ExchangeError> {
        let folder = Arc::new(Folder::new(root)?);
        let market = |(symbol, stored): (Symbol, Vec<Interval>)| {
            (symbol, Listed::new(symbol, stored, Source::Folder(Arc::clone(&folder))))
        };
        Ok(Self::new(folder.series()?.into_iter().map(market).collect()))
    }

    /// Serves an exchangeInfo as it stands, cut down to the markets that are here.
    #[must_use]
    pub fn with_exchange_info(mut self, json: String) -> Self {
        self.exchange_info = Some(json);
        self
    }

    /// Goes on with other bars of a market; what was made of them is made anew.
    pub(crate) fn replace(&mut self, symbol: Symbol, bars: Arc<Bars>) {
        if let Some(listed) = self.markets.get_mut(&symbol) {
            let stored = std::mem::take(&mut listed.stored);
            *listed = Listed { grid: listed.grid, ..Listed::new(symbol, stored, Source::Memory(bars)) };
            self.series = Cache::new(CACHE_BYTES);
        }
    }

    /// What does not depend on the time comes over from another one.
    pub(crate) fn take_over(&mut self, other: &mut Self) {
        self.exchange_info = other.exchange_info.take();
    }

    /// The names of all markets.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> + '_ {
        self.markets.keys().copied()
    }

    pub(crate) fn market(&self, symbol: Symbol) -> Option<&Listed> {
        self.markets.get(&symbol)
    }

    /// Whether a market has bars of an interval, stored or made of shorter ones.
    pub(crate) fn has(&self, symbol: Symbol, grid: Grid) -> bool {
        self.market(symbol).is_some_and(|market| market.way_to(grid).is_some())
    }

    /// Bars around an instant; `None` where the market has no such interval.
    pub(super) fn around(&self, symbol: Symbol, grid: Grid, at: Timestamp) -> Option<Stretch> {
        let (market, grid) = (self.market(symbol)?, grid.plain());
        let way = market.way_to(grid)?;
        let (day, range) = match way {
            // Seconds of years would fill the memory: they come by the day.
            _ if grid.interval == Interval::OneSecond => {
                let day = Interval::OneDay.open_at(at);
                (Some(day.micros()), day..day.plus(DAY))
            }
            _ => (None, Timestamp::MIN..Timestamp::MAX),
        };
        let make = || match way {
            Way::Stored => market.load(symbol, grid.interval, &range),
            Way::From(shorter) => {
                let whole = self.around(symbol, Grid::utc(shorter), at).map(|stretch| stretch.bars);
                whole.map(|bars| Arc::new(aggregate(&bars, shorter, grid))).unwrap_or_default()
            }
            Way::Seconds(longer) => {
                let whole = self.around(symbol, Grid::utc(longer), at).map(|stretch| stretch.bars);
                whole.map(|bars| Arc::new(trades::seconds(&bars, &range, market.grid))).unwrap_or_default()
            }
        };
        let key = (symbol, grid, day);
        let bars = self.series.value(&key, make, |bars| bars.len() * 128 + 256);
        Some(Stretch { range, bars })
    }

    /// Whether bars are in memory, so that nobody has to wait for them.
    pub(super) fn is_at_hand(&self, symbol: Symbol, grid: Grid) -> bool {
        grid.interval != Interval::OneSecond && self.series.peek(&(symbol, grid.plain(), None)).is_some()
    }

    /// The bars that are the finest whole ones: from them everything else follows.
    pub(super) fn finest(&self, symbol: Symbol) -> Option<Interval> {
        self.market(symbol)?.stored.iter().min().copied()
    }

    /// From the first bar's open to the end of the last.
    pub(super) fn span(&self, symbol: Symbol) -> Option<Range<Timestamp>> {
        let market = self.market(symbol)?;
        market.span.get_or_init(|| self.measured(symbol, market)).clone()
    }

    fn measured(&self, symbol: Symbol, market: &Listed) -> Option<Range<Timestamp>> {
        if let Source::Generated(plan) = &market.source {
            return Some(plan.from..plan.to);
        }
        let of = |interval: &Interval| {
            let (first, last) = match &market.source {
                Source::Lake(lake) => {
                    let files = lake.files(&SeriesName { symbol, interval: *interval }).unwrap_or_default();
                    let first = files.iter().find_map(|file| file.provenance.first)?;
                    (first, files.iter().rev().find_map(|file| file.provenance.last)?)
                }
                _ => {
                    let bars = self.around(symbol, Grid::utc(*interval), Timestamp::from_micros(0))?.bars;
                    (bars.open_time.first()?, bars.open_time.last()?)
                }
            };
            Some(first..interval.next_open(last))
        };
        let spans = market.stored.iter().filter_map(of);
        spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
    }
}

/// How bars of an interval come about.
enum Way {
    Stored,
    From(Interval),
    /// From made-up trades inside of longer bars.
    Seconds(Interval),
}

impl Listed {
    fn new(symbol: Symbol, stored: Vec<Interval>, source: Source) -> Self {
        let (base_asset, quote_asset) = assets(symbol);
        Self { base_asset, quote_asset, stored, delisted: None, grid: None, source, span: OnceLock::new() }
    }

    /// When a generated market begins, if it does so later than the others.
    pub(super) fn listed(&self) -> Option<Timestamp> {
        match &self.source {
            Source::Generated(plan) => Some(plan.from),
            _ => None,
        }
    }

    /// A plan with the rules of this market, or of any.
    pub(super) fn plan_for_rules(&self) -> MarketPlan {
        match &self.source {
            Source::Generated(plan) => MarketPlan::clone(plan),
            _ => {
                let smallest = MarketPlan::bitcoin(0, Interval::OneMinute, Timestamp::MIN, Timestamp::MIN);
                MarketPlan { tick: Price::from_units(1), step: Quantity::from_units(1), ..smallest }
            }
        }
    }

    /// Whether there are trades and seconds, cut from its minutes.
    pub(super) fn has_trades(&self) -> bool {
        self.grid.is_some() && self.stored.contains(&Interval::OneMinute)
    }

    fn way_to(&self, grid: Grid) -> Option<Way> {
        let grid = grid.plain();
        if grid.offset_us == 0 && self.stored.contains(&grid.interval) {
            return Some(Way::Stored);
        }
        let parts = self.stored.iter().filter(|shorter| grid.is_made_of(**shorter));
        match parts.max() {
            Some(shorter) => Some(Way::From(*shorter)),
            None if grid.interval == Interval::OneSecond && self.has_trades() => {
                Some(Way::Seconds(Interval::OneMinute))
            }
            None => None,
        }
    }

    fn load(&self, symbol: Symbol, interval: Interval, range: &Range<Timestamp>) -> Arc<Bars> {
        let loaded = match &self.source {
            Source::Generated(plan) => return Arc::new(plan.bars()),
            Source::Memory(bars) => return Arc::clone(bars),
            Source::Lake(lake) => {
                lake.bars(&SeriesName { symbol, interval }, range.clone()).map_err(ExchangeError::from)
            }
            Source::Folder(folder) => folder.bars(symbol, interval, range),
        };
        let bars = loaded.unwrap_or_else(|error| {
            tracing::error!(%error, %symbol, %interval, "bars cannot be read");
            Bars::default()
        });
        Arc::new(bars)
    }
}
