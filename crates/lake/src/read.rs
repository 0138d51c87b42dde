//! Reading bars into columns: files side by side, each straight into its part of the columns.
//!
//! For: whole series at the speed of the machine. Not for: what a file says of itself
//! (`footer.rs`) or single files (`file.rs`).

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use candlewick_model::{Amount, Bars, Price, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::footer;
use crate::layout::SeriesName;
use crate::store::Place;

/// The columns of bars that prices and volumes are judged by; all have the same length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are the fields of Bar")]
pub struct Ohlcv {
    pub open_time: Vec<Timestamp>,
    pub close_time: Vec<Timestamp>,
    pub open: Vec<Price>,
    pub high: Vec<Price>,
    pub low: Vec<Price>,
    pub close: Vec<Price>,
    pub volume: Vec<Amount>,
}

/// Columns of the schema that are 64-bit and 128-bit numbers.
struct Wanted {
    narrow: &'static [usize],
    wide: &'static [usize],
}

const OHLCV: Wanted = Wanted { narrow: &[0, 1, 2, 3, 4, 5], wide: &[6] };
const ALL: Wanted = Wanted { narrow: &[0, 1, 2, 3, 4, 5, 10], wide: &[6, 7, 8, 9] };

/// Columns as plain numbers, in the order in which they are wanted.
struct Numbers {
    narrow: Vec<Vec<i64>>,
    wide: Vec<Vec<i128>>,
}

impl Lake {
    /// The bars of a series that open within a range, in order.
    pub fn bars(&self, series: &SeriesName, range: Range<Timestamp>) -> Result<Bars, LakeError> {
        let Numbers { narrow, wide } = self.numbers(series, range, &ALL)?;
        let (mut narrow, mut wide) = (narrow.into_iter(), wide.into_iter());
        let mut narrow = || narrow.next().unwrap_or_default();
        let mut wide = || amounts(wide.next().unwrap_or_default());
        Ok(Bars {
            open_time: times(narrow()),
            close_time: times(narrow()),
            open: prices(narrow()),
            high: prices(narrow()),
            low: prices(narrow()),
            close: prices(narrow()),
            volume: wide(),
            quote_volume: wide(),
            taker_buy_volume: wide(),
            taker_buy_quote_volume: wide(),
            trades: narrow(),
        })
    }

    /// Times, prices and volume of the bars that open within a range: half of what
    /// [`Self::bars`] reads, in less than half of the time.
    pub fn ohlcv(&self, series: &SeriesName, range: Range<Timestamp>) -> Result<Ohlcv, LakeError> {
        let Numbers { narrow, wide } = self.numbers(series, range, &OHLCV)?;
        let (mut narrow, mut wide) = (narrow.into_iter(), wide.into_iter());
        let mut narrow = || narrow.next().unwrap_or_default();
        Ok(Ohlcv {
            open_time: times(narrow()),
            close_time: times(narrow()),
            open: prices(narrow()),
            high: prices(narrow()),
            low: prices(narrow()),
            close: prices(narrow()),
            volume: amounts(wide.next().unwrap_or_default()),
        })
    }

    fn numbers(&self, series: &SeriesName, range: Range<Timestamp>, wanted: &Wanted) -> Result<Numbers, LakeError> {
        let (mut files, mut rows) = (Vec::new(), 0);
        let mut before: Option<Timestamp> = None;
        for (place, _) in self.paths(series)? {
            let provenance = footer::read(&place, series)?.provenance;
            let (Some(first), Some(last)) = (provenance.first, provenance.last) else { continue };
            if last < range.start || first >= range.end {
                continue;
            }
            if before.is_some_and(|before| first <= before) {
                return Err(LakeError::Overlap { path: place.to_path_buf(), open_time: first });
            }
            before = Some(last);
            rows += provenance.rows;
            files.push((place, provenance.rows));
        }
        // Zeroed memory costs nothing until it is written to, by the thread that does.
        let mut numbers = Numbers {
            narrow: wanted.narrow.iter().map(|_| vec![0_i64; rows]).collect(),
            wide: wanted.wide.iter().map(|_| vec![0_i128; rows]).collect(),
        };
        read_side_by_side(parts(files, &mut numbers), series, wanted)?;
        numbers.keep(&range);
        Ok(numbers)
    }
}

/// A file and where its rows go.
struct Part<'a> {
    place: Place,
    narrow: Vec<&'a mut [i64]>,
    wide: Vec<&'a mut [i128]>,
}

fn parts(files: Vec<(Place, usize)>, numbers: &mut Numbers) -> Vec<Part<'_>> {
    let mut narrow: Vec<&mut [i64]> = numbers.narrow.iter_mut().map(Vec::as_mut_slice).collect();
    let mut wide: Vec<&mut [i128]> = numbers.wide.iter_mut().map(Vec::as_mut_slice).collect();
    let part = |(place, rows)| Part {
        place,
        narrow: narrow.iter_mut().map(|column| cut(column, rows)).collect(),
        wide: wide.iter_mut().map(|column| cut(column, rows)).collect(),
    };
    files.into_iter().map(part).collect()
}

/// Takes the first rows of a column.
fn cut<'a, T>(column: &mut &'a mut [T], rows: usize) -> &'a mut [T] {
    column.split_off_mut(..rows).expect("columns hold the rows of all files")
}

fn read_side_by_side(parts: Vec<Part<'_>>, series: &SeriesName, wanted: &Wanted) -> Result<(), LakeError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(parts.len());
    let (queue, has_failed) = (Mutex::new(parts.into_iter()), AtomicBool::new(false));
    let read = || -> Result<(), LakeError> {
        loop {
            let next = queue.lock().expect("no thread panics with it").next();
            let Some(part) = next.filter(|_| !has_failed.load(Ordering::Relaxed)) else { return Ok(()) };
            part.read(series, wanted).inspect_err(|_| has_failed.store(true, Ordering::Relaxed))?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(read)).collect();
        let own = read();
        others.into_iter().map(|thread| thread.join().expect("reading does not panic")).fold(own, Result::and)
    })
}

impl Part<'_> {
    fn read(mut self, series: &SeriesName, wanted: &Wanted) -> Result<(), LakeError> {
        let file = OpenFile::open(&self.place, series)?;
        let changed = || LakeError::Changed { path: self.place.to_path_buf() };
        if self.narrow.first().is_some_and(|column| column.len() != file.provenance.rows) {
            return Err(changed());
        }
        for (column, values) in wanted.narrow.iter().zip(&mut self.narrow) {
            file.numbers(*column, values)?;
        }
        for (column, values) in wanted.wide.iter().zip(&mut self.wide) {
            file.decimals(*column, values)?;
        }
        Ok(())
    }
}

impl Numbers {
    /// Drops what opens outside of a range; open times are the first column.
    fn keep(&mut self, range: &Range<Timestamp>) {
        let open_times = &self.narrow[0];
        let from = open_times.partition_point(|t| *t < range.start.micros());
        let to = open_times.partition_point(|t| *t < range.end.micros());
        self.narrow.iter_mut().for_each(|column| keep(column, from..to));
        self.wide.iter_mut().for_each(|column| keep(column, from..to));
    }
}

fn keep<T>(column: &mut Vec<T>, rows: Range<usize>) {
    column.truncate(rows.end);
    column.drain(..rows.start);
}

// The same memory, seen as what it means.

fn times(column: Vec<i64>) -> Vec<Timestamp> {
    column.into_iter().map(Timestamp::from_micros).collect()
}

fn prices(column: Vec<i64>) -> Vec<Price> {
    column.into_iter().map(Price::from_units).collect()
}

fn amounts(column: Vec<i128>) -> Vec<Amount> {
    column.into_iter().map(Amount::from_units).collect()
}
