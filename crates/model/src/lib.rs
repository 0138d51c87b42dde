//! The vocabulary of Candlewick: numbers, time, bars, instruments and their filters, orders,
//! execution reports, the account, and the record of a run.
//!
//! For: what every other crate must agree on, as pure values and pure functions. This crate
//! knows no I/O, no async, no clock, no HTTP, no Parquet and no strategy.

pub mod account;
mod admission;
mod amounts;
pub mod bar;
pub mod command;
pub mod commission;
pub mod event_log;
pub mod execution;
pub mod filter;
pub mod fit;
pub mod instrument;
pub mod interval;
pub mod ledger;
pub mod number;
pub mod order;
mod ordinary;
pub mod period;
mod report_fields;
pub mod request;
pub mod run;
pub mod stress;
pub mod text;
pub mod time;
mod times;
pub mod trades;
mod worth;

pub use account::{Account, Balance};
pub use amounts::{Amounts, Units};
pub use bar::{Bar, BarError, Bars, Gap};
pub use command::{
    Action, AmendRequest, CancelListRequest, CancelReplaceMode, CancelReplaceRequest, CancelRequest, Command, Legs,
    ListForm, ListRequest, OrderKind, OrderRequest, OrderSize, RateLimitExceededMode, Trigger, TriggerKind,
};
pub use commission::{CommissionRates, Discount, RateParts};
pub use event_log::EventLog;
pub use execution::{ExecutionReport, Fill, Half, Halves, ListStatus, Prevented, Refusal};
pub use filter::{Counts, FilterName, Filters, Judged, OpenPosition, Reading};
pub use instrument::{Allowances, ExchangeInfo, Instrument, InstrumentError, OrderLimit};
pub use interval::Interval;
pub use ledger::{Ledger, Pair};
pub use number::{Amount, NumberError, Price, Quantity, Rate};
pub use order::{
    CancelRestrictions, ContingencyType, ExecutionType, ExpiryReason, Liquidity, ListOrderStatus, ListStatusType,
    Order, OrderId, OrderListId, OrderStatus, OrderType, Peg, PegPriceType, RateInterval, RejectReason,
    SelfTradePrevention, Side, SymbolStatus, TimeInForce, TradeId,
};
pub use ordinary::Ordinary;
pub use period::Period;
pub use report_fields::Field;
pub use request::RawParameters;
pub use text::{Asset, ClientOrderId, Symbol};
pub use time::{TimeUnit, Timestamp};
pub use times::Times;
pub use trades::{AggTrade, Trade};
pub use worth::Worth;
