//! What can be typed behind `candlewick ingest`.

use std::net::SocketAddr;
use std::str::FromStr;

use anyhow::bail;
use candlewick_binance::archive::Dataset;
use candlewick_ingest::{PlanError, Span};
use candlewick_model::{Interval, Period, Symbol, Timestamp};
use clap::{Args, Subcommand, ValueEnum};

use crate::commands::sources::Sources;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// The markets, such as BTCUSDT,ETHUSDT.
    #[arg(long, alias = "symbol", value_name = "SYMBOLS", value_delimiter = ',', value_parser = parse_symbol)]
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(super) symbols: Vec<Symbol>,
    /// Every market that the portal lists, delisted ones too; where it has no listing, those of
    /// exchangeInfo.
    #[arg(long)]
    pub(super) all: bool,
    /// With --all: markets of this quote asset only, such as USDT.
    #[arg(long, value_name = "ASSET", requires = "all")]
    pub(super) quote: Option<String>,
    /// Lengths of the bars: 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1mo.
    #[arg(long, alias = "interval", value_name = "INTERVALS", value_delimiter = ',')]
    pub(super) intervals: Vec<Interval>,
    /// What to fetch.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', default_value = "klines")]
    pub(super) kinds: Vec<Kind>,
    /// First month or day, such as 2023-01 or 2023-01-15.
    #[arg(long, value_name = "MONTH|DAY", required = true)]
    from: Option<Period>,
    /// Last month or day, which is included, or `now`.
    #[arg(long, value_name = "MONTH|DAY|now", default_value = "now")]
    pub(super) to: Until,
    #[command(flatten)]
    pub(super) sources: Sources,
    /// The lake: a folder, made if it is not there, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR", default_value = "data/lake")]
    pub(super) lake: String,
    /// How many archives to fetch at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) concurrency: u8,
    /// Keep the lake current until stopped: bars as they close, archives as they come out.
    #[arg(long, conflicts_with_all = ["plan", "refresh", "json", "no_rest"])]
    pub(super) follow: bool,
    /// With --follow: serve metrics for Prometheus at this address, such as 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS", requires = "follow")]
    pub(super) metrics: Option<SocketAddr>,
    /// Fetch nothing but listings and say what would be done.
    #[arg(long, conflicts_with = "refresh")]
    pub(super) plan: bool,
    /// Also look whether archives that are in the lake were published anew, and replace those.
    #[arg(long)]
    pub(super) refresh: bool,
    /// Not possible: bars of an exchange day begin at 00:00 UTC.
    #[arg(long, alias = "timezone", hide = true)]
    time_zone: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Other things than bars and trades.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Store what the exchange says of its markets and their filters, as a dated snapshot. An
    /// ingest does it once a day by itself.
    ExchangeInfo(super::exchange_info::Arguments),
}

/// What can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Bars.
    Klines,
    /// Trades of one taker order at one price, joined.
    AggTrades,
    /// Single trades.
    Trades,
}

/// The end of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Up to the last bar that has closed.
    Now,
    /// A whole month or day.
    Period(Period),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            _ => text.parse().map(Self::Period).map_err(|_| "not a month, a day or `now`: 2023-01, 2023-01-31".into()),
        }
    }
}

impl Arguments {
    /// What clap cannot see.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(zone) = &self.time_zone {
            bail!(
                "--time-zone {zone}: the lake's bars begin and end by UTC, as the archives' do; resample hours if you need another day"
            );
        }
        if self.follow && self.to != Until::Now {
            bail!("--follow is for what is still to come; leave --to out");
        }
        if self.kinds.contains(&Kind::Klines) && self.intervals.is_empty() {
            bail!("which bars? give --intervals, such as 1m,1h");
        }
        if !self.kinds.contains(&Kind::Klines) && !self.intervals.is_empty() {
            bail!("--intervals is for bars; add klines to --kinds, or leave it out");
        }
        Ok(())
    }

    pub(super) fn from(&self) -> Period {
        self.from.expect("clap requires it")
    }

    /// Which times are meant, if it is now.
    pub(super) fn span(&self, now: Timestamp) -> Result<Span, PlanError> {
        match self.to {
            Until::Now => Span::until_now(self.from(), now),
            Until::Period(to) => Span::new(self.from(), to),
        }
    }

    pub(super) fn datasets(&self) -> Vec<Dataset> {
        self.kinds.iter().flat_map(|kind| kind.datasets(self)).collect()
    }
}

/// Capital letters and digits, as Binance names markets; other scripts occur. The name becomes
/// part of paths and addresses, so that what a disk or a URL reads as something else is refused.
fn parse_symbol(text: &str) -> Result<Symbol, String> {
    let is_strange = |c: char| c.is_control() || c.is_whitespace() || r#"/\=.:*?"<>|%#&"#.contains(c);
    if text.is_empty() || text.contains(is_strange) {
        return Err("a market is named like BTCUSDT".to_owned());
    }
    if text.chars().any(|c| c.is_ascii_lowercase()) {
        return Err(format!("markets are written in capitals: {}", text.to_uppercase()));
    }
    Symbol::new(text).map_err(|e| e.to_string())
}
