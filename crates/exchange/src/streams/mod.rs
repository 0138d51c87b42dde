//! Market streams: what listeners are told of the markets, at the points of their paths.
//!
//! For: which streams somebody listens to, and their messages, each made once for all who want it
//! alike. Not for: connections and their limits (`server`), or user events. Nothing is made for
//! nobody.
//!
//! A market changes at points only, so streams speak at points, and no more often than the
//! documents let them in simulated time. What comes too early is not lost: the next message has
//! it too, at the next point or when time goes on in between.

mod book;
mod klines;
mod listeners;
mod name;
mod prices;
mod request;
mod seconds;
mod session;
mod text;
mod tickers;
mod trades;

use crate::audience::Change;
use crate::market::View;
use crate::outlet::Outlet;

use listeners::Listeners;
use name::{Kind, Stream};
use tickers::AllTickers;

pub(crate) use listeners::{Form, shutdown};
pub(crate) use session::{Session, Target};

/// What a stream of one market tells.
trait Topic: Send {
    /// Says what is to be said now.
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners);

    /// The market was put to another time.
    fn jump(&mut self, view: &View<'_>);

    /// Whether something was to be said that came too early.
    fn owes(&self) -> bool {
        false
    }
}

/// A stream that somebody listens to.
struct Channel<T> {
    name: String,
    topic: T,
    listeners: Listeners,
}

/// All streams that somebody listens to.
#[derive(Default)]
pub(crate) struct Streams {
    /// Of each market, by its place.
    of_market: Vec<Vec<Channel<Box<dyn Topic>>>>,
    of_all: Vec<Channel<AllTickers>>,
}

impl Streams {
    /// Whether nobody listens to any.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_market.is_empty() && self.of_all.is_empty()
    }

    /// Whether somebody listens to all markets at once.
    pub(crate) fn has_all(&self) -> bool {
        !self.of_all.is_empty()
    }

    /// From now on an outlet is told what a stream says. A name without a meaning, or of a market
    /// or bars that are not there, is one that never says anything.
    pub(crate) fn listen(&mut self, name: &str, form: Form, outlet: &Outlet, views: &[View<'_>]) {
        match Stream::read(name) {
            None => {}
            Some(Stream::All(ticker, speed_us)) => {
                add(&mut self.of_all, name, form, outlet, || Some(AllTickers::begin(ticker, speed_us)));
            }
            Some(Stream::Market(symbol, kind)) => {
                let is_named = |view: &&View<'_>| view.market.symbol.as_str().to_lowercase() == symbol;
                let Some(view) = views.iter().find(is_named) else { return };
                self.of_market.resize_with(views.len().max(self.of_market.len()), Vec::new);
                add(&mut self.of_market[view.place()], name, form, outlet, || topic(kind, view));
            }
        }
    }

    /// An outlet is told no more of a stream; without a name of none.
    pub(crate) fn leave(&mut self, name: Option<&str>, outlet: &Outlet) {
        self.of_market.iter_mut().for_each(|channels| remove(channels, name, outlet));
        remove(&mut self.of_all, name, outlet);
        if self.of_market.iter().all(Vec::is_empty) {
            self.of_market.clear();
        }
    }

    /// Whether anybody is far behind: who can wait should.
    pub(crate) fn is_busy(&self) -> bool {
        let of_market = self.of_market.iter().flatten().map(|channel| &channel.listeners);
        of_market.chain(self.of_all.iter().map(|channel| &channel.listeners)).any(Listeners::is_busy)
    }

    /// Leaves all who are far behind.
    pub(crate) fn leave_busy(&mut self) {
        let of_market = self.of_market.iter_mut().flatten().map(|channel| &mut channel.listeners);
        of_market.chain(self.of_all.iter_mut().map(|channel| &mut channel.listeners)).for_each(Listeners::leave_busy);
    }

    /// A market was put to another time: streams go on from there, and tell where it is.
    pub(crate) fn jumped(&mut self, view: &View<'_>) {
        for channel in self.of_market.get_mut(view.place()).into_iter().flatten() {
            channel.topic.jump(view);
            if !view.is_silent() {
                channel.topic.tell(view, Change::Time, &mut channel.listeners);
            }
        }
        self.of_all.iter_mut().for_each(|channel| channel.topic.jump(view));
    }

    /// Something has happened on a market.
    pub(crate) fn market(&mut self, view: &View<'_>, change: Change) {
        if view.is_silent() {
            return;
        }
        for channel in self.of_market.get_mut(view.place()).into_iter().flatten() {
            if change != Change::Time || channel.topic.owes() {
                channel.topic.tell(view, change, &mut channel.listeners);
            }
        }
        self.of_all.iter_mut().for_each(|channel| channel.topic.note(view, change));
    }

    /// All markets have come to an instant.
    pub(crate) fn all_markets(&mut self, views: &[View<'_>]) {
        for channel in &mut self.of_all {
            channel.topic.tell(views, &mut channel.listeners);
        }
    }
}

fn topic(kind: Kind, view: &View<'_>) -> Option<Box<dyn Topic>> {
    Some(match kind {
        Kind::Trade => Box::new(trades::Trades::begin(view)),
        Kind::JoinedTrade => Box::new(trades::JoinedTrades::begin(view)),
        Kind::Bars(grid) if view.makes(grid) => Box::new(seconds::Seconds::begin(view)),
        Kind::Bars(grid) => Box::new(klines::Klines::begin(grid, view)?),
        Kind::Ticker(ticker) => Box::new(tickers::OneTicker::begin(ticker)),
        Kind::BestPrices => Box::new(book::BestPrices::begin(view)),
        Kind::AveragePrice => Box::new(prices::AveragePrice::begin()),
        Kind::ReferencePrice => Box::new(prices::ReferencePrice::begin()),
        Kind::Levels(levels, speed_us) => Box::new(book::Levels::begin(levels, speed_us)),
        Kind::Changes(speed_us) => Box::new(book::Changes::begin(speed_us, view)),
    })
}

fn add<T>(channels: &mut Vec<Channel<T>>, name: &str, form: Form, outlet: &Outlet, topic: impl FnOnce() -> Option<T>) {
    if !channels.iter().any(|channel| channel.name == name) {
        let Some(topic) = topic() else { return };
        channels.push(Channel { name: name.to_owned(), topic, listeners: Listeners::new(name) });
    }
    let known = channels.iter_mut().find(|channel| channel.name == name);
    known.into_iter().for_each(|channel| channel.listeners.add(form, outlet));
}

fn remove<T>(channels: &mut Vec<Channel<T>>, name: Option<&str>, outlet: &Outlet) {
    let concerned = channels.iter_mut().filter(|channel| name.is_none_or(|name| channel.name == name));
    concerned.for_each(|channel| channel.listeners.remove(outlet));
    channels.retain(|channel| !channel.listeners.is_empty());
}

#[cfg(test)]
mod tests;
