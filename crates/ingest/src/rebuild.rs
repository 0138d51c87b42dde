//! Damaged files of the lake, made anew from what they were made of.
//!
//! A footer that can be read says which archives and which answers of REST that were; the file
//! is then the same again, unless they changed. Otherwise the file's name says which time it is
//! for, and everything is taken that there is for it.

use std::ops::Range;
use std::sync::Arc;

use candlewick_lake::{Chunk, Damaged, SeriesName, SeriesWriter, Source, SourceState};
use candlewick_model::{Period, Timestamp};

use crate::error::Trouble;
use crate::plan::Span;
use crate::repair::{Repaired, StillDamaged};
use crate::rest::{by_month, chunk_of};
use crate::run::Engine;
use crate::series::SeriesRun;

/// Why a file stays as it is.
enum Obstacle {
    Trouble(Trouble),
    /// There is no way to get what it was made of.
    Lacking(String),
}

impl From<Trouble> for Obstacle {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

fn lacking<T>(why: impl Into<String>) -> Result<T, Obstacle> {
    Err(Obstacle::Lacking(why.into()))
}

impl Engine<'_> {
    /// Reads every value of a series and makes damaged files anew.
    pub(crate) async fn rebuild(
        &self,
        series: SeriesName,
        now: Timestamp,
        repaired: &mut Repaired,
    ) -> Result<(), Trouble> {
        let lake = self.lake.clone();
        let permit = self.processing.acquire().await.expect("never closed");
        let found = tokio::task::spawn_blocking(move || lake.damaged(&series)).await.expect("reading does not panic");
        drop(permit);
        let damaged = found.map_err(|error| self.broken(error))?;
        if damaged.is_empty() {
            return Ok(());
        }
        let writer = Arc::new(self.lake.writer(series).map_err(|error| self.broken(error))?);
        let run = SeriesRun { engine: self, series, writer: Arc::clone(&writer), held: Default::default() };
        for file in damaged {
            let name = file.name.clone();
            match run.anew(file, now, repaired).await {
                Ok(bytes) => {
                    repaired.outcome.written_bytes += bytes;
                    repaired.rebuilt.push(name);
                }
                Err(obstacle) => {
                    let why = match obstacle {
                        Obstacle::Lacking(why) => why,
                        Obstacle::Trouble(trouble) => {
                            let why = trouble.to_string();
                            repaired.outcome.troubles.push(trouble);
                            why
                        }
                    };
                    repaired.damaged.push(StillDamaged { file: name, why });
                }
            }
        }
        Ok(())
    }
}

impl SeriesRun<'_> {
    async fn anew(&self, file: Damaged, now: Timestamp, repaired: &mut Repaired) -> Result<u64, Obstacle> {
        let chunks = match &file.sources {
            Some(sources) => self.again(sources, repaired).await?,
            None => self.all_of(&file, now).await?,
        };
        let _permit = self.engine.processing.acquire().await.expect("never closed");
        let writer: Arc<SeriesWriter> = Arc::clone(&self.writer);
        let written = tokio::task::spawn_blocking(move || writer.rebuild(&file, chunks));
        let written = written.await.expect("writing does not panic").map_err(|error| self.engine.broken(error))?;
        Ok(written.bytes)
    }

    /// The very sources that a file was made of.
    async fn again(&self, sources: &[Source], repaired: &mut Repaired) -> Result<Vec<Chunk>, Obstacle> {
        let mut chunks = Vec::new();
        for source in sources {
            let Some(period) = source.archive_period() else {
                if source.state == SourceState::Resampled {
                    return lacking(format!("it was made of {}: resample it again", source.path));
                }
                chunks.push(self.over_rest(source.range()).await?);
                continue;
            };
            match self.engine.archive(self.series, period).await? {
                Some(arrived) => {
                    let path = &source.path;
                    if arrived.chunk.source.sha256 != source.sha256 {
                        repaired.outcome.notes.push(format!("{path} was published anew since it had been taken"));
                    }
                    chunks.push(arrived.chunk);
                }
                None => {
                    let answer = self.over_rest(source.range()).await;
                    let path = &source.path;
                    chunks.push(answer.map_err(|obstacle| match obstacle {
                        Obstacle::Lacking(why) => Obstacle::Lacking(format!("{path} is not on the portal, and {why}")),
                        other => other,
                    })?);
                    repaired.outcome.notes.push(format!("{path} is not on the portal any more; REST answered for it"));
                }
            }
        }
        Ok(chunks)
    }

    /// What REST has for the whole of a range.
    async fn over_rest(&self, range: Range<Timestamp>) -> Result<Chunk, Obstacle> {
        let (from, to) = (range.start, range.end);
        let Some(rest) = self.engine.rest else {
            return lacking(format!("the bars from {from} to {to} are to be had over REST only, which is off"));
        };
        let paged = rest.closed_bars(self.series, range.clone()).await?;
        if paged.answered != range {
            return lacking(format!("REST answers for {from} to {to} only until {}", paged.answered.end));
        }
        Ok(chunk_of(paged))
    }

    /// Everything that there is for the time of a file.
    async fn all_of(&self, file: &Damaged, now: Timestamp) -> Result<Vec<Chunk>, Obstacle> {
        let (first, last) = file.periods();
        let span = if last.range().end <= now { Span::new(first, last) } else { Span::until_now(first, now) };
        let Ok(span) = span else { return lacking(format!("it is for {first}, which is still to come")) };
        let units = span.units(self.series.is_yearly());
        let listed = self.listed(&units).await?;
        let (mut chunks, mut absent) = (Vec::new(), Vec::new());
        for period in units.into_iter().flatten() {
            let (arrived, mut outcome) = self.period(period, &listed).await;
            if let Some(trouble) = outcome.troubles.pop() {
                return Err(trouble.into());
            }
            chunks.extend(arrived.into_iter().map(|arrived| arrived.chunk));
            absent.extend(outcome.absent.into_iter().map(Period::range));
        }
        absent.push(span.days.end..span.end);
        if let Some(rest) = self.engine.rest {
            for part in absent.into_iter().flat_map(by_month) {
                let mut paged = rest.closed_bars(self.series, part).await?;
                // What comes before and after is no part of what is known of the file.
                let (Some(first), Some(last)) = (paged.bars.open_time.first(), paged.bars.open_time.last()) else {
                    continue;
                };
                paged.answered.start = first;
                paged.answered.end = paged.answered.end.min(self.series.interval.next_open(last));
                chunks.push(chunk_of(paged));
            }
        }
        if chunks.is_empty() {
            return lacking(format!("there is nothing for {first} to make it of"));
        }
        Ok(chunks)
    }
}
