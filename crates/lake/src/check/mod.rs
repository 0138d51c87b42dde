//! What a series is worth: coverage, gaps and their likely causes, quality, sources.
//!
//! For: reading every value once, and judging by integers. Not for: mending anything, and not
//! for how the result is shown. `docs/lake.md` says what the words mean.

mod ends;
mod gaps;
mod origin;
mod price;
mod quiet;
mod read;
mod rules;
mod scan;
#[cfg(test)]
mod tests;
mod witness;

use std::collections::BTreeMap;
use std::ops::Range;

use candlewick_model::{Bar, Interval, Symbol, Timestamp};
use serde::Serialize;

use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::footer;
use crate::layout::SeriesName;
use crate::provenance::SourceState;

pub use ends::{End, EndKind};
pub use gaps::{Cause, ExplainedGap};
pub use origin::{OddSources, Oddity, Share};
pub use price::{Discontinuity, Likeness, PriceJump};
pub use quiet::Stretch;
pub use rules::{Kind, Severity};
pub use scan::Finding;

use gaps::{Explainer, Ground, Piece};
use read::Scanned;
use witness::{Witness, ask};

/// One file, opened and read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Whether the values are those that the footer's hash was made of.
    pub intact: bool,
    /// Why not, with the remedy.
    pub problem: Option<String>,
}

/// Bars without trades.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ZeroVolume {
    /// How many bars.
    pub bars: usize,
    /// In how many stretches, of any length.
    pub stretches: usize,
    /// The longest one.
    pub longest: Option<Stretch>,
    /// Those of at least three bars and three minutes, the longest ones first, at most 50.
    pub long: Vec<Stretch>,
}

/// The state of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Symbol.
    pub symbol: Symbol,
    /// Interval, as archives write it.
    pub interval: Interval,
    /// How bad the worst of it is.
    pub severity: Severity,
    /// How many bars there are.
    pub bars: usize,
    /// When the first one opens.
    pub first: Option<Timestamp>,
    /// When the last one opens.
    pub last: Option<Timestamp>,
    /// Regular bars that are missing in between.
    pub missing: u64,
    /// Those of them whose absence is a problem of the lake.
    pub missing_problem: u64,
    /// Where, and why.
    pub gaps: Vec<ExplainedGap>,
    /// How the series begins.
    pub head: Option<End>,
    /// How it ends.
    pub tail: Option<End>,
    /// Bars that are odd, by what is odd about them.
    pub findings: Vec<Finding>,
    /// Bars without trades.
    pub zero_volume: ZeroVolume,
    /// The first hundred bars that open a fifth or more away from the close before.
    pub jumps: Vec<PriceJump>,
    /// Where the name may have been given to something else.
    pub discontinuities: Vec<Discontinuity>,
    /// Where bars come from.
    pub sources: BTreeMap<SourceState, Share>,
    /// What is odd about that.
    pub odd_sources: Vec<OddSources>,
    /// Its files.
    pub files: Vec<FileCheck>,
}

impl Check {
    /// Whether the lake lacks something or contradicts itself.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        self.severity == Severity::Problem
    }

    /// The share of the regular bars between the first and the last one that is there; `None`
    /// without bars.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        let there = self.bars as f64;
        (self.bars > 0).then(|| there / (there + self.missing as f64))
    }
}

impl Lake {
    /// The last bar with trades that opens before an instant.
    pub fn last_traded_before(&self, series: &SeriesName, before: Timestamp) -> Result<Option<Bar>, LakeError> {
        for (place, _) in self.paths(series)?.into_iter().rev() {
            if footer::read(&place, series)?.provenance.first.is_none_or(|first| first >= before) {
                continue;
            }
            let bars = OpenFile::open(&place, series)?.read()?;
            let is_it = |bar: &Bar| !bar.volume.is_zero() && bar.open_time < before;
            if let Some(bar) = bars.iter().filter(is_it).last() {
                return Ok(Some(bar));
            }
        }
        Ok(None)
    }

    /// Reads some series whole and says what state they are in. Others of the lake are asked
    /// what they know of their gaps, by their footers. A file that cannot be read is part of the
    /// answer; its rows are missing from the figures.
    pub fn check(&self, series: &[SeriesName]) -> Result<Vec<Check>, LakeError> {
        let scanned = read::scan_all(self, series)?;
        let pieces: Vec<Vec<_>> = scanned.iter().map(Scanned::pieces).collect();
        let mut witnesses: Vec<Witness> =
            scanned.iter().zip(&pieces).filter_map(|(scanned, pieces)| witness_of(scanned, pieces)).collect();
        for other in self.series()?.iter().filter(|other| !series.contains(other)) {
            witnesses.extend(self.witness_by_footers(other)?);
        }
        witnesses.sort_by_key(Witness::name);
        Ok(scanned.iter().zip(&pieces).map(|(scanned, pieces)| conclude(scanned, pieces, &witnesses)).collect())
    }

    /// What a series that is not looked at can say; nothing if its files are damaged.
    fn witness_by_footers(&self, series: &SeriesName) -> Result<Option<Witness>, LakeError> {
        let files = match self.files(series) {
            Ok(files) => files,
            Err(error) if error.is_damage() => return Ok(None),
            Err(error) => return Err(error),
        };
        let ends: Vec<_> = files.iter().filter_map(|f| f.provenance.first.zip(f.provenance.last)).collect();
        let (Some(first), Some(last)) = (ends.first(), ends.last()) else { return Ok(None) };
        let span = first.0..series.interval.next_open(last.1);
        let sources: Vec<_> = files.iter().flat_map(|f| f.provenance.sources.clone()).collect();
        let inside = files.iter().flat_map(|f| f.provenance.gaps.clone());
        let between = ends.windows(2).filter_map(|pair| read::gap_between(pair[0].1, pair[1].0, series.interval));
        let mut gaps: Vec<_> = inside.chain(between).collect();
        gaps.sort_by_key(|gap| gap.from);
        let pieces: Vec<_> = gaps.iter().flat_map(|gap| gaps::cut(gap, &sources, series.interval)).collect();
        let (answered, unknown) = grounds(pieces.iter());
        Ok(Some(Witness::new(*series, span, 0, answered, unknown, None)))
    }
}

/// Times without bars for which sources answer, and for which none does.
fn grounds<'a>(pieces: impl Iterator<Item = &'a Piece<'a>>) -> (Vec<Range<Timestamp>>, Vec<Range<Timestamp>>) {
    let (unknown, answered): (Vec<_>, Vec<_>) = pieces.partition(|piece| piece.ground == Ground::Nothing);
    let ranges = |pieces: Vec<&Piece<'_>>| pieces.into_iter().map(|piece| piece.range.clone()).collect();
    (ranges(answered), ranges(unknown))
}

fn witness_of(scanned: &Scanned, pieces: &[Vec<Piece<'_>>]) -> Option<Witness> {
    let scan = scanned.scan.as_ref()?;
    let (answered, unknown) = grounds(pieces.iter().flatten());
    let quiet = Some((&scan.quiet, scan.zero_volume()));
    Some(Witness::new(scanned.series, scanned.span()?, scan.bars, answered, unknown, quiet))
}

/// Puts together what was seen and what others say.
fn conclude(scanned: &Scanned, pieces: &[Vec<Piece<'_>>], witnesses: &[Witness]) -> Check {
    let (series, scan) = (&scanned.series, scanned.scan.as_ref());
    let explainer = Explainer {
        series: *series,
        quiet: scan.map_or(&[], |scan| &scan.quiet.stretches),
        ask: &|range| ask(witnesses, series, range),
    };
    let all_gaps = scan.map_or(&[][..], |scan| &scan.gaps);
    let gaps: Vec<_> = all_gaps.iter().zip(pieces).flat_map(|(gap, pieces)| explainer.explain(gap, pieces)).collect();
    let span = scanned.span();
    let head = span.as_ref().map(|span| ends::head(series, span.start, &scanned.sources, witnesses));
    let tail = span.as_ref().map(|span| ends::tail(series, span.end, &scanned.sources, witnesses));
    let findings = scan.map(|scan| scan.findings()).unwrap_or_default();
    let has_problems = gaps.iter().any(|gap| gap.is_problem)
        || head.iter().chain(&tail).any(|end| end.is_problem)
        || scanned.files.iter().any(|file| !file.intact)
        || findings.iter().any(|finding| finding.severity == Severity::Problem);
    let has_warnings = scan.is_some_and(|scan| !scan.discontinuities.is_empty())
        || findings.iter().any(|finding| finding.severity == Severity::Warning)
        || scanned.odd_sources.iter().any(|odd| odd.severity == Severity::Warning);
    Check {
        symbol: series.symbol,
        interval: series.interval,
        severity: match (has_problems, has_warnings) {
            (true, _) => Severity::Problem,
            (false, true) => Severity::Warning,
            (false, false) => Severity::Fact,
        },
        bars: scan.map_or(0, |scan| scan.bars),
        first: scan.map(|scan| scan.first.open_time),
        last: scan.map(|scan| scan.last.open_time),
        missing: gaps.iter().map(|gap| gap.missing).sum(),
        missing_problem: gaps.iter().filter(|gap| gap.is_problem).map(|gap| gap.missing).sum(),
        gaps,
        head,
        tail,
        findings,
        zero_volume: scan.map(zero_volume).unwrap_or_default(),
        jumps: scan.map(|scan| scan.jumps.clone()).unwrap_or_default(),
        discontinuities: scan.map(|scan| scan.discontinuities.clone()).unwrap_or_default(),
        sources: origin::shares(scanned.sources.iter()),
        odd_sources: scanned.odd_sources.clone(),
        files: scanned.files.clone(),
    }
}

fn zero_volume(scan: &scan::Scan) -> ZeroVolume {
    let mut long = scan.quiet.stretches.clone();
    long.sort_by_key(|stretch| std::cmp::Reverse(stretch.bars));
    long.truncate(50);
    let (stretches, longest) = (scan.quiet.count(), scan.quiet.longest());
    ZeroVolume { bars: scan.zero_volume(), stretches, longest, long }
}
