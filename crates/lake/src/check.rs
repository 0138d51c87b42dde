//! What a series is worth: coverage, gaps, quality.
//!
//! Row by row it would be slow and long; the figures are column expressions of polars.

use candlewick_model::{Bars, Gap, Interval, Timestamp};
use polars::prelude::*;
use serde::Serialize;

use crate::Lake;
use crate::error::LakeError;
use crate::file::OpenFile;
use crate::layout::SeriesName;
use crate::provenance::content_sha256;
use crate::series::gaps_of;
use crate::store::Place;

/// Something about a series that its user should know. Gaps are listed apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, such as `zero_volume`.
    pub kind: &'static str,
    /// In how many bars.
    pub bars: usize,
    /// Where it occurs first.
    pub first: Option<Timestamp>,
}

/// One file, opened and read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCheck {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Whether the values are those that the footer's hash was made of.
    pub intact: bool,
    /// Why not, with the remedy.
    pub problem: Option<String>,
}

/// The state of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Symbol.
    pub symbol: String,
    /// Interval, as archives write it.
    pub interval: Interval,
    /// How many bars there are.
    pub bars: usize,
    /// When the first one opens.
    pub first: Option<Timestamp>,
    /// When the last one opens.
    pub last: Option<Timestamp>,
    /// Regular bars that are missing in between.
    pub missing: u64,
    /// Where.
    pub gaps: Vec<Gap>,
    /// What else there is to know.
    pub findings: Vec<Finding>,
    /// Its files.
    pub files: Vec<FileCheck>,
    /// SHA-256 of all values.
    pub content_sha256: String,
}

impl Check {
    /// Whether something is missing or broken; zero-volume stretches and the like are facts of
    /// the market, not faults of the lake.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        let broken = |f: &Finding| matches!(f.kind, "contradictory_prices" | "impossible_volume" | "overlapping");
        !self.gaps.is_empty() || self.files.iter().any(|f| !f.intact) || self.findings.iter().any(broken)
    }
}

impl Lake {
    /// Reads a whole series and says what state it is in. A file that cannot be read is part of
    /// the answer; its rows are missing from the figures.
    pub fn check(&self, series: &SeriesName) -> Result<Check, LakeError> {
        let mut bars = Bars::default();
        let mut files = Vec::new();
        for (path, name) in self.paths(series)? {
            let (rows, problem) = match read_checked(&path, series) {
                Ok(read) => read,
                Err(error) if error.is_damage() => (Bars::default(), Some(error.to_string())),
                Err(error) => return Err(error),
            };
            files.push(FileCheck { name, rows: rows.len(), intact: problem.is_none(), problem });
            bars.append(rows);
        }
        let gaps = gaps_of(&bars, series.interval);
        let findings = findings(&bars, series.interval).map_err(|e| {
            LakeError::form(&series.folder(self.root()), format!("its quality cannot be computed: {e}"))
        })?;
        Ok(Check {
            symbol: series.symbol.to_string(),
            interval: series.interval,
            bars: bars.len(),
            first: bars.open_time.first().copied(),
            last: bars.open_time.last().copied(),
            missing: gaps.iter().map(|g| g.missing).sum(),
            gaps,
            findings,
            files,
            content_sha256: content_sha256(&bars),
        })
    }
}

/// A file's rows, and what is wrong with them.
fn read_checked(path: &Place, series: &SeriesName) -> Result<(Bars, Option<String>), LakeError> {
    let file = OpenFile::open(path, series)?;
    let told = file.provenance.content_sha256.clone();
    let rows = file.read()?;
    let what = "its values are not those that it was written with";
    let problem = (content_sha256(&rows) != told).then(|| LakeError::form(path, what).to_string());
    Ok((rows, problem))
}

/// Figures of quality over all bars; only those that occur.
fn findings(bars: &Bars, interval: Interval) -> PolarsResult<Vec<Finding>> {
    if bars.is_empty() {
        return Ok(Vec::new());
    }
    let regular_length = interval.micros();
    let irregular_close = match regular_length {
        Some(length) => (col("close_time") - col("open_time")).neq(lit(length - 1)),
        None => lit(false),
    };
    let misaligned = match regular_length {
        Some(length) if interval != Interval::OneWeek => (col("open_time") % lit(length)).neq(lit(0_i64)),
        _ => lit(false),
    };
    let ratio = || col("open") / col("close").shift(lit(1));
    let kinds: [(&'static str, Expr); 7] = [
        ("zero_volume", col("volume").eq(lit(0.0))),
        ("irregular_close_time", irregular_close),
        ("misaligned_open_time", misaligned),
        ("overlapping", col("open_time").lt_eq(col("close_time").shift(lit(1)))),
        ("contradictory_prices", col("low").gt(col("high"))),
        (
            "impossible_volume",
            col("taker_buy_volume").gt(col("volume")).or(col("taker_buy_quote_volume").gt(col("quote_volume"))),
        ),
        ("jump_over_20_percent", ratio().gt(lit(1.2)).or(ratio().lt(lit(0.8)))),
    ];
    let frame = frame(bars)?.lazy();
    let counts = kinds.iter().map(|(kind, is)| is.clone().sum().cast(DataType::Int64).alias(*kind));
    let firsts = kinds.iter().map(|(kind, is)| col("open_time").filter(is.clone()).first().alias(format!("{kind}_at")));
    let figures = frame.select(counts.chain(firsts).collect::<Vec<_>>()).collect()?;
    let mut found = Vec::new();
    for (kind, _) in &kinds {
        let bars = figures.column(kind)?.i64()?.get(0).unwrap_or(0).unsigned_abs() as usize;
        let first = figures.column(&format!("{kind}_at"))?.i64()?.get(0).map(Timestamp::from_micros);
        if bars > 0 {
            found.push(Finding { kind, bars, first });
        }
    }
    Ok(found)
}

/// The columns as polars has them: times as numbers, the rest as floats, which are good enough
/// to compare and to judge by, and used for nothing else.
fn frame(bars: &Bars) -> PolarsResult<DataFrame> {
    let times = |name: &str, column: &[Timestamp]| {
        Column::new(name.into(), column.iter().map(|t| t.micros()).collect::<Vec<i64>>())
    };
    let prices = |name: &str, column: &[candlewick_model::Price]| {
        Column::new(name.into(), column.iter().map(|p| p.units() as f64).collect::<Vec<f64>>())
    };
    let volumes = |name: &str, column: &[candlewick_model::Amount]| {
        Column::new(name.into(), column.iter().map(|a| a.units() as f64).collect::<Vec<f64>>())
    };
    DataFrame::new(
        bars.len(),
        vec![
            times("open_time", &bars.open_time),
            times("close_time", &bars.close_time),
            prices("open", &bars.open),
            prices("high", &bars.high),
            prices("low", &bars.low),
            prices("close", &bars.close),
            volumes("volume", &bars.volume),
            volumes("quote_volume", &bars.quote_volume),
            volumes("taker_buy_volume", &bars.taker_buy_volume),
            volumes("taker_buy_quote_volume", &bars.taker_buy_quote_volume),
        ],
    )
}
