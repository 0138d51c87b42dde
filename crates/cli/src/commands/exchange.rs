//! `candlewick exchange`: the local exchange as a program of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use candlewick_binance::signing::Credentials;
use candlewick_exchange::{ExchangeError, Keys, Portal, Server, Service};
use candlewick_lake::Lake;
use candlewick_model::{ExchangeInfo, Period, Timestamp};
use candlewick_simulator::{Limits, Market, Setup, Timeline};
use clap::{Args, Subcommand};

use crate::config::Config;
use crate::failure::Failure;
use crate::prepare::Prepared;
use crate::sample;

/// So long WebSocket clients that were told of the end may still talk.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve a market on 127.0.0.1: the REST API under /api/v3, archives under /data, lock step
    /// under /control. Time stands still until POST /control/step moves it.
    Serve(Serve),
    /// Serve market data of many symbols on 127.0.0.1: the Data Portal's files under /data, the
    /// bucket's listing, klines and exchangeInfo under /api/v3, with the exchange's limits, and
    /// faults on demand under /control. docs/exchange.md says what there is.
    Data(super::exchange_data::Data),
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Market, account, fills and fees of a run: a TOML file, see docs/configuration.md. Its
    /// strategy is of no account here.
    #[arg(long, value_name = "FILE", required_unless_present = "generate", conflicts_with = "generate")]
    config: Option<PathBuf>,
    /// The lake that holds its bars: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
    /// Serve a generated market instead; the seed decides what happens in it.
    #[arg(long, value_name = "SEED")]
    generate: Option<u64>,
    /// The generated market's first day.
    #[arg(long, value_name = "DAY", default_value = "2023-03-01", requires = "generate")]
    from: Timestamp,
    /// How many days of it there are.
    #[arg(long, default_value_t = 31, requires = "generate", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// API keys (HMAC, RSA, Ed25519) with their permissions: a TOML file, see docs/exchange.md.
    /// The key of the environment counts beside them; the key `local` then only if it is set there.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Let addresses ask for as much as they like: no request weight, no 429, no bans.
    #[arg(long)]
    no_ip_limits: bool,
    /// The port; 0 is any that is free.
    #[arg(long, default_value_t = 8420)]
    port: u16,
}

impl Serve {
    fn keys(&self) -> anyhow::Result<Keys> {
        let of_environment = credentials_of_environment();
        let Some(file) = &self.keys else {
            return Ok(of_environment.unwrap_or_else(|| Credentials::new("local", "local")).into());
        };
        Ok(Keys::read(file)?.and(of_environment.map(Keys::from).unwrap_or_default()))
    }
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    let arguments = match command {
        Command::Serve(arguments) => arguments,
        Command::Data(arguments) => return super::exchange_data::run(arguments),
    };
    let mut service = match (&arguments.config, arguments.generate) {
        (Some(config), _) => of_config(config, &arguments.lake).map_err(Failure::usage)?,
        (None, Some(seed)) => generated(seed, arguments.from, arguments.days).map_err(Failure::usage)?,
        (None, None) => return Err(Failure::usage(anyhow!("give --config FILE or --generate SEED"))),
    };
    service.keys = arguments.keys().map_err(Failure::usage)?;
    service.limits_addresses = !arguments.no_ip_limits;
    let keys = match &arguments.keys {
        Some(file) => format!("keys from {}", file.display()),
        None => "key and secret from CANDLEWICK_API_KEY and CANDLEWICK_API_SECRET, `local` where they are not set"
            .to_owned(),
    };
    let bars = Arc::clone(&service.setup.markets[0].bars);
    super::runtime()?.block_on(async {
        let mut server = Server::start(service, arguments.port).await.map_err(|error| match error {
            ExchangeError::NoAccount { .. } => Failure::usage(error),
            error => Failure::outside(error),
        })?;
        println!("{}", server.url());
        eprintln!("{} bars from {}; {keys}; stop with Ctrl-C", bars.len(), bars.open_time[0]);
        tokio::select! {
            ended = server.wait() => ended.map_err(Failure::outside),
            _ = super::stop() => {
                server.stop(FAREWELL).await;
                Ok(())
            }
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn of_config(file: &Path, lake: &str) -> anyhow::Result<Service> {
    let (config, text) = Config::read(file)?;
    let prepared = Prepared::whole(&config, &text, &Lake::open(lake)?)?;
    config.only_market()?;
    Ok(service(prepared.setup.clone(), prepared.exchange_info().to_owned()))
}

fn generated(seed: u64, from: Timestamp, days: u32) -> anyhow::Result<Service> {
    let plan = sample::market(seed, from, days);
    let day = Period::day_of(from);
    let config = Config::parse(&sample::configuration(day, day), Path::new("the generated market"))?;
    let mut info = ExchangeInfo::parse(&plan.exchange_info())?;
    let instrument = info.instruments.remove(&plan.symbol).ok_or_else(|| anyhow!("a market without a symbol"))?;
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).ok_or_else(|| anyhow!("no filters"))?;
    let configured = config.markets()?.remove(0);
    let market = Market::new(timeline, configured.fill_model, configured.interval, Arc::new(plan.bars()));
    let mut setup = Setup::of_one(market, config.account()?);
    setup.limits = Limits { filters: info.exchange_filters, orders: info.order_limits }.into();
    Ok(service(setup, plan.exchange_info()))
}

fn service(setup: Setup, exchange_info: String) -> Service {
    let market = &setup.markets[0];
    let portal = Portal::of_bars(market.timeline.last().symbol, market.interval, Arc::clone(&market.bars));
    Service { setup, exchange_info, keys: Keys::default(), limits_addresses: true, portal: Some(portal) }
}

/// Any key will do for a local exchange; both sides read the same variables.
fn credentials_of_environment() -> Option<Credentials> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let (key, secret) = (variable("CANDLEWICK_API_KEY"), variable("CANDLEWICK_API_SECRET"));
    let or_local = |text: Option<String>| text.unwrap_or_else(|| "local".to_owned());
    (key.is_some() || secret.is_some()).then(|| Credentials::new(or_local(key), or_local(secret)))
}
