//! Files: names, columns, quoting, and the same bytes for the same run.

use candlewick_model::Side;
use serde_json::Value;

use super::made::Made;
use crate::{FILES, csv, json, statistics, write_all};

fn sample() -> candlewick_model::run::Run {
    Made::with("1000")
        .flat("100")
        .fill(Side::Buy, "100", "5")
        .refuse(-1100, "Illegal characters, \"quoted\"", "a,b\nc")
        .flat("120")
        .fill(Side::Sell, "120", "4.99")
        .run()
}

#[test]
fn tables() {
    let run = sample();
    let s = statistics(&run);
    assert_eq!(
        csv::orders(&run),
        "order_id,client_order_id,created,updated,symbol,side,type,time_in_force,price,quantity,quote_order_quantity,filled_quantity,filled_quote,average_price,status,expiry_reason,self_trade_prevention,stop_price,trailing_delta\n\
         1,o1,2024-01-01T08:00:00Z,2024-01-01T08:00:00Z,AAAUUU,BUY,MARKET,GTC,,5.00000000,,5.00000000,500.00000000,100.00000000,FILLED,,NONE,,\n\
         2,o2,2024-01-02T08:00:00Z,2024-01-02T08:00:00Z,AAAUUU,SELL,MARKET,GTC,,4.99000000,,4.99000000,598.80000000,120.00000000,FILLED,,NONE,,\n"
    );
    assert_eq!(
        csv::fill_table(&run),
        "time,trade_id,order_id,client_order_id,symbol,side,price,quantity,quote_quantity,commission,commission_asset,liquidity\n\
         2024-01-01T08:00:00Z,1,1,o1,AAAUUU,BUY,100.00000000,5.00000000,500.00000000,0.00500000,AAA,TAKER\n\
         2024-01-02T08:00:00Z,2,2,o2,AAAUUU,SELL,120.00000000,4.99000000,598.80000000,0.59880000,UUU,TAKER\n"
    );
    assert_eq!(
        csv::rejections(&run),
        "time,command,action,code,msg,symbol,side,type,time_in_force,price,quantity,quote_order_quantity,client_order_id,order_id,parameters\n\
         2024-01-01T08:00:00Z,2,new,-1100,\"Illegal characters, \"\"quoted\"\"\",AAAUUU,BUY,,,,,,\"a,b\nc\",,\"symbol=AAAUUU&side=BUY&newClientOrderId=a,b\nc\"\n"
    );
    assert_eq!(
        csv::equity(&run, &s),
        "close_time,close,equity,buy_and_hold,drawdown,buy_and_hold_drawdown\n\
         2024-01-01T23:59:59.999999Z,100.00000000,999.50000000,1000.00000000,0.00050000,0.00000000\n\
         2024-01-02T23:59:59.999999Z,120.00000000,1098.80120000,1200.00000000,0.00000000,0.00000000\n"
    );
    assert_eq!(
        csv::trades(&s),
        "number,state,side,entry_time,exit_time,quantity,entry_price,exit_price,commission,pnl,return,bars_held,fills,symbol\n\
         1,closed,BUY,2024-01-01T08:00:00Z,2024-01-02T08:00:00Z,5.00000000,100.00000000,120.00000000,1.09880000,98.80120000,0.19760240,1,2,AAAUUU\n"
    );
}

#[test]
fn the_summary_parses_and_keeps_its_names() {
    let run = sample();
    let text = json::summary(&run, &statistics(&run));
    let summary: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["schema"], 2);
    assert_eq!(summary["statistics"]["strategy"]["pnl"], "98.80120000");
    assert_eq!(summary["statistics"]["round_trips"]["win_rate"], 1.0);
    assert_eq!(summary["statistics"]["round_trips"]["profit_factor"], Value::Null);
    assert_eq!(summary["trades"][0]["pnl"], "98.80120000");
    assert_eq!(summary["rejections"][0]["code"], -1100);
    assert_eq!(summary["rejections"][0]["parameters"]["side"], "BUY");
    assert_eq!(summary["assumptions"]["budget_exhausted"], 0);
    let names: Vec<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "schema",
            "strategy",
            "parameters",
            "markets",
            "counted_in",
            "statistics",
            "band",
            "stress",
            "not_run",
            "assumptions",
            "filter_notes",
            "does_not_know",
            "provenance",
            "initial_account",
            "account",
            "trades",
            "open_trades",
            "rejections",
            "unprotected",
        ]
    );
}

#[test]
fn every_column_and_file_is_documented() {
    let documentation = include_str!("../../../../docs/outputs.md");
    let run = sample();
    let s = statistics(&run);
    for name in FILES {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
    for table in
        [csv::orders(&run), csv::fill_table(&run), csv::rejections(&run), csv::equity(&run, &s), csv::trades(&s)]
    {
        for column in table.lines().next().unwrap().split(',') {
            assert!(documentation.contains(&format!("| `{column}` |")), "{column}");
        }
    }
    let summary: Value = serde_json::from_str(&json::summary(&run, &s)).unwrap();
    let mut names = Vec::new();
    for key in ["", "statistics"] {
        let object = if key.is_empty() { &summary } else { &summary[key] };
        names.extend(object.as_object().unwrap().keys().cloned());
    }
    for part in ["period", "strategy", "exposure", "commands", "orders", "fills", "round_trips"] {
        names.extend(summary["statistics"][part].as_object().unwrap().keys().cloned());
    }
    names.extend(summary["assumptions"].as_object().unwrap().keys().cloned());
    names.extend(summary["markets"][0].as_object().unwrap().keys().cloned());
    names.extend(summary["statistics"]["markets"][0].as_object().unwrap().keys().cloned());
    for name in names {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let written = write_all(&sample(), first.path()).unwrap();
    write_all(&sample(), &second.path().join("made/on/the/way")).unwrap();
    assert_eq!(written.files.len(), FILES.len());
    for name in FILES {
        let read = |folder: &std::path::Path| std::fs::read(folder.join(name)).unwrap();
        assert_eq!(read(first.path()), read(&second.path().join("made/on/the/way")), "{name}");
    }
    assert_eq!(std::fs::read_dir(first.path()).unwrap().count(), FILES.len(), "nothing is left over");
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = write_all(&sample(), file.path()).unwrap_err();
    assert!(error.to_string().starts_with("failed to write "), "{error}");
}
