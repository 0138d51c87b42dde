//! How time goes on between the things that a run has handled.
//!
//! In lock step the local exchange moves its own time when it is told to; in real time one
//! waits. Everything else in a run is the same.

use std::time::Duration;

use candlewick_binance::rest::{Rest, RestError};
use candlewick_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::LiveError;
use crate::clock::ClockHand;

/// Where time comes from.
#[derive(Debug)]
pub enum Pace {
    /// From the local exchange, step by step.
    LockStep(LockStep),
    /// From the wall.
    RealTime,
}

/// What has to be looked at after time went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) now: Timestamp,
    /// How often orders changed; `None` if that is not told.
    pub(crate) reports: Option<usize>,
    /// Whether bars may have closed.
    pub(crate) bars: bool,
    pub(crate) ended: bool,
}

/// In real time own trades are asked for so often while orders are open: two requests, 26 of
/// the 6,000 units of weight a minute.
const POLL: Duration = Duration::from_secs(2);
/// A bar is asked for so long after its close, so that the exchange has it.
const SETTLING: Duration = Duration::from_millis(400);

/// The control call of the local exchange.
#[derive(Debug)]
pub struct LockStep {
    http: reqwest::Client,
    url: String,
    hand: ClockHand,
}

#[derive(Serialize)]
struct Step {
    until: Option<i64>,
}

#[derive(Deserialize)]
struct Stepped {
    time: i64,
    reports: usize,
    bars: usize,
    ended: bool,
}

impl LockStep {
    pub(crate) fn new(base_url: &str, hand: ClockHand) -> Result<Self, LiveError> {
        let url = format!("{}/control/step", base_url.trim_end_matches('/'));
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build();
        let http = http.map_err(|source| failed("set up the control call", source))?;
        Ok(Self { http, url, hand })
    }

    async fn step(&self, until: Option<Timestamp>) -> Result<Stepped, LiveError> {
        let step = Step { until: until.map(Timestamp::micros) };
        let lost = |source| failed("POST /control/step", source);
        let response = self.http.post(&self.url).json(&step).send().await.map_err(lost)?;
        let response = response.error_for_status().map_err(lost)?;
        response.json().await.map_err(lost)
    }
}

fn failed(what: &str, source: reqwest::Error) -> LiveError {
    RestError::Transport { what: what.to_owned(), source }.into()
}

impl Pace {
    /// The server's time: the local exchange's, or the wall's with the measured difference.
    pub(crate) async fn now(&self, rest: &Rest) -> Result<Timestamp, LiveError> {
        match self {
            Self::LockStep(lock_step) => {
                let now = rest.time().await?;
                lock_step.hand.put(now);
                Ok(now)
            }
            Self::RealTime => Ok(rest.server_time()),
        }
    }

    /// Learns that the server's time is at least this.
    pub(crate) fn learn(&self, now: Timestamp) {
        if let Self::LockStep(lock_step) = self {
            lock_step.hand.put(now);
        }
    }

    /// Measures the server's time anew, after it refused a timestamp.
    pub(crate) async fn synchronise(&self, rest: &Rest) -> Result<Timestamp, LiveError> {
        match self {
            Self::LockStep(_) => self.now(rest).await,
            Self::RealTime => Ok(rest.synchronise().await?),
        }
    }

    /// Lets time go on to the next instant at which something may have happened, not beyond
    /// `timer`. `bar_close` is when the running bar closes, as far as that is known.
    pub(crate) async fn go_on(
        &self,
        rest: &Rest,
        timer: Option<Timestamp>,
        bar_close: Timestamp,
        orders_open: bool,
    ) -> Result<Moved, LiveError> {
        match self {
            Self::LockStep(lock_step) => {
                let Stepped { time, reports, bars, ended } = lock_step.step(timer).await?;
                let now = Timestamp::from_micros(time);
                lock_step.hand.put(now);
                Ok(Moved { now, reports: Some(reports), bars: bars > 0, ended })
            }
            Self::RealTime => {
                let now = rest.server_time();
                let until = timer.map_or(bar_close, |timer| timer.min(bar_close));
                let micros = u64::try_from(until.micros().saturating_sub(now.micros())).unwrap_or(0);
                let wait = Duration::from_micros(micros) + SETTLING;
                tokio::time::sleep(if orders_open { wait.min(POLL) } else { wait }).await;
                let now = rest.server_time();
                Ok(Moved { now, reports: None, bars: now > bar_close, ended: false })
            }
        }
    }
}
