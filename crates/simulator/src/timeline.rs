//! The filters as they were: which snapshot is in force at an instant (rule 5.2).

use std::sync::Arc;

use candlewick_model::{Instrument, Timestamp};

/// One instrument's snapshots in the order of their times.
#[derive(Debug, Clone)]
pub struct Timeline {
    snapshots: Arc<[(Timestamp, Arc<Instrument>)]>,
}

impl Timeline {
    /// From snapshots in any order; `None` if there are none.
    #[must_use]
    pub fn new(mut snapshots: Vec<(Timestamp, Instrument)>) -> Option<Self> {
        snapshots.sort_by_key(|(time, _)| *time);
        let snapshots: Arc<[_]> = snapshots.into_iter().map(|(time, i)| (time, Arc::new(i))).collect();
        (!snapshots.is_empty()).then_some(Self { snapshots })
    }

    /// The latest snapshot not after the instant; before the first one the first, and `true`
    /// because it is then assumed.
    #[must_use]
    pub fn at(&self, instant: Timestamp) -> (&Arc<Instrument>, bool) {
        let after = self.snapshots.partition_point(|(time, _)| *time <= instant);
        (&self.snapshots[after.saturating_sub(1)].1, after == 0)
    }

    /// When the filters change next after an instant; the end of time if they never do.
    #[must_use]
    pub fn next_change(&self, instant: Timestamp) -> Timestamp {
        let after = self.snapshots.partition_point(|(time, _)| *time <= instant);
        // Before the first snapshot its filters count already.
        self.snapshots.get(after.max(1)).map_or(Timestamp::MAX, |(time, _)| *time)
    }

    /// When the snapshot was taken that one of its instruments comes from.
    pub(crate) fn time_of(&self, instrument: &Arc<Instrument>) -> Timestamp {
        let from = self.snapshots.iter().find(|(_, known)| Arc::ptr_eq(known, instrument));
        from.expect("an instrument of these snapshots").0
    }

    /// The instrument of the snapshot that was taken at an instant, if there is one.
    pub(crate) fn taken_at(&self, time: Timestamp) -> Option<&Arc<Instrument>> {
        self.snapshots.iter().rfind(|(taken, _)| *taken == time).map(|(_, instrument)| instrument)
    }

    /// When the first snapshot was taken.
    #[must_use]
    pub fn first_time(&self) -> Timestamp {
        self.snapshots[0].0
    }

    /// The instrument as the last snapshot has it.
    #[must_use]
    pub fn last(&self) -> &Arc<Instrument> {
        &self.snapshots[self.snapshots.len() - 1].1
    }
}
