//! Self-trade prevention (`faqs/stp_faq.md`): the taker's mode decides whether own orders trade,
//! and what is taken from whom where they do not.

use candlewick_model::{
    ExecutionReport, Liquidity, Order, OrderId, OrderStatus, Prevented, Quantity, SelfTradePrevention,
};
use proptest::prelude::*;

use super::{Orders, Scene};

#[derive(Default)]
pub(crate) struct Prevention {
    matches: u64,
    /// The match that is being told of, with each order that was told of and what was left of it.
    current: Vec<(OrderId, Quantity, Prevented)>,
    /// Whether one of the two is an iceberg.
    shows_parts: bool,
}

impl Prevention {
    pub(crate) fn report(
        &mut self,
        scene: &Scene<'_>,
        orders: &Orders,
        before: Option<&Order>,
        report: &ExecutionReport,
    ) -> Result<(), TestCaseError> {
        if let Some(fill) = report.fill
            && scene.own.contains(&fill.trade_id)
            && fill.liquidity == Liquidity::Taker
        {
            prop_assert_eq!(report.order.self_trade_prevention, SelfTradePrevention::None, "{:?}", report);
        }
        let Some(prevented) = report.prevented else { return self.end() };
        if self.current.first().is_some_and(|(_, _, first)| first.match_id != prevented.match_id) {
            self.end()?;
        }
        if self.current.is_empty() {
            self.matches += 1;
        }
        prop_assert_eq!(prevented.match_id, self.matches);
        let left = before.map_or(Quantity::ZERO, Order::remaining);
        let other = &orders[&prevented.counter_order_id];
        prop_assert!(other.side != report.order.side && other.symbol == report.order.symbol, "{:?}", report);
        prop_assert!([report.order.limit(), other.limit()].contains(&prevented.price), "{:?}", report);
        self.check_mode(&report.order, other, &prevented)?;
        self.shows_parts = !report.order.iceberg_quantity.is_zero() || !other.iceberg_quantity.is_zero();
        self.current.push((report.order.order_id, left, prevented));
        Ok(())
    }

    /// One of the two has taken, and it was told of last.
    fn check_mode(&self, order: &Order, other: &Order, prevented: &Prevented) -> Result<(), TestCaseError> {
        let effective = |taker: &Order, maker: &Order| match (taker.self_trade_prevention, maker.self_trade_prevention)
        {
            (SelfTradePrevention::Transfer, mode) if mode != SelfTradePrevention::Transfer => {
                SelfTradePrevention::Decrement
            }
            (mode, _) => mode,
        };
        let fits = [effective(order, other), effective(other, order)].contains(&prevented.mode);
        prop_assert!(
            fits && prevented.mode != SelfTradePrevention::None,
            "{:?} of {:?} and {:?}",
            prevented,
            order,
            other
        );
        Ok(())
    }

    /// What the mode takes: all of the one, of the other, of both, or as much as they would have
    /// traded of both.
    pub(crate) fn end(&mut self) -> Result<(), TestCaseError> {
        let told = std::mem::take(&mut self.current);
        let Some((_, _, first)) = told.first() else { return Ok(()) };
        let all = told.iter().all(|(_, left, prevented)| prevented.quantity == *left);
        let fits = match first.mode {
            SelfTradePrevention::ExpireMaker | SelfTradePrevention::ExpireTaker => told.len() == 1 && all,
            SelfTradePrevention::ExpireBoth => told.len() == 2 && all,
            SelfTradePrevention::Decrement | SelfTradePrevention::Transfer => {
                let least = told.iter().map(|(_, left, _)| *left).min().unwrap_or_default();
                let of_both = told.len() == 2 && told.iter().all(|(_, _, p)| p.quantity == first.quantity);
                // Of an iceberg the other one meets the part that is shown.
                of_both && (first.quantity == least || (self.shows_parts && first.quantity < least))
            }
            SelfTradePrevention::None => false,
        };
        prop_assert!(fits, "{:?}", told);
        if let [(one, ..), (other, ..)] = told[..] {
            prop_assert_eq!((told[0].2.counter_order_id, told[1].2.counter_order_id), (other, one));
        }
        Ok(())
    }
}

/// An order of which self-trade prevention has taken all is EXPIRED_IN_MATCH, and no other.
pub(crate) fn check_end(order: &Order) -> Result<(), TestCaseError> {
    let in_match = order.status == OrderStatus::ExpiredInMatch;
    prop_assert!(!in_match || (order.remaining().is_zero() && !order.prevented_quantity.is_zero()), "{:?}", order);
    Ok(())
}
