//! `candlewick ingest`: archives and REST → lake.

mod arguments;
mod exchange_info;
mod follow;
mod metrics;
mod progress;
mod result;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::anyhow;
use candlewick_binance::archive::Dataset;
use candlewick_binance::market::MarketClient;
use candlewick_ingest::{BarSource, Engine, IngestError, Outcome, Portal, Target, Trouble, symbols_of, traded_symbols};
use candlewick_lake::Lake;
use candlewick_model::{Symbol, Timestamp};

pub(crate) use arguments::Arguments;

use super::sources::Asked;
use crate::failure::Failure;
use arguments::{Command, Kind};
pub(super) use progress::{Bars, Silent};

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(Command::ExchangeInfo(arguments)) = &arguments.command {
        return exchange_info::run(arguments);
    }
    arguments.check().map_err(Failure::usage)?;
    let portal = arguments.sources.portal().map_err(Failure::usage)?;
    let rest = arguments.sources.client().map_err(Failure::usage)?;
    let lake = Lake::open(&arguments.lake).map_err(Failure::usage)?;
    let runtime = runtime().map_err(Failure::outside)?;
    let bars = Bars::new();
    runtime.block_on(async {
        // A range that cannot be meant is told before anybody is asked anything.
        arguments.span(Timestamp::from_date(2099, 12, 31).expect("a date")).map_err(Failure::usage)?;
        if arguments.follow {
            let client = rest.ok_or_else(|| {
                Failure::usage(anyhow!("--follow asks for bars over REST as they close; give its address with --rest"))
            })?;
            let engine = Engine::new(&portal, &lake, Some(&client), arguments.concurrency.into(), &Silent);
            return follow::run(arguments, &engine, (&portal, &lake, &client)).await;
        }
        let Asked { rest, now, is_lost } = Asked::begin(rest).await;
        let span = arguments.span(now).map_err(Failure::usage)?;
        let targets = targets(arguments, &portal, rest.as_ref()).await?;
        if let Some(client) = rest.as_ref().filter(|_| !arguments.plan) {
            match follow::snapshot_once_a_day(client, &lake).await {
                Ok(name) => name.iter().for_each(|name| eprintln!("note: exchangeInfo stored: {name}")),
                Err(trouble) => eprintln!("error: {trouble}"),
            }
        }
        let rest = rest.as_ref().map(|rest| rest as &dyn BarSource);
        let engine = Engine::new(&portal, &lake, rest, arguments.concurrency.into(), &bars);
        if arguments.plan {
            let estimates = engine.estimate(&targets, &span, now).await.map_err(Failure::outside)?;
            result::print_plan(&estimates, arguments.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        let start = Instant::now();
        let mut outcomes = if arguments.refresh { engine.refresh(&targets, &span).await } else { Vec::new() };
        let fetched = engine.ingest(&targets, &span).await;
        bars.finish();
        if outcomes.is_empty() {
            outcomes = fetched;
        } else {
            for ((_, sum), (_, more)) in outcomes.iter_mut().zip(fetched) {
                sum.go_on(more);
            }
        }
        result::print(arguments, &outcomes, start.elapsed().as_secs_f64())?;
        Ok(ExitCode::from(if is_lost { 3 } else { exit_code(&outcomes) }))
    })
}

/// Every market with everything that is wanted of it.
async fn targets(arguments: &Arguments, portal: &Portal, rest: Option<&MarketClient>) -> Result<Vec<Target>, Failure> {
    let datasets = arguments.datasets();
    let mut targets = Vec::new();
    for dataset in datasets {
        let symbols =
            if arguments.all { all(arguments, portal, rest, dataset).await? } else { arguments.symbols.clone() };
        targets.extend(symbols.into_iter().map(|symbol| Target { symbol, dataset }));
    }
    targets.sort();
    targets.dedup();
    Ok(targets)
}

/// All markets of the portal's listing; where there is none, those that the exchange trades now.
async fn all(
    arguments: &Arguments,
    portal: &Portal,
    rest: Option<&MarketClient>,
    dataset: Dataset,
) -> Result<Vec<Symbol>, Failure> {
    let quote = arguments.quote.as_deref();
    let listed = match (symbols_of(portal, dataset, quote).await.map_err(Failure::outside)?, rest) {
        (Some(listed), _) => listed,
        (None, Some(client)) => traded_symbols(client, quote).await.map_err(Failure::outside)?,
        (None, None) => {
            return Err(Failure::usage(anyhow!(
                "this portal has no listing, so that nobody knows what --all is; give its listing with --portal-listing, the exchange's address with --rest, or name --symbols"
            )));
        }
    };
    if listed.is_empty() {
        let quote = quote.map_or(String::new(), |quote| format!(" quoted in {quote}"));
        return Err(Failure::usage(anyhow!("there is no market{quote}")));
    }
    Ok(listed)
}

/// Archives are opened and files written on threads of their own. Each keeps what its largest
/// archive took, so there are hardly more of them than processors.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(processors + 1).build()
}

/// 3 where network or disk failed, so that trying again may help; 1 where archives are missing
/// or at fault.
fn exit_code(outcomes: &[(Target, Outcome)]) -> u8 {
    if outcomes.iter().flat_map(|(_, outcome)| &outcome.troubles).any(Trouble::is_outside) {
        3
    } else {
        u8::from(outcomes.iter().any(|(_, outcome)| !outcome.is_whole()))
    }
}

impl Kind {
    fn datasets(self, arguments: &Arguments) -> Vec<Dataset> {
        match self {
            Self::Klines => arguments.intervals.iter().map(|interval| Dataset::Klines(*interval)).collect(),
            Self::AggTrades => vec![Dataset::AggTrades],
            Self::Trades => vec![Dataset::Trades],
        }
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Portal { .. } => Self::usage(error),
            IngestError::Lake(_) => Self::outside(error),
        }
    }
}
