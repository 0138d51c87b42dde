//! The words for execution reports: what has become of an order, and what there is afterwards.

use candlewick_model::ledger::locked_by;
use candlewick_model::{Asset, Balance, ExecutionReport, ExecutionType, ExpiryReason, OrderStatus, Side};

use super::facts::{Assets, Role, Told};
use super::figures::short;

impl Assets {
    pub(super) fn report(&self, report: &ExecutionReport, balances: &[(Asset, Balance)], role: Role) -> Vec<Told> {
        let mut told = vec![Told::Line(self.change(report, role))];
        let order = &report.order;
        if !role.is_own {
            return told;
        }
        let locks = locked_by(order);
        if report.execution_type == ExecutionType::New && order.order_list_id.is_none() && !locks.is_zero() {
            let (asset, each) = match order.side {
                Side::Buy => (self.quote, format!(", {} for each {}", short(order.lock_price), self.base)),
                Side::Sell => (self.base, String::new()),
            };
            told.push(Told::Look("locks", format!("{} {asset}{each} (rule 5.6)", short(locks))));
        }
        let held =
            balances.iter().map(|(asset, b)| format!("{asset} {} free, {} locked", short(b.free), short(b.locked)));
        told.push(Told::Look("balances", held.collect::<Vec<_>>().join("; ")));
        told
    }

    /// What has become of an order.
    fn change(&self, report: &ExecutionReport, role: Role) -> String {
        let o = &report.order;
        let (id, status) = (o.order_id, o.status);
        match (report.execution_type, report.fill, report.prevented) {
            (ExecutionType::Trade, Some(fill), _) => format!(
                "order {id} fills {} {} at {} as {}, trade {}: {} {}; {status}{}",
                short(fill.quantity),
                self.base,
                short(fill.price),
                fill.liquidity,
                fill.trade_id,
                short(fill.quote_quantity),
                self.quote,
                left(report)
            ),
            (ExecutionType::TradePrevention, _, Some(p)) => format!(
                "order {id} loses {} {} because it would trade with order {} at {}; {status}{}",
                short(p.quantity),
                self.base,
                p.counter_order_id,
                short(p.price),
                left(report)
            ),
            (ExecutionType::Replaced, ..) => {
                format!("order {id} has the quantity {} and the name {}", short(o.quantity), o.client_order_id)
            }
            (ExecutionType::New, ..) if status == OrderStatus::PendingNew => {
                format!("order {id} is accepted and waits for the working order of its list: {status}")
            }
            (ExecutionType::New, ..) if role.is_new => format!("order {id} is accepted: {status}"),
            (ExecutionType::New, ..) => format!("order {id} goes onto the book: {status}"),
            _ => {
                let reason =
                    o.expiry_reason.map(|reason| format!(": {reason}, {}", because(reason))).unwrap_or_default();
                format!("order {id} is {status}{reason}{}", left(report))
            }
        }
    }
}

/// What of an order was not filled.
fn left(report: &ExecutionReport) -> String {
    let rest = report.order.remaining();
    if rest.is_zero() { String::new() } else { format!(", {} unfilled", short(rest)) }
}

fn because(reason: ExpiryReason) -> &'static str {
    match reason {
        ExpiryReason::None => "nothing of it was left",
        ExpiryReason::Rejected => "it failed a check when it was to go onto the book (rule 5.4)",
        ExpiryReason::ExchangeCanceled => "by the exchange",
        ExpiryReason::OcoTrigger => "the other order of its pair was touched, triggered or ended (rule 5.9)",
        ExpiryReason::OtoPhaseOneExpired => "the working order of its list ended unfilled",
        ExpiryReason::UnfilledIocQuantityExpired => "an IOC takes what there is at once (rule 4.3)",
        ExpiryReason::UnfilledFokOrderExpired => "a FOK takes all at once or nothing (rule 4.3)",
        ExpiryReason::InsufficientLiquidity => "a market order takes what there is at once (rule 4.3)",
        ExpiryReason::ExecutionRulePriceRangeExceeded => "takers may trade within the price range only",
    }
}
