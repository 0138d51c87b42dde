//! The inside of bars, from the lake: finer bars, or trades (rule 2.2, `detail`).
//!
//! For: answering the replay about the bars that it walks, from a month of bars or a day of
//! trades that is read once. Not for: what the replay makes of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use candlewick_lake::{Lake, LakeError, SeriesName, TradeSeries, TradeTable, content_sha256, divides};
use candlewick_model::run::DetailKind;
use candlewick_model::{AggTrade, Bars, Period, Symbol, Timestamp};
use candlewick_simulator::{Detail, DetailSource, Print, Unreadable};
use ring::digest::{Context, SHA256};

/// One kind of detail of a market.
pub(crate) struct LakeDetail {
    lake: Lake,
    symbol: Symbol,
    pub(crate) kind: DetailKind,
    /// The run's: what lies outside decides nothing.
    range: Range<Timestamp>,
    read: Mutex<Read>,
}

/// What was read.
#[derive(Default)]
struct Read {
    /// The latest stretch, and its rows.
    latest: Option<(Range<Timestamp>, Rows)>,
    /// The hash of every stretch by its bounds.
    sha256: BTreeMap<(Timestamp, Timestamp), String>,
}

#[derive(Clone)]
enum Rows {
    Bars(Arc<Bars>),
    Trades(Arc<[Print]>),
}

/// The detail that a market may move along, the finest first: the one that is wanted, or
/// whatever the lake holds of it.
pub(crate) fn details(
    lake: &Lake,
    SeriesName { symbol, interval }: SeriesName,
    wanted: Option<DetailKind>,
    range: &Range<Timestamp>,
) -> anyhow::Result<Vec<Arc<LakeDetail>>> {
    let trades = TradeSeries { symbol, table: TradeTable::AggTrades };
    let trades = lake.trade_series()?.contains(&trades).then_some(DetailKind::AggTrades);
    let finer =
        lake.series()?.into_iter().filter(|series| series.symbol == symbol && divides(series.interval, interval));
    let mut kinds: Vec<DetailKind> = trades.into_iter().chain(finer.map(|s| DetailKind::Bars(s.interval))).collect();
    if let Some(wanted) = wanted {
        if matches!(wanted, DetailKind::Bars(finer) if !divides(finer, interval)) {
            return Err(anyhow!("`fills.detail` is {wanted}, which does not make up the {interval} bars of {symbol}"));
        }
        kinds.retain(|kind| *kind == wanted);
        if kinds.is_empty() {
            return Err(anyhow!(
                "the lake in {} holds no {wanted} of {symbol}, which `fills.detail` asks for; fill it with `candlewick ingest`, or see `candlewick lake ls`",
                lake.root().display()
            ));
        }
    }
    let of_kind = |kind| LakeDetail { lake: lake.clone(), symbol, kind, range: range.clone(), read: Mutex::default() };
    Ok(kinds.into_iter().map(|kind| Arc::new(of_kind(kind))).collect())
}

impl LakeDetail {
    /// The hashes of all that was read, in the order of time.
    pub(crate) fn sha256(&self) -> Vec<String> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.sha256.values().cloned().collect()
    }

    /// The months, or days, that two instants lie in, as far as the run goes.
    fn stretch(&self, first: Timestamp, last: Timestamp) -> Range<Timestamp> {
        let period = |instant| match self.kind {
            DetailKind::AggTrades => Period::day_of(instant),
            DetailKind::Bars(_) => Period::day_of(instant).month(),
        };
        let (from, to) = (period(first).range().start, period(last).range().end);
        from.max(self.range.start)..to.min(self.range.end)
    }

    fn read(&self, stretch: &Range<Timestamp>) -> Result<Option<Rows>, LakeError> {
        match self.kind {
            DetailKind::AggTrades => Ok(self.trades(stretch)?.map(|rows| Rows::Trades(rows.into()))),
            DetailKind::Bars(interval) => {
                let series = SeriesName { symbol: self.symbol, interval };
                Ok(Some(Rows::Bars(Arc::new(self.lake.bars(&series, stretch.clone())?))))
            }
        }
    }

    /// `None` where a day is not there.
    fn trades(&self, stretch: &Range<Timestamp>) -> Result<Option<Vec<Print>>, LakeError> {
        let mut all = Vec::new();
        let mut at = stretch.start;
        while at < stretch.end {
            let day = Period::day_of(at);
            let Some(trades) = self.lake.trades_of_day::<AggTrade>(self.symbol, day)? else { return Ok(None) };
            let inside = trades.iter().filter(|trade| stretch.contains(&trade.time));
            all.extend(inside.map(|t| Print { time: t.time, price: t.price, quantity: t.quantity }));
            at = day.range().end;
        }
        Ok(Some(all))
    }
}

impl DetailSource for LakeDetail {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let holds =
            |(stretch, _): &&(Range<Timestamp>, Rows)| stretch.contains(&open_time) && stretch.contains(&close_time);
        let rows = match read.latest.as_ref().filter(holds) {
            Some((_, rows)) => rows.clone(),
            None => {
                let stretch = self.stretch(open_time, close_time);
                let Some(rows) = self.read(&stretch)? else { return Ok(None) };
                read.sha256.insert((stretch.start, stretch.end), rows.sha256());
                read.latest = Some((stretch, rows.clone()));
                rows
            }
        };
        Ok(rows.within(open_time, close_time))
    }
}

impl Rows {
    /// What lies within two instants, both included, if there is anything.
    fn within(self, from: Timestamp, to: Timestamp) -> Option<Detail> {
        let detail = match self {
            Self::Bars(bars) => {
                let opens = &bars.open_time;
                let rows = opens.partition_point(|open| open < from)..opens.partition_point(|open| open <= to);
                (rows.clone(), Detail::Bars(bars, rows))
            }
            Self::Trades(trades) => {
                let rows = trades.partition_point(|t| t.time < from)..trades.partition_point(|t| t.time <= to);
                (rows.clone(), Detail::Trades(trades, rows))
            }
        };
        (!detail.0.is_empty()).then_some(detail.1)
    }

    fn sha256(&self) -> String {
        match self {
            Self::Bars(bars) => content_sha256(bars),
            Self::Trades(trades) => sha256_of(trades),
        }
    }
}

fn sha256_of(trades: &[Print]) -> String {
    let mut hash = Context::new(&SHA256);
    for trades in trades.chunks(1 << 10) {
        let numbers = trades.iter().flat_map(|t| [t.time.micros(), t.price.units(), t.quantity.units()]);
        hash.update(&numbers.flat_map(i64::to_le_bytes).collect::<Vec<u8>>());
    }
    hex::encode(hash.finish())
}
