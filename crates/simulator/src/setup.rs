//! What a venue is made of: the account, its markets with their bars, and how these become
//! fills.

mod shifted;

use std::sync::Arc;

use candlewick_model::filter::ExchangeFilters;
use candlewick_model::run::{FillModel, Halt};
use candlewick_model::{Account, Amount, Asset, Bars, Interval, OrderLimit, Timestamp};

use crate::desk::DiscountPrices;
use crate::detail::DetailSource;
use crate::reference::{PriceRange, Reference};
use crate::stress::Stress;
use crate::timeline::Timeline;

/// What a venue is made of: an account, and the markets that it trades on.
#[derive(Clone)]
pub struct Setup {
    /// What the account holds before the first bar.
    pub account: Account,
    /// What the exchange and the account limit beyond a market, over time.
    pub limits: Timeline<Limits>,
    /// The markets, by symbol; at least one.
    pub markets: Vec<Market>,
    /// Series that only give prices to assets, with base and quote asset.
    pub prices: Vec<(Asset, Asset, Arc<Bars>)>,
    /// The asset that equity is counted in.
    pub counted_in: Asset,
    /// Deposits, and withdrawals, by time.
    pub transfers: Vec<Transfer>,
    /// Trouble with the exchange; [`Setup::under`] brings it in.
    pub stress: Option<Stress>,
}

/// A deposit, or a withdrawal where the amount is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// When it is booked.
    pub time: Timestamp,
    /// Of which asset.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
}

impl Setup {
    /// One market; equity is counted in its quote asset.
    #[must_use]
    pub fn of_one(market: Market, account: Account) -> Self {
        Self {
            account,
            limits: Limits::default().into(),
            counted_in: market.timeline.last().quote_asset,
            markets: vec![market],
            prices: Vec::new(),
            transfers: Vec::new(),
            stress: None,
        }
    }

    /// Before the first open of all.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        let first = self.markets.iter().filter_map(|market| market.bars.open_time.first()).min();
        first.map_or(Timestamp::MIN, |first| first.plus(-1))
    }
}

/// One market with its bars and how they become fills.
#[derive(Clone)]
pub struct Market {
    /// The instrument's filters over time.
    pub timeline: Timeline,
    /// How bars become fills.
    pub fill_model: FillModel,
    /// The length of the bars.
    pub interval: Interval,
    /// The bars to replay; at least one.
    pub bars: Arc<Bars>,
    /// Longer bars, for the strategy alone, shorter ones first.
    pub longer: Vec<(Interval, Arc<Bars>)>,
    /// The finest bars at hand, for average prices (rule 5.3); may be the same.
    pub average_bars: Arc<Bars>,
    /// Where finer bars and trades come from, the finest first; asked under `detail` alone.
    pub details: Vec<Arc<dyn DetailSource>>,
    /// Where the reference price comes from.
    pub reference: Reference,
    /// How far from it takers may trade.
    pub price_range: Option<PriceRange>,
    /// The price of the asset in which commission is discounted, where it is neither of this
    /// market's own.
    pub discount: Option<DiscountPrices>,
    /// Where its bars and filters are those of a halted market.
    pub halts: Vec<Halt>,
}

impl Market {
    /// A market without anything optional: averages from its own bars.
    #[must_use]
    pub fn new(timeline: Timeline, fill_model: FillModel, interval: Interval, bars: Arc<Bars>) -> Self {
        Self {
            timeline,
            fill_model,
            interval,
            average_bars: Arc::clone(&bars),
            bars,
            longer: Vec::new(),
            details: Vec::new(),
            reference: Reference::Absent,
            price_range: None,
            discount: None,
            halts: Vec::new(),
        }
    }
}

/// What the exchange and the account limit beyond one market, as one snapshot has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The exchange's and the assets' filters.
    pub filters: ExchangeFilters,
    /// How many unfilled orders may be placed.
    pub orders: Vec<OrderLimit>,
}

impl Limits {
    /// Whether any of it is about each new order.
    pub(crate) const fn limit_single_orders(&self) -> bool {
        self.filters.max_num_orders.is_some() || !self.filters.max_asset.is_empty()
    }
}
