//! Sets of instants as ranges: in order, apart from each other, none empty.

use std::ops::Range;

use candlewick_model::Timestamp;

/// A set of instants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Range<Timestamp>>);

impl FromIterator<Range<Timestamp>> for Ranges {
    /// In any order; what touches or overlaps is joined.
    fn from_iter<I: IntoIterator<Item = Range<Timestamp>>>(ranges: I) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        sorted.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<Timestamp>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Self(joined)
    }
}

impl Ranges {
    /// The parts of a range that are not in the set, in order.
    pub(crate) fn outside(&self, range: &Range<Timestamp>) -> Vec<Range<Timestamp>> {
        let mut parts = Vec::new();
        let mut at = range.start;
        let first = self.0.partition_point(|taken| taken.end <= range.start);
        for taken in self.0[first..].iter().take_while(|taken| taken.start < range.end) {
            parts.push(at..taken.start);
            at = at.max(taken.end);
        }
        parts.push(at..range.end);
        parts.retain(|part| !part.is_empty());
        parts
    }
}

/// What two ranges have in common; empty if nothing.
pub(crate) fn common(a: &Range<Timestamp>, b: &Range<Timestamp>) -> Range<Timestamp> {
    a.start.max(b.start)..a.end.min(b.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(of: &(i64, i64)) -> Range<Timestamp> {
        Timestamp::from_micros(of.0)..Timestamp::from_micros(of.1)
    }

    #[test]
    fn sets_of_instants() {
        let outside = |taken: &[(i64, i64)], of: (i64, i64)| -> Vec<(i64, i64)> {
            let set: Ranges = taken.iter().map(range).collect();
            set.outside(&range(&of)).iter().map(|r| (r.start.micros(), r.end.micros())).collect()
        };
        assert_eq!(outside(&[], (0, 9)), [(0, 9)]);
        assert_eq!(outside(&[(6, 7), (2, 4), (4, 5), (3, 3)], (0, 9)), [(0, 2), (5, 6), (7, 9)]);
        assert_eq!(outside(&[(0, 3), (8, 20)], (2, 9)), [(3, 8)]);
        assert_eq!(outside(&[(0, 10), (2, 3)], (2, 9)), []);
        assert_eq!(outside(&[(20, 30)], (2, 9)), [(2, 9)]);
        assert!(common(&range(&(0, 3)), &range(&(4, 9))).is_empty());
    }
}
