//! From a configuration and a lake to markets that can be replayed.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use candlewick_lake::{Lake, SeriesName, Snapshot, gaps_of, uncovered};
use candlewick_model::run::{AssumedFilters, Band, NotRun, PathModel, Provenance, Run, RunMarket};
use candlewick_model::{Asset, Gap, Instrument, Interval, Price, Symbol, Timestamp};
use candlewick_simulator::trace::{Subject, Traced};
use candlewick_simulator::{
    Backtest, DetailSource, DiscountPrices, Finished, Limits, Market, Reference, Setup, Timeline, Transfer,
};
use ring::digest::{SHA256, digest};

use crate::config::{Config, MarketPlan};
use crate::detail::{LakeDetail, details};
use crate::failure::told;
use crate::prices::{Beside, Prices};
use crate::series::{self, Columns, Found, average_bars};

/// Markets with what a report says about where they came from.
pub struct Prepared {
    /// What is replayed.
    pub setup: Setup,
    /// What is to be told about each market.
    notes: Vec<Notes>,
    /// What exchangeInfo held of these symbols that could not be read as documented.
    pub filter_notes: Vec<String>,
    /// Hashes of all inputs but detail, which is read on the way.
    provenance: Provenance,
    /// The snapshots, as the exchange sent them.
    pub snapshots: Vec<Snapshot>,
    /// What of them the run stands on: what they say of its symbols and of the whole exchange.
    pub exchange_info: Vec<String>,
    /// The text of the strategy's order file, if it has one.
    pub orders: Option<String>,
}

/// What is to be told about the data of a market.
struct Notes {
    /// Holes in the bars.
    gaps: Vec<Gap>,
    /// What they lack at the ends of the range.
    uncovered: Vec<Gap>,
    /// Where filters are assumed.
    assumed_filters: Option<AssumedFilters>,
    /// Whether the bars were made of trades.
    is_of_trades: bool,
    /// What its bars are, the longer ones, and those of averages, by content.
    sha256: Vec<String>,
    /// What it may move along inside of them.
    details: Vec<Arc<LakeDetail>>,
}

/// What a run is read from.
struct Source<'a> {
    config: &'a Config,
    lake: &'a Lake,
    range: Range<Timestamp>,
    snapshots: Vec<Snapshot>,
}

impl Prepared {
    /// Reads what the configuration names. `text` is the configuration as it stands in its file.
    pub fn new(config: &Config, text: &str, lake: &Lake) -> anyhow::Result<Self> {
        Self::with(config, text, lake, Columns::Market)
    }

    /// As [`Self::new`], for whoever shows the markets' bars to others: all of their columns.
    pub fn whole(config: &Config, text: &str, lake: &Lake) -> anyhow::Result<Self> {
        Self::with(config, text, lake, Columns::All)
    }

    fn with(config: &Config, text: &str, lake: &Lake, columns: Columns) -> anyhow::Result<Self> {
        let start = config.from.map_or(Timestamp::MIN, |p| p.range().start);
        let end = config.to.map_or(Timestamp::MAX, |p| p.range().end);
        if start >= end {
            return Err(anyhow!("the range is empty: `from` comes after `to`"));
        }
        let plans = config.markets()?;
        let read = |plan: &MarketPlan| {
            series::bars(lake, SeriesName { symbol: plan.symbol, interval: plan.interval }, start..end, columns)
        };
        let all = plans.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let first = all.iter().map(|found| found.bars.open_time.at(0)).min().unwrap_or(start);
        let last = all.iter().filter_map(|found| found.bars.close_time.last()).max().unwrap_or(end);
        let source = Source { config, lake, range: start..end, snapshots: snapshots(config, lake, first..last)? };
        let (mut markets, mut notes) = (Vec::new(), Vec::new());
        for (plan, found) in plans.into_iter().zip(all) {
            let (market, of_market) = source.market(plan, &found)?;
            markets.push(market);
            notes.push(of_market);
        }
        let transfers = config.transfers()?;
        if let Some(outside) = transfers.iter().find(|transfer| !(first..=last).contains(&transfer.time)) {
            let Transfer { time, asset, amount } = outside;
            return Err(anyhow!(
                "the transfer of {amount} {asset} at {time} lies outside of the bars, which go from {first} to {last}; give it a time among them, or change what `[account]` holds"
            ));
        }
        let (beside, counted_in) = source.price(&mut markets)?;
        let hashes: Vec<String> = notes.iter().flat_map(|notes| notes.sha256.clone()).chain(beside.sha256).collect();
        let (_, script) = config.strategy()?;
        let symbols: Vec<Symbol> = markets.iter().map(|market| market.timeline.last().symbol).collect();
        let known: Vec<Symbol> = symbols.iter().chain(&beside.symbols).copied().collect();
        let exchange_info: Vec<String> = source.snapshots.iter().map(|s| s.of_symbols(&known)).collect();
        Ok(Self {
            notes,
            filter_notes: notes_of(&symbols, &source.snapshots),
            provenance: Provenance {
                program_version: env!("CARGO_PKG_VERSION").to_owned(),
                data_sha256: data_sha256(&hashes),
                configuration_sha256: configuration_sha256(text, script.as_deref(), &markets),
                filters_sha256: sha256(exchange_info.iter().map(String::as_str)),
            },
            exchange_info,
            setup: Setup {
                account: config.account()?,
                limits: limits(&source.snapshots),
                markets,
                prices: beside.series,
                counted_in,
                transfers,
                stress: None,
            },
            snapshots: source.snapshots,
            orders: script,
        })
    }

    /// Runs the configured strategy, the other two paths where the report wants them, and where
    /// there is a scenario of trouble the run without it and those of other seeds.
    pub fn backtest(&self, config: &Config) -> anyhow::Result<Run> {
        match &config.stress {
            None => {
                let finished = self::run(config, &self.setup)?;
                let (band, not_run) = band(config, &self.setup, &finished);
                Ok(Run { band, not_run, ..self.record(config, &self.setup, finished) })
            }
            Some(scenario) => self.stressed(config, scenario),
        }
    }

    /// Runs the configured strategy as [`Self::backtest`] does for its record, with notes about
    /// what decided about an order.
    pub(crate) fn explain(&self, config: &Config, subject: Subject) -> anyhow::Result<(Finished, Traced)> {
        let (strategy, _) = config.strategy()?;
        let setup = match &config.stress {
            None => self.setup.clone(),
            Some(scenario) => {
                // What the calm run reads of detail is in the hash too.
                if self.reads_detail() {
                    // Where it fails, it has failed in the run, too.
                    let _ = self::run(config, &self.setup);
                }
                self.under(scenario, scenario.seed).0
            }
        };
        Ok(Backtest::new(&setup, strategy, config.strategy.describe().0).explain(subject)?)
    }

    /// Whether it is known only after a run which detail it has read.
    pub(crate) fn reads_detail(&self) -> bool {
        self.notes.iter().any(|notes| !notes.details.is_empty())
    }

    /// The record of a run over these markets, or over what a scenario made of them.
    #[must_use]
    pub(crate) fn record(&self, config: &Config, setup: &Setup, finished: Finished) -> Run {
        let (strategy, parameters) = config.strategy.describe();
        let Finished { outcome, assumptions } = finished;
        let market = |(market, notes): (&Market, &Notes)| {
            let instrument = market.timeline.last();
            RunMarket {
                symbol: instrument.symbol,
                base_asset: instrument.base_asset,
                quote_asset: instrument.quote_asset,
                tick: instrument.filters.tick(),
                step: instrument.filters.step(),
                interval: market.interval,
                bars: Arc::clone(&market.bars),
                fill_model: market.fill_model,
                is_of_trades: notes.is_of_trades,
                details: notes.details.iter().map(|detail| detail.kind).collect(),
                gaps: notes.gaps.clone(),
                uncovered: notes.uncovered.clone(),
                assumed_filters: notes.assumed_filters,
                halts: market.halts.clone(),
            }
        };
        Run {
            strategy: strategy.to_owned(),
            parameters,
            markets: setup.markets.iter().zip(&self.notes).map(market).collect(),
            prices: setup.prices.clone(),
            counted_in: setup.counted_in,
            marks: outcome.marks,
            equity: outcome.equity,
            initial: setup.account.clone(),
            account: outcome.account,
            orders: candlewick_model::run::orders_of(&outcome.events),
            events: outcome.events,
            assumptions,
            band: None,
            stress: None,
            not_run: Vec::new(),
            filter_notes: self.filter_notes.clone(),
            provenance: self.provenance(),
        }
    }

    /// Hashes of all inputs, of detail what was read of it by now.
    pub(crate) fn provenance(&self) -> Provenance {
        Provenance { data_sha256: self.data_sha256(), ..self.provenance.clone() }
    }

    /// Of all bars and of the detail that was read: what decided something is in it.
    fn data_sha256(&self) -> String {
        let bars = &self.provenance.data_sha256;
        let details: Vec<_> =
            self.notes.iter().flat_map(|notes| &notes.details).flat_map(|detail| detail.sha256()).collect();
        if details.is_empty() {
            return bars.clone();
        }
        sha256(std::iter::once(bars).chain(&details).map(String::as_str))
    }
}

/// Runs the configured strategy.
pub(crate) fn run(config: &Config, setup: &Setup) -> anyhow::Result<Finished> {
    let (strategy, _) = config.strategy()?;
    Ok(Backtest::new(setup, strategy, config.strategy.describe().0).run()?)
}

/// Runs the other two paths where the report wants them. What cannot be run along one of them (a
/// withdrawal of what it has not earned) is told and takes nothing from the run that is kept.
pub(crate) fn band(config: &Config, setup: &Setup, finished: &Finished) -> (Option<Band>, Vec<NotRun>) {
    let mut not_run = Vec::new();
    if !config.report.band {
        return (None, not_run);
    }
    let mut last = |path: PathModel, name: &str| {
        let mut other = setup.clone();
        other.markets.iter_mut().for_each(|market| market.fill_model.path = path);
        let same = other.markets.iter().zip(&setup.markets).all(|(a, b)| a.fill_model == b.fill_model);
        if same {
            return finished.last_equity();
        }
        let ended = run(config, &other);
        ended.map_err(|error| not_run.push(self::not_run(name, &error))).ok().and_then(|other| other.last_equity())
    };
    let band = Band {
        pessimistic: last(PathModel::Pessimistic, "the pessimistic path"),
        nearest: last(PathModel::Nearest, "the nearest path"),
        optimistic: last(PathModel::Optimistic, "the optimistic path"),
    };
    (Some(band), not_run)
}

/// What is told of a run that could not be made.
pub(crate) fn not_run(run: &str, error: &anyhow::Error) -> NotRun {
    NotRun { run: run.to_owned(), why: told(error) }
}

impl Source<'_> {
    fn market(&self, plan: MarketPlan, found: &Found) -> anyhow::Result<(Market, Notes)> {
        let series = SeriesName { symbol: plan.symbol, interval: plan.interval };
        let bars = &found.bars;
        let (first, last) = (bars.open_time.at(0), bars.close_time.at(bars.len() - 1));
        let longer = |interval: &Interval| {
            let series = SeriesName { interval: *interval, ..series };
            series::bars(self.lake, series, self.range.clone(), Columns::Market)
        };
        let longer = plan.longer.iter().map(longer).collect::<anyhow::Result<Vec<_>>>()?;
        let (average_bars, beside) = average_bars(self.lake, series, found)?;
        let whole = std::iter::once(found).chain(&longer).map(|found| found.sha256.clone());
        let sha256 = whole.chain(beside).collect();
        let details = match plan.fill_model.path {
            PathModel::Detail => details(self.lake, series, plan.detail, &(first..last.plus(1)))?,
            PathModel::Nearest | PathModel::Pessimistic | PathModel::Optimistic => Vec::new(),
        };
        let timeline = timeline(plan.symbol, &self.snapshots)?;
        let since = timeline.first_time();
        let market = Market {
            average_bars,
            longer: plan.longer.into_iter().zip(longer).map(|(interval, found)| (interval, found.bars)).collect(),
            details: details.iter().map(|detail| Arc::clone(detail) as Arc<dyn DetailSource>).collect(),
            reference: plan.reference,
            price_range: plan.price_range,
            ..Market::new(timeline, plan.fill_model, plan.interval, Arc::clone(bars))
        };
        let notes = Notes {
            gaps: gaps_of(bars, plan.interval),
            uncovered: uncovered(bars, plan.interval, &self.range),
            assumed_filters: (since > first).then(|| AssumedFilters { from: first, to: since.min(last) }),
            is_of_trades: found.is_of_trades,
            sha256,
            details,
        };
        Ok((market, notes))
    }

    /// Everything that gives prices to assets: the series beside the markets, what equity is
    /// counted in, and the prices at which commission is discounted.
    fn price(&self, markets: &mut [Market]) -> anyhow::Result<(Beside, Asset)> {
        let counted_in = self.counted_in(markets)?;
        let finest = markets.iter().map(|market| market.interval).min().unwrap_or(Interval::OneMinute);
        let mut prices = Prices::new(self.lake, &self.snapshots, finest, self.range.clone());
        for market in markets.iter() {
            let Instrument { base_asset, quote_asset, .. } = **market.timeline.last();
            prices.know(base_asset, quote_asset, &market.bars);
        }
        for symbol in &self.config.prices {
            prices.add(*symbol)?;
        }
        for market in markets.iter_mut() {
            let discount = market.fill_model.fees.discount;
            if let Some(discount) = discount {
                let Instrument { base_asset, quote_asset, symbol, .. } = **market.timeline.last();
                if discount.asset != quote_asset && discount.asset != base_asset {
                    let bars = prices.of_pair(discount.asset, quote_asset).with_context(|| {
                        format!("commission on {symbol} is discounted when paid in {}", discount.asset)
                    })?;
                    market.discount = Some(DiscountPrices::new(bars));
                }
            }
        }
        let held = self.config.account()?;
        let quotes = markets.iter().map(|market| market.timeline.last().quote_asset);
        let moved = self.config.transfers()?;
        let discounts = markets.iter().filter_map(|market| Some(market.fill_model.fees.discount?.asset));
        let assets = held.iter().map(|(asset, _)| asset).chain(quotes).chain(moved.iter().map(|t| t.asset));
        for asset in assets.chain(discounts) {
            prices.ensure(asset, counted_in)?;
        }
        Ok((prices.into_beside(), counted_in))
    }

    fn counted_in(&self, markets: &[Market]) -> anyhow::Result<Asset> {
        if let Some(asset) = self.config.counted_in {
            return Ok(asset);
        }
        let mut quotes: Vec<Asset> = markets.iter().map(|market| market.timeline.last().quote_asset).collect();
        quotes.sort();
        quotes.dedup();
        match quotes[..] {
            [quote] => Ok(quote),
            _ => {
                let names: Vec<_> = quotes.iter().map(Asset::as_str).collect();
                Err(anyhow!(
                    "the markets have several quote assets ({}); say with `counted_in = \"{}\"` which one equity is counted in",
                    names.join(", "),
                    names[0]
                ))
            }
        }
    }
}

fn snapshots(config: &Config, lake: &Lake, range: Range<Timestamp>) -> anyhow::Result<Vec<Snapshot>> {
    if config.exchange_info.is_empty() {
        let mut stored = lake.exchange_infos_within(range)?;
        // A market may have been left out of the snapshots of that time.
        let known = |symbol| stored.iter().any(|snapshot| snapshot.info.instruments.contains_key(symbol));
        if !config.symbols().iter().all(known) {
            stored = lake.exchange_infos()?;
        }
        if stored.is_empty() {
            return Err(anyhow!(
                "no filters: the lake in {} holds no exchangeInfo; store one with `candlewick lake add-exchange-info FILE`, or name files in `exchange_info = [\"…\"]`",
                lake.root().display()
            ));
        }
        return Ok(stored);
    }
    let mut snapshots = Vec::new();
    for file in &config.exchange_info {
        let path = config.resolve(file);
        let what = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| what.clone())?;
        // What a run keeps has one a line.
        if path.extension().is_some_and(|end| end == "jsonl") {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            for (at, line) in lines {
                snapshots.push(Snapshot::parse(line.to_owned(), &format!("{what}: line {}", at + 1))?);
            }
        } else {
            snapshots.push(Snapshot::parse(text, &what)?);
        }
    }
    Ok(snapshots)
}

/// The symbol's filters over time; a snapshot without the symbol says nothing about it.
fn timeline(symbol: Symbol, snapshots: &[Snapshot]) -> anyhow::Result<Timeline> {
    let of = |s: &Snapshot| Some((s.time(), s.info.instruments.get(&symbol)?.clone()));
    Timeline::new(snapshots.iter().filter_map(of).collect()).ok_or_else(|| unknown(symbol, snapshots))
}

/// That no snapshot knows a symbol, or why what one says of it is of no use.
pub(crate) fn unknown(symbol: Symbol, snapshots: &[Snapshot]) -> anyhow::Error {
    if let Some(note) = snapshots.iter().flat_map(|s| s.info.notes_on(symbol)).next() {
        return anyhow!("the exchangeInfo is of no use for this: {note}");
    }
    let known = snapshots.iter().flat_map(|s| s.info.instruments.keys());
    let nearest = known.min_by_key(|k| strsim::damerau_levenshtein(k.as_str(), symbol.as_str()));
    let hint = nearest.map(|k| format!("; did you mean {k}?")).unwrap_or_default();
    anyhow!("the exchangeInfo knows no symbol {symbol}{hint}")
}

/// The limits of the exchange as a whole over time; at least one snapshot is there.
fn limits(snapshots: &[Snapshot]) -> Timeline<Limits> {
    let of = |snapshot: &Snapshot| {
        let info = &snapshot.info;
        (snapshot.time(), Limits { filters: info.exchange_filters.clone(), orders: info.order_limits.clone() })
    };
    Timeline::new(snapshots.iter().map(of).collect()).unwrap_or_else(|| Limits::default().into())
}

/// What the snapshots hold about these symbols and about the exchange as a whole that could not be
/// read as documented, and where a later one does not list a symbol any more. Each is told once.
fn notes_of(symbols: &[Symbol], snapshots: &[Snapshot]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut listed: Vec<Symbol> = Vec::new();
    for snapshot in snapshots {
        let info = &snapshot.info;
        notes.extend(info.exchange_notes.iter().cloned());
        for symbol in symbols {
            notes.extend(info.notes_on(*symbol).map(str::to_owned));
            if info.instruments.contains_key(symbol) {
                listed.push(*symbol);
            } else if listed.contains(symbol) {
                let time = snapshot.time();
                notes.push(format!("{symbol}: the snapshot of {time} does not list it; its rules stay as they were"));
            }
        }
    }
    let mut told = std::collections::BTreeSet::new();
    notes.retain(|note| told.insert(note.clone()));
    notes
}

/// Of all bars that decide something; of one series alone that of its bars.
fn data_sha256(series: &[String]) -> String {
    match series {
        [only] => only.clone(),
        several => sha256(several.iter().map(String::as_str)),
    }
}

/// Of the configuration and of what it names: the order file, recorded reference prices.
fn configuration_sha256(text: &str, script: Option<&str>, markets: &[Market]) -> String {
    let recorded: Vec<_> = markets.iter().filter_map(|market| recorded(&market.reference)).collect();
    sha256([text, script.unwrap_or_default()].into_iter().chain(recorded.iter().map(String::as_str)))
}

/// Recorded reference prices, one a line.
fn recorded(reference: &Reference) -> Option<String> {
    let Reference::Recorded(points) = reference else { return None };
    let line = |(time, price): &(Timestamp, Option<Price>)| {
        let price = price.map_or_else(|| "null".to_owned(), |price| price.to_string());
        format!("{} {price}\n", time.micros())
    };
    Some(points.iter().map(line).collect())
}

fn sha256<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = Vec::new();
    for text in texts {
        all.extend_from_slice(&(text.len() as u64).to_le_bytes());
        all.extend_from_slice(text.as_bytes());
    }
    hex::encode(digest(&SHA256, &all))
}

/// Refuses a folder that holds something, unless it may be overwritten.
pub fn check_out(out: &Path, force: bool) -> anyhow::Result<()> {
    let occupied = out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || out.is_file();
    if occupied && !force {
        return Err(anyhow!("{} is not empty; give another folder, or --force to write into it", out.display()));
    }
    Ok(())
}
