//! A run under stress: the same run without trouble, with it, and under other seeds.

use candlewick_model::run::{Run, StressRecord};
use candlewick_model::stress::{Episode, Scenario};
use candlewick_model::{Symbol, Timestamp};
use candlewick_report::bearing;
use candlewick_simulator::{Setup, draw};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::config::Config;
use crate::prepare::{Prepared, band, run};

impl Prepared {
    /// Runs the strategy calm, and under every seed of a scenario; the record is of the first.
    pub(crate) fn stressed(&self, config: &Config, scenario: &Scenario) -> anyhow::Result<Run> {
        let calm = bearing(&self.record(config, &self.setup, run(config, &self.setup)?, None));
        let mut first: Option<(Run, Vec<Episode>)> = None;
        let mut runs = Vec::new();
        for seed in (0..scenario.runs).map(|n| scenario.seed.wrapping_add(n.into())) {
            let (setup, episodes) = self.under(scenario, seed);
            let finished = run(config, &setup)?;
            let band = if first.is_none() { band(config, &setup, &finished)? } else { None };
            let record = self.record(config, &setup, finished, band);
            runs.push((seed, bearing(&record)));
            first.get_or_insert((record, episodes));
        }
        let (record, episodes) = first.expect("a scenario has at least one run");
        Ok(Run { stress: Some(StressRecord { episodes, calm, runs }), ..record })
    }

    /// The markets under a seed of a scenario, and what that comes to.
    pub(crate) fn under(&self, scenario: &Scenario, seed: u64) -> (Setup, Vec<Episode>) {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let episodes = episodes(&self.setup, scenario, &random);
        (self.setup.under(episodes.clone(), random), episodes)
    }
}

/// What a scenario comes to over the markets of a run.
fn episodes(setup: &Setup, scenario: &Scenario, random: &ChaCha8Rng) -> Vec<Episode> {
    let symbols: Vec<Symbol> = setup.markets.iter().map(|market| market.timeline.last().symbol).collect();
    let last = setup.markets.iter().filter_map(|market| market.bars.close_time.last().copied()).max();
    draw(scenario, setup.start().plus(1)..last.unwrap_or(Timestamp::MIN).plus(1), &symbols, random)
}
