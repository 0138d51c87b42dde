//! What a run was made from, kept in its folder so that it can be made again.
//!
//! For: `backtest` and `demo`, which leave it beside the report, and `explain`, which begins with
//! it. Not for: bars and trades, which stay in the lake; their hashes are in `summary.json`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow};
use candlewick_model::run::Provenance;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::prepare::Prepared;

/// Goes up when a name in `inputs.json` changes or goes away.
const SCHEMA: u32 = 1;
const INPUTS: &str = "inputs.json";
const CONFIGURATION: &str = "configuration.toml";
const ORDERS: &str = "orders.jsonl";
const EXCHANGE_INFO: &str = "exchange_info.jsonl";
const SUMMARY: &str = "summary.json";
const EVENTS: &str = "events.jsonl";

/// `inputs.json`: where everything was, as seen from the run's folder.
#[derive(Serialize, Deserialize)]
struct Places {
    schema: u32,
    /// The lake: a folder, or an address.
    lake: String,
    /// The folder that paths of the configuration are relative to.
    folder: String,
    /// The order file beside, if the strategy has one.
    orders: Option<String>,
    /// The snapshots of exchangeInfo beside, as far as the run stands on them.
    exchange_info: Option<String>,
}

/// A run that was read back.
pub(crate) struct Inputs {
    /// The configuration, with the order file as it was.
    pub(crate) config: Config,
    /// As it stood in its file.
    pub(crate) text: String,
    /// The lake's folder or address.
    pub(crate) lake: String,
    /// The hashes that the run was made with.
    pub(crate) provenance: Provenance,
    /// The run's own events.
    pub(crate) events: PathBuf,
}

/// Leaves in a run's folder what is needed to run it again. `text` is the configuration as it
/// stands in its file.
pub(crate) fn write(out: &Path, config: &Config, text: &str, prepared: &Prepared, lake: &Path) -> anyhow::Result<()> {
    let orders = prepared.orders.as_deref();
    let exchange_info: String = prepared.exchange_info.iter().flat_map(|line| [line, "\n"]).collect();
    let places = Places {
        schema: SCHEMA,
        lake: seen_from(out, lake)?,
        folder: seen_from(out, config.folder())?,
        orders: orders.map(|_| ORDERS.to_owned()),
        exchange_info: Some(EXCHANGE_INFO.to_owned()),
    };
    let json = serde_json::to_string_pretty(&places)? + "\n";
    let files =
        [(CONFIGURATION, Some(text)), (ORDERS, orders), (EXCHANGE_INFO, Some(&exchange_info)), (INPUTS, Some(&json))];
    for (name, content) in files {
        if let Some(content) = content {
            let (path, unfinished) = (out.join(name), out.join(format!(".{name}.part")));
            let what = || path.display().to_string();
            std::fs::write(&unfinished, content)
                .and_then(|()| std::fs::rename(&unfinished, &path))
                .with_context(what)?;
        }
    }
    Ok(())
}

impl Inputs {
    /// Reads what [`write()`] has left in a run's folder.
    pub(crate) fn read(run: &Path) -> anyhow::Result<Self> {
        let file = |name: &str| {
            let path = run.join(name);
            std::fs::read_to_string(&path).with_context(|| {
                format!(
                    "{} is not there; is {} what `candlewick backtest` wrote into `--out`?",
                    path.display(),
                    run.display()
                )
            })
        };
        #[derive(Deserialize)]
        struct Summary {
            provenance: Provenance,
        }
        let summary = file(SUMMARY)?;
        let Summary { provenance } =
            serde_json::from_str(&summary).with_context(|| run.join(SUMMARY).display().to_string())?;
        let places = file(INPUTS)?;
        let places: Places = serde_json::from_str(&places).with_context(|| run.join(INPUTS).display().to_string())?;
        if places.schema != SCHEMA {
            let schema = places.schema;
            return Err(anyhow!("{} is of schema {schema}; this program reads {SCHEMA}", run.join(INPUTS).display()));
        }
        let text = file(CONFIGURATION)?;
        let folder = run.join(&places.folder);
        let mut config = Config::parse_in(&text, &run.join(CONFIGURATION), &folder)?;
        if let Some(orders) = &places.orders {
            config = config.with_orders(file(orders)?);
        }
        if let Some(name) = &places.exchange_info {
            config = config.with_exchange_info(&run.join(name))?;
        }
        let lake = if places.lake.contains("://") { places.lake } else { run.join(&places.lake).display().to_string() };
        Ok(Self { config, text, lake, provenance, events: run.join(EVENTS) })
    }
}

/// A path as seen from a folder; an address stays what it is.
fn seen_from(folder: &Path, path: &Path) -> anyhow::Result<String> {
    if path.to_string_lossy().contains("://") {
        return Ok(path.display().to_string());
    }
    let absolute = |path: &Path| {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        path.canonicalize().with_context(|| path.display().to_string())
    };
    let (folder, path) = (absolute(folder)?, absolute(path)?);
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), path.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[same..].iter().map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(to[same..].iter().copied()).collect();
    Ok(if relative.as_os_str().is_empty() { ".".to_owned() } else { relative.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_seen_from_the_run() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).unwrap();
            path
        };
        let (run, lake) = (make("runs/one"), make("data/lake"));
        assert_eq!(seen_from(&run, &lake).unwrap(), "../../data/lake");
        assert_eq!(seen_from(&run, &run).unwrap(), ".");
        assert_eq!(seen_from(&run, &make("runs/one/lake")).unwrap(), "lake");
        assert_eq!(seen_from(&run, Path::new("s3://bucket/lake")).unwrap(), "s3://bucket/lake");
        assert!(seen_from(&run, &root.path().join("nowhere")).is_err());
    }
}
