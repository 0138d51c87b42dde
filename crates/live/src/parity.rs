//! Parity: whether two runs did the same, event for event.
//!
//! For: backtest against live. Not for: explaining a difference; it says where the first ones
//! are and what stands on either side.

use std::fmt;

use candlewick_model::run::Event;
use candlewick_model::{ExecutionType, Liquidity};
use serde_json::Value;

/// How many differences are told.
const TOLD_MAX: usize = 10;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What the backtest did.
    pub backtest: Counts,
    /// What the live run did.
    pub live: Counts,
    /// The first differences, in order; none if the runs agree.
    pub differences: Vec<Difference>,
}

/// How much happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events in all.
    pub events: usize,
    /// Orders that the venue accepted.
    pub orders: usize,
    /// Fills.
    pub fills: usize,
    /// Fills that had rested.
    pub maker_fills: usize,
    /// Commands that the venue refused.
    pub refusals: usize,
}

/// One place in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The event's number; 1 is the first.
    pub event: usize,
    /// What the event is, as far as both agree on it.
    pub about: String,
    /// Which member of it differs.
    pub member: String,
    /// What stands there in the backtest.
    pub backtest: String,
    /// What stands there in the live run.
    pub live: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, about, member, backtest, live } = self;
        write!(f, "event {event} ({about}): {member} is {backtest} in the backtest and {live} live")
    }
}

impl Comparison {
    /// Whether the runs did the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { events, orders, fills, maker_fills, refusals } = self.backtest;
        if self.agrees() {
            return write!(
                f,
                "backtest and live agree: {events} events, {orders} orders, {fills} fills ({maker_fills} of them resting), {refusals} refusals"
            );
        }
        write!(f, "backtest and live differ; the first differences:")?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

impl Counts {
    /// Counts a run.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut counts = Self { events: events.len(), ..Self::default() };
        for event in events {
            match event {
                Event::ExecutionReport(report) => {
                    counts.orders += usize::from(report.execution_type == ExecutionType::New);
                    counts.fills += usize::from(report.fill.is_some());
                    let rested = report.fill.is_some_and(|fill| fill.liquidity == Liquidity::Maker);
                    counts.maker_fills += usize::from(rested);
                }
                Event::Refused { .. } => counts.refusals += 1,
                _ => {}
            }
        }
        counts
    }
}

/// Compares two runs event by event: every time, order, fill, price, quantity, commission,
/// code and text, and their sequence.
#[must_use]
pub fn compare(backtest: &[Event], live: &[Event]) -> Comparison {
    let mut differences = Vec::new();
    let (backtest, live) = (told_by_rest(backtest), told_by_rest(live));
    for at in 0..backtest.len().max(live.len()) {
        if differences.len() >= TOLD_MAX {
            break;
        }
        match (backtest.get(at), live.get(at)) {
            (Some(left), Some(right)) if left == right => {}
            (Some(left), Some(right)) => tell_members(at + 1, left, right, &mut differences),
            (left, right) => {
                differences.push(Difference {
                    event: at + 1,
                    about: "only one run has it".to_owned(),
                    member: "the event".to_owned(),
                    backtest: left.map_or("missing".to_owned(), about),
                    live: right.map_or("missing".to_owned(), about),
                });
                break;
            }
        }
    }
    differences.truncate(TOLD_MAX);
    Comparison { backtest: Counts::of(&backtest), live: Counts::of(&live), differences }
}

/// Events without what REST answers do not tell: numbers of executions and prevented matches, why
/// an order was rejected when it was to go onto the book, and when an order was made or came onto
/// the book, which its first report tells anyway.
fn told_by_rest(events: &[Event]) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        if let Event::ExecutionReport(report) = event {
            report.execution_id = 0;
            report.prevented = None;
            report.reject_reason = None;
            let order = &mut report.order;
            order.created = order.updated;
            order.working_time = None;
            order.prevented_quantity = candlewick_model::Quantity::ZERO;
        }
    }
    events
}

fn tell_members(event: usize, left: &Event, right: &Event, told: &mut Vec<Difference>) {
    let mut members = Vec::new();
    let value = |event: &Event| serde_json::to_value(event).expect("events are made of texts and numbers");
    differing_members("", &value(left), &value(right), &mut members);
    let about = about(left);
    told.extend(members.into_iter().map(|(member, backtest, live)| Difference {
        event,
        about: about.clone(),
        member,
        backtest,
        live,
    }));
}

/// Member by member, into objects.
fn differing_members(path: &str, left: &Value, right: &Value, members: &mut Vec<(String, String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => {
            for (key, value) in l {
                differing_members(&below(key), value, r.get(key).unwrap_or(&Value::Null), members);
            }
            for (key, value) in r.iter().filter(|(key, _)| !l.contains_key(*key)) {
                differing_members(&below(key), &Value::Null, value, members);
            }
        }
        _ if left != right => members.push((path.to_owned(), left.to_string(), right.to_string())),
        _ => {}
    }
}

/// An event in a few words.
fn about(event: &Event) -> String {
    match event {
        Event::Sent { time, command, .. } => format!("command {command} sent at {time}"),
        Event::NotSent { command, .. } => format!("command {command} never sent"),
        Event::Refused { command, refusal, .. } => format!("command {command} refused with {}", refusal.code),
        Event::ExecutionReport(report) => {
            format!("{} of order {} at {}", report.execution_type, report.order.order_id, report.time)
        }
        Event::ListStatus(status) => format!("{} of list {}", status.list_status_type, status.order_list_id),
        Event::Tested { command, .. } => format!("command {command} tested"),
        Event::BalanceUpdate { time, asset, .. } => format!("transfer of {asset} at {time}"),
        Event::Stress { time, .. } => format!("stress at {time}"),
        Event::Trouble { command, .. } => format!("trouble of command {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candlewick_model::{
        Action, ExecutionReport, ExecutionType, Order, OrderType, Price, Refusal, RejectReason, Side, TimeInForce,
        Timestamp,
    };

    fn refused(command: u64, code: i32) -> Event {
        let time = Timestamp::from_micros(1_672_531_200_000_000);
        Event::Refused { time, command, action: Action::New, refusal: Refusal::new(code, "no") }
    }

    #[test]
    fn equal_runs_agree() {
        let run = [refused(1, -1013), refused(2, -2010)];
        let comparison = compare(&run, &run);
        assert!(comparison.agrees());
        assert_eq!(comparison.backtest.refusals, 2);
        assert!(comparison.to_string().starts_with("backtest and live agree: 2 events"));
    }

    #[test]
    fn what_rest_does_not_tell_is_no_difference() {
        let time = Timestamp::from_micros(1_672_531_200_000_000);
        let names = (1, "a".parse().unwrap());
        let (market, kind) = (("BTCUSDT".parse().unwrap(), Side::Sell), (OrderType::StopLoss, TimeInForce::Gtc));
        let order = Order::told(names, market, kind, (Price::ZERO, Price::from_units(1)), time);
        let live = ExecutionReport::of(&order, 0, ExecutionType::Expired);
        let reject_reason = Some(RejectReason::InsufficientBalances);
        let backtest = ExecutionReport { execution_id: 7, reject_reason, ..live };
        assert!(compare(&[Event::ExecutionReport(backtest)], &[Event::ExecutionReport(live)]).agrees());
    }

    #[test]
    fn a_changed_a_missing_and_a_swapped_event_are_told() {
        let (one, two) = (refused(1, -1013), refused(2, -2010));
        let changed = compare(std::slice::from_ref(&one), &[refused(1, -1111)]);
        assert_eq!(
            changed.differences[0].to_string(),
            "event 1 (command 1 refused with -1013): code is -1013 in the backtest and -1111 live"
        );
        let missing = compare(&[one.clone(), two.clone()], std::slice::from_ref(&one));
        assert_eq!(missing.differences[0].live, "missing");
        assert!(!compare(&[one.clone(), two.clone()], &[two, one]).agrees());
    }
}
