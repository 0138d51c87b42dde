//! What holds for any script on any bars: random markets of a few bars on small numbers, so
//! that touches, ties, exhausted budgets and own orders in the way are frequent.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use candlewick_model::ledger::locked_by;
use candlewick_model::run::{Event, FillModel, MakerFill, PathModel, Slippage, orders_of};
use candlewick_model::stress::Episode;
use candlewick_model::{
    Account, Amount, Asset, Bar, Bars, CommissionRates, ExchangeInfo, ExecutionReport, ExecutionType, Interval,
    Liquidity, ListOrderStatus, Order as Placed, OrderType, Price, Side, Symbol, Timestamp,
};
use candlewick_simulator::trace::{Fact, Note, Subject};
use candlewick_simulator::{Backtest, Finished, Market, Setup, Timeline};
use candlewick_strategy::Script;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

const START_MS: i64 = 1_672_531_200_000;
const UNIT: i64 = 100_000_000;
const STEP: i64 = UNIT / 10;

/// How far a bar opens from the last close, its wicks and close in ticks, its volume in steps,
/// the seconds to the next open after its own minute (negative: the bars overlap).
type Shape = (i64, i64, i64, u8, i64, i64);

/// A line of a script: when (half seconds from the start), what (see [`line`]), at how many
/// ticks from 100, of how many steps, and under which self-trade mode.
type Order = (i64, u8, i64, i64, u8);

#[derive(Debug, Clone)]
struct World {
    shapes: Vec<Shape>,
    orders: Vec<Order>,
    model: FillModel,
    /// Commission precisions before and after a snapshot in the middle, and the later step.
    precisions: (u32, u32, u32, u32),
    later_step: i64,
    money: (i64, i64),
    /// Trouble: when it begins (seconds), how long it lasts, and what it is (see [`episode`]).
    trouble: Vec<(i64, i64, u8)>,
}

fn model() -> impl Strategy<Value = FillModel> {
    let path = prop_oneof![Just(PathModel::Nearest), Just(PathModel::Pessimistic), Just(PathModel::Optimistic)];
    let slippage = prop_oneof![
        Just(Slippage::None),
        (0..3_u32).prop_map(Slippage::Ticks),
        Just(Slippage::BasisPoints(37)),
        (0..3_000_u32).prop_map(Slippage::SquareRoot)
    ];
    let share = prop_oneof![Just("0.1"), Just("0.25"), Just("1")];
    (path, any::<bool>(), 0..4_u32, slippage, share, 0..2_i64).prop_map(
        |(path, touch, half_spread_ticks, slippage, share, latency)| FillModel {
            path,
            maker_fill: if touch { MakerFill::Touch } else { MakerFill::Through },
            half_spread_ticks,
            slippage,
            volume_share: share.parse().unwrap(),
            latency_us: latency * 7_000_000,
            fees: CommissionRates::simple("0.0075".parse().unwrap(), "0.0333".parse().unwrap()),
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let gap = prop_oneof![4 => Just(0_i64), 1 => Just(90), 1 => Just(-20), 1 => Just(-50)];
    let volume = prop_oneof![1 => Just(0_i64), 5 => 1..60_i64];
    let shape = (-3..4_i64, 0..4_i64, 0..4_i64, any::<u8>(), volume, gap);
    let order = (-10..2_000_i64, any::<u8>(), -8..9_i64, 0..25_i64, any::<u8>());
    let precisions = (2..9_u32, 2..9_u32, 2..9_u32, 2..9_u32);
    let money = (prop_oneof![Just(0_i64), 1..200_i64], prop_oneof![Just(0_i64), 1..20_000_i64]);
    let trouble = prop::collection::vec((-10..900_i64, 1..200_i64, any::<u8>()), 0..6);
    (
        prop::collection::vec(shape, 1..16),
        prop::collection::vec(order, 1..40),
        model(),
        precisions,
        prop_oneof![Just(STEP), Just(2 * STEP), Just(STEP / 2)],
        money,
        prop_oneof![Just(Vec::new()), trouble],
    )
        .prop_map(|(shapes, orders, model, precisions, later_step, money, trouble)| World {
            shapes,
            orders,
            model,
            precisions,
            later_step,
            money,
            trouble,
        })
}

fn episode(&(from, seconds, what): &(i64, i64, u8)) -> Episode {
    let at = |seconds: i64| Timestamp::from_millis(START_MS + seconds * 1_000);
    let rest = match what % 7 {
        0 => r#""kind":"halt""#,
        1 => r#""kind":"timeout","executed":1"#,
        2 => r#""kind":"timeout","executed":0.5"#,
        3 => r#""kind":"latency","ms":7000"#,
        4 => r#""kind":"rejection","code":-1003"#,
        5 => r#""kind":"rejection","code":-1008"#,
        _ => r#""kind":"rejection","code":-1021"#,
    };
    let symbols = if what > 200 { r#"["CD"]"# } else { "[]" };
    let (from, to) = (at(from), at(from + seconds));
    serde_json::from_str(&format!(r#"{{"from":"{from}","to":"{to}","symbols":{symbols},{rest}}}"#)).unwrap()
}

fn line(at: usize, &(half_seconds, what, ticks, steps, mode): &Order) -> String {
    let side = if what % 2 == 0 { "BUY" } else { "SELL" };
    let (price, quantity) = (100 + ticks, Amount::from_units((steps * STEP).into()));
    let above = (price + 3 + ticks.abs(), price + 5, 30 + 10 * steps);
    let below = ((price - 3 - ticks.abs()).max(1), (price - 5).max(1));
    let mode = ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"][usize::from(mode) % 6];
    let time = START_MS + half_seconds * 500;
    let list = |action: &str, members: String| {
        format!(
            r#"{{"time":{time},"action":"{action}","symbol":"AB","listClientOrderId":"l{at}","selfTradePreventionMode":"{mode}",{members}}}"#
        )
    };
    let (stop, other) = if side == "SELL" { ("below", "above") } else { ("above", "below") };
    let (stop_at, other_at) = if side == "SELL" { (below.0, above.0) } else { (above.0, below.0) };
    let capital = |place: &str| format!("pending{}{}", place[..1].to_uppercase(), &place[1..]);
    let working = format!(
        r#""workingSide":"{side}","workingType":"LIMIT","workingTimeInForce":"{}","workingPrice":"{price}","workingQuantity":"{quantity}""#,
        ["GTC", "GTC", "IOC", "FOK"][usize::from(what) % 4]
    );
    let opposite = if side == "SELL" { "BUY" } else { "SELL" };
    match what / 2 % 26 {
        10 => {
            return list(
                "oco",
                format!(
                    r#""side":"{side}","quantity":"{quantity}","{stop}Type":"STOP_LOSS","{stop}StopPrice":"{stop_at}","{other}Type":"LIMIT_MAKER","{other}Price":"{other_at}""#
                ),
            );
        }
        11 => {
            return list(
                "oco",
                format!(
                    r#""side":"{side}","quantity":"{quantity}","{stop}Type":"STOP_LOSS_LIMIT","{stop}StopPrice":"{stop_at}","{stop}Price":"{price}","{stop}TimeInForce":"GTC","{other}Type":"TAKE_PROFIT","{other}StopPrice":"{other_at}""#
                ),
            );
        }
        12 => {
            return list(
                "oto",
                format!(
                    r#"{working},"pendingSide":"{opposite}","pendingType":"MARKET","pendingQuantity":"{quantity}""#
                ),
            );
        }
        13 => {
            return list(
                "oto",
                format!(
                    r#"{working},"pendingSide":"{opposite}","pendingType":"STOP_LOSS","pendingTrailingDelta":"{}","pendingQuantity":"{quantity}""#,
                    above.2
                ),
            );
        }
        14 => {
            return list(
                "opo",
                format!(
                    r#"{working},"pendingSide":"SELL","pendingType":"LIMIT","pendingTimeInForce":"GTC","pendingPrice":"{}""#,
                    above.0
                ),
            );
        }
        15 => {
            return list(
                "opoco",
                format!(
                    r#"{working},"pendingSide":"SELL","{0}Type":"LIMIT_MAKER","{0}Price":"{1}","{2}Type":"STOP_LOSS","{2}StopPrice":"{3}""#,
                    capital("above"),
                    above.0,
                    capital("below"),
                    below.0
                ),
            );
        }
        16 => {
            return format!(
                r#"{{"time":{time},"action":"amend","symbol":"AB","orderId":{},"newQty":"{quantity}"}}"#,
                steps % 12 + 1
            );
        }
        17 => {
            return format!(
                r#"{{"time":{time},"action":"cancel_replace","symbol":"AB","cancelReplaceMode":"ALLOW_FAILURE","cancelOrderId":{},"side":"{side}","type":"LIMIT","timeInForce":"GTC","quantity":"{quantity}","price":"{price}"}}"#,
                steps % 12 + 1
            );
        }
        18 if steps == 0 => return format!(r#"{{"time":{time},"action":"cancel_all","symbol":"AB"}}"#),
        _ => {}
    }
    let kind = match what / 2 % 26 {
        0..=3 => format!(r#""type":"LIMIT","timeInForce":"GTC","quantity":"{quantity}","price":"{price}""#),
        4 => format!(r#""type":"LIMIT","timeInForce":"IOC","quantity":"{quantity}","price":"{price}""#),
        5 => format!(r#""type":"LIMIT","timeInForce":"FOK","quantity":"{quantity}","price":"{price}""#),
        6 => format!(r#""type":"LIMIT_MAKER","quantity":"{quantity}","price":"{price}""#),
        7 => format!(r#""type":"MARKET","quantity":"{quantity}""#),
        8 => format!(r#""type":"MARKET","quoteOrderQty":"{}""#, steps * 17),
        19 => format!(r#""type":"STOP_LOSS","quantity":"{quantity}","stopPrice":"{stop_at}""#),
        20 => format!(r#""type":"TAKE_PROFIT","quantity":"{quantity}","stopPrice":"{other_at}""#),
        21 => format!(
            r#""type":"STOP_LOSS_LIMIT","timeInForce":"GTC","quantity":"{quantity}","stopPrice":"{stop_at}","price":"{price}""#
        ),
        22 => format!(r#""type":"STOP_LOSS","quantity":"{quantity}","trailingDelta":"{}""#, above.2),
        23 => format!(
            r#""type":"TAKE_PROFIT_LIMIT","timeInForce":"GTC","quantity":"{quantity}","stopPrice":"{other_at}","trailingDelta":"{}","price":"{price}""#,
            above.2
        ),
        24 => format!(
            r#""type":"LIMIT","timeInForce":"GTC","quantity":"{quantity}","price":"{price}","icebergQty":"{}""#,
            Amount::from_units(STEP.into())
        ),
        25 => format!(r#""type":"LIMIT","timeInForce":"GTC","quantity":"{quantity}","pegPriceType":"PRIMARY_PEG""#),
        _ => String::new(),
    };
    if kind.is_empty() {
        return format!(r#"{{"time":{time},"action":"cancel","symbol":"AB","orderId":{}}}"#, steps % 12 + 1);
    }
    format!(
        r#"{{"time":{time},"action":"new","symbol":"AB","side":"{side}",{kind},"newClientOrderId":"o{at}","selfTradePreventionMode":"{mode}"}}"#
    )
}

impl World {
    fn bars(&self) -> Bars {
        let (mut opens, mut last) = (Timestamp::from_millis(START_MS), 100_i64);
        let price = |ticks: i64| Price::from_units(ticks * UNIT);
        let bar = |&(jump, up, down, close, volume, gap): &Shape| {
            let open = (last + jump).max(5);
            let (high, low) = (open + up, open - down);
            last = low + i64::from(close) % (up + down + 1);
            let open_time = opens;
            opens = opens.plus((60 + gap) * 1_000_000);
            let volume = i128::from(volume * STEP);
            Bar {
                open_time,
                close_time: open_time.plus(59_999_999),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(last),
                volume: Amount::from_units(volume),
                quote_volume: Amount::from_units(volume * i128::from(open)),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: 1,
            }
        };
        self.shapes.iter().map(bar).collect()
    }

    fn snapshot(&self, time: i64, base: u32, quote: u32, step: i64) -> String {
        let step = Amount::from_units(step.into());
        // Down to none, so that values of fills are cut.
        let value = quote - 2;
        format!(
            r#"{{"serverTime":{time},"symbols":[{{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
            "baseCommissionPrecision":{base},"quoteCommissionPrecision":{quote},"quoteAssetPrecision":{value},
            "quoteOrderQtyMarketAllowed":true,
            "icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,"allowTrailingStop":true,
            "cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
            "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
            "defaultSelfTradePreventionMode":"NONE",
            "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT","TRANSFER"],
            "filters":[{{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"1"}},
                       {{"filterType":"LOT_SIZE","minQty":"0","maxQty":"1000","stepSize":"{step}"}}]}}]}}"#
        )
    }

    fn initial(&self) -> Account {
        let amount = |units: i64| Amount::from_units(units.into());
        let (base, quote) = (amount(self.money.0 * STEP), amount(self.money.1 * UNIT));
        [("A", base), ("B", quote)].map(|(asset, amount)| (Asset::new(asset).unwrap(), amount)).into_iter().collect()
    }

    // That both sides hold the same balances is checked at the end of a run, that none falls below
    // zero by every booking.
    fn run(&self) -> (Bars, Finished) {
        let (bars, backtest) = self.backtest();
        (bars, backtest.run().unwrap())
    }

    fn backtest(&self) -> (Bars, Backtest<Script>) {
        let symbol = Symbol::new("AB").unwrap();
        let (base, quote, later_base, later_quote) = self.precisions;
        let snapshots = [
            self.snapshot(START_MS - 1, base, quote, STEP),
            self.snapshot(START_MS + 95_000, later_base, later_quote, self.later_step),
        ];
        let read = |json: &String| {
            let info = ExchangeInfo::parse(json).unwrap();
            (info.server_time, info.instruments[&symbol].clone())
        };
        let bars = self.bars();
        let shared = Arc::new(bars.clone());
        let timeline = Timeline::new(snapshots.iter().map(read).collect()).unwrap();
        let market = Market::new(timeline, self.model, Interval::OneMinute, shared);
        let calm = Setup::of_one(market, self.initial());
        let episodes: Vec<_> = self.trouble.iter().map(episode).collect();
        let setup =
            if episodes.is_empty() { calm } else { calm.under(episodes, ChaCha8Rng::seed_from_u64(START_MS as u64)) };
        let lines: Vec<_> = self.orders.iter().enumerate().map(|(at, order)| line(at, order)).collect();
        let script = Script::parse(&lines.join("\n")).unwrap();
        (bars, Backtest::new(&setup, script, "script"))
    }
}

fn reports(events: &[Event]) -> impl Iterator<Item = &ExecutionReport> {
    events.iter().filter_map(|event| match event {
        Event::ExecutionReport(report) => Some(report),
        Event::ListStatus(_)
        | Event::Tested { .. }
        | Event::Sent { .. }
        | Event::BalanceUpdate { .. }
        | Event::Refused { .. }
        | Event::Stress { .. }
        | Event::Trouble { .. }
        | Event::NotSent { .. } => None,
    })
}

/// Rules 3.2, 3.3: makers at their own limit, takers never beyond it.
fn check_price(report: &ExecutionReport) -> Result<(), TestCaseError> {
    let Some(fill) = report.fill else { return Ok(()) };
    prop_assert!(fill.quantity.units() > 0 && fill.price.units() > 0, "{report:?}");
    match (fill.liquidity, report.order.order_type, report.order.side) {
        (Liquidity::Maker, ..) => prop_assert_eq!(fill.price, report.order.limit()),
        (_, OrderType::Market | OrderType::StopLoss | OrderType::TakeProfit, _) => {}
        (_, _, Side::Buy) => prop_assert!(fill.price <= report.order.limit(), "{report:?}"),
        (_, _, Side::Sell) => prop_assert!(fill.price >= report.order.limit(), "{report:?}"),
    }
    Ok(())
}

/// Time does not go back (rule 2.3), but for what is never sent, which comes at the end.
fn check_time(events: &[Event]) -> Result<(), TestCaseError> {
    let times: Vec<_> = events.iter().filter(|e| !matches!(e, Event::NotSent { .. })).map(Event::time).collect();
    prop_assert!(times.is_sorted(), "{times:?}");
    Ok(())
}

/// Order ids and trade ids count up from 1, what is done stays done, no order is filled beyond
/// its quantity.
fn check_sequence(events: &[Event]) -> Result<(), TestCaseError> {
    let (mut orders, mut trades) = (BTreeMap::<u64, (i64, bool)>::new(), 0);
    let mut last: Option<&ExecutionReport> = None;
    for report in reports(events) {
        check_price(report)?;
        let filled = match orders.get(&report.order.order_id) {
            None => {
                prop_assert_eq!(report.execution_type, ExecutionType::New);
                prop_assert_eq!(report.order.order_id, orders.len() as u64 + 1);
                0
            }
            Some((filled, done)) => {
                prop_assert!(!done, "more of an order that is done: {report:?}");
                *filled
            }
        };
        let filled = filled + report.fill.map_or(0, |fill| fill.quantity.units());
        prop_assert_eq!(report.order.filled_quantity.units(), filled);
        prop_assert!(report.order.filled_quantity <= report.order.quantity, "{report:?}");
        orders.insert(report.order.order_id, (filled, report.order.status.is_final()));
        if let Some(fill) = report.fill {
            // Two sides of one trade with oneself follow each other, the resting one first.
            if fill.trade_id == trades {
                let other = last.and_then(|before| before.fill);
                let mirror = other.map(|other| (other.liquidity, other.price, other.quantity));
                prop_assert_eq!(mirror, Some((Liquidity::Maker, fill.price, fill.quantity)));
                prop_assert_eq!(fill.liquidity, Liquidity::Taker);
            } else {
                prop_assert_eq!(fill.trade_id, trades + 1);
                trades = fill.trade_id;
            }
        }
        last = Some(report);
    }
    Ok(())
}

/// Rule 4.1: what is taken from the market in a bar is at most its share. Bars whose times
/// overlap are judged together, since a time does not tell them apart.
fn check_shares(world: &World, bars: &Bars, events: &[Event]) -> Result<(), TestCaseError> {
    let mut sides = BTreeMap::new();
    reports(events).filter_map(|r| r.fill).for_each(|fill| *sides.entry(fill.trade_id).or_insert(0) += 1);
    let mut row = 0;
    while row < bars.len() {
        let (from, mut to, mut share) = (bars.open_time[row], bars.close_time[row], 0_i128);
        while row < bars.len() && bars.open_time[row] <= to {
            to = to.max(bars.close_time[row]);
            share += bars.volume.at(row).times_rate_floor(world.model.volume_share).units();
            row += 1;
        }
        let of_market = |r: &&ExecutionReport| r.time >= from && r.time <= to;
        let fills = reports(events).filter(of_market).filter_map(|r| r.fill).filter(|fill| sides[&fill.trade_id] == 1);
        let taken: i128 = fills.map(|fill| i128::from(fill.quantity.units())).sum();
        prop_assert!(taken <= share, "{taken} of {share} between {from} and {to}");
    }
    Ok(())
}

/// Fills and commissions explain every change of the totals, and no total is ever below zero;
/// at the end exactly the open orders hold something.
fn check_money(world: &World, events: &[Event], finished: &Finished) -> Result<(), TestCaseError> {
    let outcome = &finished.outcome;
    let (a, b) = (Asset::new("A").unwrap(), Asset::new("B").unwrap());
    let initial = world.initial();
    let (mut base, mut quote) = (initial.balance(a).total().units(), initial.balance(b).total().units());
    for report in reports(events) {
        let Some(fill) = report.fill else { continue };
        let (quantity, value) = (i128::from(fill.quantity.units()), fill.quote_quantity.units());
        let (received, sign) = if report.order.side == Side::Buy { (a, 1) } else { (b, -1) };
        prop_assert_eq!(fill.commission_asset, received);
        base += sign * quantity - if sign > 0 { fill.commission.units() } else { 0 };
        quote -= sign * value + if sign < 0 { fill.commission.units() } else { 0 };
        prop_assert!(fill.commission >= Amount::ZERO && base >= 0 && quote >= 0, "{report:?}");
    }
    prop_assert_eq!(outcome.account.balance(a).total().units(), base);
    prop_assert_eq!(outcome.account.balance(b).total().units(), quote);
    // What lists hold together is the ledger's to know; orders alone must add up.
    let orders = orders_of(&outcome.events);
    let of_lists = orders.iter().any(|o| !o.status.is_final() && o.order_list_id.is_some());
    for (side, asset) in [(Side::Sell, a), (Side::Buy, b)] {
        let alone = orders.iter().filter(|o| o.side == side && o.order_list_id.is_none());
        let held: i128 = alone.map(|o| locked_by(o).units()).sum();
        let locked = outcome.account.balance(asset).locked.units();
        prop_assert!(if of_lists { locked >= held } else { locked == held }, "{locked} for {held}");
    }
    check_lists(events, &orders)?;
    Ok(())
}

/// A list is done when none of its orders is open, and tells so once; what is executed, left and
/// prevented comes to what was asked for.
fn check_lists(events: &[Event], orders: &[Placed]) -> Result<(), TestCaseError> {
    let mut done = BTreeMap::new();
    for event in events {
        if let Event::ListStatus(status) = event {
            let ended = done.entry(status.order_list_id).or_insert(false);
            prop_assert!(!*ended, "more of a list that is done: {status:?}");
            *ended = status.list_order_status == ListOrderStatus::AllDone;
        }
    }
    for order in orders {
        if let Some(list) = order.order_list_id
            && !order.status.is_final()
        {
            prop_assert_eq!(done.get(&list), Some(&false), "an order of a list that is done");
        }
        prop_assert!(order.remaining().units() >= 0, "{order:?}");
    }
    let open = |list: u64| orders.iter().any(|o| o.order_list_id == Some(list) && !o.status.is_final());
    for (list, done) in done {
        prop_assert_eq!(done, !open(list), "list {}", list);
    }
    Ok(())
}

/// What is noted of an order or a command is what the log says of it; a check that fails is the
/// last one before the end that it leads to.
fn check_notes(events: &[Event], subject: Subject, notes: &[Note]) -> Result<(), TestCaseError> {
    prop_assert!(notes.iter().map(|note| note.time).is_sorted(), "{notes:#?}");
    let told = |id: u64| {
        let of_order = move |note: &Note| match &note.fact {
            Fact::Report { report, .. } if note.order == Some(id) => Some(**report),
            _ => None,
        };
        notes.iter().filter_map(of_order)
    };
    match subject {
        Subject::Order(id) => {
            let logged: Vec<_> = reports(events).filter(|r| r.order.order_id == id).copied().collect();
            prop_assert_eq!(told(id).collect::<Vec<_>>(), &logged[..]);
            prop_assert_eq!(notes.is_empty(), logged.is_empty());
        }
        Subject::Command(id) => {
            let refusals = events.iter().filter_map(|event| match event {
                Event::Refused { command, refusal, .. } if *command == id => Some(refusal),
                _ => None,
            });
            let noted = notes.iter().filter_map(|note| match &note.fact {
                Fact::Refused(refusal) if note.command == Some(id) => Some(refusal),
                _ => None,
            });
            prop_assert!(refusals.eq(noted), "{notes:#?}");
        }
    }
    for (at, note) in notes.iter().enumerate().filter(|(_, note)| note.fact.holds() == Some(false)) {
        let mut after = notes[at + 1..].iter().map(|note| &note.fact);
        let ends = after.find(|fact| fact.holds().is_some() || matches!(fact, Fact::Refused(_) | Fact::Report { .. }));
        prop_assert!(matches!(ends, Some(Fact::Refused(_) | Fact::Report { .. })), "{note:?} in {notes:#?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_script_on_any_bars(world in world(), number in 1..15_u64, of_command in any::<bool>()) {
        let (bars, finished) = world.run();
        let events: Vec<_> = finished.outcome.events.iter().collect();
        check_time(&events)?;
        check_sequence(&events)?;
        check_shares(&world, &bars, &events)?;
        check_money(&world, &events, &finished)?;
        // Rule 6: the same input gives the same bytes.
        let bytes = |finished: &Finished| serde_json::to_string(&finished.outcome.events).unwrap();
        let subject = if of_command { Subject::Command(number) } else { Subject::Order(number) };
        let (again, traced) = world.backtest().1.explain(subject).unwrap();
        check_notes(&events, subject, &traced.notes)?;
        prop_assert_eq!(bytes(&finished), bytes(&again));
        prop_assert_eq!(finished.outcome.equity, again.outcome.equity);
    }
}
