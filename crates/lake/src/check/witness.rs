//! What other series of the lake say of a time in which one has no bars.
//!
//! A market stood still where it has no bars although its sources answer for the time, or none
//! with volume. A market that often rests says nothing by resting.

use std::ops::Range;

use candlewick_model::{Symbol, Timestamp};

use super::quiet::Quiet;
use crate::layout::SeriesName;
use crate::ranges::{Ranges, common};

/// One series as a witness.
#[derive(Debug)]
pub(super) struct Witness {
    series: SeriesName,
    /// From its first bar to the end of its last one.
    pub(super) span: Range<Timestamp>,
    /// In which it stood still, joined, in order.
    silences: Vec<Range<Timestamp>>,
    /// In which nothing is known of it.
    unknown: Ranges,
    /// Whether bars outside of silences mean that it traded.
    is_busy: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Opinion {
    Still,
    Traded,
}

/// What the others say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Other markets that stood still.
    pub(super) still: usize,
    /// Other markets that traded.
    pub(super) traded: usize,
    /// A series of the same market that has trades, if there is one.
    pub(super) own_trades: Option<SeriesName>,
}

impl Verdict {
    /// An outage of the exchange: others stood still, and hardly any did not.
    pub(super) const fn is_outage(&self) -> bool {
        self.still > 0 && self.traded * 10 <= self.still
    }
}

/// Enough to judge by.
const OPINIONS: usize = 40;

impl Witness {
    /// `answered` are gaps for which sources answer, `unknown` those for which none does;
    /// `quiet` is `None` where bars were not looked at.
    pub(super) fn new(
        series: SeriesName,
        span: Range<Timestamp>,
        bars: usize,
        answered: Vec<Range<Timestamp>>,
        unknown: Vec<Range<Timestamp>>,
        quiet: Option<(&Quiet, usize)>,
    ) -> Self {
        let is_busy = quiet.is_some_and(|(_, resting)| resting * 50 <= bars);
        let mut silences = answered;
        if let Some((quiet, _)) = quiet.filter(|_| is_busy) {
            silences.extend(quiet.stretches.iter().map(|stretch| stretch.from..stretch.to));
        }
        silences.sort_by_key(|range| range.start);
        Self { series, span, silences, unknown: unknown.into_iter().collect(), is_busy }
    }

    pub(super) const fn name(&self) -> SeriesName {
        self.series
    }

    /// Of a time in which another series has no bars.
    fn opinion(&self, of: &Range<Timestamp>) -> Option<Opinion> {
        let length = of.end.micros() - of.start.micros();
        let is_fine = self.series.interval.micros().is_some_and(|own| own <= length);
        let is_known = self.unknown.outside(of) == [of.clone()];
        if !(is_fine && is_known && self.span.start <= of.start && of.end <= self.span.end) {
            return None;
        }
        let first = self.silences.partition_point(|silence| silence.end <= of.start);
        let near = self.silences[first..].iter().take_while(|silence| silence.start < of.end);
        let still: i64 = near.map(|silence| common(silence, of)).map(|c| c.end.micros() - c.start.micros()).sum();
        if still * 2 >= length { Some(Opinion::Still) } else { self.is_busy.then_some(Opinion::Traded) }
    }
}

/// Asks the other series of a lake, which are in the order of their names: a market counts once.
pub(super) fn ask(witnesses: &[Witness], series: &SeriesName, of: &Range<Timestamp>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut asked = None;
    for witness in witnesses.iter().filter(|witness| witness.series != *series) {
        let opinion = witness.opinion(of);
        if witness.series.symbol == series.symbol {
            let trades = (opinion == Some(Opinion::Traded)).then_some(witness.series);
            verdict.own_trades = verdict.own_trades.or(trades);
        } else if opinion.is_some() && asked != Some(witness.series.symbol) && verdict.still + verdict.traded < OPINIONS
        {
            asked = Some(witness.series.symbol);
            verdict.still += usize::from(opinion == Some(Opinion::Still));
            verdict.traded += usize::from(opinion == Some(Opinion::Traded));
        }
    }
    verdict
}

/// Until when the lake knows of any other market.
pub(super) fn end_of_others(witnesses: &[Witness], symbol: Symbol) -> Option<Timestamp> {
    witnesses.iter().filter(|witness| witness.series.symbol != symbol).map(|witness| witness.span.end).max()
}

/// Whether the same market has bars in another series that reach over a time.
pub(super) fn own_bars(witnesses: &[Witness], series: &SeriesName, of: &Range<Timestamp>) -> Option<SeriesName> {
    let own = witnesses.iter().filter(|w| w.series.symbol == series.symbol && w.series != *series);
    own.filter(|w| !common(&w.span, of).is_empty()).map(|w| w.series).next()
}
