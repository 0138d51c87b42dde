//! `<symbol>@kline_<interval>`: the bar that runs, and every bar once it has closed.
//!
//! Bars longer than the market's own are put together part by part as `GET /klines` puts them
//! together, so that both tell the same.

use candlewick_model::time::SECOND;
use candlewick_model::{Bar, Bars, Interval, Timestamp};
use candlewick_simulator::PointKind;

use super::Topic;
use super::listeners::{Listeners, Pace};
use crate::audience::Change;
use crate::data::aggregate::{Grid, made, with};
use crate::market::View;

/// The stream of one interval.
pub(super) struct Klines {
    grid: Grid,
    running: Option<Running>,
    pace: Pace,
}

/// A bar that has opened.
struct Running {
    open: Timestamp,
    /// When the next one opens.
    next: Timestamp,
    first_row: usize,
    /// Its parts that have closed.
    parts: Option<Bar>,
    is_closed: bool,
}

impl Klines {
    /// From where the market stands; `None` if it has no such bars.
    pub(super) fn begin(grid: Grid, view: &View<'_>) -> Option<Self> {
        let (grid, own) = (grid.plain(), view.market.interval);
        if grid != Grid::utc(own) && !grid.is_made_of(own) {
            return None;
        }
        let least = if grid.interval == Interval::OneSecond { SECOND } else { 2 * SECOND };
        let mut klines = Self { grid, running: None, pace: Pace::of(least) };
        klines.begin_there(view);
        Some(klines)
    }

    /// Takes up the bar that runs, with what of it has closed.
    fn begin_there(&mut self, view: &View<'_>) {
        let (bars, opened, closed) = view.own_bars();
        self.running = opened.checked_sub(1).map(|last| {
            let mut running = self.open(bars, last);
            let of_long = || bars.open_time.partition_point(|open| open < running.open).min(opened).min(last);
            running.first_row = if self.is_own(view) { last } else { of_long() };
            let told = (running.first_row..closed).filter(|row| view.tells_bar(*row));
            told.for_each(|row| self.close_part(&mut running, &bars.bar(row), view));
            running
        });
    }

    /// Whether the bars are the market's own, which are told as they are.
    fn is_own(&self, view: &View<'_>) -> bool {
        self.grid.interval == view.market.interval
    }

    fn open(&self, bars: &Bars, row: usize) -> Running {
        let open = self.grid.open_at(bars.open_time.at(row));
        Running { open, next: self.grid.next_open(open), first_row: row, parts: None, is_closed: false }
    }

    fn close_part(&self, running: &mut Running, part: &Bar, view: &View<'_>) {
        running.parts = Some(running.parts.map_or(*part, |parts| with(&parts, part)));
        running.is_closed = self.is_own(view) || part.close_time.plus(1) >= running.next;
    }

    /// The bar with what of its last part has happened.
    fn so_far(&self, view: &View<'_>, running: &Running, row: usize) -> Option<Bar> {
        let part = view.running_bar(row);
        let parts = match (running.parts, part) {
            (Some(parts), Some(part)) => with(&parts, &part),
            (parts, part) => parts.or(part)?,
        };
        Some(self.told(view, running, &parts))
    }

    fn told(&self, view: &View<'_>, running: &Running, parts: &Bar) -> Bar {
        let own = view.market.interval;
        if self.is_own(view) { *parts } else { made(parts, own, running.open, running.next) }
    }

    fn say(&self, view: &View<'_>, bar: &Bar, first_row: usize, is_closed: bool, listeners: &mut Listeners) {
        say(view, self.grid.interval, bar, view.first_trade_of(first_row), is_closed, listeners);
    }

    /// A bar that ended while the market stood still is told of when it goes on.
    fn close_late(&mut self, view: &View<'_>, bars: &Bars, row: usize, listeners: &mut Listeners) {
        let is_own = self.is_own(view);
        let has_ended = |running: &mut Running| {
            if is_own { running.first_row != row } else { bars.open_time.at(row) >= running.next }
        };
        let Some(ended) = self.running.take_if(has_ended) else { return };
        if let (false, Some(parts)) = (ended.is_closed, ended.parts) {
            self.say(view, &self.told(view, &ended, &parts), ended.first_row, true, listeners);
        }
    }
}

/// Says how a bar is, of which the first trade, if it has one, is of a number.
pub(super) fn say(
    view: &View<'_>,
    interval: Interval,
    bar: &Bar,
    first_trade: i64,
    is_closed: bool,
    listeners: &mut Listeners,
) {
    let first = if bar.trades > 0 { first_trade } else { -1 };
    let last = if bar.trades > 0 { first + bar.trades - 1 } else { -1 };
    let symbol = view.market.symbol_json();
    listeners.say(view.now(), |text| {
        text.put(r#"{"e":"kline","E":"#).time(view.now()).put(r#","s":"#).put(symbol);
        text.put(r#","k":{"t":"#).time(bar.open_time).put(r#","T":"#).time(bar.close_time);
        text.put(r#","s":"#).put(symbol).put(r#","i":""#).put(interval.rest_name());
        text.put(r#"","f":"#).whole(first).put(r#","L":"#).whole(last);
        text.put(r#","o":"#).price(bar.open).put(r#","c":"#).price(bar.close);
        text.put(r#","h":"#).price(bar.high).put(r#","l":"#).price(bar.low);
        text.put(r#","v":"#).amount(bar.volume).put(r#","n":"#).whole(bar.trades);
        text.put(r#","x":"#).truth(is_closed).put(r#","q":"#).amount(bar.quote_volume);
        text.put(r#","V":"#).amount(bar.taker_buy_volume).put(r#","Q":"#).amount(bar.taker_buy_quote_volume);
        text.put(r#","B":"0"}}"#);
    });
}

impl Topic for Klines {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        let (bars, opened, closed) = view.own_bars();
        let (row, has_closed) = match change {
            Change::Point(point) => (point.bar, point.kind == PointKind::Close),
            Change::Time if opened > 0 => (opened - 1, opened == closed),
            Change::Time | Change::Orders => return,
        };
        if !view.tells_bar(row) {
            return;
        }
        self.close_late(view, bars, row, listeners);
        let mut running = self.running.take().unwrap_or_else(|| self.open(bars, row));
        if has_closed && matches!(change, Change::Point(_)) {
            self.close_part(&mut running, &bars.bar(row), view);
        }
        let is_final = running.is_closed && matches!(change, Change::Point(_));
        if is_final {
            self.pace.note(view.now());
        }
        let is_told = is_final || (!running.is_closed && self.pace.allows(view.now()));
        if let Some(bar) = is_told.then(|| self.so_far(view, &running, row)).flatten() {
            self.say(view, &bar, running.first_row, is_final, listeners);
        }
        self.running = Some(running);
    }

    fn jump(&mut self, view: &View<'_>) {
        self.begin_there(view);
        self.pace.forget();
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}
