//! Bars from trades, as the exchange makes them (rule 8.34 of the fill rules).
//!
//! For: markets of which the lake holds trades and no bars. Not for: longer bars from shorter
//! ones (`resample`), or the lake's own files; what is made here is not kept.

use std::collections::VecDeque;
use std::ops::Range;

use candlewick_model::{AggTrade, Amount, Bar, Bars, Interval, Period, Side, Symbol, Timestamp};

use super::{TradeFile, TradeSeries, TradeTable};
use crate::Lake;
use crate::error::LakeError;
use crate::resample::open_from;

impl Lake {
    /// The bars of a market that open within a range, from its joined trades: for all times of
    /// which the lake holds every day. From the first trade on there is a bar also where nothing
    /// was traded, at the price before it. The quote volume is that of the joined trades, each
    /// rounded down at 1e-8.
    pub fn bars_of_trades(
        &self,
        symbol: Symbol,
        interval: Interval,
        range: Range<Timestamp>,
    ) -> Result<Bars, LakeError> {
        let files = self.trade_files(&TradeSeries { symbol, table: TradeTable::AggTrades })?;
        let mut days: Vec<(Period, TradeFile)> =
            files.into_iter().filter_map(|file| Some((file.provenance.day()?, file))).collect();
        days.sort_by_key(|(day, _)| *day);
        let mut bars = Bars::default();
        for days in days.chunk_by(|(a, _), (b, _)| a.range().end == b.range().start) {
            let all = days[0].0.range().start..days[days.len() - 1].0.range().end;
            let first = open_from(interval, all.start.max(range.start));
            // The price before the first bar is that of the last trade before it.
            let first_day = days.partition_point(|(day, _)| day.range().end <= first);
            let before = days[..first_day].iter().rposition(|(_, file)| file.provenance.rows > 0).unwrap_or(first_day);
            let days = days[before..].iter().map(|(day, _)| *day).collect();
            let mut trades = Trades { lake: self, symbol, days, rows: Vec::new().into_iter() };
            let mut last = None;
            while let Some(trade) = trades.next_before(first)? {
                last = Some(trade.price);
            }
            let mut open = first;
            while open < range.end && interval.next_open(open) <= all.end {
                let next = interval.next_open(open);
                let mut bar = last.map(|price| Making::flat(open, interval, price));
                while let Some(trade) = trades.next_before(next)? {
                    bar.get_or_insert_with(|| Making::flat(open, interval, trade.price)).add(&trade);
                }
                last = bar.as_ref().map(|bar| bar.0.close);
                bars.extend(bar.map(|bar| bar.0));
                open = next;
            }
        }
        Ok(bars)
    }
}

/// Trades of consecutive days by their times.
struct Trades<'a> {
    lake: &'a Lake,
    symbol: Symbol,
    days: VecDeque<Period>,
    rows: std::vec::IntoIter<AggTrade>,
}

impl Trades<'_> {
    /// The next one, if it comes before an instant.
    fn next_before(&mut self, end: Timestamp) -> Result<Option<AggTrade>, LakeError> {
        loop {
            if let Some(trade) = self.rows.as_slice().first() {
                return Ok(if trade.time < end { self.rows.next() } else { None });
            }
            let Some(day) = self.days.pop_front_if(|day| day.range().start < end) else { return Ok(None) };
            let rows = self.lake.trades_of_day(self.symbol, day)?.unwrap_or_default();
            self.rows = rows.into_iter();
        }
    }
}

/// A bar that is being made.
struct Making(Bar);

impl Making {
    /// Before its first trade.
    fn flat(open_time: Timestamp, interval: Interval, price: candlewick_model::Price) -> Self {
        Self(Bar {
            open_time,
            close_time: interval.close_of(open_time),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Amount::ZERO,
            quote_volume: Amount::ZERO,
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 0,
        })
    }

    fn add(&mut self, trade: &AggTrade) {
        let bar = &mut self.0;
        let (price, is_first) = (trade.price, bar.trades == 0);
        bar.open = if is_first { price } else { bar.open };
        bar.high = if is_first { price } else { bar.high.max(price) };
        bar.low = if is_first { price } else { bar.low.min(price) };
        bar.close = price;
        let quote = price.notional_floor(trade.quantity).units();
        let more = |sum: &mut Amount, part: i128| *sum = Amount::from_units(sum.units() + part);
        more(&mut bar.volume, trade.quantity.units().into());
        more(&mut bar.quote_volume, quote);
        if trade.aggressor == Side::Buy {
            more(&mut bar.taker_buy_volume, trade.quantity.units().into());
            more(&mut bar.taker_buy_quote_volume, quote);
        }
        // Old rows do not tell how many they join.
        bar.trades += if trade.first_trade_id < 0 { 1 } else { trade.last_trade_id - trade.first_trade_id + 1 };
    }
}
