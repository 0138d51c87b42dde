//! Coarser bars from finer ones: the sums and extremes, by polars, exactly.
//!
//! For: bars of one stretch of time. Not for: which stretches a lake answers for (`mod.rs`).

use candlewick_model::{Amount, Amounts, Bars, Interval, Price, Timestamp};
use polars::prelude::*;

use super::ResampleError;

/// A bar that was made although finer ones are missing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct PartialBar {
    /// When it opens.
    pub open_time: Timestamp,
    /// How many finer bars there are.
    pub there: usize,
    /// How many there would regularly be.
    pub due: usize,
}

/// Bars of a coarser interval. Where there is no finer bar at all, there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resampled {
    /// The bars, in order.
    pub bars: Bars,
    /// Those that were made of fewer bars than regular.
    pub partial: Vec<PartialBar>,
}

/// Volumes are summed as two columns of 64 bits, which are joined again: the lower 40 bits, of
/// which four million still fit, and the rest.
const LOW_BITS: u32 = 40;
const LOW: i128 = (1 << LOW_BITS) - 1;
/// More bars than any month has seconds.
const ROWS: i64 = 1 << 22;

const VOLUMES: [&str; 4] = ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"];

/// Whether whole bars of one interval make up those of another.
#[must_use]
pub fn divides(from: Interval, to: Interval) -> bool {
    match (from.micros(), to.micros()) {
        (Some(from), Some(to)) => from < to && to % from == 0,
        (Some(from), None) => candlewick_model::time::DAY % from == 0,
        (None, _) => false,
    }
}

/// Makes coarser bars out of finer ones that are in order. The caller sees to it that the stretch
/// begins and ends with a coarser bar: what is there of one is taken for all of it.
pub fn resample(bars: &Bars, from: Interval, to: Interval) -> Result<Resampled, ResampleError> {
    if !divides(from, to) {
        return Err(ResampleError::Interval { from, to });
    }
    if bars.is_empty() {
        return Ok(Resampled::default());
    }
    let sum = |name: String| col(name.as_str()).sum();
    let sums = VOLUMES.iter().flat_map(|name| [sum(format!("{name}_low")), sum(format!("{name}_high"))]);
    let figures = [
        col("close_time").last(),
        col("is_short").last(),
        col("open").first(),
        col("high").max(),
        col("low").min(),
        col("close").last(),
        col("trades").sum(),
        len().cast(DataType::Int64).alias("there"),
    ];
    let grouped = frame(bars, from, to)?
        .lazy()
        .group_by_stable([col("bucket")])
        .agg(figures.into_iter().chain(sums).collect::<Vec<_>>())
        .collect()?;
    read(&grouped, from, to)
}

/// The columns as polars has them, all of 64 bits.
fn frame(bars: &Bars, from: Interval, to: Interval) -> Result<DataFrame, ResampleError> {
    let numbers = |name: &str, values: Vec<i64>| Column::new(name.into(), values);
    let prices = |name, column: &[Price]| numbers(name, column.iter().map(|price| price.units()).collect());
    let is_short = bars.open_time.iter().zip(bars.close_time.iter()).map(|(open, close)| close < from.close_of(open));
    let mut columns = vec![
        numbers("bucket", bars.open_time.iter().map(|open| to.open_at(open).micros()).collect()),
        numbers("close_time", bars.close_time.iter().map(|close| close.micros()).collect()),
        numbers("is_short", is_short.map(i64::from).collect()),
        prices("open", &bars.open),
        prices("high", &bars.high),
        prices("low", &bars.low),
        prices("close", &bars.close),
        numbers("trades", bars.trades.clone()),
    ];
    let volumes = [&bars.volume, &bars.quote_volume, &bars.taker_buy_volume, &bars.taker_buy_quote_volume];
    for (name, volume) in VOLUMES.iter().zip(volumes) {
        let (low, high) = halves(volume).ok_or_else(|| ResampleError::Volume { column: name })?;
        columns.extend([numbers(&format!("{name}_low"), low), numbers(&format!("{name}_high"), high)]);
    }
    Ok(DataFrame::new(bars.len(), columns)?)
}

/// `None` if the upper halves could add up to more than 64 bits hold.
fn halves(column: &Amounts) -> Option<(Vec<i64>, Vec<i64>)> {
    let (mut low, mut high) = (Vec::with_capacity(column.len()), Vec::with_capacity(column.len()));
    for amount in column.iter() {
        low.push(i64::try_from(amount.units() & LOW).ok()?);
        high.push(i64::try_from(amount.units() >> LOW_BITS).ok().filter(|high| high.abs() < i64::MAX / ROWS)?);
    }
    Some((low, high))
}

fn read(grouped: &DataFrame, from: Interval, to: Interval) -> Result<Resampled, ResampleError> {
    let numbers = |name: &str| -> Result<Vec<i64>, ResampleError> {
        Ok(grouped.column(name)?.i64()?.into_no_null_iter().collect())
    };
    let prices = |name| Ok::<_, ResampleError>(numbers(name)?.into_iter().map(Price::from_units).collect::<Vec<_>>());
    let volumes = |name: &str| -> Result<Amounts, ResampleError> {
        let (low, high) = (numbers(&format!("{name}_low"))?, numbers(&format!("{name}_high"))?);
        let join = |(low, high)| Amount::from_units((i128::from(high) << LOW_BITS) + i128::from(low));
        Ok(low.into_iter().zip(high).map(join).collect())
    };
    let open_time: Vec<_> = numbers("bucket")?.into_iter().map(Timestamp::from_micros).collect();
    // A bar that an outage cut short ends where its last part does; others end regularly, even
    // if their last parts are missing. So do those of the exchange.
    let ends = numbers("close_time")?.into_iter().zip(numbers("is_short")?);
    let close = |(open, (close, is_short)): (&Timestamp, (i64, i64))| match is_short {
        0 => to.close_of(*open),
        _ => Timestamp::from_micros(close),
    };
    let partial = |(open, there): (&Timestamp, i64)| {
        let (there, due) = (usize::try_from(there).unwrap_or_default(), due(*open, from, to));
        (there < due).then_some(PartialBar { open_time: *open, there, due })
    };
    let partial = open_time.iter().zip(numbers("there")?).filter_map(partial).collect();
    let close_time = open_time.iter().zip(ends).map(close).collect();
    let bars = Bars {
        close_time,
        open: prices("open")?,
        high: prices("high")?,
        low: prices("low")?,
        close: prices("close")?,
        volume: volumes("volume")?,
        quote_volume: volumes("quote_volume")?,
        taker_buy_volume: volumes("taker_buy_volume")?,
        taker_buy_quote_volume: volumes("taker_buy_quote_volume")?,
        trades: numbers("trades")?,
        open_time: open_time.into(),
    };
    Ok(Resampled { bars, partial })
}

/// How many regular bars make up one.
fn due(open: Timestamp, from: Interval, to: Interval) -> usize {
    let length = to.next_open(open).micros() - open.micros();
    usize::try_from(length / from.micros().unwrap_or(i64::MAX)).unwrap_or_default()
}
