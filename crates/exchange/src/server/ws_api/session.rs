//! One connection of the WebSocket API: who is logged on, what is followed, and its requests.
//!
//! For: taking up a request and answering it. Not for: the connection itself (`socket`).

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::extract::ws::Utf8Bytes;
use axum::http::{Uri, header};
use candlewick_binance::wire::time_number;
use candlewick_model::time::SECOND;
use candlewick_model::{Refusal, Timestamp};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::time::sleep;
use tower_service::Service as _;

use super::caller::{Caller, Logon, OF_THE_REQUEST, unheeded};
use super::message::{Message, Unread};
use super::reply::{Outcome, Used, reply};
use super::subscriptions::{Subscription, Subscriptions};
use super::{Wishes, tells_limits};
use crate::data::limits::Verdict;
use crate::outlet::Outlet;
use crate::server::Shared;
use crate::server::admission::Admitted;
use crate::server::answer::No;
use crate::server::endpoints::{Endpoint, find_method};
use crate::server::limits::full_until;
use crate::server::socket::{Conversation, Leave};
use crate::server::trouble::{self, Arriving, ClockAhead, Met};

/// A connection that has begun.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) handlers: Router,
    pub(super) outlet: Outlet,
    pub(super) address: IpAddr,
    pub(super) wishes: Wishes,
    pub(super) connected: Timestamp,
    pub(super) logon: Option<Logon>,
    pub(super) subscriptions: Subscriptions,
}

impl Conversation for Session {
    const MESSAGES_A_SECOND: Option<u32> = None;

    async fn hear(&mut self, text: Utf8Bytes) -> Result<(), Leave> {
        let now = self.now();
        let (id, message) = match Message::read(&text) {
            Ok(message) => (message.id, Ok(message)),
            Err(Unread { id, no }) => (id, Err(no)),
        };
        let endpoint = message.as_ref().ok().and_then(|message| find_method(&message.method));
        let wish =
            message.as_ref().map_or(Ok(None), |message| tells_limits(message.parameters.get("returnRateLimits")));
        let tells_limits = wish.ok().flatten().unwrap_or(self.wishes.tells_limits);
        let weight = self.weight(endpoint, message.as_ref().ok());
        let mut met = Met::default();
        let (used, outcome) = match self.shared.ip_limits.judge(self.address, weight, now) {
            Verdict::Passed { used } => match message {
                Ok(message) => {
                    met = self.met(endpoint, &message, now);
                    (used, self.meet(&met, endpoint, message, now).await)
                }
                Err(no) => (used, Outcome::error(&no)),
            },
            Verdict::Refused { used, until, refusal, .. } => (used, self.later(429, &refusal, now, until)),
            Verdict::Banned { used, until, refusal, .. } => (used, self.later(418, &refusal, now, until)),
        };
        let used = if outcome.is_free { self.shared.ip_limits.give_back(self.address, weight, now) } else { used };
        self.say(id, &outcome, tells_limits.then_some(used), &met).await?;
        if outcome.status == 418 { Err(Leave::BANNED) } else { Ok(()) }
    }

    fn farewell(&self) -> Utf8Bytes {
        let now = self.time(self.now());
        json!({ "event": { "e": "serverShutdown", "E": now } }).to_string().into()
    }

    fn now(&self) -> Timestamp {
        self.shared.exchange().now()
    }
}

impl Session {
    /// What a request costs; what cannot be read costs as little as anything does.
    fn weight(&self, endpoint: Option<&Endpoint>, message: Option<&Message<'_>>) -> u32 {
        let knows = |name: &str| name.parse().is_ok_and(|symbol| self.shared.exchange().has(symbol));
        endpoint.zip(message).map_or(1, |(endpoint, message)| endpoint.weight.of(&message.parameters, knows))
    }

    fn later(&self, status: u16, refusal: &Refusal, now: Timestamp, until: Timestamp) -> Outcome {
        Outcome::not_before(status, refusal, now, until, self.wishes.unit)
    }

    /// Answers, as far as faults let it. A subscription begins with its answer: nothing comes before
    /// it, and nothing that happens after it is missed.
    async fn say(&self, id: &RawValue, outcome: &Outcome, used: Option<u32>, met: &Met) -> Result<(), Leave> {
        let (limit, window) = self.shared.ip_limits.weight_limit();
        let text = reply(id, outcome, used.map(|weight| Used { weight, limit, window }).as_ref());
        let Arriving { text, after, breaks } = met.on_its_way(text);
        if !after.is_zero() {
            sleep(after).await;
        }
        let mut exchange = outcome.begins.map(|begun| (begun, self.shared.exchange()));
        let now = || exchange.as_ref().map_or_else(|| self.now(), |(_, exchange)| exchange.now());
        text.into_iter().for_each(|text| self.outlet.say_when(text, now));
        if let Some((begun, exchange)) = &mut exchange {
            exchange.audience.users.subscribe(begun.account, begun.id, self.wishes.unit, &self.outlet);
        }
        if breaks { Err(Leave::CUT_OFF) } else { Ok(()) }
    }

    /// The faults that a request meets: those of the same request over HTTP.
    fn met(&self, endpoint: Option<&Endpoint>, message: &Message<'_>, now: Timestamp) -> Met {
        match endpoint.and_then(Endpoint::request) {
            Some((method, path)) => Met::by(&self.shared, method.as_str(), path, || message.parameters.query(), now),
            None => Met::by(&self.shared, "", &message.method, String::new, now),
        }
    }

    /// Takes up a request with its faults, all but what happens to the answer on its way.
    async fn meet(&mut self, met: &Met, endpoint: Option<&Endpoint>, message: Message<'_>, now: Timestamp) -> Outcome {
        met.wait().await;
        let Some((fault, is_executed)) = met.instead(&self.shared) else {
            return self.take_up(endpoint, message, now, met.ahead()).await;
        };
        let mut done = None;
        if is_executed {
            done = Some(self.take_up(endpoint, message, now, met.ahead()).await);
        }
        let (is_free, begins) = done.map_or((false, None), |done| (done.is_free, done.begins));
        let response = trouble::answer_of(fault, "", now);
        let status = response.status().as_u16();
        let seconds = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        if let (Some(seconds), Ok(refusal)) = (seconds, serde_json::from_slice::<Refusal>(&body)) {
            let until = now.plus(i64::saturating_mul(seconds, SECOND));
            return Outcome { is_free, begins, ..self.later(status, &refusal, now, until) };
        }
        let body = serde_json::from_slice(&body);
        let unknown = || {
            let text = "An unknown error occurred while processing the request.";
            to_raw_value(&Refusal::new(-1000, text)).expect("refusals are plain data")
        };
        Outcome { status, is_free, begins, ..Outcome::of(body.unwrap_or_else(|_| unknown())) }
    }

    async fn take_up(
        &mut self,
        endpoint: Option<&Endpoint>,
        message: Message<'_>,
        now: Timestamp,
        ahead: ClockAhead,
    ) -> Outcome {
        let Some(endpoint) = endpoint else {
            return Outcome::error(&No::saying(-1020, "This operation is not supported."));
        };
        let clock = ahead.of(now);
        let caller = Caller { shared: &self.shared, address: self.address, logon: self.logon.as_ref(), now: clock };
        let account =
            tells_limits(message.parameters.get("returnRateLimits")).and_then(|_| caller.admit(endpoint, &message));
        match (account, endpoint.request()) {
            (Err(no), _) => Outcome::error(&no),
            (Ok(account), Some(_)) => self.call(endpoint, account, message, ahead).await,
            (Ok(account), None) => {
                self.manage(endpoint, account, &message, clock).unwrap_or_else(|no| Outcome::error(&no))
            }
        }
    }

    /// Has the handler answer that answers over REST.
    async fn call(&self, endpoint: &Endpoint, account: usize, message: Message<'_>, ahead: ClockAhead) -> Outcome {
        let (method, path) = endpoint.request().expect("asked before");
        let unheeded = unheeded(&message);
        let parameters = message.parameters.without(&[&OF_THE_REQUEST, unheeded].concat());
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = Uri::from_static(path);
        request.extensions_mut().insert(Arc::new(Admitted { parameters, unit: self.wishes.unit, account, ahead }));
        let response = self.handlers.clone().call(request).await.unwrap_or_else(|never| match never {});
        let (status, is_free) = (response.status().as_u16(), endpoint.is_free(&response));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
        match serde_json::from_slice(&body) {
            Ok(body) => self.with_counts(Outcome { status, is_free, ..Outcome::of(body) }, endpoint, account),
            // A page for browsers: nobody answers there.
            Err(_) => Outcome::error(&No::saying(-1020, "This operation is not supported.")),
        }
    }

    /// With the counts of unfilled orders where a request changes them, and how long they hold
    /// where there were too many.
    fn with_counts(&self, outcome: Outcome, endpoint: &Endpoint, account: usize) -> Outcome {
        if endpoint.unfilled == 0 {
            return outcome;
        }
        let exchange = self.shared.exchange();
        let (orders, now) = (exchange.unfilled_orders(account), exchange.now());
        let refusal = || serde_json::from_str::<Refusal>(outcome.body.get()).ok();
        let outcome = match Some(outcome.status).filter(|status| *status == 429).and_then(|_| refusal()) {
            Some(refusal) => self.later(429, &refusal, now, full_until(&orders, endpoint.unfilled, now)),
            None => outcome,
        };
        Outcome { orders, ..outcome }
    }

    /// What there is only here.
    fn manage(
        &mut self,
        endpoint: &Endpoint,
        account: usize,
        message: &Message<'_>,
        now: Timestamp,
    ) -> Result<Outcome, No> {
        match endpoint.method().unwrap_or_default() {
            "session.logon" => {
                let api_key = message.parameters.mandatory("apiKey")?.to_owned();
                self.logon = Some(Logon { api_key, since: now });
                Ok(Outcome::result(self.status(now)))
            }
            "session.status" => Ok(Outcome::result(self.status(now))),
            "session.logout" => {
                self.logon = None;
                self.unsubscribe(|known| known.is_of_session, now);
                Ok(Outcome::result(self.status(now)))
            }
            "session.subscriptions" => {
                let active = self.subscriptions.active().iter();
                Ok(Outcome::result(active.map(|known| json!({ "subscriptionId": known.id })).collect::<Vec<_>>()))
            }
            "userDataStream.subscribe" => self.subscribe(account, true),
            "userDataStream.subscribe.signature" => self.subscribe(account, false),
            "userDataStream.unsubscribe" => {
                let wanted = message.parameters.whole("subscriptionId")?;
                self.unsubscribe(|known| wanted.is_none_or(|wanted| wanted == u64::from(known.id)), now);
                Ok(Outcome::result(json!({})))
            }
            other => unreachable!("{other} is answered over REST"),
        }
    }

    fn status(&self, now: Timestamp) -> Value {
        let logon = self.logon.as_ref();
        json!({
            "apiKey": logon.map(|logon| &logon.api_key),
            "authorizedSince": logon.map(|logon| self.time(logon.since)),
            "connectedSince": self.time(self.connected),
            "returnRateLimits": self.wishes.tells_limits,
            "serverTime": self.time(now),
            "userDataStream": !self.subscriptions.active().is_empty(),
        })
    }

    fn subscribe(&mut self, account: usize, is_of_session: bool) -> Result<Outcome, No> {
        let begun = self.subscriptions.begin(account, is_of_session)?;
        Ok(Outcome { begins: Some(begun), ..Outcome::result(json!({ "subscriptionId": begun.id })) })
    }

    /// Ends those that are meant; each is told of its end before the request is answered.
    fn unsubscribe(&mut self, is_meant: impl Fn(&Subscription) -> bool, now: Timestamp) {
        let mut exchange = self.shared.exchange();
        for ended in self.subscriptions.end(is_meant) {
            exchange.audience.users.unsubscribe(ended.id, &self.outlet, now);
        }
    }

    fn time(&self, time: Timestamp) -> i64 {
        time_number(time, self.wishes.unit)
    }
}
