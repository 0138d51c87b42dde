//! Several sources of one file: which of them a bar is taken from.
//!
//! For: ranks, what a lower source may fill, contradictions. Not for: files.
//!
//! A monthly archive goes before the daily ones of its month, those before REST, REST before
//! what was resampled. A bar of a lower source is taken where it overlaps no bar of a higher one;
//! what is left of the source's range says so: it has no open time of a higher source's bar, so
//! a bar belongs to the lowest source whose range holds its open time. That makes the result the
//! same in whatever order sources come, and a file can be taken apart into its sources again.

use std::fmt;
use std::ops::Range;

use candlewick_model::{Bar, Bars, Interval, Period, Times, Timestamp};

use crate::provenance::{Source, SourceState, content_sha256};
use crate::ranges::{Ranges, common};
use crate::write::Chunk;

/// Two sources that have different bars for one open time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The bar that is in the lake.
    pub kept: Bar,
    /// The path of its source.
    pub kept_from: String,
    /// The other one.
    pub dropped: Bar,
    /// The path of its source.
    pub dropped_from: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, dropped) = (columns(&self.kept), columns(&self.dropped));
        let differing = kept.into_iter().zip(dropped).filter(|(kept, dropped)| kept != dropped);
        let values: Vec<_> =
            differing.map(|((name, kept), (_, dropped))| format!("{name} {kept}, not {dropped}")).collect();
        let Self { kept_from, dropped_from, .. } = self;
        write!(f, "bar of {}: {} by {kept_from}, against {dropped_from}", self.kept.open_time, values.join("; "))
    }
}

/// The values of a bar by the names of their columns.
fn columns(bar: &Bar) -> [(&'static str, String); 10] {
    [
        ("close_time", bar.close_time.to_string()),
        ("open", bar.open.to_string()),
        ("high", bar.high.to_string()),
        ("low", bar.low.to_string()),
        ("close", bar.close.to_string()),
        ("volume", bar.volume.to_string()),
        ("quote_volume", bar.quote_volume.to_string()),
        ("taker_buy_volume", bar.taker_buy_volume.to_string()),
        ("taker_buy_quote_volume", bar.taker_buy_quote_volume.to_string()),
        ("trades", bar.trades.to_string()),
    ]
}

/// Which source goes before which: the lesser one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Month,
    Day,
    Rest,
    Resampled,
}

fn rank(source: &Source) -> Rank {
    match (source.state, source.archive_period()) {
        (SourceState::Rest, _) => Rank::Rest,
        (SourceState::Resampled, _) => Rank::Resampled,
        (_, Some(Period::Month { .. })) => Rank::Month,
        _ => Rank::Day,
    }
}

/// The source that a bar was taken from.
pub(crate) fn source_of(sources: &[Source], open_time: Timestamp) -> Option<&Source> {
    sources.iter().filter(|source| source.range().contains(&open_time)).max_by_key(|source| rank(source))
}

/// The content of one file.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub(crate) bars: Bars,
    pub(crate) sources: Vec<Source>,
    pub(crate) contradictions: Vec<Contradiction>,
}

/// What a file held and what is new for it. A new archive replaces an old one of its path or
/// period; a new answer of another source replaces old ones within its range.
pub(crate) fn merge(interval: Interval, kept: Vec<Chunk>, new: Vec<Chunk>) -> Merged {
    let mut chunks = kept;
    for chunk in new {
        chunks = chunks.into_iter().flat_map(|old| left_of(old, &chunk)).collect();
        chunks.push(chunk);
    }
    chunks.sort_by_key(|chunk| (rank(&chunk.source), chunk.source.from));
    let mut merged = Merged::default();
    let mut chunks = chunks.into_iter().peekable();
    while let Some(first) = chunks.next() {
        let rank_of_layer = rank(&first.source);
        let mut layer = vec![first];
        layer.extend(std::iter::from_fn(|| chunks.next_if(|next| rank(&next.source) == rank_of_layer)));
        merged.add(interval, layer);
    }
    merged.sources.sort_by(|a, b| (a.from, rank(a), &a.path).cmp(&(b.from, rank(b), &b.path)));
    merged
}

/// What remains of an old chunk beside a new one, before bars are compared.
fn left_of(old: Chunk, new: &Chunk) -> Vec<Chunk> {
    let (is_archive, is_new_one) = (rank(&old.source) <= Rank::Day, rank(&new.source) <= Rank::Day);
    if is_archive && is_new_one {
        let is_replaced = old.source.path == new.source.path || old.source.range() == new.source.range();
        return if is_replaced { Vec::new() } else { vec![old] };
    }
    if rank(&old.source) != rank(&new.source) {
        return vec![old];
    }
    let taken: Ranges = [new.source.range()].into_iter().collect();
    let parts = taken.outside(&old.source.range());
    if parts == [old.source.range()] { vec![old] } else { parts.into_iter().map(|part| old.part(part)).collect() }
}

impl Merged {
    /// Adds sources of one rank, in order, below those that are there.
    fn add(&mut self, interval: Interval, layer: Vec<Chunk>) {
        let mut taken: Vec<Chunk> = Vec::new();
        for chunk in layer {
            if !self.is_below_others(&chunk.source) {
                taken.push(chunk);
                continue;
            }
            self.compare(&chunk);
            for part in self.free_parts(interval, &chunk) {
                match taken.last_mut() {
                    Some(last) if is_continued(&last.source, &part.source) => last.join(part),
                    _ => taken.push(part),
                }
            }
        }
        let mut bars = Bars::default();
        for chunk in taken {
            self.sources.push(chunk.told());
            bars.append(chunk.bars);
        }
        self.bars = weave(std::mem::take(&mut self.bars), bars);
    }

    /// An archive that lies in no other one is taken as it is, even if a bar before it reaches
    /// into it: both are the exchange's word.
    fn is_below_others(&self, source: &Source) -> bool {
        let within = |other: &Source| other.from <= source.from && source.to <= other.to;
        match rank(source) {
            Rank::Month => false,
            Rank::Day => self.sources.iter().any(within),
            Rank::Rest | Rank::Resampled => true,
        }
    }

    /// The parts of a chunk that no higher source has bars for. An archive's part without rows
    /// says nothing that the archive around it does not say.
    fn free_parts(&self, interval: Interval, chunk: &Chunk) -> Vec<Chunk> {
        let is_archive = rank(&chunk.source) <= Rank::Day;
        let part = |free: Free| {
            let due = free.due(interval);
            let mut part = chunk.part(free.open_times);
            // The last ones may reach into the bar that comes next.
            let rows = part.bars.open_time.partition_point(|open| interval.next_open(open) <= free.end);
            if rows < part.bars.len() {
                part.bars = part.bars.slice(0..rows);
            }
            // Beside its grid a source says nothing but its bars: a bar of a higher source may
            // have covered it before another one, which overlaps that one, took its place.
            if part.bars.open_time.first().is_none_or(|open| due.contains(&open)) {
                part = part.part(common(&due, &part.source.range()));
            }
            part
        };
        let parts = free_within(&self.bars.open_time, interval, &chunk.source.range()).into_iter().map(part);
        let says = |part: &Chunk| !part.bars.is_empty() || !(is_archive || part.source.range().is_empty());
        parts.filter(says).collect()
    }

    /// Notes bars that are otherwise in a higher source.
    fn compare(&mut self, chunk: &Chunk) {
        let Some(first) = chunk.bars.open_time.first() else { return };
        let mut row = self.bars.open_time.partition_point(|open| open < first);
        for dropped in chunk.bars.iter() {
            let opens = self.bars.open_time.within(row..self.bars.len());
            row += opens.take_while(|open| *open < dropped.open_time).count();
            if self.bars.open_time.get(row) != Some(dropped.open_time) {
                continue;
            }
            let kept = self.bars.bar(row);
            if kept != dropped {
                let source = source_of(&self.sources, kept.open_time).expect("every bar has a source");
                let (kept_from, dropped_from) = (source.path.clone(), chunk.source.path.clone());
                self.contradictions.push(Contradiction { kept, kept_from, dropped, dropped_from });
            }
        }
    }
}

/// Whether one source goes on where the other ends, so that both are told as one.
fn is_continued(before: &Source, next: &Source) -> bool {
    rank(before) > Rank::Day && before.to == next.from && before.path == next.path
}

impl Chunk {
    /// Its part within a range that lies in its own.
    pub(crate) fn part(&self, range: Range<Timestamp>) -> Self {
        let from = self.bars.open_time.partition_point(|open| open < range.start);
        let to = self.bars.open_time.partition_point(|open| open < range.end);
        let source = Source { from: range.start, to: range.end, ..self.source.clone() };
        Self { bars: self.bars.slice(from..to), source }
    }

    fn join(&mut self, next: Self) {
        self.source.to = next.source.to;
        self.bars.append(next.bars);
    }

    /// Its source as the file tells it: with the rows that were taken.
    fn told(&self) -> Source {
        let mut source = self.source.clone();
        source.rows = self.bars.len();
        if rank(&source) > Rank::Day {
            source.sha256 = content_sha256(&self.bars);
            source.time_unit = None;
        }
        source
    }
}

/// Where bars may open beside those that are there.
struct Free {
    open_times: Range<Timestamp>,
    /// Since when there is room.
    begin: Timestamp,
    /// Before which they must have ended.
    end: Timestamp,
}

impl Free {
    /// The part of it in which bars on their grid are due.
    fn due(&self, interval: Interval) -> Range<Timestamp> {
        let up = |at: Timestamp| {
            let open = interval.open_at(at);
            if open < at { interval.next_open(open) } else { open }
        };
        let begin = if self.begin == Timestamp::MIN { self.begin } else { up(self.begin) };
        let end = if self.end == Timestamp::MAX { self.end } else { interval.open_at(self.end) };
        begin..end.max(begin)
    }
}

/// The parts of a range that no bar takes up.
fn free_within(open_times: &Times, interval: Interval, range: &Range<Timestamp>) -> Vec<Free> {
    let next = open_times.partition_point(|open| open < range.start);
    let mut free = Vec::new();
    let mut at = next.checked_sub(1).map_or(Timestamp::MIN, |before| interval.next_open(open_times.at(before)));
    for open in open_times.within(next..open_times.len()).chain([Timestamp::MAX]) {
        free.push(Free { open_times: common(&(at..open), range), begin: at, end: open });
        if open >= range.end {
            break;
        }
        at = interval.next_open(open);
    }
    free.retain(|free| !free.open_times.is_empty());
    free
}

/// Two columns of bars, neither of which has an open time of the other, as one.
fn weave(mut a: Bars, mut b: Bars) -> Bars {
    let starts_after = |late: &Bars, early: &Bars| late.open_time.first() > early.open_time.last();
    if b.is_empty() || starts_after(&b, &a) {
        a.append(b);
        return a;
    }
    if a.is_empty() || starts_after(&a, &b) {
        b.append(a);
        return b;
    }
    let mut woven = Bars::with_capacity(a.len() + b.len());
    let (mut from_a, mut from_b) = (0, 0);
    while from_b < b.len() {
        let to_a = a.open_time.partition_point(|open| open < b.open_time.at(from_b)).max(from_a);
        woven.append(a.slice(from_a..to_a));
        from_a = to_a;
        let until = a.open_time.get(from_a).unwrap_or(Timestamp::MAX);
        let to_b = b.open_time.partition_point(|open| open < until).max(from_b);
        assert!(to_b > from_b, "two sources have a bar of {until}");
        woven.append(b.slice(from_b..to_b));
        from_b = to_b;
    }
    woven.append(a.slice(from_a..a.len()));
    woven
}

/// The reverse of [`merge`]: a file's bars by source.
pub(crate) fn take_apart(bars: &Bars, sources: &[Source]) -> Vec<Chunk> {
    let lower = |than: Rank| -> Ranges { sources.iter().filter(|s| rank(s) > than).map(Source::range).collect() };
    let taken = [Rank::Month, Rank::Day, Rank::Rest, Rank::Resampled].map(lower);
    let chunk = |source: Source| {
        let mut own = Bars::default();
        for part in taken[rank(&source) as usize].outside(&source.range()) {
            let from = bars.open_time.partition_point(|open| open < part.start);
            let to = bars.open_time.partition_point(|open| open < part.end);
            own.append(bars.slice(from..to));
        }
        Chunk { bars: own, source }
    };
    sources.iter().cloned().map(chunk).collect()
}

#[cfg(test)]
mod tests;
