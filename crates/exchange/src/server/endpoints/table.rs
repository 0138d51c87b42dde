//! The table itself, in the order of the documents (rest-api.md, then what only
//! web-socket-api.md has).

use axum::http::Method;

use super::super::security::Permission::{Trade, UserData, UserStream};
use super::super::security::Security::{self, KeyOnly, Signed};
use super::Weight::{self, Fixed};
use super::{Charged, Endpoint};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const fn data(path: &'static str, weight: Weight, parameters: &'static [&'static str]) -> Endpoint {
    Endpoint::new(Some((GET, path)), Security::None, weight).reads(parameters)
}

/// The parameters of these are read by the venue; where they succeed they cost nothing.
const fn trade(method: Method, path: &'static str, weight: Weight) -> Endpoint {
    Endpoint::new(Some((method, path)), Signed(Trade), weight).charged(Charged::WhenItFails)
}

const fn test(path: &'static str) -> Endpoint {
    trade(POST, path, Weight::TestOrder).charged(Charged::Always)
}

const fn account(path: &'static str, weight: Weight, parameters: &'static [&'static str]) -> Endpoint {
    Endpoint::new(Some((GET, path)), Signed(UserData), weight).reads(parameters)
}

const fn listen_key(method: Method, parameters: &'static [&'static str]) -> Endpoint {
    Endpoint::new(Some((method, "/api/v3/userDataStream")), KeyOnly(UserStream), Fixed(2)).reads(parameters)
}

const fn session(name: &'static str, security: Security, parameters: &'static [&'static str]) -> Endpoint {
    Endpoint::new(None, security, Fixed(2)).socket(name).reads(parameters)
}

const KLINES: &[&str] = &["symbol", "interval", "startTime", "endTime", "timeZone", "limit"];
const PRICES: &[&str] = &["symbol", "symbols", "symbolStatus"];

pub(super) static ALL: [Endpoint; 59] = [
    // General.
    data("/api/v3/ping", Fixed(1), &[]).socket("ping"),
    data("/api/v3/time", Fixed(1), &[]).socket("time"),
    data(
        "/api/v3/exchangeInfo",
        Fixed(20),
        &["symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"],
    )
    .socket("exchangeInfo"),
    data("/api/v3/executionRules", Weight::ExecutionRules, PRICES).socket("executionRules"),
    // Market data.
    data("/api/v3/depth", Weight::Depth, &["symbol", "limit", "symbolStatus"]).socket("depth"),
    data("/api/v3/trades", Fixed(25), &["symbol", "limit"]).socket("trades.recent"),
    data("/api/v3/historicalTrades", Fixed(25), &["symbol", "limit", "fromId"]).socket("trades.historical"),
    data("/api/v3/historicalBlockTrades", Fixed(25), &["symbol", "fromId", "limit"]).socket("blockTrades.historical"),
    data("/api/v3/aggTrades", Fixed(4), &["symbol", "fromId", "startTime", "endTime", "limit"])
        .socket("trades.aggregate"),
    data("/api/v3/klines", Fixed(2), KLINES).socket("klines"),
    data("/api/v3/uiKlines", Fixed(2), KLINES).socket("uiKlines"),
    data("/api/v3/avgPrice", Fixed(2), &["symbol"]).socket("avgPrice"),
    data("/api/v3/ticker/24hr", Weight::Ticker24h, &["symbol", "symbols", "type", "symbolStatus"])
        .socket("ticker.24hr"),
    data("/api/v3/ticker/tradingDay", Weight::EachSymbol, &["symbol", "symbols", "timeZone", "type", "symbolStatus"])
        .socket("ticker.tradingDay"),
    data("/api/v3/ticker/price", Weight::OneOrAll { one: 2, all: 4 }, PRICES).socket("ticker.price"),
    data("/api/v3/ticker/bookTicker", Weight::OneOrAll { one: 2, all: 4 }, PRICES).socket("ticker.book"),
    data("/api/v3/ticker", Weight::EachSymbol, &["symbol", "symbols", "windowSize", "type", "symbolStatus"])
        .socket("ticker"),
    data("/api/v3/referencePrice", Fixed(2), &["symbol"]).socket("referencePrice"),
    data("/api/v3/referencePrice/calculation", Fixed(2), &["symbol", "symbolStatus"])
        .socket("referencePrice.calculation"),
    // Trading.
    trade(POST, "/api/v3/order", Fixed(1)).socket("order.place").places(1),
    test("/api/v3/order/test").socket("order.test"),
    trade(DELETE, "/api/v3/order", Fixed(1)).socket("order.cancel"),
    trade(DELETE, "/api/v3/openOrders", Fixed(1)).socket("openOrders.cancelAll"),
    trade(POST, "/api/v3/order/cancelReplace", Fixed(1)).socket("order.cancelReplace").places(1),
    trade(PUT, "/api/v3/order/amend/keepPriority", Fixed(4))
        .charged(Charged::UnlessItEnds)
        .socket("order.amend.keepPriority"),
    // web-socket-api.md says 1 for the deprecated one; it is the same request.
    trade(POST, "/api/v3/order/oco", Fixed(1)).socket("orderList.place").places(2),
    trade(POST, "/api/v3/orderList/oco", Fixed(1)).socket("orderList.place.oco").places(2),
    trade(POST, "/api/v3/orderList/oto", Fixed(1)).socket("orderList.place.oto").places(2),
    trade(POST, "/api/v3/orderList/otoco", Fixed(1)).socket("orderList.place.otoco").places(3),
    trade(POST, "/api/v3/orderList/opo", Fixed(1)).socket("orderList.place.opo").places(2),
    trade(POST, "/api/v3/orderList/opoco", Fixed(1)).socket("orderList.place.opoco").places(3),
    trade(DELETE, "/api/v3/orderList", Fixed(1)).socket("orderList.cancel"),
    trade(POST, "/api/v3/sor/order", Fixed(1)).socket("sor.order.place").places(1),
    test("/api/v3/sor/order/test").socket("sor.order.test"),
    // Account.
    account("/api/v3/account", Fixed(20), &["omitZeroBalances"]).socket("account.status"),
    account("/api/v3/order", Fixed(4), &["symbol", "orderId", "origClientOrderId"]).socket("order.status"),
    account("/api/v3/openOrders", Weight::OneOrAll { one: 6, all: 80 }, &["symbol"]).socket("openOrders.status"),
    account("/api/v3/allOrders", Fixed(20), &["symbol", "orderId", "startTime", "endTime", "limit"])
        .socket("allOrders"),
    account("/api/v3/orderList", Fixed(4), &["orderListId", "origClientOrderId"]).socket("orderList.status"),
    account("/api/v3/allOrderList", Fixed(20), &["fromId", "startTime", "endTime", "limit"]).socket("allOrderLists"),
    account("/api/v3/openOrderList", Fixed(6), &[]).socket("openOrderLists.status"),
    account("/api/v3/myTrades", Weight::MyTrades, &["symbol", "orderId", "startTime", "endTime", "fromId", "limit"])
        .socket("myTrades"),
    account("/api/v3/rateLimit/order", Fixed(40), &[]).socket("account.rateLimits.orders"),
    account(
        "/api/v3/myPreventedMatches",
        Weight::PreventedMatches,
        &["symbol", "preventedMatchId", "orderId", "fromPreventedMatchId", "limit"],
    )
    .socket("myPreventedMatches"),
    account(
        "/api/v3/myAllocations",
        Fixed(20),
        &["symbol", "startTime", "endTime", "fromAllocationId", "limit", "orderId"],
    )
    .socket("myAllocations"),
    account("/api/v3/account/commission", Fixed(20), &["symbol"]).socket("account.commission"),
    account("/api/v3/order/amendments", Fixed(4), &["symbol", "orderId", "fromExecutionId", "limit"])
        .socket("order.amendments"),
    account("/api/v3/myFilters", Fixed(40), &["symbol"]).socket("myFilters"),
    // Listen keys, as they were before they were retired.
    listen_key(POST, &[]).socket("userDataStream.start"),
    listen_key(PUT, &["listenKey"]).socket("userDataStream.ping"),
    listen_key(DELETE, &["listenKey"]).socket("userDataStream.stop"),
    // Of the wallet: the one that trading programs ask before they trade.
    account("/sapi/v1/asset/tradeFee", Fixed(1), &["symbol"]),
    // Only over WebSocket.
    session("session.logon", Security::Logon, &["apiKey"]),
    session("session.status", Security::None, &[]),
    session("session.logout", Security::None, &[]),
    session("userDataStream.subscribe", Security::Session(UserStream), &["recvWindow"]),
    session("userDataStream.unsubscribe", Security::None, &["subscriptionId"]),
    session("session.subscriptions", Security::None, &[]),
    session("userDataStream.subscribe.signature", Signed(UserStream), &["apiKey"]),
];
