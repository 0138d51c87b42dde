//! What REST could still be asked for: times that nothing answers for, and times for which only
//! an archive does that has no bar there.

use std::ops::Range;

use candlewick_model::{Interval, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::layout::SeriesName;
use crate::provenance::{Source, SourceState};
use crate::ranges::{Ranges, common};

/// Times without bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// Open times.
    pub range: Range<Timestamp>,
    /// Who says so.
    pub kind: HoleKind,
}

/// Who says that there are no bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoleKind {
    /// Nobody: no source of the lake answers for these times.
    Unanswered,
    /// An archive, which answers for these times.
    InArchive {
        /// Its path below the portal's root.
        path: String,
    },
}

impl Lake {
    /// Times of a range for which the series has no bars, and REST has not said that there are
    /// none, in order. Only footers are read. Times before the first bar count like others.
    pub fn holes(&self, series: &SeriesName, range: Range<Timestamp>) -> Result<Vec<Hole>, LakeError> {
        let files = self.files(series)?;
        let mut free = Vec::new();
        let mut at = Timestamp::MIN;
        for provenance in files.iter().map(|file| &file.provenance) {
            let (Some(first), Some(last)) = (provenance.first, provenance.last) else { continue };
            free.push(at..first);
            free.extend(provenance.gaps.iter().map(|gap| gap.from..gap.to));
            at = series.interval.next_open(last);
        }
        free.push(at..Timestamp::MAX);
        free.retain(|between| has_room(between.clone(), series.interval));

        let sources = || files.iter().flat_map(|file| &file.provenance.sources);
        let is_archive = |s: &&Source| !matches!(s.state, SourceState::Rest | SourceState::Resampled);
        let answered: Ranges = sources().filter(|s| !is_archive(s)).map(Source::range).collect();
        let archives: Vec<&Source> = sources().filter(is_archive).collect();
        let asked = free.iter().map(|between| common(between, &range)).filter(|part| !part.is_empty());
        Ok(asked.flat_map(|part| answered.outside(&part)).flat_map(|part| by_archive(&part, &archives)).collect())
    }
}

/// Cuts a range at the ends of archives.
fn by_archive(range: &Range<Timestamp>, archives: &[&Source]) -> Vec<Hole> {
    let mut holes = Vec::new();
    let mut taken = Vec::new();
    for archive in archives {
        let part = common(&archive.range(), range);
        let free = taken.iter().cloned().collect::<Ranges>().outside(&part);
        let kind = || HoleKind::InArchive { path: archive.path.clone() };
        holes.extend(free.into_iter().map(|range| Hole { range, kind: kind() }));
        taken.push(part);
    }
    let rest = taken.into_iter().collect::<Ranges>().outside(range);
    holes.extend(rest.into_iter().map(|range| Hole { range, kind: HoleKind::Unanswered }));
    holes.sort_by_key(|hole| hole.range.start);
    holes
}

/// Whether a whole bar fits in; `MIN` and `MAX` stand for no bar on that side.
fn has_room(between: Range<Timestamp>, interval: Interval) -> bool {
    if between.start == Timestamp::MIN || between.end == Timestamp::MAX {
        return !between.is_empty();
    }
    let is_open = interval.micros().is_some() || interval.open_at(between.start) == between.start;
    let open = if is_open { between.start } else { interval.next_open(between.start) };
    interval.next_open(open) <= between.end
}
