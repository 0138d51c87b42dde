//! The bars of a market from the lake: the exchange's, or made of its trades where the lake has
//! none.

use std::ops::Range;
use std::sync::Arc;

use anyhow::anyhow;
use candlewick_lake::{Lake, SeriesName, TradeSeries, TradeTable, content_sha256};
use candlewick_model::time::DAY;
use candlewick_model::{Bars, Interval, Timestamp};

/// Bars, and whether they were made of trades.
pub(crate) struct Found {
    pub(crate) bars: Arc<Bars>,
    pub(crate) is_of_trades: bool,
    /// What they are, by content.
    pub(crate) sha256: String,
}

/// What of bars is read.
#[derive(Clone, Copy)]
pub(crate) enum Columns {
    All,
    /// Nothing is matched by the rest, nor do the strategies here look at it.
    Market,
}

/// The bars of a series; none is an error.
pub(crate) fn bars(
    lake: &Lake,
    series: SeriesName,
    range: Range<Timestamp>,
    columns: Columns,
) -> anyhow::Result<Found> {
    let SeriesName { symbol, interval } = series;
    let bars = match columns {
        Columns::All => lake.bars(&series, range.clone())?,
        Columns::Market => lake.market_bars(&series, range.clone())?,
    };
    if !bars.is_empty() {
        let sha256 = lake.sha256_within(&series, &range)?;
        return Ok(Found { bars: Arc::new(bars), is_of_trades: false, sha256 });
    }
    if lake.trade_series()?.contains(&TradeSeries { symbol, table: TradeTable::AggTrades }) {
        let bars = lake.bars_of_trades(symbol, interval, range)?;
        if !bars.is_empty() {
            let sha256 = content_sha256(&bars);
            return Ok(Found { bars: Arc::new(bars), is_of_trades: true, sha256 });
        }
    }
    let capitals = symbol.as_str().to_uppercase();
    if capitals != symbol.as_str() {
        return Err(anyhow!("there is no market {symbol}: symbols are in capitals, did you mean {capitals}?"));
    }
    Err(anyhow!(
        "the lake in {} holds no {series} bars in that range, nor the trades to make them of; fill it with `candlewick ingest --symbol {symbol} --interval {interval} …`, or see `candlewick lake ls`",
        lake.root().display(),
    ))
}

/// The finest bars that the lake holds for the whole run, from a day before it on (rule 5.3);
/// where it has none but trades, those of a minute. Of what is not among the market's own bars
/// also what it is, by content.
pub(crate) fn average_bars(
    lake: &Lake,
    series: SeriesName,
    found: &Found,
) -> anyhow::Result<(Arc<Bars>, Option<String>)> {
    let bars = &found.bars;
    let (first, last) = (bars.open_time.at(0), bars.close_time.at(bars.len() - 1));
    let range = first.plus(-DAY)..last.plus(1);
    if found.is_of_trades {
        let interval = series.interval.min(Interval::OneMinute);
        let made = lake.bars_of_trades(series.symbol, interval, range)?;
        let sha256 = content_sha256(&made);
        return Ok((Arc::new(made), Some(sha256)));
    }
    for interval in Interval::ALL.into_iter().take_while(|interval| *interval < series.interval) {
        let series = SeriesName { interval, ..series };
        let finer = lake.market_bars(&series, range.clone())?;
        let covers = |b: &Bars| b.open_time.first() <= Some(first) && b.close_time.last() >= Some(last);
        if !finer.is_empty() && covers(&finer) {
            return Ok((Arc::new(finer), Some(lake.sha256_within(&series, &range)?)));
        }
    }
    let mut with_day_before = lake.market_bars(&series, range.start..first)?;
    if with_day_before.is_empty() {
        return Ok((Arc::clone(bars), None));
    }
    let sha256 = lake.sha256_within(&series, &(range.start..first))?;
    // As little as was read of the day.
    with_day_before.append(Bars { trades: Vec::new(), ..Bars::clone(bars) });
    Ok((Arc::new(with_day_before), Some(sha256)))
}
