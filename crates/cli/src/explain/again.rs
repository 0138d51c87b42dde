//! A run made again from its folder, if what it stands on is still the same.

use std::path::Path;

use anyhow::anyhow;
use candlewick_lake::Lake;
use candlewick_model::{EventLog, Symbol};
use candlewick_simulator::Market;
use candlewick_simulator::trace::{Subject, Traced};

use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::prepare::Prepared;

/// A run that can be made again.
pub(crate) struct Again {
    pub(crate) inputs: Inputs,
    prepared: Prepared,
    lake: String,
}

impl Again {
    /// Reads a run's folder, and the lake that it names or another one.
    pub(crate) fn open(run: &Path, lake: Option<&str>) -> Result<Self, Failure> {
        let inputs = Inputs::read(run).map_err(Failure::usage)?;
        let address = lake.unwrap_or(&inputs.lake).to_owned();
        if !address.contains("://") && !Path::new(&address).is_dir() {
            let hint = if lake.is_some() { "" } else { ", where this run had it; name it with --lake" };
            return Err(Failure::usage(anyhow!("there is no lake in {address}{hint}")));
        }
        let lake = Lake::open(&address).map_err(Failure::usage)?;
        let prepared = Prepared::new(&inputs.config, &inputs.text, &lake).map_err(Failure::usage_or_lake)?;
        Ok(Self { inputs, prepared, lake: address })
    }

    /// What is not as it was when the run was made, with what it was and is. Detail is part of the
    /// data, and known only once the run is made again.
    pub(crate) fn differences(&self, is_made: bool) -> Vec<String> {
        let (then, now) = (&self.inputs.provenance, &self.prepared.provenance());
        let is_known = is_made || !self.prepared.reads_detail();
        let bars = format!("data_sha256, of the bars in {}", self.lake);
        let all = [
            ("program_version", &then.program_version, &now.program_version),
            (&bars, &then.data_sha256, if is_known { &now.data_sha256 } else { &then.data_sha256 }),
            (
                "configuration_sha256, of the configuration, its order file and its recorded reference prices",
                &then.configuration_sha256,
                &now.configuration_sha256,
            ),
            ("filters_sha256, of exchange_info.jsonl", &then.filters_sha256, &now.filters_sha256),
        ];
        let differ = all.into_iter().filter(|(_, then, now)| then != now);
        differ.map(|(what, then, now)| format!("{what}: was {then}, is {now}")).collect()
    }

    /// Makes the run again: what happened in it, and what was noted.
    pub(crate) fn make(&self, subject: Subject) -> anyhow::Result<(EventLog, Traced)> {
        let (finished, traced) = self.prepared.explain(&self.inputs.config, subject)?;
        Ok((finished.outcome.events, traced))
    }

    /// A market of the run.
    pub(crate) fn market(&self, symbol: Symbol) -> Option<&Market> {
        self.prepared.setup.markets.iter().find(|market| market.timeline.last().symbol == symbol)
    }
}
