//! `candlewick live`: configuration and an exchange → a run, journalled.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use candlewick_binance::signing::Credentials;
use candlewick_live::parity::Counts;
use candlewick_live::{LiveError, Plan, Runner};
use candlewick_model::run::orders_of;
use candlewick_model::{Account, Timestamp};
use candlewick_strategy::Outcome;
use clap::Args;

use crate::config::Config;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// What to run: a TOML file, see docs/configuration.md. Its account is the slice that the
    /// strategy may trade with; its range, fills and fees are the exchange's matter here.
    config: PathBuf,
    /// The exchange: http://127.0.0.1:8420, https://testnet.binance.vision, …; key and secret
    /// come from CANDLEWICK_API_KEY and CANDLEWICK_API_SECRET.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Move the time of a local exchange (`candlewick exchange serve`) step by step.
    #[arg(long)]
    lockstep: bool,
    /// Where every event goes: a new file of JSON lines.
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// How many bars before the start the strategy may look back on.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=999))]
    warm_up: u16,
    /// When to stop, such as 2026-12-01T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    refuse_real_money(&arguments.url)?;
    let (config, _) = Config::read(&arguments.config).map_err(Failure::usage)?;
    let (strategy, _) = config.strategy().map_err(Failure::usage)?;
    let credentials = credentials().map_err(Failure::usage)?;
    let (symbol, interval) = config.only_market().map_err(Failure::usage)?;
    let plan = Plan {
        url: arguments.url.clone(),
        symbol,
        interval,
        account: config.account().map_err(Failure::usage)?,
        lock_step: arguments.lockstep,
        warm_up_bars: arguments.warm_up,
        until: arguments.until,
    };
    let begun = plan.account.clone();
    let outcome = super::runtime()?.block_on(async {
        let runner = Runner::connect(plan, credentials, strategy).await?.journal_to(&arguments.journal)?;
        tokio::select! {
            outcome = runner.run() => outcome.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    });
    match outcome.map_err(failure)? {
        Some(outcome) => tell(&outcome, &begun, &arguments.journal),
        None => eprintln!("stopped; open orders stay open, the journal is {}", arguments.journal.display()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Real money needs limits that hold whatever the strategy does; they do not exist yet.
fn refuse_real_money(url: &str) -> Result<(), Failure> {
    let host = url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or_default();
    let real =
        ["binance.com", "binance.us"].iter().any(|domain| host == *domain || host.ends_with(&format!(".{domain}")));
    if real && !host.starts_with("demo-") {
        return Err(Failure::usage(anyhow!(
            "{host} trades real money, and this version has no risk limits; use the testnet (https://testnet.binance.vision), demo mode (https://demo-api.binance.com) or `candlewick exchange serve`"
        )));
    }
    Ok(())
}

fn credentials() -> anyhow::Result<Credentials> {
    let variable = |name: &str| {
        let value = std::env::var(name).ok().filter(|text| !text.is_empty());
        value.ok_or_else(|| anyhow!("the environment variable {name} is not set; a local exchange takes `local`"))
    };
    Ok(Credentials::new(variable("CANDLEWICK_API_KEY")?, variable("CANDLEWICK_API_SECRET")?))
}

fn failure(error: LiveError) -> Failure {
    match error {
        LiveError::Capital { .. } | LiveError::Symbol { .. } | LiveError::Rounds { .. } => Failure::usage(error),
        LiveError::Rest(_) | LiveError::ExchangeInfo { .. } | LiveError::Journal { .. } | LiveError::Order { .. } => {
            Failure::outside(error)
        }
    }
}

fn tell(outcome: &Outcome, begun: &Account, journal: &Path) {
    let counts = Counts::of(&outcome.events.iter().collect::<Vec<_>>());
    println!("bars          {}", outcome.equity.len());
    println!("orders        {} ({} fills, {} of them resting)", counts.orders, counts.fills, counts.maker_fills);
    println!("refused       {}", counts.refusals);
    let open = orders_of(&outcome.events).iter().filter(|order| !order.status.is_final()).count();
    println!("still open    {open}");
    for (asset, balance) in outcome.account.iter() {
        println!("{asset:<13} {} (began with {})", balance.total(), begun.balance(asset).total());
    }
    println!("journal       {}", journal.display());
}

#[cfg(test)]
mod tests {
    use super::refuse_real_money;

    #[test]
    fn real_money_is_refused() {
        for url in ["https://api.binance.com", "https://api1.binance.com/", "api.binance.us:443", "https://binance.com"]
        {
            assert!(refuse_real_money(url).is_err(), "{url}");
        }
        for url in ["https://testnet.binance.vision", "https://demo-api.binance.com", "http://127.0.0.1:8420"] {
            assert!(refuse_real_money(url).is_ok(), "{url}");
        }
    }
}
