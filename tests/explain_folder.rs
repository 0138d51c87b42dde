//! `candlewick explain` and the folder of a run: what it takes from there, and what it says where
//! something of it is gone, was changed, or is not the run's own.

use serde_json::Value;

use crate::explain::{INFO, Run, fill, walk};
use crate::program;

/// A run of one resting order that is filled, for what is not about orders.
fn plain() -> Run {
    Run::new(&walk(&[100, 90]), "", &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95"])
}

#[test]
fn the_folder_of_a_run_is_all_that_it_takes() {
    let run = plain();
    // What was typed then may be gone.
    std::fs::remove_file(run.at("config/run.toml")).unwrap();
    std::fs::write(run.at("config/orders.jsonl"), "").unwrap();
    run.tells("a", &["order 1 fills 1 A at 95"]);
    // It may be somewhere else, and the lake too.
    std::fs::rename(run.at("lake"), run.at("moved")).unwrap();
    run.explain(&["a"]).assert(2, &["there is no lake in", "out/../lake, where this run had it; name it with --lake"]);
    let moved = run.at("moved").display().to_string();
    run.explain(&["a", "--lake", &moved]).assert(0, &["3 lines of"]);
    let ended = run.explain(&["a", "--lake", &moved, "--json"]);
    ended.assert(0, &[]);
    let json: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&json["agrees"], &json["command"], &json["orders"]),
        (&true.into(), &1.into(), &serde_json::json!([1]))
    );
    assert_eq!(json["events"][0]["parameters"]["newClientOrderId"], "a");
    let notes = json["notes"].as_array().unwrap();
    let price = notes.iter().find(|note| note["filter"] == "PRICE_FILTER").unwrap();
    assert_eq!(
        (&price["holds"], &price["rule"], &price["price"]["bounds"]["max_price"]),
        (&true.into(), &"5.1".into(), &"1000.00000000".into())
    );
    assert!(notes.iter().any(|note| note["fact"] == "through" && note["way"]["to"] == "90.00000000"), "{json:#}");
    // The same bytes each time.
    assert_eq!(run.explain(&["a", "--lake", &moved, "--json"]).stdout, ended.stdout);
}

#[test]
fn what_has_changed_is_said() {
    let run = plain();
    // Other bars: the order is touched only.
    std::fs::remove_dir_all(run.at("lake")).unwrap();
    fill(&run.at("lake"), &walk(&[100, 95]), &INFO.replace("1577836800000", "1577836800001"));
    let refused = run.explain(&["a"]);
    refused.assert(2, &["--anyway", "data_sha256, of the bars in", ": was "]);
    // Other rules in the lake are not those of the run, which it has kept.
    assert!(!refused.stderr.contains("filters_sha256"), "{refused:#?}");
    assert!(!refused.stderr.contains("configuration_sha256") && refused.stdout.is_empty(), "{refused:#?}");
    let kept = run.at("out/exchange_info.jsonl");
    let rules = std::fs::read_to_string(&kept).unwrap();
    std::fs::write(&kept, rules.replace("\"tickSize\":\"1\"", "\"tickSize\":\"5\"")).unwrap();
    run.explain(&["a"]).assert(2, &["filters_sha256, of exchange_info.jsonl: was "]);
    std::fs::write(&kept, rules).unwrap();
    let anyway = run.explain(&["a", "--anyway"]);
    anyway.assert(
        1,
        &[
            "note: this is not what the run was made from",
            "this is not what happened in the run",
            r#""execution_type":"TRADE""#,
            "and here it is\n  nothing",
        ],
    );
    assert!(anyway.stdout.contains("the price was at its limit 95 and not beyond"), "{anyway:#?}");
}

#[test]
fn the_rules_of_a_run_are_kept_with_it() {
    // A file of all markets: what is about others is not kept.
    let run = plain();
    let symbol = &INFO[INFO.find("{\"symbol\"").unwrap()..INFO.rfind("]}").unwrap()];
    let others: Vec<_> = (0..300).map(|n| symbol.replace("\"AB\"", &format!("\"X{n}\""))).collect();
    let info = run.at("config/info.json");
    std::fs::write(&info, INFO.replace(symbol, &format!("{},{symbol}", others.join(",")))).unwrap();
    let config = run.at("config/run.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("exchange_info = [\"info.json\"]\n{text}")).unwrap();
    run.backtest();
    let kept = std::fs::read_to_string(run.at("out/exchange_info.jsonl")).unwrap();
    assert_eq!(
        (kept.lines().count(), kept.contains("X299"), kept.contains("EXCHANGE_MAX_NUM_ORDERS")),
        (1, false, true)
    );
    assert!(kept.len() < 2 * INFO.len(), "{} bytes", kept.len());
    // The file may be gone then.
    std::fs::remove_file(&info).unwrap();
    run.tells("a", &["EXCHANGE_MAX_NUM_ORDERS", "order 1 fills 1 A at 95"]);
    // And what was kept can be a run's rules again: of the same hash.
    let hash = |run: &Run| {
        let summary: Value =
            serde_json::from_str(&std::fs::read_to_string(run.at("out/summary.json")).unwrap()).unwrap();
        summary["provenance"]["filters_sha256"].clone()
    };
    let before = hash(&run);
    std::fs::rename(run.at("out/exchange_info.jsonl"), run.at("config/kept.jsonl")).unwrap();
    std::fs::write(&config, format!("exchange_info = [\"kept.jsonl\"]\n{text}")).unwrap();
    run.backtest();
    assert_eq!(hash(&run), before);
    // What cannot be read is said with the file that it stands in.
    std::fs::write(run.at("out/configuration.toml"), "symbol = ").unwrap();
    let told = run.at("out/configuration.toml").display().to_string();
    run.explain(&["a"]).assert(2, &[&format!("error: {told}: ")]);
    std::fs::write(run.at("out/exchange_info.jsonl"), "{}\n").unwrap();
    std::fs::write(run.at("out/configuration.toml"), &text).unwrap();
    run.explain(&["a"]).assert(2, &["exchange_info.jsonl: line 1: no exchangeInfo"]);
}

#[test]
fn events_that_are_not_the_runs_own_are_found_out() {
    let run = plain();
    let events = std::fs::read_to_string(run.at("out/events.jsonl")).unwrap();
    for (from, to) in [
        (r#""commission":"0.00100000""#, r#""commission":"0.00200000""#),
        (r#""price":"95.00000000""#, r#""price":"94.00000000""#),
    ] {
        assert!(events.contains(from), "{events}");
        std::fs::write(run.at("out/events.jsonl"), events.replace(from, to)).unwrap();
        run.explain(&["a"]).assert(1, &["this is not what happened in the run", to, from]);
    }
    let one_less = events.lines().take(2).collect::<Vec<_>>().join("\n");
    std::fs::write(run.at("out/events.jsonl"), one_less).unwrap();
    run.explain(&["1"]).assert(1, &["events.jsonl has\n  nothing"]);
}

#[test]
fn what_is_no_run_or_no_order_is_said() {
    let run = plain();
    run.explain(&["b"]).assert(2, &["the run has no order `b`", "order:1 to order:1", "nearest to that is `a`"]);
    run.explain(&["2"]).assert(2, &["the run has no order `2`"]);
    std::fs::remove_file(run.at("out/inputs.json")).unwrap();
    run.explain(&["a"]).assert(2, &["inputs.json is not there; is", "what `candlewick backtest` wrote"]);
    let nowhere = run.at("nowhere").display().to_string();
    program::run(&["explain", &nowhere, "a"]).assert(2, &["summary.json is not there"]);
}
