//! One table of trades: archives to the disk, verified, and as a stream into day files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candlewick_binance::archive::{
    ArchiveName, Checksum, Dataset, TradeBlock, TradeFacts, TradeRow, TradesError, read_trades, sha256_of,
};
use candlewick_lake::{
    LakeError, Source, SourceState, TradeColumns, TradeFile, TradeSeries, TradeTable, TradeWriter, TradesWritten,
};
use candlewick_model::{AggTrade, Period, Trade};

use crate::download::forget;
use crate::error::Trouble;
use crate::outcome::Outcome;
use crate::plan::Span;
use crate::portal::partial_of;
use crate::run::Engine;

/// The folder of the lake for archives that are being fetched.
const PARTIAL: &str = ".partial";

impl Engine<'_> {
    /// Brings a table to where it is wanted. Archives are taken one after the other: each is
    /// large, and the next one is not fetched before this one is used up.
    pub(crate) async fn trades(&self, table: TradeSeries, dataset: Dataset, span: &Span) -> Outcome {
        let begun = self.lake.trade_writer(table).and_then(|writer| Ok((writer.days()?, writer)));
        let (held, writer) = match begun {
            Ok((days, writer)) => (days.into_keys().collect(), Arc::new(writer)),
            Err(error) => return Outcome::trouble(self.broken(error)),
        };
        let run = TradesRun { engine: self, dataset, table, writer, held };
        let mut outcome = Outcome::default();
        for period in span.units(false).into_iter().flatten() {
            if self.is_lake_broken() {
                outcome.untried += 1;
                continue;
            }
            if let Err(trouble) = run.period(period, &mut outcome).await {
                outcome.troubles.push(trouble);
            }
        }
        match run.writer.days() {
            Ok(days) => {
                run.pass_over_what_came_before(&days, &mut outcome);
                outcome.notes.extend(run.seams(&days));
            }
            Err(error) => outcome.troubles.push(self.broken(error)),
        }
        outcome
    }
}

struct TradesRun<'a> {
    engine: &'a Engine<'a>,
    dataset: Dataset,
    table: TradeSeries,
    writer: Arc<TradeWriter>,
    held: BTreeSet<Period>,
}

impl TradesRun<'_> {
    async fn period(&self, period: Period, outcome: &mut Outcome) -> Result<(), Trouble> {
        if period.days().all(|day| self.held.contains(&day)) {
            outcome.present += 1;
            // A killed process may have had it in the lake before it could clear up.
            period.days().chain([period]).for_each(|held| forget(&self.partial(held)));
            return Ok(());
        }
        if self.archive(period, outcome).await? {
            return Ok(());
        }
        let mut absent = Vec::new();
        if period.month() == period {
            for day in period.days() {
                if self.held.contains(&day) {
                    outcome.present += 1;
                    forget(&self.partial(day));
                } else if !self.archive(day, outcome).await? {
                    absent.push(day);
                }
            }
        }
        let is_whole = period.month() != period || absent.len() == period.days().count();
        outcome.absent.extend(if is_whole { vec![period] } else { absent });
        Ok(())
    }

    fn pass_over_what_came_before(&self, days: &BTreeMap<Period, TradeFile>, outcome: &mut Outcome) {
        let Some(first) = days.keys().next() else { return };
        let before = outcome.absent.len();
        outcome.absent.retain(|period| period.range().end > first.range().start);
        outcome.before_first = before - outcome.absent.len();
    }

    /// Numbers that are left out where one archive ends and the next begins, if one of them is
    /// new: an archive that came out too early lacks its last trades, and no checksum tells.
    fn seams(&self, days: &BTreeMap<Period, TradeFile>) -> Vec<String> {
        let seam = |((day, file), (next_day, next)): ((&Period, &TradeFile), (&Period, &TradeFile))| {
            let (file, next) = (&file.provenance, &next.provenance);
            let is_old = self.held.contains(day) && self.held.contains(next_day);
            let is_far = day.range().end != next_day.range().start;
            if is_old || is_far || file.source.path == next.source.path {
                return None;
            }
            let missing = next.first_id? - file.last_id? - 1;
            let path = &file.source.path;
            (missing > 0).then(|| format!("{path} or what follows it is cut short: {missing} trade numbers are missing between {day} and {next_day}"))
        };
        days.iter().zip(days.iter().skip(1)).filter_map(seam).collect()
    }

    fn name(&self, period: Period) -> ArchiveName {
        ArchiveName { symbol: self.table.symbol, dataset: self.dataset, period }
    }

    /// Where an archive lies that is being fetched.
    fn partial(&self, period: Period) -> PathBuf {
        partial_of(&self.engine.lake.root().join(PARTIAL), &self.name(period).path())
    }

    /// Fetches one archive and takes it, if the portal has it.
    async fn archive(&self, period: Period, outcome: &mut Outcome) -> Result<bool, Trouble> {
        let name = self.name(period);
        let path = name.path();
        let partial = self.engine.lake.root().join(PARTIAL);
        let mut first_try = self.engine.portal.is_remote();
        loop {
            let permit = self.engine.downloads.acquire().await.expect("never closed");
            let Some(file) = self.engine.portal.fetch_to_disk(&path, &partial).await? else { return Ok(false) };
            let checksum = self.engine.portal.fetch(&format!("{path}.CHECKSUM")).await?;
            drop(permit);
            let _permit = self.engine.processing.acquire().await.expect("never closed");
            let (writer, table, zip) = (Arc::clone(&self.writer), self.table.table, file.clone());
            let opened = tokio::task::spawn_blocking(move || take(&writer, table, name, &zip, checksum.as_deref()));
            let taken = opened.await.expect("decoding does not panic");
            let is_remote = self.engine.portal.is_remote();
            let is_doubtful =
                matches!(taken, Err(Trouble::Corrupt { .. } | Trouble::Pack { .. } | Trouble::Checksum { .. }));
            if is_remote && !matches!(taken, Err(Trouble::Lake(_))) {
                forget(&file);
            }
            if is_doubtful && std::mem::take(&mut first_try) {
                continue;
            }
            let taken = taken.map_err(|trouble| match trouble {
                Trouble::Lake(error) => self.engine.broken(error),
                other => other,
            })?;
            self.engine.progress.fetched(taken.archive_bytes);
            outcome.add(taken.outcome(&path));
            return Ok(true);
        }
    }
}

/// An archive that is in the lake.
struct Taken {
    archive_bytes: u64,
    state: SourceState,
    facts: TradeFacts,
    written: TradesWritten,
}

impl Taken {
    fn outcome(&self, path: &str) -> Outcome {
        let TradeFacts { rows, csv_bytes, id_gaps, missing_ids, backwards, milliseconds, microseconds } = self.facts;
        let mut notes = Vec::new();
        if rows == 0 {
            notes.push(format!("{path} holds no rows"));
        }
        if missing_ids > 0 {
            notes.push(format!("{path} leaves out {missing_ids} trade numbers in {id_gaps} places"));
        }
        if backwards > 0 {
            notes.push(format!("{path}: {backwards} trades are earlier than the one before them"));
        }
        if milliseconds && microseconds {
            notes.push(format!("{path} mixes milliseconds and microseconds"));
        }
        Outcome {
            archives: 1,
            archive_bytes: self.archive_bytes,
            csv_bytes,
            rows,
            written_bytes: self.written.bytes,
            unverified: usize::from(self.state == SourceState::Absent),
            notes,
            ..Outcome::default()
        }
    }
}

/// What can go wrong between the zip and the lake.
enum Fault {
    Archive(TradesError),
    Lake(LakeError),
}

impl From<TradesError> for Fault {
    fn from(error: TradesError) -> Self {
        Self::Archive(error)
    }
}

/// Verifies an archive on the disk and puts it into the lake.
fn take(
    writer: &TradeWriter,
    table: TradeTable,
    name: ArchiveName,
    zip: &Path,
    checksum: Option<&[u8]>,
) -> Result<Taken, Trouble> {
    let path = name.path();
    let disk = |error: std::io::Error| Trouble::Fetch { path: zip.display().to_string(), why: error.to_string() };
    let sha256 = File::open(zip).and_then(sha256_of).map_err(disk)?;
    let state = match checksum.map(|text| Checksum::parse(&String::from_utf8_lossy(text))) {
        None => SourceState::Absent,
        Some(Err(source)) => return Err(Trouble::Checksum { path, source }),
        Some(Ok(expected)) if expected.sha256 != sha256 => {
            let why = "archives of trades are not compared with other sources".to_owned();
            return Err(Trouble::Corrupt { path, found: sha256, expected: expected.sha256, why });
        }
        Some(Ok(_)) => SourceState::Verified,
    };
    let range = name.period.range();
    let source = Source {
        path: path.clone(),
        sha256,
        published_sha256: None,
        state,
        time_unit: None,
        rows: 0,
        from: range.start,
        to: range.end,
    };
    let done = match table {
        TradeTable::AggTrades => pour::<AggTrade>(writer, source, name.period, zip),
        TradeTable::Trades => pour::<Trade>(writer, source, name.period, zip),
    };
    let (facts, written) = done.map_err(|fault| match fault {
        Fault::Lake(error) => Trouble::Lake(error),
        Fault::Archive(TradesError::Pack(source)) => Trouble::Pack { path, source },
        Fault::Archive(TradesError::Csv(source)) => Trouble::Csv { path, source },
    })?;
    let archive_bytes = zip.metadata().map_err(disk)?.len();
    Ok(Taken { archive_bytes, state, facts, written })
}

/// From the zip into day files, in constant memory.
fn pour<T: TradeRow + TradeColumns>(
    writer: &TradeWriter,
    source: Source,
    period: Period,
    zip: &Path,
) -> Result<(TradeFacts, TradesWritten), Fault> {
    let file = File::open(zip).map_err(|e| Fault::Lake(LakeError::Io { path: zip.to_owned(), source: e }))?;
    let mut sink = writer.begin::<T>(source).map_err(Fault::Lake)?;
    let push = |block: TradeBlock<'_, T>| sink.push(block.rows, block.time_unit).map_err(Fault::Lake);
    let facts = read_trades(BufReader::with_capacity(1 << 18, file), period, push)?;
    let written = sink.commit().map_err(Fault::Lake)?;
    Ok((facts, written))
}
