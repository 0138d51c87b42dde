//! The exchange's JSON, with its own names: the one place where they are used.
//!
//! For: what goes over REST in either direction, and how it becomes the model's words. Not
//! for: sending or serving it.
//!
//! Times are numbers in the unit that was asked for ([`time_number`], [`time`]); prices and
//! quantities are texts with eight decimals.

mod account;
mod changes;
mod conditional;
mod kline;
mod list;
mod market;
mod order;
mod ticker;

pub use account::{Account, AssetBalance, CommissionRates, MyTrade};
pub use changes::{Amended, AmendedOrder, Amendment, HalfResult, PreventedMatch, Replaced};
pub use conditional::{Conditional, PegOffsetType};
pub use kline::{Kline, bars_of_page};
pub use list::{ListMember, ListState};
pub use market::{
    AggTradeRow, AveragePrice, Depth, ExecutionRules, Level, PriceRangeRule, ReferenceCalculation, ReferencePrice,
    SymbolRules, TradeRow,
};
pub use order::{Cancelled, OrderState, Placed, PlacedFill, PlacedResult, ResponseType};
pub use ticker::{BookTicker, DayTicker, MiniTicker, PriceTicker, Ticker, WindowSums, WindowTicker, percent};

use candlewick_model::{OrderListId, TimeUnit, Timestamp};
use serde::{Deserialize, Serialize};

/// The header in which a client asks for a unit of time.
pub const TIME_UNIT_HEADER: &str = "X-MBX-TIME-UNIT";
/// The header that carries the API key.
pub const API_KEY_HEADER: &str = "X-MBX-APIKEY";

/// The answer of `GET /api/v3/time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerTime {
    /// Now, in the unit that was asked for.
    pub server_time: i64,
}

/// An instant as a number in a unit; milliseconds are floored.
#[must_use]
pub const fn time_number(time: Timestamp, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Milliseconds => time.millis(),
        TimeUnit::Microseconds => time.micros(),
    }
}

/// A number of either unit as an instant; `None` for what is no plausible time.
#[must_use]
pub fn time(number: i64) -> Option<Timestamp> {
    Timestamp::from_either_unit(number).map(|(time, _)| time)
}

/// The number of an order's list; -1 where it is in none.
#[must_use]
pub const fn list_number(list: Option<OrderListId>) -> i64 {
    match list {
        Some(list) => list.cast_signed(),
        None => -1,
    }
}

/// The list of a number; `None` where it is -1.
#[must_use]
pub fn list_of(number: i64) -> Option<OrderListId> {
    u64::try_from(number).ok()
}
