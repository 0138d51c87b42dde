//! A written state is gone on from on the setup that it was taken on, and on no other. That it
//! goes on identically from anywhere is for `invariants` to show.

use std::sync::Arc;

use candlewick_model::order::RateInterval;
use candlewick_model::run::FillModel;
use candlewick_model::{
    Account, Action, Amount, Asset, Bar, Bars, Command, ExchangeInfo, Interval, OrderLimit, Price, Symbol, Timestamp,
};
use candlewick_simulator::{
    DiscountPrices, Limits, Market, MovingMean, Reference, Replay, ReplayState, Setup, Timeline, VenueEvent,
};
use serde_json::Value;

const START_MS: i64 = 1_672_531_200_000;

fn bars(closes: &[i64]) -> Arc<Bars> {
    let bar = |(n, close): (usize, &i64)| {
        let (open_time, price) =
            (Timestamp::from_millis(START_MS + n as i64 * 60_000), Price::from_units(close * 100_000_000));
        let volume = Amount::from_units(100_000_000_000);
        Bar {
            open_time,
            close_time: open_time.plus(59_999_999),
            open: price,
            high: price,
            low: price,
            close: price,
            volume,
            quote_volume: volume,
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 1,
        }
    };
    Arc::new(closes.iter().enumerate().map(bar).collect())
}

/// Snapshots at the beginning and after a minute and a half.
fn market(symbol: &str, bars: Arc<Bars>) -> Market {
    let snapshot = |time: i64| {
        let json = format!(
            r#"{{"serverTime":{time},"symbols":[{{"symbol":"{symbol}","status":"TRADING","baseAsset":"{}","quoteAsset":"U",
            "orderTypes":["LIMIT","MARKET"],"filters":[]}}]}}"#,
            &symbol[..1]
        );
        let info = ExchangeInfo::parse(&json).unwrap();
        (info.server_time, info.instruments[&Symbol::new(symbol).unwrap()].clone())
    };
    let timeline = Timeline::new(vec![snapshot(START_MS), snapshot(START_MS + 90_000)]).unwrap();
    Market::new(timeline, FillModel::default(), Interval::OneMinute, bars)
}

fn of_markets(markets: Vec<Market>) -> Setup {
    let account: Account = [(Asset::new("U").unwrap(), "1000".parse().unwrap())].into_iter().collect();
    Setup { markets: markets.clone(), ..Setup::of_one(markets[0].clone(), account) }
}

fn setup() -> Setup {
    of_markets(vec![market("AU", bars(&[10, 11, 12, 13])), market("BU", bars(&[5, 5, 5]))])
}

/// In the third bar, with an order that rests and a report that nobody has taken yet.
fn state(setup: &Setup) -> String {
    let mut replay = Replay::new(setup);
    for market in 0..setup.markets.len() {
        (0..10).for_each(|_| _ = replay.advance(market));
    }
    let pairs = [
        ("symbol", "AU"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "1"),
        ("price", "9"),
    ];
    replay.execute(1, &Command::Raw(Action::New, Box::new(pairs.into_iter().collect())));
    serde_json::to_string(&replay.state()).unwrap()
}

fn resumed(setup: &Setup, json: &str) -> Result<Replay, String> {
    let state: ReplayState = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Replay::resume(setup, state).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_refused(setup: &Setup, json: &str, why: &str) {
    let error = resumed(setup, json).err().expect("it does not fit");
    assert!(error.contains(why), "{error}");
}

/// Unfilled orders in a window of a day.
fn limits(limit: u32) -> Limits {
    let orders = vec![OrderLimit { interval: RateInterval::Day, interval_num: 1, limit }];
    Limits { orders, ..Limits::default() }
}

#[test]
fn limits_that_have_changed_count_on_with_those_of_the_present() {
    let mut setup = setup();
    let changes = |at: i64, limit| (Timestamp::from_millis(START_MS + at), limits(limit));
    // The second one comes into force after the last point that was walked to.
    setup.limits = Timeline::new(vec![changes(0, 5), changes(90_000, 1), changes(150_000, 3)]).unwrap();
    let json = state(&setup);
    let mut replay = resumed(&setup, &json).unwrap();
    replay.drain_events();
    let send = |replay: &mut Replay| {
        let pairs = [
            ("symbol", "AU"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "1"),
            ("price", "8"),
        ];
        replay.execute(2, &Command::Raw(Action::New, Box::new(pairs.into_iter().collect())));
        replay.drain_events().map(|event| matches!(event, VenueEvent::Refused { .. })).collect::<Vec<_>>()
    };
    assert_eq!(send(&mut replay), [true], "one a day, and there is one");
    (0..3).for_each(|_| _ = replay.advance(0));
    assert_eq!([send(&mut replay), send(&mut replay), send(&mut replay)], [[false], [false], [true]], "three a day");
    let mut without = setup.clone();
    without.limits = Timeline::new(vec![changes(0, 5), changes(150_000, 3)]).unwrap();
    assert_refused(&without, &json, "unfilled orders were counted under other limits");
}

#[test]
fn what_was_not_taken_is_still_said_and_the_order_still_rests() {
    let setup = setup();
    let mut replay = resumed(&setup, &state(&setup)).unwrap();
    assert_eq!(replay.drain_events().count(), 1);
    assert_eq!(replay.open_orders(0).count(), 1);
    assert_eq!(replay.account().balance(Asset::new("U").unwrap()).locked, "9".parse().unwrap());
    assert_eq!(replay.next_point(0).unwrap().unwrap().bar, 2);
}

#[test]
fn money_and_times_are_text_and_the_version_is_known() {
    let json: Value = serde_json::from_str(&state(&setup())).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["markets"][0]["book"]["open"][0]["order"]["price"], "9.00000000");
    assert_eq!(json["desk"]["now"], "2023-01-01T00:02:19.999999Z");
    // What every reader of JSON takes: no number beyond 53 bits.
    fn check(value: &Value) {
        match value {
            Value::Number(n) => assert!(n.as_i64().is_some_and(|n| n.abs() < 1 << 53 || n == i64::MIN), "{n}"),
            Value::Array(all) => all.iter().for_each(check),
            Value::Object(all) => all.values().for_each(check),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    check(&json);
}

#[test]
fn a_state_of_another_version_is_refused_when_it_is_read() {
    let json = state(&setup()).replacen(r#""version":1"#, r#""version":2"#, 1);
    assert_refused(&setup(), &json, "a state of version 2; this program reads 1");
}

#[test]
fn series_may_have_grown_and_fill_models_may_be_others() {
    let json = state(&setup());
    let mut later = of_markets(vec![market("AU", bars(&[10, 11, 12, 13, 14])), market("BU", bars(&[5, 5, 5]))]);
    later.markets[0].fill_model.half_spread_ticks = 3;
    assert!(resumed(&later, &json).is_ok());
}

#[test]
fn other_markets_and_other_data_are_refused() {
    let json = state(&setup());
    let (a, b) = (market("AU", bars(&[10, 11, 12, 13])), market("BU", bars(&[5, 5, 5])));
    let markets = "the state is of the markets AU (A/U), BU (B/U), and not of BU (B/U), AU (A/U)";
    assert_refused(&of_markets(vec![b.clone(), a.clone()]), &json, markets);
    assert_refused(&of_markets(vec![a.clone()]), &json, "and not of AU (A/U)");
    let others = of_markets(vec![market("AU", bars(&[10, 11, 12, 14])), b.clone()]);
    assert_refused(&others, &json, "AU: the bars are not those that the state was taken on: 4 bars from 2023-01-01");
    let shorter = of_markets(vec![a.clone(), market("BU", bars(&[5, 5]))]);
    assert_refused(&shorter, &json, "BU: the bars are not those");
    let other_averages = Market { average_bars: bars(&[10]), ..a.clone() };
    assert_refused(&of_markets(vec![other_averages, b.clone()]), &json, "AU: the average bars are not those");
    let discounted = Market { discount: Some(DiscountPrices::new(bars(&[1]))), ..a.clone() };
    assert_refused(&of_markets(vec![discounted, b.clone()]), &json, "AU: the prices of the discount's asset");
    let referred = Market { reference: Reference::Mean(MovingMean::new(1_000, 5)), ..a.clone() };
    assert_refused(&of_markets(vec![referred.clone(), b.clone()]), &json, "AU: the reference price");
    let narrower = Market { reference: Reference::Mean(MovingMean::new(1_000, 4)), ..a };
    let json = state(&of_markets(vec![referred, b.clone()]));
    assert_refused(&of_markets(vec![narrower, b]), &json, "AU: the reference price");
}

#[test]
fn filters_that_are_gone_and_other_limits_are_refused() {
    let json = state(&setup());
    let mut setup = setup();
    let first = setup.markets[0].timeline.at(Timestamp::from_millis(START_MS)).0.as_ref().clone();
    setup.markets[0].timeline = Timeline::new(vec![(Timestamp::from_millis(START_MS), first)]).unwrap();
    assert_refused(&setup, &json, "AU: filters taken at 2023-01-01T00:01:30Z were in force");
    let mut setup = self::setup();
    setup.limits = limits(50).into();
    assert_refused(&setup, &json, "unfilled orders were counted under other limits");
}

#[test]
fn a_state_that_was_changed_is_refused_and_does_not_panic() {
    let setup = setup();
    let json = state(&setup);
    let stands = r#""row":2,"step":2"#;
    assert!(json.contains(stands), "{json}");
    for elsewhere in [r#""row":4,"step":2"#, r#""row":5,"step":0"#, r#""row":2,"step":4"#] {
        let changed = json.replacen(stands, elsewhere, 1);
        assert_refused(&setup, &changed, "AU: the state stands where the bars have no bar");
    }
    assert_refused(&setup, &json.replace(r#""price":"9.00000000""#, r#""price":"nine""#), "not a plain decimal number");
    assert_refused(&setup, "{}", "missing field `version`");
}
