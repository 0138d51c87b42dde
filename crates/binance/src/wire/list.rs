//! Order lists as REST shows them.

use candlewick_model::{
    ClientOrderId, ContingencyType, ListOrderStatus, ListStatus, ListStatusType, OrderId, Symbol, TimeUnit,
};
use serde::{Deserialize, Serialize};

use super::{list_number, time_number};

/// A list; with `order_reports` the answer of placing or cancelling it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct ListState<R = ()> {
    pub order_list_id: i64,
    pub contingency_type: ContingencyType,
    /// Not told beside an amendment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_status_type: Option<ListStatusType>,
    pub list_order_status: ListOrderStatus,
    pub list_client_order_id: ClientOrderId,
    /// Not told beside an amendment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_time: Option<i64>,
    pub symbol: Symbol,
    pub orders: Vec<ListMember>,
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub order_reports: Vec<R>,
}

/// An order of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct ListMember {
    pub symbol: Symbol,
    pub order_id: OrderId,
    pub client_order_id: ClientOrderId,
}

impl<R> ListState<R> {
    /// A list as it stands, with what became of its orders.
    #[must_use]
    pub fn of(list: &ListStatus, order_reports: Vec<R>, unit: TimeUnit) -> Self {
        let member = |(order_id, client_order_id): &(OrderId, ClientOrderId)| ListMember {
            symbol: list.symbol,
            order_id: *order_id,
            client_order_id: *client_order_id,
        };
        Self {
            order_list_id: list_number(Some(list.order_list_id)),
            contingency_type: list.contingency_type,
            list_status_type: Some(list.list_status_type),
            list_order_status: list.list_order_status,
            list_client_order_id: list.list_client_order_id,
            transaction_time: Some(time_number(list.time, unit)),
            symbol: list.symbol,
            orders: list.orders.iter().map(member).collect(),
            order_reports,
        }
    }

    /// As it is told beside an amendment.
    #[must_use]
    pub fn beside_amendment(self) -> Self {
        Self { list_status_type: None, transaction_time: None, ..self }
    }
}
