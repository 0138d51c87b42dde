//! Archives that were published anew: found by their CHECKSUM files, fetched, replaced, and told.
//!
//! What changed is kept in `changes.jsonl` at the lake's root, a line each, without clock times:
//! the same change is told once, also if the process died between telling and writing.

use std::collections::BTreeMap;

use candlewick_binance::archive::Checksum;
use candlewick_lake::{Source, SourceState};
use candlewick_model::{Bars, Timestamp};
use serde::Serialize;

use crate::archive::Arrived;
use crate::error::Trouble;
use crate::outcome::Outcome;
use crate::plan::{Span, Target};
use crate::run::Engine;
use crate::series::SeriesRun;

/// What another edition of an archive changed.
#[derive(Debug, Serialize)]
struct Change<'a> {
    path: &'a str,
    old_sha256: &'a str,
    new_sha256: &'a str,
    rows_before: usize,
    rows_after: usize,
    /// Open times that are new.
    added: usize,
    /// Open times that are gone.
    removed: usize,
    /// Bars with other values.
    changed: usize,
    /// The first open time at which the editions differ.
    first: Option<Timestamp>,
}

impl Engine<'_> {
    /// Looks whether archives that the lake holds, of days within the span, were published anew,
    /// and takes those that were. A day that a month replaced is looked at as its month. Tables
    /// of trades are left as they are.
    pub async fn refresh(&self, targets: &[Target], span: &Span) -> Vec<(Target, Outcome)> {
        self.each(targets, async |target| match target.bars() {
            None => Outcome::default(),
            Some(series) => match SeriesRun::begin(self, series) {
                Ok(run) => run.refresh(span).await,
                Err(trouble) => Outcome::trouble(trouble),
            },
        })
        .await
    }
}

impl SeriesRun<'_> {
    async fn refresh(&self, span: &Span) -> Outcome {
        let mut outcome = Outcome::default();
        let is_within = |source: &&Source| span.days.start < source.to && source.from < span.days.end;
        for source in self.held.values().filter(is_within) {
            if let Err(trouble) = self.refresh_archive(source, &mut outcome).await {
                outcome.troubles.push(trouble);
            }
            if self.engine.is_lake_broken() {
                break;
            }
        }
        outcome
    }

    async fn refresh_archive(&self, source: &Source, outcome: &mut Outcome) -> Result<(), Trouble> {
        let Some(period) = source.archive_period() else { return Ok(()) };
        let checksum = self.engine.portal.fetch(&format!("{}.CHECKSUM", source.path)).await?;
        let published = match checksum.map(|text| Checksum::parse(&String::from_utf8_lossy(&text))) {
            // Without a CHECKSUM file only the archive itself could tell.
            None => return self.keep(outcome),
            Some(Err(error)) => return Err(Trouble::Checksum { path: source.path.clone(), source: error }),
            Some(Ok(checksum)) => checksum.sha256,
        };
        if published == source.sha256 && source.state == SourceState::Verified {
            return self.keep(outcome);
        }
        if source.published_sha256.as_ref() == Some(&published) {
            // Known to be stale, and still the same.
            return self.keep(outcome);
        }
        let Some(arrived) = self.engine.archive(self.series, period).await? else { return self.keep(outcome) };
        let (old, new) = (source, &arrived.chunk.source);
        if old == new {
            return self.keep(outcome);
        }
        let before = self.engine.lake.bars(&self.series, period.range())?;
        if old.sha256 != new.sha256 {
            let change = compare(old, &before, &arrived);
            self.engine.lake.note_change(&serde_json::to_string(&change).expect("plain data"))?;
            let Change { added, removed, changed, .. } = change;
            outcome.notes.push(format!(
                "{} was published anew: {added} bars added, {removed} removed, {changed} changed",
                old.path
            ));
            outcome.replaced += 1;
        }
        self.write(vec![arrived], outcome).await;
        Ok(())
    }

    fn keep(&self, outcome: &mut Outcome) -> Result<(), Trouble> {
        outcome.present += 1;
        Ok(())
    }
}

fn compare<'a>(old: &'a Source, before: &Bars, arrived: &'a Arrived) -> Change<'a> {
    let after = &arrived.chunk.bars;
    let by_time = |bars: &Bars| bars.iter().map(|bar| (bar.open_time, bar)).collect::<BTreeMap<_, _>>();
    let (was, is) = (by_time(before), by_time(after));
    let added: Vec<_> = is.keys().filter(|at| !was.contains_key(at)).collect();
    let removed: Vec<_> = was.keys().filter(|at| !is.contains_key(at)).collect();
    let changed: Vec<_> = was.iter().filter(|(at, bar)| is.get(at).is_some_and(|new| new != *bar)).collect();
    let first = added.iter().chain(&removed).copied().chain(changed.iter().map(|(at, _)| *at)).min().copied();
    Change {
        path: &old.path,
        old_sha256: &old.sha256,
        new_sha256: &arrived.chunk.source.sha256,
        rows_before: before.len(),
        rows_after: after.len(),
        added: added.len(),
        removed: removed.len(),
        changed: changed.len(),
        first,
    }
}
