//! Why bars are missing between two that are there.

use std::ops::Range;

use candlewick_model::{Gap, Interval, Timestamp};
use serde::Serialize;

use super::origin::is_archive;
use super::quiet::Stretch;
use super::witness::Verdict;
use crate::layout::SeriesName;
use crate::provenance::{Source, SourceState};

/// The likely reason for which bars are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No source answers for the time: its archives are not in the lake.
    MissingArchive,
    /// The archive's bars end before its period does, or begin after it.
    CutFile,
    /// Another series of the same market has trades in it.
    Lost,
    /// REST was asked and has none either.
    RestConfirmed,
    /// Other markets stood still as well.
    Outage,
    /// The market stood still right before or after it.
    Halt,
    /// The finer series that it was made from has none.
    FinerSeries,
    /// The archive has none; nothing more is known.
    InArchive,
}

impl Cause {
    /// Whether the lake lacks something. An outage of the exchange and what REST confirms are
    /// facts of the market.
    #[must_use]
    pub const fn is_problem(self) -> bool {
        !matches!(self, Self::RestConfirmed | Self::Outage)
    }

    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::MissingArchive => "missing archive",
            Self::CutFile => "cut file",
            Self::Lost => "lost",
            Self::RestConfirmed => "confirmed by REST",
            Self::Outage => "outage of the exchange",
            Self::Halt => "halt of the market",
            Self::FinerSeries => "missing in the finer series",
            Self::InArchive => "missing in the archive",
        }
    }
}

/// A stretch in which bars are missing, with the likely reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedGap {
    /// The first regular open time that has no bar.
    pub from: Timestamp,
    /// The open time at which bars, or another reason, begin.
    pub to: Timestamp,
    /// How many regular bars are missing.
    pub missing: u64,
    /// Why, as far as one can tell.
    pub cause: Cause,
    /// What tells.
    pub evidence: String,
    /// Whether the lake lacks something.
    pub is_problem: bool,
}

/// What a part of a gap lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground<'a> {
    Nothing,
    Rest(&'a Source),
    Archive(&'a Source),
    Finer(&'a Source),
}

/// A part of a gap for which the same source answers.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a> {
    pub(super) range: Range<Timestamp>,
    pub(super) missing: u64,
    pub(super) ground: Ground<'a>,
}

/// Cuts a gap where its sources end. `sources` are those of the whole series.
pub(super) fn cut<'a>(gap: &Gap, sources: &'a [Source], interval: Interval) -> Vec<Piece<'a>> {
    let near: Vec<&Source> = sources.iter().filter(|s| s.from < gap.to && gap.from < s.to).collect();
    let mut ends: Vec<Timestamp> = near.iter().flat_map(|s| [s.from, s.to]).collect();
    ends.extend([gap.from, gap.to]);
    ends.retain(|end| (gap.from..=gap.to).contains(end));
    ends.sort_unstable();
    ends.dedup();
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    for pair in ends.windows(2) {
        let (range, ground) = (pair[0]..pair[1], ground(pair[0], &near));
        let missing = dues(gap, &range, interval);
        match pieces.last_mut() {
            Some(last) if last.ground == ground => (last.range.end, last.missing) = (range.end, last.missing + missing),
            _ => pieces.push(Piece { range, missing, ground }),
        }
    }
    pieces.retain(|piece| piece.missing > 0);
    pieces
}

fn ground<'a>(at: Timestamp, near: &[&'a Source]) -> Ground<'a> {
    let find = |is: &dyn Fn(&Source) -> bool| near.iter().copied().find(|s| s.range().contains(&at) && is(s));
    if let Some(rest) = find(&|s| s.state == SourceState::Rest) {
        Ground::Rest(rest)
    } else if let Some(archive) = find(&is_archive) {
        Ground::Archive(archive)
    } else {
        find(&|s| s.state == SourceState::Resampled).map_or(Ground::Nothing, Ground::Finer)
    }
}

/// How many of the regular bars that a gap lacks open within a part of it.
fn dues(gap: &Gap, part: &Range<Timestamp>, interval: Interval) -> u64 {
    if let Some(length) = interval.micros() {
        let before = |end: Timestamp| {
            let whole = (end.micros() - gap.from.micros() + length - 1).div_euclid(length);
            whole.unsigned_abs().min(gap.missing)
        };
        return before(part.end) - before(part.start);
    }
    let opens = std::iter::successors(Some(gap.from), |open| Some(interval.next_open(*open)));
    let opens = opens.take(usize::try_from(gap.missing).unwrap_or(usize::MAX));
    opens.filter(|open| part.contains(open)).count() as u64
}

/// What is to be known about a series to explain its gaps.
pub(super) struct Explainer<'a> {
    pub(super) series: SeriesName,
    pub(super) quiet: &'a [Stretch],
    pub(super) ask: &'a dyn Fn(&Range<Timestamp>) -> Verdict,
}

impl Explainer<'_> {
    /// The gap's parts with their reasons; neighbours with one reason are one.
    pub(super) fn explain(&self, gap: &Gap, pieces: &[Piece<'_>]) -> Vec<ExplainedGap> {
        let mut explained: Vec<ExplainedGap> = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let (cause, evidence) = self.cause(gap, pieces, at);
            match explained.last_mut() {
                Some(last) if last.cause == cause => {
                    (last.to, last.missing) = (piece.range.end, last.missing + piece.missing);
                }
                _ => explained.push(ExplainedGap {
                    from: piece.range.start,
                    to: piece.range.end,
                    missing: piece.missing,
                    cause,
                    evidence,
                    is_problem: cause.is_problem(),
                }),
            }
        }
        explained
    }

    fn cause(&self, gap: &Gap, pieces: &[Piece<'_>], at: usize) -> (Cause, String) {
        let piece = &pieces[at];
        match piece.ground {
            Ground::Nothing => return (Cause::MissingArchive, "no source answers for the time".to_owned()),
            Ground::Rest(rest) => return (Cause::RestConfirmed, format!("{} has no bars either", rest.path)),
            Ground::Archive(_) | Ground::Finer(_) => {}
        }
        let verdict = (self.ask)(&piece.range);
        if let Some(own) = verdict.own_trades {
            return (Cause::Lost, format!("{own} has trades in it"));
        }
        if let Ground::Archive(archive) = piece.ground
            && let Some(how) = self.is_cut(pieces, at, archive)
        {
            return (Cause::CutFile, format!("{} {how}", archive.path));
        }
        if verdict.is_outage() {
            let Verdict { still, traded, .. } = verdict;
            let markets = if still == 1 { "market" } else { "markets" };
            return (Cause::Outage, format!("{still} other {markets} stood still as well, {traded} traded"));
        }
        let others = match verdict {
            Verdict { still: 0, traded: 0, .. } => "no other market of the lake can tell".to_owned(),
            Verdict { still, traded, .. } => format!("{traded} other markets traded, {still} stood still"),
        };
        let neighbour = self.quiet.iter().find(|s| s.to == gap.from || s.from == gap.to);
        match (neighbour, piece.ground) {
            (Some(stretch), _) => {
                let place = if stretch.to == gap.from { "before" } else { "after" };
                (Cause::Halt, format!("{} bars without trades right {place} it; {others}", stretch.bars))
            }
            (None, Ground::Finer(finer)) => (Cause::FinerSeries, format!("{} has none; {others}", finer.path)),
            (None, _) => (Cause::InArchive, others),
        }
    }

    /// Whether an archive lacks its head or tail: bars are missing right from the beginning or
    /// to the end of its period, and not in the archive beside it as well.
    fn is_cut(&self, pieces: &[Piece<'_>], at: usize, archive: &Source) -> Option<&'static str> {
        let range = &pieces[at].range;
        let is_alone = |beside: Option<&Piece<'_>>| beside.is_none_or(|piece| piece.ground == Ground::Nothing);
        let lacks_head = range.start <= archive.from && is_alone(at.checked_sub(1).and_then(|at| pieces.get(at)));
        let lacks_tail = self.series.interval.next_open(range.end) > archive.to && is_alone(pieces.get(at + 1));
        match (archive.rows == 0, lacks_head, lacks_tail) {
            (true, _, _) => Some("has no bars"),
            (false, _, true) => Some("ends before its period does"),
            (false, true, false) => Some("begins after its period does"),
            (false, false, false) => None,
        }
    }
}
