//! A server of the local exchange for one scenario, and a plain client of it.

use candlewick_binance::signing::{Credentials, query_string};
use candlewick_conformance::{Scenario, Sent};
use candlewick_exchange::{Server, Service};
use candlewick_model::{Action, CommissionRates, Timestamp};
use candlewick_simulator::Setup;
use reqwest::Method;
use serde_json::{Value, json};

use super::lockstep::LockStep;
use super::reports::Reports;
use super::stream::Stream;
use crate::shapes::Shapes;

pub(super) const KEY: &str = "conformance";

pub(super) struct Rest<'a> {
    http: reqwest::Client,
    pub(super) shapes: &'a mut Shapes,
    /// Answers that have not the shape that is documented.
    pub(super) misshapen: Vec<String>,
    server: Server,
    pub(super) credentials: Credentials,
    /// How many requests were sent: parameters go into query and body by turns.
    sent: usize,
}

impl<'a> Rest<'a> {
    pub(super) async fn serve(
        http: reqwest::Client,
        shapes: &'a mut Shapes,
        scenario: &Scenario,
        setup: Setup,
    ) -> Self {
        let credentials = Credentials::new(KEY, "secret");
        let service = Service::new(setup, scenario.exchange_info(), credentials.clone().into());
        let service = Service { limits_addresses: false, ..service };
        let server = Server::start(service, 0).await.unwrap();
        Self { http, shapes, misshapen: Vec::new(), server, credentials, sent: 0 }
    }

    /// The user data stream of its account.
    pub(super) async fn stream(&self, market: &LockStep) -> Stream {
        Stream::subscribe(self.server.address(), &self.credentials, &market.account(), market.now()).await
    }

    /// Steps until an instant is reached, or the market's end.
    pub(super) async fn wait(&mut self, until: Timestamp) {
        while !self.step(json!({ "until": until.micros() }), |stepped| stepped["time"] == until.micros()).await {}
    }

    /// Steps until nothing happens any more.
    pub(super) async fn finish(&mut self) {
        while !self.step(json!({}), |_| false).await {}
    }

    async fn step(&self, body: Value, is_there: impl Fn(&Value) -> bool) -> bool {
        let request = self.http.post(format!("{}/control/step", self.server.url()));
        let request = request.header("Content-Type", "application/json").body(body.to_string());
        let (_, stepped) = answer(request).await;
        stepped["ended"] == true || stepped["reports"] == 0 && stepped["bars"] == 0 || is_there(&stepped)
    }

    /// Sends a request of the scenario, signed at the server's time.
    pub(super) async fn send(&mut self, sent: &Sent, now: Timestamp) -> (u16, Value) {
        let (method, path) = endpoint(sent.action);
        let pairs: Vec<(&str, &str)> = sent.parameters.iter().collect();
        self.signed(method, path, &pairs, now).await
    }

    async fn signed(&mut self, method: Method, path: &str, pairs: &[(&str, &str)], now: Timestamp) -> (u16, Value) {
        let stamp = now.millis().to_string();
        // A scenario may be about the time of a request.
        let has_stamp = pairs.iter().any(|(name, _)| *name == "timestamp");
        let stamp = if has_stamp { None } else { Some(("timestamp", stamp.as_str())) };
        let text = query_string(pairs.iter().copied().chain(stamp));
        let text = format!("{text}&signature={}", self.credentials.sign(&text));
        let url = format!("{}{path}", self.server.url());
        self.sent += 1;
        let name = format!("{method} {}", path.trim_start_matches("/api/v3/"));
        let request = if method != Method::GET && self.sent.is_multiple_of(2) {
            let kind = ("Content-Type", "application/x-www-form-urlencoded");
            self.http.request(method, url).header(kind.0, kind.1).body(text)
        } else {
            self.http.request(method, format!("{url}?{text}"))
        };
        let answer = answer(request.header("X-MBX-APIKEY", KEY)).await;
        self.misshapen.extend(self.shapes.check_answer(&name, &answer));
        answer
    }

    async fn ask(&mut self, path: &str, pairs: &[(&str, &str)], now: Timestamp) -> (u16, Value) {
        self.signed(Method::GET, &format!("/api/v3/{path}"), pairs, now).await
    }

    /// What differs in orders and balances.
    pub(super) async fn compare_often(&mut self, market: &LockStep, reports: &Reports) -> Vec<String> {
        let now = market.now();
        let mut found = Vec::new();
        let orders: Value = reports.orders.keys().map(|id| reports.order(*id)).collect();
        let answer = self.ask("allOrders", &[("symbol", "ABUSD")], now).await;
        found.extend(difference("allOrders", &(200, orders), &answer));
        let account = market.account();
        let balances = account.iter().map(|(asset, balance)| {
            let [free, locked] = [balance.free, balance.locked].map(|sum| sum.to_string());
            json!({ "asset": asset.to_string(), "free": free, "locked": locked })
        });
        let (status, mut answer) = self.ask("account", &[], now).await;
        let answer = (status, answer["balances"].take());
        found.extend(difference("account", &(200, balances.collect()), &answer));
        found
    }

    /// What differs in all else that can be asked for.
    pub(super) async fn compare_once(
        &mut self,
        market: &LockStep,
        reports: &Reports,
        fees: &CommissionRates,
    ) -> Vec<String> {
        let (now, symbol) = (market.now(), ("symbol", "ABUSD"));
        let mut found = Vec::new();
        let open = reports.orders.keys().filter(|id| reports.is_open(**id)).map(|id| reports.order(*id));
        let executing = |list: &&candlewick_model::ListStatus| list.list_order_status.to_string() == "EXECUTING";
        let lists = || reports.lists.values();
        let open_lists = lists().filter(executing).map(super::reports::list).map(Value::from);
        let counts = market.unfilled_orders().into_iter().map(|(limit, count)| {
            json!({
                "rateLimitType": "ORDERS", "interval": limit.interval.to_string(), "intervalNum": limit.interval_num,
                "limit": limit.limit, "count": count,
            })
        });
        for (path, pairs, expected) in [
            ("openOrders", vec![symbol], open.collect()),
            ("myTrades", vec![symbol], reports.trades().into()),
            ("allOrderList", vec![], lists().map(super::reports::list).map(Value::from).collect()),
            ("openOrderList", vec![], open_lists.collect()),
            ("rateLimit/order", vec![], counts.collect::<Value>()),
            ("account/commission", vec![symbol], super::rates::of_account(fees)),
        ] {
            let answer = self.ask(path, &pairs, now).await;
            found.extend(difference(path, &(200, expected), &answer));
        }
        for id in reports.orders.keys() {
            found.extend(self.compare_order(*id, reports, now).await);
        }
        for list in lists() {
            let number = list.order_list_id.to_string();
            let answer = self.ask("orderList", &[("orderListId", &number)], now).await;
            found.extend(difference("orderList", &(200, super::reports::list(list).into()), &answer));
        }
        found
    }

    async fn compare_order(&mut self, id: u64, reports: &Reports, now: Timestamp) -> Vec<String> {
        let (symbol, number) = (("symbol", "ABUSD"), id.to_string());
        let of_order = [symbol, ("orderId", number.as_str())];
        let mut found = Vec::new();
        let answer = self.ask("order", &of_order, now).await;
        found.extend(difference("order", &(200, reports.order(id)), &answer));
        let answer = self.ask("order/amendments", &of_order, now).await;
        found.extend(difference("order/amendments", &(200, reports.amendments(id).into()), &answer));
        let (status, mut answer) = self.ask("myPreventedMatches", &of_order, now).await;
        // Which of two orders was the taker, and the mode, only the exchange tells.
        let takers: Vec<_> = answer.as_array().into_iter().flatten().map(taker).collect();
        let taker_of = |number| takers.iter().find(|(known, _)| *known == number).map_or(0, |(_, taker)| *taker);
        let expected = reports.prevented_matches(id, taker_of);
        for told in answer.as_array_mut().into_iter().flatten() {
            let mode = told.as_object_mut().unwrap().remove("selfTradePreventionMode").unwrap_or_default();
            let [taker, maker] = ["takerOrderId", "makerOrderId"].map(|id| reports.order(told[id].as_u64().unwrap()));
            let [taken, made] = [&taker, &maker].map(|order| &order["selfTradePreventionMode"]);
            // faqs/stp_faq.md: TRANSFER is DECREMENT where the maker has another mode.
            let decides = if *taken == "TRANSFER" && made != taken { "DECREMENT".into() } else { taken.clone() };
            if decides != mode {
                found.push(format!("myPreventedMatches: {mode} decided, but the taker has {taker}"));
            }
        }
        found.extend(difference("myPreventedMatches", &(200, expected.into()), &(status, answer)));
        found
    }
}

fn taker(told: &Value) -> (u64, u64) {
    (told["preventedMatchId"].as_u64().unwrap(), told["takerOrderId"].as_u64().unwrap())
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or_else(|_| text.into()))
}

fn endpoint(action: Action) -> (Method, &'static str) {
    match action {
        Action::New => (Method::POST, "/api/v3/order"),
        Action::Test => (Method::POST, "/api/v3/order/test"),
        Action::OcoDeprecated => (Method::POST, "/api/v3/order/oco"),
        Action::Oco => (Method::POST, "/api/v3/orderList/oco"),
        Action::Oto => (Method::POST, "/api/v3/orderList/oto"),
        Action::Otoco => (Method::POST, "/api/v3/orderList/otoco"),
        Action::Opo => (Method::POST, "/api/v3/orderList/opo"),
        Action::Opoco => (Method::POST, "/api/v3/orderList/opoco"),
        Action::Cancel => (Method::DELETE, "/api/v3/order"),
        Action::CancelList => (Method::DELETE, "/api/v3/orderList"),
        Action::CancelAll => (Method::DELETE, "/api/v3/openOrders"),
        Action::CancelReplace => (Method::POST, "/api/v3/order/cancelReplace"),
        Action::Amend => (Method::PUT, "/api/v3/order/amend/keepPriority"),
    }
}

/// Where an answer is another than expected.
pub(super) fn difference(about: &str, expected: &(u16, Value), found: &(u16, Value)) -> Option<String> {
    if expected.0 != found.0 {
        return Some(format!("{about}: expected {} {}, found {} {}", expected.0, expected.1, found.0, found.1));
    }
    differs(&expected.1, &found.1).map(|place| format!("{about}: at `{place}` of {}, expected {}", found.1, expected.1))
}

/// The first place at which two values differ.
fn differs(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let beyond = found.keys().find(|member| !expected.contains_key(*member));
            let within = || {
                let none = Value::from("(absent)");
                let mut members = expected.iter();
                members.find_map(|(name, value)| {
                    differs(value, found.get(name).unwrap_or(&none)).map(|at| format!("{name}.{at}"))
                })
            };
            beyond.cloned().or_else(within)
        }
        (Value::Array(expected), Value::Array(found)) => {
            let mut pairs = expected.iter().zip(found).enumerate();
            let first = pairs.find_map(|(at, (expected, found))| differs(expected, found).map(|p| format!("{at}.{p}")));
            first.or_else(|| (expected.len() != found.len()).then(|| "length".to_owned()))
        }
        _ => (expected != found).then(String::new),
    }
}
