//! What a run stands on and lacks is told: stretches that the lake does not hold, money that moves
//! where there are no bars, and exchangeInfo that cannot be read as documented.

use serde_json::Value;

use crate::explain::{Candle, INFO, Run};

const CANDLES: [Candle; 4] = [(100, 101, 99, 100, 50); 4];

/// A run over an exchangeInfo of its own, beside that of the lake.
fn with_info(snapshots: &[String]) -> (Run, crate::program::Ended) {
    let run = Run::new(&CANDLES, "", &["1 side=BUY type=MARKET q=1"]);
    let names: Vec<_> = (0..snapshots.len()).map(|at| format!("\"{at}.json\"")).collect();
    for (at, snapshot) in snapshots.iter().enumerate() {
        std::fs::write(run.at(&format!("config/{at}.json")), snapshot).unwrap();
    }
    let config = run.at("config/run.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("exchange_info = [{}]\n{text}", names.join(", "))).unwrap();
    let ended = run.try_backtest();
    (run, ended)
}

fn summary(run: &Run) -> Value {
    serde_json::from_str(&std::fs::read_to_string(run.at("out/summary.json")).unwrap()).unwrap()
}

#[test]
fn what_the_lake_does_not_cover_is_told() {
    let run = Run::new(&CANDLES, "", &["1 side=BUY type=MARKET q=1"]);
    assert_eq!(summary(&run)["markets"][0]["uncovered"], Value::Array(Vec::new()));
    let config = run.at("config/run.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("from = \"2022-06\"\nto = \"2023-01-01\"\n{text}")).unwrap();
    let console = run.summary();
    let uncovered = &summary(&run)["markets"][0]["uncovered"];
    let ends = [("2022-06-01T00:00:00Z", "2023-01-01T00:00:00Z"), ("2023-01-01T00:04:00Z", "2023-01-02T00:00:00Z")];
    for (at, (from, to)) in ends.into_iter().enumerate() {
        assert_eq!((&uncovered[at]["from"], &uncovered[at]["to"]), (&from.into(), &to.into()), "{uncovered:#}");
    }
    assert_eq!(uncovered[1]["missing"], 24 * 60 - 4);
    let page = std::fs::read_to_string(run.at("out/report.html")).unwrap();
    for (from, to) in [("2022-06-01 00:00", "2023-01-01 00:00"), ("2023-01-01 00:04", "2023-01-02 00:00")] {
        let told = format!("he lake has no bars from {from} to {to}, which the run asks for");
        assert!(console.contains(&told) && page.contains(&told), "{told}: {console}");
    }
    assert!(page.contains("before the first bar") && page.contains("after the last bar"));
}

#[test]
fn money_moves_among_the_bars_only() {
    let run = Run::new(&CANDLES, "", &["1 side=BUY type=MARKET q=1"]);
    let config = run.at("config/run.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let paid = |time: &str| {
        std::fs::write(&config, format!("{text}[[transfer]]\ntime = \"{time}\"\nasset = \"B\"\namount = 500\n"))
            .unwrap();
        run.try_backtest()
    };
    for outside in ["2022-12-31T23:59:59Z", "2023-01-01T00:04:00Z", "2023-05-01"] {
        let told =
            ["the transfer of 500.00000000 B at 20", "lies outside of the bars, which go from 2023-01-01T00:00:00Z"];
        paid(outside).assert(2, &told);
    }
    for inside in ["2023-01-01", "2023-01-01T00:03:59Z"] {
        paid(inside).assert(0, &[]);
        assert_eq!(summary(&run)["statistics"]["strategy"]["transferred"], "500.00000000", "{inside}");
    }
}

#[test]
fn what_concerns_the_whole_exchange_is_told() {
    let info = INFO
        .replace("\"intervalNum\":10,\"limit\":9", "\"limit\":1")
        .replace("\"exchangeFilters\":[", "\"exchangeFilters\":[{\"filterType\":\"EXCHANGE_NEWS\"},");
    let (run, ended) = with_info(&[info.clone(), info.replace("1577836800000", "1640995200000")]);
    ended.assert(0, &[]);
    let summary = summary(&run);
    let notes: Vec<_> = summary["filter_notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let [filter, limit] = notes[..] else { panic!("each once: {notes:#?}") };
    assert!(filter.contains("EXCHANGE_NEWS: unknown filter"), "{filter}");
    assert!(limit.contains("rate limit of ORDERS without effect, `intervalNum` is missing"), "{limit}");
    assert!(ended.stdout.contains("exchangeInfo: exchange EXCHANGE_NEWS: unknown filter; 1 more in the report"));
}

#[test]
fn a_snapshot_that_is_silent_about_a_symbol_changes_nothing() {
    let others = INFO.replace("1577836800000", "1672531260000").replace("\"symbol\":\"AB\"", "\"symbol\":\"AC\"");
    let (run, ended) = with_info(&[INFO.to_owned(), others]);
    ended.assert(0, &[]);
    let summary = summary(&run);
    assert_eq!(summary["statistics"]["orders"]["filled"], 1);
    let told = "AB: the snapshot of 2023-01-01T00:01:00Z does not list it; its rules stay as they were";
    assert_eq!(summary["filter_notes"], Value::Array(vec![told.into()]));
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

#[test]
fn symbols_that_cannot_be_used_are_errors() {
    let symbol = &INFO[INFO.find("{\"symbol\"").unwrap()..INFO.rfind("]}").unwrap()];
    let twice = INFO.replace(symbol, &format!("{symbol},{symbol}"));
    for (info, told) in [
        (twice, "AB: it is listed more than once"),
        (INFO.replace("\"baseAsset\":\"A\"", "\"baseAsset\":\"\""), "AB: `baseAsset` is empty"),
        (INFO.replace("\"quoteAsset\":\"B\",", ""), "AB: `quoteAsset` is missing"),
    ] {
        let (_, ended) = with_info(&[info]);
        ended.assert(2, &["error: the exchangeInfo is of no use for this: ", told]);
    }
}
