//! Section 9: what halts, timeouts, latency and rejections do.

use candlewick_model::run::Event;
use candlewick_model::stress::{Episode, Phase};
use candlewick_model::{Bar, ExecutionReport, Interval, OrderSize, Refusal, Side, Timestamp};
use candlewick_simulator::{Backtest, Setup};
use candlewick_strategy::{Context, Strategy};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::world::{START_MS, World};

/// Brings episodes in; their times are seconds from the start.
fn under(setup: &mut Setup, episodes: &[(i64, i64, &str)]) {
    let at = |seconds: &i64| Timestamp::from_millis(START_MS + seconds * 1_000);
    let episode = |(from, to, rest): &(i64, i64, &str)| -> Episode {
        let json = format!(r#"{{"from":"{}","to":"{}",{rest}}}"#, at(from), at(to));
        serde_json::from_str(&json).unwrap()
    };
    *setup = setup.under(episodes.iter().map(episode).collect(), ChaCha8Rng::seed_from_u64(1));
}

/// Bars of a minute in which the price stands, at prices of their own.
fn standing(prices: &[i64], tune: fn(&mut Setup)) -> World {
    let bars: Vec<_> = prices.iter().map(|price| (*price, *price, *price, *price, 1_000_000)).collect();
    World { tune, ..World::new(&bars) }
}

#[test]
fn rule_9_1_a_halted_market_takes_cancels_alone_and_reopens_with_a_jump() {
    let world = standing(&[100, 90, 70, 80], |setup| under(setup, &[(60, 180, r#""kind":"halt""#)]));
    world.check(
        &[
            "0 id=stop side=SELL type=STOP_LOSS q=1 stopPrice=85",
            "0 id=stays side=BUY type=LIMIT tif=GTC q=1 p=60",
            "0 id=goes side=BUY type=LIMIT tif=GTC q=1 p=75",
            "1.5 id=new side=BUY type=MARKET q=1",
            "1.5 x of=goes",
            "1.5 amend of=stop newQty=0.5",
            "2.9 id=open side=BUY type=MARKET q=1",
        ],
        &[
            "0s stop NEW",
            "0s stays NEW",
            "0s goes NEW",
            "100s -1013 Market is closed.",
            "100s goes CANCELED",
            "100s -1013 Market is closed.",
            "180s stop FILLED 1@79 TAKER fee 0.079",
            "180s open NEW",
            "180s open FILLED 1@81 TAKER fee 0.001",
        ],
    );
    let jump = standing(&[100, 90, 70, 80], |setup| under(setup, &[(60, 180, r#""kind":"halt""#)]));
    jump.check(
        &["0 id=rest side=BUY type=LIMIT tif=GTC q=1 p=85"],
        &["0s rest NEW", "180s rest FILLED 1@85 MAKER fee 0.001"],
    );
}

#[test]
fn rule_9_1_a_halt_lasts_whole_bars_and_nobody_sees_what_history_did() {
    // From 30 s to 150 s: the bars that open at 60 s and at 120 s.
    let world = standing(&[100, 90, 70, 80], |setup| under(setup, &[(30, 150, r#""kind":"halt""#)]));
    let finished = world.finished(&[]);
    let bars = &finished.outcome.bars[0];
    let closes: Vec<_> = bars.close.iter().map(|price| price.units() / 100_000_000).collect();
    assert_eq!(closes, [100, 100, 100, 80]);
    let traded: Vec<_> = bars.volume.iter().map(|volume| !volume.is_zero()).collect();
    assert_eq!(traded, [true, false, false, true]);
    assert_eq!((bars.low[1], bars.trades[2]), (bars.low[0], 0));
    let phases: Vec<_> = finished.outcome.events.iter().collect();
    let [Event::Stress { phase: Phase::Begins, time: from, .. }, Event::Stress { phase: Phase::Ends, time: to, .. }] =
        &phases[..]
    else {
        panic!("{phases:?}")
    };
    assert_eq!([from, to].map(|t| (t.millis() - START_MS) / 1_000), [30, 150]);
    // What is made of the market is told.
    let both = [(30, 100, r#""kind":"halt""#), (80, 150, r#""kind":"halt""#)];
    let mut setup = standing(&[100, 90, 70, 80], |_| {}).setup();
    under(&mut setup, &both);
    let halts = &setup.markets[0].halts;
    let seconds = |t: Timestamp| (t.millis() - START_MS) / 1_000;
    let [halt] = &halts[..] else { panic!("two that overlap are one: {halts:?}") };
    assert_eq!((seconds(halt.from), seconds(halt.to), halt.bars), (60, 180, 2));
    assert_eq!((halt.low.to_string(), halt.high.to_string()), ("70.00000000".into(), "90.00000000".into()));
}

#[test]
fn rule_9_1_longer_bars_and_averages_know_as_little() {
    let mut setup = standing(&[100, 90, 70, 80], |_| {}).setup();
    let quarter: candlewick_model::Bars = {
        let mut whole = setup.markets[0].bars.bar(0);
        (whole.low, whole.close) = (setup.markets[0].bars.low[2], setup.markets[0].bars.close[3]);
        whole.close_time = setup.markets[0].bars.close_time.at(3);
        [whole].into_iter().collect()
    };
    setup.markets[0].longer = vec![(Interval::ThreeMinutes, quarter.into())];
    under(&mut setup, &[(60, 180, r#""kind":"halt""#)]);
    let market = &setup.markets[0];
    let longer = market.longer[0].1.bar(0);
    let whole = |price: candlewick_model::Price| price.units() / 100_000_000;
    assert_eq!([longer.open, longer.high, longer.low, longer.close].map(whole), [100, 100, 80, 80]);
    assert_eq!(longer.trades, 2_000_000);
    assert!(std::sync::Arc::ptr_eq(&market.bars, &market.average_bars));
    assert!(market.average_bars.volume.at(1).is_zero());
}

#[test]
fn rule_9_2_an_executed_timeout_is_known_when_the_order_is_looked_for() {
    let world = standing(&[100; 3], |setup| under(setup, &[(0, 90, r#""kind":"timeout","executed":1"#)]));
    world.check(
        &[
            // Taken up at 40 s. The session hears nothing from 30 s on; ten seconds later comes
            // the answer, and a second after that the order is found.
            "0.5 id=a side=BUY type=LIMIT tif=GTC q=1 p=95",
            // It leaves at 41 s, before anything is heard, as its time was earlier; candles take
            // it up at 60 s only.
            "0.6 id=b side=BUY type=MARKET q=1",
            // No order comes of it, so that five looks find none: 66 + 10 + 5.
            "1.1 id=c side=BUY type=MARKET q=500",
            "1.2 x of=a",
            "1.6 id=d side=BUY type=MARKET q=1",
        ],
        &[
            "timed out, executed, known at 41s",
            "timed out, executed, known at 60s",
            "40s a NEW",
            "60s b NEW",
            "60s b FILLED 1@101 TAKER fee 0.001",
            "timed out, executed, known at 81s",
            // The cancel of 72 s leaves before that is heard: at 81 s, taken up at 100 s.
            "timed out, executed, known at 100s",
            "81s -1007 Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
            "100s a CANCELED",
            "100s d NEW",
            "100s d FILLED 1@101 TAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_9_2_what_is_not_executed_is_looked_for_five_times() {
    let world = standing(&[100; 3], |setup| under(setup, &[(0, 31, r#""kind":"timeout","executed":0"#)]));
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0.5 x of=a", "0.5 test id=t side=BUY type=MARKET q=1"],
        &[
            "timed out, known at 15s",
            "15s -1007 Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
            "timed out, known at 45s",
            "45s -1007 Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
            "60s tested",
        ],
    );
}

#[test]
fn rule_9_2_a_share_of_them_is_executed() {
    let world = standing(&[100; 60], |setup| under(setup, &[(0, 3_600, r#""kind":"timeout","executed":0.25"#)]));
    let lines: Vec<_> = (0..59).map(|n| format!("{n} id=o{n} side=BUY type=LIMIT tif=GTC q=0.1 p=95")).collect();
    let events = world.run(&lines.iter().map(String::as_str).collect::<Vec<_>>()).0;
    let count = |text: &str| events.iter().filter(|event| event.contains(text)).count();
    assert_eq!(count("timed out"), 59);
    assert_eq!((count("NEW"), count("-1007")), (count("executed"), 59 - count("executed")));
    assert!((8..22).contains(&count("NEW")), "{}", count("NEW"));
}

#[test]
fn rule_9_3_latency_delays_one_command_after_the_other() {
    let world = standing(&[100; 3], |setup| {
        under(setup, &[(0, 100, r#""kind":"latency","ms":15000"#), (0, 50, r#""kind":"latency","ms":50"#)]);
    });
    world.check(
        &[
            "0.3 id=a side=BUY type=MARKET q=1",
            "0.3 id=b side=BUY type=MARKET q=1",
            "0.4 id=c side=BUY type=MARKET q=1",
            "1.9 id=d side=BUY type=MARKET q=1",
        ],
        &[
            "delayed by 15000 ms",
            "delayed by 15000 ms",
            // There at 33 s. b leaves then, is there at 48 s, and candles take it up at 60 s.
            // Before that nothing is heard, and c, of 24 s, is not said.
            "delayed by 15000 ms",
            "40s a NEW",
            "40s a FILLED 1@101 TAKER fee 0.001",
            "60s b NEW",
            "60s b FILLED 1@101 TAKER fee 0.001",
            "80s c NEW",
            "80s c FILLED 1@101 TAKER fee 0.001",
            "120s d NEW",
            "120s d FILLED 1@101 TAKER fee 0.001",
        ],
    );
}

/// Sends a market order at 54 s, and writes down what it hears.
#[derive(Default)]
struct Diary(Vec<String>);

impl Strategy for &mut Diary {
    fn on_start(&mut self, context: &mut Context) {
        context.set_timer(Timestamp::from_millis(START_MS + 54_000));
    }
    fn on_timer(&mut self, context: &mut Context, _: Timestamp) {
        context.submit_market(Side::Buy, OrderSize::Base("1".parse().unwrap()));
    }
    fn on_bar(&mut self, _: &mut Context, bar: &Bar) {
        self.0.push(format!("bar {}", (bar.close_time.millis() - START_MS) / 1_000));
    }
    fn on_report(&mut self, _: &mut Context, report: &ExecutionReport) {
        self.0.push(format!("{} {}", report.order.status, (report.time.millis() - START_MS) / 1_000));
    }
    fn on_refused(&mut self, _: &mut Context, _: u64, refusal: &Refusal) {
        self.0.push(refusal.code.to_string());
    }
}

#[test]
fn rule_9_5_what_arrived_before_a_bar_closed_is_heard_before_it() {
    let heard = |episodes: fn(&mut Setup)| {
        let mut diary = Diary::default();
        let setup = standing(&[100; 4], episodes).setup();
        let finished = Backtest::new(&setup, &mut diary, "diary").run().unwrap();
        assert_eq!((finished.outcome.equity.len(), finished.outcome.marks.len()), (4, 4));
        diary.0
    };
    // There at 104 s; the venue takes it up at 120 s, when the bar has closed.
    let late = heard(|setup| under(setup, &[(0, 70, r#""kind":"latency","ms":50000"#)]));
    assert_eq!(late, ["bar 59", "NEW 120", "FILLED 120", "bar 119", "bar 179", "bar 239"]);
    // There at 54 s, taken up at 60 s, found at 65 s.
    let lost = heard(|setup| under(setup, &[(0, 70, r#""kind":"timeout","executed":1"#)]));
    assert_eq!(lost, ["NEW 60", "FILLED 60", "bar 59", "bar 119", "bar 179", "bar 239"]);
    // Never there, and looked for until 69 s.
    let gone = heard(|setup| under(setup, &[(0, 70, r#""kind":"timeout","executed":0"#)]));
    assert_eq!(gone, ["bar 59", "-1007", "bar 119", "bar 179", "bar 239"]);
    // Rejected at 54 s, and there at 59.1 s.
    let retried = heard(|setup| under(setup, &[(0, 55, r#""kind":"rejection","code":-1003,"retry_after":5"#)]));
    assert_eq!(retried, ["NEW 60", "FILLED 60", "bar 59", "bar 119", "bar 179", "bar 239"]);
}

/// What becomes of a market order sent at 0.5 minutes.
fn rejected(episodes: fn(&mut Setup)) -> Vec<String> {
    let mut events = standing(&[100; 4], episodes).run(&["0.5 id=a side=BUY type=MARKET q=1"]).0;
    events.retain(|event| !event.contains("FILLED"));
    events
}

#[test]
fn rule_9_4_rejections_are_what_live_makes_of_them() {
    let episodes = |setup: &mut Setup| {
        under(setup, &[(0, 40, r#""kind":"rejection","code":-2010,"msg":"This action is disabled on this account.""#)]);
    };
    assert_eq!(
        rejected(episodes),
        ["rejected 1 × -2010, Refused at 30s", "30s -2010 This action is disabled on this account."]
    );
    // Over a limit: sent again after Retry-After, at 30, 35.1 and 40.2 s.
    let episodes = |setup: &mut Setup| under(setup, &[(0, 40, r#""kind":"rejection","code":-1003,"retry_after":5"#)]);
    assert_eq!(rejected(episodes), ["rejected 2 × -1003, Passed at 40s", "60s a NEW"]);
    // Five times, and a live session ends.
    let episodes = |setup: &mut Setup| under(setup, &[(0, 60, r#""kind":"rejection","code":-1015"#)]);
    assert_eq!(rejected(episodes), ["rejected 5 × -1015, GivenUp at 35s", "35s -1015 Too many new orders."]);
    // Longer than it waits, or banned.
    let episodes = |setup: &mut Setup| under(setup, &[(0, 60, r#""kind":"rejection","code":-1003,"retry_after":121"#)]);
    assert_eq!(rejected(episodes), ["rejected 1 × -1003, GivenUp at 30s", "30s -1003 Too many requests queued."]);
    let episodes = |setup: &mut Setup| under(setup, &[(0, 60, r#""kind":"rejection","code":-1003,"status":418"#)]);
    assert_eq!(rejected(episodes), ["rejected 1 × -1003, GivenUp at 30s", "30s -1003 Too many requests queued."]);
    // The exchange's own trouble: it may have been executed, and is looked for.
    let episodes = |setup: &mut Setup| under(setup, &[(0, 60, r#""kind":"rejection","code":-1008"#)]);
    assert_eq!(
        rejected(episodes),
        [
            "rejected 1 × -1008, Unknown at 35s",
            "35s -1007 Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        ]
    );
    // The clock is measured anew, and then it is refused for good.
    let episodes = |setup: &mut Setup| under(setup, &[(0, 60, r#""kind":"rejection","code":-1021"#)]);
    assert_eq!(
        rejected(episodes),
        ["rejected 5 × -1021, Refused at 31s", "31s -1021 Timestamp for this request is outside of the recvWindow.",]
    );
}

#[test]
fn rule_9_4_too_many_orders_are_orders() {
    let world = standing(&[100; 3], |setup| under(setup, &[(10, 180, r#""kind":"rejection","code":-1015"#)]));
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0.5 x of=a", "0.6 id=b side=BUY type=MARKET q=1"],
        &["0s a NEW", "rejected 5 × -1015, GivenUp at 41s", "40s a CANCELED", "41s -1015 Too many new orders."],
    );
}

#[test]
fn rule_9_2_after_the_last_bar_all_is_heard_and_nothing_sent() {
    let world = standing(&[100, 100], |setup| under(setup, &[(0, 180, r#""kind":"timeout","executed":1"#)]));
    world.check(
        &[
            "1.6 id=a side=BUY type=MARKET q=1",
            "1.7 id=b side=BUY type=MARKET q=1",
            "1.9 id=c side=BUY type=MARKET q=1",
        ],
        &[
            // Looked for at 107 s; b leaves then, finds no point that takes it, and c waits.
            "timed out, executed, known at 107s",
            "100s a NEW",
            "100s a FILLED 1@101 TAKER fee 0.001",
            "not sent",
            "not sent",
        ],
    );
}
