//! How a series begins and ends, judged by its archives and the other series of the lake. No
//! clock is asked: that a lake is old is no fault of it.

use std::ops::Range;

use candlewick_model::{Interval, Timestamp};
use serde::Serialize;

use super::origin::is_archive;
use super::witness::{Witness, end_of_others, own_bars};
use crate::layout::SeriesName;
use crate::provenance::{Source, SourceState};

/// How a series begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// With its first or last source: nothing is to be said.
    Whole,
    /// Within its first archive: trading began there.
    Listing,
    /// Within its last archive, and others go on: trading ended there.
    Delisting,
    /// Within an archive whose period goes on: it was published before its time, or was cut.
    CutFile,
    /// With its last source, before other markets of the lake.
    BeforeOthers,
}

/// An end of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct End {
    /// What it looks like.
    pub kind: EndKind,
    /// When the first bar opens, or the last one's time is over.
    pub at: Timestamp,
    /// What tells.
    pub evidence: String,
    /// Whether the lake lacks something.
    pub is_problem: bool,
}

impl EndKind {
    fn at(self, at: Timestamp, evidence: String) -> End {
        End { kind: self, at, evidence, is_problem: self == Self::CutFile }
    }
}

/// Whether a bar has room in a range.
fn has_room(range: &Range<Timestamp>, interval: Interval) -> bool {
    range.start < range.end && interval.next_open(range.start) <= range.end
}

/// How the bars of a series begin.
pub(super) fn head(series: &SeriesName, first: Timestamp, sources: &[Source], witnesses: &[Witness]) -> End {
    let begin = sources.iter().map(|source| source.from).min().unwrap_or(first);
    let before = begin..first;
    if !has_room(&before, series.interval) {
        return EndKind::Whole.at(first, String::new());
    }
    if let Some(own) = own_bars(witnesses, series, &before) {
        return EndKind::CutFile.at(first, format!("its sources begin at {begin}, and {own} has bars there"));
    }
    EndKind::Listing.at(first, format!("its sources begin at {begin}"))
}

/// How they end; `end` is the end of the last one.
pub(super) fn tail(series: &SeriesName, end: Timestamp, sources: &[Source], witnesses: &[Witness]) -> End {
    let of = |is: &dyn Fn(&Source) -> bool| sources.iter().filter(|s| is(s)).map(|s| s.to).max();
    let (archives, rest) = (of(&is_archive), of(&|s| s.state == SourceState::Rest));
    let others = end_of_others(witnesses, series.symbol);
    let go_on = |until: Timestamp| others.filter(|others| has_room(&(until..*others), series.interval));
    let answered = archives.into_iter().chain(rest).max().unwrap_or(end);
    let after = end..answered;
    if !has_room(&after, series.interval) {
        return match go_on(end) {
            Some(others) => EndKind::BeforeOthers.at(end, format!("other markets go on until {others}")),
            None => EndKind::Whole.at(end, String::new()),
        };
    }
    if let Some(own) = own_bars(witnesses, series, &after) {
        return EndKind::CutFile.at(end, format!("its sources end at {answered}, and {own} has bars there"));
    }
    if let Some(rest) = rest.filter(|rest| *rest >= answered) {
        return EndKind::Delisting.at(end, format!("REST has nothing more until {rest}"));
    }
    match go_on(answered) {
        Some(others) => EndKind::Delisting
            .at(end, format!("its last archive is for times until {answered}, other markets go on until {others}")),
        None => EndKind::CutFile.at(end, format!("its last archive is for times until {answered}")),
    }
}
