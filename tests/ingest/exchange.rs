//! The data server within the test, the program run against it, and what must be the same in
//! the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use candlewick_exchange::data::{Catalogue, DataOptions, DataServer, Limits, Portal, ServerClock};
use candlewick_exchange::faults::{self, FaultPlan};
use candlewick_model::{Interval, Timestamp};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::program::{candlewick, contents};

/// When it is: in the middle of a minute, so that half of the request weight may be used at once,
/// and of a bar. Time stands still.
pub(crate) const NOW: &str = "2025-01-10T10:20:30Z";

/// Made-up markets up to some days after [`NOW`].
pub(crate) fn markets(names: &[&str], interval: Interval, from: &str) -> Arc<Catalogue> {
    let names: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
    let range = time(from)..time("2025-01-20");
    Arc::new(Catalogue::generated(5, &names, interval, &range))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    })
}

/// A server with a request budget of its own on the clients' side.
pub(crate) struct Exchange {
    pub(crate) server: DataServer,
    budget: TempDir,
}

impl Exchange {
    pub(crate) fn new(markets: &Arc<Catalogue>) -> Self {
        let portal = Portal::new(Arc::clone(markets), ServerClock::starting(time(NOW), 0.0));
        // Time stands still, so that no minute with new weight begins.
        let limits = Limits { weight: 100_000_000, ..Limits::default() };
        let options = DataOptions { limits, ..DataOptions::new(portal) };
        let server = runtime().block_on(DataServer::start(options, 0)).unwrap();
        Self { server, budget: tempfile::tempdir().unwrap() }
    }

    /// Switches faults on, and those that were on off.
    pub(crate) fn faults(&self, json: &str) {
        self.server.clear_faults();
        self.server.add_faults(FaultPlan::from_json(json.as_bytes(), faults::Server::Data).unwrap());
    }

    /// The program with a lake; in the arguments `{url}` stands for this server.
    pub(crate) fn command(&self, arguments: &str, lake: &Path) -> Command {
        let mut command = candlewick();
        let url = self.server.url();
        command.args(arguments.split_whitespace().map(|argument| argument.replace("{url}", &url)));
        command.arg("--lake").arg(lake).env("CANDLEWICK_BUDGET_DIR", self.budget.path());
        command
    }
}

/// Where everything comes from.
pub(crate) const ALL_SOURCES: &str = "--portal {url} --portal-listing {url}/data.binance.vision --rest {url}";

/// The data files of a lake.
pub(crate) fn data(lake: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    contents(lake).into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "parquet")).collect()
}

/// What a writer must not leave behind.
pub(crate) fn debris(lake: &Path) -> Vec<PathBuf> {
    let is_debris = |path: &PathBuf| {
        let path = path.to_string_lossy();
        path.ends_with(".tmp") || path.contains(".partial/")
    };
    contents(lake).into_keys().filter(is_debris).collect()
}

/// Says where the data files of two lakes differ.
pub(crate) fn difference(lake: &Path, other: &Path) -> Option<String> {
    let (one, other) = (data(lake), data(other));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    if names(&one) != names(&other) {
        return Some(format!("the files are {:?}, not {:?}", names(&one), names(&other)));
    }
    one.iter().find(|(path, bytes)| other[*path] != **bytes).map(|(path, _)| format!("{} differs", path.display()))
}
