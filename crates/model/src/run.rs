//! The record of a run: what was sent, what was answered, and what the run stood on.
//!
//! For: reports, comparison of backtest and live, and anybody who reads `events.jsonl`. Not
//! for: figures that follow from it (the report computes those).

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::amounts::Amounts;
use crate::bar::{Bars, Gap};
use crate::command::{Action, Command};
use crate::commission::CommissionRates;
use crate::event_log::EventLog;
use crate::execution::{ExecutionReport, ListStatus, Refusal};
use crate::interval::Interval;
use crate::number::{Amount, ONE, Price, Quantity, Rate};
use crate::order::Order;
use crate::stress::{Episode, Met, Phase};
use crate::text::{Asset, Symbol};
use crate::time::Timestamp;
use crate::times::Times;

/// A command's number in its run: 1 is the first.
pub type CommandId = u64;

/// One thing that happened, in the order in which it did. `events.jsonl` holds one a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "reports are the rule, all else the exception")]
pub enum Event {
    /// A command left the strategy.
    Sent {
        /// When it left.
        time: Timestamp,
        /// Its number.
        command: CommandId,
        /// What it is about.
        action: Action,
        /// What was asked.
        parameters: Command,
    },
    /// The venue refused a command: no order, no id, no report.
    Refused {
        /// When the venue took it up.
        time: Timestamp,
        /// The command's number.
        command: CommandId,
        /// What it was about.
        action: Action,
        /// Code and text.
        #[serde(flatten)]
        refusal: Refusal,
    },
    /// The venue changed an order.
    ExecutionReport(ExecutionReport),
    /// The venue changed an order list.
    ListStatus(ListStatus),
    /// The venue judged an order that was only to be tested, and would take it.
    Tested {
        /// When the venue took it up.
        time: Timestamp,
        /// The command's number.
        command: CommandId,
    },
    /// A deposit, or a withdrawal where it is negative.
    BalanceUpdate {
        /// When.
        time: Timestamp,
        /// Of which asset.
        asset: Asset,
        /// How much.
        amount: Amount,
    },
    /// The market ended before the command could reach it.
    NotSent {
        /// When it left the strategy.
        time: Timestamp,
        /// The command's number.
        command: CommandId,
        /// What it was about.
        action: Action,
        /// What was asked.
        parameters: Command,
    },
    /// Trouble that a scenario brings about begins or ends.
    Stress {
        /// When.
        time: Timestamp,
        /// Which of the two.
        phase: Phase,
        /// What it is.
        #[serde(flatten)]
        episode: Box<Episode>,
    },
    /// A command met trouble on its way.
    Trouble {
        /// The strategy's time.
        time: Timestamp,
        /// The command's number.
        command: CommandId,
        /// When it left; later than it was sent where an earlier one was waited for.
        left: Timestamp,
        /// What it met.
        #[serde(flatten)]
        met: Box<Met>,
    },
}

impl Event {
    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::Sent { time, .. }
            | Self::Refused { time, .. }
            | Self::Tested { time, .. }
            | Self::BalanceUpdate { time, .. }
            | Self::Stress { time, .. }
            | Self::Trouble { time, .. }
            | Self::NotSent { time, .. } => *time,
            Self::ExecutionReport(report) => report.time,
            Self::ListStatus(status) => status.time,
        }
    }
}

/// Which extreme of a bar comes first (rule 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PathModel {
    /// The one nearer to the open.
    #[default]
    Nearest,
    /// The one that leaves less equity at the close.
    Pessimistic,
    /// The one that leaves more equity at the close.
    Optimistic,
    /// As finer bars or trades have it, where there are any.
    Detail,
}

/// What a market moves along inside its bars (rule 2.2, `detail`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailKind {
    /// The market's trades, those of one taker order at one price joined.
    AggTrades,
    /// Bars of a finer interval.
    Bars(Interval),
}

impl std::fmt::Display for DetailKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AggTrades => f.pad("agg_trades"),
            Self::Bars(interval) => interval.fmt(f),
        }
    }
}

impl std::str::FromStr for DetailKind {
    type Err = DetailKindError;
    fn from_str(text: &str) -> Result<Self, DetailKindError> {
        match text {
            "agg_trades" => Ok(Self::AggTrades),
            _ => text.parse().map(Self::Bars).map_err(|_| DetailKindError),
        }
    }
}

impl Serialize for DetailKind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A text that names no detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither agg_trades nor an interval such as 1s or 1m")]
pub struct DetailKindError;

/// When a resting order fills (rule 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MakerFill {
    /// When the price goes beyond its limit.
    #[default]
    Through,
    /// When the price reaches its limit.
    Touch,
}

/// How much worse than bid or ask a taker trades (rule 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slippage {
    /// Not at all.
    #[default]
    None,
    /// So many ticks.
    Ticks(u32),
    /// So many hundredths of a percent of the price, rounded against the account.
    BasisPoints(u32),
    /// So many hundredths of a percent of the price for all of a bar's volume; for a part of it
    /// times the square root of the part.
    SquareRoot(u32),
}

/// The assumptions that turn candles into fills (`docs/fill-rules.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FillModel {
    /// Which extreme comes first.
    pub path: PathModel,
    /// When resting orders fill.
    pub maker_fill: MakerFill,
    /// Half of the distance between bid and ask, in ticks.
    pub half_spread_ticks: u32,
    /// How much worse takers trade.
    pub slippage: Slippage,
    /// The share of a bar's volume that own fills may take.
    pub volume_share: Rate,
    /// Microseconds from the strategy to the venue.
    pub latency_us: i64,
    /// What trading costs.
    pub fees: CommissionRates,
}

impl Default for FillModel {
    /// The assumptions of the fill rules where nothing else is said, without commission.
    fn default() -> Self {
        Self {
            path: PathModel::default(),
            maker_fill: MakerFill::default(),
            half_spread_ticks: 1,
            slippage: Slippage::default(),
            volume_share: Rate::from_units(ONE / 10),
            latency_us: 0,
            fees: CommissionRates::default(),
        }
    }
}

/// How often each assumption decided something that candles cannot know (rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Assumptions {
    /// Fills that were cut short because the bar's volume share was used up.
    pub budget_exhausted: u64,
    /// Fills of a remainder in a later bar than the one in which its order took first.
    pub remainder_filled: u64,
    /// Market orders that expired, wholly or in part, for want of liquidity.
    pub market_order_expired: u64,
    /// Bars in which orders worked and both extremes lay beyond own limits, so that the order
    /// of the extremes mattered.
    pub path_order_mattered: u64,
    /// Bars that were walked along finer bars or trades.
    pub bars_with_detail: u64,
    /// Bars that should have been walked so, but of which there was no detail, so that the
    /// nearer extreme came first.
    pub bars_without_detail: u64,
    /// Judgements of a filter for which no average was there, so that the last price stood in.
    pub average_replaced: u64,
    /// Judgements with filters from a snapshot that is younger than the instant.
    pub filters_assumed: u64,
    /// Contingent and pending orders that were refused when they were to go onto the book: the
    /// position was left without them.
    pub rejected_when_triggered: u64,
    /// Fills at the own limit, as maker, whose queue position is unknown.
    pub maker_fills: u64,
    /// Fills that took at half spread plus slippage.
    pub taker_fills: u64,
}

impl std::iter::Sum for Assumptions {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            budget_exhausted: a.budget_exhausted + b.budget_exhausted,
            remainder_filled: a.remainder_filled + b.remainder_filled,
            market_order_expired: a.market_order_expired + b.market_order_expired,
            path_order_mattered: a.path_order_mattered + b.path_order_mattered,
            bars_with_detail: a.bars_with_detail + b.bars_with_detail,
            bars_without_detail: a.bars_without_detail + b.bars_without_detail,
            average_replaced: a.average_replaced + b.average_replaced,
            filters_assumed: a.filters_assumed + b.filters_assumed,
            rejected_when_triggered: a.rejected_when_triggered + b.rejected_when_triggered,
            maker_fills: a.maker_fills + b.maker_fills,
            taker_fills: a.taker_fills + b.taker_fills,
        })
    }
}

/// The last equity under the three paths (rule 2.5); none under one that could not be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Band {
    /// The extreme that hurts comes first.
    pub pessimistic: Option<Amount>,
    /// The nearer extreme comes first.
    pub nearest: Option<Amount>,
    /// The extreme that helps comes first.
    pub optimistic: Option<Amount>,
}

/// A run that should stand beside this one, and could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotRun {
    /// Which one: `the pessimistic path`, `seed 8`, `the calm run`.
    pub run: String,
    /// Why.
    pub why: String,
}

/// A stretch of bars over which a scenario halted a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Halt {
    /// The open of the first bar.
    pub from: Timestamp,
    /// When it trades again.
    pub to: Timestamp,
    /// How many bars.
    pub bars: usize,
    /// The lowest price at which history traded meanwhile.
    pub low: Price,
    /// The highest.
    pub high: Price,
}

/// How a run came through, with trouble or without: what is compared. Shares are statistics.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bearing {
    /// At the last close, in the asset that equity is counted in.
    pub final_equity: Amount,
    /// What it grew by, as a share.
    #[serde(rename = "return")]
    pub growth: Option<f64>,
    /// The share of the peak that was missing at most.
    pub max_drawdown: f64,
    /// Orders that the venue accepted.
    pub orders: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// Commands of which it was not known whether they had been executed.
    pub unknown: u64,
    /// Commands that were refused before they could reach the venue.
    pub rejected: u64,
    /// Commands that got through only after they had been rejected.
    pub retried: u64,
    /// Commands that were under way for longer.
    pub delayed: u64,
    /// Times at which a live session would have ended.
    pub given_up: u64,
    /// Microseconds for which a market was halted while its base asset was held or an order was
    /// open on it; of several markets the sum.
    pub halted_us: i64,
    /// Stops whose price was passed while their market was halted.
    pub stops_late: u64,
}

/// A run under stress beside the same run without, and under other seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StressRecord {
    /// What the scenario came to in this run, by time.
    pub episodes: Vec<Episode>,
    /// The run without any of it, if it could be made.
    pub calm: Option<Bearing>,
    /// The run under each seed that could be; the first is the run of this record.
    pub runs: Vec<(u64, Bearing)>,
}

/// SHA-256 of everything that a run stands on, in hex. The same four give the same result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of the program.
    pub program_version: String,
    /// Of the values of all bars and of the detail that was read.
    pub data_sha256: String,
    /// Of the configuration, its order file and recorded reference prices.
    pub configuration_sha256: String,
    /// Of what the exchangeInfo snapshots say of the run's symbols and of the exchange as a whole.
    pub filters_sha256: String,
}

/// From when to when a run used filters of a later day (rule 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AssumedFilters {
    /// The first instant of the run.
    pub from: Timestamp,
    /// The time of the first snapshot, or the end of the run.
    pub to: Timestamp,
}

/// A market of a run, as it was replayed.
#[derive(Debug, Clone)]
pub struct RunMarket {
    /// Its name.
    pub symbol: Symbol,
    /// Its base asset.
    pub base_asset: Asset,
    /// Its quote asset.
    pub quote_asset: Asset,
    /// The tick at the end of the run.
    pub tick: Price,
    /// The step at the end of the run.
    pub step: Quantity,
    /// Length of the bars.
    pub interval: Interval,
    /// The bars that were replayed.
    pub bars: Arc<Bars>,
    /// Whether they were made of trades, for want of the exchange's.
    pub is_of_trades: bool,
    /// What it moved along inside of them where that was at hand, the first of these that was.
    pub details: Vec<DetailKind>,
    /// How candles became fills.
    pub fill_model: FillModel,
    /// Where the data have holes.
    pub gaps: Vec<Gap>,
    /// What they lack of the range that was asked for, at its begin and its end.
    pub uncovered: Vec<Gap>,
    /// Where filters were assumed.
    pub assumed_filters: Option<AssumedFilters>,
    /// Where a scenario halted it; the bars are those that came of that.
    pub halts: Vec<Halt>,
}

/// The instants at which bars have closed. Of one series alone they are its close times, which
/// are not copied.
#[derive(Debug, Clone)]
pub enum Marks {
    /// The first so many closes of a series.
    Closes(Arc<Bars>, usize),
    /// Those of several series.
    Merged(Times),
}

impl Marks {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Closes(_, count) => *count,
            Self::Merged(marks) => marks.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them; panics beyond the end, as indexing does.
    #[must_use]
    pub fn at(&self, row: usize) -> Timestamp {
        assert!(row < self.len(), "no such mark");
        self.times().at(row)
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.times().get(self.len().checked_sub(1)?)
    }

    /// All in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Timestamp> + DoubleEndedIterator + Clone + '_ {
        self.times().within(0..self.len())
    }

    /// These, and maybe more behind them.
    fn times(&self) -> &Times {
        match self {
            Self::Closes(bars, _) => &bars.close_time,
            Self::Merged(marks) => marks,
        }
    }
}

/// Everything about one run of one strategy.
#[derive(Debug, Clone)]
pub struct Run {
    /// The strategy's name.
    pub strategy: String,
    /// Its parameters, as text.
    pub parameters: Vec<(String, String)>,
    /// The markets it traded on; at least one.
    pub markets: Vec<RunMarket>,
    /// Series that only gave prices to assets, with base and quote asset.
    pub prices: Vec<(Asset, Asset, Arc<Bars>)>,
    /// The asset that equity is counted in.
    pub counted_in: Asset,
    /// The instants at which bars have closed.
    pub marks: Marks,
    /// Equity (all assets) at each of them.
    pub equity: Amounts,
    /// What the account held before the first bar.
    pub initial: Account,
    /// What it held after the last one.
    pub account: Account,
    /// Everything that happened, in order.
    pub events: EventLog,
    /// Every order in its last state, by id.
    pub orders: Vec<Order>,
    /// How often assumptions decided.
    pub assumptions: Assumptions,
    /// The band, where the other two paths were run too.
    pub band: Option<Band>,
    /// What the run is compared with, where it is one under stress.
    pub stress: Option<StressRecord>,
    /// The runs beside this one that could not be made.
    pub not_run: Vec<NotRun>,
    /// What exchangeInfo held that could not be read as documented.
    pub filter_notes: Vec<String>,
    /// What the run stands on.
    pub provenance: Provenance,
}

/// Every order of a log in its last state, by id.
#[must_use]
pub fn orders_of(events: &EventLog) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    for event in events {
        let Event::ExecutionReport(ExecutionReport { order, .. }) = event else { continue };
        match orders.last().map(|last| last.order_id.cmp(&order.order_id)) {
            None | Some(Ordering::Less) => orders.push(order),
            Some(_) => match orders.binary_search_by_key(&order.order_id, |known| known.order_id) {
                Ok(at) => orders[at] = order,
                Err(at) => orders.insert(at, order),
            },
        }
    }
    orders
}
