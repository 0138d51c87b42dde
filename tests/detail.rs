//! The inside of bars through the program: trades and finer bars of a lake, bars made of trades,
//! and what a report says of them.

use std::path::Path;

use candlewick_exchange::MarketPlan;
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Amount, Bar, Interval, Symbol, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::ingest::exchange::{Exchange, markets};
use crate::program::{Ended, contents, run};

const DAYS: &str = "--from 2025-01-06 --to 2025-01-08";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn symbol() -> Symbol {
    "BTCUSDT".parse().unwrap()
}

/// A place with a lake of what is asked for, and the market's rules.
fn place(asked: &[&str]) -> TempDir {
    let exchange = Exchange::new(&markets(&["BTCUSDT"], Interval::OneMinute, "2025-01-05"));
    let place = tempfile::tempdir().unwrap();
    for kind in asked {
        let command = format!("ingest --symbol BTCUSDT {kind} {DAYS} --portal {{url}}");
        let ended: Ended = exchange.command(&command, &place.path().join("lake")).output().unwrap().into();
        ended.assert(0, &[]);
    }
    let plan = MarketPlan::bitcoin(5, Interval::OneMinute, time("2025-01-05"), time("2025-01-20"));
    std::fs::write(place.path().join("info.json"), plan.exchange_info()).unwrap();
    place
}

const CONFIGURATION: &str = r#"
symbol = "BTCUSDT"
interval = "1h"
exchange_info = ["info.json"]
[account]
USDT = 10000
[strategy]
name = "mean-reversion"
window = 4
band = 0.0005
reprice = 2
stake = 0.2
[fills]
path = "nearest"
"#;

fn backtest(place: &Path, fills: &str, out: &str) -> Ended {
    let [config, lake, out] = ["run.toml", "lake", out].map(|name| place.join(name).display().to_string());
    std::fs::write(&config, CONFIGURATION.replace("path = \"nearest\"", fills)).unwrap();
    run(&["backtest", &config, "--lake", &lake, "--out", &out, "--json", "--force"])
}

/// The summary of a run, and its fills.
fn told(place: &Path, fills: &str, out: &str) -> (Value, String) {
    let ended = backtest(place, fills, out);
    ended.assert(0, &[]);
    let told = std::fs::read_to_string(place.join(out).join("fills.csv")).unwrap();
    assert!(told.lines().count() > 10, "{told}");
    (serde_json::from_str(&ended.stdout).unwrap(), told)
}

fn data_sha256(summary: &Value) -> &str {
    summary["provenance"]["data_sha256"].as_str().unwrap()
}

#[test]
fn bars_of_trades_are_the_exchanges() {
    let place = place(&["--interval 1m", "--interval 1h", "--kinds agg-trades"]);
    let lake = Lake::new(&place.path().join("lake"));
    let range = time("2025-01-06")..time("2025-01-09");
    for interval in [Interval::OneMinute, Interval::OneHour] {
        let bars = lake.bars(&SeriesName { symbol: symbol(), interval }, range.clone()).unwrap();
        let made = lake.bars_of_trades(symbol(), interval, range.clone()).unwrap();
        assert_eq!(made.len(), bars.len());
        let without_value = |bar: Bar| Bar { quote_volume: Amount::ZERO, taker_buy_quote_volume: Amount::ZERO, ..bar };
        for (made, bar) in made.iter().zip(bars.iter()) {
            assert_eq!(without_value(made), without_value(bar));
            // Made-up trades come to the value of their bar but for a step; joined ones do not
            // tell what each was worth.
            for (made, told) in
                [(made.quote_volume, bar.quote_volume), (made.taker_buy_quote_volume, bar.taker_buy_quote_volume)]
            {
                assert!((made.units() - told.units()).abs() * 1_000 <= told.units(), "{made} {told}");
            }
        }
    }
}

#[test]
fn a_market_moves_along_the_finest_that_there_is() {
    let place = place(&["--interval 1m", "--interval 1h", "--kinds agg-trades"]);
    let place = place.path();
    let (nearest, _) = told(place, "path = \"nearest\"", "nearest");
    assert_eq!(nearest["assumptions"]["bars_with_detail"], 0);
    let (minutes, _) = told(place, "path = \"detail\"\ndetail = \"1m\"", "minutes");
    assert_eq!(minutes["markets"][0]["details"], serde_json::json!(["1m"]));
    let (trades, of_trades) = told(place, "path = \"detail\"", "trades");
    assert_eq!(trades["markets"][0]["details"], serde_json::json!(["agg_trades", "1m"]));
    for summary in [&minutes, &trades] {
        assert!(summary["assumptions"]["bars_with_detail"].as_u64() > Some(20), "{summary:#}");
        assert_eq!(summary["assumptions"]["bars_without_detail"], 0);
        assert_eq!(summary["band"], nearest["band"], "the other paths are the same whatever is in use");
    }
    let all = [&nearest, &minutes, &trades].map(data_sha256);
    assert!(all[0] != all[1] && all[1] != all[2] && all[2] != all[0], "what decides is in the hash");
    // The same again is the same bytes.
    told(place, "path = \"detail\"", "again");
    assert_eq!(contents(&place.join("trades")), contents(&place.join("again")));
    // An explanation says whose share it is that own orders may take.
    for (out, part, rule) in [("trades", "trade", "8.33"), ("minutes", "finer bar", "8.32")] {
        let out = place.join(out).display().to_string();
        let filled = std::fs::read_to_string(format!("{out}/fills.csv")).unwrap();
        let id = filled.lines().nth(1).unwrap().split(',').nth(2).unwrap().to_owned();
        let ended = run(&["explain", &out, &format!("order:{id}")]);
        ended.assert(0, &["say the same"]);
        for told in [
            format!(" {part} from ").replace("trade from", "trade of the bar from"),
            format!(" of this {part} (rule 4.1)"),
            format!("this {part} still has "),
            format!("(rules 1.5, {rule})"),
        ] {
            assert!(ended.stdout.contains(&told), "{told}: {}", ended.stdout);
        }
        assert!(!ended.stdout.contains("this bar"), "{}", ended.stdout);
    }
    let page = std::fs::read_to_string(place.join("trades/report.html")).unwrap();
    assert!(page.contains("detail: along agg_trades, else 1m; where there is none"), "the page says what was used");

    // Of a day without trades the minutes are the finest.
    std::fs::remove_file(place.join("lake/agg_trades/symbol=BTCUSDT/2025-01-07.parquet")).unwrap();
    let (fewer, _) = told(place, "path = \"detail\"", "fewer");
    assert_eq!(fewer["assumptions"]["bars_without_detail"], 0);
    assert_ne!(data_sha256(&fewer), data_sha256(&trades));
    let (only, _) = told(place, "path = \"detail\"\ndetail = \"agg_trades\"", "only");
    assert!(only["assumptions"]["bars_without_detail"].as_u64() > Some(5), "{only:#}");

    // A market of which there are trades alone is the same market.
    let alone = crate::detail::place(&["--kinds agg-trades"]);
    let (summary, fills) = told(alone.path(), "path = \"detail\"", "alone");
    assert_eq!(
        (&summary["markets"][0]["is_of_trades"], &trades["markets"][0]["is_of_trades"]),
        (&true.into(), &false.into())
    );
    assert_eq!(fills, of_trades);
}

#[test]
fn what_is_not_there_or_broken_is_said() {
    let place = place(&["--interval 1h", "--kinds agg-trades"]);
    let place = place.path();
    let ended = |fills: &str| backtest(place, fills, "out");
    ended("path = \"detail\"\ndetail = \"1s\"").assert(2, &["holds no 1s of BTCUSDT, which `fills.detail` asks for"]);
    ended("path = \"detail\"\ndetail = \"2h\"").assert(2, &["2h, which does not make up the 1h bars of BTCUSDT"]);
    ended("path = \"detail\"\ndetail = \"second\"").assert(2, &["neither agg_trades nor an interval"]);
    ended("detail = \"1m\"").assert(2, &["needs `path = \"detail\"`"]);
    let day = place.join("lake/agg_trades/symbol=BTCUSDT/2025-01-07.parquet");
    let mut bytes = std::fs::read(&day).unwrap();
    bytes[4..400].fill(0);
    std::fs::write(&day, bytes).unwrap();
    ended("path = \"detail\"")
        .assert(3, &["what happened inside the bar of BTCUSDT that opens at 2025-01-07T", "cannot be read"]);
}
