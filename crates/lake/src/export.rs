//! A series as one file for others: CSV as the portal writes it, Parquet, Arrow.
//!
//! For: the same values in other forms, a file of the lake after another, so that memory does not
//! grow with the series. Not for: where the file goes and whether it may be there already.

use std::io::Write;
use std::ops::Range;

use arrow::array::{Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use candlewick_model::{Bars, Timestamp};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::Lake;
use crate::columns::{SCHEMA, to_batch};
use crate::error::LakeError;
use crate::layout::SeriesName;

/// How a CSV writes times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CsvTimes {
    /// As the portal's archives of the time: in milliseconds up to 2024, in microseconds from
    /// 2025 on.
    Portal,
    /// Milliseconds everywhere; the microseconds of close times are cut off.
    Milliseconds,
    /// Microseconds everywhere.
    Microseconds,
    /// `2023-01-01T00:00:00Z`, with a fraction where there is one.
    Iso,
}

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Twelve columns as in the portal's archives, of which the last is always 0.
    Csv {
        /// How times are written.
        times: CsvTimes,
        /// Whether the names of the columns come first.
        header: bool,
    },
    /// The columns of the lake's files.
    Parquet,
    /// The columns of the lake's files as an Arrow IPC file, all decimals of 128 bits.
    Arrow,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The lake could not be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The file could not be written.
    #[error("cannot write the file: {0}")]
    Io(#[from] std::io::Error),
    /// Arrow refused.
    #[error("cannot write the file: {0}")]
    Arrow(#[from] ArrowError),
    /// Parquet refused.
    #[error("cannot write the file: {0}")]
    Parquet(#[from] ParquetError),
}

const HEADER: &str = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,\
    taker_buy_quote_volume,ignore\n";

/// Rows that are encoded at a time.
const BATCH: usize = 1 << 16;

impl Lake {
    /// Writes the bars of a series that open within a range, in order; returns how many.
    pub fn export<W: Write + Send>(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        format: ExportFormat,
        out: W,
    ) -> Result<usize, ExportError> {
        match format {
            ExportFormat::Csv { times, header } => self.export_csv(series, range, times, header, out),
            ExportFormat::Parquet => self.export_parquet(series, range, out),
            ExportFormat::Arrow => self.export_arrow(series, range, out),
        }
    }

    /// Hands over the bars of a range, a file's at a time.
    fn each_file(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        mut take: impl FnMut(&Bars) -> Result<(), ExportError>,
    ) -> Result<usize, ExportError> {
        let mut rows = 0;
        let mut from = range.start;
        for file in self.files(series)? {
            let Some(last) = file.provenance.last else { continue };
            let to = last.plus(1).min(range.end);
            if from < to {
                let bars = self.bars(series, from..to)?;
                take(&bars)?;
                (rows, from) = (rows + bars.len(), to);
            }
        }
        Ok(rows)
    }

    fn export_csv(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        times: CsvTimes,
        header: bool,
        mut out: impl Write,
    ) -> Result<usize, ExportError> {
        if header {
            out.write_all(HEADER.as_bytes())?;
        }
        self.each_file(series, range, |bars| write_csv(bars, times, &mut out))
    }

    fn export_parquet(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        out: impl Write + Send,
    ) -> Result<usize, ExportError> {
        let options = ArrowWriterOptions::new().with_properties(properties()?).with_skip_arrow_metadata(true);
        let mut writer = ArrowWriter::try_new_with_options(out, SCHEMA.clone(), options)?;
        let rows =
            self.each_file(series, range, |bars| batches(bars).try_for_each(|batch| Ok(writer.write(&batch?)?)))?;
        writer.close()?;
        Ok(rows)
    }

    /// Decimals of 64 bits are young, and few readers of Arrow files know them.
    fn export_arrow(
        &self,
        series: &SeriesName,
        range: &Range<Timestamp>,
        out: impl Write,
    ) -> Result<usize, ExportError> {
        let wide = |kind: &DataType| match kind {
            DataType::Decimal64(precision, scale) => DataType::Decimal128(*precision, *scale),
            other => other.clone(),
        };
        let fields = SCHEMA.fields().iter().map(|f| Field::new(f.name(), wide(f.data_type()), false));
        let schema = std::sync::Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut writer = FileWriter::try_new(out, &schema)?;
        let rows = self.each_file(series, range, |bars| {
            batches(bars).try_for_each(|batch| {
                let batch = batch?;
                let columns = batch.columns().iter().map(|column| cast(column, &wide(column.data_type())));
                let columns = columns.collect::<Result<Vec<_>, _>>()?;
                Ok(writer.write(&RecordBatch::try_new(schema.clone(), columns)?)?)
            })
        })?;
        writer.finish()?;
        Ok(rows)
    }
}

fn batches(bars: &Bars) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    (0..bars.len()).step_by(BATCH).map(|start| to_batch(bars, start..bars.len().min(start + BATCH)))
}

/// Encodings as in the lake's files, and statistics, by which readers prune.
fn properties() -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(1 << 20));
    for field in SCHEMA.fields() {
        let encoding = if field.name().contains("volume") { Encoding::PLAIN } else { Encoding::DELTA_BINARY_PACKED };
        builder = builder.set_column_encoding(ColumnPath::from(field.name().as_str()), encoding);
    }
    Ok(builder.build())
}

fn write_csv(bars: &Bars, times: CsvTimes, out: &mut impl Write) -> Result<(), ExportError> {
    let new_unit = Timestamp::from_date(2025, 1, 1).expect("a real date");
    for bar in bars.iter() {
        let unit = match times {
            CsvTimes::Portal if bar.open_time < new_unit => CsvTimes::Milliseconds,
            CsvTimes::Portal => CsvTimes::Microseconds,
            other => other,
        };
        write_time(out, bar.open_time, unit)?;
        write!(out, ",{},{},{},{},{},", bar.open, bar.high, bar.low, bar.close, bar.volume)?;
        write_time(out, bar.close_time, unit)?;
        writeln!(
            out,
            ",{},{},{},{},0",
            bar.quote_volume, bar.trades, bar.taker_buy_volume, bar.taker_buy_quote_volume
        )?;
    }
    Ok(())
}

fn write_time(out: &mut impl Write, time: Timestamp, unit: CsvTimes) -> std::io::Result<()> {
    match unit {
        CsvTimes::Milliseconds => write!(out, "{}", time.millis()),
        CsvTimes::Iso => write!(out, "{time}"),
        CsvTimes::Microseconds | CsvTimes::Portal => write!(out, "{}", time.micros()),
    }
}
