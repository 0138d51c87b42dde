//! Where the bars of a series come from, and what is odd about that.

use std::collections::BTreeMap;

use candlewick_model::{Bars, TimeUnit, Timestamp};
use serde::Serialize;

use super::rules::Severity;
use crate::provenance::{Source, SourceState};
use crate::ranges::common;

/// What a series has from sources of one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many sources.
    pub sources: usize,
    /// How many bars.
    pub bars: usize,
}

/// Something odd about sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// The archive is whole, but its CHECKSUM file is of an earlier edition.
    StaleChecksum,
    /// The archive has no CHECKSUM file.
    NoChecksum,
    /// An archive without any bar.
    EmptyArchive,
    /// Milliseconds and microseconds in one archive.
    MixedUnits,
    /// An archive in milliseconds after 2024.
    LateMilliseconds,
    /// An archive in microseconds before 2025.
    EarlyMicroseconds,
    /// Bars of REST or of a finer series where an archive has none.
    FilledHole,
}

impl Oddity {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::FilledHole | Self::EmptyArchive => Severity::Fact,
            _ => Severity::Warning,
        }
    }

    /// In words, of sources.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::StaleChecksum => "do not agree with their CHECKSUM file, which is stale",
            Self::NoChecksum => "have no CHECKSUM file",
            Self::EmptyArchive => "have no bars",
            Self::MixedUnits => "have times in milliseconds and in microseconds",
            Self::LateMilliseconds => "are in milliseconds after 2024",
            Self::EarlyMicroseconds => "are in microseconds before 2025",
            Self::FilledHole => "have holes that were filled from elsewhere",
        }
    }
}

/// Sources that are odd in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OddSources {
    /// In which way.
    pub kind: Oddity,
    /// How bad that is.
    pub severity: Severity,
    /// How many sources.
    pub sources: usize,
    /// How many of their bars it concerns.
    pub bars: usize,
    /// The path of the first one.
    pub first: String,
}

pub(super) fn is_archive(source: &Source) -> bool {
    !matches!(source.state, SourceState::Rest | SourceState::Resampled)
}

/// Bars by the state of their sources.
pub(super) fn shares<'a>(sources: impl Iterator<Item = &'a Source>) -> BTreeMap<SourceState, Share> {
    let mut shares = BTreeMap::<SourceState, Share>::new();
    for source in sources {
        let share = shares.entry(source.state).or_default();
        share.sources += 1;
        share.bars += source.rows;
    }
    shares
}

/// What is odd about the sources of one file, with the number of bars that it concerns.
pub(super) fn oddities<'a>(sources: &'a [Source], bars: &Bars) -> Vec<(Oddity, usize, &'a str)> {
    let new_unit = Timestamp::from_date(2025, 1, 1).expect("a real date");
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| is_archive(source)) {
        let mut when = |is: bool, oddity, bars| {
            if is {
                found.push((oddity, bars, source.path.as_str()));
            }
        };
        when(source.state == SourceState::StaleChecksum, Oddity::StaleChecksum, source.rows);
        when(source.state == SourceState::Absent, Oddity::NoChecksum, source.rows);
        when(source.rows == 0, Oddity::EmptyArchive, 0);
        when(source.rows > 0 && source.time_unit.is_none(), Oddity::MixedUnits, source.rows);
        let is_late = source.from >= new_unit;
        when(is_late && source.time_unit == Some(TimeUnit::Milliseconds), Oddity::LateMilliseconds, source.rows);
        when(!is_late && source.time_unit == Some(TimeUnit::Microseconds), Oddity::EarlyMicroseconds, source.rows);
        let filled = filled(source, sources, bars);
        when(filled > 0, Oddity::FilledHole, filled);
    }
    found
}

/// Bars within an archive's range that are of lower sources.
fn filled(archive: &Source, sources: &[Source], bars: &Bars) -> usize {
    let lower = sources.iter().filter(|source| !is_archive(source)).map(|s| common(&s.range(), &archive.range()));
    let at = |time: Timestamp| bars.open_time.partition_point(|open| open < time);
    lower.filter(|part| !part.is_empty()).map(|part| at(part.end) - at(part.start)).sum()
}
