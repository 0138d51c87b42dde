//! What has happened and was not handled yet, in the order in which it must be.
//!
//! Within one instant: what the market did to resting orders, then the answers to commands in
//! the order of the commands, then bars that closed (rules 1.1 to 1.3 of the fill rules).

use std::collections::VecDeque;

use candlewick_model::Action;
use candlewick_model::run::CommandId;
use candlewick_model::{Bar, ExecutionReport, ExecutionType, Order, OrderStatus, Refusal, Side, Timestamp};

/// The answer to a command.
pub(crate) enum Answer {
    /// What the command caused.
    Reports(Vec<ExecutionReport>),
    /// The exchange's no.
    Refused { command: CommandId, action: Action, refusal: Refusal },
}

/// Something to deliver.
#[expect(clippy::large_enum_variant, reason = "reports are the rule, all else the exception")]
pub(crate) enum Happening {
    Report(ExecutionReport),
    Answer(Answer),
    Bar(Bar),
}

#[derive(Default)]
pub(crate) struct Inbox {
    /// In the order of trade ids.
    market: VecDeque<ExecutionReport>,
    /// In the order of commands.
    answers: VecDeque<(Timestamp, Answer)>,
    /// In the order of time.
    bars: VecDeque<Bar>,
}

impl Inbox {
    pub(crate) fn answer(&mut self, time: Timestamp, answer: Answer) {
        self.answers.push_back((time, answer));
    }

    pub(crate) fn bar(&mut self, bar: Bar) {
        self.bars.push_back(bar);
    }

    /// A fill of a resting order. The other side of a trade with oneself is told just before
    /// the side that took, as the venue does.
    pub(crate) fn market_fill(&mut self, report: ExecutionReport) {
        let trade = report.fill.map(|fill| fill.trade_id);
        let takes_part = |told: &ExecutionReport| told.fill.map(|fill| fill.trade_id) == trade;
        for reports in self.answered_reports() {
            if let Some(at) = reports.iter().position(takes_part) {
                reports.insert(at, report);
                return;
            }
        }
        self.market.push_back(report);
    }

    /// An order that ended without its owner's doing. If an arriving order of the same owner
    /// ended it, it is told between that order's NEW and its fills.
    pub(crate) fn market_end(&mut self, report: ExecutionReport) {
        let prevented = report.order.status == OrderStatus::ExpiredInMatch;
        let met = |new: &ExecutionReport| {
            new.time == report.time && new.order.side != report.order.side && new.execution_type == ExecutionType::New
        };
        for reports in self.answered_reports().filter(|_| prevented) {
            if reports.first().is_some_and(met) {
                let told = reports[1..].iter().take_while(|r| comes_before(r, &report)).count();
                reports.insert(1 + told, report);
                return;
            }
        }
        self.market.push_back(report);
    }

    fn answered_reports(&mut self) -> impl Iterator<Item = &mut Vec<ExecutionReport>> {
        self.answers.iter_mut().filter_map(|(_, answer)| match answer {
            Answer::Reports(reports) => Some(reports),
            Answer::Refused { .. } => None,
        })
    }

    /// When the earliest happening was.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        let market = self.market.front().map(|report| report.time);
        let answers = self.answers.front().map(|(time, _)| *time);
        let bars = self.bars.front().map(|bar| bar.close_time);
        [market, answers, bars].into_iter().flatten().min()
    }

    /// The next happening of an instant.
    pub(crate) fn next_at(&mut self, time: Timestamp) -> Option<Happening> {
        if let Some(report) = self.market.pop_front_if(|report| report.time == time) {
            return Some(Happening::Report(report));
        }
        if let Some((_, answer)) = self.answers.pop_front_if(|(at, _)| *at == time) {
            return Some(Happening::Answer(answer));
        }
        self.bars.pop_front_if(|bar| bar.close_time == time).map(Happening::Bar)
    }

    /// The order as the last waiting report leaves it, if one is waiting.
    pub(crate) fn waiting_end_of(&self, order: &Order) -> bool {
        self.answers.iter().any(|(_, answer)| match answer {
            Answer::Reports(reports) => {
                reports.iter().any(|r| r.order.order_id == order.order_id && r.order.status.is_final())
            }
            Answer::Refused { .. } => false,
        })
    }
}

/// Whether an order that was ended by an arriving one was met before another: the better
/// price first, then the older one.
fn comes_before(told: &ExecutionReport, report: &ExecutionReport) -> bool {
    let better = match report.order.side {
        Side::Buy => told.order.price > report.order.price,
        Side::Sell => told.order.price < report.order.price,
    };
    told.order.status == OrderStatus::ExpiredInMatch
        && told.order.side == report.order.side
        && (better || (told.order.price == report.order.price && told.order.order_id < report.order.order_id))
}
