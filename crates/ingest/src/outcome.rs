//! What a run did, and who is told while it does.

use candlewick_lake::Discontinuity;
use candlewick_model::{Bar, Bars, Period};

use crate::error::Trouble;
use crate::plan::Target;

/// Is told how far the run has got. All figures are of this run.
pub trait Progress: Send + Sync {
    /// So many targets are to be looked at.
    fn begin(&self, targets: usize);
    /// Bytes of an archive have arrived.
    fn fetched(&self, bytes: u64);
    /// A target is done, whatever became of it.
    fn done(&self, target: Target, outcome: &Outcome);
}

/// What became of one target.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Archives that were fetched and written.
    pub archives: usize,
    /// Their size.
    pub archive_bytes: u64,
    /// Size of the CSVs in them.
    pub csv_bytes: u64,
    /// Bars or trades in them.
    pub rows: u64,
    /// Bytes written to the lake.
    pub written_bytes: u64,
    /// Bars that came over REST.
    pub rest_bars: u64,
    /// Months and days that the lake held already.
    pub present: usize,
    /// Months and days for which there is neither an archive nor another answer.
    pub absent: Vec<Period>,
    /// Months and days before the first archive: the market was not there yet.
    pub before_first: usize,
    /// Archives without CHECKSUM file.
    pub unverified: usize,
    /// Archives whose CHECKSUM file is of an earlier edition, as another source shows.
    pub stale: usize,
    /// Archives that were published anew and replaced.
    pub replaced: usize,
    /// Files of the lake that were not tried any more, because it could not be written.
    pub untried: usize,
    /// What is odd about archives that were taken all the same.
    pub notes: Vec<String>,
    /// Bars for which two sources have different values.
    pub contradictions: Vec<String>,
    /// What failed.
    pub troubles: Vec<Trouble>,
    /// Where the name seems to mean something else, within what was taken at a time.
    pub(crate) discontinuities: Vec<Discontinuity>,
    /// The first and the last bar with trades of all that was taken at a time.
    pub(crate) edges: Vec<(Bar, Bar)>,
}

impl Outcome {
    /// Looks at bars that are taken for what their series may mean.
    pub(crate) fn look_at(&mut self, bars: &Bars) {
        let has_trades = |at: &usize| !bars.volume.at(*at).is_zero();
        let first = (0..bars.len()).find(has_trades);
        let last = (0..bars.len()).rev().find(has_trades);
        let bar = |at: Option<usize>| bars.slice(at?..at? + 1).iter().next();
        if let (Some(first), Some(last)) = (bar(first), bar(last)) {
            self.discontinuities.extend(Discontinuity::within(bars));
            self.edges.push((first, last));
        }
    }

    /// Adds what became of another part.
    pub fn add(&mut self, other: Self) {
        self.archives += other.archives;
        self.archive_bytes += other.archive_bytes;
        self.csv_bytes += other.csv_bytes;
        self.rows += other.rows;
        self.written_bytes += other.written_bytes;
        self.rest_bars += other.rest_bars;
        self.present += other.present;
        self.absent.extend(other.absent);
        self.before_first += other.before_first;
        self.unverified += other.unverified;
        self.stale += other.stale;
        self.replaced += other.replaced;
        self.untried += other.untried;
        self.notes.extend(other.notes);
        self.contradictions.extend(other.contradictions);
        self.troubles.extend(other.troubles);
        self.discontinuities.extend(other.discontinuities);
        self.edges.extend(other.edges);
    }

    /// Adds what a second look at the same target found. What is present is not counted twice.
    pub fn go_on(&mut self, other: Self) {
        let present = other.present;
        self.add(other);
        self.present = present;
    }

    /// Whether nothing at all is known of the target.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.archives == 0 && self.present == 0 && self.rest_bars == 0 && self.troubles.is_empty()
    }

    /// Whether everything that was wanted is there and agrees.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.absent.is_empty() && self.contradictions.is_empty() && self.troubles.is_empty() && self.untried == 0
    }

    pub(crate) fn trouble(trouble: impl Into<Trouble>) -> Self {
        Self { troubles: vec![trouble.into()], ..Self::default() }
    }
}
