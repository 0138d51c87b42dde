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
use candlewick_binance::archive::{self, ArchiveName, Checksum, sha256_hex};
use candlewick_model::{Bars, Interval, Period, Symbol, TimeUnit, Timestamp};

/// From here on the portal writes microseconds.
const MICROSECONDS_SINCE: Timestamp = Timestamp::from_micros(1_735_689_600_000_000);

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
        Router::new().route("/data/{*path}", get(serve)).with_state(Arc::new(self))
    }

    /// The bytes of a file, if the portal has it.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        let (path, is_checksum) = match path.strip_suffix(".CHECKSUM") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let stem = path.rsplit('/').next()?.strip_suffix(".zip")?;
        let series = format!("{}-{}-", self.symbol, self.interval.archive_name());
        let period: Period = stem.strip_prefix(&series)?.parse().ok()?;
        let name = ArchiveName::klines(self.symbol, self.interval, period);
        if name.path() != path {
            return None;
        }
        let zip = self.archive(&name)?;
        if !is_checksum {
            return Some(zip);
        }
        let checksum = Checksum { sha256: sha256_hex(&zip) };
        Some(checksum.text(&format!("{stem}.zip")).into_bytes())
    }

    /// The archive of a period that is over and has bars: they come out afterwards.
    fn archive(&self, name: &ArchiveName) -> Option<Vec<u8>> {
        let opens = &self.bars.open_time;
        let end_of_data = self.interval.next_open(*opens.last()?);
        let Range { start, end } = name.period.range();
        let rows = opens.partition_point(|t| *t < start)..opens.partition_point(|t| *t < end);
        if end > end_of_data || rows.is_empty() {
            return None;
        }
        let unit = if start < MICROSECONDS_SINCE { TimeUnit::Milliseconds } else { TimeUnit::Microseconds };
        let csv = archive::encode(&rows.map(|row| self.bars.bar(row)).collect(), unit);
        archive::pack(&format!("{}.csv", name.stem()), &csv).ok()
    }
}

async fn serve(State(portal): State<Arc<Portal>>, Path(path): Path<String>) -> Response {
    match portal.file(&format!("data/{path}")) {
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

    fn file(span: &str, name: &str) -> Option<Vec<u8>> {
        portal().file(&format!("data/spot/{span}/klines/BTCUSDT/1m/{name}"))
    }

    #[test]
    fn what_is_over_is_there_and_the_rest_is_not() {
        let has = |span: &str, name: &str| file(span, name).is_some();
        assert!(has("daily", "BTCUSDT-1m-2023-02-28.zip"));
        assert!(has("daily", "BTCUSDT-1m-2023-03-01.zip.CHECKSUM"));
        assert!(has("monthly", "BTCUSDT-1m-2023-02.zip"));
        assert!(!has("monthly", "BTCUSDT-1m-2023-03.zip"), "the month is not over");
        assert!(!has("monthly", "BTCUSDT-1m-2023-02-28.zip"), "a day among the months");
        assert!(!has("daily", "BTCUSDT-1m-2023-03-02.zip"));
        assert!(!has("daily", "BTCUSDT-1m-2023-02-30.zip"));
        assert!(!has("daily", "BTCUSDT-1m-2023-02-28.csv"));
        assert!(!has("daily", "ETHUSDT-1m-2023-02-28.zip"));
    }

    #[test]
    fn an_archive_holds_the_bars_and_its_checksum_is_its_own() {
        let zip = file("daily", "BTCUSDT-1m-2023-02-28.zip").unwrap();
        let decoded = archive::decode(&archive::unpack(&zip).unwrap(), "2023-02-28".parse().unwrap()).unwrap();
        let day: Vec<_> = portal().bars.iter().filter(|bar| bar.open_time.date() == (2023, 2, 28)).collect();
        assert_eq!(decoded.bars.iter().collect::<Vec<_>>(), day);
        let sum = file("daily", "BTCUSDT-1m-2023-02-28.zip.CHECKSUM").unwrap();
        let sum = Checksum::parse(&String::from_utf8(sum).unwrap()).unwrap();
        assert_eq!(sum.sha256, sha256_hex(&zip));
    }
}
