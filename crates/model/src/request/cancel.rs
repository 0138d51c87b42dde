//! Ends and changes: cancel, cancel of a list, cancel all, cancel-replace, amend.

use super::leg::{ALONE, is_common, single};
use super::{RawParameters, client_order_id, decimal, invalid, legal_name, neither, optional_whole, symbol};
use crate::command::{
    AmendRequest, CancelListRequest, CancelReplaceMode, CancelReplaceRequest, CancelRequest, RateLimitExceededMode,
};
use crate::execution::Refusal;
use crate::number::Quantity;
use crate::order::{CancelRestrictions, OrderId};
use crate::text::{ClientOrderId, Symbol};

/// `DELETE /api/v3/order`.
pub(super) fn one(raw: &RawParameters) -> Result<CancelRequest, Refusal> {
    raw.check_names(|name| {
        matches!(name, "symbol" | "orderId" | "origClientOrderId" | "newClientOrderId" | "cancelRestrictions")
    })?;
    raw.mandatory("symbol")?;
    let (order_id, original_client_order_id) = named(raw, "orderId", "origClientOrderId")?;
    Ok(CancelRequest {
        symbol: symbol(raw)?,
        order_id,
        original_client_order_id,
        client_order_id: client_order_id(raw, "newClientOrderId")?,
        restrictions: restrictions(raw)?,
    })
}

/// `DELETE /api/v3/orderList`.
pub(super) fn list(raw: &RawParameters) -> Result<CancelListRequest, Refusal> {
    raw.check_names(|name| matches!(name, "symbol" | "orderListId" | "listClientOrderId" | "newClientOrderId"))?;
    raw.mandatory("symbol")?;
    let (order_list_id, list_client_order_id) = named(raw, "orderListId", "listClientOrderId")?;
    Ok(CancelListRequest {
        symbol: symbol(raw)?,
        order_list_id,
        list_client_order_id,
        client_order_id: client_order_id(raw, "newClientOrderId")?,
    })
}

/// `DELETE /api/v3/openOrders`.
pub(super) fn all(raw: &RawParameters) -> Result<Symbol, Refusal> {
    raw.check_names(|name| name == "symbol")?;
    symbol(raw)
}

/// `POST /api/v3/order/cancelReplace`.
pub(super) fn replace(raw: &RawParameters) -> Result<CancelReplaceRequest, Refusal> {
    raw.check_names(|name| {
        let own = matches!(
            name,
            "cancelReplaceMode"
                | "cancelNewClientOrderId"
                | "cancelOrigClientOrderId"
                | "cancelOrderId"
                | "cancelRestrictions"
                | "orderRateLimitExceededMode"
        );
        own || is_common(name) || ALONE.holds(name)
    })?;
    for name in ["symbol", "side", "type", "cancelReplaceMode"] {
        raw.mandatory(name)?;
    }
    let (order_id, original_client_order_id) = named(raw, "cancelOrderId", "cancelOrigClientOrderId")?;
    let mode = raw.mandatory("cancelReplaceMode")?;
    let mode = CancelReplaceMode::from_word(mode).ok_or_else(|| invalid("cancelReplaceMode"))?;
    let exceeded = super::word(raw, "orderRateLimitExceededMode", RateLimitExceededMode::from_word)?;
    Ok(CancelReplaceRequest {
        cancel: CancelRequest {
            symbol: symbol(raw)?,
            order_id,
            original_client_order_id,
            client_order_id: client_order_id(raw, "cancelNewClientOrderId")?,
            restrictions: restrictions(raw)?,
        },
        order: single(raw)?,
        mode,
        rate_limit_exceeded: exceeded.unwrap_or(RateLimitExceededMode::DoNothing),
    })
}

/// `PUT /api/v3/order/amend/keepPriority`.
pub(super) fn amend(raw: &RawParameters) -> Result<AmendRequest, Refusal> {
    raw.check_names(|name| matches!(name, "symbol" | "orderId" | "origClientOrderId" | "newClientOrderId" | "newQty"))?;
    for name in ["symbol", "newQty"] {
        raw.mandatory(name)?;
    }
    let (order_id, original_client_order_id) = named(raw, "orderId", "origClientOrderId")?;
    Ok(AmendRequest {
        symbol: symbol(raw)?,
        order_id,
        original_client_order_id,
        client_order_id: client_order_id(raw, "newClientOrderId")?,
        quantity: Quantity::from_units(decimal("newQty", raw.mandatory("newQty")?)?),
    })
}

/// The number or the name of an order or list, or both.
fn named(raw: &RawParameters, number: &str, name: &str) -> Result<(Option<OrderId>, Option<ClientOrderId>), Refusal> {
    if raw.get(name) == Some("") && name != "listClientOrderId" {
        return Err(Refusal::new(-1119, "Original client order ID was empty."));
    }
    if raw.sent(number).is_none() && raw.sent(name).is_none() {
        return Err(neither(name, number));
    }
    let id = optional_whole(raw, number)?;
    let text = raw.optional(name)?.map(|text| legal_name(name, text)).transpose()?;
    Ok((id, text))
}

fn restrictions(raw: &RawParameters) -> Result<Option<CancelRestrictions>, Refusal> {
    let read = |word| CancelRestrictions::from_word(word).ok_or(Refusal::new(-1145, "Invalid cancelRestrictions"));
    raw.optional("cancelRestrictions")?.map(read).transpose()
}
