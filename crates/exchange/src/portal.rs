//! The Data Portal over HTTP: monthly and daily archives of klines with their checksums.
//!
//! For: a portal to ingest from without the internet. Not for: bucket listings; what is not
//! there is a 404, as on the site.

use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use candlewick_model::time::DAY;
use candlewick_model::{Bars, Interval, Symbol, Timestamp};
use ring::digest::{SHA256, digest};

use crate::archive;

/// Archives of one series, made from its bars when they are asked for.
#[derive(Clone)]
pub struct Portal {
    symbol: Symbol,
    interval: Interval,
    bars: Arc<Bars>,
}

impl Portal {
    /// A portal that has these bars.
    #[must_use]
    pub fn new(symbol: Symbol, interval: Interval, bars: Arc<Bars>) -> Self {
        Self { symbol, interval, bars }
    }

    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/data/spot/{period}/klines/{symbol}/{interval}/{file}", get(serve))
            .with_state(Arc::new(self))
    }

    /// The bytes of a file, if the portal has it.
    fn file(&self, period: &str, symbol: &str, interval: &str, file: &str) -> Option<Vec<u8>> {
        if symbol != self.symbol.as_str() || interval != self.interval.archive_name() {
            return None;
        }
        let (zip_name, is_checksum) = match file.strip_suffix(".CHECKSUM") {
            Some(zip_name) => (zip_name, true),
            None => (file, false),
        };
        let stem = zip_name.strip_suffix(".zip")?;
        let date = stem.strip_prefix(&format!("{symbol}-{interval}-"))?;
        let rows = self.rows(span(period, date)?)?;
        let zip = archive::klines_zip(&format!("{stem}.csv"), &self.bars, rows);
        if !is_checksum {
            return Some(zip);
        }
        let sha256 = hex::encode(digest(&SHA256, &zip));
        Some(format!("{sha256}  {zip_name}\n").into_bytes())
    }

    /// The rows of a period that is over and has bars: archives come out afterwards.
    fn rows(&self, period: Range<Timestamp>) -> Option<Range<usize>> {
        let opens = &self.bars.open_time;
        let end_of_data = self.interval.next_open(*opens.last()?);
        let rows = opens.partition_point(|t| *t < period.start)..opens.partition_point(|t| *t < period.end);
        (period.end <= end_of_data && !rows.is_empty()).then_some(rows)
    }
}

/// From when to when a file's bars open: `2023-03` in a monthly file, `2023-03-01` in a daily
/// one.
fn span(period: &str, date: &str) -> Option<Range<Timestamp>> {
    match (period, date.len()) {
        ("monthly", 7) => {
            let start: Timestamp = format!("{date}-01").parse().ok()?;
            Some(start..Interval::OneMonth.next_open(start))
        }
        ("daily", 10) => {
            let start: Timestamp = date.parse().ok()?;
            Some(start..start.plus(DAY))
        }
        _ => None,
    }
}

async fn serve(
    State(portal): State<Arc<Portal>>,
    Path((period, symbol, interval, file)): Path<(String, String, String, String)>,
) -> Response {
    match portal.file(&period, &symbol, &interval, &file) {
        Some(bytes) => ([(header::CONTENT_TYPE, "binary/octet-stream")], bytes).into_response(),
        None => {
            let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
            (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MarketPlan;

    fn portal() -> Portal {
        let (from, to) = ("2023-02-27".parse().unwrap(), "2023-03-02".parse().unwrap());
        let plan = MarketPlan::bitcoin(1, Interval::OneMinute, from, to);
        Portal::new(plan.symbol, plan.interval, Arc::new(plan.bars()))
    }

    #[test]
    fn what_is_over_is_there_and_the_rest_is_not() {
        let portal = portal();
        let has = |period: &str, file: &str| portal.file(period, "BTCUSDT", "1m", file).is_some();
        assert!(has("daily", "BTCUSDT-1m-2023-02-28.zip"));
        assert!(has("daily", "BTCUSDT-1m-2023-03-01.zip.CHECKSUM"));
        assert!(has("monthly", "BTCUSDT-1m-2023-02.zip"));
        assert!(!has("monthly", "BTCUSDT-1m-2023-03.zip"), "the month is not over");
        assert!(!has("daily", "BTCUSDT-1m-2023-03-02.zip"));
        assert!(!has("daily", "BTCUSDT-1m-2023-02-30.zip"));
        assert!(!has("daily", "BTCUSDT-1m-2023-02-28.csv"));
        assert!(portal.file("daily", "ETHUSDT", "1m", "ETHUSDT-1m-2023-02-28.zip").is_none());
    }

    #[test]
    fn the_checksum_is_that_of_the_archive() {
        let portal = portal();
        let zip = portal.file("daily", "BTCUSDT", "1m", "BTCUSDT-1m-2023-02-28.zip").unwrap();
        let sum = portal.file("daily", "BTCUSDT", "1m", "BTCUSDT-1m-2023-02-28.zip.CHECKSUM").unwrap();
        let expected = format!("{}  BTCUSDT-1m-2023-02-28.zip\n", hex::encode(digest(&SHA256, &zip)));
        assert_eq!(String::from_utf8(sum).unwrap(), expected);
        assert_eq!(portal.file("daily", "BTCUSDT", "1m", "BTCUSDT-1m-2023-02-28.zip").unwrap(), zip, "same bytes");
    }
}
