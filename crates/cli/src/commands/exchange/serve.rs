//! `candlewick exchange serve`: arguments → a server, until it is told to stop.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use candlewick_binance::signing::Credentials;
use candlewick_exchange::data::{Tls, wall_now};
use candlewick_exchange::faults::{self, FaultPlan};
use candlewick_exchange::{ExchangeError, Keys, Listen, Server, Service, Speed, StateFile, Time};
use candlewick_model::{Interval, Timestamp};
use clap::{Args, ValueEnum};

use super::markets::Markets;
use super::wall;
use crate::failure::Failure;

/// So long WebSocket clients that were told of the end may still talk.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Serve {
    /// Markets, account, fills and fees of a run: a TOML file, see docs/configuration.md. Its
    /// strategy is of no account here.
    #[arg(long, value_name = "FILE", required_unless_present = "generate", conflicts_with = "generate")]
    config: Option<PathBuf>,
    /// The lake that holds its bars: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    lake: String,
    /// Serve a generated market instead; the seed decides what happens in it.
    #[arg(long, value_name = "SEED")]
    generate: Option<u64>,
    /// The generated market's first day, or its first instant; without it the day of --from, or
    /// 2023-03-01.
    #[arg(long, value_name = "DAY", requires = "generate")]
    first_day: Option<Timestamp>,
    /// How many days of it there are.
    #[arg(long, default_value_t = 31, requires = "generate", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Where simulated time begins; the markets have run to it. Without it before the first bar.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// How fast simulated time goes: `1` is real time, `1000` a thousand times as fast, `max` as
    /// fast as all who listen can follow. Without it, or with `lock-step`, time stands still until
    /// POST /control/step moves it.
    #[arg(long, value_name = "SPEED")]
    speed: Option<Speed>,
    /// `wall` shifts history so that it happens now: server time is this machine's.
    #[arg(long, value_enum, default_value_t = Clock::Simulated)]
    clock: Clock,
    /// Keep accounts, orders and time in this file, and go on where it ends. Without it they are in
    /// memory only.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// API keys (HMAC, RSA, Ed25519) with their permissions, and accounts: a TOML file, see
    /// docs/exchange.md. The key of the environment counts beside them; the key `local` then only
    /// if it is set there.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Let addresses ask for as much as they like: no request weight, no 429, no bans.
    #[arg(long)]
    no_ip_limits: bool,
    /// Faults to begin with: a TOML file, see docs/exchange.md.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Have listen keys (POST /api/v3/userDataStream), which the exchange has retired; without
    /// this they are gone here too.
    #[arg(long)]
    legacy_listen_key: bool,
    /// The address to listen on; others than this machine's own need --allow-remote.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// Let other machines in, with whatever keys they have, and control of time without any.
    #[arg(long)]
    allow_remote: bool,
    /// Serve HTTPS with this certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The port; 0 is any that is free.
    #[arg(long, default_value_t = 8420)]
    port: u16,
}

/// Whose time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Clock {
    /// That of history.
    Simulated,
    /// The world's.
    Wall,
}

pub(crate) fn run(arguments: &Serve) -> Result<ExitCode, Failure> {
    let listen = arguments.listen().map_err(Failure::usage)?;
    let speed = arguments.speed().map_err(Failure::usage)?;
    let state = arguments.state.as_deref().map(StateFile::open).transpose().map_err(Failure::usage)?;
    let markets = arguments.markets().map_err(Failure::usage)?;
    let (markets, time) = arguments.in_time(markets, speed, state).map_err(Failure::usage)?;
    let keys = match &arguments.keys {
        Some(file) => format!("keys from {}", file.display()),
        None => "key and secret from CANDLEWICK_API_KEY and CANDLEWICK_API_SECRET, `local` where they are not set"
            .to_owned(),
    };
    let described = markets.described();
    let service = Service {
        archives: true,
        setup: markets.setup,
        exchange_info: markets.exchange_info,
        keys: arguments.keys().map_err(Failure::usage)?,
        limits_addresses: !arguments.no_ip_limits,
        faults: markets.faults.and(arguments.faults().map_err(Failure::usage)?),
        legacy_listen_keys: arguments.legacy_listen_key,
        time,
    };
    super::super::runtime()?.block_on(async {
        let mut server = Server::start_at(service, listen).await.map_err(failure)?;
        println!("{}", server.url());
        if !server.address().ip().is_loopback() {
            eprintln!(
                "warning: other machines can reach {}: whoever has a key trades, and whoever does not controls time",
                server.url()
            );
        }
        eprintln!("{described}; {keys}");
        eprintln!("it is {}, speed {speed}; stop with Ctrl-C", server.now());
        tokio::select! {
            ended = server.wait(|notice| eprintln!("{notice}")) => ended.map_err(Failure::outside),
            _ = super::super::stop() => server.stop(FAREWELL).await.map_err(Failure::outside),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn failure(error: ExchangeError) -> Failure {
    match error {
        ExchangeError::NoAccount { .. }
        | ExchangeError::Begin { .. }
        | ExchangeError::State { .. }
        | ExchangeError::Faults { .. } => Failure::usage(error),
        error => Failure::outside(error),
    }
}

impl Serve {
    fn listen(&self) -> anyhow::Result<Listen> {
        if !self.bind.is_loopback() && !self.allow_remote {
            return Err(anyhow!(
                "--bind {} lets other machines in, who may trade and move time; say --allow-remote if they are to",
                self.bind
            ));
        }
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
            _ => None,
        };
        Ok(Listen { address: (self.bind, self.port).into(), tls })
    }

    fn speed(&self) -> anyhow::Result<Speed> {
        match (self.clock, self.speed) {
            (Clock::Simulated, speed) => Ok(speed.unwrap_or(Speed::LockStep)),
            (Clock::Wall, None) => Ok(Speed::Wall),
            (Clock::Wall, Some(Speed::Times(1.0))) => Ok(Speed::Wall),
            (Clock::Wall, Some(speed)) => {
                Err(anyhow!("--clock wall goes at speed 1 and no other; leave out --speed {speed}, or --clock wall"))
            }
        }
    }

    fn markets(&self) -> anyhow::Result<Markets> {
        match (&self.config, self.generate) {
            (Some(config), _) => Markets::of_config(config, &self.lake),
            (None, Some(seed)) => {
                let usual = self.from.map_or(Timestamp::from_date(2023, 3, 1).expect("a date"), day_of);
                Markets::generated(seed, self.first_day.unwrap_or(usual), self.days)
            }
            (None, None) => Err(anyhow!("give --config FILE or --generate SEED")),
        }
    }

    /// The markets at the time at which they happen, and how that goes.
    fn in_time(&self, markets: Markets, speed: Speed, state: Option<StateFile>) -> anyhow::Result<(Markets, Time)> {
        let kept = state.as_ref().and_then(StateFile::shift_us);
        if kept.is_some_and(|by| (by != 0) != (speed == Speed::Wall)) {
            return Err(anyhow!(
                "the state was {} --clock wall; go on with it in the same way",
                if speed == Speed::Wall { "begun without" } else { "begun with" }
            ));
        }
        if speed != Speed::Wall {
            return Ok((markets, Time { speed, from: self.from, shift_us: 0, state }));
        }
        let now = wall_now();
        let by = match kept {
            Some(by) => by,
            None => {
                let shift = wall::of_setup(&markets.setup, self.from, now)?;
                eprintln!("{} happens now; bars keep their places in {}", now.plus(-shift.by), shift.grid);
                shift.by
            }
        };
        Ok((markets.shifted(by), Time { speed, from: Some(now), shift_us: by, state }))
    }

    fn faults(&self) -> anyhow::Result<FaultPlan> {
        let Some(file) = &self.faults else { return Ok(FaultPlan::default()) };
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        FaultPlan::from_toml(&text, faults::Server::Trading).with_context(|| file.display().to_string())
    }

    fn keys(&self) -> anyhow::Result<Keys> {
        let of_environment = credentials_of_environment();
        let Some(file) = &self.keys else {
            return Ok(of_environment.unwrap_or_else(|| Credentials::new("local", "local")).into());
        };
        Ok(Keys::read(file)?.and(of_environment.map(Keys::from).unwrap_or_default()))
    }
}

fn day_of(time: Timestamp) -> Timestamp {
    Interval::OneDay.open_at(time)
}

/// Any key will do for a local exchange; both sides read the same variables.
fn credentials_of_environment() -> Option<Credentials> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let (key, secret) = (variable("CANDLEWICK_API_KEY"), variable("CANDLEWICK_API_SECRET"));
    let or_local = |text: Option<String>| text.unwrap_or_else(|| "local".to_owned());
    (key.is_some() || secret.is_some()).then(|| Credentials::new(or_local(key), or_local(secret)))
}
