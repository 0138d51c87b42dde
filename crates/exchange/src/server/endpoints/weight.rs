//! What a request costs, as a function of its parameters.
//!
//! For: the documents' tables of weights. Not for: judging the parameters; what cannot be read
//! costs what the cheapest request of its kind costs.

use super::super::request::Parameters;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Weight {
    Fixed(u32),
    /// By the number of levels.
    Depth,
    /// With one symbol, and with several or all.
    OneOrAll {
        one: u32,
        all: u32,
    },
    /// Four for each symbol, 200 at most.
    EachSymbol,
    /// Two for each symbol, 40 at most and for all.
    ExecutionRules,
    /// By steps: up to 20 symbols, up to 100, more or all.
    Ticker24h,
    /// With and without commission rates.
    TestOrder,
    /// With and without an order.
    MyTrades,
    /// By match or by order; a symbol that is unknown costs little.
    PreventedMatches,
}

impl Weight {
    /// The weight of a request; `knows` tells whether there is such a symbol.
    pub(crate) fn of(self, parameters: &Parameters, knows: impl FnOnce(&str) -> bool) -> u32 {
        let sent = |name: &str| parameters.get(name).is_some_and(|text| !text.is_empty());
        let symbols = || if sent("symbol") { Some(1) } else { parameters.get("symbols").map(names) };
        match self {
            Self::Fixed(weight) => weight,
            Self::Depth => match parameters.get("limit").map_or(100, number) {
                0..=100 => 5,
                101..=500 => 25,
                501..=1_000 => 50,
                _ => 250,
            },
            Self::OneOrAll { one, all } => {
                if sent("symbol") {
                    one
                } else {
                    all
                }
            }
            Self::EachSymbol => symbols().unwrap_or(1).saturating_mul(4).min(200),
            Self::ExecutionRules => symbols().map_or(40, |count| count.saturating_mul(2).min(40)),
            Self::Ticker24h => match symbols() {
                Some(0..=20) => 2,
                Some(21..=100) => 40,
                Some(_) | None => 80,
            },
            Self::TestOrder => {
                if parameters.get("computeCommissionRates") == Some("true") {
                    20
                } else {
                    1
                }
            }
            Self::MyTrades => {
                if sent("orderId") {
                    5
                } else {
                    20
                }
            }
            Self::PreventedMatches => {
                if sent("orderId") && parameters.get("symbol").is_some_and(knows) {
                    20
                } else {
                    2
                }
            }
        }
    }
}

/// How many names a list has, at least one.
fn names(list: &str) -> u32 {
    let commas = list.bytes().filter(|byte| *byte == b',').count();
    u32::try_from(commas).unwrap_or(u32::MAX).saturating_add(1)
}

/// A number however large; what is none counts as 0.
fn number(text: &str) -> u64 {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().unwrap_or(u64::from(!text.is_empty()) * u64::MAX)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::super::{Found, find};
    use super::*;

    fn weight(request: &str) -> u32 {
        let (method, rest) = request.split_once(' ').unwrap();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let Found::Endpoint(endpoint) = find(&method.parse::<Method>().unwrap(), &format!("/api/v3/{path}")) else {
            panic!("{request}")
        };
        endpoint.weight.of(&Parameters::read(query, "").unwrap(), |symbol| symbol == "BTCUSDT")
    }

    fn list(count: usize) -> String {
        format!("symbols=[{}]", vec!["\"BTCUSDT\""; count].join(","))
    }

    #[test]
    fn weights_are_those_of_the_documents() {
        for (request, expected) in [
            ("GET ping", 1),
            ("GET time", 1),
            ("GET exchangeInfo", 20),
            ("GET exchangeInfo?symbol=BTCUSDT", 20),
            ("GET executionRules", 40),
            ("GET executionRules?symbol=BTCUSDT", 2),
            ("GET executionRules?symbolStatus=TRADING", 40),
            ("GET depth?symbol=BTCUSDT", 5),
            ("GET depth?symbol=BTCUSDT&limit=100", 5),
            ("GET depth?symbol=BTCUSDT&limit=101", 25),
            ("GET depth?symbol=BTCUSDT&limit=500", 25),
            ("GET depth?symbol=BTCUSDT&limit=501", 50),
            ("GET depth?symbol=BTCUSDT&limit=1000", 50),
            ("GET depth?symbol=BTCUSDT&limit=1001", 250),
            ("GET depth?symbol=BTCUSDT&limit=99999999999999999999999", 250),
            ("GET depth?symbol=BTCUSDT&limit=-1", 5),
            ("GET depth?symbol=BTCUSDT&limit=", 5),
            ("GET trades?symbol=BTCUSDT", 25),
            ("GET historicalTrades?symbol=BTCUSDT", 25),
            ("GET historicalBlockTrades?symbol=BTCUSDT", 25),
            ("GET aggTrades?symbol=BTCUSDT", 4),
            ("GET klines?symbol=BTCUSDT&interval=1m&limit=1000", 2),
            ("GET uiKlines", 2),
            ("GET avgPrice", 2),
            ("GET ticker/24hr", 80),
            ("GET ticker/24hr?symbol=BTCUSDT", 2),
            ("GET ticker/price", 4),
            ("GET ticker/price?symbol=BTCUSDT", 2),
            ("GET ticker/price?symbols=[\"BTCUSDT\"]", 4),
            ("GET ticker/bookTicker", 4),
            ("GET ticker/bookTicker?symbol=BTCUSDT", 2),
            ("GET ticker?symbol=BTCUSDT&windowSize=7d", 4),
            ("GET ticker/tradingDay?symbol=BTCUSDT", 4),
            ("GET referencePrice?symbol=BTCUSDT", 2),
            ("GET referencePrice/calculation?symbol=BTCUSDT", 2),
            ("POST order", 1),
            ("POST order/test", 1),
            ("POST order/test?computeCommissionRates=false", 1),
            ("POST order/test?computeCommissionRates=true", 20),
            ("POST sor/order/test?computeCommissionRates=true", 20),
            ("DELETE order", 1),
            ("DELETE openOrders", 1),
            ("POST order/cancelReplace", 1),
            ("PUT order/amend/keepPriority", 4),
            ("POST orderList/opoco", 1),
            ("DELETE orderList", 1),
            ("GET account", 20),
            ("GET order", 4),
            ("GET openOrders?symbol=BTCUSDT", 6),
            ("GET openOrders", 80),
            ("GET openOrders?symbol=", 80),
            ("GET allOrders", 20),
            ("GET orderList", 4),
            ("GET allOrderList", 20),
            ("GET openOrderList", 6),
            ("GET myTrades?symbol=BTCUSDT", 20),
            ("GET myTrades?symbol=BTCUSDT&orderId=1", 5),
            ("GET rateLimit/order", 40),
            ("GET myPreventedMatches?symbol=BTCUSDT&orderId=1", 20),
            ("GET myPreventedMatches?symbol=BTCUSDT&preventedMatchId=1", 2),
            ("GET myPreventedMatches?symbol=NONE&orderId=1", 2),
            ("GET myAllocations", 20),
            ("GET account/commission", 20),
            ("GET order/amendments", 4),
            ("GET myFilters", 40),
            ("POST userDataStream", 2),
        ] {
            assert_eq!(weight(request), expected, "{request}");
        }
    }

    #[test]
    fn lists_of_symbols_cost_by_their_length() {
        for (path, count, expected) in [
            ("ticker/24hr", 1, 2),
            ("ticker/24hr", 20, 2),
            ("ticker/24hr", 21, 40),
            ("ticker/24hr", 100, 40),
            ("ticker/24hr", 101, 80),
            ("ticker", 1, 4),
            ("ticker", 50, 200),
            ("ticker", 51, 200),
            ("ticker", 100, 200),
            ("ticker/tradingDay", 49, 196),
            ("ticker/tradingDay", 51, 200),
            ("executionRules", 1, 2),
            ("executionRules", 19, 38),
            ("executionRules", 21, 40),
        ] {
            assert_eq!(weight(&format!("GET {path}?{}", list(count))), expected, "{path} {count}");
        }
    }
}
