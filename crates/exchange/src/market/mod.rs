//! Market data of the venue: what somebody who asks now is told of its markets.
//!
//! For: the book, trades, bars and statistics of a market, from its bars and from where the
//! matcher's path stands in them. Not for: HTTP and JSON (`server`), the matcher itself, or
//! markets that only a clock moves (`data`, whose way of cutting bars into trades is used here).
//!
//! Nothing shows before the path has reached it. Between two points of a bar the market stands
//! still; at a point everything has been traded that leads up to it. So a running bar has at its
//! open the first of its trades, at each extreme those up to it, at the close all of them.

mod depth;
mod revised;
mod seconds;
mod stand;
mod statistics;
mod tape;

use std::sync::Arc;

use candlewick_model::{Bar, Bars, Instrument, Interval, Price, Quantity, Rate, Side, Symbol, Timestamp};
use candlewick_simulator::{Market, Point, PriceRange, Reference, Replay, Timeline};

use crate::data::catalogue::Catalogue;
use crate::data::klines;
use crate::data::view;
use crate::trader::Trader;

use depth::ALL_LEVELS;
pub(crate) use depth::{BookNow, Level};
pub(crate) use statistics::Statistics;
pub(crate) use tape::Joined;

use revised::Changed;
use stand::Stand;
use tape::Tape;

/// Over how many minutes an average goes where no filter says it.
const AVERAGE_MINUTES: u32 = 5;

/// A market, and how far it has got.
pub(crate) struct MarketData {
    pub(crate) symbol: Symbol,
    /// Its name as JSON.
    symbol_json: String,
    pub(crate) interval: Interval,
    timeline: Timeline,
    half_spread_ticks: u32,
    volume_share: Rate,
    average_bars: Arc<Bars>,
    pub(crate) reference: Reference,
    pub(crate) price_range: Option<PriceRange>,
    tape: Tape,
    stand: Stand,
    changed: Changed,
}

impl MarketData {
    /// A market of a setup that is about to open.
    pub(crate) fn new(market: &Market, before: Timestamp) -> Self {
        let instrument = market.timeline.at(before).0;
        Self {
            symbol: instrument.symbol,
            symbol_json: serde_json::Value::from(instrument.symbol.as_str()).to_string(),
            interval: market.interval,
            timeline: market.timeline.clone(),
            half_spread_ticks: market.fill_model.half_spread_ticks,
            volume_share: market.fill_model.volume_share,
            average_bars: Arc::clone(&market.average_bars),
            reference: market.reference.clone(),
            price_range: market.price_range,
            tape: Tape::new(Arc::clone(&market.bars), tick_and_step(market, before)),
            stand: Stand::new(before),
            changed: Changed::default(),
        }
    }

    /// Its name as JSON.
    pub(crate) fn symbol_json(&self) -> &str {
        &self.symbol_json
    }

    /// The path has reached a point, at a price.
    pub(crate) fn pass(&mut self, point: Point, price: Price) {
        self.stand.pass(point, price);
    }

    /// Something else has changed its book, so many times: own orders.
    pub(crate) fn touch(&mut self, changes: usize) {
        self.stand.updates += changes as u64;
    }
}

/// How the bars of a market are cut into trades: as it is before it opens, to its end.
pub(crate) fn tick_and_step(market: &Market, before: Timestamp) -> (Price, Quantity) {
    let filters = &market.timeline.at(before).0.filters;
    (filters.tick(), filters.step())
}

/// A market as it stands now.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) market: &'a MarketData,
    traders: &'a [Trader],
    /// Its place in their replays.
    at: usize,
    now: Timestamp,
}

impl<'a> View<'a> {
    /// As the accounts, of which there is at least one, have left it.
    pub(crate) fn new(market: &'a MarketData, traders: &'a [Trader], at: usize, now: Timestamp) -> Self {
        Self { market, traders, at, now }
    }

    /// What does not depend on the account.
    fn replay(&self) -> &'a Replay {
        &self.traders[0].replay
    }

    fn tape(&self) -> &'a Tape {
        &self.market.tape
    }

    fn stand(&self) -> &'a Stand {
        &self.market.stand
    }

    /// Its place among the markets.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// Its own bars, of which so many have opened and so many closed.
    pub(crate) fn own_bars(&self) -> (&'a Bars, usize, usize) {
        (self.tape().bars(), self.tape().opened(self.stand()), self.stand().closed)
    }

    /// What of its own bar at a row has happened, which has not closed.
    pub(crate) fn running_bar(&self, row: usize) -> Option<Bar> {
        self.tape().running(self.stand(), self.market.interval, row)
    }

    /// The number of the first trade of a bar.
    pub(crate) fn first_trade_of(&self, row: usize) -> i64 {
        self.tape().count_before_bar(row)
    }

    /// Simulated time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The instrument in force.
    pub(crate) fn instrument(&self) -> &'a Instrument {
        self.market.timeline.at(self.now).0
    }

    /// The price of the last trade; before the first one the first open, as at the venue.
    pub(crate) fn last_price(&self) -> Price {
        self.replay().last_price(self.at)
    }

    /// The best prices of both sides, as far down as `levels`; of a delisted market there are none.
    pub(crate) fn book(&self, levels: usize) -> BookNow {
        self.book_among(|side, bound| self.own_shown(side, bound).collect(), levels)
    }

    /// The whole book, with what [`Self::own_levels`] has told.
    pub(crate) fn whole_book(&self, [bids, asks]: &[Vec<Level>; 2]) -> BookNow {
        let own = |side, _| match side {
            Side::Buy => bids.clone(),
            Side::Sell => asks.clone(),
        };
        self.book_among(own, ALL_LEVELS)
    }

    /// Own orders on either side as levels, the best prices first.
    pub(crate) fn own_levels(&self) -> [Vec<Level>; 2] {
        let mut bids: Vec<_> = self.own_shown(Side::Buy, Price::ZERO).collect();
        let mut asks: Vec<_> = self.own_shown(Side::Sell, Price::MAX).collect();
        bids.sort_by_key(|(price, _)| std::cmp::Reverse(*price));
        asks.sort_by_key(|(price, _)| *price);
        [bids, asks].map(|side| depth::summed(side, ALL_LEVELS))
    }

    /// As long as this is the same, so are the own levels.
    pub(crate) fn order_changes(&self) -> u64 {
        self.traders.iter().map(|trader| trader.replay.order_changes(self.at)).sum()
    }

    fn own_shown(&self, side: Side, bound: Price) -> impl Iterator<Item = Level> {
        self.traders.iter().flat_map(move |trader| trader.replay.shown(self.at, side, bound))
    }

    fn book_among(&self, own: impl Fn(Side, Price) -> Vec<Level>, levels: usize) -> BookNow {
        if self.market.is_delisted() {
            return BookNow { last_update_id: self.last_update_id(), ..BookNow::default() };
        }
        let tick = self.instrument().filters.tick();
        let step = self.instrument().filters.step();
        let shape = depth::Shape {
            last: self.last_price(),
            half_spread: tick.units().saturating_mul(self.market.half_spread_ticks.into()),
            tick,
            quantity: depth::level_quantity(self.tape().last_volume(self.stand()), self.market.volume_share, step),
        };
        BookNow { last_update_id: self.last_update_id(), ..shape.book(own, levels) }
    }

    /// One more with every change of the book.
    pub(crate) fn last_update_id(&self) -> u64 {
        1 + self.stand().updates
    }

    /// The best bid and ask; zeros where a side is empty.
    pub(crate) fn best(&self) -> [(Price, Quantity); 2] {
        let book = self.book(1);
        [book.bids, book.asks].map(|side| side.first().copied().unwrap_or_default())
    }

    /// Trades from a number on, the most recent ones without it.
    pub(crate) fn trades(&self, from: Option<i64>, limit: usize) -> Vec<candlewick_model::Trade> {
        self.tape().trades(self.stand(), from, limit)
    }

    /// Joined trades.
    pub(crate) fn joined_trades(&self, wanted: &Joined, limit: usize) -> Vec<candlewick_model::AggTrade> {
        self.tape().joined(self.stand(), wanted, limit)
    }

    /// What was traded from an instant on.
    pub(crate) fn statistics(&self, from: Timestamp) -> Statistics {
        self.tape().statistics(self.stand(), from)
    }

    /// Whole bars, and last the one that is still open.
    pub(crate) fn bars(&self, catalogue: &Catalogue, request: &klines::Request) -> Bars {
        if self.makes(request.grid) {
            return self.seconds(&request.wanted);
        }
        let happened = |bar: &Bar| self.tape().happened(self.stand(), self.market.interval, bar);
        view::page_of(catalogue, request.symbol, request.grid, &request.wanted, self.stand().time, &happened)
    }

    /// The average price (rule 5.3), over how many minutes, and when the last trade was.
    pub(crate) fn average(&self) -> (Price, u32, Timestamp) {
        let filters = &self.instrument().filters;
        let told = filters.notional.map(|f| f.avg_price_mins).or(filters.min_notional.map(|f| f.avg_price_mins));
        let minutes = told.filter(|minutes| *minutes > 0).unwrap_or(AVERAGE_MINUTES);
        let bars = &self.market.average_bars;
        // Of its own bars, the running one is not closed even where time has passed its end.
        let closed = if Arc::ptr_eq(bars, self.tape().bars()) {
            self.stand().closed
        } else {
            bars.close_time.partition_point(|close| close <= self.now)
        };
        let average = bars.average_price(closed, self.now, minutes);
        let last = self.tape().last_trade(self.stand()).map_or(self.now, |trade| trade.time);
        (average.unwrap_or_else(|| self.last_price()), minutes, last)
    }

    /// The reference price and since when it holds; `None` where there has never been one.
    pub(crate) fn reference(&self) -> Option<(Option<Price>, Timestamp)> {
        match &self.market.reference {
            Reference::Absent => None,
            Reference::Recorded(points) => {
                let after = points.partition_point(|(time, _)| *time <= self.now);
                points[..after].last().map(|(time, price)| (*price, *time))
            }
            Reference::Mean(_) => Some((self.replay().reference_price(self.at, self.now), self.now)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
