//! Snapshots of exchangeInfo: one a day, so that a replay knows the filters of each time.

use candlewick_binance::market::MarketClient;
use candlewick_lake::{Lake, Snapshot};
use candlewick_model::time::DAY;
use candlewick_model::{Instrument, Symbol, Timestamp};

use crate::error::Trouble;

const REQUEST: &str = "exchangeInfo";

/// Whether the lake's latest snapshot is older than a day, or there is none.
pub fn is_exchange_info_due(lake: &Lake, now: Timestamp) -> Result<bool, Trouble> {
    Ok(lake.last_exchange_info()?.is_none_or(|last| now.micros() - last.micros() >= DAY))
}

/// Asks the exchange and stores its answer under its own time. Gives the file's name and the
/// snapshot.
pub async fn store_exchange_info(client: &MarketClient, lake: &Lake) -> Result<(String, Snapshot), Trouble> {
    let snapshot = ask(client).await?;
    let name = lake.add_exchange_info(&snapshot)?;
    Ok((name, snapshot))
}

/// The markets that the exchange knows now, of one quote asset or of all.
pub async fn traded_symbols(client: &MarketClient, quote: Option<&str>) -> Result<Vec<Symbol>, Trouble> {
    let snapshot = ask(client).await?;
    let is_wanted = |instrument: &&Instrument| quote.is_none_or(|quote| instrument.quote_asset.as_str() == quote);
    let mut symbols: Vec<_> =
        snapshot.info.instruments.values().filter(is_wanted).map(|instrument| instrument.symbol).collect();
    symbols.sort();
    Ok(symbols)
}

async fn ask(client: &MarketClient) -> Result<Snapshot, Trouble> {
    let failed = |why: String| Trouble::Rest { request: REQUEST.to_owned(), why };
    let json = client.exchange_info().await.map_err(|error| failed(error.to_string()))?;
    Snapshot::parse(json, REQUEST).map_err(|error| failed(error.to_string()))
}
