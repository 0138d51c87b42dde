//! Random worlds: up to three markets that share three assets, with bars of small whole numbers,
//! so that touches, ties, exhausted budgets and own orders in the way are frequent.

use std::sync::Arc;

use candlewick_model::filter::ExchangeFilters;
use candlewick_model::order::RateInterval;
use candlewick_model::run::PathModel;
use candlewick_model::{Account, Amount, Asset, Bars, OrderLimit, Timestamp};
use candlewick_simulator::{DiscountPrices, Limits, Market, Setup, Timeline, Transfer};
use proptest::prelude::*;

use crate::ask::{CANCEL_ALL, Op};
use crate::market::{MarketPlan, market_plan};

pub(crate) const START_MS: i64 = 1_672_531_200_000;
pub(crate) const UNIT: i64 = 100_000_000;
/// A tenth: what quantities are counted in.
pub(crate) const STEP: i64 = UNIT / 10;

/// Symbol, base and quote asset. BNB is traded, quoted in, and what commission may be paid in.
pub(crate) const MARKETS: [(&str, &str, &str); 3] = [("AB", "A", "B"), ("NB", "BNB", "B"), ("AN", "A", "BNB")];
pub(crate) const ASSETS: [&str; 3] = ["A", "B", "BNB"];

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) markets: Vec<MarketPlan>,
    /// By time.
    pub(crate) ops: Vec<Op>,
    /// What is held of each asset, in steps.
    money: [i64; 3],
    /// When (half seconds from the start), of which asset, how much (in steps).
    transfers: Vec<(i64, usize, i64)>,
    /// Unfilled orders in ten seconds, if they are limited.
    order_limit: Option<u32>,
    /// Open orders on the exchange, and the most of B that one order may transact.
    exchange_limits: (Option<u32>, Option<i64>),
    discount: bool,
    pub(crate) path: PathModel,
    /// Between which turns states are taken and gone on from, by remainder.
    pub(crate) stops: (usize, usize),
}

pub(crate) fn world() -> impl Strategy<Value = World> {
    let money = [0..200_i64, 0..200_000_i64, 0..3_000_i64].map(|some| prop_oneof![1 => Just(0_i64), 7 => some]);
    let transfer = (0..1_800_i64, 0..3_usize, -300..600_i64);
    let path = prop_oneof![
        4 => Just(PathModel::Nearest), 1 => Just(PathModel::Pessimistic), 1 => Just(PathModel::Optimistic)
    ];
    let limits = (prop::option::weighted(0.2, 3..20_u32), prop::option::weighted(0.1, 2..9_u32));
    let more = (prop::option::weighted(0.1, 300..3_000_i64), any::<bool>(), path, (10..80_usize, 0..80_usize));
    let markets = prop_oneof![3 => Just(1_usize), 2 => Just(2), 1 => Just(3)];
    let markets = markets.prop_flat_map(|count| prop::collection::vec(market_plan(), count));
    let ops = prop::collection::vec(any_op(), 1..60);
    (markets, ops, money, prop::collection::vec(transfer, 0..3), limits, more).prop_map(
        |(markets, mut ops, money, transfers, (order_limit, orders), (asset, discount, path, stops))| {
            close(&markets, &mut ops);
            ops.sort_by_key(|op| op.time);
            let exchange_limits = (orders, asset);
            World { markets, ops, money, transfers, order_limit, exchange_limits, discount, path, stops }
        },
    )
}

fn any_op() -> impl Strategy<Value = Op> {
    (-10..1_800_i64, 0..3_usize, any::<u8>(), any::<bool>(), -6..7_i64, 0..25_i64, any::<u32>())
        .prop_map(|(time, market, what, buys, ticks, steps, dice)| Op { time, market, what, buys, ticks, steps, dice })
}

/// The last request of each market is an end to all that is open, where it is just still taken up.
fn close(markets: &[MarketPlan], ops: &mut Vec<Op>) {
    for (market, plan) in markets.iter().enumerate() {
        let time = plan.last_call();
        ops.retain(|op| op.market % markets.len() != market || op.time < time);
        ops.push(Op { time, market, what: CANCEL_ALL, buys: true, ticks: 0, steps: 24, dice: 0 });
    }
}

pub(crate) fn instant(half_seconds: i64) -> Timestamp {
    Timestamp::from_millis(START_MS + half_seconds * 500)
}

pub(crate) fn asset(name: &str) -> Asset {
    Asset::new(name).unwrap()
}

fn steps(count: i64) -> Amount {
    Amount::from_units(i128::from(count) * i128::from(STEP))
}

impl World {
    pub(crate) fn initial(&self) -> Account {
        ASSETS.iter().zip(self.money).map(|(name, held)| (asset(name), steps(held))).collect()
    }

    pub(crate) fn setup(&self) -> Setup {
        let bars: Vec<Arc<Bars>> = self.markets.iter().map(|plan| Arc::new(plan.bars())).collect();
        let market = |(at, plan): (usize, &MarketPlan)| {
            let mut market = plan.market(MARKETS[at], Arc::clone(&bars[at]), self.discount);
            // Where there is no market for BNB, commission is paid in what is received.
            if let Some(prices) = bars.get(1).filter(|_| at == 0) {
                market.discount = Some(DiscountPrices::new(Arc::clone(prices)));
            }
            market
        };
        let markets: Vec<Market> = self.markets.iter().enumerate().map(market).collect();
        let filters = ExchangeFilters {
            max_num_orders: self.exchange_limits.0,
            max_asset: self.exchange_limits.1.map(|most| (asset("B"), steps(most * 10))).into_iter().collect(),
            ..ExchangeFilters::default()
        };
        let limit = |limit| OrderLimit { interval: RateInterval::Second, interval_num: 10, limit };
        let before = Limits { filters, orders: self.order_limit.map(limit).into_iter().collect() };
        // Another snapshot in the middle of the run.
        let mut after = before.clone();
        after.filters.max_num_orders = after.filters.max_num_orders.map(|most| most + 1);
        after.filters.max_asset.clear();
        after.orders.iter_mut().for_each(|limit| limit.limit += 1);
        Setup {
            limits: Timeline::new(vec![(Timestamp::MIN, before), (instant(600), after)]).expect("two"),
            markets: markets.clone(),
            counted_in: asset("B"),
            transfers: self.transfers(),
            ..Setup::of_one(markets[0].clone(), self.initial())
        }
    }

    /// By time.
    fn transfers(&self) -> Vec<Transfer> {
        let made = |&(at, of, amount): &(i64, usize, i64)| Transfer {
            time: instant(at),
            asset: asset(ASSETS[of]),
            amount: steps(amount),
        };
        let mut transfers: Vec<_> = self.transfers.iter().map(made).collect();
        transfers.sort_by_key(|transfer| transfer.time);
        transfers
    }
}
