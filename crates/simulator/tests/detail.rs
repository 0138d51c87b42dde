//! Rule 2.2, `detail`: a market that moves along finer bars inside its own is the market of the
//! finer bars, whatever a strategy does on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candlewick_model::run::{Assumptions, Event, FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::{
    Account, Action, Amount, Bar, Bars, ExchangeInfo, ExecutionReport, Instrument, Interval, Price, Quantity,
    RawParameters, Timestamp,
};
use candlewick_simulator::{
    Backtest, Detail, DetailSource, Finished, Market, MovingMean, Print, Reference, Setup, Timeline, Unreadable,
};
use candlewick_strategy::{Context, Strategy};
use proptest::prelude::*;
use proptest::strategy::{Strategy as Strategy_, ValueTree};

const START_MS: i64 = 1_672_531_200_000;
const MINUTE: i64 = 60_000_000;
const UNIT: i64 = 100_000_000;
/// Minutes of a long bar.
const MINUTES: i64 = 5;

/// Jump, way up, way down, where between them it closes, volume in tenths, and whether the
/// minute is there at all.
type Shape = (i64, i64, i64, u8, i64, bool);
/// Kind, is it a BUY, tenths of base, ticks from the last price.
type Order = (u8, bool, i64, i64);

#[derive(Debug, Clone)]
struct World {
    shapes: Vec<Shape>,
    model: FillModel,
    mean: bool,
    /// What is sent at the closes of long bars, at times (in seconds), and when something fills.
    at_closes: Vec<Option<Order>>,
    at_times: Vec<(i64, Order)>,
    at_fills: Vec<Order>,
}

fn shape() -> impl Strategy_<Value = Shape> {
    (-2..=2_i64, 0..6_i64, 0..6_i64, any::<u8>(), prop_oneof![4 => 1..400_i64, 1 => Just(0)], prop::bool::weighted(0.9))
}

fn order() -> impl Strategy_<Value = Order> {
    (0..12_u8, any::<bool>(), 1..60_i64, 0..9_i64)
}

fn world() -> impl Strategy_<Value = World> {
    let slippage = prop_oneof![Just(Slippage::None), Just(Slippage::Ticks(1)), Just(Slippage::SquareRoot(400))];
    let model = (slippage, 0..3_u32, any::<bool>(), prop_oneof![Just(0_i64), 0..90_000_000_i64]).prop_map(
        |(slippage, half_spread_ticks, touches, latency_us)| FillModel {
            slippage,
            half_spread_ticks,
            maker_fill: if touches { MakerFill::Touch } else { MakerFill::Through },
            latency_us,
            ..FillModel::default()
        },
    );
    let orders = (
        prop::collection::vec(prop::option::weighted(0.8, order()), 0..12),
        prop::collection::vec((0..3_600_i64, order()), 0..12),
        prop::collection::vec(order(), 0..6),
    );
    (prop::collection::vec(shape(), 5..60), model, any::<bool>(), orders).prop_map(
        |(shapes, model, mean, (at_closes, at_times, at_fills))| World {
            shapes,
            model,
            mean,
            at_closes,
            at_times,
            at_fills,
        },
    )
}

fn price(ticks: i64) -> Price {
    Price::from_units(ticks * UNIT)
}

/// Trades on the long bars alone; the short ones that it may be given too are nothing to it.
struct Reactive<'a> {
    world: &'a World,
    closes: usize,
    fills: usize,
    /// The last price that it has heard of.
    last: i64,
}

impl Reactive<'_> {
    fn send(context: &mut Context, (kind, buys, tenths, ticks): Order, about: i64) {
        let away = if buys { -ticks } else { ticks };
        let at = |offset: i64| (about + offset).max(1).to_string();
        let quantity = format!("{}.{}", tenths / 10, tenths % 10);
        let limit = |name: &'static str, offset| vec![("timeInForce", "GTC".to_owned()), (name, at(offset))];
        let (kind, more) = match kind {
            0..=2 => ("LIMIT", limit("price", away)),
            3 => ("LIMIT", vec![("timeInForce", "IOC".to_owned()), ("price", at(-away))]),
            4 => ("LIMIT", vec![("timeInForce", "FOK".to_owned()), ("price", at(-away))]),
            5 => ("LIMIT_MAKER", vec![("price", at(away))]),
            6 => ("STOP_LOSS", vec![("stopPrice", at(-away))]),
            7 => ("STOP_LOSS", vec![("trailingDelta", (100 + ticks * 50).to_string())]),
            8 => ("TAKE_PROFIT_LIMIT", [limit("price", away), vec![("stopPrice", at(away))]].concat()),
            9 => {
                context.send_raw(Action::CancelAll, parameters(&[("symbol", "AB".to_owned())]));
                return;
            }
            _ => ("MARKET", Vec::new()),
        };
        let side = if buys { "BUY" } else { "SELL" };
        let own = [("symbol", "AB"), ("side", side), ("type", kind), ("quantity", &quantity)];
        let own = own.map(|(name, value)| (name, value.to_owned()));
        context.send_raw(Action::New, parameters(&[&own[..], &more].concat()));
    }
}

fn parameters(pairs: &[(&str, String)]) -> RawParameters {
    pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

impl Strategy for Reactive<'_> {
    fn on_start(&mut self, context: &mut Context) {
        for (seconds, _) in &self.world.at_times {
            context.set_timer(Timestamp::from_millis(START_MS).plus(seconds * 1_000_000));
        }
    }

    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        if context.interval() == Interval::OneMinute {
            return;
        }
        self.last = bar.close.units() / UNIT;
        if let Some(Some(order)) = self.world.at_closes.get(self.closes) {
            Self::send(context, *order, self.last);
        }
        self.closes += 1;
    }

    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        let seconds = (at.micros() / 1_000 - START_MS) / 1_000;
        for (_, order) in self.world.at_times.iter().filter(|(time, _)| *time == seconds) {
            Self::send(context, *order, self.last);
        }
    }

    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        let Some(fill) = report.fill else { return };
        if let Some(order) = self.world.at_fills.get(self.fills) {
            Self::send(context, *order, fill.price.units() / UNIT);
        }
        self.fills += 1;
    }
}

/// Finer bars, and how often somebody has looked.
#[derive(Default)]
struct Finer {
    bars: Arc<Bars>,
    looked: AtomicUsize,
}

impl DetailSource for Finer {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        self.looked.fetch_add(1, Ordering::Relaxed);
        let from = self.bars.open_time.partition_point(|open| open < open_time);
        let to = self.bars.open_time.partition_point(|open| open <= close_time);
        Ok((from < to).then(|| Detail::Bars(Arc::clone(&self.bars), from..to)))
    }
}

fn finer(bars: &Arc<Bars>) -> Arc<Finer> {
    Arc::new(Finer { bars: Arc::clone(bars), ..Finer::default() })
}

/// The market of an asset in B, from an instant on.
fn snapshot(base: &str, time: i64, step: &str) -> (Timestamp, Instrument) {
    let info = format!(
        r#"{{"serverTime":{time},"symbols":[{{"symbol":"{base}B","status":"TRADING","baseAsset":"{base}","quoteAsset":"B",
        "allowTrailingStop":true,"orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","TAKE_PROFIT_LIMIT"],
        "filters":[{{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"1"}},
            {{"filterType":"PERCENT_PRICE","multiplierUp":"1.2","multiplierDown":"0.8","avgPriceMins":3}},
            {{"filterType":"LOT_SIZE","minQty":"0","maxQty":"1000","stepSize":"{step}"}}]}}]}}"#
    );
    let info = ExchangeInfo::parse(&info).unwrap();
    (info.server_time, info.instruments[&format!("{base}B").parse().unwrap()].clone())
}

/// Trades.
struct Traded(Arc<[Print]>);

impl DetailSource for Traded {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let from = self.0.partition_point(|trade| trade.time < open_time);
        let to = self.0.partition_point(|trade| trade.time <= close_time);
        Ok((from < to).then(|| Detail::Trades(Arc::clone(&self.0), from..to)))
    }
}

impl World {
    fn minutes(&self) -> Bars {
        let mut last = 100_i64;
        let bar = |(at, &(jump, up, down, close, volume, is_there)): (usize, &Shape)| {
            // The first one is there and has volume: both markets begin at one instant and price.
            let (is_there, volume) = if at == 0 { (true, volume + 1) } else { (is_there, volume) };
            let open = if volume == 0 { last } else { (last + jump).max(8) };
            let (high, low) = if volume == 0 { (open, open) } else { (open + up, open - down) };
            last = low + i64::from(close) % (high - low + 1);
            let open_time = Timestamp::from_millis(START_MS).plus(at as i64 * MINUTE);
            let volume = i128::from(volume * UNIT / 10);
            is_there.then(|| Bar {
                open_time,
                close_time: open_time.plus(MINUTE - 1),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(last),
                volume: Amount::from_units(volume),
                quote_volume: Amount::from_units(volume * i128::from(open)),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: 1,
            })
        };
        // What moves the price is told of even if the minute itself is missing: a jump.
        self.shapes.iter().enumerate().filter_map(bar).collect()
    }

    /// Four trades in every minute, two at one time, that make it up.
    fn trades(&self) -> Arc<[Print]> {
        let of_minute = |bar: Bar| {
            let part = bar.volume.units() / 4;
            let quantities = [part, part, part, bar.volume.units() - 3 * part].map(Amount::from_units);
            let at = [2_000_000, 21_500_000, 21_500_000, 59_999_999].map(|after| bar.open_time.plus(after));
            let prices = [bar.open, bar.high, bar.low, bar.close];
            (0..4).map(move |n| Print {
                time: at[n],
                price: prices[n],
                quantity: Quantity::from_amount_saturating(quantities[n]),
            })
        };
        self.minutes().iter().filter(|bar| !bar.volume.is_zero()).flat_map(of_minute).collect()
    }

    fn market(&self, path: PathModel, interval: Interval, bars: Bars, averages: &Arc<Bars>) -> Market {
        let timeline =
            Timeline::new(vec![snapshot("A", START_MS - 1, "0.1"), snapshot("A", START_MS + 431_000, "0.2")]);
        let reference = if self.mean { Reference::Mean(MovingMean::new(10_000, 30)) } else { Reference::Absent };
        let model = FillModel { path, ..self.model };
        Market {
            average_bars: Arc::clone(averages),
            reference,
            ..Market::new(timeline.unwrap(), model, interval, Arc::new(bars))
        }
    }

    fn run(&self, market: Market) -> Finished {
        self.run_on(vec![market])
    }

    fn run_on(&self, markets: Vec<Market>) -> Finished {
        let held = [("A", "20"), ("B", "3000")];
        let account: Account =
            held.into_iter().map(|(name, sum)| (name.parse().unwrap(), sum.parse().unwrap())).collect();
        let strategy = Reactive { world: self, closes: 0, fills: 0, last: 100 };
        let setup = Setup { markets: markets.clone(), ..Setup::of_one(markets[0].clone(), account) };
        Backtest::new(&setup, strategy, "reactive").run().unwrap()
    }
}

/// Long bars of the minutes that are there; what was not traded has the price before it.
fn longer(minutes: &Bars) -> Bars {
    let slot = |bar: &Bar| (bar.open_time.micros() / 1_000 - START_MS) / 1_000 / 60 / MINUTES;
    let all: Vec<Bar> = minutes.iter().collect();
    let join = |parts: &[Bar]| {
        let open_time = Timestamp::from_millis(START_MS).plus(slot(&parts[0]) * MINUTES * MINUTE);
        let close_time = open_time.plus(MINUTES * MINUTE - 1);
        let traded: Vec<&Bar> = parts.iter().filter(|bar| !bar.volume.is_zero()).collect();
        let (Some(first), Some(last)) = (traded.first(), traded.last()) else {
            return Bar { open_time, close_time, ..parts[0] };
        };
        Bar {
            open_time,
            close_time,
            open: first.open,
            high: traded.iter().map(|bar| bar.high).max().unwrap(),
            low: traded.iter().map(|bar| bar.low).min().unwrap(),
            close: last.close,
            volume: Amount::from_units(traded.iter().map(|bar| bar.volume.units()).sum()),
            ..parts[0]
        }
    };
    all.chunk_by(|a, b| slot(a) == slot(b)).map(join).collect()
}

/// What happened; what the market ended too early for comes last, since it is told when that is
/// sure, which is earlier where the minutes end before a longer bar does.
fn events(finished: &Finished) -> Vec<Event> {
    let mut events: Vec<Event> = finished.outcome.events.iter().collect();
    events.sort_by_key(|event| matches!(event, Event::NotSent { .. }));
    events
}

/// All but what is only counted along detail.
fn decided(finished: &Finished) -> Assumptions {
    Assumptions { bars_with_detail: 0, bars_without_detail: 0, ..finished.assumptions }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn rule_2_2_along_minutes_long_bars_are_the_market_of_the_minutes(world in world()) {
        let minutes = Arc::new(world.minutes());
        let long = longer(&minutes);
        let market = world.market(PathModel::Nearest, Interval::OneMinute, (*minutes).clone(), &minutes);
        let along = world.run(Market { longer: vec![(Interval::FiveMinutes, Arc::new(long.clone()))], ..market });
        let market = world.market(PathModel::Detail, Interval::FiveMinutes, long, &minutes);
        let source = finer(&minutes);
        let inside = world.run(Market { details: vec![source.clone()], ..market });
        prop_assert_eq!(events(&inside), events(&along));
        prop_assert_eq!(&inside.outcome.account, &along.outcome.account);
        prop_assert_eq!(decided(&inside), decided(&along));
        prop_assert_eq!(inside.assumptions.bars_without_detail, 0);
        let looked = source.looked.load(Ordering::Relaxed) as u64;
        prop_assert!(inside.assumptions.bars_with_detail <= looked, "nobody looks twice");
    }

    #[test]
    fn rule_2_2_a_bar_inside_itself_changes_nothing(world in world()) {
        let minutes = Arc::new(world.minutes());
        let run = |path, details| {
            let market = world.market(path, Interval::OneMinute, (*minutes).clone(), &minutes);
            world.run(Market { details, ..market })
        };
        let nearest = run(PathModel::Nearest, vec![finer(&minutes)]);
        prop_assert_eq!((nearest.assumptions.bars_with_detail, nearest.assumptions.bars_without_detail), (0, 0));
        let inside = run(PathModel::Detail, vec![finer(&minutes)]);
        prop_assert_eq!(inside.assumptions.bars_without_detail, 0);
        let nothing = run(PathModel::Detail, vec![Arc::new(Finer::default())]);
        prop_assert_eq!(nothing.assumptions.bars_with_detail, 0);
        for other in [inside, nothing] {
            prop_assert_eq!(events(&other), events(&nearest));
            prop_assert_eq!(&other.outcome.equity, &nearest.outcome.equity);
            prop_assert_eq!(decided(&other), decided(&nearest));
        }
    }
}

/// What own fills may take at each instant, and what they take.
fn budgets(world: &World, trades: &[Print], events: &[Event]) -> BTreeMap<Timestamp, (i128, i128)> {
    let mut budgets = BTreeMap::<_, (i128, i128)>::new();
    for trade in trades {
        let share = Amount::from(trade.quantity).times_rate_floor(world.model.volume_share);
        budgets.entry(trade.time).or_default().0 += share.units();
    }
    let mut sides = BTreeMap::<u64, usize>::new();
    let fills = || {
        events
            .iter()
            .filter_map(|event| if let Event::ExecutionReport(r) = event { Some((r.time, r.fill?)) } else { None })
    };
    fills().for_each(|(_, fill)| *sides.entry(fill.trade_id).or_default() += 1);
    // Trades with oneself take nothing of the market.
    for (time, fill) in fills().filter(|(_, fill)| sides[&fill.trade_id] == 1) {
        budgets.entry(time).or_default().1 += i128::from(fill.quantity.units());
    }
    budgets
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn rule_2_2_each_trade_is_walked_or_passed_with_the_same_result(world in world()) {
        let (minutes, trades) = (Arc::new(world.minutes()), world.trades());
        let market = world.market(PathModel::Detail, Interval::FiveMinutes, longer(&minutes), &minutes);
        let market = Market { details: vec![Arc::new(Traded(Arc::clone(&trades)))], ..market };
        let alone = world.run(market.clone());
        // Beside another market nothing is passed; this one opens when all is over.
        let mut later = minutes.bar(0);
        (later.open_time, later.close_time) = (later.open_time.plus(100 * MINUTE), later.close_time.plus(100 * MINUTE));
        let timeline = Timeline::new(vec![snapshot("X", START_MS - 1, "0.1")]).unwrap();
        let other = Market::new(timeline, world.model, Interval::OneMinute, Arc::new([later].into_iter().collect()));
        let beside = world.run_on(vec![market, other]);
        prop_assert_eq!(events(&alone), events(&beside));
        prop_assert_eq!(alone.assumptions, beside.assumptions);
        prop_assert_eq!(alone.assumptions.bars_without_detail, 0);
        for (time, (budget, taken)) in budgets(&world, &trades, &events(&alone)) {
            prop_assert!(taken <= budget, "{} of {} at {}", taken, budget, time);
        }
    }
}

#[test]
fn something_happens_in_these_worlds() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut fills, mut refusals, mut with_detail) = (0, 0, 0);
    for _ in 0..50 {
        let world = world().new_tree(&mut runner).unwrap().current();
        let minutes = Arc::new(world.minutes());
        let market = world.market(PathModel::Detail, Interval::FiveMinutes, longer(&minutes), &minutes);
        let finished = world.run(Market { details: vec![finer(&minutes)], ..market });
        let count = |what: fn(&Event) -> bool| events(&finished).iter().filter(|event| what(event)).count();
        fills += count(|event| matches!(event, Event::ExecutionReport(report) if report.fill.is_some()));
        refusals += count(|event| matches!(event, Event::Refused { .. }));
        with_detail += finished.assumptions.bars_with_detail;
    }
    assert!(fills > 80 && refusals > 80 && with_detail > 100, "{fills} {refusals} {with_detail}");
}

/// Buys once, at the close of a bar.
struct Once {
    at: usize,
    closed: usize,
}

impl Strategy for Once {
    fn on_bar(&mut self, context: &mut Context, _: &Bar) {
        self.closed += 1;
        if self.closed == self.at {
            context.submit_market(candlewick_model::Side::Buy, candlewick_model::OrderSize::Base("1".parse().unwrap()));
        }
    }
}

struct Broken;

impl DetailSource for Broken {
    fn inside(&self, _: Timestamp, _: Timestamp) -> Result<Option<Detail>, Unreadable> {
        Err("the disk is gone".into())
    }
}

/// Ten quiet long bars of five minutes each, and an order after the sixth.
fn quiet(details: Vec<Arc<dyn DetailSource>>) -> (Setup, Once) {
    let world = World {
        shapes: vec![(0, 1, 1, 1, 400, true); 50],
        model: FillModel::default(),
        mean: false,
        at_closes: Vec::new(),
        at_times: Vec::new(),
        at_fills: Vec::new(),
    };
    let minutes = Arc::new(world.minutes());
    let market = world.market(PathModel::Detail, Interval::FiveMinutes, longer(&minutes), &minutes);
    let account = [("B".parse().unwrap(), "3000".parse().unwrap())].into_iter().collect();
    (Setup::of_one(Market { details, ..market }, account), Once { at: 6, closed: 0 })
}

fn quiet_minutes() -> Arc<Finer> {
    let (setup, _) = quiet(Vec::new());
    finer(&setup.markets[0].average_bars)
}

#[test]
fn only_bars_that_are_walked_are_looked_into() {
    let source = quiet_minutes();
    let (setup, once) = quiet(vec![source.clone()]);
    let finished = Backtest::new(&setup, once, "once").run().unwrap();
    assert_eq!(source.looked.load(Ordering::Relaxed), 1);
    assert_eq!((finished.assumptions.bars_with_detail, finished.assumptions.taker_fills), (1, 1));
}

#[test]
fn the_finest_source_that_knows_the_bar_is_taken() {
    let (unknowing, knowing, last) = (Arc::new(Finer::default()), quiet_minutes(), quiet_minutes());
    let (setup, once) = quiet(vec![unknowing.clone(), knowing.clone(), last.clone()]);
    let finished = Backtest::new(&setup, once, "once").run().unwrap();
    assert_eq!([&unknowing, &knowing, &last].map(|source| source.looked.load(Ordering::Relaxed)), [1, 1, 0]);
    assert_eq!((finished.assumptions.bars_with_detail, finished.assumptions.bars_without_detail), (1, 0));
    let (setup, once) = quiet(vec![unknowing]);
    let finished = Backtest::new(&setup, once, "once").run().unwrap();
    assert_eq!((finished.assumptions.bars_with_detail, finished.assumptions.bars_without_detail), (0, 1));
}

#[test]
fn what_cannot_be_read_ends_the_run() {
    let (setup, once) = quiet(vec![Arc::new(Broken)]);
    let error = Backtest::new(&setup, once, "once").run().err().unwrap().to_string();
    let bar = "what happened inside the bar of AB that opens at 2023-01-01T00:30:00Z cannot be read";
    assert_eq!(error, format!("{bar}: the disk is gone"));
}
