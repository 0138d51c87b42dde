//! One archive of bars: fetched, verified, decoded.
//!
//! An archive that differs from its CHECKSUM file is fetched again. If it still differs but is
//! whole, other sources are asked: where they hold the same bars, the CHECKSUM file is of an
//! earlier edition and the archive is taken; where they do not, or there are none, it is not.

use candlewick_binance::archive::{ArchiveName, Checksum, decode, sha256_hex, unpack};
use candlewick_lake::{Chunk, SeriesName, Source, SourceState};
use candlewick_model::{Bars, Interval, Period, TimeUnit, Timestamp};

use crate::error::Trouble;
use crate::run::Engine;

/// A larger archive is opened alone: it takes some ten times its size in memory.
const LARGE: usize = 16 << 20;

/// An archive that has arrived, with its size and that of its CSV.
pub(crate) struct Arrived {
    pub(crate) chunk: Chunk,
    pub(crate) archive_bytes: u64,
    pub(crate) csv_bytes: u64,
}

/// What was opened, before it is known what the difference to the CHECKSUM file means.
struct Opened {
    arrived: Arrived,
    /// What the CHECKSUM file says, if that is something else.
    published: Option<String>,
}

impl Engine<'_> {
    /// Fetches, verifies and decodes one archive; `None` if the portal does not have it.
    pub(crate) async fn archive(&self, series: SeriesName, period: Period) -> Result<Option<Arrived>, Trouble> {
        let mut first_try = self.portal.is_remote();
        loop {
            let opened = self.attempt(series, period).await;
            let is_doubtful = match &opened {
                Ok(Some(opened)) => opened.published.is_some(),
                Err(trouble) => {
                    matches!(trouble, Trouble::Corrupt { .. } | Trouble::Pack { .. } | Trouble::Checksum { .. })
                }
                Ok(None) => false,
            };
            if is_doubtful && first_try {
                first_try = false;
                continue;
            }
            let Some(Opened { mut arrived, published }) = opened? else { return Ok(None) };
            if let Some(published) = published {
                let source = &mut arrived.chunk.source;
                source.state = SourceState::StaleChecksum;
                source.published_sha256 = Some(published.clone());
                let (path, found) = (source.path.clone(), source.sha256.clone());
                if let Err(why) = self.cross_check(series, period, &arrived.chunk.bars).await {
                    return Err(Trouble::Corrupt { path, found, expected: published, why });
                }
            }
            return Ok(Some(arrived));
        }
    }

    async fn attempt(&self, series: SeriesName, period: Period) -> Result<Option<Opened>, Trouble> {
        let name = ArchiveName::klines(series.symbol, series.interval, period);
        let path = name.path();
        let _permit = self.downloads.acquire().await.expect("never closed");
        let Some(archive) = self.portal.fetch(&path).await? else { return Ok(None) };
        let checksum = self.portal.fetch(&format!("{path}.CHECKSUM")).await?;
        self.progress.fetched(archive.len() as u64);
        let _permits = self.processing.acquire_many(self.share_of(archive.len())).await.expect("never closed");
        let opened = tokio::task::spawn_blocking(move || open(name, series.interval, &archive, checksum.as_deref()));
        opened.await.expect("decoding does not panic").map(Some)
    }

    /// How many of the places for open archives one takes. A month of seconds takes all of them.
    fn share_of(&self, archive: usize) -> u32 {
        if archive > LARGE { self.processors } else { 1 }
    }

    /// Whether another source has the same bars: for a month its days, for a day its month, for
    /// either REST. What is wrong is told as the end of a sentence.
    async fn cross_check(&self, series: SeriesName, period: Period, bars: &Bars) -> Result<(), String> {
        let others: Vec<Period> = if period.month() == period { period.days().collect() } else { vec![period.month()] };
        let mut unchecked: Vec<Period> = Vec::new();
        for other in &others {
            let within = if other.contains(period) { period } else { *other };
            match self.attempt(series, *other).await {
                Ok(Some(Opened { arrived, published: None }))
                    if arrived.chunk.source.state == SourceState::Verified =>
                {
                    let path = &arrived.chunk.source.path;
                    same_bars(bars, &arrived.chunk.bars, within).map_err(|at| format!("{path} has {at}"))?;
                }
                _ if within_of(bars, within).is_empty() => {}
                _ => unchecked.push(within),
            }
        }
        if unchecked.is_empty() {
            return Ok(());
        }
        let Some(rest) = self.rest else {
            return Err("there is no other source to compare it with".to_owned());
        };
        for period in unchecked {
            let paged = rest.closed_bars(series, period.range()).await.map_err(|e| format!("REST cannot tell: {e}"))?;
            same_bars(bars, &paged.bars, period).map_err(|at| format!("REST has {at}"))?;
        }
        Ok(())
    }
}

fn within_of(bars: &Bars, period: Period) -> std::ops::Range<usize> {
    let range = period.range();
    bars.open_time.partition_point(|t| t < range.start)..bars.open_time.partition_point(|t| t < range.end)
}

/// Compares bars within a period; says where the first difference is.
fn same_bars(one: &Bars, other: &Bars, period: Period) -> Result<(), String> {
    let (one, other) = (one.slice(within_of(one, period)), other.slice(within_of(other, period)));
    if one == other {
        return Ok(());
    }
    let at = one.iter().zip(other.iter()).find(|(a, b)| a != b).map(|(a, b)| a.open_time.min(b.open_time));
    Err(match at {
        Some(at) => format!("other values at {at}"),
        None => format!("{} bars of {period}, not {}", other.len(), one.len()),
    })
}

/// From bytes to bars.
fn open(name: ArchiveName, interval: Interval, archive: &[u8], checksum: Option<&[u8]>) -> Result<Opened, Trouble> {
    let (path, period) = (name.path(), name.period);
    let sha256 = sha256_hex(archive);
    let (state, published) = match checksum {
        None => (SourceState::Absent, None),
        Some(text) => match Checksum::parse(&String::from_utf8_lossy(text)) {
            Err(source) => return Err(Trouble::Checksum { path, source }),
            Ok(expected) if expected.sha256 != sha256 => (SourceState::StaleChecksum, Some(expected.sha256)),
            Ok(_) => (SourceState::Verified, None),
        },
    };
    // What differs and is not whole either is corrupt; both hashes tell more than where it broke.
    let or_corrupt = |trouble: Trouble| match &published {
        Some(expected) => {
            let why = format!("it is not whole either ({trouble})");
            Trouble::Corrupt { path: name.path(), found: sha256.clone(), expected: expected.clone(), why }
        }
        None => trouble,
    };
    let csv = unpack(archive).map_err(|source| or_corrupt(Trouble::Pack { path: path.clone(), source }))?;
    let decoded = decode(&csv, period).map_err(|source| or_corrupt(Trouble::Csv { path: path.clone(), source }))?;
    let rows = decoded.bars.len();
    let bars = of_other_length(&decoded.bars, interval);
    if rows > 2 && bars * 2 > rows {
        return Err(Trouble::Interval { path, bars, rows, interval });
    }
    let (from, to) = (period.range().start, period.range().end);
    let source = Source { path, sha256, published_sha256: None, state, time_unit: decoded.time_unit, rows, from, to };
    let chunk = Chunk { bars: decoded.bars, source };
    let arrived = Arrived { chunk, archive_bytes: archive.len() as u64, csv_bytes: csv.len() as u64 };
    Ok(Opened { arrived, published })
}

/// How many bars are not as long as they should be. A few are in every outage.
fn of_other_length(bars: &Bars, interval: Interval) -> usize {
    let lengths =
        bars.open_time.iter().zip(bars.close_time.iter()).map(|(open, close)| close.micros() - open.micros() + 1);
    interval.micros().map_or(0, |length| lengths.filter(|l| *l != length).count())
}

/// What is odd about an archive, though it can be taken. Spot archives carry microseconds from
/// 2025 on and milliseconds before; a futures archive in a Spot folder shows by that.
pub(crate) fn odd(Chunk { bars, source }: &Chunk, interval: Interval) -> Option<String> {
    let path = &source.path;
    let Some(last) = bars.open_time.last() else { return Some(format!("{path} holds no rows")) };
    let change = Timestamp::from_date(2025, 1, 1)?;
    match (source.time_unit, source.from >= change) {
        (None, _) => Some(format!("{path} mixes milliseconds and microseconds")),
        (Some(TimeUnit::Milliseconds), true) => {
            Some(format!("{path} is in milliseconds after 2024, which Spot archives are not; is it a futures archive?"))
        }
        (Some(TimeUnit::Microseconds), false) => {
            Some(format!("{path} is in microseconds before 2025, which Spot archives are not"))
        }
        _ => ends_early(source, interval.next_open(last), interval),
    }
}

/// An archive that came out too early lacks its end, and no checksum tells. So does the last one
/// of a market that was delisted.
fn ends_early(source: &Source, next: Timestamp, interval: Interval) -> Option<String> {
    let Source { path, to, .. } = source;
    (interval.next_open(next) <= *to).then(|| {
        format!("{path} ends early, it has no bars from {next} to {to}: it came out too soon, or trading had ended")
    })
}
