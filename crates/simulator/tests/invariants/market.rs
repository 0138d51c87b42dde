//! One random market: its bars, its snapshots of filters, its ways of filling.

use std::sync::Arc;

use candlewick_model::run::{FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::{
    Amount, Bar, Bars, CommissionRates, Discount, ExchangeInfo, Instrument, Interval, Price, Rate, RateParts, Symbol,
    Timestamp,
};
use candlewick_simulator::{Market, MovingMean, PriceRange, Reference, Timeline};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{START_MS, STEP, UNIT, asset, instant};

/// How far a bar opens from the last close, its wicks and close in ticks, its volume in steps,
/// the seconds to the next open after its own minute (negative: the bars overlap).
type Shape = (i64, i64, i64, u8, i64, i64);

#[derive(Debug, Clone)]
pub(crate) struct MarketPlan {
    /// When it begins, in half seconds, and at which price.
    begins: (i64, i64),
    shapes: Vec<Shape>,
    model: FillModel,
    snapshots: Vec<Snapshot>,
    reference: Referred,
    range: Option<[Option<u8>; 4]>,
}

/// What exchangeInfo says from an instant on.
#[derive(Debug, Clone)]
struct Snapshot {
    at: i64,
    /// Of commissions in base and quote, and of sums of quote asset.
    precisions: (u32, u32, u32),
    step: i64,
    half_ticks: bool,
    status: &'static str,
    /// Which of [`filters`] it has.
    filters: u16,
}

#[derive(Debug, Clone)]
enum Referred {
    Absent,
    Recorded(Vec<(i64, Option<i64>)>),
    Mean(u32, u32),
}

pub(crate) fn market_plan() -> impl Strategy<Value = MarketPlan> {
    let gap = prop_oneof![6 => Just(0_i64), 1 => Just(90), 1 => Just(-20), 1 => Just(-50)];
    let volume = prop_oneof![1 => Just(0_i64), 5 => 1..60_i64, 2 => 60..600_i64];
    let shape = (-3..4_i64, 0..5_i64, 0..5_i64, any::<u8>(), volume, gap);
    let begins = (0..60_i64, prop_oneof![5 => Just(100_i64), 1 => Just(8)]);
    let snapshots = prop::collection::vec(snapshot(), 0..3);
    (begins, prop::collection::vec(shape, 1..14), model(), snapshot(), snapshots, reference(), range()).prop_map(
        |(begins, shapes, model, first, mut snapshots, reference, range)| {
            // The first one lets trade, and is mostly there from the beginning.
            snapshots.push(Snapshot { at: first.at.min(10), status: "TRADING", ..first });
            MarketPlan { begins, shapes, model, snapshots, reference, range }
        },
    )
}

fn model() -> impl Strategy<Value = FillModel> {
    let slippage = prop_oneof![
        Just(Slippage::None),
        (0..3_u32).prop_map(Slippage::Ticks),
        Just(Slippage::BasisPoints(37)),
        Just(Slippage::SquareRoot(300))
    ];
    let share = prop_oneof![Just("0.1"), Just("0.25"), Just("1")];
    let latency = prop_oneof![2 => Just(0_i64), 1 => Just(7_000_000)];
    let half_spread = prop_oneof![4 => 0..4_u32, 1 => Just(8)];
    (any::<bool>(), half_spread, slippage, share, latency).prop_map(
        |(touch, half_spread_ticks, slippage, share, latency_us)| FillModel {
            path: PathModel::Nearest,
            maker_fill: if touch { MakerFill::Touch } else { MakerFill::Through },
            half_spread_ticks,
            slippage,
            volume_share: share.parse().unwrap(),
            latency_us,
            fees: CommissionRates {
                tax: RateParts { buyer: rate("0.001"), seller: rate("0.0007"), ..RateParts::default() },
                ..CommissionRates::simple(rate("0.0075"), rate("0.0333"))
            },
        },
    )
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let status = prop_oneof![
        8 => Just("TRADING"), 1 => Just("HALT"), 1 => Just("BREAK"), 1 => Just("CANCEL_ONLY"), 1 => Just("END_OF_DAY")
    ];
    let step = prop_oneof![4 => Just(STEP), 1 => Just(2 * STEP), 1 => Just(STEP / 2)];
    let precisions = (2..9_u32, 2..9_u32, 0..9_u32);
    let filters = prop_oneof![Just(0_u16), (any::<u16>(), any::<u16>(), any::<u16>()).prop_map(|(a, b, c)| a & b & c)];
    (-20..1_500_i64, precisions, step, prop::bool::weighted(0.2), status, filters).prop_map(
        |(at, precisions, step, half_ticks, status, filters)| Snapshot {
            at,
            precisions,
            step,
            half_ticks,
            status,
            filters,
        },
    )
}

fn reference() -> impl Strategy<Value = Referred> {
    let point = (-20..1_500_i64, prop::option::weighted(0.8, 92..109_i64));
    prop_oneof![
        3 => Just(Referred::Absent),
        2 => prop::collection::vec(point, 1..6).prop_map(Referred::Recorded),
        2 => (prop_oneof![Just(1_000_u32), Just(20_000), Just(60_000)], 1..5_u32).prop_map(|(w, n)| Referred::Mean(w, n)),
    ]
}

/// Multipliers in percent.
fn range() -> impl Strategy<Value = Option<[Option<u8>; 4]>> {
    let up = || prop::option::weighted(0.8, 100..108_u8);
    let down = || prop::option::weighted(0.8, 93..101_u8);
    prop::option::weighted(0.5, [up().boxed(), down().boxed(), up().boxed(), down().boxed()])
}

/// Filters that most orders pass.
fn filters(chosen: u16) -> Vec<Value> {
    let all = [
        json!({"filterType": "NOTIONAL", "minNotional": "15", "applyMinToMarket": true, "maxNotional": "220", "applyMaxToMarket": true, "avgPriceMins": 1}),
        json!({"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.06", "bidMultiplierDown": "0.9", "askMultiplierUp": "1.06", "askMultiplierDown": "0.95", "avgPriceMins": 2}),
        json!({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 5}),
        json!({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 2}),
        json!({"filterType": "MAX_POSITION", "maxPosition": "12"}),
        json!({"filterType": "ICEBERG_PARTS", "limit": 8}),
        json!({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 2}),
        json!({"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 1}),
        json!({"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "1.5", "stepSize": "0"}),
        json!({"filterType": "MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders": 1}),
        json!({"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 50, "maxTrailingAboveDelta": 400, "minTrailingBelowDelta": 50, "maxTrailingBelowDelta": 400}),
        json!({"filterType": "MIN_NOTIONAL", "minNotional": "20", "applyToMarket": true, "avgPriceMins": 0}),
        json!({"filterType": "PERCENT_PRICE", "multiplierUp": "1.2", "multiplierDown": "0.8", "avgPriceMins": 1}),
    ];
    all.into_iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, filter)| filter).collect()
}

impl MarketPlan {
    pub(crate) fn bars(&self) -> Bars {
        let (mut opens, mut last) = (instant(self.begins.0), self.begins.1);
        let price = |ticks: i64| Price::from_units(ticks * UNIT);
        let bar = |&(jump, up, down, close, volume, gap): &Shape| {
            let open = (last + jump).max(1 + down);
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

    /// The half second at which a request must leave at the latest, to be taken up.
    pub(crate) fn last_call(&self) -> i64 {
        (self.last_extreme().micros() - instant(0).micros() - self.model.latency_us).div_euclid(500_000)
    }

    fn last_extreme(&self) -> Timestamp {
        let bars = self.bars();
        let last = bars.bar(bars.len() - 1);
        last.open_time.plus((last.close_time.micros() - last.open_time.micros()) * 2 / 3)
    }

    /// What is in force at the last call, if a market is closed then, so that all can be cancelled.
    fn last_snapshot(&self) -> Option<Snapshot> {
        let by_then = self.snapshots.iter().filter(|snapshot| instant(snapshot.at) <= self.last_extreme());
        let last = by_then.max_by_key(|snapshot| snapshot.at)?;
        let is_closed = !["TRADING", "CANCEL_ONLY"].contains(&last.status);
        is_closed.then(|| Snapshot { status: "CANCEL_ONLY", ..last.clone() })
    }

    /// `discounts`: whether commission is paid in BNB where there is some.
    pub(crate) fn market(&self, names: (&str, &str, &str), bars: Arc<Bars>, discounts: bool) -> Market {
        let read = |snapshot: &Snapshot| (instant(snapshot.at), snapshot.instrument(names));
        let last = self.last_snapshot().map(|snapshot| (self.last_extreme(), snapshot.instrument(names)));
        let timeline = Timeline::new(self.snapshots.iter().map(read).chain(last).collect()).unwrap();
        let mut model = self.model;
        model.fees.discount = discounts.then(|| Discount { asset: asset("BNB"), rate: rate("0.25") });
        Market {
            reference: match &self.reference {
                Referred::Absent => Reference::Absent,
                Referred::Mean(width, count) => Reference::Mean(MovingMean::new(*width, *count)),
                Referred::Recorded(points) => {
                    let mut points: Vec<(Timestamp, Option<Price>)> = points
                        .iter()
                        .map(|(at, price)| (instant(*at), price.map(|p| Price::from_units(p * UNIT))))
                        .collect();
                    points.sort_by_key(|(time, _)| *time);
                    Reference::Recorded(points.into())
                }
            },
            price_range: self.range.map(|percent| {
                let [bid_up, bid_down, ask_up, ask_down] =
                    percent.map(|p| p.map(|p| Rate::from_units(i64::from(p) * UNIT / 100)));
                PriceRange {
                    bid_limit_mult_up: bid_up,
                    bid_limit_mult_down: bid_down,
                    ask_limit_mult_up: ask_up,
                    ask_limit_mult_down: ask_down,
                }
            }),
            ..Market::new(timeline, model, Interval::OneMinute, bars)
        }
    }
}

impl Snapshot {
    fn instrument(&self, (symbol, base, quote): (&str, &str, &str)) -> Instrument {
        let (of_base, of_quote, of_sums) = self.precisions;
        let step = Amount::from_units(self.step.into()).to_string();
        let mut all = vec![
            json!({"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": if self.half_ticks { "0.5" } else { "1" }}),
            json!({"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "1000", "stepSize": step}),
        ];
        all.extend(filters(self.filters));
        let info = json!({"serverTime": START_MS, "symbols": [{
            "symbol": symbol, "status": self.status, "baseAsset": base, "quoteAsset": quote,
            "baseCommissionPrecision": of_base, "quoteCommissionPrecision": of_quote, "quoteAssetPrecision": of_sums.max(1),
            "quoteOrderQtyMarketAllowed": true, "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
            "opoAllowed": true, "allowTrailingStop": true, "cancelReplaceAllowed": true, "amendAllowed": true,
            "pegInstructionsAllowed": true,
            "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"],
            "filters": all,
        }]});
        ExchangeInfo::parse(&info.to_string()).unwrap().instruments[&Symbol::new(symbol).unwrap()].clone()
    }
}
