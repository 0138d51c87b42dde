//! `candlewick backtest` as a process on configurations that are wrong.

use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::ingest::made::Tree;
use crate::program::{Ended, ingest, run};

const INFO: &str = r#"{"serverTime":1672531200000,"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC",
 "quoteAsset":"USDT","orderTypes":["LIMIT","MARKET"],"filters":[
 {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"},
 {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"}]}]}"#;

const CONFIGURATION: &str = r#"symbol = "BTCUSDT"
interval = "30m"
exchange_info = ["info.json"]
[account]
USDT = 10000
[strategy]
name = "ma-cross"
fast = 3
slow = 10
"#;

/// A lake with a day of bars, filters and a configuration.
fn folder() -> TempDir {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01"]), tempdir().unwrap());
    ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-01"], &tree.address(), &folder.path().join("lake")).assert(0, &[]);
    std::fs::write(folder.path().join("info.json"), INFO).unwrap();
    folder
}

fn backtest(folder: &Path, configuration: &str) -> Ended {
    let at = |name: &str| folder.join(name).display().to_string();
    std::fs::write(at("run.toml"), configuration).unwrap();
    run(&["backtest", &at("run.toml"), "--lake", &at("lake"), "--out", &at("out")])
}

#[test]
fn mistakes_are_named_with_a_remedy_and_nothing_is_written() {
    let folder = folder();
    for (from, to, told) in [
        ("fast", "fats", &["run.toml", "unknown field `fats`", "did you mean `fast`?"][..]),
        ("[account]", "[acount]", &["run.toml", "did you mean `account`?"]),
        ("ma-cross", "ma-cros", &["run.toml", "did you mean `ma-cross`?"]),
        ("\"30m\"", "\"7m\"", &["run.toml", "use one of 1s 1m"]),
        (
            "symbol = \"BTCUSDT\"",
            "symbol = \"btcusdt\"",
            &["there is no market btcusdt: symbols are in capitals, did you mean BTCUSDT?"],
        ),
        ("symbol = \"BTCUSDT\"", "symbol = \"BTCUSD\"", &["the lake in ", "holds no BTCUSD 30m bars"]),
        ("interval", "from = \"2024-01\"\ninterval", &["holds no BTCUSDT 30m bars in that range", "candlewick ingest"]),
        (
            "interval",
            "from = \"2023-02\"\nto = \"2023-01\"\ninterval",
            &["the range is empty: `from` comes after `to`"],
        ),
        ("info.json", "nowhere.json", &["nowhere.json", "No such file"]),
        ("slow = 10", "slow = 2", &["`slow` is 2"]),
        ("slow = 10", "slow = 10\nstake = 2", &["`strategy.stake` is 2; it must lie between 0 and 1"]),
        ("USDT = 10000", "USDT = -1", &["account.USDT is -1; it must not be negative"]),
    ] {
        assert!(CONFIGURATION.contains(from));
        backtest(folder.path(), &CONFIGURATION.replacen(from, to, 1)).assert(2, told);
        assert!(!folder.path().join("out").exists(), "{to}");
    }
    backtest(folder.path(), CONFIGURATION).assert(0, &[]);
    backtest(folder.path(), CONFIGURATION).assert(2, &["out is not empty; give another folder, or --force"]);
}

#[test]
fn a_symbol_that_the_snapshot_does_not_know() {
    let folder = folder();
    std::fs::write(folder.path().join("info.json"), INFO.replace("BTCUSDT", "BTCUSDC")).unwrap();
    let told = ["the exchangeInfo knows no symbol BTCUSDT; did you mean BTCUSDC?"];
    backtest(folder.path(), CONFIGURATION).assert(2, &told);
    std::fs::write(folder.path().join("info.json"), "{}").unwrap();
    backtest(folder.path(), CONFIGURATION).assert(2, &["info.json"]);
    let without = CONFIGURATION.replace("exchange_info = [\"info.json\"]\n", "");
    backtest(folder.path(), &without).assert(2, &["no filters", "candlewick lake add-exchange-info FILE"]);
}

#[test]
fn a_damaged_lake_is_the_outside_world() {
    let folder = folder();
    let file = folder.path().join("lake/klines/symbol=BTCUSDT/interval=30m/2023-01-01.parquet");
    std::fs::write(file, b"PAR1").unwrap();
    backtest(folder.path(), CONFIGURATION).assert(3, &["2023-01-01.parquet: ", "candlewick lake repair"]);
}

#[test]
fn what_broke_is_told_once() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("orders.jsonl"), "{\"time\":1672531200000,\"action\":\"cancel_all\"}\n{\"time\":x}\n").unwrap();
    let from = CONFIGURATION.find("name =").unwrap();
    let script = format!("{}name = \"script\"\nfile = \"orders.jsonl\"\n", &CONFIGURATION[..from]);
    let ended = backtest(folder.path(), &script);
    ended.assert(2, &["orders.jsonl: line 2, column 9: not a JSON object: expected value\n"]);
    assert_eq!(ended.stderr.matches("line").count(), 1, "{ended:#?}");
    std::fs::write(at("info.json"), "{").unwrap();
    let ended = backtest(folder.path(), CONFIGURATION);
    ended.assert(2, &["info.json: not JSON: EOF while parsing"]);
    assert_eq!(ended.stderr.matches("EOF").count(), 1, "{ended:#?}");
    std::fs::write(at("info.json"), INFO).unwrap();
    // No folder can be made in a file.
    let [config, lake, out] = ["run.toml", "lake", "info.json/out"].map(|name| at(name).display().to_string());
    let ended = run(&["backtest", &config, "--lake", &lake, "--out", &out]);
    ended.assert(3, &["error: failed to write ", "info.json/out: Not a directory (os error 20)\n"]);
    assert_eq!(ended.stderr.matches("Not a directory").count(), 1, "{ended:#?}");
}
