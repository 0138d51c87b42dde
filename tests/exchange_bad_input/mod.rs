//! Bytes that nobody should send to the local exchange: whatever comes, it answers as documented or
//! closes, in time, and lives. `PROPTEST_CASES` says how many are tried; a few where it does not.

mod control;
mod files;
mod frames;
mod requests;

use std::time::Duration;

use candlewick_binance::signing::percent_encode;
use candlewick_exchange::{Server, Service};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use crate::exchange::{KEY, credentials, service};

/// Nothing that is asked here takes so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many cases, unless the environment wants more.
fn runner(cases: u32) -> TestRunner {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    let cases = wanted.unwrap_or(cases);
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

/// A server, and a runtime that it lives in.
struct Target {
    runtime: Runtime,
    server: Server,
}

impl Target {
    fn new() -> Self {
        Self::of(Service { limits_addresses: false, legacy_listen_keys: true, ..service() })
    }

    fn of(service: Service) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(Server::start(service, 0)).unwrap();
        Self { runtime, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.server.address()).await.unwrap()
    }

    /// Sends bytes as they are, says that nothing more will come, and reads all that there is. Who
    /// says so is not answered what takes its time.
    fn say(&self, bytes: &[u8]) -> Vec<u8> {
        self.exchange(bytes, true)
    }

    /// Sends a request that asks for the end of the connection, and reads until that.
    fn ask(&self, bytes: &[u8]) -> Vec<u8> {
        self.exchange(bytes, false)
    }

    fn exchange(&self, bytes: &[u8], hangs_up: bool) -> Vec<u8> {
        let mut answer = Vec::new();
        let conversation = async {
            let mut stream = self.connect().await;
            let (mut reading, mut writing) = stream.split();
            // The server may close before it has read all of it, or answer before.
            let write = async {
                let _ = writing.write_all(bytes).await;
                if hangs_up {
                    let _ = writing.shutdown().await;
                }
            };
            let _ = tokio::join!(write, reading.read_to_end(&mut answer));
        };
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, conversation).await.expect("in time") });
        answer
    }

    /// Whether it still does what it is for.
    fn lives(&self) -> bool {
        let answer = self.ask(b"GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        answer.starts_with(b"HTTP/1.1 200 ")
    }

    fn signed(&self, query: &str) -> String {
        let query = format!("{query}&timestamp={}", self.server.now().millis());
        let signature = credentials().sign(&query);
        format!("{query}&signature={signature}")
    }
}

/// Status and body of each answer in a row of them.
fn answers(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head}"));
        assert!(head.starts_with("HTTP/1."), "{head}");
        let value = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse());
        let length = head.lines().find_map(value).map_or(0, Result::unwrap);
        let body = &bytes[end + 4..];
        answers.push((status, body[..length.min(body.len())].to_vec()));
        bytes = &body[length.min(body.len())..];
    }
    answers
}

/// Codes that have to do with what was sent, and not with a market or an account.
const DOCUMENTED: &[i64] = &[
    -1000, -1002, -1003, -1013, -1014, -1015, -1020, -1021, -1022, -1100, -1101, -1102, -1104, -1105, -1106, -1108,
    -1111, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1122, -1125, -1127, -1128, -1130, -1134, -1135,
    -1139, -1145, -1151, -1158, -1194, -1220, -2010, -2011, -2013, -2014, -2015, -2022, -2043,
];

/// Whether an answer of the API is one of the documents: a refusal has a code and a text.
fn is_documented(status: u16, body: &[u8]) -> bool {
    let told: Option<Value> = serde_json::from_slice(body).ok();
    let code = told.as_ref().and_then(|told| told["code"].as_i64());
    match status {
        200 => told.is_some() && code.is_none(),
        // Pages of what stands before the exchange, and requests that are none for HTTP.
        400 | 404 | 405 | 410 | 414 | 431 if body.is_empty() || body.starts_with(b"<") => true,
        400 | 401 | 405 | 409 | 413 | 429 => {
            let text = told.as_ref().and_then(|told| told["msg"].as_str()).unwrap_or_default();
            code.is_some_and(|code| DOCUMENTED.contains(&code)) && !text.is_empty()
        }
        _ => false,
    }
}

/// Values that are nearly right, and others.
fn value() -> impl Strategy<Value = String> {
    let usual = [
        "BTCUSDT",
        "[\"BTCUSDT\"]",
        "1m",
        "1M",
        "BUY",
        "SELL",
        "LIMIT",
        "MARKET",
        "STOP_LOSS_LIMIT",
        "GTC",
        "IOC",
        "FULL",
        "MINI",
        "TRADING",
        "true",
        "1",
        "0",
        "1000",
        "0.01",
        "15000",
        "1677628800000",
        "-1",
        "",
        " ",
        "1e400",
        "NaN",
        "9223372036854775807",
        "18446744073709551616",
        "99999999999999999999.99999999999999999999",
        "0.000000001",
        "+08:00",
        "１２３",
        "\0",
    ];
    prop_oneof![
        6 => proptest::sample::select(usual.to_vec()).prop_map(str::to_owned),
        1 => "[0-9]{1,30}(\\.[0-9]{0,30})?",
        1 => ".{0,20}",
        1 => (0usize..9_000).prop_map(|length| "9".repeat(length)),
    ]
}

/// Values in a URL: encoded, encoded in part, wrongly, or not at all.
fn encoded() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => value().prop_map(|value| percent_encode(&value)),
        1 => value().prop_map(|value| percent_encode(&value).to_lowercase()),
        1 => value().prop_map(|value| value.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()),
        1 => "(%[0-9A-Fa-f]{0,2}|%u00e9|[a-zA-Z0-9+=;,:@]){0,12}",
    ]
}

const PATHS: &[&str] = &[
    "/api/v3/ping",
    "/api/v3/time",
    "/api/v3/exchangeInfo",
    "/api/v3/executionRules",
    "/api/v3/depth",
    "/api/v3/trades",
    "/api/v3/historicalTrades",
    "/api/v3/aggTrades",
    "/api/v3/klines",
    "/api/v3/uiKlines",
    "/api/v3/avgPrice",
    "/api/v3/ticker/24hr",
    "/api/v3/ticker/tradingDay",
    "/api/v3/ticker/price",
    "/api/v3/ticker/bookTicker",
    "/api/v3/ticker",
    "/api/v3/referencePrice",
    "/api/v3/order",
    "/api/v3/order/test",
    "/api/v3/order/cancelReplace",
    "/api/v3/order/amend/keepPriority",
    "/api/v3/order/oco",
    "/api/v3/orderList/oco",
    "/api/v3/orderList/oto",
    "/api/v3/orderList/otoco",
    "/api/v3/orderList/opo",
    "/api/v3/orderList/opoco",
    "/api/v3/orderList",
    "/api/v3/openOrders",
    "/api/v3/allOrders",
    "/api/v3/allOrderList",
    "/api/v3/openOrderList",
    "/api/v3/account",
    "/api/v3/account/commission",
    "/api/v3/myTrades",
    "/api/v3/myPreventedMatches",
    "/api/v3/myFilters",
    "/api/v3/order/amendments",
    "/api/v3/rateLimit/order",
    "/api/v3/userDataStream",
    "/api/v3/nothing",
    "/api",
    "/api/v3//order",
    "/api/v3/order/",
    "/api/v3/%6frder",
];

const NAMES: &[&str] = &[
    "symbol",
    "symbols",
    "limit",
    "fromId",
    "orderId",
    "startTime",
    "endTime",
    "interval",
    "timeZone",
    "windowSize",
    "type",
    "side",
    "quantity",
    "price",
    "timeInForce",
    "stopPrice",
    "trailingDelta",
    "quoteOrderQty",
    "newClientOrderId",
    "origClientOrderId",
    "icebergQty",
    "symbolStatus",
    "permissions",
    "recvWindow",
    "timestamp",
    "signature",
    "listenKey",
    "aboveType",
    "belowType",
    "abovePrice",
    "belowStopPrice",
    "workingType",
    "workingSide",
    "workingPrice",
    "workingQuantity",
    "pendingSide",
    "pendingType",
    "pendingPrice",
    "cancelReplaceMode",
    "cancelOrderId",
    "newQty",
    "pegPriceType",
    "x",
    "",
];
