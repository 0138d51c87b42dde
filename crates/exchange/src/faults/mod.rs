//! Faults that can be switched on: what goes wrong, with which requests, and when.
//!
//! For: both servers, each of which does the kinds that concern it. Which faults a request meets
//! is decided in `armed`. Not for: doing them (`data`, `server::trouble`).

mod armed;
mod episodes;
mod sockets;

use candlewick_model::{Symbol, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ExchangeError;
use crate::data::Edition;
use crate::revision::Revision;

pub(crate) use armed::{Asking, Faults, SharedFaults};
pub(crate) use sockets::{Fate, SocketFaults};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The answer is `status`, with `retry_after` if it is given.
    Status,
    /// The answer begins `delay_ms` later.
    Delay,
    /// The body comes at `rate` bytes a second.
    Slow,
    /// The connection breaks after `bytes` of the body, or half of it.
    Cut,
    /// Content-Length promises `bytes` more than come, or ten.
    WrongLength,
    /// The body is only its first `bytes`, or half of it, and says so.
    #[serde(alias = "partial-json")]
    Truncated,
    /// A byte in the middle of the body is another.
    Corrupt,
    /// The CHECKSUM file has a hash of nothing.
    WrongChecksum,
    /// The CHECKSUM file is that of another edition (`early` if none is named).
    StaleChecksum,
    /// The file and its CHECKSUM are those of another edition (`early` if none is named).
    Edition,
    /// Two neighbouring rows of a page of klines change places.
    ReorderedRows,
    /// A row of a page of klines comes twice.
    DuplicatedRows,
    /// A page of klines begins where the one before it should have.
    OtherRange,
    /// A page of a listing is empty and the last.
    EmptyPage,
    /// A page of a listing is the first one again.
    RepeatedPage,
    /// The answer is -1007, whether the request was executed or not.
    Timeout,
    /// The connection breaks without an answer.
    Lost,
    /// The exchange's clock is `offset_ms` ahead, or behind where that is negative.
    Clock,
    /// A user event does not come.
    EventLost,
    /// A user event comes twice.
    EventTwice,
    /// A user event comes `delay_ms` of simulated time later, behind what comes meanwhile.
    EventLate,
    /// A WebSocket breaks in place of a message.
    SocketDropped,
    /// A WebSocket does not tell a message; while that is so for all of them, no pings either.
    SocketSilent,
}

/// Which of the two servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// That of files, listings and klines.
    Data,
    /// That of accounts and orders.
    Trading,
}

/// What meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    Requests,
    /// Events of accounts.
    Events,
    /// Messages on connections.
    Sockets,
}

impl FaultKind {
    /// Whether a server can do it.
    fn is_of(self, server: Server) -> bool {
        match self {
            Self::Status
            | Self::Delay
            | Self::Slow
            | Self::Cut
            | Self::WrongLength
            | Self::Truncated
            | Self::Corrupt => true,
            Self::WrongChecksum
            | Self::StaleChecksum
            | Self::Edition
            | Self::ReorderedRows
            | Self::DuplicatedRows
            | Self::OtherRange
            | Self::EmptyPage
            | Self::RepeatedPage => server == Server::Data,
            Self::Timeout
            | Self::Lost
            | Self::Clock
            | Self::EventLost
            | Self::EventTwice
            | Self::EventLate
            | Self::SocketDropped
            | Self::SocketSilent => server == Server::Trading,
        }
    }

    /// What meets it.
    fn meets(self) -> Meets {
        match self {
            Self::EventLost | Self::EventTwice | Self::EventLate => Meets::Events,
            Self::SocketDropped | Self::SocketSilent => Meets::Sockets,
            _ => Meets::Requests,
        }
    }
}

/// A fault with its conditions; all that are given must hold.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Paths that it concerns, `*` for anything; with a `?` in it the query counts too.
    #[serde(default = "anything")]
    pub path: String,
    /// Only requests of this method, or one of several with commas between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests with this parameter `symbol`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Symbol>,
    /// Only user events of this type, as `executionReport`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Not the first so many of them.
    #[serde(default)]
    pub after: u64,
    /// Only so many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Only every n-th of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Only with this probability; the seed decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Only from this server time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only before this server time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of `status`: the exchange's code in the body, with `msg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Of `status`: the text that goes with `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// Of `status`, `timeout`, `lost`: the chance that the request is executed all the same, 0 to
    /// 1; without it `status` is 0, the others are 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executed: Option<f64>,
    /// Of `clock`: milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i64>,
    /// Of `status`: seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Of `cut`, `truncated`, `wrong-length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Of `slow`: bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Of `delay`, `event-late`: milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Of `edition`, `stale-checksum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<Edition>,
}

/// Methods that anybody sends.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];

fn anything() -> String {
    "*".to_owned()
}

/// Faults that belong together, and the seed of their chances.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides where probabilities do.
    #[serde(default)]
    pub seed: u64,
    /// In the order in which they are done.
    #[serde(default, alias = "fault")]
    pub faults: Vec<Fault>,
    /// What the exchange does to its markets, each with its time.
    #[serde(default, alias = "market")]
    pub markets: Vec<Revision>,
}

impl FaultPlan {
    /// Reads a TOML file: `seed = 1`, `[[fault]]` with `kind = "…"`, `[[market]]` with `symbol = "…"`.
    pub fn from_toml(text: &str, server: Server) -> Result<Self, ExchangeError> {
        let plan: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        plan.checked(server)
    }

    /// Reads JSON: one fault, a list of them, or `{"seed": 1, "faults": […], "markets": […]}`.
    pub fn from_json(text: &[u8], server: Server) -> Result<Self, ExchangeError> {
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        let faults = match value {
            list @ serde_json::Value::Array(_) => serde_json::json!({ "faults": list }),
            one if one.get("kind").is_some() => serde_json::json!({ "faults": [one] }),
            plan => plan,
        };
        let plan: Self = serde_json::from_value(faults).map_err(|error| wrong(error.to_string()))?;
        plan.checked(server)
    }

    /// These and others; the others' seed, if they have one.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        let seed = if others.seed == 0 { self.seed } else { others.seed };
        let faults = self.faults.into_iter().chain(others.faults).collect();
        Self { seed, faults, markets: self.markets.into_iter().chain(others.markets).collect() }
    }

    /// The same, some microseconds later.
    #[must_use]
    pub fn shifted(mut self, by: i64) -> Self {
        let of_faults = self.faults.iter_mut().flat_map(|fault| [&mut fault.from, &mut fault.to]);
        let of_markets = self.markets.iter_mut().map(|revision| &mut revision.at);
        for time in of_faults.chain(of_markets).flatten() {
            *time = time.plus(by);
        }
        self
    }

    fn checked(self, server: Server) -> Result<Self, ExchangeError> {
        for fault in &self.faults {
            if let Some(text) = fault.lacks(server) {
                return Err(wrong(text));
            }
        }
        if let Some(revision) = self.markets.iter().find(|revision| server == Server::Data || revision.at.is_none()) {
            let symbol = revision.symbol;
            return Err(wrong(match server {
                Server::Data => format!("market {symbol}: markets change at `candlewick exchange serve`"),
                Server::Trading => format!("market {symbol}: it needs `at`, the time at which it changes"),
            }));
        }
        Ok(self)
    }
}

impl Fault {
    /// One without conditions.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            path: anything(),
            method: None,
            symbol: None,
            event: None,
            after: 0,
            next: None,
            every: None,
            probability: None,
            from: None,
            to: None,
            status: None,
            code: None,
            msg: None,
            executed: None,
            offset_ms: None,
            retry_after: None,
            bytes: None,
            rate: None,
            delay_ms: None,
            edition: None,
        }
    }

    /// What is wrong with it.
    fn lacks(&self, server: Server) -> Option<String> {
        let is_chance = |chance: Option<f64>| chance.is_none_or(|chance| (0.0..=1.0).contains(&chance));
        let text = match self.kind {
            kind if !kind.is_of(server) => {
                let name = serde_json::to_value(kind).unwrap_or_default();
                let other = if server == Server::Data { "exchange serve" } else { "exchange data" };
                return Some(format!("kind {name} is one of `candlewick {other}`"));
            }
            FaultKind::Status if !self.status.is_some_and(|status| (300..600).contains(&status)) => {
                "kind `status` needs `status` from 300 to 599"
            }
            FaultKind::Timeout if self.status.is_some_and(|status| !(300..600).contains(&status)) => {
                "`status` of kind `timeout` is from 300 to 599"
            }
            FaultKind::Delay if self.delay_ms.is_none() => "kind `delay` needs `delay_ms`",
            FaultKind::EventLate if self.delay_ms.is_none() => "kind `event-late` needs `delay_ms`",
            FaultKind::Clock if self.offset_ms.is_none() => "kind `clock` needs `offset_ms`",
            FaultKind::Slow if self.rate.is_none_or(|rate| rate == 0) => "kind `slow` needs `rate` above 0",
            kind if self.event.is_some() && kind.meets() != Meets::Events => "`event` goes with faults of events",
            _ if self.every == Some(0) => "`every` must be above 0",
            _ if !is_chance(self.probability) => "`probability` must be from 0 to 1",
            _ if !is_chance(self.executed) => "`executed` must be from 0 to 1",
            _ if self.code.is_some() != self.msg.is_some() => "`code` and `msg` go together",
            _ if self.from.is_some_and(|from| self.to.is_some_and(|to| to <= from)) => "`to` must be after `from`",
            _ => return self.names_nothing(),
        };
        Some(text.to_owned())
    }

    /// A condition that nothing can meet.
    fn names_nothing(&self) -> Option<String> {
        let methods = self.method.iter().flat_map(|methods| methods.split(',')).map(str::trim);
        let is_method = |method: &str| METHODS.iter().any(|known| known.eq_ignore_ascii_case(method));
        let method = methods.clone().find(|method| !is_method(method));
        let event = self.event.as_deref().filter(|event| !crate::user::EVENTS.contains(event));
        let symbol = self.symbol.filter(|symbol| symbol.as_str().contains(|c: char| c.is_ascii_lowercase()));
        match (method, event, symbol) {
            (Some(method), ..) => Some(format!("`method` {method:?} is none of {}", METHODS.join(", "))),
            (_, Some(event), _) => Some(format!("`event` {event:?} is none of {}", crate::user::EVENTS.join(", "))),
            (.., Some(symbol)) => Some(format!("`symbol` {symbol}: symbols are written in capitals")),
            (None, None, None) => None,
        }
    }

    /// The chance that a request which meets it is executed all the same.
    pub(crate) fn executes(&self) -> f64 {
        self.executed.unwrap_or(if self.kind == FaultKind::Status { 0.0 } else { 1.0 })
    }
}

fn wrong(reason: String) -> ExchangeError {
    ExchangeError::Faults { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(toml: &str, requests: &[(&str, &str)]) -> Vec<usize> {
        let mut faults = Faults::new(FaultPlan::from_toml(toml, Server::Data).unwrap());
        let at = |text: &str| text.parse().unwrap();
        let mut meet = |(path, time): &(&str, &str)| {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            faults.meet(&Asking { method: "GET", path, query, now: at(time) }).len()
        };
        requests.iter().map(&mut meet).collect()
    }

    #[test]
    fn conditions() {
        let asked = [("/a", "2023-01-01"); 6];
        let fault = |rest: &str| format!("[[fault]]\nkind = \"cut\"\n{rest}");
        for (rest, expected) in [
            ("", [1, 1, 1, 1, 1, 1]),
            ("next = 2", [1, 1, 0, 0, 0, 0]),
            ("after = 4", [0, 0, 0, 0, 1, 1]),
            ("after = 1\nnext = 2", [0, 1, 1, 0, 0, 0]),
            ("every = 3", [0, 0, 1, 0, 0, 1]),
            ("path = \"/b*\"", [0; 6]),
            ("probability = 0.0", [0; 6]),
            ("probability = 1.0", [1; 6]),
            ("from = \"2023-01-02\"", [0; 6]),
            ("to = \"2023-01-02\"", [1; 6]),
            ("method = \"get\"", [1; 6]),
            ("method = \"POST\"", [0; 6]),
        ] {
            assert_eq!(met(&fault(rest), &asked), expected, "{rest}");
        }
        let chance =
            |seed: u32| met(&format!("seed = {seed}\n{}", fault("probability = 0.5")), &[("/a", "2023-01-01"); 64]);
        assert_eq!(chance(1), chance(1));
        assert_ne!(chance(1), chance(2));
        let both = format!("{}\n{}", fault("path = \"/api/*?*symbol=A*\""), fault("path = \"*x\""));
        assert_eq!(
            met(&both, &[("/api/v3/k?symbol=A", "2023-01-01"), ("/x", "2023-01-01"), ("/y", "2023-01-01")]),
            [1, 1, 0]
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for json in [
            r#"{"kind":"status"}"#,
            r#"{"kind":"status","status":99}"#,
            r#"{"kind":"delay"}"#,
            r#"{"kind":"slow","rate":0}"#,
            r#"{"kind":"cut","every":0}"#,
            r#"{"kind":"cut","probability":2}"#,
            r#"{"kind":"cut","pth":"x"}"#,
            r#"{"kind":"nothing"}"#,
            r#"{"kind":"timeout"}"#,
            r#"{"kind":"status","status":400,"code":-1000}"#,
            r#"{"kind":"cut","method":"GET, GETT"}"#,
            r#"{"kind":"cut","symbol":"btcusdt"}"#,
            r#"{"kind":"cut","from":"2023-01-02","to":"2023-01-01"}"#,
            "x",
        ] {
            assert!(FaultPlan::from_json(json.as_bytes(), Server::Data).is_err(), "{json}");
        }
        assert_eq!(
            FaultPlan::from_json(br#"[{"kind":"cut"},{"kind":"partial-json"}]"#, Server::Data).unwrap().faults.len(),
            2
        );
        assert_eq!(FaultPlan::from_json(br#"{"seed":3,"faults":[]}"#, Server::Data).unwrap().seed, 3);
    }
    #[test]
    fn each_server_has_kinds_of_its_own() {
        for (json, data, trading) in [
            (r#"{"kind":"cut"}"#, true, true),
            (r#"{"kind":"empty-page"}"#, true, false),
            (r#"{"kind":"timeout","executed":0.5}"#, false, true),
            (r#"{"kind":"timeout","executed":2}"#, false, false),
            (r#"{"kind":"timeout","status":101}"#, false, false),
            (r#"{"kind":"clock"}"#, false, false),
            (r#"{"kind":"clock","offset_ms":-5000}"#, false, true),
            (r#"{"kind":"event-lost","event":"executionReport"}"#, false, true),
            (r#"{"kind":"event-lost","event":"executionreport"}"#, false, false),
        ] {
            for (server, expected) in [(Server::Data, data), (Server::Trading, trading)] {
                assert_eq!(FaultPlan::from_json(json.as_bytes(), server).is_ok(), expected, "{json} {server:?}");
            }
        }
    }
}
