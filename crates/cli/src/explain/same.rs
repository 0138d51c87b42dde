//! Whether a run that was made again tells of an order what its own events tell.

use std::io::BufRead;

use candlewick_model::EventLog;
use candlewick_model::run::CommandId;
use candlewick_model::{OrderId, OrderListId};
use candlewick_simulator::trace::{Fact, Subject, Traced};
use serde::Deserialize;

/// Where the two differ first; a line that is missing is `None`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) then: Option<String>,
    pub(crate) now: Option<String>,
}

/// The command, orders and lists that an explanation speaks of.
struct Concerned {
    command: Option<CommandId>,
    orders: Vec<OrderId>,
    lists: Vec<OrderListId>,
}

/// What of an event says whom it is about.
#[derive(Deserialize)]
struct About {
    command: Option<CommandId>,
    order_id: Option<OrderId>,
    order_list_id: Option<OrderListId>,
}

/// Compares line by line what a run's `events.jsonl` holds about an order with what has happened
/// now, and says how many lines were the same.
pub(crate) fn compare(
    events: impl BufRead,
    now: &EventLog,
    subject: Subject,
    traced: &Traced,
) -> anyhow::Result<Result<usize, Difference>> {
    let concerned = Concerned::of(subject, traced);
    let mut now = now.iter().map(|event| Ok(serde_json::to_string(&event)?)).filter(|line| concerned.by(line));
    let mut then = events.lines().map(|line| Ok(line?)).filter(|line| concerned.by(line));
    let mut same = 0;
    loop {
        match (then.next().transpose()?, now.next().transpose()?) {
            (None, None) => return Ok(Ok(same)),
            (then, now) if then == now => same += 1,
            (then, now) => return Ok(Err(Difference { then, now })),
        }
    }
}

impl Concerned {
    fn of(subject: Subject, traced: &Traced) -> Self {
        let (mut orders, mut lists) = (traced.orders.clone(), Vec::new());
        if let Subject::Order(id) = subject {
            orders.push(id);
        }
        for note in &traced.notes {
            orders.extend(note.order);
            if let Fact::Report { report, .. } = &note.fact {
                lists.extend(report.order.order_list_id);
            }
        }
        for numbers in [&mut orders, &mut lists] {
            numbers.sort_unstable();
            numbers.dedup();
        }
        Self { command: traced.command, orders, lists }
    }

    /// Whether a line belongs here; an error does, so that it is told.
    fn by(&self, line: &anyhow::Result<String>) -> bool {
        let Ok(Ok(about)) = line.as_ref().map(|line| serde_json::from_str::<About>(line)) else { return true };
        let has = |numbers: &[u64], number: Option<u64>| number.is_some_and(|n| numbers.binary_search(&n).is_ok());
        let of_list = about.order_id.is_none() && has(&self.lists, about.order_list_id);
        of_list || has(&self.orders, about.order_id) || (about.command.is_some() && about.command == self.command)
    }
}
