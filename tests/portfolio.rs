//! One account on several markets, through the program: bars of several lengths, two quote
//! assets, commission in BNB, money paid in.

use std::path::Path;

use candlewick_exchange::MarketPlan;
use candlewick_lake::{Lake, SeriesName, Snapshot};
use candlewick_model::{Asset, Interval, Price, Quantity, Symbol};
use serde_json::Value;

use crate::program::{contents, run};
use crate::stored::fetched;

const PAIRS: [[&str; 3]; 4] =
    [["BTC", "USDT", "23000"], ["ETH", "BTC", "0.07"], ["BNB", "USDT", "300"], ["BNB", "BTC", "0.013"]];

/// Three days of four markets, which have little to do with each other, and their rules.
pub(crate) fn fill(lake: &Lake) {
    let mut symbols = Vec::new();
    let mut info = Value::Null;
    for (seed, [base, quote, price]) in PAIRS.into_iter().enumerate() {
        for interval in [Interval::OneMinute, Interval::OneHour] {
            let mut plan = MarketPlan::bitcoin(
                seed as u64,
                interval,
                "2023-03-01".parse().unwrap(),
                "2023-03-04".parse().unwrap(),
            );
            (plan.base_asset, plan.quote_asset) = (Asset::new(base).unwrap(), Asset::new(quote).unwrap());
            plan.symbol = Symbol::new(&format!("{base}{quote}")).unwrap();
            plan.first_price = price.parse().unwrap();
            plan.tick = Price::from_units(if quote == "BTC" { 100 } else { 1_000_000 });
            plan.step = Quantity::from_units(10_000);
            let series = SeriesName { symbol: plan.symbol, interval };
            lake.writer(series).unwrap().put(vec![fetched(plan.bars())]).unwrap();
            info = serde_json::from_str(&plan.exchange_info().replace("\"5.00000000\"", "\"0.00010000\"")).unwrap();
        }
        symbols.push(info["symbols"][0].clone());
    }
    info["symbols"] = symbols.into();
    lake.add_exchange_info(&Snapshot::parse(info.to_string(), "a test").unwrap()).unwrap();
}

pub(crate) const CONFIGURATION: &str = r#"
symbols = ["ETHBTC", "BTCUSDT"]
interval = "1m"
counted_in = "USDT"

[account]
USDT = 20000
BTC = "0.5"
BNB = 1

[strategy]
name = "ma-cross"
fast = 20
slow = 60
stake = 0.4

[fees]
discount = { rate = 0.25 }

[market.BTCUSDT]
longer = ["1h"]
fees = { taker = 0.0005 }

[[transfer]]
time = "2023-03-02T06:00:00Z"
asset = "USDT"
amount = 1000
"#;

pub(crate) fn backtest(place: &Path, configuration: &str, out: &str) -> crate::program::Ended {
    let [config, lake, out] = ["run.toml", "lake", out].map(|name| place.join(name).display().to_string());
    std::fs::write(&config, configuration).unwrap();
    run(&["backtest", &config, "--lake", &lake, "--out", &out, "--json"])
}

#[test]
fn one_account_trades_on_several_markets() {
    let place = tempfile::tempdir().unwrap();
    fill(&Lake::new(&place.path().join("lake")));
    let first = backtest(place.path(), CONFIGURATION, "one");
    first.assert(0, &[]);
    let summary: Value = serde_json::from_str(&first.stdout).unwrap();
    let names: Vec<_> = summary["markets"].as_array().unwrap().iter().map(|market| &market["symbol"]).collect();
    assert_eq!(names, ["BTCUSDT", "ETHBTC"]);
    let figures = &summary["statistics"];
    assert!(figures["markets"].as_array().unwrap().iter().all(|market| market["fills"].as_u64() > Some(5)));
    // All commission is paid in BNB while there is some: at three quarters of 0.05 % and 0.1 %.
    assert_eq!(figures["commission"][0]["asset"], "BNB", "{figures:#}");
    assert_eq!(figures["strategy"]["transferred"], "1000.00000000");
    assert_eq!(figures["strategy"]["initial_equity"].as_str().map(|text| text.split('.').count()), Some(2));
    // What may pay for it stands among the balances from the beginning.
    let out = place.path().join("one").display().to_string();
    let told = run(&["explain", &out, "order:1"]);
    told.assert(0, &["say the same"]);
    let accepted = &told.stdout[told.stdout.find("is accepted: NEW").unwrap()..];
    let balances = accepted.lines().nth(1).unwrap();
    assert!(balances.contains("balances") && balances.contains("BNB 1 free"), "{}", told.stdout);
    assert!(accepted.contains(" off the standard part in BNB: "), "{}", told.stdout);
    // Once more: the same bytes.
    backtest(place.path(), CONFIGURATION, "two").assert(0, &[]);
    assert_eq!(contents(&place.path().join("one")), contents(&place.path().join("two")));
}

#[test]
fn what_cannot_be_valued_is_said() {
    let place = tempfile::tempdir().unwrap();
    fill(&Lake::new(&place.path().join("lake")));
    for (from, to, told) in [
        ("counted_in = \"USDT\"", "", "several quote assets (BTC, USDT); say with `counted_in = \"BTC\"`"),
        ("BNB = 1", "XRP = 1", "no bars of the lake in"),
        ("discount = {", "discount = { asset = \"XRP\", ", "commission on BTCUSDT is discounted when paid in XRP"),
        ("longer = [\"1h\"]", "longer = [\"1d\"]", "holds no BTCUSDT 1d bars"),
        ("amount = 1000", "amount = -90000", "the withdrawal of -90000.00000000 USDT"),
        ("symbols = [\"ETHBTC\"", "symbols = [\"ETHBTD\"", "ETHBTD"),
    ] {
        backtest(place.path(), &CONFIGURATION.replace(from, to), "out").assert(2, &[told]);
    }
}
