//! The run: many targets side by side, within what the machine and the portal bear.
//!
//! No more archives are open at a time than there are processors, so that memory does not grow
//! with the range or the number of targets. An archive that fails is told and leaves its file as
//! it was; the rest goes on. A lake that fails ends the run.

use std::sync::atomic::{AtomicBool, Ordering};

use candlewick_lake::{Lake, LakeError};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::error::Trouble;
use crate::outcome::{Outcome, Progress};
use crate::plan::{Span, Target};
use crate::portal::Portal;
use crate::rest::BarSource;

/// What a run works with.
pub struct Engine<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) lake: &'a Lake,
    pub(crate) rest: Option<&'a dyn BarSource>,
    pub(crate) progress: &'a dyn Progress,
    /// So many archives are fetched at a time.
    pub(crate) downloads: Semaphore,
    /// An open archive is ten times its size, so only as many are open or being written as there
    /// are processors.
    pub(crate) processing: Semaphore,
    pub(crate) processors: u32,
    pub(crate) targets_at_a_time: usize,
    is_lake_broken: AtomicBool,
}

impl<'a> Engine<'a> {
    /// An engine that fetches `concurrency` archives at a time. Without `rest`, archives are all
    /// there is.
    #[must_use]
    pub fn new(
        portal: &'a Portal,
        lake: &'a Lake,
        rest: Option<&'a dyn BarSource>,
        concurrency: usize,
        progress: &'a dyn Progress,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from).min(64);
        Self {
            portal,
            lake,
            rest,
            progress,
            downloads: Semaphore::new(concurrency.max(1)),
            processing: Semaphore::new(processors),
            processors: processors as u32,
            targets_at_a_time: concurrency.clamp(1, 4),
            is_lake_broken: AtomicBool::new(false),
        }
    }

    /// Brings the lake to where the targets want it. What became of each is given back in their
    /// order.
    pub async fn ingest(&self, targets: &[Target], span: &Span) -> Vec<(Target, Outcome)> {
        self.each(targets, async |target| match (target.bars(), target.trades()) {
            (Some(series), _) => self.series(series, span).await,
            (None, Some(table)) => self.trades(table, target.dataset, span).await,
            (None, None) => Outcome::default(),
        })
        .await
    }

    /// Does something for every target, some side by side.
    pub(crate) async fn each(
        &self,
        targets: &[Target],
        work: impl AsyncFn(Target) -> Outcome,
    ) -> Vec<(Target, Outcome)> {
        self.progress.begin(targets.len());
        let work = &work;
        let one = |target: &Target| {
            let target = *target;
            async move {
                let outcome = if self.is_lake_broken() {
                    Outcome { untried: 1, ..Outcome::default() }
                } else {
                    work(target).await
                };
                self.progress.done(target, &outcome);
                (target, outcome)
            }
        };
        stream::iter(targets).map(one).buffered(self.targets_at_a_time).collect().await
    }

    /// Forgets that the lake could not be written.
    pub(crate) fn hope_again(&self) {
        self.is_lake_broken.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_lake_broken(&self) -> bool {
        self.is_lake_broken.load(Ordering::Relaxed)
    }

    /// Remembers that the lake cannot be written, so that nothing more is fetched for it. That
    /// one series is somebody else's, or one file damaged, does not concern the others.
    pub(crate) fn broken(&self, error: LakeError) -> Trouble {
        let concerns_all = matches!(error, LakeError::Io { .. });
        self.is_lake_broken.fetch_or(concerns_all, Ordering::Relaxed);
        error.into()
    }
}
