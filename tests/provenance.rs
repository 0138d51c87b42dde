//! What a run stands on is in its hashes: bars that only averages look at, and recorded reference
//! prices.

use std::path::Path;

use candlewick_lake::{Lake, SeriesName, Snapshot};
use candlewick_model::{Amount, Bar, Bars, Interval, Price, Symbol, Timestamp};
use serde_json::Value;

use crate::program::run;
use crate::stored::fetched;

const INFO: &str = r#"{"serverTime":1577836800000,"rateLimits":[],"exchangeFilters":[],
 "symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B","orderTypes":["LIMIT","MARKET"],
 "filters":[{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"1000","tickSize":"1"},
            {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"90","stepSize":"0.1"}]}]}"#;

const CONFIGURATION: &str = r#"
symbol = "AB"
interval = "1h"
from = "2023-01-02"
[account]
B = 10000
[strategy]
name = "ma-cross"
fast = 2
slow = 3
stake = 0.5
"#;

/// Bars at one price, of a day of 2023-01, into a lake.
fn put(lake: &Path, interval: Interval, day: i64, price: i64) {
    let length = interval.micros().unwrap();
    let start = "2023-01-01".parse::<Timestamp>().unwrap().plus((day - 1) * 86_400_000_000);
    let bar = |at: i64| {
        let open_time = start.plus(at * length);
        let price = Price::from_units(price * 100_000_000);
        Bar {
            open_time,
            close_time: open_time.plus(length - 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Amount::from_units(100_000_000),
            quote_volume: Amount::from_units(price.units().into()),
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 1,
        }
    };
    let bars: Bars = (0..86_400_000_000 / length).map(bar).collect();
    let series = SeriesName { symbol: Symbol::new("AB").unwrap(), interval };
    Lake::new(lake).writer(series).unwrap().put(vec![fetched(bars)]).unwrap();
}

/// A lake with the bars of a run, and nothing else.
fn fill(lake: &Path) {
    put(lake, Interval::OneHour, 2, 100);
    Lake::new(lake).add_exchange_info(&Snapshot::parse(INFO.to_owned(), "a test").unwrap()).unwrap();
}

/// The hashes of data and configuration of a run.
fn hashes(place: &Path, lake: &Path, configuration: &str) -> (String, String) {
    let [config, out] = ["run.toml", "out"].map(|name| place.join(name).display().to_string());
    std::fs::write(&config, configuration).unwrap();
    let ended = run(&["backtest", &config, "--lake", &lake.display().to_string(), "--out", &out, "--json", "--force"]);
    ended.assert(0, &[]);
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    let hash = |name: &str| summary["provenance"][name].as_str().unwrap().to_owned();
    (hash("data_sha256"), hash("configuration_sha256"))
}

#[test]
fn the_bars_of_averages_are_in_the_hash_of_data() {
    let place = tempfile::tempdir().unwrap();
    let (lake, other) = (place.path().join("lake"), place.path().join("other"));
    fill(&lake);
    fill(&other);
    let told = |lake: &Path| hashes(place.path(), lake, CONFIGURATION);
    let mut all = vec![told(&lake)];
    assert_eq!(told(&other), all[0], "the same bars elsewhere");
    put(&lake, Interval::OneHour, 1, 90);
    all.push(told(&lake));
    put(&other, Interval::OneHour, 1, 91);
    all.push(told(&other));
    put(&lake, Interval::OneMinute, 2, 100);
    all.push(told(&lake));
    put(&lake, Interval::OneMinute, 1, 90);
    all.push(told(&lake));
    for (at, (data, configuration)) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|(earlier, _)| earlier != data), "{at}: {all:#?}");
        assert_eq!(*configuration, all[0].1);
    }
    // What no average reaches makes no difference.
    put(&lake, Interval::OneMinute, 4, 80);
    assert_eq!(told(&lake), all[4]);
}

#[test]
fn recorded_reference_prices_are_in_the_hash_of_the_configuration() {
    let place = tempfile::tempdir().unwrap();
    let lake = place.path().join("lake");
    fill(&lake);
    let configuration =
        format!("{CONFIGURATION}\n[market.AB]\nreference_price = {{ recorded = \"reference.jsonl\" }}\n");
    let told = |price: &str| {
        let line = format!(r#"{{"symbol":"AB","referencePrice":{price},"timestamp":1672617600000}}"#);
        std::fs::write(place.path().join("reference.jsonl"), line + "\n").unwrap();
        hashes(place.path(), &lake, &configuration)
    };
    let (one, null, other) = (told(r#""100""#), told("null"), told(r#""101""#));
    assert!(one.1 != null.1 && null.1 != other.1 && other.1 != one.1, "{one:?} {null:?} {other:?}");
    assert_eq!(told(r#""100.00""#), one, "it is what the file says that counts");
}
