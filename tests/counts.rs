//! The counts of a report are those of its events: random order files, through the program.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::explain::{Candle, Run};

/// A small generator of its own (SplitMix64): what is drawn here must not change with a dependency.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Prices that wander between 60 and 140.
fn candles(draw: &mut Draw) -> Vec<Candle> {
    let mut last = 100_i64;
    let mut candle = || {
        let open = last;
        let close = (open + draw.below(17) as i64 - 8).clamp(60, 140);
        last = close;
        let reach = |draw: &mut Draw| draw.below(6) as i64;
        let (up, down) = (reach(draw), reach(draw));
        (open, open.max(close) + up, open.min(close) - down, close, draw.below(60) as i64)
    };
    (0..50).map(|_| candle()).collect()
}

/// A line of an order file, as `explain::json_line` reads it.
fn line(draw: &mut Draw) -> String {
    let side = draw.one(&["BUY", "SELL"]);
    let q = format!("{}.{}", draw.below(9), draw.below(10));
    let price = |draw: &mut Draw| 70 + draw.below(60);
    let (p, s) = (price(draw), price(draw));
    let id = draw.below(30) + 1;
    let what = match draw.below(14) {
        0 | 1 => format!("side={side} type=LIMIT tif=GTC q={q} p={p}"),
        2 => format!("side={side} type=MARKET q={q}"),
        3 => format!("side={side} type=STOP_LOSS stopPrice={s} q={q}"),
        4 => format!("side={side} type=STOP_LOSS_LIMIT tif=GTC stopPrice={s} p={p} q={q}"),
        5 => format!("side={side} type=STOP_LOSS trailingDelta=500 q={q}"),
        6 => format!(
            "oco side=SELL q={q} aboveType=LIMIT_MAKER abovePrice={} belowType=STOP_LOSS belowStopPrice={}",
            p.max(s) + 9,
            p.min(s) - 9
        ),
        7 => format!(
            "oto workingType=LIMIT workingSide=BUY workingPrice={p} workingQuantity={q} workingTimeInForce=GTC pendingType=LIMIT pendingSide=SELL pendingPrice={s} pendingQuantity={q} pendingTimeInForce=GTC"
        ),
        8 => format!("x orderId={id}"),
        9 => format!("cancel_list orderListId={}", draw.below(6)),
        10 => format!("amend orderId={id} newQty={q}"),
        11 => format!(
            "cancel_replace cancelReplaceMode={} cancelOrderId={id} side={side} type=LIMIT tif=GTC q={q} p={p}",
            draw.one(&["ALLOW_FAILURE", "STOP_ON_FAILURE"])
        ),
        // It has not got what the pending order would give.
        12 => format!(
            "oto workingType=LIMIT workingSide=BUY workingPrice=150 workingQuantity=1 workingTimeInForce=GTC pendingType=LIMIT pendingSide=SELL pendingPrice={s} pendingQuantity=60 pendingTimeInForce=GTC"
        ),
        _ => draw.one(&["cancel_all", "test side=BUY type=MARKET q=1"]).to_owned(),
    };
    format!("{} {what}", draw.below(52))
}

/// Adds one to what is counted under a name.
fn add(counts: &mut BTreeMap<(String, &'static str), u64>, event: &Value, what: &'static str) {
    let action = event["action"].as_str().unwrap().to_owned();
    *counts.entry((action, what)).or_default() += 1;
}

/// What the events say: commands by action and what became of them.
fn commands(events: &[Value]) -> BTreeMap<(String, &'static str), u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        match event["event"].as_str().unwrap() {
            "sent" => add(&mut counts, event, "sent"),
            "not_sent" => add(&mut counts, event, "never_sent"),
            "refused" => {
                add(&mut counts, event, "refused");
                if event["data"].as_object().is_some_and(|halves| halves.values().any(|half| half == "SUCCESS")) {
                    add(&mut counts, event, "half_done");
                }
            }
            _ => {}
        }
    }
    counts
}

#[test]
fn the_counts_of_random_runs_add_up_to_their_events() {
    let mut met: BTreeSet<(String, &str)> = BTreeSet::new();
    let mut unprotected = 0;
    for seed in 1..=12 {
        let mut draw = Draw(seed);
        let candles = candles(&mut draw);
        let lines: Vec<String> = (0..90).map(|_| line(&mut draw)).collect();
        let run = Run::new(&candles, "", &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let read = |name: &str| std::fs::read_to_string(run.at("out").join(name)).unwrap();
        let events: Vec<Value> = read("events.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
        let statistics = &summary["statistics"];
        let number = |of: &Value, name: &str| of[name].as_u64().unwrap_or_else(|| panic!("{name} in {of:#}"));

        // Commands: by action, together, and in the tables.
        let wanted = commands(&events);
        let mut told = BTreeMap::new();
        for row in statistics["commands"]["by_action"].as_array().unwrap() {
            for what in ["sent", "refused", "half_done", "never_sent"] {
                let action = row["action"].as_str().unwrap().to_owned();
                told.extend(Some(number(row, what)).filter(|n| *n > 0).map(|n| ((action, what), n)));
            }
        }
        assert_eq!(told, wanted, "seed {seed}");
        let all = |what: &str| wanted.iter().filter(|((_, of), _)| *of == what).map(|(_, n)| n).sum::<u64>();
        for what in ["sent", "refused", "half_done", "never_sent"] {
            assert_eq!(number(&statistics["commands"], what), all(what), "seed {seed}: {what}");
        }
        let refusals = statistics["refusals"].as_array().unwrap().iter();
        assert_eq!(refusals.map(|row| number(row, "count")).sum::<u64>(), all("refused"));
        assert_eq!(read("rejections.csv").lines().count() as u64, all("refused") + 1);

        // Orders: each is one of filled, canceled, expired, open.
        let mut last: BTreeMap<u64, &Value> = BTreeMap::new();
        let reports = events.iter().filter(|event| event["event"] == "execution_report");
        last.extend(reports.map(|event| (number(event, "order_id"), event)));
        let orders = &statistics["orders"];
        let ended = |words: &[&str]| last.values().filter(|e| words.contains(&e["status"].as_str().unwrap())).count();
        for (what, words) in [
            ("filled", &["FILLED"][..]),
            ("canceled", &["CANCELED"]),
            ("expired", &["EXPIRED", "EXPIRED_IN_MATCH"]),
            ("open", &["NEW", "PENDING_NEW", "PARTIALLY_FILLED"]),
        ] {
            assert_eq!(number(orders, what), ended(words) as u64, "seed {seed}: {what}");
        }
        assert_eq!(number(orders, "accepted"), last.len() as u64);
        assert_eq!(read("orders.csv").lines().count(), last.len() + 1);

        // Stops and pending orders that were rejected are named, each of them.
        let rejected: Vec<u64> =
            last.iter().filter(|(_, e)| e["expiry_reason"] == "REJECTED").map(|(id, _)| *id).collect();
        let named = summary["unprotected"].as_array().unwrap().iter();
        assert_eq!(named.map(|order| number(order, "order_id")).collect::<Vec<_>>(), rejected);
        assert_eq!(number(&summary["assumptions"], "rejected_when_triggered"), rejected.len() as u64);
        unprotected += rejected.len();

        // The console and the page say the same.
        let (console, page) = (run.summary(), read("report.html"));
        assert!(
            console.contains(&format!("{} accepted: {} filled", last.len(), number(orders, "filled"))),
            "{console}"
        );
        let parts = |what: &str| {
            let all = wanted.iter().filter(|((_, of), _)| *of == what);
            all.map(|((action, _), n)| format!("{n} {action}")).collect::<Vec<_>>()
        };
        for part in parts("sent").into_iter().chain(parts("refused")) {
            assert!(console.contains(&part) && page.contains(&part), "{part} in {console}");
        }
        for id in rejected.iter().take(5) {
            let warning = format!("Order {id} (");
            assert!(console.contains(&warning) && page.contains(&warning), "{warning} in {console}");
        }
        met.extend(wanted.into_keys());
    }
    for action in ["new", "test", "oco", "oto", "cancel", "cancel_list", "cancel_all", "cancel_replace", "amend"] {
        assert!(met.contains(&(action.to_owned(), "sent")), "{action} was never sent");
    }
    for action in ["new", "oco", "oto", "cancel", "cancel_list", "cancel_replace", "amend"] {
        assert!(met.contains(&(action.to_owned(), "refused")), "{action} was never refused");
    }
    assert!(met.contains(&("cancel_replace".to_owned(), "half_done")) && unprotected > 0, "{unprotected}: {met:?}");
}
