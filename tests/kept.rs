//! A run is kept whatever becomes of those beside it: other paths of the band, other seeds of a
//! scenario, the calm run. What could not be run is told, with its reason.

use serde_json::Value;

use crate::explain::{Candle, Run};

/// The third bar reaches 106 and 94 from 100: the nearest path goes up first.
const CANDLES: [Candle; 6] = [
    (100, 100, 100, 100, 1_000),
    (100, 100, 100, 100, 1_000),
    (100, 106, 94, 100, 1_000),
    (100, 100, 100, 100, 1_000),
    (100, 100, 100, 100, 1_000),
    (100, 100, 100, 100, 1_000),
];

/// A pair that brings 525, and 0.1 % less, along the nearest path, and less than 475 along the pessimistic one.
const PAIR: &str = "1 oco side=SELL q=5 aboveType=LIMIT_MAKER abovePrice=105 belowType=STOP_LOSS belowStopPrice=95";

fn withdrawal(amount: u32) -> String {
    format!("[[transfer]]\ntime = \"2023-01-01T00:04:00Z\"\nasset = \"B\"\namount = -{amount}\n")
}

/// The summary, the console and the page.
fn told(run: &Run) -> (Value, String, String) {
    let read = |name: &str| std::fs::read_to_string(run.at("out").join(name)).unwrap();
    (serde_json::from_str(&read("summary.json")).unwrap(), run.summary(), read("report.html"))
}

#[test]
fn a_path_that_cannot_be_run_leaves_the_band_without_it() {
    let run = Run::new(&CANDLES, &format!("{}[report]\nband = true\n", withdrawal(10_500)), &[PAIR]);
    let (summary, console, page) = told(&run);
    assert_eq!(summary["statistics"]["strategy"]["final_equity"], "524.48000000");
    let band = &summary["band"];
    assert_eq!((&band["pessimistic"], &band["nearest"]), (&Value::Null, &"524.48000000".into()));
    assert_eq!(summary["not_run"].as_array().unwrap().len(), 1);
    assert_eq!(summary["not_run"][0]["run"], "the pessimistic path");
    let why = summary["not_run"][0]["why"].as_str().unwrap();
    assert!(why.contains("the withdrawal of -10500") && why.contains("cannot be made"), "{why}");
    assert!(console.contains("pessimistic not run   nearest 524.48"), "{console}");
    assert!(console.contains("not run       the pessimistic path: the withdrawal of"), "{console}");
    assert!(page.contains("Beside this run should stand the pessimistic path, which could not be made"));
}

#[test]
fn the_run_itself_must_be_possible() {
    let place = Run::new(&CANDLES, "", &[PAIR]);
    let config = place.at("config/run.toml");
    let text = std::fs::read_to_string(&config).unwrap() + &withdrawal(20_000);
    std::fs::write(&config, text).unwrap();
    place.try_backtest().assert(2, &["error: the withdrawal of -20000"]);
}

#[test]
fn seeds_that_cannot_be_run_are_told() {
    // What is withdrawn is there where the sale was executed before its answer was lost.
    let scenario = "[stress]\nseed = 1\nruns = 8\n[[stress.episode]]\nkind = \"timeout\"\nexecuted = 0.5\nfrom = \"2023-01-01T00:01:00Z\"\nto = \"2023-01-01T00:02:00Z\"\n";
    let run = Run::new(&CANDLES, &format!("{}{scenario}", withdrawal(10_300)), &["1 side=SELL type=MARKET q=5"]);
    let (summary, console, page) = told(&run);
    let (stress, not_run) = (&summary["stress"], summary["not_run"].as_array().unwrap());
    let seeds: Vec<_> = stress["runs"].as_array().unwrap().iter().map(|run| run["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds[0], 1);
    assert!(!not_run.is_empty() && not_run.len() + seeds.len() == 8, "{not_run:#?} {seeds:?}");
    assert!(stress["calm"].is_object());
    for other in not_run {
        let seed = other["run"].as_str().unwrap();
        assert!(seed.starts_with("seed ") && console.contains(seed) && page.contains(seed), "{console}");
        assert!(other["why"].as_str().unwrap().contains("cannot be made"), "{other}");
    }
}

#[test]
fn a_run_under_stress_can_do_without_the_calm_one() {
    // The purchase that leaves too little for the withdrawal is refused in the halt.
    let scenario = "[stress]\nseed = 1\nruns = 2\n[[stress.episode]]\nkind = \"halt\"\nfrom = \"2023-01-01T00:01:00Z\"\nto = \"2023-01-01T00:02:00Z\"\n";
    let run = Run::new(&CANDLES, &format!("{}{scenario}", withdrawal(9_800)), &["1 side=BUY type=MARKET q=5"]);
    let (summary, console, page) = told(&run);
    assert_eq!(summary["stress"]["calm"], Value::Null);
    assert_eq!(summary["not_run"][0]["run"], "the calm run");
    assert_eq!(summary["stress"]["runs"].as_array().unwrap().len(), 2);
    assert!(console.contains("not run       the calm run: the withdrawal of -9800"), "{console}");
    assert!(!console.contains("  calm"), "{console}");
    assert!(page.contains("This run, seed 1") && page.contains("This is a run under stress (seed 1): "));
    assert!(!page.contains("ends without"), "there is nothing to compare with");
}
