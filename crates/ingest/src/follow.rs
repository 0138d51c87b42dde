//! Keeping a lake current: bars over REST as they close, archives as they come out.
//!
//! For: what is due when, and doing it. Not for: sleeping until then, signals, and showing how
//! things stand, which is the caller's. Nothing here ends the following: what fails is told and
//! is due again soon.

use std::sync::atomic::{AtomicBool, Ordering};

use candlewick_lake::SeriesName;
use candlewick_model::time::{DAY, HOUR, SECOND};
use candlewick_model::{Interval, Period, Timestamp};
use futures_util::{StreamExt, stream};

use crate::outcome::Outcome;
use crate::plan::{PlanError, Span, Target};
use crate::rest::BarSource;
use crate::run::Engine;
use crate::series::SeriesRun;

/// The exchange needs a moment to close a bar, and a bar counts as closed a second after.
const GRACE: i64 = 2 * SECOND;
/// Archives are looked for so often.
const ARCHIVES_EVERY: i64 = HOUR;
/// What failed is tried again after so long.
const AGAIN: i64 = 10 * SECOND;
/// Without a new bar for so long a market is asked once an hour: it is halted, or gone.
const RESTING: i64 = DAY;

/// Follows some targets.
pub struct Follower<'a> {
    engine: &'a Engine<'a>,
    rest: &'a dyn BarSource,
    from: Period,
    targets: Vec<Target>,
    series: Vec<Followed>,
    archives_due: Timestamp,
}

/// A series that is followed.
#[derive(Debug, Clone, Copy)]
struct Followed {
    name: SeriesName,
    /// When its next bar may be there.
    due: Timestamp,
    /// Up to when the lake has its bars.
    until: Option<Timestamp>,
}

/// What was done at one time.
#[derive(Debug)]
pub struct Step {
    /// Whether archives were looked for too; else only the ends of series were asked for.
    pub with_archives: bool,
    /// What became of each target.
    pub outcomes: Vec<(Target, Outcome)>,
}

impl<'a> Follower<'a> {
    /// Everything is due at first.
    #[must_use]
    pub fn new(engine: &'a Engine<'a>, rest: &'a dyn BarSource, from: Period) -> Self {
        let long_ago = Timestamp::MIN;
        Self { engine, rest, from, targets: Vec::new(), series: Vec::new(), archives_due: long_ago }
    }

    /// What is followed from now on.
    pub fn set_targets(&mut self, targets: Vec<Target>) {
        let known = std::mem::take(&mut self.series);
        let followed = |name: SeriesName| {
            let before = known.iter().find(|followed| followed.name == name);
            before.copied().unwrap_or(Followed { name, due: Timestamp::MIN, until: None })
        };
        self.series = targets.iter().filter_map(Target::bars).map(followed).collect();
        self.targets = targets;
    }

    /// Whether the next step looks for archives.
    #[must_use]
    pub fn is_due_for_archives(&self) -> bool {
        self.rest.server_time() >= self.archives_due
    }

    /// When there is something to do next.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        self.series.iter().map(|followed| followed.due).min().unwrap_or(Timestamp::MAX).min(self.archives_due)
    }

    /// How far behind the present each series is, in microseconds: the age of the end of its
    /// last bar. Series without bars are left out.
    pub fn lags(&self) -> impl Iterator<Item = (SeriesName, i64)> {
        let now = self.rest.server_time();
        self.series.iter().filter_map(move |one| Some((one.name, (now.micros() - one.until?.micros()).max(0))))
    }

    /// Does what is due; nothing if nothing is.
    pub async fn step(&mut self) -> Result<Option<Step>, PlanError> {
        let now = self.rest.server_time();
        // A disk that was full may have room again.
        self.engine.hope_again();
        if now >= self.archives_due {
            let span = Span::until_now(self.from, now)?;
            let outcomes = self.engine.ingest(&self.targets, &span).await;
            let has_failed = outcomes.iter().any(|(_, outcome)| !outcome.troubles.is_empty() || outcome.untried > 0);
            let wait = if has_failed { ARCHIVES_EVERY / 12 } else { ARCHIVES_EVERY };
            self.archives_due = self.rest.server_time().plus(wait);
            for followed in &mut self.series {
                followed.until = self.engine.until(followed.name).or(followed.until);
                followed.plan(now, false);
            }
            return Ok(Some(Step { with_archives: true, outcomes }));
        }
        let due: Vec<usize> = (0..self.series.len()).filter(|at| self.series[*at].due <= now).collect();
        if due.is_empty() {
            return Ok(None);
        }
        let outcomes = self.tails(&due, now).await;
        Ok(Some(Step { with_archives: false, outcomes }))
    }

    /// Asks for the ends of some series. Once one was not answered, the others need not wait for
    /// that too.
    async fn tails(&mut self, due: &[usize], now: Timestamp) -> Vec<(Target, Outcome)> {
        let (engine, rest, is_lost) = (self.engine, self.rest, AtomicBool::new(false));
        let names: Vec<_> = due.iter().map(|at| self.series[*at]).collect();
        let tail = |followed: Followed| {
            let is_lost = &is_lost;
            async move {
                if is_lost.load(Ordering::Relaxed) || engine.is_lake_broken() {
                    return Outcome { untried: 1, ..Outcome::default() };
                }
                let outcome = engine.tail(followed, rest, now).await;
                is_lost.fetch_or(!outcome.troubles.is_empty(), Ordering::Relaxed);
                outcome
            }
        };
        let outcomes: Vec<_> = stream::iter(names).map(tail).buffered(engine.targets_at_a_time).collect().await;
        for (at, outcome) in due.iter().zip(&outcomes) {
            let followed = &mut self.series[*at];
            if outcome.rest_bars > 0 {
                followed.until = engine.until(followed.name).or(followed.until);
            }
            followed.plan(now, !outcome.troubles.is_empty() || outcome.untried > 0);
        }
        due.iter().map(|at| Target::of(self.series[*at].name)).zip(outcomes).collect()
    }
}

impl Followed {
    /// When it is due after it was asked for.
    fn plan(&mut self, now: Timestamp, has_failed: bool) {
        let interval: Interval = self.name.interval;
        let regular = interval.next_open(interval.open_at(now)).plus(GRACE);
        // The lake's next bar opens where the last one ended.
        let next_closes = |until: Timestamp| interval.next_open(until).plus(GRACE);
        self.due = match self.until {
            _ if has_failed => now.plus(AGAIN),
            Some(until) if now.micros() - until.micros() > RESTING.max(3 * length(interval)) => {
                regular.max(now.plus(HOUR))
            }
            Some(until) if next_closes(until) > now => next_closes(until),
            // The exchange was late with it.
            Some(_) => regular.min(now.plus(AGAIN)),
            None => now.plus(HOUR),
        };
    }
}

fn length(interval: Interval) -> i64 {
    interval.micros().unwrap_or(31 * DAY)
}

impl Engine<'_> {
    /// Up to when the lake has bars of a series.
    fn until(&self, series: SeriesName) -> Option<Timestamp> {
        let last = self.lake.last_open(&series).ok()??;
        Some(series.interval.next_open(last))
    }

    /// What has closed since the lake's last bar.
    async fn tail(&self, followed: Followed, rest: &dyn BarSource, now: Timestamp) -> Outcome {
        let midnight = |at: Timestamp| Period::day_of(at).range().start;
        let from = midnight(followed.until.unwrap_or(now).min(now));
        let span = Span { days: from..midnight(now), end: now };
        let mut outcome = Outcome::default();
        let filled = match SeriesRun::begin(self, followed.name) {
            Ok(run) => run.fill(rest, &span, &mut outcome).await,
            Err(trouble) => Err(trouble),
        };
        outcome.troubles.extend(filled.err());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::Symbol;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_due_when() {
        let now = at("2023-02-03T07:30:10Z");
        for (interval, until, has_failed, due) in [
            (Interval::OneMinute, Some("2023-02-03T07:30:00Z"), false, "2023-02-03T07:31:02Z"),
            (Interval::OneMinute, Some("2023-02-03T07:30:00Z"), true, "2023-02-03T07:30:20Z"),
            (Interval::OneMinute, Some("2023-02-03T07:29:00Z"), false, "2023-02-03T07:30:20Z"),
            (Interval::OneMinute, Some("2023-02-03T07:29:09Z"), false, "2023-02-03T07:30:11Z"),
            (Interval::OneHour, Some("2023-02-03T07:00:00Z"), false, "2023-02-03T08:00:02Z"),
            (Interval::OneMonth, Some("2023-02-01T00:00:00Z"), false, "2023-03-01T00:00:02Z"),
            (Interval::OneMinute, Some("2023-02-01T00:00:00Z"), false, "2023-02-03T08:30:10Z"),
            (Interval::OneMinute, None, false, "2023-02-03T08:30:10Z"),
        ] {
            let name = SeriesName { symbol: Symbol::new("A").unwrap(), interval };
            let mut followed = Followed { name, due: Timestamp::MIN, until: until.map(at) };
            followed.plan(now, has_failed);
            assert_eq!(followed.due, at(due), "{interval} until {until:?}");
        }
    }
}
