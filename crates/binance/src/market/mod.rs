//! Market data over REST: several hosts of one exchange, one weight budget, patience.
//!
//! For: public GET requests that must arrive in the end: waiting for the budget, for the end of
//! a ban, for a server that stumbles, going on to the next host. Not for: orders (`rest`), nor
//! for which bars are wanted (ingest).

mod attempt;
mod pace;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use candlewick_model::time::{MINUTE, SECOND};
use candlewick_model::{Bar, Interval, Symbol, Timestamp};
use tokio::sync::Semaphore;

use crate::rest::{KlineRange, RestError};
use crate::weight::{Decision, Limit, SharedBudget, WindowStatus, limits_of};
use crate::wire::{Kline, ServerTime, bars_of_page, time};
use attempt::{Attempt, Failed};
use pace::Jitter;
pub use pace::Pace;

/// The exchange's hosts for market data, the ones without accounts first.
pub const HOSTS: [&str; 4] = [
    "https://data-api.binance.vision",
    "https://api.binance.com",
    "https://api-gcp.binance.com",
    "https://api1.binance.com",
];

/// Requests on their way at a time in fair weather.
const CONCURRENCY: u32 = 8;
/// Tries at one host, some fifteen seconds in all.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The clock's offset is measured again after so long.
const OFFSET_AGE: i64 = 30 * MINUTE;

/// Is told what takes longer than usual: bans, servers that fail.
pub type Told = Box<dyn Fn(&str) + Send + Sync>;

/// What a client is made of.
pub struct MarketOptions {
    /// Base URLs, tried in this order.
    pub hosts: Vec<String>,
    /// Of the exchange's limits, the part that may be used, in percent.
    pub share_percent: u8,
    /// Where budgets of this machine are kept ([`crate::weight::budget_folder`]).
    pub budget_folder: PathBuf,
    /// One more certificate (PEM) to trust.
    pub certificate: Option<Vec<u8>>,
    /// The local clock and how fast it goes.
    pub pace: Pace,
    /// Who is told what takes longer.
    pub told: Told,
}

/// A client for market data.
pub struct MarketClient {
    hosts: Vec<String>,
    http: reqwest::Client,
    budget: SharedBudget,
    pace: Pace,
    told: Told,
    slots: Semaphore,
    jitter: Jitter,
    /// The host that answered last.
    host: AtomicU64,
    offset_us: AtomicI64,
    measured: AtomicI64,
    /// Whether the limits were asked for.
    knows_limits: AtomicBool,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    retries: AtomicU64,
    limited: AtomicU64,
    bans: AtomicU64,
}

/// How a client is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketStatus {
    /// The limits and what is used of them.
    pub windows: Vec<WindowStatus>,
    /// Requests that were sent.
    pub requests: u64,
    /// Those that were sent again.
    pub retries: u64,
    /// Answers 429.
    pub limited: u64,
    /// Answers 418.
    pub bans: u64,
    /// Until when nobody sends, and whether that is a ban.
    pub blocked: Option<(Timestamp, bool)>,
    /// What is left in the rain, in percent.
    pub rain_percent: u8,
    /// Server time minus local time, in microseconds.
    pub offset_us: i64,
}

impl MarketClient {
    /// A client. Nothing is sent yet.
    pub fn new(options: MarketOptions) -> Result<Self, RestError> {
        let MarketOptions { hosts, share_percent, budget_folder, certificate, pace, told } = options;
        let hosts: Vec<String> = hosts.iter().map(|host| host.trim_end_matches('/').to_owned()).collect();
        let http = attempt::http(&hosts, certificate.as_deref())?;
        let (budget, error) = SharedBudget::open(&budget_folder, &exchange_of(&hosts), share_percent);
        if let Some(error) = error {
            told(&format!(
                "{}: {error}; the request weight is not shared with other processes",
                budget_folder.display()
            ));
        }
        let jitter = Jitter::new(pace.now().micros());
        Ok(Self {
            hosts,
            http,
            budget,
            pace,
            told,
            slots: Semaphore::new(CONCURRENCY as usize),
            jitter,
            host: AtomicU64::new(0),
            offset_us: AtomicI64::new(0),
            measured: AtomicI64::new(i64::MIN),
            knows_limits: AtomicBool::new(false),
            counts: Counts::default(),
        })
    }

    /// The server's time as far as it is known.
    #[must_use]
    pub fn server_time(&self) -> Timestamp {
        self.pace.now().plus(self.offset_us.load(Ordering::Relaxed))
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> MarketStatus {
        let now = self.server_time();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (windows, blocked, rain_percent) =
            self.budget.with(|budget| (budget.status(now), budget.blocked(now), budget.percent(now)));
        MarketStatus {
            windows,
            requests: count(&self.counts.requests),
            retries: count(&self.counts.retries),
            limited: count(&self.counts.limited),
            bans: count(&self.counts.bans),
            blocked,
            rain_percent,
            offset_us: self.offset_us.load(Ordering::Relaxed),
        }
    }

    /// Measures how far the server's clock is from the local one. The answer is taken to have been
    /// made halfway between question and arrival.
    pub async fn synchronise(&self) -> Result<Timestamp, RestError> {
        let asked = self.pace.now();
        let what = "GET /api/v3/time";
        let read = |answer: &[u8]| {
            let ServerTime { server_time } = parse(what, answer)?;
            time(server_time).ok_or_else(|| implausible(what, "serverTime"))
        };
        let server = self.get("/api/v3/time", "", 1, read).await?;
        let arrived = self.pace.now();
        let halfway = asked.micros() + (arrived.micros() - asked.micros()) / 2;
        // An answer that waited for a ban to end says little about now.
        if self.measured.load(Ordering::Relaxed) == i64::MIN || arrived.micros() - asked.micros() < 5 * SECOND {
            self.offset_us.store(server.micros() - halfway, Ordering::Relaxed);
            self.measured.store(arrived.micros(), Ordering::Relaxed);
        }
        Ok(server)
    }

    /// Measures the clock again if that was long ago, or if the machine slept.
    async fn keep_time(&self) -> Result<(), RestError> {
        let measured = self.measured.load(Ordering::Relaxed);
        let now = self.pace.now().micros();
        if measured == i64::MIN || !(0..OFFSET_AGE).contains(&now.saturating_sub(measured)) {
            self.synchronise().await?;
        }
        Ok(())
    }

    /// Asks once what the limits are. Where that cannot be told it goes by the ones that it knows.
    async fn ask_limits(&self) {
        if self.knows_limits.swap(true, Ordering::Relaxed) {
            return;
        }
        // The smallest answer that names the limits is that for one symbol.
        match self.get("/api/v3/exchangeInfo", "symbol=BTCUSDT", 20, |info| Ok(limits_of(info).ok())).await {
            Ok(limits) => self.learn_limits(limits),
            Err(RestError::Refused(_)) => {}
            Err(error) => (self.told)(&format!("{error}; the request limits are taken for the lowest there ever were")),
        }
    }

    fn learn_limits(&self, limits: Option<Vec<Limit>>) {
        if let Some(limits) = limits.filter(|limits| !limits.is_empty()) {
            self.budget.with(|budget| {
                if budget.limits() != limits {
                    budget.set_limits(&limits);
                }
            });
        }
    }

    /// The whole answer of exchangeInfo.
    pub async fn exchange_info(&self) -> Result<String, RestError> {
        let what = "GET /api/v3/exchangeInfo";
        let read = |answer: &[u8]| {
            parse::<serde::de::IgnoredAny>(what, answer)?;
            let text = std::str::from_utf8(answer).map_err(|_| implausible(what, "the text"))?;
            Ok((text.to_owned(), limits_of(answer).ok()))
        };
        let (text, limits) = self.get("/api/v3/exchangeInfo", "", 20, read).await?;
        self.learn_limits(limits);
        Ok(text)
    }

    /// Bars, oldest first. The last one may still be open.
    pub async fn klines(&self, symbol: Symbol, interval: Interval, range: KlineRange) -> Result<Vec<Bar>, RestError> {
        self.keep_time().await?;
        self.ask_limits().await;
        let what = "GET /api/v3/klines";
        let mut pairs = vec![("symbol", symbol.to_string()), ("interval", interval.rest_name().to_owned())];
        pairs.extend(range.start.map(|start| ("startTime", start.millis().to_string())));
        pairs.extend(range.end.map(|end| ("endTime", end.millis().to_string())));
        pairs.extend(range.limit.map(|limit| ("limit", limit.to_string())));
        let query = crate::signing::query_string(pairs.iter().map(|(name, value)| (*name, value.as_str())));
        let read = |answer: &[u8]| {
            if let Some(bars) = bars_of_page(answer) {
                return Ok(bars);
            }
            let rows: Vec<Kline> = parse(what, answer)?;
            rows.iter().map(|row| row.bar().ok_or_else(|| implausible(what, "a row"))).collect()
        };
        self.get("/api/v3/klines", &query, 2, read).await
    }

    /// Asks until there is an answer that can be read, or a no, at one host after the other.
    async fn get<T>(
        &self,
        path: &'static str,
        query: &str,
        weight: u64,
        read: impl Fn(&[u8]) -> Result<T, RestError>,
    ) -> Result<T, RestError> {
        let first = self.host.load(Ordering::Relaxed) as usize;
        let mut last = None;
        for n in 0..self.hosts.len() {
            let at = (first + n) % self.hosts.len();
            match self.get_at(at, path, query, weight, &read).await {
                Err(error @ RestError::Refused(_)) => return Err(error),
                Err(error) => {
                    if n + 1 < self.hosts.len() {
                        (self.told)(&format!("{}: {error}; going on to the next host", self.hosts[at]));
                    }
                    last = Some(error);
                }
                Ok(answer) => {
                    self.host.store(at as u64, Ordering::Relaxed);
                    return Ok(answer);
                }
            }
        }
        Err(last.unwrap_or_else(|| implausible("a request", "a list without hosts")))
    }

    async fn get_at<T>(
        &self,
        host: usize,
        path: &'static str,
        query: &str,
        weight: u64,
        read: impl Fn(&[u8]) -> Result<T, RestError>,
    ) -> Result<T, RestError> {
        let url = if query.is_empty() {
            format!("{}{path}", self.hosts[host])
        } else {
            format!("{}{path}?{query}", self.hosts[host])
        };
        let mut wait = FIRST_WAIT;
        let mut tries = 0;
        loop {
            let slot = self.slot().await;
            self.admitted(weight).await;
            let sent = self.server_time();
            self.counts.requests.fetch_add(1, Ordering::Relaxed);
            let Attempt { used, result } = attempt::get(&self.http, path, &url).await;
            let now = self.server_time();
            if !used.is_empty() {
                self.budget.with(|b| used.iter().for_each(|(window, used)| b.told(*window, *used, sent, now)));
            }
            // What cannot be read may have been cut short or spoilt on its way.
            let read = |body: Bytes| read(&body).map_err(|error| Failed::Passing { error, is_server: false });
            let error = match result.and_then(read) {
                Ok(answer) => return Ok(answer),
                Err(Failed::Limited { is_ban, retry_after_us }) => {
                    drop(slot);
                    self.limited(is_ban, retry_after_us, sent, now);
                    continue;
                }
                Err(Failed::No(error)) => return Err(error),
                Err(Failed::Passing { error, is_server }) => {
                    if is_server {
                        self.budget.with(|b| b.failed(now));
                    }
                    error
                }
            };
            tries += 1;
            if tries == TRIES {
                return Err(error);
            }
            self.counts.retries.fetch_add(1, Ordering::Relaxed);
            drop(slot);
            tokio::time::sleep(self.jitter.below(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// A place among the requests on their way. In the rain each takes several.
    async fn slot(&self) -> tokio::sync::SemaphorePermit<'_> {
        let now = self.server_time();
        let places = CONCURRENCY / self.budget.with(|b| b.concurrency(CONCURRENCY, now));
        self.slots.acquire_many(places.clamp(1, CONCURRENCY)).await.expect("never closed")
    }

    /// Waits until the budget lets a request go.
    async fn admitted(&self, weight: u64) {
        loop {
            let now = self.server_time();
            match self.budget.with(|budget| budget.ask(weight, now)) {
                Decision::Go => return,
                Decision::Wait(until) => self.pace.sleep(until.micros() - now.micros()).await,
            }
        }
    }

    fn limited(&self, is_ban: bool, retry_after_us: i64, sent: Timestamp, now: Timestamp) {
        let until = now.plus(retry_after_us);
        let (count, what) = if is_ban {
            (&self.counts.bans, "this address is banned (418)")
        } else {
            (&self.counts.limited, "over the request limit (429)")
        };
        count.fetch_add(1, Ordering::Relaxed);
        let is_news = self.budget.with(|b| {
            let before = b.blocked(now).map_or(now, |(until, _)| until);
            b.limited(is_ban, retry_after_us, sent, now);
            until > before.plus(SECOND)
        });
        if is_news {
            (self.told)(&format!(
                "{what}: nothing is sent until {until}, then it goes on by itself, with half the budget at first"
            ));
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(what: &str, answer: &[u8]) -> Result<T, RestError> {
    serde_json::from_slice(answer).map_err(|e| RestError::Answer { what: what.to_owned(), reason: e.to_string() })
}

fn implausible(what: &str, which: &str) -> RestError {
    RestError::Answer { what: what.to_owned(), reason: format!("{which} is not plausible") }
}

/// Whose budget it is: all hosts of the exchange count one address together, a server of one's
/// own for itself.
fn exchange_of(hosts: &[String]) -> String {
    let host = hosts.first().map_or("", |host| host.split("://").nth(1).unwrap_or(host));
    let name = host.split('/').next().unwrap_or(host);
    let is_real = [".binance.com", "data-api.binance.vision"].iter().any(|end| name.ends_with(end));
    if is_real { "binance.com".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_budget() {
        for (host, expected) in [
            ("https://api.binance.com", "binance.com"),
            ("https://data-api.binance.vision", "binance.com"),
            ("https://testnet.binance.vision", "testnet.binance.vision"),
            ("http://127.0.0.1:8420", "127.0.0.1:8420"),
        ] {
            assert_eq!(exchange_of(&[host.to_owned()]), expected);
        }
    }
}
