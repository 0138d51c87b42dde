//! Reading files side by side, each once and let go of again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use candlewick_model::{Amount, Bar, Bars, Gap, Interval, Price, Timestamp};

use super::FileCheck;
use super::gaps::{Piece, cut};
use super::origin::{OddSources, Oddity, oddities};
use super::scan::Scan;
use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::layout::SeriesName;
use crate::provenance::{Source, content_sha256};
use crate::series::gaps_of;

/// A series that was read.
pub(super) struct Scanned {
    pub(super) series: SeriesName,
    /// `None` if there are no bars.
    pub(super) scan: Option<Scan>,
    /// By time.
    pub(super) sources: Vec<Source>,
    pub(super) odd_sources: Vec<OddSources>,
    pub(super) files: Vec<FileCheck>,
}

/// A file that was read.
struct File {
    check: FileCheck,
    scan: Option<Scan>,
    sources: Vec<Source>,
    oddities: Vec<(Oddity, usize, String)>,
}

impl Scanned {
    /// From the first bar to the end of the last one.
    pub(super) fn span(&self) -> Option<Range<Timestamp>> {
        let scan = self.scan.as_ref()?;
        Some(scan.first.open_time..self.series.interval.next_open(scan.last.open_time))
    }

    /// Its gaps, each cut where its sources end.
    pub(super) fn pieces(&self) -> Vec<Vec<Piece<'_>>> {
        let gaps = self.scan.iter().flat_map(|scan| &scan.gaps);
        gaps.map(|gap| cut(gap, &self.sources, self.series.interval)).collect()
    }

    fn of(series: SeriesName, files: Vec<File>) -> Self {
        let mut scanned = Self { series, scan: None, sources: Vec::new(), odd_sources: Vec::new(), files: Vec::new() };
        let mut odd = BTreeMap::<Oddity, OddSources>::new();
        for file in files {
            scanned.files.push(file.check);
            scanned.sources.extend(file.sources);
            scanned.scan = match (scanned.scan, file.scan) {
                (Some(before), Some(next)) => Some(before.join(next)),
                (before, next) => before.or(next),
            };
            for (kind, bars, first) in file.oddities {
                let new = OddSources { kind, severity: kind.severity(), sources: 0, bars: 0, first };
                let odd = odd.entry(kind).or_insert(new);
                (odd.sources, odd.bars) = (odd.sources + 1, odd.bars + bars);
            }
        }
        if let Some(scan) = &mut scanned.scan {
            scan.quiet.forget_all();
        }
        scanned.sources.sort_by_key(|source| source.from);
        scanned.odd_sources = odd.into_values().collect();
        scanned
    }
}

/// Reads some series, as many files at a time as there are processors.
pub(super) fn scan_all(lake: &Lake, series: &[SeriesName]) -> Result<Vec<Scanned>, LakeError> {
    let mut jobs = Vec::new();
    for (of, name) in series.iter().enumerate() {
        jobs.extend(lake.paths(name)?.into_iter().map(|path| (of, path)));
    }
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || -> Result<(), LakeError> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((of, (path, name))) = jobs.get(at) else { return Ok(()) };
            let file = scan_file(OpenFile::open(path, &series[*of]), name, series[*of].interval);
            let file = file.inspect_err(|_| next.store(jobs.len(), Ordering::Relaxed))?;
            results.lock().expect("no thread panics with it").insert(at, (*of, file));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        others.into_iter().map(|thread| thread.join().expect("reading does not panic")).fold(own, Result::and)
    })?;
    let mut files: Vec<Vec<File>> = series.iter().map(|_| Vec::new()).collect();
    for (of, file) in results.into_inner().expect("no thread panics with it").into_values() {
        files[of].push(file);
    }
    Ok(series.iter().zip(files).map(|(series, files)| Scanned::of(*series, files)).collect())
}

/// What is in a file. Damage is part of the answer; that the disk refuses is not.
fn scan_file(open: Result<OpenFile, LakeError>, name: &str, interval: Interval) -> Result<File, LakeError> {
    let (sources, told, bars) = match open.and_then(|file| {
        let (sources, told) = (file.provenance.sources.clone(), file.provenance.content_sha256.clone());
        Ok((sources, told, file.read()?))
    }) {
        Ok(read) => read,
        Err(error) if error.is_damage() => {
            let check = FileCheck { name: name.to_owned(), rows: 0, intact: false, problem: Some(error.to_string()) };
            return Ok(File { check, scan: None, sources: Vec::new(), oddities: Vec::new() });
        }
        Err(error) => return Err(error),
    };
    let problem = (content_sha256(&bars) != told).then(|| {
        let what = "its values are not those that it was written with";
        format!("{name}: {what}; `candlewick lake repair` makes it anew")
    });
    let check = FileCheck { name: name.to_owned(), rows: bars.len(), intact: problem.is_none(), problem };
    let odd = oddities(&sources, &bars).into_iter();
    let oddities = odd.map(|(kind, bars, path)| (kind, bars, path.to_owned())).collect();
    Ok(File { check, scan: Scan::of(&bars, interval), sources, oddities })
}

/// The gap between two bars, if there is one.
pub(super) fn gap_between(last: Timestamp, first: Timestamp, interval: Interval) -> Option<Gap> {
    let (price, nothing) = (Price::ZERO, Amount::ZERO);
    let bar = |open_time| Bar {
        open_time,
        close_time: open_time,
        open: price,
        high: price,
        low: price,
        close: price,
        volume: nothing,
        quote_volume: nothing,
        taker_buy_volume: nothing,
        taker_buy_quote_volume: nothing,
        trades: 0,
    };
    gaps_of(&[last, first].map(bar).into_iter().collect::<Bars>(), interval).pop()
}
