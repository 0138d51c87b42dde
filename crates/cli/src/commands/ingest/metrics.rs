//! What a following ingest says of itself to Prometheus.

use std::net::SocketAddr;

use candlewick_binance::market::MarketStatus;
use candlewick_ingest::{Follower, Step};
use candlewick_model::Timestamp;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::failure::Failure;

/// Serves `/metrics`; must be called on the runtime that is to serve it.
pub(super) fn serve(address: SocketAddr) -> Result<(), Failure> {
    let built = PrometheusBuilder::new().with_http_listener(address).install();
    built.map_err(|error| Failure::usage(anyhow::anyhow!("--metrics {address}: {error}")))?;
    describe();
    Ok(())
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge};
    describe_gauge!("candlewick_lag_seconds", Unit::Seconds, "Age of the end of a series' last bar in the lake");
    describe_gauge!(
        "candlewick_weight_used",
        "Request weight of this minute that is used, by everybody on this machine"
    );
    describe_gauge!("candlewick_weight_allowed", "Request weight a minute that may be used by us");
    describe_gauge!(
        "candlewick_rain_percent",
        "What is left of the budget after 429s or server errors; 100 is fair weather"
    );
    describe_gauge!("candlewick_blocked_seconds", Unit::Seconds, "How long nothing may be sent yet");
    describe_gauge!("candlewick_clock_offset_seconds", Unit::Seconds, "Server time minus local time");
    describe_counter!("candlewick_requests_total", "Requests over REST");
    describe_counter!("candlewick_retries_total", "Requests that were sent again");
    describe_counter!("candlewick_rate_limited_total", "Answers 429");
    describe_counter!("candlewick_bans_total", "Answers 418");
    describe_counter!("candlewick_bars_total", "Bars that came over REST");
    describe_counter!("candlewick_archives_total", "Archives that were taken");
    describe_counter!("candlewick_troubles_total", "Things that failed and are tried again");
}

/// How the client and the series stand now.
pub(super) fn standing(status: &MarketStatus, follower: &Follower<'_>, now: Timestamp) {
    for (series, lag) in follower.lags() {
        let labels = [("symbol", series.symbol.to_string()), ("interval", series.interval.to_string())];
        gauge!("candlewick_lag_seconds", &labels).set(seconds(lag));
    }
    if let Some(window) = status.windows.first() {
        gauge!("candlewick_weight_used").set(window.used as f64);
        gauge!("candlewick_weight_allowed").set(window.allowed as f64);
    }
    gauge!("candlewick_rain_percent").set(f64::from(status.rain_percent));
    let blocked = status.blocked.map_or(0, |(until, _)| until.micros() - now.micros());
    gauge!("candlewick_blocked_seconds").set(seconds(blocked));
    gauge!("candlewick_clock_offset_seconds").set(seconds(status.offset_us));
    counter!("candlewick_requests_total").absolute(status.requests);
    counter!("candlewick_retries_total").absolute(status.retries);
    counter!("candlewick_rate_limited_total").absolute(status.limited);
    counter!("candlewick_bans_total").absolute(status.bans);
}

/// What a step brought.
pub(super) fn step(step: &Step) {
    for (_, outcome) in &step.outcomes {
        counter!("candlewick_bars_total").increment(outcome.rest_bars);
        counter!("candlewick_archives_total").increment(outcome.archives as u64);
        counter!("candlewick_troubles_total").increment(outcome.troubles.len() as u64);
    }
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
