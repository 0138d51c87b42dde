//! Order lists: OCO in both forms, OTO, OTOCO, OPO, OPOCO (`rest-api.md`, Order lists).

use super::leg::{
    ABOVE, BELOW, LIMIT_OF_OCO, Names, PAID, PAID_ABOVE, PAID_BELOW, PENDING, PENDING_ABOVE, PENDING_BELOW,
    STOP_OF_OCO, WORKING, is_common, leg, leg_of,
};
use super::{RawParameters, client_order_id, invalid};
use crate::command::{Legs, ListForm, ListRequest, OrderRequest};
use crate::execution::Refusal;
use crate::order::{OrderType, Side, TimeInForce};

pub(super) fn oco(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_names(raw, &[&ABOVE, &BELOW])?;
    for name in ["symbol", "side", "quantity", "aboveType", "belowType"] {
        raw.mandatory(name)?;
    }
    let (above, below) = pair(raw, &ABOVE, &BELOW)?;
    list(raw, Legs::Oco { above, below }, ListForm::Usual)
}

pub(super) fn oto(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_names(raw, &[&WORKING, &PENDING])?;
    let (working, pending) = (working(raw)?, check_iceberg(leg(raw, &PENDING)?, &PENDING)?);
    list(raw, Legs::Oto { working, pending }, ListForm::Usual)
}

pub(super) fn opo(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_unpaid(raw)?;
    check_names(raw, &[&WORKING, &PAID])?;
    let (working, pending) = (working(raw)?, check_iceberg(leg(raw, &PAID)?, &PAID)?);
    check_payment(&working, &pending)?;
    list(raw, Legs::Oto { working, pending }, ListForm::Usual)
}

pub(super) fn otoco(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_names(raw, &[&WORKING, &PENDING_ABOVE, &PENDING_BELOW])?;
    let (legs, form) = triggered(raw, &PENDING_ABOVE, &PENDING_BELOW)?;
    list(raw, legs, form)
}

pub(super) fn opoco(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_unpaid(raw)?;
    check_names(raw, &[&WORKING, &PAID_ABOVE, &PAID_BELOW])?;
    let (legs, form) = triggered(raw, &PAID_ABOVE, &PAID_BELOW)?;
    if let Legs::Otoco { working, above: pending, .. } | Legs::Oto { working, pending } = &legs {
        check_payment(working, pending)?;
    }
    list(raw, legs, form)
}

/// `POST /api/v3/order/oco`: the limit leg is above the market on the SELL side, below it on
/// the BUY side. `web-socket-api.md` asks for `stopPrice` or `trailingDelta`, `rest-api.md` for the
/// former: either is taken.
pub(super) fn deprecated_oco(raw: &RawParameters) -> Result<ListRequest, Refusal> {
    check_names(raw, &[&LIMIT_OF_OCO, &STOP_OF_OCO])?;
    for name in ["symbol", "side", "quantity", "price"] {
        raw.mandatory(name)?;
    }
    let side = Side::from_word(raw.mandatory("side")?).ok_or(Refusal::new(-1117, "Invalid side."))?;
    let is_limit = raw.optional("stopLimitPrice")?.is_some();
    if is_limit && raw.sent("stopLimitTimeInForce").is_none() {
        let advice = "Recommendation: 'stopLimitTimeInForce' should also be sent.";
        return Err(Refusal::naming(-1128, format!("Combination of optional parameters invalid. {advice}")));
    }
    let stop_type = if is_limit { OrderType::StopLossLimit } else { OrderType::StopLoss };
    let stop = check_iceberg(leg_of(raw, &STOP_OF_OCO, side, stop_type)?, &STOP_OF_OCO)?;
    let limit = leg_of(raw, &LIMIT_OF_OCO, side, OrderType::LimitMaker)?;
    let (above, below) = match side {
        Side::Sell => (limit, stop),
        Side::Buy => (stop, limit),
    };
    list(raw, Legs::Oco { above, below }, ListForm::Deprecated)
}

fn list(raw: &RawParameters, legs: Legs, form: ListForm) -> Result<ListRequest, Refusal> {
    Ok(ListRequest { client_order_id: client_order_id(raw, "listClientOrderId")?, legs, form })
}

fn check_names(raw: &RawParameters, legs: &[&Names]) -> Result<(), Refusal> {
    raw.check_names(|name| is_common(name) || name == "listClientOrderId" || legs.iter().any(|names| names.holds(name)))
}

/// The order that works from the beginning: LIMIT or LIMIT_MAKER.
fn working(raw: &RawParameters) -> Result<OrderRequest, Refusal> {
    match OrderType::from_word(raw.mandatory(WORKING.order_type)?) {
        Some(OrderType::Limit | OrderType::LimitMaker) | None => check_iceberg(leg(raw, &WORKING)?, &WORKING),
        Some(_) => Err(invalid(WORKING.order_type)),
    }
}

/// An order that triggers a pair. `pendingBelowType` may be left out (`rest-api.md`): without any
/// parameter of the order below, the one above is triggered alone.
fn triggered(raw: &RawParameters, above: &Names, below: &Names) -> Result<(Legs, ListForm), Refusal> {
    let working = working(raw)?;
    if raw.iter().any(|(name, _)| below.holds(name) && !above.holds(name)) {
        let (above, below) = pair(raw, above, below)?;
        return Ok((Legs::Otoco { working, above, below }, ListForm::Usual));
    }
    let pending = pair_leg(raw, above)?;
    check_places(&pending, None)?;
    Ok((Legs::Oto { working, pending }, ListForm::AboveAlone))
}

/// A pair of which one cancels the other.
fn pair(raw: &RawParameters, above: &Names, below: &Names) -> Result<(OrderRequest, OrderRequest), Refusal> {
    let (above, below) = (pair_leg(raw, above)?, pair_leg(raw, below)?);
    check_places(&above, Some(&below))?;
    Ok((above, below))
}

fn pair_leg(raw: &RawParameters, names: &Names) -> Result<OrderRequest, Refusal> {
    match raw.get(names.order_type) {
        Some("LIMIT" | "MARKET") => Err(Refusal::new(-1158, "Order type not supported in OCO.")),
        _ => check_iceberg(leg(raw, names)?, names),
    }
}

/// Which type may be above the market, and which below it (errors -1165 to -1168, -1196 to -1199).
fn check_places(above: &OrderRequest, below: Option<&OrderRequest>) -> Result<(), Refusal> {
    use OrderType::{LimitMaker, StopLoss, StopLossLimit, TakeProfit, TakeProfitLimit};
    let below = below.map(OrderRequest::order_type);
    if (above.order_type(), below) == (LimitMaker, Some(LimitMaker)) {
        return Err(Refusal::new(-1168, "At least one OCO order must be contingent."));
    }
    let misplaced = match (above.side, above.order_type(), below) {
        (Side::Buy, LimitMaker, _) => Some((-1165, "A limit order in a buy OCO must be below.")),
        (Side::Sell, _, Some(LimitMaker)) => Some((-1166, "A limit order in a sell OCO must be above.")),
        (Side::Buy, _, Some(StopLoss | StopLossLimit)) => {
            Some((-1196, "A stop loss order in a buy OCO must be above."))
        }
        (Side::Sell, StopLoss | StopLossLimit, _) => Some((-1197, "A stop loss order in a sell OCO must be below.")),
        (Side::Buy, TakeProfit | TakeProfitLimit, _) => {
            Some((-1198, "A take profit order in a buy OCO must be below."))
        }
        (Side::Sell, _, Some(TakeProfit | TakeProfitLimit)) => {
            Some((-1199, "A take profit order in a sell OCO must be above."))
        }
        _ => None,
    };
    misplaced.map_or(Ok(()), |(code, text)| Err(Refusal::new(code, text)))
}

fn check_iceberg(order: OrderRequest, names: &Names) -> Result<OrderRequest, Refusal> {
    if order.iceberg_quantity.is_some() && order.kind.time_in_force() != TimeInForce::Gtc {
        let (iceberg, time) = (names.iceberg_quantity, names.time_in_force);
        let text = format!("Parameter '{iceberg}' is not supported if '{time}' is not GTC.");
        return Err(Refusal::naming(-1160, text));
    }
    Ok(order)
}

/// What is paid for by another order has no quantity of its own.
fn check_unpaid(raw: &RawParameters) -> Result<(), Refusal> {
    match raw.get("pendingQuantity") {
        Some(_) => Err(Refusal::new(-1225, "Pending orders should not include the 'pendingQuantity' tag.")),
        None => Ok(()),
    }
}

/// `faqs/opo.md`: a BUY pays for a SELL.
fn check_payment(working: &OrderRequest, pending: &OrderRequest) -> Result<(), Refusal> {
    if working.side != Side::Buy {
        return Err(Refusal::new(-1222, "Working order in an OPO list must be a bid."));
    }
    if pending.side != Side::Sell {
        return Err(Refusal::new(-1223, "Pending orders in an OPO list must be asks."));
    }
    Ok(())
}
