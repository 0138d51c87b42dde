//! Bars and trades of the streams are those of REST.

use std::sync::Arc;

use candlewick_binance::wire::Kline;
use candlewick_model::run::PathModel;
use candlewick_model::time::{DAY, HOUR};
use candlewick_model::{Bar, Interval, TimeUnit};
use serde_json::Value;

use super::{Ear, exchange, steps};
use crate::MarketPlan;
use crate::data::aggregate::{Grid, aggregate};
use crate::data::klines::Request;
use crate::data::view::Wanted;
use crate::local::LocalExchange;
use crate::market::tests::{Inside, bars_of, only, plan, setup, start};

/// A kline of a stream as a row of REST, without its first and last trade.
fn row(kline: &Value) -> Value {
    let k = &kline["k"];
    let members = ["t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B"];
    members.iter().map(|name| k[*name].clone()).collect()
}

fn rest(bar: &Bar) -> Value {
    serde_json::to_value(Kline::of(bar, TimeUnit::Milliseconds)).unwrap()
}

/// The bar that REST tells last.
fn latest(exchange: &LocalExchange, grid: Grid) -> Bar {
    let wanted = Wanted { start: None, end: None, limit: 1 };
    let request = Request { symbol: only(exchange).market.symbol, grid, wanted };
    only(exchange).bars(exchange.catalogue(), &request).bar(0)
}

/// Listens to every interval that there is to the end of a market, some from the middle on.
fn check_every_interval(plan: &MarketPlan) {
    let own = plan.interval;
    let utc = Interval::ALL.into_iter().map(Grid::utc);
    let shifted = Interval::ALL.into_iter().map(|interval| Grid { interval, offset_us: 8 * HOUR });
    let name = |grid: &Grid| {
        let zone = if grid.offset_us == 0 { "" } else { "@+08:00" };
        format!("btcusdt@kline_{}{zone}", grid.interval.rest_name())
    };
    let mut exchange = LocalExchange::new(&setup(plan));
    let mut ears: Vec<(Grid, Ear, Vec<Value>)> = Vec::new();
    for grid in utc.chain(shifted) {
        let ear = Ear::at(&format!("/ws/{}", name(&grid)), &mut exchange);
        ears.push((grid, ear, Vec::new()));
    }
    let mut is_late = false;
    while !exchange.step(None).unwrap().ended {
        if !is_late && exchange.now() > plan.from.plus((plan.to.micros() - plan.from.micros()) / 3) {
            is_late = true;
            for at in 0..ears.len() {
                let grid = ears[at].0;
                let ear = Ear::at(&format!("/stream?streams={}", name(&grid)), &mut exchange);
                ears.push((grid, ear, Vec::new()));
            }
        }
        for (grid, ear, closed) in &mut ears {
            for message in ear.heard() {
                let kline = message.get("data").unwrap_or(&message).clone();
                if kline["k"]["x"] == true {
                    closed.push(kline);
                } else if kline["E"] == exchange.now().millis() {
                    // A running one is what REST tells now.
                    assert_eq!(row(&kline), rest(&latest(&exchange, *grid)), "{grid:?}");
                }
            }
        }
    }
    for (grid, _, closed) in &ears {
        let plain = grid.plain();
        let is_made = plain.is_made_of(own) || only(&exchange).makes(plain);
        if plain != Grid::utc(own) && !is_made {
            assert_eq!(closed.len(), 0, "{grid:?}");
            continue;
        }
        let bars = bars_of(&exchange, only(&exchange), *grid, Some(plan.from.plus(-31 * DAY)));
        let rows: Vec<Value> = bars.iter().map(|bar| rest(&bar)).collect();
        let told: Vec<Value> = closed.iter().map(row).collect();
        // The last one may be running still; who came later has heard the later ones.
        let end = rows.iter().position(|row| Some(row) == told.last()).map_or(0, |at| at + 1);
        assert!(end + 1 >= rows.len(), "{grid:?}: {} of {}", told.len(), rows.len());
        assert_eq!(told[..], rows[end - told.len()..end], "{grid:?}");
        let is_whole = told.len() == end;
        assert!(is_whole || told.len() >= rows.len() / 2, "{grid:?}");
        for two in closed.windows(2).filter(|two| two.iter().all(|kline| kline["k"]["n"] != 0)) {
            let number = |kline: &Value, name: &str| kline["k"][name].as_i64().unwrap();
            assert_eq!(number(&two[0], "L") + 1, number(&two[1], "f"));
            assert_eq!(number(&two[1], "L") - number(&two[1], "f") + 1, number(&two[1], "n"));
        }
    }
}

#[test]
fn closed_bars_of_every_interval_are_those_of_rest() {
    let half_day = plan(5, Interval::OneMinute);
    let outage = Some(start().plus(5 * HOUR));
    check_every_interval(&MarketPlan { outage, to: start().plus(DAY / 3), ..half_day });
    check_every_interval(&MarketPlan { to: start().plus(HOUR / 4), ..plan(6, Interval::OneSecond) });
    check_every_interval(&MarketPlan { to: start().plus(40 * DAY), ..plan(7, Interval::OneHour) });
}

#[test]
fn seconds_that_were_told_stay_as_they_are_on_any_path() {
    for path in [PathModel::Pessimistic, PathModel::Optimistic, PathModel::Detail] {
        let plan = MarketPlan { to: start().plus(HOUR / 4), liquidity: 100, ..plan(6, Interval::OneSecond) };
        let finer = Arc::new(plan.bars());
        let minutes = Arc::new(aggregate(&finer, Interval::OneSecond, Grid::utc(Interval::OneMinute)));
        let mut with = setup(&MarketPlan { interval: Interval::OneMinute, ..plan });
        let market = &mut with.markets[0];
        market.fill_model.path = path;
        market.bars = Arc::clone(&minutes);
        market.details = vec![Arc::new(Inside(Arc::clone(&finer)))];
        let mut exchange = LocalExchange::new(&with);
        let mut ear = Ear::at("/ws/btcusdt@kline_1s", &mut exchange);
        let mut closed = Vec::new();
        while exchange.now() < plan.to.plus(-1) {
            exchange.step(Some(exchange.now().plus(700_000))).unwrap();
            let told = ear.heard();
            assert!(told.iter().all(|kline| kline["k"]["t"].as_i64() <= Some(exchange.now().millis())));
            closed.extend(told.into_iter().filter(|kline| kline["k"]["x"] == true));
        }
        let grid = Grid::utc(Interval::OneSecond);
        let all = bars_of(&exchange, only(&exchange), grid, Some(plan.from));
        assert_eq!(aggregate(&all, Interval::OneSecond, Grid::utc(Interval::OneMinute)), *minutes);
        assert!(closed.iter().map(row).eq(all.iter().map(|bar| rest(&bar))), "{path:?}");
        let mut number = 0;
        for kline in closed.iter().filter(|kline| kline["k"]["n"] != 0) {
            assert_eq!(kline["k"]["f"], number);
            number = kline["k"]["L"].as_i64().unwrap() + 1;
        }
    }
}

#[test]
fn trades_are_those_of_rest_and_make_the_bars() {
    let mut exchange = exchange(5);
    steps(&mut exchange, 2);
    let mut single = Ear::at("/ws/btcusdt@trade", &mut exchange);
    let mut joined = Ear::at("/ws/btcusdt@aggTrade", &mut exchange);
    let mut bars = Ear::at("/ws/btcusdt@kline_1m", &mut exchange);
    for _ in 0..5 {
        exchange.step(None).unwrap();
        let bar = bars.heard().into_iter().rfind(|kline| kline["k"]["x"] == true).unwrap();
        let (single, joined) = (single.heard(), joined.heard());
        let number = |value: &Value, name: &str| value[name].as_i64().unwrap();
        let units = |value: &Value, name: &str| {
            value[name].as_str().unwrap().parse::<candlewick_model::Amount>().unwrap().units()
        };
        let k = &bar["k"];
        assert_eq!(single.len() as i64, number(k, "n"));
        assert_eq!((number(&single[0], "t"), number(single.last().unwrap(), "t")), (number(k, "f"), number(k, "L")));
        assert_eq!((number(&joined[0], "f"), number(joined.last().unwrap(), "l")), (number(k, "f"), number(k, "L")));
        assert!(joined.windows(2).all(|two| number(&two[0], "a") + 1 == number(&two[1], "a")));
        for trades in [&single, &joined] {
            assert_eq!(trades.iter().map(|trade| units(trade, "q")).sum::<i128>(), units(k, "v"));
            let taken = trades.iter().filter(|trade| trade["m"] == false);
            assert_eq!(taken.map(|trade| units(trade, "q")).sum::<i128>(), units(k, "V"));
            let prices = || trades.iter().map(|trade| units(trade, "p"));
            assert_eq!((prices().max(), prices().min()), (Some(units(k, "h")), Some(units(k, "l"))));
            assert_eq!((prices().next(), prices().next_back()), (Some(units(k, "o")), Some(units(k, "c"))));
            assert!(trades.windows(2).all(|two| number(&two[0], "T") <= number(&two[1], "T")));
            assert!(trades.iter().all(|trade| number(trade, "T") <= number(trade, "E")));
        }
        let told = only(&exchange).trades(Some(number(k, "f")), 1_000_000);
        assert!(told.iter().map(|trade| trade.id).eq(single.iter().map(|trade| number(trade, "t"))));
    }
}
