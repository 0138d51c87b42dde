//! The run: for each file of the lake fetch what it lacks, verify, decode, write.
//!
//! At most four files are worked on side by side, and no more archives are open at a time than
//! there are processors, so that memory does not grow with the range. An archive that fails is
//! told and leaves its file as it was; the rest goes on. A lake that fails ends the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candlewick_binance::archive::{ArchiveName, Checksum, decode, sha256_hex, unpack};
use candlewick_lake::{Chunk, Lake, SeriesName, SeriesWriter, Source, SourceState};
use candlewick_model::{Bars, Interval, Period, TimeUnit, Timestamp};
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::error::{IngestError, Trouble};
use crate::plan::Plan;
use crate::portal::Portal;

/// So many archives of one file are waited for at a time. How many of them are really fetched or
/// open is for the run's semaphores to say.
const SIDE_BY_SIDE: usize = 64;

/// Is told how far the run has got. All figures are of this run.
pub trait Progress: Send + Sync {
    /// So many files of the lake are to be looked at.
    fn begin(&self, units: usize);
    /// An archive has arrived.
    fn fetched(&self, bytes: usize);
    /// A file of the lake is done, whatever became of it.
    fn unit_done(&self);
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Archives that were fetched and written.
    pub archives: usize,
    /// Their size.
    pub archive_bytes: u64,
    /// Size of the CSVs in them.
    pub csv_bytes: u64,
    /// Bars in them.
    pub bars: u64,
    /// Bytes written to the lake.
    pub written_bytes: u64,
    /// Months and days that the lake held already.
    pub present: usize,
    /// Months and days for which the portal has no archive.
    pub absent: Vec<Period>,
    /// Archives without CHECKSUM file.
    pub unverified: usize,
    /// Files of the lake that were not tried any more, because it could not be written.
    pub untried: usize,
    /// What is odd about archives that were taken all the same.
    pub notes: Vec<String>,
    /// What failed.
    pub troubles: Vec<Trouble>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.archives += other.archives;
        self.archive_bytes += other.archive_bytes;
        self.csv_bytes += other.csv_bytes;
        self.bars += other.bars;
        self.written_bytes += other.written_bytes;
        self.present += other.present;
        self.absent.extend(other.absent);
        self.unverified += other.unverified;
        self.untried += other.untried;
        self.notes.extend(other.notes);
        self.troubles.extend(other.troubles);
    }
}

/// Brings the lake to where the plan wants it. `concurrency` archives are fetched at a time.
pub async fn ingest(
    plan: &Plan,
    portal: &Portal,
    lake: &Lake,
    concurrency: usize,
    progress: &dyn Progress,
) -> Result<Outcome, IngestError> {
    let writer = Arc::new(lake.writer(plan.series)?);
    let by_period = |source: Source| Some((source.archive_period()?, source));
    let held = writer.sources()?.into_iter().filter_map(by_period).collect();
    let downloads = Semaphore::new(concurrency.max(1));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let run = Run {
        series: plan.series,
        portal,
        writer,
        held,
        downloads,
        processing: Semaphore::new(processors),
        is_lake_broken: AtomicBool::new(false),
        progress,
    };
    progress.begin(plan.units.len());
    let units = stream::iter(&plan.units).map(|unit| run.unit(unit)).buffered(concurrency.clamp(1, 4));
    let outcome = units.fold(Outcome::default(), async |mut sum, one| {
        sum.add(one);
        sum
    });
    Ok(outcome.await)
}

struct Run<'a> {
    series: SeriesName,
    portal: &'a Portal,
    writer: Arc<SeriesWriter>,
    held: BTreeMap<Period, Source>,
    downloads: Semaphore,
    /// An open archive is ten times its size, so only as many are open or being written as there
    /// are processors.
    processing: Semaphore,
    is_lake_broken: AtomicBool,
    progress: &'a dyn Progress,
}

/// An archive that has arrived, with the size of its CSV.
struct Arrived {
    chunk: Chunk,
    archive_bytes: usize,
    csv_bytes: usize,
}

impl Run<'_> {
    /// One file of the lake.
    async fn unit(&self, periods: &[Period]) -> Outcome {
        let mut outcome = Outcome::default();
        if self.is_lake_broken.load(Ordering::Relaxed) {
            outcome.untried = 1;
            return outcome;
        }
        let mut arrived = Vec::new();
        let mut periods = stream::iter(periods).map(|period| self.period(*period)).buffered(SIDE_BY_SIDE);
        while let Some((more, told)) = periods.next().await {
            arrived.extend(more);
            outcome.add(told);
        }
        self.write(arrived, &mut outcome).await;
        self.progress.unit_done();
        outcome
    }

    async fn write(&self, arrived: Vec<Arrived>, outcome: &mut Outcome) {
        let mut sizes = Outcome::default();
        for a in &arrived {
            sizes.archives += 1;
            sizes.archive_bytes += a.archive_bytes as u64;
            sizes.csv_bytes += a.csv_bytes as u64;
            sizes.bars += a.chunk.bars.len() as u64;
            sizes.unverified += usize::from(a.chunk.source.state == SourceState::Absent);
            sizes.notes.extend(odd(&a.chunk));
        }
        let _permit = self.processing.acquire().await.expect("never closed");
        let chunks = arrived.into_iter().map(|a| a.chunk).collect();
        let writer = Arc::clone(&self.writer);
        let put = tokio::task::spawn_blocking(move || writer.put(chunks));
        match put.await.expect("writing does not panic") {
            Ok(written) => {
                sizes.notes.extend(written.contradictions.iter().map(ToString::to_string));
                outcome.add(Outcome { written_bytes: written.bytes, ..sizes });
            }
            Err(error) => {
                self.is_lake_broken.store(true, Ordering::Relaxed);
                outcome.troubles.push(error.into());
            }
        }
    }

    /// Whether the lake has a period: itself, the month around it, or all of its days.
    fn holds(&self, period: Period) -> bool {
        let has = |p: &Period| self.held.contains_key(p);
        has(&period) || has(&period.month()) || period.days().all(|day| has(&day))
    }

    /// A month from its monthly archive, or from daily ones where the portal has none; a day
    /// from its daily one.
    async fn period(&self, period: Period) -> (Vec<Arrived>, Outcome) {
        let mut outcome = Outcome::default();
        if self.holds(period) {
            outcome.present = 1;
            return (Vec::new(), outcome);
        }
        let arrived = match self.archive(period).await {
            Ok(Some(arrived)) => vec![arrived],
            Ok(None) if period.month() == period => self.days(period, &mut outcome).await,
            Ok(None) => {
                outcome.absent.push(period);
                Vec::new()
            }
            Err(trouble) => {
                outcome.troubles.push(trouble);
                Vec::new()
            }
        };
        (arrived, outcome)
    }

    async fn days(&self, month: Period, outcome: &mut Outcome) -> Vec<Arrived> {
        let (present, lacking): (Vec<_>, Vec<_>) = month.days().partition(|day| self.holds(*day));
        outcome.present += present.len();
        let fetches = lacking.iter().map(|day| async move { (*day, self.archive(*day).await) });
        let answers: Vec<_> = stream::iter(fetches).buffered(SIDE_BY_SIDE).collect().await;
        let (mut arrived, mut absent) = (Vec::new(), Vec::new());
        for (day, answer) in answers {
            match answer {
                Ok(Some(archive)) => arrived.push(archive),
                Ok(None) => absent.push(day),
                Err(trouble) => outcome.troubles.push(trouble),
            }
        }
        let is_whole = absent.len() == month.days().count();
        outcome.absent.extend(if is_whole { vec![month] } else { absent });
        arrived
    }

    /// Fetches, verifies and decodes one archive; `None` if the portal does not have it. What
    /// does not match its checksum or is no zip is fetched once more before it counts as corrupt.
    async fn archive(&self, period: Period) -> Result<Option<Arrived>, Trouble> {
        let name = ArchiveName::klines(self.series.symbol, self.series.interval, period);
        let path = name.path();
        let _permit = self.downloads.acquire().await.expect("never closed");
        let mut first_try = self.portal.is_remote();
        loop {
            let Some(archive) = self.portal.fetch(&path).await? else { return Ok(None) };
            let checksum = self.portal.fetch(&format!("{path}.CHECKSUM")).await?;
            self.progress.fetched(archive.len());
            let _permit = self.processing.acquire().await.expect("never closed");
            let interval = self.series.interval;
            let opened = tokio::task::spawn_blocking(move || open(name, interval, &archive, checksum.as_deref()));
            match opened.await.expect("decoding does not panic") {
                Err(Trouble::Corrupt { .. } | Trouble::Pack { .. }) if first_try => first_try = false,
                other => return other.map(Some),
            }
        }
    }
}

/// From bytes to bars.
fn open(name: ArchiveName, interval: Interval, archive: &[u8], checksum: Option<&[u8]>) -> Result<Arrived, Trouble> {
    let (path, period) = (name.path(), name.period);
    let sha256 = sha256_hex(archive);
    let state = match checksum {
        None => SourceState::Absent,
        Some(text) => match Checksum::parse(&String::from_utf8_lossy(text)) {
            Err(source) => return Err(Trouble::Checksum { path, source }),
            Ok(expected) if expected.sha256 != sha256 => {
                return Err(Trouble::Corrupt { path, found: sha256, expected: expected.sha256 });
            }
            Ok(_) => SourceState::Verified,
        },
    };
    let csv = match unpack(archive) {
        Ok(csv) => csv,
        Err(source) => return Err(Trouble::Pack { path, source }),
    };
    let decoded = match decode(&csv, period) {
        Ok(decoded) => decoded,
        Err(source) => return Err(Trouble::Csv { path, source }),
    };
    let rows = decoded.bars.len();
    let bars = of_other_length(&decoded.bars, interval);
    if rows > 2 && bars * 2 > rows {
        return Err(Trouble::Interval { path, bars, rows, interval });
    }
    let (from, to) = (period.range().start, period.range().end);
    let source = Source { path, sha256, published_sha256: None, state, time_unit: decoded.time_unit, rows, from, to };
    let chunk = Chunk { bars: decoded.bars, source };
    Ok(Arrived { chunk, archive_bytes: archive.len(), csv_bytes: csv.len() })
}

/// How many bars are not as long as they should be. A few are in every outage.
fn of_other_length(bars: &Bars, interval: Interval) -> usize {
    let lengths = bars.open_time.iter().zip(&bars.close_time).map(|(open, close)| close.micros() - open.micros() + 1);
    interval.micros().map_or(0, |length| lengths.filter(|l| *l != length).count())
}

/// What is odd about an archive, though it can be taken. Spot archives carry microseconds from
/// 2025 on and milliseconds before; a futures archive in a Spot folder shows by that.
fn odd(chunk: &Chunk) -> Option<String> {
    let path = &chunk.source.path;
    if chunk.bars.is_empty() {
        return Some(format!("{path} holds no bars"));
    }
    let change = Timestamp::from_date(2025, 1, 1)?;
    match (chunk.source.time_unit, chunk.source.from >= change) {
        (None, _) => Some(format!("{path} mixes milliseconds and microseconds")),
        (Some(TimeUnit::Milliseconds), true) => {
            Some(format!("{path} is in milliseconds after 2024, which Spot archives are not; is it a futures archive?"))
        }
        (Some(TimeUnit::Microseconds), false) => {
            Some(format!("{path} is in microseconds before 2025, which Spot archives are not"))
        }
        _ => None,
    }
}
