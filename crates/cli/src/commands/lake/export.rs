//! `lake export`: a series as one file.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use candlewick_lake::{CsvTimes, ExportError, ExportFormat, SeriesName};
use candlewick_model::{Interval, Period, Symbol, Timestamp};
use clap::{Args, ValueEnum};

use super::{no_such_series, output};
use crate::failure::Failure;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Rows as in the portal's archives.
    Csv,
    /// One Parquet file of the lake's columns.
    Parquet,
    /// One Arrow IPC file (Feather 2) of the lake's columns.
    Arrow,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Times {
    /// As the portal: milliseconds up to 2024, microseconds from 2025 on.
    Portal,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Microseconds since 1970.
    Microseconds,
    /// Such as 2023-01-01T00:00:00Z.
    Iso,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// The market, such as BTCUSDT.
    #[arg(long)]
    symbol: Symbol,
    /// Length of the bars.
    #[arg(long)]
    interval: Interval,
    /// First month or day, such as 2023-01 or 2023-01-15; without it, from the first bar.
    #[arg(long, value_name = "MONTH|DAY")]
    from: Option<Period>,
    /// Last month or day; it is included. Without it, to the last bar.
    #[arg(long, value_name = "MONTH|DAY")]
    to: Option<Period>,
    /// The form of the file.
    #[arg(long, value_enum)]
    format: Format,
    /// The file; `-` is standard output (CSV only).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How a CSV writes times.
    #[arg(long, value_enum, default_value = "portal")]
    times: Times,
    /// Begin a CSV with the names of its columns.
    #[arg(long)]
    header: bool,
    /// Overwrite the file if it is there.
    #[arg(long)]
    force: bool,
    /// The lake: a folder.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.format()?;
    let lake = super::open(&arguments.lake)?;
    let series = SeriesName { symbol: arguments.symbol, interval: arguments.interval };
    if !lake.series().map_err(Failure::outside)?.contains(&series) {
        return Err(no_such_series(&arguments.lake));
    }
    let range = arguments.from.map_or(Timestamp::MIN, |from| from.range().start)
        ..arguments.to.map_or(Timestamp::MAX, |to| to.range().end);
    let first = lake.files(&series).map_err(Failure::outside)?.iter().any(|file| {
        file.provenance
            .first
            .zip(file.provenance.last)
            .is_some_and(|(first, last)| first < range.end && last >= range.start)
    });
    if !first {
        return Err(Failure::usage(anyhow::anyhow!("the lake has no bars of {series} in that range")));
    }
    if arguments.out == Path::new("-") {
        let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout());
        let written = lake.export(&series, &range, format, &mut out).and_then(|_| Ok(out.flush()?));
        return match written {
            // Whoever closes it (`| head`) has had enough, which is no error.
            Err(ExportError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            other => other.map(|()| ExitCode::SUCCESS).map_err(Failure::outside),
        };
    }
    let mut rows = 0;
    output::write(&arguments.out, arguments.force, |out| {
        rows = lake.export(&series, &range, format, out).map_err(Failure::outside)?;
        Ok(())
    })?;
    eprintln!("{}: {rows} bars of {series}", arguments.out.display());
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn format(&self) -> Result<ExportFormat, Failure> {
        let times = match self.times {
            Times::Portal => CsvTimes::Portal,
            Times::Milliseconds => CsvTimes::Milliseconds,
            Times::Microseconds => CsvTimes::Microseconds,
            Times::Iso => CsvTimes::Iso,
        };
        let is_csv = self.format == Format::Csv;
        let refuse = |what: &str| Err(Failure::usage(anyhow::anyhow!("{what} is for CSV only")));
        if !is_csv && self.out == Path::new("-") {
            return refuse("standard output");
        }
        if !is_csv && self.header {
            return refuse("--header");
        }
        if !is_csv && self.times != Times::Portal {
            return refuse("--times");
        }
        Ok(match self.format {
            Format::Csv => ExportFormat::Csv { times, header: self.header },
            Format::Parquet => ExportFormat::Parquet,
            Format::Arrow => ExportFormat::Arrow,
        })
    }
}
