//! Coarser series from finer ones of the lake.
//!
//! For: which stretches of time can be made, and writing them. A coarser bar is made once the
//! finer series' sources answer for all of its time, so that it is closed; missing finer bars
//! within are told. Not for: the arithmetic (`bars.rs`).

mod bars;
#[cfg(test)]
mod tests;

use std::ops::Range;

use candlewick_model::{Bar, Interval, Symbol, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::layout::SeriesName;
use crate::provenance::{Source, SourceState, content_sha256};
use crate::ranges::Ranges;
use crate::write::Chunk;

pub use bars::{PartialBar, Resampled, divides, resample};

/// Why no coarser bars could be made.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// The finer interval does not divide the coarser one.
    #[error("bars of {to} cannot be made of bars of {from}: the finer interval must divide the coarser one")]
    Interval {
        /// The finer one.
        from: Interval,
        /// The coarser one.
        to: Interval,
    },
    /// A volume is beyond all that can be summed.
    #[error("a {column} is too large to be summed")]
    Volume {
        /// In which column.
        column: &'static str,
    },
    /// The frame library refused.
    #[error("resampling failed: {0}")]
    Frame(#[from] polars::error::PolarsError),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// A series that was made of a finer one.
#[derive(Debug, Default)]
pub struct ResampledSeries {
    /// The bars by stretch of time and file of the finer series.
    pub chunks: Vec<Chunk>,
    /// Bars that were made of fewer finer bars than regular.
    pub partial: Vec<PartialBar>,
    /// Times, whole coarser bars, that were left out: the finer series' sources answer for a part
    /// of them only. The last one is the bar that is still open.
    pub left_out: Vec<Range<Timestamp>>,
}

/// A bar that is otherwise than the exchange has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What the exchange says; `None` where it has no bar.
    pub exchange: Option<Bar>,
    /// What was made; `None` where there is nothing to make it of.
    pub made: Option<Bar>,
    /// If finer bars are missing in it.
    pub partial: Option<PartialBar>,
}

/// Made bars beside those of the exchange.
#[derive(Debug, Default)]
pub struct Verification {
    /// How many are the same in every value.
    pub equal: usize,
    /// The others.
    pub differences: Vec<Difference>,
}

impl Lake {
    /// Makes a coarser series; nothing is written.
    pub fn resample(&self, finer: &SeriesName, to: Interval) -> Result<ResampledSeries, ResampleError> {
        if !divides(finer.interval, to) {
            return Err(ResampleError::Interval { from: finer.interval, to });
        }
        let files = self.files(finer)?;
        let sources = || files.iter().flat_map(|file| &file.provenance.sources);
        let answered: Ranges = sources().map(Source::range).collect();
        let mut made = ResampledSeries::default();
        let Some(begin) = sources().map(|source| source.from).min() else { return Ok(made) };
        let end = sources().map(|source| source.to).max().unwrap_or(begin);
        let whole = to.open_at(begin)..open_from(to, end);
        for part in answered.outside(&whole) {
            made.leave_out(to.open_at(part.start)..open_from(to, part.end));
        }
        let left_out: Ranges = made.left_out.iter().cloned().collect();
        let folder = finer.folder(std::path::Path::new(""));
        for (at, file) in files.iter().enumerate() {
            // A coarser bar belongs to the file in which it opens.
            let next = files.get(at + 1).and_then(|next| begin_of(&next.provenance.sources));
            let Some(from) = begin_of(&file.provenance.sources) else { continue };
            let from = if at == 0 { whole.start } else { open_from(to, from) };
            let until = next.map_or(whole.end, |next| open_from(to, next));
            let path = folder.join(&file.name).display().to_string();
            for range in left_out.outside(&(from..until.max(from))) {
                made.add(self.bars(finer, range.clone())?, &path, range, finer.interval, to)?;
            }
        }
        Ok(made)
    }

    /// Compares a made series with what archives and REST say for the same times.
    pub fn verify_resampled(
        &self,
        symbol: Symbol,
        to: Interval,
        made: &ResampledSeries,
    ) -> Result<Verification, LakeError> {
        let coarser = SeriesName { symbol, interval: to };
        let files = self.files(&coarser)?;
        let sources = files.iter().flat_map(|file| &file.provenance.sources);
        let told: Vec<_> = sources.filter(|s| s.state != SourceState::Resampled).map(Source::range).collect();
        let told: Ranges = told.into_iter().collect();
        let mut verification = Verification::default();
        for chunk in &made.chunks {
            let exchange = self.bars(&coarser, chunk.source.range())?;
            let is_told = |bar: &Bar| told.outside(&(bar.open_time..bar.open_time.plus(1))).is_empty();
            let exchange: Vec<Bar> = exchange.iter().filter(is_told).collect();
            verification.compare(&exchange, &chunk.bars.iter().filter(is_told).collect::<Vec<_>>(), &made.partial);
        }
        Ok(verification)
    }
}

fn begin_of(sources: &[Source]) -> Option<Timestamp> {
    sources.iter().map(|source| source.from).min()
}

/// The first regular open at or after an instant.
pub(crate) fn open_from(interval: Interval, at: Timestamp) -> Timestamp {
    let open = interval.open_at(at);
    if open == at { at } else { interval.next_open(open) }
}

impl ResampledSeries {
    fn leave_out(&mut self, bars: Range<Timestamp>) {
        match self.left_out.last_mut() {
            Some(last) if bars.start <= last.end => last.end = last.end.max(bars.end),
            _ => self.left_out.push(bars),
        }
    }

    fn add(
        &mut self,
        finer: candlewick_model::Bars,
        path: &str,
        range: Range<Timestamp>,
        from: Interval,
        to: Interval,
    ) -> Result<(), ResampleError> {
        let Resampled { bars, partial } = resample(&finer, from, to)?;
        let source = Source {
            path: path.to_owned(),
            sha256: content_sha256(&bars),
            published_sha256: None,
            state: SourceState::Resampled,
            time_unit: None,
            rows: bars.len(),
            from: range.start,
            to: range.end,
        };
        self.partial.extend(partial);
        self.chunks.push(Chunk { bars, source });
        Ok(())
    }

    /// How many bars were made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bars.len()).sum()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Verification {
    /// Two lists of bars by open time.
    fn compare(&mut self, exchange: &[Bar], made: &[Bar], partial: &[PartialBar]) {
        let (mut exchange, mut made) = (exchange.iter().peekable(), made.iter().peekable());
        loop {
            let (left, right) = match (exchange.peek(), made.peek()) {
                (None, None) => return,
                (Some(e), Some(m)) if e.open_time == m.open_time => (exchange.next(), made.next()),
                (Some(e), Some(m)) if m.open_time < e.open_time => (None, made.next()),
                (None, Some(_)) => (None, made.next()),
                (Some(_), _) => (exchange.next(), None),
            };
            if left == right {
                self.equal += 1;
                continue;
            }
            let open_time = left.or(right).map(|bar| bar.open_time);
            let partial = partial.iter().find(|partial| Some(partial.open_time) == open_time).copied();
            self.differences.push(Difference { exchange: left.copied(), made: right.copied(), partial });
        }
    }
}
