//! What has really happened in all cases together: a property whose cases are all refused proves
//! nothing.

use std::collections::BTreeMap;

use candlewick_model::{Action, ExecutionReport, ExecutionType, ListStatus, Order, OrderStatus, Refusal};

#[derive(Debug, Default)]
pub(crate) struct Coverage {
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    pub(crate) fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(what.to_owned(), 1)),
        }
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(what, count)| (what.as_str(), *count))
    }

    pub(crate) fn report(&mut self, before: Option<&Order>, report: &ExecutionReport) {
        let order = &report.order;
        if before.is_none() {
            self.count(&format!("new {}", order.order_type));
            self.count(&format!("in force {}", order.time_in_force));
            for (of_kind, there) in [
                ("trailing", order.trailing_delta.is_some()),
                ("trailing from a stop price", order.trailing_delta.is_some() && !order.stop_price.is_zero()),
                ("iceberg", !order.iceberg_quantity.is_zero()),
                ("pegged", order.peg.is_some()),
                ("sized in quote", !order.quote_order_quantity.is_zero()),
                ("paid by another", order.awaits_quantity()),
            ] {
                if there {
                    self.count(&format!("new {of_kind}"));
                }
            }
        }
        if let Some(fill) = report.fill {
            self.count(&format!("{} {}", order.status, fill.liquidity));
            self.count(&format!("filled {}", order.order_type));
            self.count(&format!(
                "commission in {}",
                if fill.commission_asset.as_str() == "BNB" { "BNB" } else { "kind" }
            ));
        }
        if let Some(prevented) = report.prevented {
            self.count(&format!("prevented {}", prevented.mode));
        }
        if report.execution_type == ExecutionType::Replaced {
            self.count("amended");
        }
        let was = before.map(|before| before.status);
        if was == Some(OrderStatus::PendingNew) && order.status == OrderStatus::New {
            self.count("activated");
        }
        if was == Some(OrderStatus::New) && report.execution_type == ExecutionType::New {
            self.count("triggered");
        }
        if order.status.is_final() {
            let reason = order.expiry_reason.map_or(String::new(), |reason| format!(" {reason}"));
            self.count(&format!("end {}{reason}", order.status));
            if was == Some(OrderStatus::PartiallyFilled) && order.status != OrderStatus::Filled {
                self.count("end of a part that is left");
            }
        }
    }

    pub(crate) fn status(&mut self, status: &ListStatus) {
        let (kind, legs) = (status.contingency_type, status.orders.len());
        self.count(&format!("list {kind} of {legs} {}", status.list_status_type));
    }

    pub(crate) fn refused(&mut self, action: Action, refusal: &Refusal) {
        self.count(&format!("refused {action}"));
        self.count(&format!("{}", refusal.code));
        if refusal.text.starts_with("Filter failure") {
            self.count(&refusal.text);
        }
    }
}
