//! Reading bars into columns: files side by side, each straight into its part of the columns.
//!
//! For: whole series at the speed of the machine. Not for: what a file says of itself
//! (`footer.rs`) or single files (`file.rs`).

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use candlewick_model::{Amounts, Bars, Price, Times, Timestamp};

use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::footer;
use crate::layout::SeriesName;
use crate::pages::Workspace;
use crate::store::Place;

/// Columns of the schema, by number, beside the two of times: those of 64 bits, and volumes.
struct Wanted {
    narrow: &'static [usize],
    volumes: &'static [usize],
}

const ALL: Wanted = Wanted { narrow: &[2, 3, 4, 5, 10], volumes: &[6, 7, 8, 9] };
const MARKET: Wanted = Wanted { narrow: &[2, 3, 4, 5], volumes: &[6, 7] };

/// Times, and columns as plain numbers in the order in which they are wanted.
struct Numbers<V> {
    open_time: Times,
    close_time: Times,
    narrow: Vec<Vec<i64>>,
    volumes: Vec<Vec<V>>,
}

/// What a volume is read as: few series need more than 64 bits for any of theirs.
trait Volume: Copy + Default + Send {
    /// `None` if it does not fit.
    fn of(units: i128) -> Option<Self>;
}

impl Volume for i64 {
    fn of(units: i128) -> Option<Self> {
        units.try_into().ok()
    }
}

impl Volume for i128 {
    fn of(units: i128) -> Option<Self> {
        Some(units)
    }
}

impl Lake {
    /// The bars of a series that open within a range, in order.
    pub fn bars(&self, series: &SeriesName, range: Range<Timestamp>) -> Result<Bars, LakeError> {
        self.columns(series, range, &ALL)
    }

    /// As [`Self::bars`], without what nothing is matched by: volumes of takers and numbers of
    /// trades, which are zero. Two thirds of the memory, and less time.
    pub fn market_bars(&self, series: &SeriesName, range: Range<Timestamp>) -> Result<Bars, LakeError> {
        self.columns(series, range, &MARKET)
    }

    fn columns(&self, series: &SeriesName, range: Range<Timestamp>, wanted: &Wanted) -> Result<Bars, LakeError> {
        if let Some(numbers) = self.numbers::<i64>(series, &range, wanted)? {
            return Ok(numbers.into_bars());
        }
        let numbers = self.numbers::<i128>(series, &range, wanted)?;
        Ok(numbers.map_or_else(Bars::default, Numbers::into_bars))
    }

    /// `None` if not all volumes fit.
    fn numbers<V: Volume>(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        wanted: &Wanted,
    ) -> Result<Option<Numbers<V>>, LakeError> {
        let (mut files, mut rows) = (Vec::new(), 0);
        let mut before: Option<Timestamp> = None;
        for (place, _) in self.paths_within(series, range)? {
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
            open_time: Times::default(),
            close_time: Times::default(),
            narrow: wanted.narrow.iter().map(|_| vec![0_i64; rows]).collect(),
            volumes: wanted.volumes.iter().map(|_| vec![V::default(); rows]).collect(),
        };
        let mut times = vec![[Times::default(), Times::default()]; files.len()];
        if !read_side_by_side(parts(files, &mut numbers, &mut times), series, wanted)? {
            return Ok(None);
        }
        for [open_time, close_time] in times {
            numbers.open_time.append(open_time);
            numbers.close_time.append(close_time);
        }
        numbers.keep(range);
        Ok(Some(numbers))
    }
}

/// A file and where its rows go.
struct Part<'a, V> {
    place: Place,
    rows: usize,
    times: &'a mut [Times; 2],
    narrow: Vec<&'a mut [i64]>,
    volumes: Vec<&'a mut [V]>,
}

fn parts<'a, V>(
    files: Vec<(Place, usize)>,
    numbers: &'a mut Numbers<V>,
    times: &'a mut [[Times; 2]],
) -> Vec<Part<'a, V>> {
    let mut narrow: Vec<&mut [i64]> = numbers.narrow.iter_mut().map(Vec::as_mut_slice).collect();
    let mut volumes: Vec<&mut [V]> = numbers.volumes.iter_mut().map(Vec::as_mut_slice).collect();
    let part = |((place, rows), times)| Part {
        place,
        rows,
        times,
        narrow: narrow.iter_mut().map(|column| cut(column, rows)).collect(),
        volumes: volumes.iter_mut().map(|column| cut(column, rows)).collect(),
    };
    files.into_iter().zip(times).map(part).collect()
}

/// Takes the first rows of a column.
fn cut<'a, T>(column: &mut &'a mut [T], rows: usize) -> &'a mut [T] {
    column.split_off_mut(..rows).expect("columns hold the rows of all files")
}

/// Whether all volumes fit.
fn read_side_by_side<V: Volume>(
    parts: Vec<Part<'_, V>>,
    series: &SeriesName,
    wanted: &Wanted,
) -> Result<bool, LakeError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(parts.len());
    let (queue, is_over) = (Mutex::new(parts.into_iter()), AtomicBool::new(false));
    let read = || -> Result<bool, LakeError> {
        let mut workspace = Workspace::default();
        loop {
            let next = queue.lock().expect("no thread panics with it").next();
            let Some(part) = next.filter(|_| !is_over.load(Ordering::Relaxed)) else { return Ok(true) };
            let fits = part.read(series, wanted, &mut workspace);
            if !matches!(fits, Ok(true)) {
                is_over.store(true, Ordering::Relaxed);
                return fits;
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(read)).collect();
        let own = read();
        let others = others.into_iter().map(|thread| thread.join().expect("reading does not panic"));
        others.fold(own, |one, other| Ok(one? & other?))
    })
}

impl<V: Volume> Part<'_, V> {
    fn read(mut self, series: &SeriesName, wanted: &Wanted, workspace: &mut Workspace) -> Result<bool, LakeError> {
        let file = OpenFile::open(&self.place, series)?;
        if file.provenance.rows != self.rows {
            return Err(LakeError::Changed { path: self.place.to_path_buf() });
        }
        *self.times = [file.times(0, workspace)?, file.times(1, workspace)?];
        for (column, values) in wanted.narrow.iter().zip(&mut self.narrow) {
            file.numbers(*column, values, workspace)?;
        }
        let mut fits = true;
        for (column, values) in wanted.volumes.iter().zip(&mut self.volumes) {
            file.decimals(*column, values, workspace, |units| {
                V::of(units).unwrap_or_else(|| {
                    fits = false;
                    V::default()
                })
            })?;
        }
        Ok(fits)
    }
}

impl<V> Numbers<V> {
    /// Drops what opens outside of a range.
    fn keep(&mut self, range: &Range<Timestamp>) {
        let from = self.open_time.partition_point(|open| open < range.start);
        let to = self.open_time.partition_point(|open| open < range.end);
        if (from..to) == (0..self.open_time.len()) {
            return;
        }
        self.open_time = self.open_time.slice(from..to);
        self.close_time = self.close_time.slice(from..to);
        self.narrow.iter_mut().for_each(|column| keep(column, from..to));
        self.volumes.iter_mut().for_each(|column| keep(column, from..to));
    }

    /// The columns as bars; volumes that were not wanted are zeros.
    fn into_bars(self) -> Bars
    where
        Amounts: From<Vec<V>>,
    {
        let rows = self.open_time.len();
        let (mut narrow, mut volumes) = (self.narrow.into_iter(), self.volumes.into_iter());
        let mut narrow = || narrow.next().unwrap_or_default();
        let mut volume = || volumes.next().map_or(Amounts::zeros(rows), Amounts::from);
        Bars {
            open_time: self.open_time,
            close_time: self.close_time,
            open: prices(narrow()),
            high: prices(narrow()),
            low: prices(narrow()),
            close: prices(narrow()),
            volume: volume(),
            quote_volume: volume(),
            taker_buy_volume: volume(),
            taker_buy_quote_volume: volume(),
            trades: narrow(),
        }
    }
}

fn keep<T>(column: &mut Vec<T>, rows: Range<usize>) {
    column.truncate(rows.end);
    column.drain(..rows.start);
}

/// The same memory, seen as what it means.
fn prices(column: Vec<i64>) -> Vec<Price> {
    column.into_iter().map(Price::from_units).collect()
}
