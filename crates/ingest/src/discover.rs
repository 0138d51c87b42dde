//! Which markets there are, or were, according to the portal.

use std::collections::BTreeSet;

use candlewick_binance::archive::{ArchiveName, Dataset};
use candlewick_model::{Interval, Period, Symbol};

use crate::error::Trouble;
use crate::portal::Portal;

/// Every market that the portal has archives of, delisted ones too, in order; those of one quote
/// asset only, if it is given. `None` if the portal has no listing. A quote asset is told by the
/// end of the name, which is all that a listing has.
pub async fn symbols_of(
    portal: &Portal,
    dataset: Dataset,
    quote: Option<&str>,
) -> Result<Option<Vec<Symbol>>, Trouble> {
    let mut found = BTreeSet::new();
    for period in [Period::Month { year: 2017, month: 8 }, Period::Day { year: 2017, month: 8, day: 17 }] {
        let Some(folders) = portal.folders(&markets_folder(dataset, period)).await? else { return Ok(None) };
        let is_wanted = |name: &&String| quote.is_none_or(|quote| name.len() > quote.len() && name.ends_with(quote));
        // A folder with another name than a market's is none of ours.
        found.extend(folders.iter().filter(is_wanted).filter_map(|name| Symbol::new(name).ok()));
    }
    Ok(Some(found.into_iter().collect()))
}

/// The folder that has one folder for every market.
fn markets_folder(dataset: Dataset, period: Period) -> String {
    let any = Symbol::new("X").expect("a short name");
    let folder = ArchiveName { symbol: any, dataset, period }.folder();
    let end = match dataset {
        Dataset::Klines(interval) => format!("/X/{}", Interval::archive_name(interval)),
        Dataset::AggTrades | Dataset::Trades => "/X".to_owned(),
    };
    folder.strip_suffix(&end).unwrap_or(&folder).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn markets_are_folders() {
        let folder = tempfile::tempdir().unwrap();
        for place in
            ["monthly/klines/BTCUSDT/1m", "monthly/klines/LUNABUSD/1h", "daily/klines/NEWUSDT/1m", "daily/klines/USDT"]
        {
            std::fs::create_dir_all(folder.path().join("data/spot").join(place)).unwrap();
        }
        let portal = Portal::new(&format!("file://{}", folder.path().display()), None).unwrap();
        let dataset = Dataset::Klines(Interval::OneMinute);
        let names = |found: Option<Vec<Symbol>>| found.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
        let usdt = symbols_of(&portal, dataset, Some("USDT")).await.unwrap();
        assert_eq!(names(usdt), ["BTCUSDT", "NEWUSDT"]);
        assert_eq!(names(symbols_of(&portal, dataset, None).await.unwrap()).len(), 4);
        let web = Portal::new("http://127.0.0.1:1", None).unwrap();
        assert_eq!(symbols_of(&web, dataset, None).await.unwrap(), None);
    }
}
