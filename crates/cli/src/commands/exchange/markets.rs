//! The markets that `candlewick exchange serve` serves: a run's, or a generated one.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use candlewick_exchange::FaultPlan;
use candlewick_lake::Lake;
use candlewick_model::{ExchangeInfo, Period, Timestamp};
use candlewick_simulator::{Limits, Market, Setup, Timeline};

use crate::config::Config;
use crate::prepare::Prepared;
use crate::sample;

/// Markets, and what the exchange says of them.
pub(super) struct Markets {
    pub(super) setup: Setup,
    pub(super) exchange_info: String,
    /// The trouble of its `[stress]` that is none of the markets themselves.
    pub(super) faults: FaultPlan,
}

impl Markets {
    /// All markets of a configuration.
    pub(super) fn of_config(file: &Path, lake: &str) -> anyhow::Result<Self> {
        let (config, text) = Config::read(file)?;
        let prepared = Prepared::whole(&config, &text, &Lake::open(lake)?)?;
        let exchange_info = prepared.exchange_info.concat();
        let Some(scenario) = &config.stress else {
            return Ok(Self { setup: prepared.setup.clone(), exchange_info, faults: FaultPlan::default() });
        };
        // What the first run of a backtest under stress meets.
        let (setup, episodes) = prepared.under(scenario, scenario.seed);
        let faults = FaultPlan::of_episodes(&episodes, scenario.seed);
        Ok(Self { setup: Setup { stress: None, ..setup }, exchange_info, faults })
    }

    /// One that is made up.
    pub(super) fn generated(seed: u64, first_day: Timestamp, days: u32) -> anyhow::Result<Self> {
        let plan = sample::market(seed, first_day, days);
        let day = Period::day_of(first_day);
        let config = Config::parse(&sample::configuration(day, day), Path::new("the generated market"))?;
        let mut info = ExchangeInfo::parse(&plan.exchange_info())?;
        let instrument = info.instruments.remove(&plan.symbol).ok_or_else(|| anyhow!("a market without a symbol"))?;
        let timeline = Timeline::new(vec![(info.server_time, instrument)]).ok_or_else(|| anyhow!("no filters"))?;
        let configured = config.markets()?.remove(0);
        let market = Market::new(timeline, configured.fill_model, configured.interval, Arc::new(plan.bars()));
        let mut setup = Setup::of_one(market, config.account()?);
        setup.limits = Limits { filters: info.exchange_filters, orders: info.order_limits }.into();
        Ok(Self { setup, exchange_info: plan.exchange_info(), faults: FaultPlan::default() })
    }

    /// The same, some microseconds later.
    pub(super) fn shifted(self, by: i64) -> Self {
        Self { setup: self.setup.shifted(by), faults: self.faults.shifted(by), ..self }
    }

    /// What there is, in words.
    pub(super) fn described(&self) -> String {
        let one = |market: &Market| {
            let (symbol, bars) = (market.timeline.last().symbol, &market.bars);
            format!("{symbol}: {} bars of {} from {}", bars.len(), market.interval, bars.open_time.at(0))
        };
        self.setup.markets.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
