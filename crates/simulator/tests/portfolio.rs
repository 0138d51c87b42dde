//! Several markets and series over one account: what is delivered when, where commands are taken
//! up, what everything is worth, deposits and withdrawals.

use std::ops::Range;
use std::sync::Arc;

use candlewick_model::run::{Event, FillModel};
use candlewick_model::{
    Account, Amount, Asset, Bar, Bars, EventLog, ExchangeInfo, ExecutionReport, Interval, OrderSize, Price, Quantity,
    Side, Symbol, Timestamp,
};
use candlewick_simulator::{Backtest, BacktestError, Finished, Market, Setup, Timeline, Transfer};
use candlewick_strategy::{Context, MaCross, PerMarket, Strategy};
use proptest::prelude::{Just, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

const START_MS: i64 = 1_672_531_200_000;
const MINUTE_MS: i64 = 60_000;

fn minute(n: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + n * MINUTE_MS)
}

fn price(whole: i64) -> Price {
    Price::from_units(whole * 100_000_000)
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

/// Bars of so many minutes that open and close at the prices given.
fn bars(from: i64, minutes: i64, prices: &[[i64; 2]]) -> Bars {
    let bar = |(n, [open, close]): (usize, &[i64; 2])| Bar {
        open_time: minute(from + n as i64 * minutes),
        close_time: minute(from + (n as i64 + 1) * minutes).plus(-1),
        open: price(*open),
        high: price(*open.max(close)),
        low: price(*open.min(close)),
        close: price(*close),
        volume: amount("1000"),
        quote_volume: amount("1000"),
        taker_buy_volume: Amount::ZERO,
        taker_buy_quote_volume: Amount::ZERO,
        trades: 1,
    };
    prices.iter().enumerate().map(bar).collect()
}

fn market(symbol: &str, interval: Interval, bars: Bars) -> Market {
    let (base, quote) = symbol.split_at(1);
    let filters = r#"[{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"1000000","tickSize":"1"},
        {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"9000","stepSize":"0.1"}]"#;
    let info = format!(
        r#"{{"serverTime":{START_MS},"symbols":[{{"symbol":"{symbol}","status":"TRADING","baseAsset":"{base}",
        "quoteAsset":"{quote}","orderTypes":["LIMIT","MARKET"],"filters":{filters}}}]}}"#
    );
    let info = ExchangeInfo::parse(&info).unwrap();
    let instrument = info.instruments[&Symbol::new(symbol).unwrap()].clone();
    let model = FillModel { half_spread_ticks: 0, ..FillModel::default() };
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    Market::new(timeline, model, interval, Arc::new(bars))
}

fn setup(markets: Vec<Market>, held: &[(&str, &str)]) -> Setup {
    let account: Account = held.iter().map(|(name, sum)| (asset(name), amount(sum))).collect();
    Setup { markets: markets.clone(), counted_in: asset("U"), ..Setup::of_one(markets[0].clone(), account) }
}

/// Writes down what it is given, and sends market orders at the closes that are named.
#[derive(Default)]
struct Diary {
    orders: Vec<(i64, usize, Side, &'static str)>,
    seen: Vec<String>,
}

impl Strategy for &mut Diary {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        let closed = (bar.close_time.micros() + 1 - minute(0).micros()) / (MINUTE_MS * 1_000);
        self.seen.push(format!("{closed} {} {}", context.instrument().symbol, context.interval()));
        let series = context.series();
        if series == 0 {
            for (_, market, side, quantity) in self.orders.iter().filter(|(at, ..)| *at == closed) {
                context.look_at(*market);
                context.submit_market(*side, OrderSize::Base(quantity.parse().unwrap()));
            }
        }
    }
}

fn run(setup: &Setup, diary: &mut Diary) -> Result<Finished, BacktestError> {
    Backtest::new(setup, diary, "diary").run()
}

fn fills(finished: &Finished) -> Vec<String> {
    let told = |event| match event {
        Event::ExecutionReport(report) => report.fill.map(|fill| {
            let after = (report.time.micros() - minute(0).micros()) / 1_000_000;
            let [price, quantity] = [fill.price.to_string(), fill.quantity.to_string()].map(short);
            format!("{after}s {} {quantity}@{price}", report.order.symbol)
        }),
        Event::Refused { refusal, .. } => Some(refusal.to_string()),
        _ => None,
    };
    finished.outcome.events.iter().filter_map(told).collect()
}

fn short(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn rule_1_3_bars_come_by_time_then_market_then_length() {
    let minutes = bars(0, 1, &[[10, 10]; 6]);
    let mut first = market("AU", Interval::OneMinute, minutes.clone());
    first.longer = vec![(Interval::ThreeMinutes, Arc::new(bars(0, 3, &[[10, 10]; 2])))];
    let setup = setup(vec![first, market("BU", Interval::OneMinute, minutes)], &[("U", "100")]);
    let expected = ["1 AU 1m", "1 BU 1m", "2 AU 1m", "2 BU 1m", "3 AU 1m", "3 AU 3m", "3 BU 1m"];
    let mut quiet = Diary::default();
    let finished = run(&setup, &mut quiet).unwrap();
    assert_eq!(quiet.seen[..7], expected);
    assert_eq!((quiet.seen.len(), finished.outcome.equity.len()), (14, 6), "equity once an instant");
    // The same where something happens on the way.
    let mut busy = Diary { orders: vec![(1, 0, Side::Buy, "1"), (2, 1, Side::Buy, "1")], seen: Vec::new() };
    run(&setup, &mut busy).unwrap();
    assert_eq!(quiet.seen, busy.seen);
}

#[test]
fn what_one_market_brings_pays_for_the_other() {
    let a = market("AU", Interval::OneMinute, bars(0, 1, &[[10, 10], [10, 10], [10, 20], [20, 20]]));
    let b = market("BU", Interval::OneMinute, bars(0, 1, &[[5, 5], [5, 5], [5, 5], [5, 5]]));
    let setup = setup(vec![a, b], &[("A", "10")]);
    let mut diary = Diary {
        orders: vec![(1, 1, Side::Buy, "1"), (1, 0, Side::Sell, "5"), (2, 1, Side::Buy, "10")],
        seen: Vec::new(),
    };
    let finished = run(&setup, &mut diary).unwrap();
    let poor = "-2010 Account has insufficient balance for requested action.";
    assert_eq!(fills(&finished), [poor, "60s AU 5@10", "120s BU 10@5"]);
    // 10 A; then 5 A and 50 U; then 5 A and 10 B at 5; A doubles.
    let equity: Vec<_> = finished.outcome.equity.iter().map(|e| short(e.to_string())).collect();
    assert_eq!(equity, ["100", "100", "150", "150"]);
}

#[test]
fn a_market_that_was_passed_over_takes_commands_at_its_next_point() {
    // The bars of B last five minutes: extremes after 99.99 and 199.99 s.
    let a = market("AU", Interval::OneMinute, bars(0, 1, &[[10, 10]; 6]));
    let b = market("BU", Interval::FiveMinutes, bars(0, 5, &[[5, 6], [6, 6]]));
    let setup = setup(vec![a, b], &[("U", "100")]);
    let orders = vec![(1, 1, Side::Buy, "1"), (2, 1, Side::Buy, "2"), (3, 1, Side::Buy, "3")];
    let finished = run(&setup, &mut Diary { orders, seen: Vec::new() }).unwrap();
    assert_eq!(fills(&finished), ["99s BU 1@5", "199s BU 2@6", "199s BU 3@6"]);
}

#[test]
fn deposits_and_withdrawals_come_in_time() {
    let a = market("AU", Interval::OneMinute, bars(0, 1, &[[10, 10]; 5]));
    let mut setup = setup(vec![a], &[("U", "5")]);
    let transfer =
        |at: i64, sum: &str| Transfer { time: minute(at).plus(30_000_000), asset: asset("U"), amount: amount(sum) };
    setup.transfers = vec![transfer(1, "20"), transfer(3, "-10")];
    let orders = vec![(1, 0, Side::Buy, "1"), (2, 0, Side::Buy, "1")];
    let finished = run(&setup, &mut Diary { orders: orders.clone(), seen: Vec::new() }).unwrap();
    let poor = "-2010 Account has insufficient balance for requested action.";
    assert_eq!(fills(&finished), [poor, "120s AU 1@10"]);
    let equity: Vec<_> = finished.outcome.equity.iter().map(|e| short(e.to_string())).collect();
    assert_eq!(equity, ["5", "25", "25", "15", "15"]);
    setup.transfers = vec![transfer(3, "-10")];
    let error = run(&setup, &mut Diary::default()).err().unwrap().to_string();
    assert!(error.contains("withdrawal of -10.00000000 U") && error.contains("5.00000000 is free"), "{error}");
}

#[test]
fn a_price_series_values_what_is_not_traded() {
    // 2 C at its open until its first bar has closed, then at its closes; its bars last two minutes.
    let a = market("AU", Interval::OneMinute, bars(0, 1, &[[10, 10]; 5]));
    let mut setup = setup(vec![a], &[("U", "100"), ("C", "2")]);
    let c = Arc::new(bars(0, 2, &[[3, 4], [4, 7], [7, 1]]));
    setup.prices = vec![(asset("C"), asset("U"), c)];
    let equity = |diary: &mut Diary| -> Vec<String> {
        let finished = run(&setup, diary).unwrap();
        finished.outcome.equity.iter().map(|e| short(e.to_string())).collect()
    };
    let quiet = equity(&mut Diary::default());
    assert_eq!(quiet, ["106", "108", "108", "114", "114"]);
    // The same where the bars are walked through: bought at what it is worth.
    let orders = vec![(1, 0, Side::Buy, "1"), (3, 0, Side::Buy, "1")];
    assert_eq!(equity(&mut Diary { orders, seen: Vec::new() }), quiet);
}

#[test]
fn rule_1_7_a_market_that_has_ended_takes_nothing_while_others_go_on() {
    let a = market("AU", Interval::OneMinute, bars(0, 1, &[[10, 10]; 6]));
    let b = market("BU", Interval::OneMinute, bars(0, 1, &[[5, 5]; 2]));
    let setup = setup(vec![a, b], &[("U", "100")]);
    let orders = vec![(1, 1, Side::Buy, "1"), (2, 1, Side::Buy, "1"), (3, 1, Side::Buy, "1"), (4, 0, Side::Buy, "1")];
    let finished = run(&setup, &mut Diary { orders, seen: Vec::new() }).unwrap();
    assert_eq!(fills(&finished), ["60s BU 1@5", "240s AU 1@10"]);
    let events: Vec<_> = finished.outcome.events.iter().collect();
    let never = |event: &Event| matches!(event, Event::NotSent { .. });
    assert_eq!(events.iter().filter(|event| never(event)).count(), 2);
    assert!(!never(events.last().unwrap()), "they are told of when it is known, not at the end of all");
}

/// A strategy that is handed every bar.
struct HandedAll<S>(S);

impl<S: Strategy> Strategy for HandedAll<S> {
    fn on_start(&mut self, context: &mut Context) {
        self.0.on_start(context);
    }
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        self.0.on_bar(context, bar);
    }
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        self.0.on_report(context, report);
    }
    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        self.0.on_timer(context, at);
    }
}

/// Buys on the first market at its third close, and on the second one two minutes after that;
/// it has taken in all other bars long before.
struct Sleeper;

impl Strategy for Sleeper {
    fn on_bar(&mut self, context: &mut Context, _: &Bar) {
        if (context.series(), context.bar_count()) == (0, 3) {
            context.submit_market(Side::Buy, OrderSize::Base("1".parse().unwrap()));
        }
    }
    fn quiet_bars(&mut self, series: usize, _: &Bars, next: Range<usize>) -> usize {
        if series == 0 && next.start <= 2 { next.end.min(2) - next.start } else { next.len() }
    }
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        if report.order.symbol.as_str() == "AU" && report.fill.is_some() {
            context.set_timer(context.now().plus(125_000_000));
        }
    }
    fn on_timer(&mut self, context: &mut Context, _: Timestamp) {
        context.look_at(1);
        context.submit_market(Side::Buy, OrderSize::Base("2".parse().unwrap()));
    }
}

#[test]
fn a_timer_that_is_set_later_comes_before_bars_that_were_taken_in() {
    let minutes = || bars(0, 1, &[[10, 10]; 12]);
    let markets = vec![market("AU", Interval::OneMinute, minutes()), market("BU", Interval::OneMinute, minutes())];
    let setup = setup(markets, &[("U", "1000")]);
    let taken_in = Backtest::new(&setup, Sleeper, "sleeper").run().unwrap();
    assert_eq!(fills(&taken_in), ["180s AU 1@10", "319s BU 2@10"]);
    let handed = Backtest::new(&setup, HandedAll(Sleeper), "sleeper").run().unwrap();
    assert!(taken_in.outcome.events.iter().eq(handed.outcome.events.iter()));
}

/// Minutes at these closes, some of which are missing.
fn minutes(closes: &[(i64, bool)]) -> Bars {
    let mut open = closes[0].0;
    let bar = |(minute, (close, is_missing)): (usize, &(i64, bool))| {
        let bar = bars(minute as i64, 1, &[[open, *close]]);
        open = *close;
        (!is_missing).then(|| bar.bar(0))
    };
    closes.iter().enumerate().filter_map(bar).collect()
}

proptest! {
    #[test]
    fn bars_that_are_taken_in_together_are_as_those_handed_one_by_one(
        walks in prop::collection::vec(prop::collection::vec((20_i64..40, prop::bool::weighted(0.03)), 60), 2..4),
        (fast, slow) in (1_usize..4, 4_usize..9),
    ) {
        let symbols = ["AU", "BU", "CU"];
        let markets: Vec<_> = walks.iter().zip(symbols)
            .map(|(walk, symbol)| market(symbol, Interval::OneMinute, minutes(walk)))
            .collect();
        let setup = setup(markets, &[("U", "100000")]);
        let crosses = || {
            let stake = "0.1".parse().unwrap();
            PerMarket::new(walks.iter().map(|_| MaCross::new(fast, slow, stake).unwrap()).collect())
        };
        let taken_in = Backtest::new(&setup, crosses(), "crosses").run().unwrap().outcome;
        let handed = Backtest::new(&setup, HandedAll(crosses()), "crosses").run().unwrap().outcome;
        prop_assert!(taken_in.events.iter().eq(handed.events.iter()));
        prop_assert!(taken_in.marks.iter().eq(handed.marks.iter()));
        prop_assert_eq!(taken_in.equity, handed.equity);
        prop_assert_eq!(taken_in.account, handed.account);
    }
}

/// Sends orders to any market, at closes and on reports; with timers that do nothing, so that
/// nothing can be passed over.
struct Restless {
    state: u64,
    has_timers: bool,
    left: u32,
}

impl Restless {
    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below
    }

    fn act(&mut self, context: &mut Context) {
        let series = self.random(context.series_count() as u64) as usize;
        context.look_at(series);
        let side = [Side::Buy, Side::Sell][self.random(2) as usize];
        let quantity = Quantity::from_units(100_000_000 * (1 + self.random(3) as i64));
        match (self.random(4), context.close(0)) {
            (0, _) => drop(context.cancel_all()),
            (1, Some(close)) => {
                let far = close.units() / 10 * (9 + self.random(3) as i64);
                context.submit_limit(side, Price::from_units(far).floor_to(price(1)), quantity);
            }
            _ => drop(context.submit_market(side, OrderSize::Base(quantity))),
        }
    }
}

impl Strategy for Restless {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        if self.has_timers {
            (1..6).for_each(|part| context.set_timer(bar.close_time.plus(part * 10_000_001)));
        }
        if self.random(6) == 0 {
            self.act(context);
        }
    }
    fn on_report(&mut self, context: &mut Context, _: &ExecutionReport) {
        if self.left > 0 && self.random(3) == 0 {
            self.left -= 1;
            self.act(context);
        }
    }
}

proptest! {
    #[test]
    fn markets_that_are_passed_over_are_as_those_walked_along(
        walks in prop::collection::vec(prop::collection::vec((20_i64..40, prop::bool::weighted(0.03)), 40), 2..4),
        state in 0..u64::MAX,
        latency_ms in prop_oneof![Just(0), 1_i64..90_000],
    ) {
        let markets = walks.iter().zip(["AU", "BU", "CU"]).map(|(walk, symbol)| {
            let mut market = market(symbol, Interval::OneMinute, minutes(walk));
            market.fill_model.latency_us = latency_ms * 1_000;
            market
        });
        let setup = setup(markets.collect(), &[("U", "10000"), ("A", "50"), ("B", "50"), ("C", "50")]);
        let run = |has_timers| {
            let restless = Restless { state, has_timers, left: 60 };
            Backtest::new(&setup, restless, "restless").run().unwrap().outcome
        };
        let (passed, walked) = (run(false), run(true));
        let told = |events: &EventLog| events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
        prop_assert_eq!(told(&passed.events), told(&walked.events));
        prop_assert!(passed.marks.iter().eq(walked.marks.iter()));
        prop_assert_eq!(passed.equity, walked.equity);
    }
}
