//! How many orders there may be: of each kind at once, and unfilled ones in a window of the clock
//! (`filters.md`; `faqs/order_count_decrement.md`).

use std::collections::BTreeSet;

use candlewick_model::{ExecutionReport, Liquidity, Order};
use candlewick_simulator::Setup;
use proptest::prelude::*;

use super::{Orders, Scene};

#[derive(Default)]
pub(crate) struct Limits {
    /// The window of ten seconds, and what counts in it.
    window: i64,
    unfilled: u32,
}

impl Limits {
    /// `orders` are those before the report.
    pub(crate) fn report(
        &mut self,
        setup: &Setup,
        scene: &Scene<'_>,
        orders: &Orders,
        before: Option<&Order>,
        report: &ExecutionReport,
    ) -> Result<(), TestCaseError> {
        let window = report.time.micros().div_euclid(10_000_000);
        if window != self.window {
            (self.window, self.unfilled) = (window, 0);
        }
        match (before, report.fill) {
            (None, _) => {
                self.unfilled += 1;
                let limit = setup.limits.at(report.time).0.orders.first().map_or(u32::MAX, |limit| limit.limit);
                prop_assert!(self.unfilled <= limit, "{} unfilled orders in a window", self.unfilled);
                check_counts(setup, scene, orders, report)?;
            }
            (Some(before), Some(fill)) if before.filled_quantity.is_zero() => {
                let given_back = if fill.liquidity == Liquidity::Maker { 5 } else { 1 };
                self.unfilled = self.unfilled.saturating_sub(given_back);
            }
            (Some(_), _) => {}
        }
        Ok(())
    }
}

/// What is open with an order that was accepted is within the filters that count.
fn check_counts(
    setup: &Setup,
    scene: &Scene<'_>,
    orders: &Orders,
    report: &ExecutionReport,
) -> Result<(), TestCaseError> {
    let new = &report.order;
    let limits = setup.limits.at(report.time).0;
    let all = || orders.values().filter(|order| !order.status.is_final()).chain([new]);
    let of_symbol = || all().filter(|order| order.symbol == new.symbol);
    let most = |limit: Option<u32>| limit.map_or(usize::MAX, |limit| limit as usize);
    let filters = &scene.instrument.filters;
    prop_assert!(of_symbol().count() <= most(filters.max_num_orders), "MAX_NUM_ORDERS: {:?}", new);
    prop_assert!(all().count() <= most(limits.filters.max_num_orders), "EXCHANGE_MAX_NUM_ORDERS: {:?}", new);
    let algo = of_symbol().filter(|order| order.order_type.is_contingent()).count();
    prop_assert!(!new.order_type.is_contingent() || algo <= most(filters.max_num_algo_orders), "{:?}", new);
    let icebergs = of_symbol().filter(|order| !order.iceberg_quantity.is_zero()).count();
    prop_assert!(new.iceberg_quantity.is_zero() || icebergs <= most(filters.max_num_iceberg_orders), "{:?}", new);
    let lists: BTreeSet<_> = of_symbol().filter_map(|order| order.order_list_id).collect();
    prop_assert!(new.order_list_id.is_none() || lists.len() <= most(filters.max_num_order_lists), "{:?}", new);
    Ok(())
}
