//! What holds under any trouble for a strategy that reacts to everything it hears: two markets,
//! three series, random orders, cancels, timers, deposits.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use candlewick_model::run::{CommandId, Event, FillModel};
use candlewick_model::stress::{Episode, Met};
use candlewick_model::{
    Account, Amount, Asset, Bar, Bars, CommissionRates, ExchangeInfo, ExecutionReport, ExecutionType, Interval,
    OrderKind, OrderSize, Price, Quantity, Refusal, Side, Symbol, TimeInForce, Timestamp, Trigger, TriggerKind,
};
use candlewick_simulator::{Backtest, Finished, Market, Setup, Timeline, Transfer};
use candlewick_strategy::{Context, Strategy};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

const START_MS: i64 = 1_672_531_200_000;
const UNIT: i64 = 100_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + seconds * 1_000)
}

fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

/// Answers what it hears with orders, cancels and timers, a few at a time.
struct Restless {
    random: ChaCha8Rng,
    heard: Vec<String>,
}

impl Restless {
    fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), heard: Vec::new() }
    }

    fn hear(&mut self, context: &Context, what: String) {
        let base = context.balance(asset("A"));
        self.heard.push(format!("{} {what} {} {}", context.now(), base.free, context.open_orders().len()));
    }

    fn act(&mut self, context: &mut Context, often: u32) {
        let draw = self.random.next_u32();
        if !draw.is_multiple_of(often) {
            return;
        }
        let (draw, side) = (draw / often, if draw & 0x8000 == 0 { Side::Buy } else { Side::Sell });
        if draw % 5 == 0 {
            context.look_at((draw / 5) as usize % context.series_count());
        }
        let last = context.close(0).unwrap_or(Price::from_units(100 * UNIT));
        let away = Price::from_units((last.units() / UNIT + i64::from(draw / 16 % 7) - 3).max(1) * UNIT);
        let quantity = Quantity::from_units(i64::from(draw / 128 % 20 + 1) * UNIT / 10);
        match draw / 4_096 % 6 {
            0 => drop(context.submit_market(side, OrderSize::Base(quantity))),
            1 | 2 => drop(context.submit_limit(side, away, quantity)),
            3 => {
                let mut order = context.order(side, OrderKind::Market, OrderSize::Base(quantity));
                let kind = TriggerKind::StopLoss;
                order.trigger = Some(Trigger { kind, stop_price: Some(away), trailing_delta: None });
                context.submit(order);
            }
            4 => {
                let order = context.open_orders().first().map_or(9, |order| order.order_id);
                context.cancel(order);
            }
            _ => {
                let kind = OrderKind::Limit { price: away, time_in_force: TimeInForce::Ioc };
                let order = context.order(side, kind, OrderSize::Base(quantity));
                context.submit(order);
                context.set_timer(context.now().plus(i64::from(draw % 90) * 1_000_000));
            }
        }
    }
}

impl Strategy for &mut Restless {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        self.hear(context, format!("bar {}", bar.close_time));
        self.act(context, 1);
    }
    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        self.hear(context, format!("{} {}", report.order.order_id, report.execution_type));
        self.act(context, 4);
    }
    fn on_refused(&mut self, context: &mut Context, command: CommandId, refusal: &Refusal) {
        self.hear(context, format!("{command} {}", refusal.code));
        self.act(context, 3);
    }
    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        self.hear(context, format!("timer {at}"));
        self.act(context, 2);
    }
}

fn market(symbol: &str, prices: &[i64], longer: bool) -> Market {
    let (base, quote) = symbol.split_at(1);
    let info = format!(
        r#"{{"serverTime":{START_MS},"symbols":[{{"symbol":"{symbol}","status":"TRADING","baseAsset":"{base}",
        "quoteAsset":"{quote}","orderTypes":["LIMIT","MARKET","STOP_LOSS"],"filters":[
        {{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"0","tickSize":"1"}},
        {{"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"9000","stepSize":"0.1"}}]}}]}}"#
    );
    let info = ExchangeInfo::parse(&info).unwrap();
    let instrument = info.instruments[&Symbol::new(symbol).unwrap()].clone();
    let bar = |(n, pair): (usize, &[i64])| {
        let price = |ticks: i64| Price::from_units(ticks * UNIT);
        Bar {
            open_time: at(n as i64 * 60),
            close_time: at(n as i64 * 60 + 60).plus(-1),
            open: price(pair[0]),
            high: price(pair[0].max(pair[1]) + 1),
            low: price(pair[0].min(pair[1]) - 1),
            close: price(pair[1]),
            volume: Amount::from_units(i128::from(30 * UNIT)),
            quote_volume: Amount::from_units(i128::from(3_000 * UNIT)),
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 1,
        }
    };
    let bars: Bars = prices.windows(2).enumerate().map(bar).collect();
    let threes: Bars = (0..bars.len() / 3)
        .map(|n| Bar { close_time: bars.close_time.at(3 * n + 2), close: bars.close[3 * n + 2], ..bars.bar(3 * n) })
        .collect();
    let model = FillModel {
        latency_us: 40_000,
        fees: CommissionRates::simple("0.001".parse().unwrap(), "0.002".parse().unwrap()),
        ..FillModel::default()
    };
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let made = Market::new(timeline, model, Interval::OneMinute, Arc::new(bars));
    Market { longer: if longer { vec![(Interval::ThreeMinutes, threes.into())] } else { Vec::new() }, ..made }
}

/// When it begins and how long it lasts (seconds), what, and on which market.
type Shape = (i64, i64, u8, u8);

fn episode(&(from, seconds, what, whose): &Shape) -> Episode {
    let rest = match what % 6 {
        0 => r#""kind":"halt""#,
        1 => r#""kind":"timeout","executed":0.5"#,
        2 => r#""kind":"latency","ms":3000"#,
        3 => r#""kind":"rejection","code":-1003,"retry_after":3"#,
        4 => r#""kind":"rejection","code":-1008"#,
        _ => r#""kind":"rejection","code":-1000,"status":400"#,
    };
    let symbols = [r#"["AU"]"#, r#"["BU"]"#, "[]"][usize::from(whose) % 3];
    let (from, to) = (at(from), at(from + seconds));
    serde_json::from_str(&format!(r#"{{"from":"{from}","to":"{to}","symbols":{symbols},{rest}}}"#)).unwrap()
}

fn setup(moves: &[(i64, i64)]) -> Setup {
    let walk = |of: fn(&(i64, i64)) -> i64| -> Vec<i64> {
        let mut price = 100;
        let step = |step: &(i64, i64)| {
            price = (price + of(step)).max(5);
            price
        };
        std::iter::once(100).chain(moves.iter().map(step)).collect()
    };
    let markets = vec![market("AU", &walk(|m| m.0), true), market("BU", &walk(|m| m.1), false)];
    let amount = |text: &str| text.parse::<Amount>().unwrap();
    let account: Account =
        [("A", "5"), ("B", "0"), ("U", "1000")].map(|(name, sum)| (asset(name), amount(sum))).into_iter().collect();
    let transfers = vec![Transfer { time: at(150), asset: asset("U"), amount: amount("500") }];
    Setup { markets: markets.clone(), transfers, ..Setup::of_one(markets[0].clone(), account) }
}

fn run(setup: &Setup, seed: u64) -> (Finished, Vec<String>) {
    let mut strategy = Restless::new(seed);
    // That both sides hold the same balances is checked in here.
    let finished = Backtest::new(setup, &mut strategy, "restless").run().unwrap();
    (finished, strategy.heard)
}

/// What fills and deposits leave of what there was.
fn check_conservation(setup: &Setup, finished: &Finished, events: &[Event]) -> Result<(), TestCaseError> {
    let mut totals: BTreeMap<Asset, i128> =
        setup.account.iter().map(|(asset, held)| (asset, held.total().units())).collect();
    let mut add = |asset: Asset, units: i128| *totals.entry(asset).or_default() += units;
    for event in events {
        match event {
            Event::BalanceUpdate { asset, amount, .. } => add(*asset, amount.units()),
            Event::ExecutionReport(ExecutionReport { order, fill: Some(fill), .. }) => {
                let (base, quote) = order.symbol.as_str().split_at(1);
                let sign = if order.side == Side::Buy { 1 } else { -1 };
                add(asset(base), sign * i128::from(fill.quantity.units()));
                add(asset(quote), -sign * fill.quote_quantity.units());
                add(fill.commission_asset, -fill.commission.units());
            }
            _ => {}
        }
    }
    for (asset, held) in finished.outcome.account.iter() {
        prop_assert_eq!(held.total().units(), totals[&asset], "{}", asset);
        prop_assert!(held.free >= Amount::ZERO && held.locked >= Amount::ZERO);
    }
    Ok(())
}

/// An order is told of by its NEW first, and by nothing after its end; commands leave one after
/// the other, and none while the outcome of another is waited for.
fn check_order(events: &[Event]) -> Result<(), TestCaseError> {
    let told: Vec<_> = events.iter().filter(|event| !matches!(event, Event::NotSent { .. })).collect();
    for pair in told.windows(2) {
        prop_assert!(pair[0].time() <= pair[1].time(), "{}", serde_json::to_string_pretty(&pair).unwrap());
    }
    let (mut done, mut free) = (BTreeMap::new(), Timestamp::MIN);
    for event in events {
        match event {
            Event::ExecutionReport(report) => {
                let before = done.insert(report.order.order_id, report.order.status.is_final());
                let expected = if report.execution_type == ExecutionType::New { None } else { Some(false) };
                prop_assert!(before == expected || before == Some(false), "{report:?}");
            }
            Event::Trouble { left, met, .. } => {
                prop_assert!(*left >= free, "left at {left} while the session waited until {free}");
                match **met {
                    Met::TimedOut { known, .. } | Met::Rejected { known, .. } => {
                        prop_assert!(known > *left);
                        free = known;
                    }
                    Met::Delayed { .. } => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    #[test]
    fn a_restless_strategy_under_any_trouble(
        moves in prop::collection::vec((-4..5_i64, -4..5_i64), 6..30),
        shapes in prop::collection::vec((-20..1_800_i64, 1..400_i64, any::<u8>(), any::<u8>()), 1..8),
        seed in any::<u64>(),
    ) {
        let calm = setup(&moves);
        let stressed = calm.under(shapes.iter().map(episode).collect(), ChaCha8Rng::seed_from_u64(seed));
        let (finished, heard) = run(&stressed, seed);
        let events: Vec<_> = finished.outcome.events.iter().collect();
        check_conservation(&calm, &finished, &events)?;
        check_order(&events)?;
        // Every bar is heard, once and in its order, and equity is taken at the same instants.
        let (reference, _) = run(&calm, seed);
        prop_assert!(finished.outcome.marks.iter().eq(reference.outcome.marks.iter()));
        prop_assert_eq!(finished.outcome.equity.len(), finished.outcome.marks.len());
        let bars = heard.iter().filter(|line| line.contains(" bar ")).count();
        prop_assert_eq!(bars, calm.markets.iter().map(|m| m.bars.len()).sum::<usize>() + calm.markets[0].longer[0].1.len());
        // The same seed gives the same bytes.
        let (again, heard_again) = run(&stressed, seed);
        let bytes = |finished: &Finished| serde_json::to_string(&finished.outcome.events).unwrap();
        prop_assert_eq!(bytes(&finished), bytes(&again));
        prop_assert_eq!(heard, heard_again);
    }

    /// Episodes that nothing meets change nothing but that they are told.
    #[test]
    fn what_concerns_nobody_changes_nothing(
        moves in prop::collection::vec((-4..5_i64, -4..5_i64), 6..20),
        what in any::<u8>(),
        seed in any::<u64>(),
    ) {
        let calm = setup(&moves);
        let after = episode(&(100_000, 60, what, 2));
        let stressed = calm.under(vec![after], ChaCha8Rng::seed_from_u64(seed));
        let (left, right) = (run(&calm, seed), run(&stressed, seed));
        let told = |finished: &Finished| -> Vec<_> {
            finished.outcome.events.iter().filter(|event| !matches!(event, Event::Stress { .. })).collect()
        };
        prop_assert_eq!(told(&left.0), told(&right.0));
        prop_assert_eq!(left.1, right.1);
        prop_assert_eq!(left.0.outcome.equity, right.0.outcome.equity);
    }
}
