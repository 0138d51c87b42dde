//! From a configuration and a lake to a market that can be replayed.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use candlewick_lake::{Lake, SeriesName, Snapshot, content_sha256, gaps_of};
use candlewick_model::run::{AssumedFilters, Band, PathModel, Provenance, Run};
use candlewick_model::time::DAY;
use candlewick_model::{Bars, Gap, Interval, Timestamp};
use candlewick_simulator::{Backtest, Finished, Limits, Market, Setup, Timeline};
use ring::digest::{SHA256, digest};

use crate::config::Config;

/// A market with what a report says about where it came from.
pub struct Prepared {
    /// What is replayed.
    pub setup: Setup,
    /// Holes in the bars.
    pub gaps: Vec<Gap>,
    /// What exchangeInfo held of this symbol that could not be read as documented.
    pub filter_notes: Vec<String>,
    /// Where filters are assumed.
    pub assumed_filters: Option<AssumedFilters>,
    /// Hashes of all inputs.
    pub provenance: Provenance,
    /// The snapshots, as the exchange sent them.
    pub snapshots: Vec<Snapshot>,
}

impl Prepared {
    /// Reads what the configuration names. `text` is the configuration as it stands in its file.
    pub fn new(config: &Config, text: &str, lake: &Lake) -> anyhow::Result<Self> {
        let series = SeriesName { symbol: config.symbol, interval: config.interval };
        let start = config.from.map_or(Timestamp::MIN, |p| p.range().start);
        let end = config.to.map_or(Timestamp::MAX, |p| p.range().end);
        if start >= end {
            return Err(anyhow!("the range is empty: `from` comes after `to`"));
        }
        let bars = lake.bars(&series, start..end)?;
        let (Some(first), Some(last)) = (bars.open_time.first().copied(), bars.close_time.last().copied()) else {
            return Err(anyhow!(
                "the lake in {} holds no {series} bars in that range; fill it with `candlewick ingest --symbol {} --interval {} …`, or see `candlewick lake ls`",
                lake.root().display(),
                series.symbol,
                series.interval
            ));
        };
        let snapshots = snapshots(config, lake, first..last)?;
        let timeline = timeline(config, &snapshots)?;
        let bars = Arc::new(bars);
        let average_bars = average_bars(&series, first, last, &bars, lake)?;
        let (_, script) = config.strategy()?;
        let assumed = timeline.first_time() > first;
        Ok(Self {
            gaps: gaps_of(&bars, config.interval),
            filter_notes: notes_of(config, &snapshots),
            assumed_filters: assumed.then(|| AssumedFilters { from: first, to: timeline.first_time().min(last) }),
            provenance: Provenance {
                program_version: env!("CARGO_PKG_VERSION").to_owned(),
                data_sha256: content_sha256(&bars),
                configuration_sha256: sha256([text, script.as_deref().unwrap_or_default()]),
                filters_sha256: sha256(snapshots.iter().map(|s| s.json.as_str())),
            },
            setup: Setup {
                limits: limits(&snapshots),
                ..Setup::of_one(
                    Market { average_bars, ..Market::new(timeline, config.fill_model()?, config.interval, bars) },
                    config.account()?,
                )
            },
            snapshots,
        })
    }

    fn market(&self) -> &Market {
        &self.setup.markets[0]
    }

    /// The snapshot in force at the first bar, as the exchange sent it.
    #[must_use]
    pub fn exchange_info(&self) -> &str {
        let first = self.market().bars.open_time.first().copied().unwrap_or(Timestamp::MIN);
        let in_force = self.snapshots.iter().rev().find(|snapshot| snapshot.time() <= first);
        in_force.or(self.snapshots.first()).map_or("{}", |snapshot| snapshot.json.as_str())
    }

    /// Runs the configured strategy, and the other two paths where the report wants them.
    pub fn backtest(&self, config: &Config) -> anyhow::Result<Run> {
        let run = |path: PathModel| -> anyhow::Result<Finished> {
            let mut setup = self.setup.clone();
            setup.markets[0].fill_model.path = path;
            let (strategy, _) = config.strategy()?;
            Ok(Backtest::new(&setup, strategy, config.strategy.describe().0).run()?)
        };
        let finished = run(self.market().fill_model.path)?;
        let band = if config.report.band {
            let last = |path: PathModel| -> anyhow::Result<_> {
                let equity = if path == self.market().fill_model.path {
                    finished.last_equity()
                } else {
                    run(path)?.last_equity()
                };
                equity.ok_or_else(|| anyhow!("a run without bars"))
            };
            Some(Band {
                pessimistic: last(PathModel::Pessimistic)?,
                nearest: last(PathModel::Nearest)?,
                optimistic: last(PathModel::Optimistic)?,
            })
        } else {
            None
        };
        Ok(self.record(config, finished, band))
    }

    /// The record of a run over this market.
    #[must_use]
    pub fn record(&self, config: &Config, finished: Finished, band: Option<Band>) -> Run {
        let instrument = self.market().timeline.last();
        let (strategy, parameters) = config.strategy.describe();
        let Finished { outcome, assumptions } = finished;
        Run {
            strategy: strategy.to_owned(),
            parameters,
            symbol: instrument.symbol,
            base_asset: instrument.base_asset,
            quote_asset: instrument.quote_asset,
            tick: instrument.filters.tick(),
            step: instrument.filters.step(),
            interval: config.interval,
            bars: Arc::clone(&outcome.bars[0]),
            equity: outcome.equity,
            initial: self.setup.account.clone(),
            account: outcome.account,
            orders: candlewick_model::run::orders_of(&outcome.events),
            events: outcome.events,
            fill_model: self.market().fill_model,
            assumptions,
            gaps: self.gaps.clone(),
            band,
            assumed_filters: self.assumed_filters,
            filter_notes: self.filter_notes.clone(),
            provenance: self.provenance.clone(),
        }
    }
}

fn snapshots(config: &Config, lake: &Lake, range: Range<Timestamp>) -> anyhow::Result<Vec<Snapshot>> {
    if config.exchange_info.is_empty() {
        let mut stored = lake.exchange_infos_within(range)?;
        // The market may have been left out of the snapshots of that time.
        if !stored.iter().any(|snapshot| snapshot.info.instruments.contains_key(&config.symbol)) {
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
    let read = |file: &std::path::PathBuf| {
        let path = config.resolve(file);
        let what = path.display().to_string();
        let json = std::fs::read_to_string(&path).with_context(|| what.clone())?;
        Ok(Snapshot::parse(json, &what)?)
    };
    config.exchange_info.iter().map(read).collect()
}

/// The symbol's filters over time; a snapshot without the symbol says nothing about it.
fn timeline(config: &Config, snapshots: &[Snapshot]) -> anyhow::Result<Timeline> {
    let of = |s: &Snapshot| Some((s.time(), s.info.instruments.get(&config.symbol)?.clone()));
    Timeline::new(snapshots.iter().filter_map(of).collect()).ok_or_else(|| {
        let known = snapshots.iter().flat_map(|s| s.info.instruments.keys());
        let nearest = known.min_by_key(|k| strsim::damerau_levenshtein(k.as_str(), config.symbol.as_str()));
        let hint = nearest.map(|k| format!("; did you mean {k}?")).unwrap_or_default();
        anyhow!("the exchangeInfo knows no symbol {}{hint}", config.symbol)
    })
}

/// The limits of the exchange as a whole, as the last snapshot has them.
fn limits(snapshots: &[Snapshot]) -> Limits {
    let last = snapshots.iter().max_by_key(|snapshot| snapshot.time());
    last.map_or_else(Limits::default, |snapshot| Limits {
        filters: Arc::new(snapshot.info.exchange_filters.clone()),
        orders: snapshot.info.order_limits.clone(),
    })
}

fn notes_of(config: &Config, snapshots: &[Snapshot]) -> Vec<String> {
    let prefix = config.symbol.to_string();
    let about = |note: &&String| note.split([' ', ':']).next() == Some(prefix.as_str());
    snapshots.iter().flat_map(|s| s.info.notes.iter().filter(about)).cloned().collect()
}

/// The finest bars that the lake holds for the whole run, from a day before it on (rule 5.3).
fn average_bars(
    series: &SeriesName,
    first: Timestamp,
    last: Timestamp,
    bars: &Arc<Bars>,
    lake: &Lake,
) -> anyhow::Result<Arc<Bars>> {
    let range = first.plus(-DAY)..last.plus(1);
    for interval in Interval::ALL.into_iter().take_while(|interval| *interval < series.interval) {
        let finer = lake.bars(&SeriesName { interval, ..*series }, range.clone())?;
        let covers = |b: &Bars| b.open_time.first() <= Some(&first) && b.close_time.last() >= Some(&last);
        if !finer.is_empty() && covers(&finer) {
            return Ok(Arc::new(finer));
        }
    }
    let with_day_before = lake.bars(series, range)?;
    Ok(if with_day_before.len() == bars.len() { Arc::clone(bars) } else { Arc::new(with_day_before) })
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
