//! Tickers of one market and of all: what happened in the last 24 hours, or in a window that
//! begins on a minute.

use candlewick_binance::wire::percent;
use candlewick_model::time::{DAY, SECOND};
use candlewick_model::{Interval, Timestamp};

use super::Topic;
use super::listeners::{Listeners, Pace};
use super::name::Ticker;
use super::text::Text;
use crate::audience::Change;
use crate::market::{Statistics, View};

/// The ticker of one market.
pub(super) struct OneTicker {
    ticker: Ticker,
    pace: Pace,
}

impl OneTicker {
    pub(super) fn begin(ticker: Ticker) -> Self {
        Self { ticker, pace: Pace::of(SECOND) }
    }
}

impl Topic for OneTicker {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        if change != Change::Orders && self.pace.allows(view.now()) {
            let told = Told::of(self.ticker, *view);
            listeners.say(view.now(), |text| told.write(text));
        }
    }

    fn jump(&mut self, _view: &View<'_>) {
        self.pace.forget();
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}

/// The tickers of all markets in which something was traded.
pub(super) struct AllTickers {
    ticker: Ticker,
    pace: Pace,
    /// Which of them have changed since they were told of, by their places.
    changed: Vec<usize>,
}

impl AllTickers {
    pub(super) fn begin(ticker: Ticker, speed_us: i64) -> Self {
        Self { ticker, pace: Pace::of(speed_us), changed: Vec::new() }
    }

    /// A market has reached a point.
    pub(super) fn note(&mut self, view: &View<'_>, change: Change) {
        let Change::Point(point) = change else { return };
        let is_quiet = view.own_bars().0.volume.at(point.bar).is_zero();
        if !is_quiet && !self.changed.contains(&view.place()) {
            self.changed.push(view.place());
        }
    }

    /// A market was put to another time.
    pub(super) fn jump(&mut self, view: &View<'_>) {
        self.pace.forget();
        self.changed.retain(|place| *place != view.place());
        self.changed.push(view.place());
    }

    /// Every market has reached what it reaches now.
    pub(super) fn tell(&mut self, views: &[View<'_>], listeners: &mut Listeners) {
        let Some(first) = views.first().filter(|_| !self.changed.is_empty()) else { return };
        if !self.pace.allows(first.now()) {
            return;
        }
        let changed = views.iter().filter(|view| self.changed.contains(&view.place()));
        let told: Vec<_> = changed.map(|view| Told::of(self.ticker, *view)).collect();
        listeners.say(first.now(), |text| {
            for (at, one) in told.iter().enumerate() {
                text.put(if at == 0 { "[" } else { "," });
                one.write(text);
            }
            text.put("]");
        });
        self.changed.clear();
    }
}

/// A ticker of a market at an instant.
struct Told<'a> {
    ticker: Ticker,
    view: View<'a>,
    open_time: Timestamp,
    statistics: Statistics,
}

impl<'a> Told<'a> {
    fn of(ticker: Ticker, view: View<'a>) -> Self {
        let open_time = match ticker {
            Ticker::Mini | Ticker::Day => view.now().plus(-DAY),
            Ticker::Window(window) => Interval::OneMinute.open_at(view.now()).plus(-window.length_us),
        };
        Self { ticker, view, open_time, statistics: view.statistics(open_time) }
    }

    fn write(&self, text: &mut Text) {
        match self.ticker {
            Ticker::Mini => self.mini(text),
            Ticker::Day => self.day(text),
            Ticker::Window(window) => self.window(text, window.name),
        }
    }

    fn head(&self, text: &mut Text, event: &str, suffix: &str) {
        text.put(r#"{"e":""#).put(event).put(suffix).put(r#"","E":"#).time(self.view.now());
        text.put(r#","s":"#).put(self.view.market.symbol_json());
    }

    fn change(&self, text: &mut Text) {
        let statistics = &self.statistics;
        text.put(r#","p":"#).amount(statistics.change());
        text.put(r#","P":""#).put(&percent(statistics.change(), statistics.open)).put("\"");
    }

    fn prices(&self, text: &mut Text) {
        let statistics = &self.statistics;
        text.put(r#","o":"#).price(statistics.open).put(r#","h":"#).price(statistics.high);
        text.put(r#","l":"#).price(statistics.low);
    }

    fn volumes(&self, text: &mut Text) {
        text.put(r#","v":"#).amount(self.statistics.volume).put(r#","q":"#).amount(self.statistics.quote_volume);
    }

    fn span(&self, text: &mut Text) {
        let statistics = &self.statistics;
        text.put(r#","O":"#).time(self.open_time).put(r#","C":"#).time(self.view.now());
        text.put(r#","F":"#).whole(statistics.first_id).put(r#","L":"#).whole(statistics.last_id);
        text.put(r#","n":"#).whole(statistics.count).put("}");
    }

    fn mini(&self, text: &mut Text) {
        self.head(text, "24hrMiniTicker", "");
        text.put(r#","c":"#).price(self.statistics.last_price());
        self.prices(text);
        self.volumes(text);
        text.put("}");
    }

    fn day(&self, text: &mut Text) {
        let statistics = &self.statistics;
        self.head(text, "24hrTicker", "");
        self.change(text);
        text.put(r#","w":"#).amount(statistics.average()).put(r#","x":"#).price(statistics.previous_close);
        text.put(r#","c":"#).price(statistics.last_price()).put(r#","Q":"#).quantity(statistics.last_quantity);
        let [bid, ask] = self.view.best();
        text.put(r#","b":"#).price(bid.0).put(r#","B":"#).quantity(bid.1);
        text.put(r#","a":"#).price(ask.0).put(r#","A":"#).quantity(ask.1);
        self.prices(text);
        self.volumes(text);
        self.span(text);
    }

    fn window(&self, text: &mut Text, name: &str) {
        self.head(text, name, "Ticker");
        self.change(text);
        self.prices(text);
        text.put(r#","c":"#).price(self.statistics.last_price()).put(r#","w":"#).amount(self.statistics.average());
        self.volumes(text);
        self.span(text);
    }
}
