//! The rules of `docs/fill-rules.md` by their numbers, each on the smallest market that shows
//! it. A market is bars of a minute from 2023-01-01; a script is order lines; what comes out
//! is compared as compact text.

use std::sync::Arc;

use candlewick_model::run::{Assumptions, Event, FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::{
    Amount, Bar, Bars, CommissionRates, Discount, ExchangeInfo, Interval, Price, Symbol, Timestamp,
};
use candlewick_simulator::{Backtest, DiscountPrices, Finished, Market, PriceRange, Reference, Setup, Timeline};
use candlewick_strategy::Script;

const START_MS: i64 = 1_672_531_200_000;

/// Tick 1, step 0.1, no other filters; precision 8.
const INFO: &str = r#"{"serverTime":1577836800000,"symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
 "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
 "quoteOrderQtyMarketAllowed":true,"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,
 "allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
 "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT","TRANSFER"],
 "defaultSelfTradePreventionMode":"EXPIRE_MAKER",
 "filters":[{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"1"},
            {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"1000","stepSize":"0.1"}]}]}"#;

/// Open, high, low, close, volume.
type Candle = (i64, i64, i64, i64, i64);

struct World {
    /// Consecutive minutes; `None` is a gap.
    bars: Vec<Option<Candle>>,
    model: FillModel,
    info: String,
    /// Microseconds from the start at which each bar opens and closes, where they are not
    /// consecutive minutes.
    times: Vec<(i64, i64)>,
    /// A later snapshot with its own `serverTime`.
    later: Option<String>,
    /// What is beyond an ordinary market.
    tune: fn(&mut Setup),
}

impl World {
    fn new(bars: &[Candle]) -> Self {
        let model = FillModel {
            path: PathModel::Nearest,
            maker_fill: MakerFill::Through,
            half_spread_ticks: 1,
            slippage: Slippage::None,
            volume_share: "0.1".parse().unwrap(),
            latency_us: 0,
            fees: CommissionRates::simple("0.001".parse().unwrap(), "0.001".parse().unwrap()),
        };
        Self {
            bars: bars.iter().copied().map(Some).collect(),
            model,
            info: INFO.to_owned(),
            times: Vec::new(),
            later: None,
            tune: |_| {},
        }
    }

    fn columns(&self) -> Bars {
        let price = |n: i64| Price::from_units(n * 100_000_000);
        let amount = |n: i64| Amount::from_units(i128::from(n) * 100_000_000);
        let rows = self.bars.iter().enumerate().filter_map(|(at, bar)| Some((at, (*bar)?)));
        rows.map(|(at, (open, high, low, close, volume))| {
            let minute = (at as i64 * 60_000_000, at as i64 * 60_000_000 + 59_999_999);
            let (opens, closes) = self.times.get(at).copied().unwrap_or(minute);
            let start = Timestamp::from_millis(START_MS);
            Bar {
                open_time: start.plus(opens),
                close_time: start.plus(closes),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(close),
                volume: amount(volume),
                quote_volume: amount(volume * open),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: volume,
            }
        })
        .collect()
    }

    fn run(&self, script: &[&str]) -> (Vec<String>, Assumptions) {
        let finished = self.finished(script);
        (finished.outcome.events.iter().filter_map(|event| compact(&event)).collect(), finished.assumptions)
    }

    fn events(&self, script: &[&str]) -> Vec<Event> {
        self.finished(script).outcome.events.iter().collect()
    }

    fn finished(&self, script: &[&str]) -> Finished {
        let symbol = Symbol::new("AB").unwrap();
        let info = ExchangeInfo::parse(&self.info).unwrap();
        let instrument = info.instruments[&symbol].clone();
        let mut snapshots = vec![(info.server_time, instrument.clone())];
        if let Some(later) = &self.later {
            let later = ExchangeInfo::parse(later).unwrap();
            snapshots.push((later.server_time, later.instruments[&symbol].clone()));
        }
        let money = |text: &str| text.parse::<Amount>().unwrap();
        let account = [(instrument.base_asset, money("10")), (instrument.quote_asset, money("10000"))];
        let timeline = Timeline::new(snapshots).unwrap();
        let market = Market::new(timeline, self.model, Interval::OneMinute, Arc::new(self.columns()));
        let mut setup = Setup::of_one(market, account.into_iter().collect());
        (self.tune)(&mut setup);
        let lines: Vec<String> = script.iter().map(|line| json_line(line)).collect();
        let script = Script::parse(&lines.join("\n")).unwrap();
        Backtest::new(&setup, script, "script").run().unwrap()
    }

    #[track_caller]
    fn check(&self, script: &[&str], expected: &[&str]) -> Assumptions {
        let (events, assumptions) = self.run(script);
        assert_eq!(events, expected, "\n{events:#?}");
        assumptions
    }
}

/// `0.5 side=BUY type=…` (minutes from the start, then parameters) → a line of a script;
/// `x` before the parameters makes it a cancel, any other word is the action itself.
fn json_line(line: &str) -> String {
    let mut words = line.split_whitespace();
    let minutes: f64 = words.next().unwrap().parse().unwrap();
    let mut members = format!(r#"{{"time":{},"symbol":"AB""#, START_MS + (minutes * 60_000.0) as i64);
    let mut action = "new";
    for word in words {
        match word.split_once('=') {
            None if word == "x" => action = "cancel",
            None => action = word,
            Some((key, value)) => {
                let key = match key {
                    "id" => "newClientOrderId",
                    "tif" => "timeInForce",
                    "q" => "quantity",
                    "p" => "price",
                    "of" => "origClientOrderId",
                    other => other,
                };
                members += &format!(r#","{key}":"{value}""#);
            }
        }
    }
    members + &format!(r#","action":"{action}"}}"#)
}

/// Seconds from the start, what, and the figures that the rules speak of.
fn compact(event: &Event) -> Option<String> {
    let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let seconds = |t: Timestamp| (t.millis() - START_MS + 500).div_euclid(1_000);
    match event {
        Event::Sent { .. } | Event::BalanceUpdate { .. } => None,
        Event::NotSent { .. } => Some("not sent".into()),
        Event::Tested { time, .. } => Some(format!("{}s tested", seconds(*time))),
        Event::ListStatus(l) => Some(format!("{}s list {}", seconds(l.time), l.list_status_type)),
        Event::Refused { time, refusal, .. } => Some(format!("{}s {refusal}", seconds(*time))),
        Event::ExecutionReport(r) => {
            let mut text = format!("{}s {} {}", seconds(r.time), r.order.client_order_id, r.order.status);
            if let Some(fill) = r.fill {
                let (q, p) = (short(fill.quantity.to_string()), short(fill.price.to_string()));
                text += &format!(" {q}@{p} {} fee {}", fill.liquidity, short(fill.commission.to_string()));
            }
            if let Some(reason) = r.order.expiry_reason {
                text += &format!(" {reason}");
            }
            Some(text)
        }
    }
}

#[test]
fn rule_1_5_a_command_meets_the_first_open_or_extreme_after_it() {
    let world = World::new(&[(100, 110, 90, 105, 1_000), (200, 210, 190, 205, 1_000)]);
    // Equal distance, rising: low first. Extremes at 20 s (90) and 40 s (110), floored.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET q=1",
            "0.1 id=b side=BUY type=MARKET q=1",
            "0.5 id=c side=BUY type=MARKET q=1",
            "0.9 id=d side=BUY type=MARKET q=1",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "20s b NEW",
            "20s b FILLED 1@91 TAKER fee 0.001",
            "40s c NEW",
            "40s c FILLED 1@111 TAKER fee 0.001",
            "60s d NEW",
            "60s d FILLED 1@201 TAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_1_5_a_cancel_loses_against_the_jump() {
    let world = World::new(&[(100, 101, 99, 100, 1_000), (90, 91, 89, 90, 1_000)]);
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0.99 x of=a"],
        &["0s a NEW", "60s a FILLED 1@95 MAKER fee 0.001", "60s -2011 Unknown order sent."],
    );
}

#[test]
fn rule_1_7_gaps_wait_and_the_end_sends_nothing() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000), (100, 100, 100, 100, 1_000)]);
    world.bars.insert(1, None);
    world.check(
        &["1.5 id=a side=BUY type=MARKET q=1", "9 id=b side=BUY type=MARKET q=1"],
        &["120s a NEW", "120s a FILLED 1@101 TAKER fee 0.001", "not sent"],
    );
}

#[test]
fn rule_1_7_what_is_never_sent_bears_the_time_at_which_it_left() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    let lines = ["0.8", "0.9", "5", "6"].map(|at| format!("{at} side=BUY type=MARKET q=1"));
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let events = world.events(&lines);
    let never_sent = events.iter().filter(|event| matches!(event, Event::NotSent { .. }));
    let seconds: Vec<_> = never_sent.map(|event| (event.time().millis() - START_MS) / 1_000).collect();
    assert_eq!(seconds, [48, 54, 300, 360]);
}

#[test]
fn rule_2_4_without_volume_nothing_happens() {
    let world = World::new(&[(100, 100, 100, 100, 1_000), (90, 90, 80, 80, 0), (100, 101, 99, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95",
            "1 id=b side=BUY type=MARKET q=1",
            "1 id=c side=BUY type=MARKET quoteOrderQty=500",
        ],
        &[
            "0s a NEW",
            "60s b NEW",
            "60s b EXPIRED INSUFFICIENT_LIQUIDITY",
            "60s -2010 Order book liquidity is less than symbol minimum quantity.",
        ],
    );
}

#[test]
fn rule_3_1_takers_pay_spread_and_slippage_within_their_limit() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.model.slippage = Slippage::BasisPoints(250);
    // Ask 101 and 2.5 % of it, up to the tick: 104. Bid 99, 2.475 off, down: 96.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET q=1",
            "0 id=b side=SELL type=MARKET q=1",
            "0 id=c side=BUY type=LIMIT tif=GTC q=1 p=102",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@104 TAKER fee 0.001",
            "0s b NEW",
            "0s b FILLED 1@96 TAKER fee 0.096",
            "0s c NEW",
            "0s c FILLED 1@102 TAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_3_2_a_limit_takes_only_where_it_reaches_the_other_side() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=IOC q=1 p=101",
            "0 id=b side=BUY type=LIMIT tif=IOC q=1 p=100",
            "0 id=c side=SELL type=LIMIT tif=FOK q=1 p=99",
            "0 id=d side=SELL type=LIMIT tif=FOK q=1 p=100",
            "0 side=BUY type=LIMIT_MAKER q=1 p=101",
            "0 id=f side=BUY type=LIMIT_MAKER q=1 p=100",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s b NEW",
            "0s b EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
            "0s c NEW",
            "0s c FILLED 1@99 TAKER fee 0.099",
            "0s d NEW",
            "0s d EXPIRED UNFILLED_FOK_ORDER_EXPIRED",
            "0s -2010 Order would immediately match and take.",
            "0s f NEW",
        ],
    );
}

#[test]
fn rule_3_2_inside_the_spread_fills_at_its_own_price_in_the_next_step() {
    let mut world = World::new(&[(100, 103, 100, 102, 1_000)]);
    world.model.half_spread_ticks = 3;
    world.check(&["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=102"], &["0s a NEW", "20s a FILLED 1@102 MAKER fee 0.001"]);
}

#[test]
fn rule_3_3_through_and_touch_and_jumps() {
    let mut world = World::new(&[(100, 102, 95, 100, 1_000), (90, 90, 90, 90, 1_000)]);
    let script = &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0 id=b side=SELL type=LIMIT tif=GTC q=1 p=102"];
    let through = &["0s a NEW", "0s b NEW", "60s a FILLED 1@95 MAKER fee 0.001"];
    world.check(script, through);
    world.model.maker_fill = MakerFill::Touch;
    // High first (2 against 5): the sell at 20 s, the buy at 40 s.
    world.check(
        script,
        &["0s a NEW", "0s b NEW", "20s b FILLED 1@102 MAKER fee 0.102", "40s a FILLED 1@95 MAKER fee 0.001"],
    );
}

#[test]
fn rule_3_6_fills_go_along_the_path() {
    let world = World::new(&[(100, 101, 80, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=85",
            "0 id=b side=BUY type=LIMIT tif=GTC q=1 p=95",
            "0 id=c side=BUY type=LIMIT tif=GTC q=1 p=95",
        ],
        &[
            "0s a NEW",
            "0s b NEW",
            "0s c NEW",
            "40s b FILLED 1@95 MAKER fee 0.001",
            "40s c FILLED 1@95 MAKER fee 0.001",
            "40s a FILLED 1@85 MAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_1_6_at_a_jump_the_limit_furthest_beyond_comes_first() {
    let world = World::new(&[(100, 100, 100, 100, 1_000), (80, 80, 80, 80, 15)]);
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=85", "0 id=b side=BUY type=LIMIT tif=GTC q=1 p=95"],
        &[
            "0s a NEW",
            "0s b NEW",
            "60s b FILLED 1@95 MAKER fee 0.001",
            "60s a PARTIALLY_FILLED 0.5@85 MAKER fee 0.0005",
        ],
    );
}

#[test]
fn rule_4_1_the_budget_is_the_bars() {
    let world = World::new(&[(100, 100, 100, 100, 19)]);
    let assumptions = world.check(
        &["0 id=a side=BUY type=MARKET q=1", "0 id=b side=SELL type=MARKET q=1"],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s b NEW",
            "0s b PARTIALLY_FILLED 0.9@99 TAKER fee 0.0891",
            "0s b EXPIRED INSUFFICIENT_LIQUIDITY",
        ],
    );
    assert_eq!((assumptions.budget_exhausted, assumptions.market_order_expired), (1, 1));
}

#[test]
fn rule_4_2_a_remainder_takes_on_at_opens_and_then_rests_for_good() {
    let world = World::new(&[
        (100, 100, 100, 100, 10),
        (101, 101, 101, 101, 10),
        (102, 102, 102, 102, 10),
        (90, 90, 90, 90, 10),
    ]);
    let assumptions = world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=5 p=102"],
        &[
            "0s a NEW",
            "0s a PARTIALLY_FILLED 1@101 TAKER fee 0.001",
            "60s a PARTIALLY_FILLED 1@102 TAKER fee 0.001",
            // At 102 the ask is 103: it rests from here on, and the jump fills it as maker.
            "180s a PARTIALLY_FILLED 1@102 MAKER fee 0.001",
        ],
    );
    assert_eq!(assumptions.remainder_filled, 1);
}

#[test]
fn rule_4_4_liquidity_below_the_least_quantity() {
    let mut world = World::new(&[(100, 100, 100, 100, 2)]);
    world.info = INFO.replace(r#""minQty":"0.1""#, r#""minQty":"0.3""#);
    world.check(
        &["0 side=BUY type=MARKET quoteOrderQty=500"],
        &["0s -2010 Order book liquidity is less than LOT_SIZE filter minimum quantity."],
    );
}

#[test]
fn rule_4_5_self_trades() {
    let bars = &[(100, 100, 100, 100, 1_000)];
    let script = |mode: &str| {
        vec![
            "0 id=m side=SELL type=LIMIT tif=GTC q=1 p=101".to_owned(),
            format!("0 id=t side=BUY type=MARKET q=2 selfTradePreventionMode={mode}"),
        ]
    };
    for (mode, expected) in [
        ("EXPIRE_MAKER", vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t FILLED 2@101 TAKER fee 0.002"]),
        ("EXPIRE_TAKER", vec!["0s m NEW", "0s t NEW", "0s t EXPIRED_IN_MATCH"]),
        ("EXPIRE_BOTH", vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t EXPIRED_IN_MATCH"]),
        (
            "NONE",
            vec![
                "0s m NEW",
                "0s t NEW",
                "0s m FILLED 1@101 MAKER fee 0.101",
                "0s t PARTIALLY_FILLED 1@101 TAKER fee 0.001",
                "0s t FILLED 1@101 TAKER fee 0.001",
            ],
        ),
        (
            "DECREMENT",
            vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t NEW", "0s t FILLED 1@101 TAKER fee 0.001"],
        ),
    ] {
        let lines = script(mode);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        World::new(bars).check(&lines, &expected);
    }
}

#[test]
fn rule_4_5_a_remainder_still_takes_where_only_an_own_order_is_within_its_limit() {
    // The bar without volume leaves the BUY a remainder at 94, next to an own SELL at 94 that is
    // beyond its execution price (91). At the third open the market asks 95: only the own order
    // is within the limit, and that is enough for rule 3.2.
    let world = World::new(&[(90, 90, 90, 90, 100), (90, 90, 90, 90, 0), (94, 96, 91, 94, 100)]);
    let buy = |mode: &str| format!("1 id=b side=BUY type=LIMIT tif=GTC q=1 p=94 selfTradePreventionMode={mode}");
    for (mode, met) in [
        ("EXPIRE_TAKER", &["120s b EXPIRED_IN_MATCH", "140s s FILLED 2@94 MAKER fee 0.188"][..]),
        (
            "NONE",
            &[
                "120s s PARTIALLY_FILLED 1@94 MAKER fee 0.094",
                "120s b FILLED 1@94 TAKER fee 0.001",
                "140s s FILLED 1@94 MAKER fee 0.094",
            ],
        ),
    ] {
        let expected = [&["0s s NEW", "60s b NEW"], met].concat();
        world.check(&["0 id=s side=SELL type=LIMIT tif=GTC q=2 p=94", &buy(mode)], &expected);
    }
}

#[test]
fn rule_5_1_refusals_through_the_venue() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 symbol=AB side=BUY type=MARKET q=1",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
            "0 side=BUY type=LIMIT tif=GTC q=1 p=90.5",
            "0 side=BUY type=LIMIT tif=GTC q=0 p=90",
            "0 side=BUY type=LIMIT tif=GTC q=200 p=90",
            "0 side=SELL type=MARKET q=10.1",
            "0 x of=zzz",
            "0 x of=a cancelRestrictions=ONLY_PARTIALLY_FILLED",
            "0 x of=a",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
        ],
        &[
            "0s -1101 Duplicate values for a parameter detected.",
            "0s a NEW",
            "0s -2010 Duplicate order sent.",
            "0s -1013 Filter failure: PRICE_FILTER",
            "0s -1013 Filter failure: LOT_SIZE",
            "0s -2010 Account has insufficient balance for requested action.",
            "0s -2010 Account has insufficient balance for requested action.",
            "0s -2011 Unknown order sent.",
            "0s -2011 Order was not canceled due to cancel restrictions.",
            "0s a CANCELED",
            "0s a NEW",
        ],
    );
}

#[test]
fn rule_5_1_a_quantity_of_zero_fails_lot_size_without_a_minimum_too() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace(r#""minQty":"0.1""#, r#""minQty":"0""#);
    let script = ["0 side=BUY type=LIMIT tif=GTC q=0 p=90", "0 side=SELL type=MARKET q=0"];
    world.check(&script, &["0s -1013 Filter failure: LOT_SIZE"; 2]);
    world.info = INFO.replace("LOT_SIZE", "OTHER");
    world.check(&script, &["0s -1013 Filter failure: LOT_SIZE"; 2]);
}

#[test]
fn rule_5_1_the_endpoints_own_timing_parameters_are_read() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90 recvWindow=5000 timestamp=1672531200000",
            "0 x of=a recvWindow=5000 timestamp=1672531200000",
        ],
        &["0s a NEW", "0s a CANCELED"],
    );
}

#[test]
fn rule_5_1_a_price_of_zero_is_refused_without_a_least_price_too() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &["0 side=BUY type=LIMIT tif=GTC q=1 p=0", "0 side=SELL type=LIMIT tif=GTC q=1 p=0.0"],
        &["0s -2010 Price * QTY is zero or less."; 2],
    );
}

#[test]
fn rule_5_2_filters_before_the_first_snapshot_are_assumed() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace("1577836800000", "1700000000000");
    let assumptions = world.check(&["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90"], &["0s a NEW"]);
    assert_eq!(assumptions.filters_assumed, 1);
}

#[test]
fn rule_5_2_a_snapshot_counts_from_its_instant_within_a_bar_too() {
    // From 30 s on commissions have two decimals and the step is 1: of the budget of 1.5, one
    // step is left at 40 s, although no command has arrived since.
    let mut world = World::new(&[(100, 105, 98, 102, 15)]);
    let info = INFO.replace(r#""serverTime":1577836800000"#, r#""serverTime":1672531230000"#);
    let info = info.replace(r#""stepSize":"0.1""#, r#""stepSize":"1""#);
    world.later = Some(info.replace(r#""filters":["#, r#""quoteCommissionPrecision":2,"filters":["#));
    world.check(
        &["0 id=a side=SELL type=LIMIT tif=GTC q=2 p=103"],
        &["0s a NEW", "40s a PARTIALLY_FILLED 1@103 MAKER fee 0.1"],
    );
}

#[test]
fn rule_5_3_the_average_is_of_closed_bars() {
    let mut world = World::new(&[(100, 100, 100, 100, 10), (200, 200, 200, 200, 30), (300, 300, 300, 300, 10)]);
    let filter = r#"{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.1","avgPriceMins":5}"#;
    world.info = INFO.replace(r#""filters":["#, &format!(r#""filters":[{filter},"#));
    // At the third open: (10·100 + 30·200) / 40 = 175, so at most 192.5. At the first open there
    // is no closed bar, so the last price (100) stands in.
    let assumptions = world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=110",
            "0 side=BUY type=LIMIT tif=GTC q=1 p=111",
            "2 id=c side=BUY type=LIMIT tif=GTC q=1 p=192",
            "2 side=BUY type=LIMIT tif=GTC q=1 p=193",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s -1013 Filter failure: PERCENT_PRICE",
            "120s c NEW",
            "120s -1013 Filter failure: PERCENT_PRICE",
        ],
    );
    assert_eq!(assumptions.average_replaced, 2);
}

#[test]
fn rule_5_3_the_running_bar_is_never_used_where_bars_overlap() {
    let mut world = World::new(&[(100, 100, 100, 100, 10), (200, 200, 200, 200, 30)]);
    let filter = r#"{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.1","avgPriceMins":5}"#;
    world.info = INFO.replace(r#""filters":["#, &format!(r#""filters":[{filter},"#));
    // The second bar lies within the first (10 s to 30 s), so that it opens when the first
    // closes, after its own close time. Neither bar has been replayed to its close before.
    world.times = vec![(0, 59_999_999), (10_000_000, 30_000_000)];
    world.check(
        &["0.6 id=a side=BUY type=LIMIT tif=GTC q=1 p=110", "0.9 side=BUY type=LIMIT tif=GTC q=1 p=111"],
        &["40s a NEW", "40s a FILLED 1@101 TAKER fee 0.001", "60s -1013 Filter failure: PERCENT_PRICE"],
    );
}

#[test]
fn rule_5_6_what_was_locked_is_released_under_another_precision_too() {
    let mut world = World::new(&[(100, 101, 99, 100, 1_000), (100, 101, 99, 100, 1_000), (80, 80, 80, 80, 1_000)]);
    let precise = |from: &str, places: u32| {
        let info = INFO.replace(r#""serverTime":1577836800000"#, &format!(r#""serverTime":{from}"#));
        info.replace(r#""filters":["#, &format!(r#""quoteAssetPrecision":{places},"filters":["#))
    };
    for (before, after) in [(8, 0), (0, 8)] {
        world.info = precise("1577836800000", before);
        world.later = Some(precise("1672531260000", after));
        world.check(
            &[
                "0 id=a side=BUY type=LIMIT tif=GTC q=0.3 p=91",
                "0 id=b side=BUY type=LIMIT tif=GTC q=0.3 p=91",
                "1 x of=a",
            ],
            &["0s a NEW", "0s b NEW", "60s a CANCELED", "120s b FILLED 0.3@91 MAKER fee 0.0003"],
        );
    }
}

#[test]
fn rule_5_7_quote_sized_orders() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    // 500 / 101 = 4.95…, down to the step 4.9; 500 / 99 = 5.05…, 5.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET quoteOrderQty=500",
            "0 id=b side=SELL type=MARKET quoteOrderQty=500",
            "0 side=BUY type=MARKET quoteOrderQty=5",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 4.9@101 TAKER fee 0.0049",
            "0s b NEW",
            "0s b FILLED 5@99 TAKER fee 0.495",
            "0s -1013 Filter failure: LOT_SIZE",
        ],
    );
}

#[test]
fn rule_5_8_commission_is_truncated_at_its_precision() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace(
        r#""quoteAsset":"B","#,
        r#""quoteAsset":"B","baseCommissionPrecision":3,"quoteCommissionPrecision":1,"#,
    );
    world.check(
        &["0 id=a side=BUY type=MARKET q=1.9", "0 id=b side=SELL type=MARKET q=1.9"],
        &["0s a NEW", "0s a FILLED 1.9@101 TAKER fee 0.001", "0s b NEW", "0s b FILLED 1.9@99 TAKER fee 0.1"],
    );
}

#[test]
fn rule_2_2_pessimistic_and_optimistic_choose_by_equity() {
    // The buy at 95 fills on the way down; whether the sell at 105 finds base asset afterwards
    // does not depend on it, so the path decides only through which order comes first: with a
    // budget of one, the first takes it all.
    let mut world = World::new(&[(100, 100, 100, 100, 100), (100, 110, 90, 110, 10)]);
    let script = &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0 id=b side=SELL type=LIMIT tif=GTC q=1 p=105"];
    let bought = &["0s a NEW", "0s b NEW", "80s a FILLED 1@95 MAKER fee 0.001"];
    let sold = &["0s a NEW", "0s b NEW", "80s b FILLED 1@105 MAKER fee 0.105"];
    world.model.path = PathModel::Optimistic;
    world.check(script, bought);
    world.model.path = PathModel::Pessimistic;
    world.check(script, sold);
    world.model.path = PathModel::Nearest;
    let assumptions = world.check(script, bought);
    assert_eq!(assumptions.path_order_mattered, 1);
}

#[test]
fn latency_delays_the_arrival() {
    let mut world = World::new(&[(100, 110, 90, 105, 1_000)]);
    world.model.latency_us = 1_000_000;
    world.check(&["0 id=a side=BUY type=MARKET q=1"], &["20s a NEW", "20s a FILLED 1@91 TAKER fee 0.001"]);
}

/// Prices of a walk, each reached in a bar of its own.
fn walk(prices: &[i64]) -> World {
    let bar = |pair: &[i64]| (pair[0], pair[0].max(pair[1]), pair[0].min(pair[1]), pair[1], 1_000_000);
    World::new(&prices.windows(2).map(bar).collect::<Vec<_>>())
}

#[test]
fn rule_3_4_a_stop_triggers_where_the_path_reaches_it() {
    walk(&[100, 90]).check(
        &["0 id=s side=SELL type=STOP_LOSS stopPrice=95 q=1"],
        &["0s s NEW", "40s s FILLED 1@94 TAKER fee 0.094"],
    );
    // Limit from there on: bid 94 is under the limit, so it rests, and nothing comes back.
    walk(&[100, 90, 97]).check(
        &["0 id=s side=SELL type=STOP_LOSS_LIMIT tif=GTC stopPrice=95 p=96 q=1"],
        &["0s s NEW", "40s s NEW", "100s s FILLED 1@96 MAKER fee 0.096"],
    );
    World::new(&[(100, 100, 100, 100, 1_000), (90, 90, 90, 90, 1_000)]).check(
        &["0 id=s side=SELL type=STOP_LOSS stopPrice=95 q=1"],
        &["0s s NEW", "60s s FILLED 1@89 TAKER fee 0.089"],
    );
    walk(&[100, 90])
        .check(&["0 id=s side=SELL type=STOP_LOSS stopPrice=100 q=1"], &["0s -2010 Order would trigger immediately."]);
}

#[test]
fn rule_3_5_the_documented_trailing_scenarios() {
    let mut world = walk(&[40_000, 37_000, 45_000, 46_000, 42_000, 44_099, 44_100]);
    world.info = INFO.replace("EXPIRE_MAKER\",\n", "NONE\",\n");
    // A: its stop price starts the trailing at 44,000; from 42,000 on 5 % are 44,100.
    let a = "0 id=a side=BUY type=STOP_LOSS_LIMIT tif=GTC stopPrice=44000 trailingDelta=500 p=45000 q=0.1";
    world.check(&[a], &["0s a NEW", "340s a NEW", "340s a FILLED 0.1@44101 TAKER fee 0.0001"]);
    // E: without a stop price it trails from the beginning; 7 % under 45,500 are 42,315.
    walk(&[40_000, 42_000, 39_500, 45_500, 42_316, 42_315]).check(
        &["0 id=e side=SELL type=STOP_LOSS_LIMIT tif=GTC trailingDelta=700 p=39000 q=0.1"],
        &["0s e NEW", "280s e NEW", "280s e FILLED 0.1@42314 TAKER fee 4.2314"],
    );
}

#[test]
fn rule_5_9_one_leg_ends_the_other() {
    let oco = "0 oco side=SELL quantity=1 listClientOrderId=l aboveType=LIMIT_MAKER abovePrice=110 aboveClientOrderId=up belowType=STOP_LOSS belowStopPrice=95 belowClientOrderId=down";
    let placed = ["0s down NEW", "0s up NEW", "0s list EXEC_STARTED"];
    let with = |more: &[&str]| [&placed[..], more].concat().iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let check = |world: World, script: &[&str], more: &[&str]| assert_eq!(world.run(script).0, with(more));
    check(
        walk(&[100, 115]),
        &[oco],
        &["40s up FILLED 1@110 MAKER fee 0.11", "40s down EXPIRED OCO_TRIGGER", "40s list ALL_DONE"],
    );
    check(
        walk(&[100, 90]),
        &[oco],
        &["40s up EXPIRED OCO_TRIGGER", "40s down FILLED 1@94 TAKER fee 0.094", "40s list ALL_DONE"],
    );
    check(walk(&[100, 101, 102]), &[oco, "1 x of=up"], &["60s up CANCELED", "60s down CANCELED", "60s list ALL_DONE"]);
    walk(&[100, 90]).check(
        &["0 oco side=SELL quantity=1 aboveType=LIMIT_MAKER abovePrice=110 belowType=STOP_LOSS belowStopPrice=100"],
        &["0s -2010 The relationship of the prices for the orders is not correct."],
    );
}

#[test]
fn a_working_order_triggers_a_pair_that_it_pays() {
    let opoco = "0 opoco listClientOrderId=l workingSide=BUY workingType=LIMIT workingTimeInForce=GTC workingPrice=95 workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingAboveType=LIMIT_MAKER pendingAbovePrice=105 pendingAboveClientOrderId=up pendingBelowType=STOP_LOSS pendingBelowStopPrice=85 pendingBelowClientOrderId=down";
    walk(&[100, 90, 110]).check(
        &[opoco],
        &[
            "0s w NEW",
            "0s down PENDING_NEW",
            "0s up PENDING_NEW",
            "0s list EXEC_STARTED",
            "40s w FILLED 1@95 MAKER fee 0.001",
            "40s down NEW",
            "40s up NEW",
            "100s up FILLED 1@105 MAKER fee 0.105",
            "100s down EXPIRED OCO_TRIGGER",
            "100s list ALL_DONE",
        ],
    );
    let oto = "0 oto workingSide=BUY workingType=LIMIT workingTimeInForce=IOC workingPrice=95 workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingType=MARKET pendingQuantity=1 pendingClientOrderId=p";
    walk(&[100, 90]).check(
        &[oto],
        &[
            "0s w NEW",
            "0s p PENDING_NEW",
            "0s list EXEC_STARTED",
            "0s w EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
            "0s p EXPIRED OTO_PHASE_ONE_EXPIRED",
            "0s list ALL_DONE",
        ],
    );
}

#[test]
fn replacements_and_amendments() {
    let resting = "0 id=r side=BUY type=LIMIT tif=GTC p=90 q=1";
    walk(&[100, 101, 102]).check(
        &[resting, "1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT tif=GTC p=91 q=2 id=n"],
        &["0s r NEW", "60s r CANCELED", "60s n NEW"],
    );
    walk(&[100, 101, 102]).check(
        &["1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT tif=GTC p=91 q=2 id=n"],
        &["60s -2022 Order cancel-replace failed."],
    );
    walk(&[100, 101, 102]).check(
        &[resting, "1 cancel_replace cancelReplaceMode=ALLOW_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT_MAKER p=111 q=2 id=n"],
        &["0s r NEW", "60s r CANCELED", "60s -2021 Order cancel-replace partially failed."],
    );
    walk(&[100, 101, 102, 80]).check(
        &[resting, "1 amend of=r newQty=0.4 id=r", "1.5 amend of=r newQty=0.4 id=r", "2 amend of=r newQty=0.5 id=r"],
        &[
            "0s r NEW",
            "60s r NEW",
            "100s -2038 The requested action would change no state; rejecting.",
            "120s -2038 Order amend (quantity increase) is not supported.",
            "160s r FILLED 0.4@90 MAKER fee 0.0004",
        ],
    );
}

#[test]
fn rule_4_5_decrement_takes_from_both() {
    let maker = "0 id=m side=BUY type=LIMIT tif=GTC p=98 q=6";
    let mut world = walk(&[100, 100]);
    world.model.half_spread_ticks = 5;
    world.check(
        &[maker, "0 id=t side=SELL type=LIMIT tif=GTC p=98 q=2 selfTradePreventionMode=DECREMENT"],
        &["0s m NEW", "0s t NEW", "0s m NEW", "0s t EXPIRED_IN_MATCH"],
    );
}

#[test]
fn a_taker_outside_the_price_range_expires() {
    let mut world = walk(&[100, 100]);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let reference = [(Timestamp::from_millis(START_MS), Some(market.bars.open[0]))];
        market.reference = Reference::Recorded(reference.into());
        let up = Some("1.005".parse().unwrap());
        market.price_range = Some(PriceRange { bid_limit_mult_up: up, ..PriceRange::default() });
    };
    world.check(
        &["0 id=b side=BUY type=MARKET q=1", "0 id=s side=SELL type=MARKET q=1"],
        &[
            "0s b NEW",
            "0s b EXPIRED EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
            "0s s NEW",
            "0s s FILLED 1@99 TAKER fee 0.099",
        ],
    );
    // The filters go by the reference price too: 200 here, and the average is 100.
    let band = r#",{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.9","avgPriceMins":5}]}]}"#;
    world.info = INFO.replace("]}]}", band);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let twice = Price::from_units(market.bars.open[0].units() * 2);
        market.reference = Reference::Recorded([(Timestamp::from_millis(START_MS), Some(twice))].into());
    };
    world.check(
        &["0 id=a side=SELL type=LIMIT tif=GTC p=190 q=1", "0 id=b side=SELL type=LIMIT tif=GTC p=105 q=1"],
        &["0s a NEW", "0s -1013 Filter failure: PERCENT_PRICE"],
    );
}

#[test]
fn rule_5_8_commission_in_bnb_while_there_is_enough() {
    let mut world = walk(&[100, 100]);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let asset = "BNB".parse().unwrap();
        setup.account.balance_mut(asset).credit("0.001".parse().unwrap());
        market.fill_model.fees.discount = Some(Discount { asset, rate: "0.25".parse().unwrap() });
        // BNB is at 100 too.
        market.discount = Some(DiscountPrices::new(Arc::clone(&market.bars)));
    };
    // 99 × 0.001 × 0.75 / 100; what is left does not cover the second one.
    world.check(
        &["0 id=a side=SELL type=MARKET q=1", "0 id=b side=SELL type=MARKET q=1"],
        &["0s a NEW", "0s a FILLED 1@99 TAKER fee 0.0007425", "0s b NEW", "0s b FILLED 1@99 TAKER fee 0.099"],
    );
}
