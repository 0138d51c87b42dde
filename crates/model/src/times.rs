//! A column of instants: regular ones, as nearly all of them are, take next to no memory.
//!
//! For: the open and close times of bars, and the instants of equity. Not for: what a regular
//! bar is (`interval`); any instants in any order are a column.

use std::ops::Range;

use crate::time::Timestamp;

/// Rows of a block.
const BLOCK: usize = 1 << 10;

/// Instants in a row. Of a block of them whose neighbours are equally far apart only the first
/// and that distance is kept.
#[derive(Debug, Clone, Default)]
pub struct Times {
    blocks: Vec<Block>,
    len: usize,
}

#[derive(Debug, Clone)]
enum Block {
    Regular { first: i64, step: i64 },
    Each(Vec<i64>),
}

/// A step may be the difference of any two instants: it wraps around, and so does what is made
/// with it, to where it came from.
#[inline]
fn nth(first: i64, step: i64, count: usize) -> i64 {
    first.wrapping_add(step.wrapping_mul(count as i64))
}

impl Block {
    #[inline]
    fn at(&self, row: usize) -> i64 {
        match self {
            Self::Regular { first, step } => nth(*first, *step, row),
            Self::Each(times) => times[row],
        }
    }
}

impl Times {
    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The one of a row; `None` beyond the end.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> Option<Timestamp> {
        (row < self.len).then(|| Timestamp::from_micros(self.blocks[row / BLOCK].at(row % BLOCK)))
    }

    /// The one of a row; panics beyond the end, as indexing does.
    #[must_use]
    #[inline]
    pub fn at(&self, row: usize) -> Timestamp {
        self.get(row).expect("the row is there")
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.get(0)
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<Timestamp> {
        self.get(self.len.checked_sub(1)?)
    }

    /// The latest one.
    #[must_use]
    pub fn max(&self) -> Option<Timestamp> {
        let latest = |rows: Range<usize>| match &self.blocks[rows.start / BLOCK] {
            Block::Regular { .. } if self.is_sorted_within(rows.clone()) => Some(self.at(rows.end - 1)),
            _ => rows.map(|row| self.at(row)).max(),
        };
        self.rows_of_blocks(0..self.len).filter_map(latest).max()
    }

    /// Whether none is earlier than the one before it.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        let ascends = |rows: Range<usize>| {
            (rows.start == 0 || self.at(rows.start - 1) <= self.at(rows.start)) && self.is_sorted_within(rows)
        };
        self.rows_of_blocks(0..self.len).all(ascends)
    }

    /// As [`Self::is_sorted`], of rows of one block.
    fn is_sorted_within(&self, rows: Range<usize>) -> bool {
        if let Block::Regular { step, .. } = &self.blocks[rows.start / BLOCK] {
            let (first, last) = (self.at(rows.start).micros(), self.at(rows.end - 1).micros());
            let apart = i128::from(last) - i128::from(first);
            // Else steps have wrapped around, which those of real times do not.
            if apart == i128::from(*step) * (rows.len() as i128 - 1) {
                return apart >= 0;
            }
        }
        self.within(rows).is_sorted()
    }

    /// All in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Timestamp> + DoubleEndedIterator + Clone + '_ {
        self.within(0..self.len)
    }

    /// Those of some rows in order; panics beyond the end.
    pub fn within(
        &self,
        rows: Range<usize>,
    ) -> impl ExactSizeIterator<Item = Timestamp> + DoubleEndedIterator + Clone + '_ {
        assert!(rows.end <= self.len, "no such rows");
        rows.map(|row| Timestamp::from_micros(self.blocks[row / BLOCK].at(row % BLOCK)))
    }

    /// The first row for which something does not hold, of a column in which it holds up to some
    /// row and not from there on.
    #[must_use]
    pub fn partition_point(&self, mut holds: impl FnMut(Timestamp) -> bool) -> usize {
        let (mut from, mut to) = (0, self.len);
        while from < to {
            let middle = from + (to - from) / 2;
            if holds(self.at(middle)) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// The row with which the last rows before `to` begin that are all later than an instant; `to`
    /// where there is none. Few are looked for: they are gone through one by one.
    #[must_use]
    pub fn rows_after(&self, instant: Timestamp, to: usize) -> usize {
        let mut from = to;
        while let Some(row) = from.checked_sub(1) {
            let (block, begin) = (&self.blocks[row / BLOCK], row - row % BLOCK);
            match block {
                Block::Regular { step, .. } => {
                    let mut time = block.at(row - begin);
                    while from > begin && time > instant.micros() {
                        from -= 1;
                        time = time.wrapping_sub(*step);
                    }
                }
                Block::Each(times) => {
                    let later = times[..=row - begin].iter().rev().take_while(|time| **time > instant.micros());
                    from -= later.count();
                }
            }
            if from > begin {
                break;
            }
        }
        from
    }

    /// Rows, but for the first, that are not a step behind the row before them.
    pub fn uneven(&self, step: i64) -> impl Iterator<Item = usize> + '_ {
        let rows_to_look_at = move |rows: Range<usize>| match &self.blocks[rows.start / BLOCK] {
            Block::Regular { step: own, .. } if *own == step => rows.start..rows.start + 1,
            _ => rows,
        };
        let is_uneven =
            move |row: &usize| *row > 0 && self.at(*row).micros().wrapping_sub(self.at(*row - 1).micros()) != step;
        self.rows_of_blocks(0..self.len).flat_map(rows_to_look_at).filter(is_uneven)
    }

    /// Adds one at the end.
    #[inline]
    pub fn push(&mut self, time: Timestamp) {
        self.push_micros(time.micros());
    }

    fn push_micros(&mut self, time: i64) {
        let row = self.len % BLOCK;
        self.len += 1;
        let Some(block) = self.blocks.last_mut().filter(|_| row > 0) else {
            self.blocks.push(Block::Regular { first: time, step: 0 });
            return;
        };
        match block {
            Block::Each(times) => times.push(time),
            Block::Regular { first, step } if row == 1 => *step = time.wrapping_sub(*first),
            Block::Regular { first, step } if nth(*first, *step, row) == time => {}
            Block::Regular { first, step } => {
                let mut times = Vec::with_capacity(BLOCK);
                times.extend((0..row).map(|row| nth(*first, *step, row)));
                times.push(time);
                *block = Block::Each(times);
            }
        }
    }

    /// Adds so many at the end that are equally far apart.
    fn push_regular(&mut self, mut first: i64, step: i64, mut count: usize) {
        while count > 0 {
            let row = self.len % BLOCK;
            let rows = (BLOCK - row).min(count);
            match self.blocks.last() {
                _ if row == 0 => {
                    self.blocks.push(Block::Regular { first, step });
                    self.len += rows;
                }
                Some(Block::Regular { first: begin, step: same })
                    if *same == step && nth(*begin, step, row) == first =>
                {
                    self.len += rows;
                }
                _ => (0..rows).for_each(|row| self.push_micros(nth(first, step, row))),
            }
            first = nth(first, step, rows);
            count -= rows;
        }
    }

    /// Adds some at the end, in microseconds.
    pub fn extend_from_micros(&mut self, times: &[i64]) {
        let to_next_block = (BLOCK - self.len % BLOCK) % BLOCK;
        let (before, whole) = times.split_at(to_next_block.min(times.len()));
        before.iter().for_each(|time| self.push_micros(*time));
        for times in whole.chunks(BLOCK) {
            let (first, step) = (times[0], times.get(1).map_or(0, |second| second.wrapping_sub(times[0])));
            let is_regular = times.windows(2).fold(true, |all, pair| all & (pair[1].wrapping_sub(pair[0]) == step));
            self.blocks.push(if is_regular { Block::Regular { first, step } } else { Block::Each(times.to_vec()) });
            self.len += times.len();
        }
    }

    /// Adds some rows of another column at the end; panics where they are not there.
    pub fn extend_from(&mut self, other: &Self, rows: Range<usize>) {
        assert!(rows.end <= other.len, "no such rows");
        for rows in other.rows_of_blocks(rows) {
            let (start, end) = (rows.start % BLOCK, rows.start % BLOCK + rows.len());
            match &other.blocks[rows.start / BLOCK] {
                Block::Regular { first, step } => self.push_regular(nth(*first, *step, start), *step, rows.len()),
                Block::Each(times) => self.extend_from_micros(&times[start..end]),
            }
        }
    }

    /// Adds all of another column at the end.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        } else {
            self.extend_from(&other, 0..other.len);
        }
    }

    /// A copy of some rows; panics where they are not there.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let mut slice = Self::default();
        slice.extend_from(self, rows);
        slice
    }

    /// Puts another one into a row; panics beyond the end.
    pub fn set(&mut self, row: usize, time: Timestamp) {
        if self.at(row) == time {
            return;
        }
        let rows = self.rows_of_blocks(row..self.len).next().map_or(row, |rows| rows.end) - row / BLOCK * BLOCK;
        let block = &mut self.blocks[row / BLOCK];
        if let Block::Regular { first, step } = *block {
            *block = Block::Each((0..rows).map(|row| nth(first, step, row)).collect());
        }
        if let Block::Each(times) = block {
            times[row % BLOCK] = time.micros();
        }
    }

    /// Some rows, cut where blocks end.
    fn rows_of_blocks(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let Range { mut start, end } = rows;
        std::iter::from_fn(move || {
            let from = start;
            start = end.min((start / BLOCK + 1) * BLOCK);
            (from < end).then_some(from..start)
        })
    }
}

/// The same instants are the same column, however they are kept.
impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |rows: Range<usize>| {
            let of = |times: &Self| match &times.blocks[rows.start / BLOCK] {
                Block::Regular { first, step } => Some((*first, *step)),
                Block::Each(_) => None,
            };
            of(self).is_some_and(|block| of(other) == Some(block)) || self.within(rows.clone()).eq(other.within(rows))
        };
        self.len == other.len && self.rows_of_blocks(0..self.len).all(is_same)
    }
}
impl Eq for Times {}

impl From<Vec<Timestamp>> for Times {
    fn from(times: Vec<Timestamp>) -> Self {
        times.into_iter().collect()
    }
}

impl FromIterator<Timestamp> for Times {
    fn from_iter<I: IntoIterator<Item = Timestamp>>(times: I) -> Self {
        let mut column = Self::default();
        column.extend(times);
        column
    }
}

impl Extend<Timestamp> for Times {
    fn extend<I: IntoIterator<Item = Timestamp>>(&mut self, times: I) {
        times.into_iter().for_each(|time| self.push(time));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Stretches of regular instants, of any lengths, some of a single one.
    fn instants() -> impl Strategy<Value = Vec<Timestamp>> {
        let stretch = (any::<i64>(), prop_oneof![-3..10_i64, any::<i64>()], prop_oneof![0..4_usize, 900..2_200_usize]);
        let along = |(first, step, count): (i64, i64, usize)| (0..count).map(move |n| nth(first, step, n));
        prop::collection::vec(stretch, 0..5)
            .prop_map(move |all| all.into_iter().flat_map(along).map(Timestamp::from_micros).collect())
    }

    proptest! {
        #[test]
        fn a_column_is_its_instants(one in instants(), other in instants(), at: prop::sample::Index, to: prop::sample::Index) {
            let micros: Vec<i64> = other.iter().map(|time| time.micros()).collect();
            let (first, mut second) = (Times::from(one.clone()), Times::default());
            second.extend_from_micros(&micros);
            prop_assert_eq!(&second, &Times::from(other.clone()));
            let mut column = first.clone();
            column.append(second.clone());
            let mut all = [one.clone(), other.clone()].concat();
            prop_assert_eq!(column.iter().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(&column, &Times::from(all.clone()));
            prop_assert_eq!((column.first(), column.last()), (all.first().copied(), all.last().copied()));
            prop_assert_eq!((column.is_sorted(), column.max()), (all.is_sorted(), all.iter().max().copied()));
            let step = all.get(1).map_or(0, |second| second.micros().wrapping_sub(all[0].micros()));
            let is_uneven = |row: &usize| all[*row].micros().wrapping_sub(all[*row - 1].micros()) != step;
            prop_assert!(column.uneven(step).eq((1..all.len()).filter(is_uneven)));
            prop_assert_eq!((first.is_sorted(), first.max()), (one.is_sorted(), one.iter().max().copied()));
            prop_assert!(all.iter().enumerate().all(|(row, time)| column.at(row) == *time) && column.get(all.len()).is_none());
            if all.is_empty() {
                return Ok(());
            }
            let (at, to) = (at.index(all.len()), to.index(all.len()));
            let (from, to) = (at.min(to), at.max(to));
            let slice = column.slice(from..to);
            prop_assert_eq!(slice.iter().collect::<Vec<_>>(), &all[from..to]);
            let later = |bound: Timestamp| all[..to].iter().rev().take_while(|time| **time > bound).count();
            prop_assert!(all.iter().take(3).all(|bound| column.rows_after(*bound, to) == to - later(*bound)));
            prop_assert!(column.within(from..to).rev().eq(all[from..to].iter().rev().copied()));
            let mut again = slice.clone();
            again.extend_from(&column, to..all.len());
            prop_assert_eq!(again == column.slice(from..all.len()), true);
            let other_time = all[at].micros().wrapping_add(1);
            all[at] = Timestamp::from_micros(other_time);
            column.set(at, all[at]);
            prop_assert_eq!(column.iter().collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(column == first, false);
        }

        #[test]
        fn a_point_is_found(one in instants(), at: prop::sample::Index) {
            let mut one = one;
            one.sort();
            let bound = if one.is_empty() { Timestamp::MIN } else { one[at.index(one.len())] };
            let column = Times::from(one.clone());
            prop_assert_eq!(column.partition_point(|time| time < bound), one.partition_point(|time| *time < bound));
        }
    }

    #[test]
    fn regular_instants_take_no_memory() {
        let mut column: Times = (0..100_000).map(|n| Timestamp::from_micros(n * 60_000_000)).collect();
        column.push(Timestamp::from_micros(1));
        let each = column.blocks.iter().filter(|block| matches!(block, Block::Each(_))).count();
        assert_eq!((column.blocks.len(), each), (98, 1));
    }
}
