//! How long the replay takes a bar: `ma-cross` over a year of minutes held in memory, with
//! matching and exact accounting; and a strategy that never trades, for the floor.
//!
//! `cargo bench --bench replay`. Criterion's elements per second are bars per second.

#![expect(missing_docs, reason = "criterion makes functions without")]

use std::hint::black_box;
use std::sync::Arc;

use candlewick_model::run::FillModel;
use candlewick_model::{
    Amount, Bar, Bars, CommissionRates, ExchangeInfo, Interval, Price, Quantity, Side, Symbol, Timestamp,
};
use candlewick_simulator::{Backtest, Market, Setup, Timeline};
use candlewick_strategy::{Context, MaCross, MeanReversion, Strategy};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MINUTES: usize = 525_600;

const INFO: &str = r#"{"serverTime":1577836800000,"symbols":[{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC",
 "quoteAsset":"USDT","orderTypes":["LIMIT","MARKET"],"quoteOrderQtyMarketAllowed":true,"filters":[
 {"filterType":"PRICE_FILTER","minPrice":"0.01","maxPrice":"1000000","tickSize":"0.01"},
 {"filterType":"LOT_SIZE","minQty":"0.00001","maxQty":"9000","stepSize":"0.00001"},
 {"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"5","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.2","avgPriceMins":5},
 {"filterType":"NOTIONAL","minNotional":"5","applyMinToMarket":true,"maxNotional":"9000000","applyMaxToMarket":false,"avgPriceMins":5}]}]}"#;

/// A seeded random walk on the tick, about 0.05 % a minute.
fn walk() -> Bars {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % below
    };
    let mut close = 3_000_000_i64;
    let cent = |n: i64| Price::from_units(n * 1_000_000);
    (0..MINUTES as i64)
        .map(|minute| {
            let open = close;
            close = (open + random(3_001) - 1_500).max(10_000);
            let high = open.max(close) + random(800);
            let low = open.min(close) - random(800);
            let open_time = Timestamp::from_millis(1_672_531_200_000 + minute * 60_000);
            let volume = i128::from(random(5_000_000_000) + 100_000_000);
            Bar {
                open_time,
                close_time: open_time.plus(59_999_999),
                open: cent(open),
                high: cent(high),
                low: cent(low),
                close: cent(close),
                volume: Amount::from_units(volume),
                quote_volume: Amount::from_units(volume * i128::from(open) / 100),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: 100,
            }
        })
        .collect()
}

fn market() -> Setup {
    let symbol = Symbol::new("BTCUSDT").expect("short");
    let info = ExchangeInfo::parse(INFO).expect("well formed");
    let instrument = info.instruments[&symbol].clone();
    let bars = Arc::new(walk());
    let market = Market::new(
        Timeline::new(vec![(info.server_time, instrument.clone())]).expect("one snapshot"),
        FillModel {
            fees: CommissionRates::simple("0.001".parse().expect("a number"), "0.001".parse().expect("a number")),
            ..FillModel::default()
        },
        Interval::OneMinute,
        bars,
    );
    Setup::of_one(market, [(instrument.quote_asset, "100000".parse().expect("a number"))].into_iter().collect())
}

#[derive(Clone)]
struct Idle;
impl Strategy for Idle {
    fn on_bar(&mut self, _: &mut Context, bar: &Bar) {
        black_box(bar.close);
    }
}

/// A hundred orders that rest far from the price.
#[derive(Clone)]
struct Resting;
impl Strategy for Resting {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        if context.bar_count() == 1 {
            for cents in 0..100 {
                let far =
                    Price::from_units(bar.close.units() / 4 + cents * 1_000_000).floor_to(Price::from_units(1_000_000));
                context.submit_limit(Side::Buy, far, "0.01".parse().expect("a number"));
            }
        }
    }
}

/// One order placed and one cancelled on every bar.
#[derive(Clone)]
struct Churning {
    quantity: Quantity,
}
impl Strategy for Churning {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        if let Some(order) = context.open_orders().first().map(|order| order.order_id) {
            context.cancel(order);
        }
        let far = Price::from_units(bar.close.units() / 2).floor_to(Price::from_units(1_000_000));
        context.submit_limit(Side::Buy, far, self.quantity);
    }
}

fn replay(c: &mut Criterion) {
    let market = market();
    let mut group = c.benchmark_group("replay of a year of minutes");
    group.throughput(Throughput::Elements(MINUTES as u64)).sample_size(30);
    let mut bench = |name: &str, strategy: &dyn Fn() -> usize| {
        group.bench_function(name, |b| b.iter(strategy));
    };
    bench("no orders", &|| Backtest::new(&market, Idle, "idle").run().expect("runs").outcome.equity.len());
    for (fast, slow) in [(20, 100), (50, 200), (5, 20)] {
        let strategy = MaCross::new(fast, slow, "0.95".parse().expect("a number")).expect("sound");
        let events = Backtest::new(&market, strategy.clone(), "ma-cross").run().expect("runs").outcome.events.len();
        bench(&format!("ma-cross {fast}/{slow}, {events} events"), &|| {
            Backtest::new(&market, strategy.clone(), "ma-cross").run().expect("runs").outcome.events.len()
        });
    }
    bench("100 resting orders", &|| {
        let finished = Backtest::new(&market, Resting, "resting").run().expect("runs");
        assert_eq!(finished.outcome.events.len(), 200, "100 sent, 100 accepted");
        finished.outcome.equity.len()
    });
    let churning = Churning { quantity: "0.01".parse().expect("a number") };
    bench("an order and a cancel on every bar", &|| {
        Backtest::new(&market, churning.clone(), "churning").run().expect("runs").outcome.events.len()
    });
    let rate = |text: &str| text.parse().expect("a number");
    let strategy = MeanReversion::new(60, rate("0.002"), rate("0.5"), 10).expect("sound");
    bench("mean-reversion 60", &|| {
        Backtest::new(&market, strategy.clone(), "mean-reversion").run().expect("runs").outcome.events.len()
    });
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
