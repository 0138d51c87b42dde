//! `candlewick ingest --follow`: the loop around a follower, and how it stands on one line.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use candlewick_binance::market::{MarketClient, MarketStatus};
use candlewick_ingest::{Engine, Follower, Portal, Step, Trouble, is_exchange_info_due, store_exchange_info};
use candlewick_lake::Lake;
use candlewick_model::Timestamp;
use candlewick_model::time::{MINUTE, SECOND};
use indicatif::{ProgressBar, ProgressStyle};

use super::Arguments;
use super::metrics;
use crate::failure::{Failure, told};

/// The clock is looked at so often: a machine that slept, or a server whose time runs faster, is
/// noticed within it.
const TICK: Duration = Duration::from_millis(200);
/// Without a terminal, how it stands is told so often.
const TOLD_EVERY: i64 = 10 * MINUTE;
/// A snapshot of exchangeInfo that could not be taken is tried again after so long.
const SNAPSHOT_AGAIN: i64 = 10 * MINUTE;

/// Follows until the process is told to stop.
pub(super) async fn run(
    arguments: &Arguments,
    engine: &Engine<'_>,
    (portal, lake, client): (&Portal, &Lake, &MarketClient),
) -> Result<ExitCode, Failure> {
    if let Some(address) = arguments.metrics {
        metrics::serve(address)?;
    }
    let follower = Follower::new(engine, client, arguments.from());
    let mut following =
        Following { arguments, portal, lake, client, follower, line: Line::new(), snapshot_due: Timestamp::MIN };
    tokio::select! {
        ended = following.forever() => ended?,
        signal = super::super::stop() => following.line.say(&format!("{signal}: stopped; what is in the lake is whole")),
    }
    following.line.clear();
    Ok(ExitCode::SUCCESS)
}

struct Following<'a> {
    arguments: &'a Arguments,
    portal: &'a Portal,
    lake: &'a Lake,
    client: &'a MarketClient,
    follower: Follower<'a>,
    line: Line,
    snapshot_due: Timestamp,
}

impl Following<'_> {
    async fn forever(&mut self) -> Result<(), Failure> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Without the exchange's time nothing is known to be over.
        while let Err(error) = self.client.synchronise().await {
            self.line.say(&format!("error: {error}; trying again"));
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        loop {
            ticks.tick().await;
            if self.follower.is_due_for_archives() {
                self.find_targets().await?;
            }
            if let Some(step) = self.follower.step().await.map_err(Failure::usage)? {
                metrics::step(&step);
                self.line.tell(&step);
            }
            self.take_snapshot().await;
            let (now, status) = (self.client.server_time(), self.client.status());
            metrics::standing(&status, &self.follower, now);
            self.line.show(&status, &self.follower, now);
        }
    }

    /// Markets are listed and delisted while we follow.
    async fn find_targets(&mut self) -> Result<(), Failure> {
        match super::targets(self.arguments, self.portal, Some(self.client)).await {
            Ok(targets) => self.follower.set_targets(targets),
            Err(Failure::Outside(error)) => self.line.say(&format!("error: {}", told(&error))),
            Err(usage) => return Err(usage),
        }
        Ok(())
    }

    async fn take_snapshot(&mut self) {
        let now = self.client.server_time();
        if now < self.snapshot_due {
            return;
        }
        self.snapshot_due = now.plus(SNAPSHOT_AGAIN);
        match snapshot_once_a_day(self.client, self.lake).await {
            Ok(Some(name)) => self.line.say(&format!("exchangeInfo stored: {name}")),
            Ok(None) => {}
            Err(trouble) => self.line.say(&format!("error: {trouble}")),
        }
    }
}

/// Stores a snapshot of exchangeInfo if the last one is a day old, and gives its name.
pub(super) async fn snapshot_once_a_day(client: &MarketClient, lake: &Lake) -> Result<Option<String>, Trouble> {
    if !is_exchange_info_due(lake, client.server_time())? {
        return Ok(None);
    }
    store_exchange_info(client, lake).await.map(|(name, _)| Some(name))
}

/// One line on a terminal that is always true; elsewhere lines from time to time.
struct Line {
    bar: Option<ProgressBar>,
    told: Option<Timestamp>,
    has_failed: bool,
}

impl Line {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { bar, told: None, has_failed: false }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn clear(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }

    /// Notes and troubles of a step. What goes on failing is told once, and when it is over.
    fn tell(&mut self, step: &Step) {
        let mut has_failed = false;
        for (target, outcome) in &step.outcomes {
            outcome.notes.iter().for_each(|note| self.say(&format!("note: {note}")));
            for text in &outcome.contradictions {
                self.say(&format!("error: {target}: sources contradict each other: {text}"));
            }
            for trouble in &outcome.troubles {
                if !(self.has_failed || has_failed) || !trouble.is_outside() {
                    self.say(&format!("error: {target}: {trouble}; trying again"));
                }
                has_failed |= trouble.is_outside();
            }
        }
        if self.has_failed && !has_failed {
            self.say("it works again");
        }
        self.has_failed = has_failed;
        if step.with_archives {
            let archives: usize = step.outcomes.iter().map(|(_, outcome)| outcome.archives).sum();
            let bars: u64 = step.outcomes.iter().map(|(_, outcome)| outcome.rest_bars).sum();
            if archives > 0 {
                self.say(&format!("{archives} archives and {bars} bars over REST taken"));
            }
        }
    }

    fn show(&mut self, status: &MarketStatus, follower: &Follower<'_>, now: Timestamp) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(line(status, follower, now));
                bar.tick();
            }
            None if self.told.is_none_or(|told| now.micros() - told.micros() >= TOLD_EVERY) => {
                self.told = Some(now);
                eprintln!("{now} {}", line(status, follower, now));
            }
            None => {}
        }
    }
}

fn line(status: &MarketStatus, follower: &Follower<'_>, now: Timestamp) -> String {
    let lags: Vec<_> = follower.lags().collect();
    let worst = lags.iter().max_by_key(|(_, lag)| *lag);
    let behind = worst.map_or("nothing in the lake yet".to_owned(), |(series, lag)| {
        format!("{} series, at most {} behind ({series})", lags.len(), span(*lag))
    });
    let weight = status.windows.first().map_or(String::new(), |w| format!("weight {} of {}", w.used, w.allowed));
    let mut line = format!("{behind} · {weight} · {} requests, {} again", status.requests, status.retries);
    if status.limited + status.bans > 0 {
        line += &format!(" · {} × 429, {} × 418", status.limited, status.bans);
    }
    if let Some((until, is_ban)) = status.blocked {
        line += &format!(" · {} until {until}", if is_ban { "banned" } else { "waiting" });
    }
    if status.rain_percent < 100 {
        line += &format!(" · {} % of the budget", status.rain_percent);
    }
    let next = follower.next_due();
    if next < Timestamp::MAX {
        line += &format!(" · next in {}", span((next.micros() - now.micros()).max(0)));
    }
    line
}

fn span(micros: i64) -> String {
    match micros / SECOND {
        s @ ..120 => format!("{s} s"),
        s @ ..7_200 => format!("{} min", s / 60),
        s @ ..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}
