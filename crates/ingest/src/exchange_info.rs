//! Snapshots of exchangeInfo: one a day, so that a replay knows the filters of each time.

use candlewick_binance::market::MarketClient;
use candlewick_lake::{Lake, Snapshot};
use candlewick_model::Timestamp;
use candlewick_model::time::DAY;

use crate::error::Trouble;

const REQUEST: &str = "exchangeInfo";

/// Whether the lake's latest snapshot is older than a day, or there is none.
pub fn is_exchange_info_due(lake: &Lake, now: Timestamp) -> Result<bool, Trouble> {
    Ok(lake.last_exchange_info()?.is_none_or(|last| now.micros() - last.micros() >= DAY))
}

/// Asks the exchange and stores its answer under its own time. Gives the file's name and the
/// snapshot.
pub async fn store_exchange_info(client: &MarketClient, lake: &Lake) -> Result<(String, Snapshot), Trouble> {
    let failed = |why: String| Trouble::Rest { request: REQUEST.to_owned(), why };
    let json = client.exchange_info().await.map_err(|error| failed(error.to_string()))?;
    let snapshot = Snapshot::parse(json, REQUEST).map_err(|error| failed(error.to_string()))?;
    let name = lake.add_exchange_info(&snapshot)?;
    Ok((name, snapshot))
}
