//! What own orders take from the market in a bar (rule 4.1).

use candlewick_model::Quantity;
use candlewick_simulator::{PointKind, VenueEvent};
use proptest::prelude::*;

use super::Scene;

pub(crate) struct Liquidity {
    /// What is left of the running bar's share, by market.
    left: Vec<i128>,
}

impl Liquidity {
    pub(crate) fn new(markets: usize) -> Self {
        Self { left: vec![0; markets] }
    }

    /// A bar opens with its share, whole steps of it.
    pub(crate) fn open(&mut self, scene: &Scene<'_>) {
        if scene.moved.is_some_and(|(point, _)| point.kind == PointKind::Open) {
            let share = scene.bar.volume.times_rate_floor(scene.market.fill_model.volume_share);
            let share = Quantity::from_units(share.units() as i64).floor_to(scene.instrument.filters.step());
            self.left[scene.number] = share.units().into();
        }
    }

    /// A trade of which one side alone is ours is with the market.
    pub(crate) fn end(&mut self, scene: &Scene<'_>, said: &[VenueEvent]) -> Result<(), TestCaseError> {
        let reports = said.iter().filter_map(|event| match event {
            VenueEvent::Report(report) => Some((report, report.fill?)),
            VenueEvent::ListStatus(_) | VenueEvent::Refused { .. } | VenueEvent::Tested { .. } => None,
        });
        let with_market = reports.filter(|(_, fill)| !scene.own.contains(&fill.trade_id));
        let taken: i128 = with_market.map(|(_, fill)| i128::from(fill.quantity.units())).sum();
        self.left[scene.number] -= taken;
        prop_assert!(self.left[scene.number] >= 0, "{} beyond the bar's share", -self.left[scene.number]);
        Ok(())
    }
}
