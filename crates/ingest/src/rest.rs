//! The tail of a series, and the holes in archives, from REST.
//!
//! For: which times are asked for, and how the answers go into the lake. Not for: pages, weights
//! and retries (whoever implements [`BarSource`]).

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;

use candlewick_lake::{Chunk, Hole, HoleKind, SeriesName, Source, SourceState, content_sha256};
use candlewick_model::{Bars, Period, Timestamp};

use crate::error::Trouble;
use crate::outcome::Outcome;
use crate::plan::Span;
use crate::series::SeriesRun;

/// The path that stands for REST in a file's provenance.
pub const REST_PATH: &str = "api/v3/klines";

/// The exchange's code for a symbol that it does not know.
const UNKNOWN_MARKET: i32 = -1121;

/// Closed bars of a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paged {
    /// All of them, in order.
    pub bars: Bars,
    /// The open times that this is the whole answer for: the range as far as its bars are closed.
    pub answered: Range<Timestamp>,
}

/// A promise of closed bars.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Paged, Trouble>> + Send + 'a>>;

/// Whoever can be asked for closed bars.
pub trait BarSource: Send + Sync {
    /// All closed bars that open within a range.
    fn closed_bars(&self, series: SeriesName, range: Range<Timestamp>) -> Answer<'_>;
    /// What time it is there.
    fn server_time(&self) -> Timestamp;
}

impl SeriesRun<'_> {
    /// Asks for what no archive has, puts it into the lake, and takes back from `outcome` what
    /// was absent and is now answered for.
    pub(crate) async fn fill(&self, rest: &dyn BarSource, span: &Span, outcome: &mut Outcome) -> Result<(), Trouble> {
        let past = span.past(rest.server_time());
        if past.is_empty() {
            return Ok(());
        }
        let holes = self.engine.lake.holes(&self.series, past.clone())?;
        let first_bar = self.engine.lake.first_open(&self.series)?;
        let mut answered = Vec::new();
        for range in joined(holes) {
            // Before the first bar the market was not there; where there is none at all, the
            // answer begins with its first bar.
            if first_bar.is_some_and(|first| range.end <= first) {
                continue;
            }
            for part in by_month(range) {
                let is_tail = part.end == past.end;
                match rest.closed_bars(self.series, part.clone()).await {
                    Ok(paged) => {
                        answered.push(part);
                        self.take(paged, first_bar, is_tail, outcome).await?;
                    }
                    Err(Trouble::Refused { refusal, .. }) if refusal.code == UNKNOWN_MARKET => {
                        return self.is_gone(outcome);
                    }
                    Err(trouble) => {
                        outcome.troubles.push(trouble);
                        break;
                    }
                }
            }
        }
        let still = self.engine.lake.holes(&self.series, past)?;
        let is_open = |period: &Period| {
            let overlaps = |a: &Range<Timestamp>| a.start < period.range().end && period.range().start < a.end;
            let is_answered = answered.iter().any(overlaps);
            !is_answered && still.iter().any(|hole| hole.kind == HoleKind::Unanswered && overlaps(&hole.range))
        };
        outcome.absent.retain(is_open);
        Ok(())
    }

    /// The exchange knows no such market, or no more: what comes after its last archive is not
    /// missing. Without any archive it is the user's mistake, and all stays absent.
    fn is_gone(&self, outcome: &mut Outcome) -> Result<(), Trouble> {
        let symbol = self.series.symbol;
        let Some(last) = self.engine.lake.last_open(&self.series)? else {
            outcome.notes.push(format!("the exchange knows no market {symbol}"));
            return Ok(());
        };
        outcome.absent.retain(|period| period.range().start <= last);
        outcome.notes.push(format!(
            "the exchange knows no market {symbol} any more: archives are all there is, the last bar opens at {last}"
        ));
        Ok(())
    }

    /// Puts an answer into the lake. Without bars at its end it says nothing that will last: the
    /// archives of these days are still to come, or the market is gone.
    async fn take(
        &self,
        paged: Paged,
        first_bar: Option<Timestamp>,
        is_tail: bool,
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let Paged { bars, mut answered } = paged;
        let next = bars.open_time.last().map(|last| self.series.interval.next_open(last));
        if is_tail || first_bar.is_none() {
            let (Some(first), Some(next)) = (bars.open_time.first(), next) else { return Ok(()) };
            answered.end = answered.end.min(next);
            if first_bar.is_none() {
                answered.start = answered.start.max(first);
            }
        }
        if answered.is_empty() {
            return Ok(());
        }
        outcome.rest_bars += bars.len() as u64;
        outcome.look_at(&bars);
        let written = self.put(vec![chunk_of(Paged { bars, answered })]).await?;
        outcome.written_bytes += written.bytes;
        outcome.contradictions.extend(written.contradictions.iter().map(ToString::to_string));
        Ok(())
    }
}

/// An answer as the lake takes it.
pub(crate) fn chunk_of(Paged { bars, answered }: Paged) -> Chunk {
    let source = Source {
        path: REST_PATH.to_owned(),
        sha256: content_sha256(&bars),
        published_sha256: None,
        state: SourceState::Rest,
        time_unit: None,
        rows: bars.len(),
        from: answered.start,
        to: answered.end,
    };
    Chunk { bars, source }
}

/// The ranges of holes, whoever told them; neighbours as one.
fn joined(holes: Vec<Hole>) -> Vec<Range<Timestamp>> {
    let mut ranges: Vec<Range<Timestamp>> = Vec::new();
    for Hole { range, .. } in holes {
        match ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }
    ranges
}

/// Cuts a range at the ends of months, so that what is held in memory does not grow with it.
pub(crate) fn by_month(range: Range<Timestamp>) -> impl Iterator<Item = Range<Timestamp>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let part = at..Period::day_of(at).month().range().end.min(range.end);
        at = part.end;
        (!part.is_empty()).then_some(part)
    })
}
