//! What an exchange may do to a market in the middle of a run: halt it, change its filters, delist it.

use std::sync::Arc;

use candlewick_model::run::{FillModel, PathModel};
use candlewick_model::stress::{Episode, Trouble};
use candlewick_model::{
    Account, Action, Amount, Asset, Bar, Bars, Command, ExchangeInfo, ExpiryReason, Instrument, Interval, OrderStatus,
    Price, RawParameters, Symbol, Timestamp,
};
use candlewick_simulator::{Detail, DetailSource, Market, Print, Replay, Setup, Timeline, Unreadable, VenueEvent};

const START_MS: i64 = 1_672_531_200_000;

fn minute(n: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + n * 60_000)
}

fn bars() -> Bars {
    let price = |units: i64| Price::from_units(units * 100_000_000);
    let bar = |n: i64| Bar {
        open_time: minute(n),
        close_time: minute(n + 1).plus(-1),
        open: price(100 + n),
        high: price(103 + n),
        low: price(98 + n),
        close: price(101 + n),
        volume: "1000".parse().unwrap(),
        quote_volume: "1000".parse().unwrap(),
        taker_buy_volume: Amount::ZERO,
        taker_buy_quote_volume: Amount::ZERO,
        trades: 9,
    };
    (0..10).map(bar).collect()
}

fn instrument(step: &str) -> Instrument {
    let info = format!(
        r#"{{"serverTime":{START_MS},"symbols":[{{"symbol":"AU","status":"TRADING","baseAsset":"A","quoteAsset":"U",
        "ocoAllowed":true,"orderTypes":["LIMIT","MARKET"],"filters":[
        {{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"1000000","tickSize":"1"}},
        {{"filterType":"LOT_SIZE","minQty":"{step}","maxQty":"9000","stepSize":"{step}"}}]}}]}}"#
    );
    ExchangeInfo::parse(&info).unwrap().instruments[&Symbol::new("AU").unwrap()].clone()
}

fn market() -> Market {
    let timeline = Timeline::new(vec![(minute(0), instrument("0.1"))]).unwrap();
    Market::new(timeline, FillModel::default(), Interval::OneMinute, Arc::new(bars()))
}

fn setup(market: Market) -> Setup {
    let account: Account = [("A", "10"), ("U", "10000")]
        .map(|(name, sum)| (Asset::new(name).unwrap(), sum.parse().unwrap()))
        .into_iter()
        .collect();
    Setup::of_one(market, account)
}

fn limit(side: &str, price: &str, quantity: &str) -> Command {
    let pairs = [
        ("symbol", "AU"),
        ("side", side),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("price", price),
        ("quantity", quantity),
    ];
    let raw: RawParameters = pairs.into_iter().collect();
    Command::Raw(Action::New, Box::new(raw))
}

/// Runs to the end; at the open of every minute an order is placed, and what is due there happens before it.
fn told(mut replay: Replay, mut due: impl FnMut(i64, &mut Replay)) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(point) = replay.advance(0) {
        let minute = (point.time.millis() - START_MS) / 60_000;
        if point.time.millis() == START_MS + minute * 60_000 {
            due(minute, &mut replay);
            replay.execute(u64::try_from(minute).unwrap() + 1, &limit("BUY", &(98 + minute).to_string(), "0.5"));
        }
        told.extend(replay.drain_events().map(|event| format!("{event:?}")));
    }
    told.push(format!("{:?}", replay.account()));
    told
}

#[test]
fn a_halt_in_the_middle_is_one_that_was_known_from_the_beginning() {
    let halt = Episode { from: minute(4), to: minute(7), symbols: Vec::new(), trouble: Trouble::Halt };
    let halted = market().halted(std::slice::from_ref(&halt));
    let known = told(Replay::new(&setup(halted.clone())), |_, _| {});
    for when in [2, 3] {
        let revised = told(Replay::new(&setup(market())), |minute, replay| {
            if minute == when {
                replay.revise(0, &halted);
            }
        });
        assert_eq!(revised, known, "{when}");
    }
    assert_ne!(told(Replay::new(&setup(market())), |_, _| {}), known);
    assert_eq!(known.iter().filter(|event| event.contains("-1013")).count(), 3, "{known:#?}");
}

#[test]
fn other_filters_count_from_now_on() {
    let revised = market().revised(minute(5), instrument("1"));
    let told = told(Replay::new(&setup(market())), |minute, replay| {
        if minute == 5 {
            replay.revise(0, &revised);
        }
    });
    assert_eq!(told.iter().filter(|event| event.contains("LOT_SIZE")).count(), 5, "{told:#?}");
}

#[test]
fn a_market_is_delisted() {
    let delisted = market().delisted(minute(5).plus(1));
    let mut reasons = Vec::new();
    let told = told(Replay::new(&setup(market())), |minute, replay| {
        if minute == 0 {
            replay.execute(99, &limit("SELL", "500", "2"));
        }
        if minute == 5 {
            replay.revise(0, &delisted);
            let _ = replay.drain_events().count();
            replay.expire_all(0);
            reasons.extend(replay.drain_events().filter_map(|event| match event {
                VenueEvent::Report(report) => Some((report.order.status, report.order.expiry_reason)),
                _ => None,
            }));
            let account = replay.account();
            assert!(account.iter().all(|(_, balance)| balance.locked.is_zero()), "{account:?}");
        }
    });
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|r| *r == (OrderStatus::Expired, Some(ExpiryReason::ExchangeCanceled))), "{reasons:?}");
    assert_eq!(told.iter().filter(|event| event.contains("-1013")).count(), 4, "{told:#?}");
}

/// Four trades of a bar at its own prices.
struct Trades;

impl DetailSource for Trades {
    fn inside(&self, open_time: Timestamp, _: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let bars = bars();
        let bar = bars.iter().find(|bar| bar.open_time == open_time).unwrap();
        let print = |(at, price): (i64, Price)| Print {
            time: open_time.plus(at * 10_000_000),
            price,
            quantity: "250".parse().unwrap(),
        };
        let trades: Vec<_> = (0..).zip([bar.open, bar.low, bar.high, bar.close]).map(print).collect();
        Ok(Some(Detail::Trades(trades.into(), 0..4)))
    }
}

#[test]
fn what_was_looked_up_of_the_next_bar_is_looked_up_anew() {
    let fill_model = FillModel { path: PathModel::Detail, ..FillModel::default() };
    let detailed = Market { fill_model, details: vec![Arc::new(Trades)], ..market() };
    let halt = Episode { from: minute(4), to: minute(7), symbols: Vec::new(), trouble: Trouble::Halt };
    let halted = detailed.halted(&[halt]);
    let way = |market: &Market, revised: Option<&Market>| {
        let mut replay = Replay::new(&setup(market.clone()));
        let mut way = Vec::new();
        while replay.next_point(0).unwrap().is_some() {
            if let Some(revised) = revised.filter(|_| replay.now() == minute(4).plus(-1)) {
                replay.revise(0, revised);
                replay.next_point(0).unwrap();
            }
            way.push((replay.advance(0).unwrap(), replay.last_price(0)));
        }
        way
    };
    let known = way(&halted, None);
    assert_eq!(way(&detailed, Some(&halted)), known);
    assert_ne!(way(&detailed, None), known);
}

#[test]
#[should_panic(expected = "another past")]
fn what_has_happened_stays() {
    let mut replay = Replay::new(&setup(market()));
    for _ in 0..4 {
        replay.advance(0);
    }
    replay.revise(0, &market().delisted(minute(0)));
}
