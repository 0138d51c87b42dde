//! What a story tells although nothing was decided: filters that had nothing to look at, and where
//! prices went while an order waited.

use std::collections::BTreeMap;

use candlewick_model::{FilterName, Liquidity, OrderId, Timestamp};
use candlewick_simulator::Market;
use candlewick_simulator::trace::{Fact, Note};

use super::figures::short;
use super::filters::why_not;

/// Filters of the symbol that have not had anything to look at yet.
#[derive(Default)]
pub(super) struct Unread(Vec<FilterName>);

impl Unread {
    /// Once the row of filters has been passed, which of them did not apply and why.
    pub(super) fn after(&mut self, note: &Note) -> Option<String> {
        match &note.fact {
            Fact::Symbol { filters, .. } => self.0.clone_from(filters),
            Fact::Filter(reading) => self.0.retain(|filter| *filter != reading.filter),
            Fact::Refused(_) => self.0.clear(),
            Fact::Name { .. } if !self.0.is_empty() => {
                let names = self.0.drain(..).map(|filter| format!("{filter} ({})", why_not(filter)));
                return Some(names.collect::<Vec<_>>().join(", "));
            }
            _ => {}
        }
        None
    }
}

/// Since when orders have been waiting without anything being decided about them.
#[derive(Default)]
pub(super) struct Quiet(BTreeMap<OrderId, Timestamp>);

impl Quiet {
    /// Where prices went while an order waited that now ends otherwise than by them.
    pub(super) fn ends(&mut self, note: &Note, market: Option<&Market>) -> Option<String> {
        let id = note.order?;
        match &note.fact {
            Fact::Rests { remains_taker: false, .. } | Fact::Waits { .. } | Fact::Remains { takes: false, .. } => {
                self.0.insert(id, note.time);
            }
            Fact::Through { .. } | Fact::Reached { .. } => {
                self.0.remove(&id);
            }
            Fact::Report { report, .. } if report.order.status.is_final() => {
                let range = self.range(id, note.time, market);
                self.0.remove(&id);
                return range;
            }
            Fact::Report { report, .. } if report.fill.is_some_and(|fill| fill.liquidity == Liquidity::Maker) => {
                self.0.insert(id, note.time);
            }
            _ => {}
        }
        None
    }

    /// Lowest and highest price of the whole bars since an order has been waiting.
    pub(super) fn range(&self, id: OrderId, until: Timestamp, market: Option<&Market>) -> Option<String> {
        let (since, bars) = (*self.0.get(&id)?, &market?.bars);
        let from = bars.open_time.partition_point(|open| open < since);
        let to = bars.close_time.partition_point(|close| close < until);
        let rows = from..to.max(from);
        let (low, high) = (bars.low[rows.clone()].iter().min()?, bars.high[rows.clone()].iter().max()?);
        let bars = if rows.len() == 1 { "1 whole bar".to_owned() } else { format!("{} whole bars", rows.len()) };
        Some(format!("in {bars} prices went from {} to {}", short(low), short(high)))
    }
}
