//! Exchange trouble in a backtest, through the program: two markets under a seeded scenario, a
//! real day with a halt that was worked out by hand, and mistakes.

use candlewick_lake::Lake;
use candlewick_model::Timestamp;
use serde_json::Value;

use crate::portfolio::{CONFIGURATION, backtest, fill};
use crate::program::contents;
use crate::realdata;

const STRESS: &str = r#"
[stress]
seed = 5
runs = 4
halts = { per_month = 60, minutes = [5, 60], by_market = true }
timeouts = { per_month = 120, minutes = 60, executed = 0.5 }
latency = { per_month = 60, minutes = 30, ms = 2000 }
rejections = { per_month = 60, minutes = 30, code = -1003, retry_after = 2 }

[[stress.episode]]
kind = "rejection"
from = "2023-03-02T00:00:00Z"
to = "2023-03-02T02:00:00Z"
symbols = ["ETHBTC"]
code = -1008
"#;

fn events(out: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(out.join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_under_stress_stands_beside_the_calm_one() {
    let place = tempfile::tempdir().unwrap();
    fill(&Lake::new(&place.path().join("lake")));
    let calm = backtest(place.path(), CONFIGURATION, "calm");
    calm.assert(0, &[]);
    let calm: Value = serde_json::from_str(&calm.stdout).unwrap();
    let configuration = format!("{CONFIGURATION}{STRESS}");
    let ended = backtest(place.path(), &configuration, "stressed");
    ended.assert(0, &[]);
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    let stress = &summary["stress"];
    let figures = |of: &Value, name: &str| of["statistics"]["strategy"][name].clone();
    for name in ["final_equity", "return", "max_drawdown"] {
        assert_eq!(stress["calm"][name], figures(&calm, name), "{name}");
        assert_eq!(stress["runs"][0][name], figures(&summary, name), "{name}");
    }
    assert_eq!(calm["stress"], Value::Null);
    let runs = stress["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 6, 7, 8]);
    assert!(runs[1..].iter().any(|run| run["final_equity"] != runs[0]["final_equity"]), "{stress:#}");
    // Every kind was met, and is told of command by command.
    let this = &runs[0];
    for met in ["refused", "unknown", "delayed", "halted_us"] {
        assert!(this[met].as_u64() > Some(0), "{met}: {this:#}");
    }
    let events = events(&place.path().join("stressed"));
    let troubled = |name: &str| events.iter().filter(|event| event["trouble"] == name).count() as u64;
    assert_eq!(troubled("delayed"), this["delayed"].as_u64().unwrap());
    let unknown = events.iter().filter(|event| event["outcome"] == "unknown").count() as u64;
    assert_eq!(troubled("timed_out") + unknown, this["unknown"].as_u64().unwrap());
    let told = |phase: &str| events.iter().filter(|event| event["phase"] == phase).count();
    assert_eq!(told("begins"), stress["episodes"].as_array().unwrap().len());
    assert_eq!(told("begins"), told("ends"));
    // Each market is halted at its own times, and its bars stand still there.
    let markets = summary["markets"].as_array().unwrap();
    let halts = |at: usize| markets[at]["halts"].as_array().unwrap().clone();
    assert!(!halts(0).is_empty() && !halts(1).is_empty() && halts(0) != halts(1));
    // The same seed gives the same bytes, whatever comes after it.
    let fewer = configuration.replace("runs = 4", "runs = 1");
    backtest(place.path(), &configuration, "again").assert(0, &[]);
    backtest(place.path(), &fewer, "fewer").assert(0, &[]);
    assert_eq!(contents(&place.path().join("stressed")), contents(&place.path().join("again")));
    let log = |out: &str| std::fs::read_to_string(place.path().join(out).join("events.jsonl")).unwrap();
    assert_eq!(log("stressed"), log("fewer"));
    let page = std::fs::read_to_string(place.path().join("stressed/report.html")).unwrap();
    assert!(page.contains("This run, seed 5") && page.contains("Median of 4, seed "));
}

#[test]
fn mistakes_are_named() {
    let place = tempfile::tempdir().unwrap();
    fill(&Lake::new(&place.path().join("lake")));
    for (from, to, told) in [
        (
            "seed = 5",
            "seed = 5\nby_market = true",
            &["run.toml", "`by_market` belongs into the table of a kind: `halts = {"][..],
        ),
        ("halts =", "hlats =", &["run.toml", "unknown field `hlats`", "did you mean `halts`?"]),
        ("executed = 0.5", "executed = 5", &["run.toml", "`timeouts`", "from 0 to 1"]),
        ("ms = 2000", "ms = 2000, code = -1", &["`latency`", "a latency takes no `code`"]),
        ("code = -1003", "code = -1234", &["`rejections`", "needs the exchange's text as `msg`"]),
        ("\"ETHBTC\"]\ncode", "\"ETHUSDT\"]\ncode", &["`[stress]` names ETHUSDT, which is no market of this run"]),
        ("kind = \"rejection\"", "kind = \"flood\"", &["no such `kind` of episode; it must be one of halt, timeout"]),
        ("02:00:00Z\"", "00:00:00Z\"", &["is none"]),
    ] {
        assert!(STRESS.contains(from), "{from}");
        let configuration = format!("{CONFIGURATION}{}", STRESS.replacen(from, to, 1));
        backtest(place.path(), &configuration, "out").assert(2, told);
    }
}

/// 2023-03-09 and after, from the archive (open, high, low, close):
///
/// ```text
/// 03-09 17:59  21469.31 21477.56 21462.89 21469.46
/// 03-09 18:32  21121.68 21121.68 21000.00 21070.67   the first to reach 21000
/// 03-09 21:00  20119.83 20219.06 20112.18 20211.06
/// 03-12 18:27  20871.67 20945.69 20864.83 20904.50   the first above 20900 after that
/// ```
///
/// A STOP_LOSS_LIMIT SELL at 21000 with the limit 20900, and the market is halted from 18:00 to
/// 21:00: it is triggered by the jump to 20119.83 and rests three days, until the second extreme
/// of 18:27 (the low is nearer to the open). Without the halt it is triggered at 18:32:39.999999,
/// where the path reaches 21000, and takes the bid there, a tick below. An order
/// that is sent into the halt is refused, a cancel is not.
#[test]
fn a_stop_that_a_halt_held_up() {
    let Some(data) = realdata::realdata() else { return };
    let strategy = "name = \"script\"\nfile = \"orders.jsonl\"";
    let folder = realdata::prepared(&data, "2023-03-09", "2023-03-12", "USDT = 1000\nBTC = 1", strategy);
    let at = |time: &str| format!("2023-03-09T{time}:00Z").parse::<Timestamp>().unwrap().millis();
    let line = |time: &str, action: &str, rest: &str| {
        format!("{{\"time\":{},\"action\":\"{action}\",\"symbol\":\"BTCUSDT\",{rest}}}\n", at(time))
    };
    let stop = r#""side":"SELL","type":"STOP_LOSS_LIMIT","timeInForce":"GTC","quantity":"0.1","stopPrice":"21000","price":"20900","newClientOrderId":"stop""#;
    let low =
        r#""side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"19000","newClientOrderId":"low""#;
    let orders = [
        line("12:00", "new", stop),
        line("12:00", "new", low),
        line("18:30", "new", r#""side":"SELL","type":"MARKET","quantity":"0.1""#),
        line("18:30", "cancel", r#""origClientOrderId":"low""#),
    ];
    std::fs::write(folder.path().join("orders.jsonl"), orders.concat()).unwrap();
    let fills = |folder: &std::path::Path| -> Vec<String> {
        let text = std::fs::read_to_string(folder.join("out/fills.csv")).unwrap();
        let fields = |row: &str| row.split(',').map(str::to_owned).collect::<Vec<_>>();
        text.lines().skip(1).map(fields).map(|f| [&f[0][..], &f[3], &f[6], &f[11]].join(" ")).collect()
    };
    realdata::backtest(folder.path());
    let calm = fills(folder.path());
    assert_eq!(calm[1], "2023-03-09T18:32:39.999999Z stop 20999.99000000 TAKER", "{calm:?}");
    std::fs::remove_dir_all(folder.path().join("out")).unwrap();

    let file = folder.path().join("run.toml");
    let halt = "[[stress.episode]]\nkind = \"halt\"\nfrom = \"2023-03-09T18:00:00Z\"\nto = \"2023-03-09T21:00:00Z\"\n";
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + halt).unwrap();
    let (_, summary) = realdata::backtest(folder.path());
    assert_eq!(fills(folder.path()), ["2023-03-12T18:27:39.999999Z stop 20900.00000000 MAKER"]);
    let refused: Vec<_> = summary["rejections"].as_array().unwrap().iter().map(|r| r["msg"].as_str()).collect();
    assert_eq!(refused, [Some("Market is closed.")]);
    let late = &summary["stress"]["late_stops"][0];
    let told = ["halted", "reopened", "triggered", "average_price", "status"].map(|name| late[name].as_str().unwrap());
    let expected = ["2023-03-09T18:00:00Z", "2023-03-09T21:00:00Z", "2023-03-09T21:00:00Z", "20900.00000000", "FILLED"];
    assert_eq!(told, expected);
    let halted = &summary["markets"][0]["halts"][0];
    assert_eq!((&halted["low"], &halted["bars"]), (&"20042.72000000".into(), &180.into()));
    let events = events(&folder.path().join("out"));
    assert!(events.iter().any(|e| e["client_order_id"] == "low" && e["status"] == "CANCELED"));
}
