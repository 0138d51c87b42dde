//! A client of the WebSocket API: it hears the user data stream of the account, and sends requests
//! as well.

use std::collections::BTreeMap;

use candlewick_binance::signing::Credentials;
use candlewick_conformance::{START, Sent, pairs};
use candlewick_model::{Account, Action, Amount, Timestamp};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::rest::KEY;
use crate::shapes::Shapes;

pub(super) struct Stream {
    socket: WebSocketStream<TcpStream>,
    /// How many questions were asked.
    asked: u64,
    /// Events that came before the answer to a request.
    early: Vec<Value>,
    /// Free and locked balances as events have left them.
    held: BTreeMap<String, [Amount; 2]>,
    /// What is wrong with what was heard.
    pub(super) wrong: Vec<String>,
}

impl Stream {
    pub(super) async fn subscribe(
        address: std::net::SocketAddr,
        credentials: &Credentials,
        account: &Account,
        now: Timestamp,
    ) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}/ws-api/v3"), stream).await.unwrap();
        let mut stream = Self { socket, asked: 0, early: Vec::new(), held: held(account), wrong: Vec::new() };
        let payload = format!("apiKey={KEY}&timestamp={}", now.millis());
        let signature = credentials.sign(&payload);
        let params = json!({ "apiKey": KEY, "timestamp": now.millis(), "signature": signature });
        stream.ask("userDataStream.subscribe.signature", params).await;
        let answer = stream.next().await;
        assert_eq!(answer["result"], json!({ "subscriptionId": 0 }), "{answer}");
        stream
    }

    async fn ask(&mut self, method: &str, params: Value) {
        self.asked += 1;
        let request = json!({ "id": self.asked, "method": method, "params": params });
        self.socket.send(Message::text(request.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Sends a request of the scenario, signed at the server's time: the status that it gets, and the
    /// result or the error.
    pub(super) async fn send(
        &mut self,
        sent: &Sent,
        credentials: &Credentials,
        now: Timestamp,
        shapes: &mut Shapes,
    ) -> (u16, Value) {
        let stamp = now.millis().to_string();
        let mut params: BTreeMap<&str, &str> = [("apiKey", KEY), ("timestamp", stamp.as_str())].into();
        params.extend(sent.parameters.iter());
        let payload: Vec<_> = params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signature = credentials.sign(&payload.join("&"));
        params.insert("signature", &signature);
        self.ask(method(sent.action), json!(params)).await;
        let mut answer = loop {
            let message = self.next().await;
            if message["id"] == self.asked {
                break message;
            }
            self.early.push(message);
        };
        let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        self.wrong.extend(shapes.check("RATES", &answer["rateLimits"]));
        let told = if status == 200 { "result" } else { "error" };
        let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        if members != ["id", "status", told, "rateLimits"] {
            self.wrong.push(format!("{members:?} stand in {answer}"));
        }
        if answer["error"]["code"] == -1015 {
            self.check_wait(&mut answer["error"], now);
        }
        (status, answer[told].take())
    }

    /// Over WebSocket there is no header to say how long to wait, so it stands in the error.
    fn check_wait(&mut self, error: &mut Value, now: Timestamp) {
        let data = error.as_object_mut().and_then(|error| error.remove("data")).unwrap_or_default();
        let [server_time, retry_after] =
            ["serverTime", "retryAfter"].map(|name| data[name].as_i64().unwrap_or_default());
        if server_time < now.millis() || retry_after <= server_time {
            self.wrong.push(format!("{data} says how long to wait after {}", now.millis()));
        }
    }

    /// What has been told since the last call, in the words of `expect`: all that comes before the
    /// answer to a question.
    pub(super) async fn hear(&mut self, shapes: &mut Shapes) -> Vec<String> {
        self.ask("ping", json!({})).await;
        let (mut told, mut early) = (Vec::new(), std::mem::take(&mut self.early).into_iter());
        loop {
            let message = match early.next() {
                Some(message) => message,
                None => self.next().await,
            };
            if message["id"] == self.asked {
                return told;
            }
            let event = &message["event"];
            let kind = event["e"].as_str().unwrap_or_default().to_owned();
            self.wrong.extend(shapes.check(&format!("EVENT {kind}"), &message));
            match kind.as_str() {
                "executionReport" => told.push(report(event)),
                "listStatus" => told.push(list(event)),
                "outboundAccountPosition" => self.hold(event),
                _ => self.wrong.push(format!("nobody has asked for {message}")),
            }
        }
    }

    fn hold(&mut self, event: &Value) {
        for balance in event["B"].as_array().unwrap() {
            let sum = |name: &str| balance[name].as_str().unwrap().parse().unwrap();
            self.held.insert(balance["a"].as_str().unwrap().to_owned(), [sum("f"), sum("l")]);
        }
    }

    /// Whether events have told of every change of a balance.
    pub(super) fn compare(&mut self, account: &Account) {
        let held = held(account);
        if held != self.held {
            self.wrong.push(format!("events have left {:?}, held is {held:?}", self.held));
        }
    }
}

fn method(action: Action) -> &'static str {
    match action {
        Action::New => "order.place",
        Action::Test => "order.test",
        Action::OcoDeprecated => "orderList.place",
        Action::Oco => "orderList.place.oco",
        Action::Oto => "orderList.place.oto",
        Action::Otoco => "orderList.place.otoco",
        Action::Opo => "orderList.place.opo",
        Action::Opoco => "orderList.place.opoco",
        Action::Cancel => "order.cancel",
        Action::CancelList => "orderList.cancel",
        Action::CancelAll => "openOrders.cancelAll",
        Action::CancelReplace => "order.cancelReplace",
        Action::Amend => "order.amend.keepPriority",
    }
}

fn held(account: &Account) -> BTreeMap<String, [Amount; 2]> {
    account.iter().map(|(asset, balance)| (asset.to_string(), [balance.free, balance.locked])).collect()
}

/// An `executionReport` with its fields, times from the start.
fn report(event: &Value) -> String {
    let mut text = "report".to_owned();
    for (name, value) in event.as_object().unwrap().iter().filter(|(name, _)| !["e", "E"].contains(&name.as_str())) {
        let time = value.as_i64().filter(|_| ["T", "O", "W", "D"].contains(&name.as_str()));
        text += &match (time, value) {
            (Some(time), _) => format!(" {name}={}", time - START.millis()),
            (None, Value::String(word)) => format!(" {name}={word}"),
            (None, value) => format!(" {name}={value}"),
        };
    }
    text
}

/// A `listStatus`.
fn list(event: &Value) -> String {
    let word = |name: &str| event[name].as_str().unwrap_or_default();
    let member = |order: &Value| format!("{}:{}", order["i"], order["c"].as_str().unwrap_or_default());
    let orders: Vec<_> = event["O"].as_array().unwrap().iter().map(member).collect();
    let (name, contingency, status, stands) = (word("C"), word("c"), word("l"), word("L"));
    format!("list C={name} g={} c={contingency} l={status} L={stands} O={}", event["g"], orders.join(","))
}

/// What was heard and is not what was told in process.
pub(super) fn difference(told: &str, heard: &str) -> Option<String> {
    let (kind, other) = (told.split(' ').next(), heard.split(' ').next());
    let sum = |text: &str| text.parse::<Amount>().ok();
    let same = |one: &str, other: &str| one == other || sum(one).is_some_and(|one| sum(other) == Some(one));
    let (one, two) = (pairs(told), pairs(heard));
    let is_same = match kind {
        Some("report" | "list") => {
            one.len() == two.len()
                && one.iter().all(|(name, value)| two.get(name).is_some_and(|other| same(value, other)))
        }
        _ => told == heard,
    };
    (kind != other || !is_same).then(|| format!("told was {told}, heard {heard}"))
}
