//! The state of a venue in the middle of a run: to be written down, and to go on from.

use candlewick_model::{Asset, Symbol};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Feed, Replay};
use crate::book::{Book, BookState, Mismatch};
use crate::desk::{Desk, InForce};
use crate::detail::Inside;
use crate::fingerprint::Fingerprint;
use crate::path::{POINTS, Point};
use crate::setup::Setup;

/// Where a [`Replay`] stands, as plain data: what [`Replay::state`] gives and [`Replay::resume`]
/// takes. It can be taken wherever the replay can be looked at, between any two points and
/// commands, and a resumed replay goes on exactly as the other one would.
///
/// **In it**: the account and what lists hold of it; open orders with stage, place in the queue,
/// shown part, trailing extreme and amendments; open lists; the last number of every kind; the
/// windows of the unfilled-order limit; events that were not taken yet; where each market stands
/// on its bars (row, point, first extreme, last price, what is left of its volume); the buckets of
/// a calculated reference price; how far average and discount prices were read; which filters are
/// in force; how often assumptions decided.
///
/// **Not in it**, and given by the [`Setup`] again: bars, snapshots of filters, fill models and
/// costs, limits, recorded reference prices. The setup must have the same markets in the same
/// order on the same bars, which may have grown at their ends, and the snapshot in force; else
/// [`ResumeError`] says what differs. Fill models, costs and later snapshots may be others and
/// count from here on. **Not in it either**, because they are the driver's: commands on their way,
/// transfers to come, orders that are done, and a strategy with its context.
///
/// As JSON it has a version; times, prices and sums are texts. A state of another version is
/// refused when it is read.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReplayState {
    version: Version,
    desk: Desk,
    markets: Vec<MarketState>,
}

/// One market's part.
#[derive(Clone, Serialize, Deserialize)]
struct MarketState {
    symbol: Symbol,
    base: Asset,
    quote: Asset,
    bars: Fingerprint,
    feed: Feed,
    /// Parts of the detail inside the running bar that are behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<usize>,
    book: BookState,
}

/// The version of the format.
#[derive(Clone, Copy)]
struct Version;

const VERSION: u32 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        VERSION.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match u32::deserialize(d)? {
            VERSION => Ok(Self),
            other => Err(de::Error::custom(format!("a state of version {other}; this program reads {VERSION}"))),
        }
    }
}

/// Why a replay cannot go on from a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// Other markets, or in another order.
    #[error("the state is of the markets {}, and not of {}", list(state), list(setup))]
    Markets {
        /// Those of the state, each with base and quote asset.
        state: Vec<(Symbol, Asset, Asset)>,
        /// Those of the setup.
        setup: Vec<(Symbol, Asset, Asset)>,
    },
    /// A market that is not the same any more.
    #[error("{symbol}: {mismatch}")]
    Market {
        /// Which.
        symbol: Symbol,
        /// In what.
        mismatch: Mismatch,
    },
    /// Other windows or numbers.
    #[error("unfilled orders were counted under other limits")]
    Limits,
}

fn list(markets: &[(Symbol, Asset, Asset)]) -> String {
    let names: Vec<_> = markets.iter().map(|(symbol, base, quote)| format!("{symbol} ({base}/{quote})")).collect();
    names.join(", ")
}

impl Replay {
    /// Where it stands, to go on from later.
    #[must_use]
    pub fn state(&self) -> ReplayState {
        let market = |(feed, book): (&Feed, &Book)| MarketState {
            symbol: book.instrument.symbol,
            base: book.instrument.base_asset,
            quote: book.instrument.quote_asset,
            bars: Fingerprint::of(&feed.bars),
            feed: feed.clone(),
            detail: feed.inside.gone(),
            book: book.state(),
        };
        let mut desk = self.venue.desk.clone();
        desk.go_to(desk.now);
        ReplayState { version: Version, desk, markets: self.feeds.iter().zip(&self.venue.books).map(market).collect() }
    }

    /// Goes on where a state was taken, on the same markets. Panics where [`Replay::new`] does.
    pub fn resume(setup: &Setup, state: ReplayState) -> Result<Self, ResumeError> {
        let mut replay = Self::new(setup);
        let ReplayState { version: Version, mut desk, markets } = state;
        replay.check_markets(&markets)?;
        desk.limits = InForce::new(setup.limits.clone(), desk.now);
        if !desk.unfilled.is_of(&desk.limits.orders) {
            return Err(ResumeError::Limits);
        }
        for ((feed, book), market) in replay.feeds.iter_mut().zip(&mut replay.venue.books).zip(markets) {
            let of_market = |mismatch| ResumeError::Market { symbol: market.symbol, mismatch };
            feed.resume(&market.bars, market.feed).map_err(of_market)?;
            feed.resume_inside(market.detail).map_err(of_market)?;
            book.resume(market.book, &mut desk.ledger).map_err(of_market)?;
            desk.open += book.counts();
        }
        replay.venue.desk = desk;
        Ok(replay)
    }

    fn check_markets(&self, markets: &[MarketState]) -> Result<(), ResumeError> {
        let state: Vec<_> = markets.iter().map(|market| (market.symbol, market.base, market.quote)).collect();
        let instruments = self.venue.books.iter().map(|book| &book.instrument);
        let setup: Vec<_> = instruments.map(|i| (i.symbol, i.base_asset, i.quote_asset)).collect();
        if state == setup { Ok(()) } else { Err(ResumeError::Markets { state, setup }) }
    }
}

impl Feed {
    /// Goes on from a state; the bars are its own.
    fn resume(&mut self, known: &Fingerprint, state: Self) -> Result<(), Mismatch> {
        Mismatch::check_bars("bars", known, &self.bars, state.row)?;
        let stands = |point: &Point| point.bar < self.bars.len();
        let inside = state.step == 0 || (state.step < POINTS && state.row < self.bars.len());
        if !inside || !state.point.iter().all(stands) {
            return Err(Mismatch::Place { what: "bars" });
        }
        let (bars, details) = (std::mem::take(&mut self.bars), std::mem::take(&mut self.details));
        *self = Self { bars, details, inside: std::mem::take(&mut self.inside), ..state };
        Ok(())
    }

    /// Goes on inside the running bar, behind so many parts of its detail.
    fn resume_inside(&mut self, gone: Option<usize>) -> Result<(), Mismatch> {
        match (gone, &self.inside) {
            // A bar that runs without detail goes on without it.
            (None, Inside::Unknown) if self.step > 0 => self.inside = Inside::Absent,
            (None, _) => {}
            (Some(gone), _) => {
                self.look_inside().map_err(|error| Mismatch::Detail(error.to_string()))?;
                if !self.inside.go_on(gone) {
                    return Err(Mismatch::Place { what: "detail" });
                }
            }
        }
        Ok(())
    }
}
