//! `candlewick demo`: everything at once, without internet, keys or preparation.
//!
//! A generated market is served as a Data Portal over HTTP, ingested into a fresh lake,
//! backtested and reported; then the same strategy trades its last days live, over REST and in
//! lock step, against the local exchange, and both must have done the same.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use candlewick_binance::archive::Dataset;
use candlewick_binance::signing::Credentials;
use candlewick_exchange::{DataOptions, DataServer, MarketPlan, Portal, Server, Service};
use candlewick_ingest::{Engine, Span, Target};
use candlewick_lake::{Lake, Snapshot};
use candlewick_live::parity::{self, Comparison};
use candlewick_live::{Plan, Runner};
use candlewick_model::run::Event;
use candlewick_model::{Period, Timestamp};
use clap::Args;

use super::ingest::Silent;
use crate::config::Config;
use crate::failure::Failure;
use crate::inputs;
use crate::prepare::{Prepared, check_out};
use crate::sample;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where everything goes: a folder that is empty or not there yet.
    #[arg(long, value_name = "DIR", default_value = "candlewick-demo")]
    out: PathBuf,
    /// Decides what happens in the market.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Replace an earlier demo in that folder.
    #[arg(long)]
    force: bool,
}

/// January to March 2023.
const DAYS: u32 = 90;
/// The last five days of it are traded live.
const LIVE_FROM: &str = "2023-03-27";

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_out(&arguments.out, arguments.force).map_err(Failure::usage)?;
    let start = Instant::now();
    let runtime = super::runtime()?;
    let demo = Demo::prepare(&arguments.out, arguments.seed).map_err(Failure::outside)?;
    let comparison = runtime.block_on(demo.run()).map_err(Failure::outside)?;
    demo.tell(start.elapsed().as_secs_f64());
    Ok(ExitCode::from(u8::from(!comparison.agrees())))
}

struct Demo {
    out: PathBuf,
    plan: MarketPlan,
    lake: Lake,
}

impl Demo {
    /// A fresh folder: what an earlier demo left there goes away, and nothing else does.
    fn prepare(out: &Path, seed: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
        for left in ["lake", "report"] {
            let folder = out.join(left);
            if folder.is_dir() {
                std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
            }
        }
        let journal = out.join("live.jsonl");
        if journal.is_file() {
            std::fs::remove_file(&journal).with_context(|| journal.display().to_string())?;
        }
        let from: Timestamp = "2023-01-01".parse()?;
        Ok(Self { out: out.to_owned(), plan: sample::market(seed, from, DAYS), lake: Lake::new(&out.join("lake")) })
    }

    async fn run(&self) -> anyhow::Result<Comparison> {
        self.fill_lake().await?;
        self.backtest()?;
        self.trade_live().await
    }

    /// Generated bars → archives over HTTP → lake.
    async fn fill_lake(&self) -> anyhow::Result<()> {
        let bars = Arc::new(self.plan.bars());
        let portal = Portal::of_bars(self.plan.symbol, self.plan.interval, Arc::clone(&bars));
        let server = DataServer::start(DataOptions::new(portal), 0).await?;
        let span = Span::new("2023-01".parse()?, "2023-03".parse()?)?;
        let address = candlewick_ingest::Portal::new(&server.url(), None)?;
        let target = Target { symbol: self.plan.symbol, dataset: Dataset::Klines(self.plan.interval) };
        let engine = Engine::new(&address, &self.lake, None, 4, &Silent);
        let (_, outcome) = engine.ingest(&[target], &span).await.remove(0);
        if let Some(trouble) = outcome.troubles.first() {
            return Err(anyhow!("ingest: {trouble}"));
        }
        if outcome.rows != bars.len() as u64 {
            return Err(anyhow!("{} bars were generated, {} ingested", bars.len(), outcome.rows));
        }
        let info = Snapshot::parse(self.plan.exchange_info(), "the generated market")?;
        self.lake.add_exchange_info(&info)?;
        println!(
            "ingested   {} one-minute bars of {} from {} archives over HTTP, checksums verified",
            outcome.rows, target.symbol, outcome.archives
        );
        Ok(())
    }

    /// Writes a configuration, as a user would, and prepares its run.
    fn configured(&self, name: &str, from: Period, to: Period) -> anyhow::Result<(Config, String, Prepared)> {
        let file = self.out.join(name);
        let text = sample::configuration(from, to);
        std::fs::write(&file, &text).with_context(|| file.display().to_string())?;
        let (config, text) = Config::read(&file)?;
        let prepared = Prepared::whole(&config, &text, &self.lake)?;
        Ok((config, text, prepared))
    }

    fn backtest(&self) -> anyhow::Result<()> {
        let (config, text, prepared) = self.configured("backtest.toml", "2023-01".parse()?, "2023-03".parse()?)?;
        let run = prepared.backtest(&config)?;
        let report = self.out.join("report");
        let written = candlewick_report::write_all(&run, &report)?;
        inputs::write(&report, &config, &text, &prepared, self.lake.root())?;
        println!("backtest   {} over {} bars\n", run.strategy, written.statistics.period.bars);
        println!("{}", candlewick_report::terminal::summary(&run, &written.statistics));
        Ok(())
    }

    /// The last days once more: in the replay, and over REST in lock step.
    async fn trade_live(&self) -> anyhow::Result<Comparison> {
        let (config, _, prepared) = self.configured("live.toml", LIVE_FROM.parse()?, "2023-03-31".parse()?)?;
        let (strategy, _) = config.strategy()?;
        let backtest = candlewick_simulator::Backtest::new(&prepared.setup, strategy, "demo").run()?;
        let start = Instant::now();
        let live = self.live_events(&config, &prepared).await?;
        let seconds = start.elapsed().as_secs_f64();
        let comparison = parity::compare(&backtest.outcome.events.iter().collect::<Vec<_>>(), &live);
        println!(
            "live       {} bars from {LIVE_FROM} on, over REST against the local exchange, in {seconds:.1} s",
            prepared.setup.markets[0].bars.len()
        );
        println!("parity     {comparison}\n");
        Ok(comparison)
    }

    async fn live_events(&self, config: &Config, prepared: &Prepared) -> anyhow::Result<Vec<Event>> {
        let credentials = Credentials::new("demo", "demo");
        let exchange_info = prepared.exchange_info.concat();
        let service = Service::new(prepared.setup.clone(), exchange_info, credentials.clone().into());
        let server = Server::start(service, 0).await?;
        let plan = Plan {
            url: server.url(),
            symbol: self.plan.symbol,
            interval: self.plan.interval,
            account: config.account()?,
            lock_step: true,
            warm_up_bars: 0,
            until: None,
        };
        let (strategy, _) = config.strategy()?;
        let runner = Runner::connect(plan, credentials, strategy).await?;
        Ok(runner.journal_to(&self.out.join("live.jsonl"))?.run().await?.events.iter().collect())
    }

    fn tell(&self, seconds: f64) {
        let out = self.out.display();
        println!("Everything is in {out} ({seconds:.1} s):");
        println!("  report/report.html   open it in a browser; beside it the same as CSV and JSON");
        println!("  report/              candlewick explain {out}/report ORDER says why an order became what it did");
        println!("  lake/                Parquet, readable by DuckDB, Polars, pandas and Spark");
        println!("  backtest.toml        candlewick backtest {out}/backtest.toml --lake {out}/lake --out DIR");
        println!("  live.toml            the run of the last days");
        println!("  live.jsonl           its journal, event by event");
    }
}
