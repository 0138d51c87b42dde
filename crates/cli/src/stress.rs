//! A run under stress: the same run without trouble, with it, and under other seeds.

use anyhow::Context;
use candlewick_model::run::{Run, StressRecord};
use candlewick_model::stress::{Episode, Scenario};
use candlewick_model::{Symbol, Timestamp};
use candlewick_report::bearing;
use candlewick_simulator::{Setup, draw};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::config::Config;
use crate::prepare::{Prepared, band, not_run, run};

impl Prepared {
    /// Runs the strategy calm, and under every seed of a scenario; the record is of the first.
    /// Where one of the others cannot be run, that is told, and the first is kept.
    pub(crate) fn stressed(&self, config: &Config, scenario: &Scenario) -> anyhow::Result<Run> {
        let mut not_run = Vec::new();
        let calm = match run(config, &self.setup) {
            Ok(finished) => Some(bearing(&self.record(config, &self.setup, finished))),
            Err(error) => {
                not_run.push(self::not_run("the calm run", &error));
                None
            }
        };
        let (setup, episodes) = self.under(scenario, scenario.seed);
        let finished = run(config, &setup).with_context(|| format!("the run under seed {}", scenario.seed))?;
        let (band, other_paths) = band(config, &setup, &finished);
        not_run.extend(other_paths);
        let first = self.record(config, &setup, finished);
        let mut runs = vec![(scenario.seed, bearing(&first))];
        for seed in (1..scenario.runs).map(|n| scenario.seed.wrapping_add(n.into())) {
            let (setup, _) = self.under(scenario, seed);
            match run(config, &setup) {
                Ok(finished) => runs.push((seed, bearing(&self.record(config, &setup, finished)))),
                Err(error) => not_run.push(self::not_run(&format!("seed {seed}"), &error)),
            }
        }
        Ok(Run { stress: Some(StressRecord { episodes, calm, runs }), band, not_run, ..first })
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
    let last = setup.markets.iter().filter_map(|market| market.bars.close_time.last()).max();
    draw(scenario, setup.start().plus(1)..last.unwrap_or(Timestamp::MIN).plus(1), &symbols, random)
}
