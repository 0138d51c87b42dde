//! `candlewick exchange data`: the market-data side of a local exchange.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use candlewick_exchange::data::{Catalogue, DataOptions, DataServer, Limits, MarketName, Portal, ServerClock, Tls};
use candlewick_exchange::faults::{self, FaultPlan};
use candlewick_lake::Lake;
use candlewick_model::time::DAY;
use candlewick_model::{Interval, Timestamp};
use clap::Args;

use crate::failure::Failure;

#[derive(Args)]
#[group(id = "source", required = true, multiple = true)]
pub(crate) struct Sources {
    /// Serve the series of a lake.
    #[arg(long, value_name = "DIR", group = "source")]
    lake: Option<String>,
    /// Serve a folder of the portal's layout (it holds data/spot/…): files as they are, klines
    /// from what is in them. With --lake or --generate only the files come from here.
    #[arg(long, value_name = "DIR", group = "source")]
    portal_folder: Option<PathBuf>,
    /// Serve generated markets; the seed decides what happens in them.
    #[arg(long, value_name = "SEED", group = "source", conflicts_with = "lake")]
    generate: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Data {
    #[command(flatten)]
    sources: Sources,
    /// Generated markets by name; SYMBOL@FROM..TO is listed and delisted at other times.
    #[arg(long, value_delimiter = ',', value_name = "SYMBOL", requires = "generate", conflicts_with = "count")]
    symbols: Vec<MarketName>,
    /// So many generated markets; some are listed late, some delisted.
    #[arg(long, requires = "generate", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: Option<u32>,
    /// The first day of generated markets.
    #[arg(long, value_name = "DAY", default_value = "2023-01-01", requires = "generate")]
    from: Timestamp,
    /// How many days they last; without it they reach 60 days beyond the beginning of server time.
    #[arg(long, requires = "generate", value_parser = clap::value_parser!(u32).range(1..=7_300))]
    days: Option<u32>,
    /// Their shortest stored interval; seconds and trades are derived from minutes.
    #[arg(long, default_value = "1m", requires = "generate")]
    interval: Interval,
    /// The exchangeInfo to serve, a JSON file; a lake has its own.
    #[arg(long, value_name = "FILE")]
    exchange_info: Option<PathBuf>,
    /// Server time at the beginning; without it this machine's.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// How many server seconds pass in one; 0 stands still.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Weight that an address may use a minute.
    #[arg(long, default_value_t = Limits::default().weight)]
    weight_limit: u32,
    /// So many refused requests of a minute are forgiven before an address is banned.
    #[arg(long, default_value_t = Limits::default().refusals)]
    ban_after: u32,
    /// Faults to begin with, a TOML file.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Never compress answers.
    #[arg(long)]
    no_gzip: bool,
    /// Serve HTTPS with this certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The port; 0 is any that is free.
    #[arg(long, default_value_t = 8421)]
    port: u16,
}

pub(crate) fn run(arguments: &Data) -> Result<ExitCode, Failure> {
    let options = arguments.options().map_err(Failure::usage)?;
    super::runtime()?.block_on(async {
        let server = DataServer::start(options, arguments.port).await.map_err(Failure::outside)?;
        println!("{}", server.url());
        eprintln!(
            "server time {} at speed {}; files under /data, their listing under /data.binance.vision, REST under /api/v3, faults under /control; stop with Ctrl-C",
            server.clock().now(),
            server.clock().speed()
        );
        server.wait().await.map_err(Failure::outside)
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Data {
    fn options(&self) -> anyhow::Result<DataOptions> {
        if !(0.0..=1_000_000.0).contains(&self.speed) {
            return Err(anyhow!("--speed {}: use 0 to 1000000", self.speed));
        }
        let clock = match self.now {
            Some(now) => ServerClock::starting(now, self.speed),
            None => ServerClock::starting(ServerClock::wall().now(), self.speed),
        };
        let catalogue = Arc::new(self.catalogue(&clock)?);
        let portal = match &self.sources.portal_folder {
            Some(root) => Portal::of_folder(root, catalogue, clock)?,
            None => Portal::new(catalogue, clock),
        };
        let faults = match &self.faults {
            Some(file) => {
                FaultPlan::from_toml(&read(file)?, faults::Server::Data).with_context(|| file.display().to_string())?
            }
            None => FaultPlan::default(),
        };
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
            _ => None,
        };
        let limits = Limits { weight: self.weight_limit, refusals: self.ban_after, ..Limits::default() };
        Ok(DataOptions { limits, faults, tls, compresses: !self.no_gzip, ..DataOptions::new(portal) })
    }

    fn catalogue(&self, clock: &ServerClock) -> anyhow::Result<Catalogue> {
        let catalogue = match &self.sources {
            Sources { lake: Some(root), .. } => Catalogue::of_lake(&Lake::open(root)?)?,
            Sources { generate: Some(seed), .. } => self.generated(*seed, clock)?,
            Sources { portal_folder: Some(root), .. } => Catalogue::of_folder(root)?,
            _ => return Err(anyhow!("give --lake, --portal-folder or --generate")),
        };
        if catalogue.symbols().next().is_none() {
            return Err(anyhow!("there is no series of klines to serve"));
        }
        Ok(match &self.exchange_info {
            Some(file) => catalogue.with_exchange_info(read(file)?),
            None => catalogue,
        })
    }

    fn generated(&self, seed: u64, clock: &ServerClock) -> anyhow::Result<Catalogue> {
        let to = match self.days {
            Some(days) => self.from.plus(i64::from(days) * DAY),
            None => Interval::OneDay.open_at(clock.now()).plus(60 * DAY),
        };
        if to <= self.from {
            return Err(anyhow!("the market would end at {to}, before it begins at {}", self.from));
        }
        let range = self.from..to;
        let names = match self.count {
            Some(count) => MarketName::first(count as usize, &range),
            None if self.symbols.is_empty() => MarketName::first(1, &range),
            None => self.symbols.clone(),
        };
        Ok(Catalogue::generated(seed, &names, self.interval, &range))
    }
}

fn read(file: &std::path::Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.display().to_string())
}
