//! Round trips: from flat to flat, with what each one earned after commission.
//!
//! For: what a win rate counts. Not for: equity, which the run records itself.
//!
//! The position is what fills have changed since the run began: bought minus sold, minus
//! commission paid in base asset. It is *flat* while it is smaller than one step, because less
//! than a step cannot be sold: commission in base asset leaves such dust behind. Dust is worth
//! what the closing fill's price says; the next trip takes it over at that value, so that
//! nothing is counted twice or lost. A run that began with base asset may go below zero: such a
//! trip is a `SELL`, its entry the sale. A fill that crosses from one side to the other is split
//! in proportion.

use candlewick_model::number::ONE;
use candlewick_model::run::{Event, Run, RunMarket};
use candlewick_model::{Amount, ExecutionReport, Fill, Price, Side, Symbol, Timestamp};
use serde::Serialize;

use crate::curve::value_at;
use crate::ratios::finite;
use crate::valuation::Valuation;

/// From flat to flat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RoundTrip {
    /// 1 is the first that ended.
    pub number: u64,
    /// The market.
    pub symbol: Symbol,
    /// Which way it was opened.
    pub side: Side,
    /// The first fill.
    pub entry_time: Timestamp,
    /// The fill that made it flat; of an open one: the last bar's close.
    pub exit_time: Timestamp,
    /// Base asset that was filled on the way in.
    pub quantity: Amount,
    /// Average price of the way in, rounded down.
    pub entry_price: Price,
    /// Average price of the way out, rounded down; of an open one: the last close.
    pub exit_price: Price,
    /// Commission at the prices of the fills, in the asset that equity is counted in.
    pub commission: Amount,
    /// What it earned after that commission, in the asset that equity is counted in.
    pub pnl: Amount,
    /// `pnl` over what the way in came to.
    #[serde(rename = "return")]
    pub growth: Option<f64>,
    /// Bars from the one of the first fill to the one of the last.
    pub bars_held: u64,
    /// How many fills it took.
    pub fills: u64,
}

/// The trips of a run and what they leave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoundTrips {
    /// Those that ended, in the order in which they did.
    pub closed: Vec<RoundTrip>,
    /// Those that had not, marked at the last close, by market.
    pub open: Vec<RoundTrip>,
    /// What dust from closed trips gained or lost until the end, in the asset that equity is
    /// counted in.
    pub dust: Amount,
}

/// The fills of a run, in order.
pub fn fills(run: &Run) -> impl Iterator<Item = (ExecutionReport, Fill)> {
    run.events.iter().filter_map(|event| match event {
        Event::ExecutionReport(report) => report.fill.map(|fill| (report, fill)),
        _ => None,
    })
}

/// The market that something was traded on. Panics if the run has no such market.
pub(crate) fn market_of(run: &Run, symbol: Symbol) -> &RunMarket {
    let mut markets = run.markets.iter();
    markets.find(|market| market.symbol == symbol).expect("fills are of the run's markets")
}

/// Commission of a fill in its market's quote asset: at its own price where it was paid in base
/// asset, at the last close's where it was paid in a third one; `None` where that has no price.
pub(crate) fn commission_in_quote(
    market: &RunMarket,
    valuation: &Valuation,
    time: Timestamp,
    fill: &Fill,
) -> Option<Amount> {
    match fill.commission_asset {
        asset if asset == market.quote_asset => Some(fill.commission),
        asset if asset == market.base_asset => Some(value_at(fill.commission, fill.price)),
        asset => {
            let value = valuation.value(asset, fill.commission, time)?;
            let one = valuation.value(market.quote_asset, Amount::from_units(ONE.into()), time)?;
            let price = Price::from_units(i64::try_from(one.units()).ok().filter(|units| *units > 0)?);
            Some(value.divided_by_floor(price))
        }
    }
}

/// Amounts of one fill, or of its part on one side of flat.
#[derive(Debug, Clone, Copy)]
struct Part {
    quantity: i128,
    quote: i128,
    commission_base: i128,
    commission_quote: i128,
    commission: i128,
}

impl Part {
    fn of(market: &RunMarket, valuation: &Valuation, time: Timestamp, fill: &Fill) -> Self {
        let paid = |asset| if fill.commission_asset == asset { fill.commission.units() } else { 0 };
        Self {
            quantity: fill.quantity.units().into(),
            quote: fill.quote_quantity.units(),
            commission_base: paid(market.base_asset),
            commission_quote: paid(market.quote_asset),
            commission: commission_in_quote(market, valuation, time, fill).map_or(0, Amount::units),
        }
    }

    /// The part for `quantity`, rounded down, and the rest.
    fn split(self, quantity: i128) -> (Self, Self) {
        let share = |whole: i128| share_floor(whole, quantity, self.quantity);
        let first = Self {
            quantity,
            quote: share(self.quote),
            commission_base: share(self.commission_base),
            commission_quote: share(self.commission_quote),
            commission: share(self.commission),
        };
        let rest = Self {
            quantity: self.quantity - first.quantity,
            quote: self.quote - first.quote,
            commission_base: self.commission_base - first.commission_base,
            commission_quote: self.commission_quote - first.commission_quote,
            commission: self.commission - first.commission,
        };
        (first, rest)
    }
}

/// ⌊whole × part ÷ of⌋ without leaving 128 bits while `part ≤ of`.
fn share_floor(whole: i128, part: i128, of: i128) -> i128 {
    whole / of * part + whole % of * part / of
}

/// A trip that is under way.
#[derive(Debug, Clone, Copy)]
struct Open {
    side: Side,
    time: Timestamp,
    bar: usize,
    cash: i128,
    quantity_in: i128,
    quote_in: i128,
    quantity_out: i128,
    quote_out: i128,
    commission: i128,
    fills: u64,
}

struct Book<'a> {
    market: &'a RunMarket,
    valuation: &'a Valuation<'a>,
    flat_below: i128,
    position: i128,
    carried: i128,
    open: Option<Open>,
    trips: Vec<RoundTrip>,
}

impl Book<'_> {
    fn is_flat(&self) -> bool {
        self.position.abs() < self.flat_below
    }

    fn bar_of(&self, time: Timestamp) -> usize {
        self.market.bars.open_time.partition_point(|open| open <= time).saturating_sub(1)
    }

    fn take(&mut self, time: Timestamp, side: Side, fill: &Fill) {
        let part = Part::of(self.market, self.valuation, time, fill);
        let against = match side {
            Side::Buy => -self.position,
            Side::Sell => self.position,
        };
        if against >= self.flat_below && part.quantity >= against + self.flat_below {
            let (closing, opening) = part.split(against);
            self.apply(time, side, fill.price, closing);
            self.apply(time, side, fill.price, opening);
        } else {
            self.apply(time, side, fill.price, part);
        }
    }

    fn apply(&mut self, time: Timestamp, side: Side, price: Price, part: Part) {
        let bar = self.bar_of(time);
        let mut open = self.open.take().unwrap_or(Open {
            side,
            time,
            bar,
            cash: -std::mem::take(&mut self.carried),
            quantity_in: 0,
            quote_in: 0,
            quantity_out: 0,
            quote_out: 0,
            commission: 0,
            fills: 0,
        });
        let (quantity, quote) = match side {
            Side::Buy => (part.quantity, -part.quote),
            Side::Sell => (-part.quantity, part.quote),
        };
        self.position += quantity - part.commission_base;
        open.cash += quote - part.commission_quote;
        open.commission += part.commission;
        open.fills += 1;
        if side == open.side {
            open.quantity_in += part.quantity;
            open.quote_in += part.quote;
        } else {
            open.quantity_out += part.quantity;
            open.quote_out += part.quote;
        }
        if self.is_flat() {
            let exit = average(open.quote_out, open.quantity_out).unwrap_or(price);
            let trip = self.finish(&open, time, price, exit);
            self.carried = value_at(Amount::from_units(self.position), price).units();
            self.trips.push(trip);
        } else {
            self.open = Some(open);
        }
    }

    /// The trip as it stands with the position valued at `mark`.
    fn finish(&self, open: &Open, time: Timestamp, mark: Price, exit_price: Price) -> RoundTrip {
        let pnl = open.cash + value_at(Amount::from_units(self.position), mark).units();
        let (paid, earned) = (Amount::from_units(open.quote_in), Amount::from_units(pnl));
        RoundTrip {
            number: 0,
            symbol: self.market.symbol,
            side: open.side,
            entry_time: open.time,
            exit_time: time,
            quantity: Amount::from_units(open.quantity_in),
            entry_price: average(open.quote_in, open.quantity_in).unwrap_or(mark),
            exit_price,
            commission: self.counted(Amount::from_units(open.commission), time),
            pnl: self.counted(earned, time),
            growth: finite(earned.to_f64() / paid.to_f64()),
            bars_held: (self.bar_of(time) - open.bar.min(self.bar_of(time))) as u64,
            fills: open.fills,
        }
    }

    /// An amount of quote asset in the asset that equity is counted in.
    fn counted(&self, amount: Amount, at: Timestamp) -> Amount {
        self.valuation.value(self.market.quote_asset, amount, at).unwrap_or_default()
    }

    /// The open trip at the last close, and what dust has gained.
    fn end(&self) -> (Option<RoundTrip>, Amount) {
        let bars = &self.market.bars;
        let (Some(time), Some(&close)) = (bars.close_time.last(), bars.close.last()) else {
            return (None, Amount::ZERO);
        };
        if let Some(open) = &self.open {
            return (Some(self.finish(open, time, close, close)), Amount::ZERO);
        }
        let held = value_at(Amount::from_units(self.position), close).units();
        (None, self.counted(Amount::from_units(held - self.carried), time))
    }
}

/// What came to what, over how much of it; rounded down.
pub(crate) fn average(quote: i128, quantity: i128) -> Option<Price> {
    if quantity <= 0 {
        return None;
    }
    let one = i128::from(ONE);
    let units = quote / quantity * one + quote % quantity * one / quantity;
    i64::try_from(units).ok().map(Price::from_units)
}

/// The round trips of a run.
#[must_use]
pub fn round_trips(run: &Run) -> RoundTrips {
    let valuation = Valuation::of(run);
    let book = |market| Book {
        market,
        valuation: &valuation,
        flat_below: i128::from(market.step.units().max(1)),
        position: 0,
        carried: 0,
        open: None,
        trips: Vec::new(),
    };
    let mut books: Vec<_> = run.markets.iter().map(book).collect();
    for (report, fill) in fills(run) {
        if let Some(book) = books.iter_mut().find(|book| book.market.symbol == report.order.symbol) {
            book.take(report.time, report.order.side, &fill);
        }
    }
    let mut trips = RoundTrips::default();
    let mut dust = 0;
    for book in &books {
        let (open, of_market) = book.end();
        trips.open.extend(open);
        dust += of_market.units();
    }
    trips.dust = Amount::from_units(dust);
    trips.closed = books.into_iter().flat_map(|book| book.trips).collect();
    trips.closed.sort_by_key(|trip| trip.exit_time);
    for (at, trip) in trips.closed.iter_mut().chain(&mut trips.open).enumerate() {
        trip.number = at as u64 + 1;
    }
    trips
}
