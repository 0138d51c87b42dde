//! Commands → the parameters that ask for them, as REST takes them.

use super::RawParameters;
use super::leg::{
    ABOVE, ALONE, BELOW, LIMIT_OF_OCO, Names, PAID, PAID_ABOVE, PAID_BELOW, PENDING, PENDING_ABOVE, PENDING_BELOW,
    STOP_OF_OCO, WORKING,
};
use crate::command::{
    AmendRequest, CancelListRequest, CancelReplaceRequest, CancelRequest, Legs, ListForm, ListRequest, OrderKind,
    OrderRequest, OrderSize, RateLimitExceededMode,
};
use crate::order::OrderType;

impl RawParameters {
    fn with(names: &[(&str, Option<String>)]) -> Self {
        let mut raw = Self::default();
        raw.push_all(names);
        raw
    }

    fn push_all(&mut self, names: &[(&str, Option<String>)]) {
        for (name, value) in names {
            if let Some(value) = value {
                self.push(name, value.clone());
            }
        }
    }

    /// One order under its parameters' names; a name that is there already is not repeated.
    fn push_order(&mut self, order: &OrderRequest, names: &Names) {
        let time_in_force = match order.kind {
            OrderKind::Limit { time_in_force, .. } => Some(time_in_force.to_string()),
            OrderKind::Market | OrderKind::LimitMaker { .. } => None,
        };
        let (base, quote) = match order.size {
            OrderSize::Base(quantity) => (Some(quantity.to_string()), None),
            OrderSize::Quote(money) => (None, Some(money.to_string())),
            OrderSize::Received => (None, None),
        };
        let offset = order.peg.and_then(|peg| peg.offset);
        let parameters = [
            (names.side, Some(order.side.to_string())),
            (names.order_type, Some(order.order_type().to_string())),
            (names.time_in_force, time_in_force),
            (names.quantity.unwrap_or_default(), base),
            (names.quote_quantity.unwrap_or_default(), quote),
            (names.price, order.price().map(|price| price.to_string())),
            (names.stop_price, order.stop_price().map(|price| price.to_string())),
            (names.trailing_delta, order.trigger.and_then(|t| t.trailing_delta).map(|delta| delta.to_string())),
            (names.iceberg_quantity, order.iceberg_quantity.map(|quantity| quantity.to_string())),
            (names.peg_price_type, order.peg.map(|peg| peg.price_type.to_string())),
            (names.peg_offset_type, offset.map(|_| "PRICE_LEVEL".to_owned())),
            (names.peg_offset_value, offset.map(|level| level.to_string())),
            (names.client_order_id, order.client_order_id.map(|id| id.to_string())),
            (names.strategy_id, order.strategy_id.map(|id| id.to_string())),
            (names.strategy_type, order.strategy_type.map(|kind| kind.to_string())),
            ("selfTradePreventionMode", order.self_trade_prevention.map(|mode| mode.to_string())),
        ];
        for (name, value) in parameters {
            if let Some(value) = value
                && self.get(name).is_none()
            {
                self.push(name, value);
            }
        }
    }
}

impl OrderRequest {
    /// The parameters that ask for this order, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        let mut raw = RawParameters::with(&[("symbol", Some(self.symbol.to_string()))]);
        raw.push_order(self, &ALONE);
        raw
    }
}

pub(crate) type Named<'a> = (&'a OrderRequest, &'static Names);

/// The orders of a list with what their parameters are called, in the order in which the venue
/// numbers them: the working one, then the stop leg of a pair, then its other leg (rule 5.9).
pub(crate) fn names_of(legs: &Legs) -> Vec<Named<'_>> {
    let pays = legs.pays();
    match legs {
        Legs::Oco { above, below } => in_pair((above, &ABOVE), (below, &BELOW)).to_vec(),
        Legs::Oto { working, pending } => vec![(working, &WORKING), (pending, if pays { &PAID } else { &PENDING })],
        Legs::Otoco { working, above, below } => {
            let names = if pays { (&PAID_ABOVE, &PAID_BELOW) } else { (&PENDING_ABOVE, &PENDING_BELOW) };
            let [stop, other] = in_pair((above, names.0), (below, names.1));
            vec![(working, &WORKING), stop, other]
        }
    }
}

/// The stop leg of a pair first.
fn in_pair<'a>(above: Named<'a>, below: Named<'a>) -> [Named<'a>; 2] {
    match above.0.order_type() {
        OrderType::StopLoss | OrderType::StopLossLimit => [above, below],
        _ => [below, above],
    }
}

impl ListRequest {
    /// As [`names_of`], by the names that were sent.
    pub(crate) fn named(&self) -> Vec<Named<'_>> {
        let mut named = names_of(&self.legs);
        match self.form {
            ListForm::Usual => {}
            ListForm::Deprecated => (named[0].1, named[1].1) = (&STOP_OF_OCO, &LIMIT_OF_OCO),
            ListForm::AboveAlone => named[1].1 = if self.legs.pays() { &PAID_ABOVE } else { &PENDING_ABOVE },
        }
        named
    }

    /// The parameters that ask for this list, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        let mut raw = RawParameters::with(&[
            ("symbol", Some(self.legs.symbol().to_string())),
            ("listClientOrderId", self.client_order_id.map(|id| id.to_string())),
        ]);
        for (leg, names) in names_of(&self.legs) {
            raw.push_order(leg, names);
        }
        raw
    }
}

impl CancelRequest {
    /// The parameters that ask for this cancel, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        RawParameters::with(&[
            ("symbol", Some(self.symbol.to_string())),
            ("orderId", self.order_id.map(|id| id.to_string())),
            ("origClientOrderId", self.original_client_order_id.map(|id| id.to_string())),
            ("newClientOrderId", self.client_order_id.map(|id| id.to_string())),
            ("cancelRestrictions", self.restrictions.map(|word| word.to_string())),
        ])
    }
}

impl CancelListRequest {
    /// The parameters that ask for this cancel, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        RawParameters::with(&[
            ("symbol", Some(self.symbol.to_string())),
            ("orderListId", self.order_list_id.map(|id| id.to_string())),
            ("listClientOrderId", self.list_client_order_id.map(|id| id.to_string())),
            ("newClientOrderId", self.client_order_id.map(|id| id.to_string())),
        ])
    }
}

impl CancelReplaceRequest {
    /// The parameters that ask for this replacement, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        let mut raw = self.order.to_raw();
        let exceeded = Some(self.rate_limit_exceeded).filter(|mode| *mode != RateLimitExceededMode::DoNothing);
        raw.push_all(&[
            ("cancelReplaceMode", Some(self.mode.to_string())),
            ("cancelOrderId", self.cancel.order_id.map(|id| id.to_string())),
            ("cancelOrigClientOrderId", self.cancel.original_client_order_id.map(|id| id.to_string())),
            ("cancelNewClientOrderId", self.cancel.client_order_id.map(|id| id.to_string())),
            ("cancelRestrictions", self.cancel.restrictions.map(|word| word.to_string())),
            ("orderRateLimitExceededMode", exceeded.map(|mode| mode.to_string())),
        ]);
        raw
    }
}

impl AmendRequest {
    /// The parameters that ask for this amendment, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        RawParameters::with(&[
            ("symbol", Some(self.symbol.to_string())),
            ("orderId", self.order_id.map(|id| id.to_string())),
            ("origClientOrderId", self.original_client_order_id.map(|id| id.to_string())),
            ("newClientOrderId", self.client_order_id.map(|id| id.to_string())),
            ("newQty", Some(self.quantity.to_string())),
        ])
    }
}
