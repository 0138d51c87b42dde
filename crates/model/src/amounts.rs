//! A column of amounts: eight bytes each as long as all of them fit, sixteen from the first one
//! on that does not.
//!
//! For: the volumes of bars, of which only those of cheap tokens need more than 64 bits. Not
//! for: money, which is an [`Amount`] at a time.

use std::ops::Range;

use crate::number::Amount;

/// Amounts in a row.
#[derive(Debug, Clone)]
pub struct Amounts(Column);

#[derive(Debug, Clone)]
enum Column {
    /// So many of nothing, which take no memory.
    Zeros(usize),
    Narrow(Vec<i64>),
    Wide(Vec<i128>),
}

/// The amounts of a column as they lie in memory, in units of 1e-8.
#[derive(Debug, Clone, Copy)]
pub enum Units<'a> {
    /// All of them fit 64 bits.
    Narrow(&'a [i64]),
    /// Not all of them do.
    Wide(&'a [i128]),
}

impl Amounts {
    /// None, with room for some.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self(Column::Narrow(Vec::with_capacity(rows)))
    }

    /// So many of nothing, for a column that was not asked for.
    #[must_use]
    pub const fn zeros(count: usize) -> Self {
        Self(Column::Zeros(count))
    }

    /// How many there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Column::Zeros(count) => *count,
            Column::Narrow(units) => units.len(),
            Column::Wide(units) => units.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one of a row; `None` beyond the end.
    #[must_use]
    #[inline]
    pub fn get(&self, row: usize) -> Option<Amount> {
        let units = match &self.0 {
            Column::Zeros(count) => (row < *count).then_some(0),
            Column::Narrow(units) => units.get(row).map(|units| i128::from(*units)),
            Column::Wide(units) => units.get(row).copied(),
        };
        units.map(Amount::from_units)
    }

    /// The one of a row; panics beyond the end, as indexing does.
    #[must_use]
    #[inline]
    pub fn at(&self, row: usize) -> Amount {
        self.get(row).expect("the row is there")
    }

    /// Adds one at the end.
    #[inline]
    pub fn push(&mut self, amount: Amount) {
        self.fill_in();
        match (&mut self.0, i64::try_from(amount.units())) {
            (Column::Narrow(units), Ok(narrow)) => units.push(narrow),
            (Column::Wide(units), _) => units.push(amount.units()),
            (Column::Narrow(_) | Column::Zeros(_), _) => self.widen().push(amount.units()),
        }
    }

    /// The units, for adding others that fit 64 bits; `None` once one did not.
    #[must_use]
    pub fn narrow_units(&mut self) -> Option<&mut Vec<i64>> {
        self.fill_in();
        match &mut self.0 {
            Column::Narrow(units) => Some(units),
            Column::Zeros(_) | Column::Wide(_) => None,
        }
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<Amount> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Puts another one into a row; panics beyond the end.
    pub fn set(&mut self, row: usize, amount: Amount) {
        if self.get(row) == Some(amount) {
            return;
        }
        self.fill_in();
        match (&mut self.0, i64::try_from(amount.units())) {
            (Column::Narrow(units), Ok(narrow)) => units[row] = narrow,
            (Column::Wide(units), _) => units[row] = amount.units(),
            (Column::Narrow(_) | Column::Zeros(_), _) => self.widen()[row] = amount.units(),
        }
    }

    /// Gives zeros their memory.
    #[inline]
    fn fill_in(&mut self) {
        if let Column::Zeros(count) = self.0 {
            self.0 = Column::Narrow(vec![0; count]);
        }
    }

    fn widen(&mut self) -> &mut Vec<i128> {
        self.fill_in();
        if let Column::Narrow(units) = &self.0 {
            self.0 = Column::Wide(units.iter().map(|units| i128::from(*units)).collect());
        }
        match &mut self.0 {
            Column::Wide(units) => units,
            Column::Narrow(_) | Column::Zeros(_) => unreachable!("it has just been widened"),
        }
    }

    /// Adds all of another column at the end.
    pub fn append(&mut self, mut other: Self) {
        if let (Column::Zeros(count), Column::Zeros(more)) = (&mut self.0, &other.0) {
            *count += more;
            return;
        }
        self.fill_in();
        other.fill_in();
        match (&mut self.0, &mut other.0) {
            (Column::Narrow(units), Column::Narrow(more)) => units.append(more),
            _ => {
                other.widen();
                if let Column::Wide(more) = &mut other.0 {
                    self.widen().append(more);
                }
            }
        }
    }

    /// A copy of some rows.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        match &self.0 {
            Column::Zeros(count) => {
                assert!(rows.end <= *count, "no such rows");
                Self(Column::Zeros(rows.len()))
            }
            Column::Narrow(units) => Self(Column::Narrow(units[rows].to_vec())),
            Column::Wide(units) => units[rows].iter().map(|units| Amount::from_units(*units)).collect(),
        }
    }

    /// Some rows as they lie in memory; panics for a column that was not asked for.
    #[must_use]
    pub fn units(&self, rows: Range<usize>) -> Units<'_> {
        match &self.0 {
            Column::Zeros(count) => {
                assert!(*count == 0, "a column that was not asked for");
                Units::Narrow(&[])
            }
            Column::Narrow(units) => Units::Narrow(&units[rows]),
            Column::Wide(units) => Units::Wide(&units[rows]),
        }
    }

    /// All in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Amount> + DoubleEndedIterator + '_ {
        (0..self.len()).map(|row| self.at(row))
    }

    /// What some rows come to together.
    #[must_use]
    #[inline]
    pub fn sum(&self, rows: Range<usize>) -> Amount {
        Amount::from_units(match &self.0 {
            Column::Zeros(_) => 0,
            Column::Narrow(units) => sum(&units[rows]),
            Column::Wide(units) => units[rows].iter().sum(),
        })
    }
}

/// In 64 bits as long as it fits them.
#[inline]
fn sum(units: &[i64]) -> i128 {
    let narrow = units.iter().try_fold(0_i64, |sum, units| sum.checked_add(*units));
    narrow.map_or_else(|| units.iter().map(|units| i128::from(*units)).sum(), i128::from)
}

impl Default for Amounts {
    fn default() -> Self {
        Self(Column::Narrow(Vec::new()))
    }
}

/// The same amounts are the same column, however they lie in memory.
impl PartialEq for Amounts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}
impl Eq for Amounts {}

impl From<Vec<i64>> for Amounts {
    /// From units of 1e-8.
    fn from(units: Vec<i64>) -> Self {
        Self(Column::Narrow(units))
    }
}

impl From<Vec<i128>> for Amounts {
    /// From units of 1e-8.
    fn from(units: Vec<i128>) -> Self {
        units.into_iter().map(Amount::from_units).collect()
    }
}

impl FromIterator<Amount> for Amounts {
    fn from_iter<I: IntoIterator<Item = Amount>>(amounts: I) -> Self {
        let amounts = amounts.into_iter();
        let mut column = Self::with_capacity(amounts.size_hint().0);
        amounts.for_each(|amount| column.push(amount));
        column
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amounts() -> impl Strategy<Value = Vec<i128>> {
        prop::collection::vec(prop_oneof![8 => any::<i64>().prop_map(i128::from), 1 => any::<i128>()], 0..12)
    }

    proptest! {
        #[test]
        fn a_column_is_its_amounts(one in amounts(), other in amounts()) {
            let mut column = Amounts::from(one.clone());
            column.append(Amounts::from(other.clone()));
            let all: Vec<_> = one.iter().chain(&other).copied().collect();
            prop_assert_eq!(column.iter().map(Amount::units).collect::<Vec<_>>(), all.clone());
            prop_assert_eq!(&column, &Amounts::from(all.clone()));
            let (from, to) = (all.len() / 3, all.len() * 2 / 3);
            let part: Vec<_> = column.slice(from..to).iter().map(Amount::units).collect();
            prop_assert_eq!(&part, &all[from..to]);
            let mut zeros = Amounts::zeros(one.len());
            zeros.append(Amounts::zeros(2).slice(1..2));
            prop_assert_eq!(&zeros, &Amounts::from(vec![0_i64; one.len() + 1]));
            zeros.append(column.clone());
            prop_assert_eq!(zeros.len(), one.len() + 1 + all.len());
            prop_assert!(zeros.iter().skip(one.len() + 1).map(Amount::units).eq(all.iter().copied()));
            if let (Some(row), Some(last)) = (all.len().checked_sub(1), all.first()) {
                column.set(row, Amount::from_units(*last));
                prop_assert_eq!(column.at(row).units(), *last);
            }
        }
    }
}
