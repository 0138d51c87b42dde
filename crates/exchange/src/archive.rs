//! Archives as the Data Portal has them: one CSV in one zip.

use std::io::Write as _;
use std::ops::Range;

use candlewick_binance::wire::time_number;
use candlewick_model::{Bars, TimeUnit, Timestamp};

/// From here on the portal writes microseconds.
const MICROSECONDS_SINCE: Timestamp = Timestamp::from_micros(1_735_689_600_000_000);

/// A zip with one CSV of some rows; the same bars are the same bytes.
pub(crate) fn klines_zip(name: &str, bars: &Bars, rows: Range<usize>) -> Vec<u8> {
    let mut csv = String::with_capacity(rows.len() * 160);
    rows.for_each(|row| write_row(&mut csv, &bars.bar(row)));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let written = zip
        .start_file(name, zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default()))
        .and_then(|()| Ok(zip.write_all(csv.as_bytes())?))
        .and_then(|()| zip.finish());
    written.expect("writing to memory does not fail").into_inner()
}

fn write_row(csv: &mut String, bar: &candlewick_model::Bar) {
    use std::fmt::Write as _;
    let unit = if bar.open_time < MICROSECONDS_SINCE { TimeUnit::Milliseconds } else { TimeUnit::Microseconds };
    writeln!(
        csv,
        "{},{},{},{},{},{},{},{},{},{},{},0",
        time_number(bar.open_time, unit),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        time_number(bar.close_time, unit),
        bar.quote_volume,
        bar.trades,
        bar.taker_buy_volume,
        bar.taker_buy_quote_volume,
    )
    .expect("writing to a string does not fail");
}
