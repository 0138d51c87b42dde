//! The filters and limits as they were: which snapshot is in force at an instant (rule 5.2).

use std::sync::Arc;

use candlewick_model::run::Halt;
use candlewick_model::{Instrument, SymbolStatus, Timestamp};

/// Snapshots in the order of their times: of an instrument, or of what else exchangeInfo tells.
#[derive(Debug)]
pub struct Timeline<T = Instrument> {
    snapshots: Arc<[(Timestamp, Arc<T>)]>,
    /// When the first of them was taken; what came before is assumed.
    first_time: Timestamp,
}

impl Timeline {
    /// The same, with another status over some stretches of time in which it would be TRADING.
    #[must_use]
    pub(crate) fn halted(&self, halts: &[Halt], status: SymbolStatus) -> Self {
        let taken = self.snapshots.iter().map(|(time, _)| *time);
        let mut changes: Vec<_> = taken.chain(halts.iter().flat_map(|halt| [halt.from, halt.to])).collect();
        changes.push(Timestamp::MIN);
        changes.sort_unstable();
        changes.dedup();
        let in_force = |time: Timestamp| {
            let (instrument, _) = self.at(time);
            let halts = halts.iter().any(|halt| halt.from <= time && time < halt.to);
            let trades = instrument.status == Some(SymbolStatus::Trading);
            let halted = || Arc::new(Instrument { status: Some(status), ..(**instrument).clone() });
            (time, if halts && trades { halted() } else { Arc::clone(instrument) })
        };
        Self { snapshots: changes.into_iter().map(in_force).collect(), first_time: self.first_time }
    }
}

impl<T> Timeline<T> {
    /// From snapshots in any order; `None` if there are none.
    #[must_use]
    pub fn new(mut snapshots: Vec<(Timestamp, T)>) -> Option<Self> {
        snapshots.sort_by_key(|(time, _)| *time);
        let first_time = snapshots.first()?.0;
        Some(Self { snapshots: snapshots.into_iter().map(|(time, i)| (time, Arc::new(i))).collect(), first_time })
    }

    /// The same with one more snapshot.
    #[must_use]
    pub(crate) fn with(&self, time: Timestamp, snapshot: T) -> Self {
        let before = self.snapshots.partition_point(|(taken, _)| *taken <= time);
        let mut snapshots = self.snapshots.to_vec();
        snapshots.insert(before, (time, Arc::new(snapshot)));
        Self { snapshots: snapshots.into(), first_time: self.first_time.min(time) }
    }

    /// The same snapshots, some microseconds later.
    #[must_use]
    pub(crate) fn shifted(&self, by: i64) -> Self {
        let later = |(time, known): &(Timestamp, Arc<T>)| (time.plus(by), Arc::clone(known));
        Self { snapshots: self.snapshots.iter().map(later).collect(), first_time: self.first_time.plus(by) }
    }

    /// The latest snapshot not after the instant; before the first one the first, and `true`
    /// because it is then assumed.
    #[must_use]
    pub fn at(&self, instant: Timestamp) -> (&Arc<T>, bool) {
        let after = self.snapshots.partition_point(|(time, _)| *time <= instant);
        (&self.snapshots[after.saturating_sub(1)].1, instant < self.first_time)
    }

    /// When the filters change next after an instant; the end of time if they never do.
    #[must_use]
    pub fn next_change(&self, instant: Timestamp) -> Timestamp {
        let after = self.snapshots.partition_point(|(time, _)| *time <= instant);
        // Before the first snapshot its filters count already.
        self.snapshots.get(after.max(1)).map_or(Timestamp::MAX, |(time, _)| *time)
    }

    /// When the snapshot was taken that has what is in force.
    pub(crate) fn time_of(&self, in_force: &Arc<T>) -> Timestamp {
        let from = self.snapshots.iter().find(|(_, known)| Arc::ptr_eq(known, in_force));
        from.expect("one of these snapshots").0
    }

    /// What the snapshot has that was taken at an instant, if there is one.
    pub(crate) fn taken_at(&self, time: Timestamp) -> Option<&Arc<T>> {
        self.snapshots.iter().rfind(|(taken, _)| *taken == time).map(|(_, known)| known)
    }

    /// When the first snapshot was taken.
    #[must_use]
    pub fn first_time(&self) -> Timestamp {
        self.first_time
    }

    /// What the last snapshot has.
    #[must_use]
    pub fn last(&self) -> &Arc<T> {
        &self.snapshots[self.snapshots.len() - 1].1
    }
}

impl<T> Clone for Timeline<T> {
    fn clone(&self) -> Self {
        Self { snapshots: Arc::clone(&self.snapshots), first_time: self.first_time }
    }
}

/// What has been in force ever since.
impl<T> From<T> for Timeline<T> {
    fn from(always: T) -> Self {
        Self { snapshots: Arc::new([(Timestamp::MIN, Arc::new(always))]), first_time: Timestamp::MIN }
    }
}
