//! What has really happened in all cases together: a property whose cases are all refused proves
//! nothing.

use std::collections::BTreeMap;

use candlewick_model::{Action, ExecutionReport, ExecutionType, ListStatus, Order, OrderStatus, Refusal};

#[derive(Debug, Default)]
pub(crate) struct Coverage {
    counts: BTreeMap<String, u64>,
}

/// What must have happened in a thousand worlds, so often at least.
const EXPECTED: &[(u64, &[&str])] = &[
    (
        100,
        &[
            "new LIMIT",
            "new MARKET",
            "new STOP_LOSS",
            "new STOP_LOSS_LIMIT",
            "new TAKE_PROFIT",
            "new TAKE_PROFIT_LIMIT",
            "new LIMIT_MAKER",
            "new trailing",
            "new trailing from a stop price",
            "new iceberg",
            "new pegged",
            "new paid by another",
            "in force IOC",
            "in force FOK",
            "FILLED MAKER",
            "FILLED TAKER",
            "PARTIALLY_FILLED MAKER",
            "PARTIALLY_FILLED TAKER",
            "filled LIMIT",
            "filled LIMIT_MAKER",
            "filled MARKET",
            "filled STOP_LOSS",
            "filled STOP_LOSS_LIMIT",
            "filled TAKE_PROFIT",
            "commission in kind",
            "commission in BNB",
            "triggered",
            "activated",
            "amended",
            "tested",
            "end CANCELED",
            "end FILLED",
            "end of a part that is left",
            "end EXPIRED_IN_MATCH",
            "end EXPIRED INSUFFICIENT_LIQUIDITY",
            "end EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
            "end EXPIRED UNFILLED_FOK_ORDER_EXPIRED",
            "end EXPIRED OCO_TRIGGER",
            "end EXPIRED OTO_PHASE_ONE_EXPIRED",
            "end EXPIRED EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
            "list OCO of 2 ALL_DONE",
            "list OTO of 2 ALL_DONE",
            "list OTO of 3 ALL_DONE",
            "-1013",
            "-2010",
            "-2011",
            "-2021",
            "-2022",
            "-2038",
        ],
    ),
    (
        20,
        &[
            "new sized in quote",
            "filled TAKE_PROFIT_LIMIT",
            "end EXPIRED REJECTED",
            "prevented EXPIRE_MAKER",
            "prevented EXPIRE_TAKER",
            "prevented EXPIRE_BOTH",
            "prevented DECREMENT",
            "list OCO of 2 UPDATED",
            "list OTO of 2 UPDATED",
            "list OTO of 3 UPDATED",
            "refused new",
            "refused test",
            "refused amend",
            "refused cancel",
            "refused cancel_list",
            "refused cancel_replace",
            "refused cancel_all",
            "refused oco",
            "refused oco_deprecated",
            "refused oto",
            "refused otoco",
            "refused opo",
            "refused opoco",
            "Filter failure: LOT_SIZE",
            "Filter failure: NOTIONAL",
            "Filter failure: MIN_NOTIONAL",
            "Filter failure: PERCENT_PRICE",
            "Filter failure: PERCENT_PRICE_BY_SIDE",
            "Filter failure: MAX_POSITION",
            "Filter failure: MAX_NUM_ORDERS",
            "Filter failure: MAX_NUM_ALGO_ORDERS",
            "Filter failure: MARKET_LOT_SIZE",
            "Filter failure: EXCHANGE_MAX_NUM_ORDERS",
        ],
    ),
    (
        2,
        &[
            "prevented TRANSFER",
            "end EXPIRED NONE",
            "-1015",
            "Filter failure: ICEBERG_PARTS",
            "Filter failure: MAX_NUM_ORDER_LISTS",
            "Filter failure: TRAILING_DELTA",
        ],
    ),
];

impl Coverage {
    pub(crate) fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(what.to_owned(), 1)),
        }
    }

    /// What has happened too seldom in so many worlds.
    pub(crate) fn missing(&self, worlds: u32) -> Vec<String> {
        let of = |what: &str| self.counts.get(what).copied().unwrap_or(0);
        let expected = EXPECTED.iter().flat_map(|(least, all)| all.iter().map(|what| (*least, *what)));
        let seldom = expected.filter(|(least, what)| of(what) < *least * u64::from(worlds) / 1_000);
        seldom.map(|(_, what)| format!("{what}: {}", of(what))).collect()
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
