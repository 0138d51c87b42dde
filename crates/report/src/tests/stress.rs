//! A run under stress beside others: a halted day, a stop that was passed in it, lost answers.

use candlewick_model::run::{Bearing, Event, Halt, Run, StressRecord};
use candlewick_model::stress::{Episode, Met, Rejection, RejectionOutcome};
use candlewick_model::{
    ExecutionReport, ExecutionType, Order, OrderStatus, OrderType, Price, Side, Symbol, TimeInForce, Timestamp,
};
use serde_json::Value;

use super::made::{Made, amount, price, quantity};
use crate::stress::late_stops;
use crate::{bearing, json, page, statistics, terminal};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn episode(json: &str) -> Episode {
    serde_json::from_str(&format!(r#"{{"from":"2024-01-02","to":"2024-01-03",{json}}}"#)).unwrap()
}

/// A stop to sell, as it waits.
fn stop(id: u64, stop_price: &str, created: Timestamp) -> Order {
    let told = Order::told(
        (id, candlewick_model::ClientOrderId::numbered("s", id)),
        (Symbol::new("AAAUUU").unwrap(), Side::Sell),
        (OrderType::StopLoss, TimeInForce::Gtc),
        (Price::ZERO, price(stop_price)),
        created,
    );
    Order { quantity: quantity("1"), ..told }
}

fn new(order: &Order) -> Event {
    Event::ExecutionReport(ExecutionReport::of(order, 0, ExecutionType::New))
}

/// Five AAA are bought on the first day. The second is halted; history went from 90 to 130 in it.
/// Of three stops the third is out of reach, and the second was cancelled before the halt ended.
fn run() -> Run {
    let made = Made::with("1000").flat("100").fill(Side::Buy, "100", "5");
    let first = stop(11, "95", at("2024-01-01T10:00:00Z"));
    let second = stop(12, "94", at("2024-01-01T11:00:00Z"));
    let third = stop(13, "80", at("2024-01-01T12:00:00Z"));
    let made = made.event(new(&first)).event(new(&second)).event(new(&third)).flat("100");
    let canceled = Order { status: OrderStatus::Canceled, updated: at("2024-01-02T12:00:00Z"), ..second };
    let made = made.event(Event::ExecutionReport(ExecutionReport::of(&canceled, 0, ExecutionType::Canceled)));
    let met = |met: Met| Event::Trouble {
        time: at("2024-01-02T13:00:00Z"),
        command: 9,
        left: at("2024-01-02T13:00:00Z"),
        met: Box::new(met),
    };
    let known = at("2024-01-02T13:00:11Z");
    let rejection = Rejection { code: -1003, msg: "Too many requests queued.".into(), status: 429, retry_after: None };
    let mut made = made.event(met(Met::TimedOut { executed: true, known })).event(met(Met::Delayed { ms: 5 }));
    use RejectionOutcome::{GivenUp, Passed, Refused, Unknown};
    for outcome in [Passed, Passed, Unknown, GivenUp, Refused] {
        made = made.event(met(Met::Rejected { rejection: rejection.clone(), times: 1, outcome, known }));
    }
    let filled = Order {
        status: OrderStatus::Filled,
        filled_quantity: quantity("1"),
        filled_quote: amount("70"),
        updated: at("2024-01-03"),
        working_time: Some(at("2024-01-03")),
        ..first
    };
    let traded = Event::ExecutionReport(ExecutionReport::of(&filled, 0, ExecutionType::Trade));
    let mut run = made.flat("70").event(traded).run();
    run.orders.extend([filled, canceled, third]);
    run.markets[0].halts =
        vec![Halt { from: at("2024-01-02"), to: at("2024-01-03"), bars: 1, low: price("90"), high: price("130") }];
    run
}

fn calm() -> Bearing {
    Bearing {
        final_equity: amount("990"),
        growth: Some(-0.01),
        max_drawdown: 0.02,
        ..bearing(&Made::with("1000").run())
    }
}

fn stressed() -> Run {
    let mut run = run();
    let this = bearing(&run);
    let other = |equity: &str| Bearing { final_equity: amount(equity), ..this };
    let episodes = vec![
        episode(r#""kind":"halt","symbols":["AAAUUU"]"#),
        episode(r#""kind":"timeout","executed":0.5"#),
        episode(r#""kind":"latency","ms":2000"#),
        episode(r#""kind":"rejection","code":-9,"msg":"<b>busy</b>""#),
    ];
    let runs = vec![(7, this), (8, other("700")), (9, other("1200")), (10, other("800"))];
    run.stress = Some(StressRecord { episodes, calm: Some(calm()), runs });
    run
}

#[test]
fn trouble_is_counted() {
    let b = bearing(&run());
    assert_eq!((b.unknown, b.delayed, b.retried, b.rejected, b.given_up), (2, 1, 2, 2, 1));
    assert_eq!(b.halted_us, 24 * 3_600 * 1_000_000, "a position was held all through the halt");
    let Run { markets, .. } = run();
    let mut flat = Made::with("1000").flat("100").flat("100").flat("100").run();
    flat.markets[0].halts = markets[0].halts.clone();
    assert_eq!(bearing(&flat).halted_us, 0, "nothing was held, and no order was open");
}

#[test]
fn a_stop_is_late_if_history_reached_it_in_the_halt() {
    let late = late_stops(&run());
    let [stop] = &late[..] else { panic!("{late:?}") };
    assert_eq!((stop.order_id, stop.halted, stop.reopened), (11, at("2024-01-02"), at("2024-01-03")));
    assert_eq!((stop.triggered, stop.average_price), (Some(at("2024-01-03")), Some(price("70"))));
    // History that did not come so far, or a stop on the other side.
    let mut run = run();
    run.markets[0].halts[0].low = price("95.01");
    assert_eq!(late_stops(&run), []);
    run.orders.iter_mut().for_each(|order| order.side = Side::Buy);
    run.markets[0].halts[0].high = price("79.99");
    assert_eq!(late_stops(&run), []);
    run.markets[0].halts[0].high = price("80");
    assert_eq!(late_stops(&run)[0].order_id, 13);
}

#[test]
fn page_json_and_terminal_set_the_runs_side_by_side() {
    let run = stressed();
    let s = statistics(&run);
    let page = page::render(&run, &s);
    for told in [
        "This run, seed 7",
        "Median of 4, seed 10",
        "Worst of 4, seed 8",
        "Stops held up",
        "&lt;b&gt;busy",
        "This is a run under stress (seed 7): 1 × halt (1d)",
        "A live session would have ended once",
        "3 of 4 seeds end below the calm run.",
        "50.00% executed all the same",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let summary: Value = serde_json::from_str(&json::summary(&run, &s)).unwrap();
    let stress = &summary["stress"];
    assert_eq!((&stress["calm"]["final_equity"], &stress["runs"][1]["seed"]), (&"990.00000000".into(), &8.into()));
    assert_eq!(stress["runs"][0]["stops_late"], 1);
    assert_eq!(stress["late_stops"][0]["order_type"], "STOP_LOSS");
    assert_eq!(stress["episodes"][2]["ms"], 2_000);
    assert_eq!(summary["markets"][0]["halts"][0]["low"], "90.00000000");
    let text = terminal::summary(&run, &s);
    for line in ["  calm        990.00", "  median      800.00", "  worst       700.00", "2 unknown, 1 stops late"] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let calm = Made::with("1000").flat("100").run();
    assert!(!page::render(&calm, &statistics(&calm)).contains("id=\"stress\""));
    assert!(!terminal::summary(&calm, &statistics(&calm)).contains("stress"));
}
