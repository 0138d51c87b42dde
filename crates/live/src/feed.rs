//! Fetching what happened: closed bars, own trades, orders that ended.

use candlewick_binance::rest::{KlineRange, OrderName, TradeRange};
use candlewick_model::{Order, Timestamp};
use candlewick_strategy::Strategy;

use crate::expand::{end_of, fill_of, listed};
use crate::{LiveError, Runner};

/// The most that one request gives.
const PAGE: u16 = 1_000;

impl<S: Strategy> Runner<S> {
    /// Puts bars that have closed since the last one into the inbox.
    pub(crate) async fn fetch_bars(&mut self) -> Result<(), LiveError> {
        loop {
            let range = KlineRange { start: Some(self.next_open), end: None, limit: Some(PAGE) };
            let bars = self.rest.klines(self.plan.symbol, self.plan.interval, range).await?;
            let full = bars.len() == usize::from(PAGE);
            let now = self.now;
            // The last one may still be open.
            for bar in bars.into_iter().filter(|bar| bar.close_time <= now) {
                self.next_open = bar.open_time.plus(1);
                self.last_close = bar.close_time;
                self.inbox.bar(bar);
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Puts fills of resting orders into the inbox, and says how many there were.
    pub(crate) async fn fetch_trades(&mut self) -> Result<usize, LiveError> {
        let mut found = 0;
        loop {
            let range = TradeRange { from_id: Some(self.last_trade + 1), limit: Some(PAGE), order_id: None };
            let trades = self.rest.my_trades(self.plan.symbol, range).await?;
            let full = trades.len() == usize::from(PAGE);
            for trade in &trades {
                self.last_trade = self.last_trade.max(trade.id);
                let told = self.told_trades.remove(&(trade.id, trade.order_id));
                let Some((at, fill)) = listed(trade).filter(|_| !told) else { continue };
                // A trade of another program on the same account is none of ours.
                let Some(order) = self.working.get_mut(&trade.order_id) else { continue };
                let report = fill_of(order, at, fill)?;
                if order.status.is_final() {
                    self.working.remove(&trade.order_id);
                }
                self.inbox.market_fill(report);
                found += 1;
            }
            if !full {
                return Ok(found);
            }
        }
    }

    /// Puts the ends of orders that are no longer open, and were not cancelled by the
    /// strategy, into the inbox.
    pub(crate) async fn fetch_ends(&mut self) -> Result<(), LiveError> {
        let open = self.rest.open_orders(self.plan.symbol).await?;
        let gone = |order: &&Order| !open.iter().any(|o| o.order_id == order.order_id);
        let gone: Vec<Order> = self.working.values().filter(gone).copied().collect();
        let mut ends = Vec::new();
        for order in gone.iter().filter(|order| !self.inbox.waiting_end_of(order)) {
            let ended = self.rest.order(self.plan.symbol, OrderName::Id(order.order_id)).await?;
            // Fills that the list of trades does not show yet come first.
            if ended.filled_quantity == order.filled_quantity {
                ends.extend(end_of(order, &ended));
            }
        }
        ends.sort_by_key(|report| (report.time, report.order.order_id));
        for report in ends {
            self.working.remove(&report.order.order_id);
            self.inbox.market_end(report);
        }
        Ok(())
    }

    /// Where own trades begin that this run has to do with.
    pub(crate) async fn last_trade_so_far(&self) -> Result<u64, LiveError> {
        let range = TradeRange { limit: Some(1), ..TradeRange::default() };
        let trades = self.rest.my_trades(self.plan.symbol, range).await?;
        Ok(trades.last().map_or(0, |trade| trade.id))
    }

    /// When the bar that runs now closes.
    pub(crate) fn bar_close(&self) -> Timestamp {
        let interval = self.plan.interval;
        interval.close_of(interval.open_at(self.last_close.plus(1).max(self.next_open)))
    }
}
