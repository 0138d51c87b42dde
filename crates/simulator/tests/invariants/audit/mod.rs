//! What must hold after every turn of any run, held against what was said alone: a file a
//! subject. The audit knows the rules and the reports, and nothing of the matcher.

mod limits;
mod liquidity;
mod lists;
mod lives;
mod money;
mod prevention;
mod prices;
mod priority;
mod triggers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use candlewick_model::run::MakerFill;
use candlewick_model::{Account, Bar, ExecutionReport, Instrument, Order, OrderId, Price, Side, Timestamp, TradeId};
use candlewick_simulator::{Market, Point, PointKind, Replay, Setup, VenueEvent};
use proptest::prelude::*;

use crate::coverage::Coverage;
use crate::drive::{Cause, Turn, Watch};

/// Every order that was ever told of, as it was told of last.
pub(crate) type Orders = BTreeMap<OrderId, Order>;

/// Where a turn takes place.
pub(crate) struct Scene<'a> {
    pub(crate) number: usize,
    pub(crate) market: &'a Market,
    pub(crate) instrument: &'a Arc<Instrument>,
    pub(crate) now: Timestamp,
    /// The bar that is running.
    pub(crate) bar: Bar,
    /// Where the market went, and from which price; `None` if it stood still.
    pub(crate) moved: Option<(Point, Price)>,
    /// Where it stands after the turn.
    pub(crate) last: Price,
    /// Trades with oneself: both sides are told of.
    pub(crate) own: BTreeSet<TradeId>,
    /// The second market, which gives BNB a price.
    pub(crate) second: Option<&'a Market>,
}

impl Scene<'_> {
    /// The lowest and the highest price of a move: a jump is only where it ends.
    pub(crate) fn path(&self) -> Option<(Price, Price)> {
        let (point, from) = self.moved.filter(|_| !self.bar.volume.is_zero())?;
        let from = if point.kind == PointKind::Open { self.last } else { from };
        Some((from.min(self.last), from.max(self.last)))
    }

    /// Whether the move fills an order that rests (rule 3.3).
    pub(crate) fn reaches(&self, order: &Order) -> bool {
        let Some((low, high)) = self.path() else { return false };
        match (order.side, self.market.fill_model.maker_fill) {
            (Side::Buy, MakerFill::Through) => low < order.limit(),
            (Side::Buy, MakerFill::Touch) => low <= order.limit(),
            (Side::Sell, MakerFill::Through) => high > order.limit(),
            (Side::Sell, MakerFill::Touch) => high >= order.limit(),
        }
    }
}

pub(crate) struct Audit<'a> {
    setup: &'a Setup,
    orders: Orders,
    /// The running bar of each market.
    rows: Vec<usize>,
    lives: lives::Lives,
    money: money::Money,
    liquidity: liquidity::Liquidity,
    priority: priority::Priority,
    lists: lists::Lists,
    limits: limits::Limits,
    prevention: prevention::Prevention,
    triggers: triggers::Triggers,
    coverage: &'a mut Coverage,
}

impl<'a> Audit<'a> {
    pub(crate) fn new(setup: &'a Setup, coverage: &'a mut Coverage) -> Self {
        Self {
            setup,
            orders: Orders::new(),
            rows: vec![0; setup.markets.len()],
            lives: lives::Lives::default(),
            money: money::Money::new(&setup.account),
            liquidity: liquidity::Liquidity::new(setup.markets.len()),
            priority: priority::Priority::default(),
            lists: lists::Lists::default(),
            limits: limits::Limits::default(),
            prevention: prevention::Prevention::default(),
            triggers: triggers::Triggers::default(),
            coverage,
        }
    }

    /// All was cancelled at the end: every order has ended, and nothing is locked.
    pub(crate) fn finish(&self, account: &Account) -> Result<(), TestCaseError> {
        let open: Vec<_> = self.orders.values().filter(|order| !order.status.is_final()).collect();
        prop_assert!(open.is_empty(), "{:?}", open);
        prop_assert!(account.iter().all(|(_, balance)| balance.locked.is_zero()), "{:?}", account);
        self.lists.finish()
    }

    fn report(&mut self, scene: &Scene<'_>, report: &ExecutionReport) -> Result<(), TestCaseError> {
        let before = self.orders.get(&report.order.order_id).copied();
        self.lives.report(&self.orders, before.as_ref(), report)?;
        prices::report(scene, report)?;
        self.priority.report(scene, &self.orders, report)?;
        self.money.report(scene, &self.orders, before.as_ref(), report)?;
        self.lists.report(before.as_ref(), report)?;
        self.limits.report(self.setup, scene, &self.orders, before.as_ref(), report)?;
        self.prevention.report(scene, &self.orders, before.as_ref(), report)?;
        prevention::check_end(&report.order)?;
        if let Some(before) = &before {
            triggers::check_reached(scene, before, &report.order)?;
        }
        self.coverage.report(before.as_ref(), report);
        self.orders.insert(report.order.order_id, report.order);
        Ok(())
    }
}

impl Watch for Audit<'_> {
    fn turn(&mut self, replay: &Replay, turn: &Turn, said: &[VenueEvent]) -> Result<(), TestCaseError> {
        let moved = match turn.cause {
            Cause::Move { point, from } => {
                self.rows[turn.market] = point.bar;
                Some((point, from))
            }
            Cause::Command(_) => None,
            Cause::Transfer(transfer) => {
                self.money.transfer(transfer);
                None
            }
        };
        let market = &self.setup.markets[turn.market];
        let mut trades = BTreeSet::new();
        let scene = Scene {
            number: turn.market,
            market,
            instrument: market.timeline.at(replay.now()).0,
            now: replay.now(),
            bar: market.bars.bar(self.rows[turn.market]),
            moved,
            last: replay.last_price(turn.market),
            second: self.setup.markets.get(1),
            own: said.iter().filter_map(trade).filter(|id| !trades.insert(*id)).collect(),
        };
        self.liquidity.open(&scene);
        self.priority.begin(&scene, &self.orders);
        for event in said {
            match event {
                VenueEvent::Report(report) => self.report(&scene, report)?,
                VenueEvent::ListStatus(status) => {
                    self.lists.status(&self.orders, status)?;
                    self.coverage.status(status);
                }
                VenueEvent::Refused { refusal, action, .. } => self.coverage.refused(*action, refusal),
                VenueEvent::Tested { .. } => self.coverage.count("tested"),
            }
        }
        self.liquidity.end(&scene, said)?;
        self.prevention.end()?;
        self.triggers.end(&scene, &self.orders)?;
        if said.is_empty() && !matches!(turn.cause, Cause::Transfer(_)) {
            return Ok(());
        }
        self.lives.end(&self.orders, self.setup.markets.len(), replay)?;
        self.lists.end(&self.orders)?;
        self.money.end(&self.orders, replay)
    }
}

fn trade(event: &VenueEvent) -> Option<TradeId> {
    match event {
        VenueEvent::Report(report) => report.fill.map(|fill| fill.trade_id),
        VenueEvent::ListStatus(_) | VenueEvent::Refused { .. } | VenueEvent::Tested { .. } => None,
    }
}
