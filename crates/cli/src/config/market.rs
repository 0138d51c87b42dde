//! The markets of a run: which, along which bars, and what is different about each.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use candlewick_model::run::{DetailKind, FillModel};
use candlewick_model::{Interval, Price, Symbol, Timestamp};
use candlewick_simulator::{MovingMean, PriceRange, Reference};
use serde::Deserialize;

use super::fees::FeesConfig;
use super::fills::FillsConfig;
use super::values::{Number, factor, optional_text, optional_texts};

/// `[market.SYMBOL]`: what differs from the rest of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MarketConfig {
    #[serde(deserialize_with = "optional_text")]
    pub(super) interval: Option<Interval>,
    #[serde(deserialize_with = "optional_texts")]
    pub(super) longer: Option<Vec<Interval>>,
    pub(super) fills: FillsConfig,
    pub(super) fees: FeesConfig,
    reference_price: Option<ReferenceConfig>,
    price_range: Option<PriceRangeConfig>,
}

/// Where the reference price comes from: the matching engine's own calculation, as
/// `referencePrice/calculation` describes it, or answers of `GET /api/v3/referencePrice`, one a
/// line.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceConfig {
    bucket_count: Option<u32>,
    bucket_width_ms: Option<u32>,
    recorded: Option<PathBuf>,
}

/// The rule PRICE_RANGE, as `executionRules` gives it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PriceRangeConfig {
    bid_limit_mult_up: Option<Number>,
    bid_limit_mult_down: Option<Number>,
    ask_limit_mult_up: Option<Number>,
    ask_limit_mult_down: Option<Number>,
}

/// A market of a run, as configured.
pub struct MarketPlan {
    /// Its name.
    pub symbol: Symbol,
    /// The bars that it moves along.
    pub interval: Interval,
    /// Longer bars that the strategy is given too, shorter ones first.
    pub longer: Vec<Interval>,
    /// How its bars become fills.
    pub fill_model: FillModel,
    /// What it is to move along inside of them; the finest of what there is where absent.
    pub detail: Option<DetailKind>,
    /// Where its reference price comes from.
    pub reference: Reference,
    /// How far from it takers may trade.
    pub price_range: Option<PriceRange>,
}

impl MarketConfig {
    /// Where the reference price comes from; `folder` is what paths are relative to.
    pub(super) fn reference(&self, symbol: Symbol, folder: &Path) -> anyhow::Result<Reference> {
        let Some(ReferenceConfig { bucket_count, bucket_width_ms, recorded }) = &self.reference_price else {
            return Ok(Reference::Absent);
        };
        match (bucket_count, bucket_width_ms, recorded) {
            (Some(0), Some(_), None) | (Some(_), Some(0), None) => {
                Err(anyhow!("`market.{symbol}.reference_price`: the buckets must not be empty"))
            }
            (Some(count), Some(width_ms), None) => Ok(Reference::Mean(MovingMean::new(*width_ms, *count))),
            (None, None, Some(recorded)) => {
                let path = folder.join(recorded);
                of_answers(&path, symbol).with_context(|| path.display().to_string())
            }
            _ => Err(anyhow!(
                "`market.{symbol}.reference_price` takes `bucket_count` and `bucket_width_ms`, or `recorded` and nothing else"
            )),
        }
    }

    pub(super) fn price_range(&self, symbol: Symbol) -> anyhow::Result<Option<PriceRange>> {
        let Some(range) = self.price_range else { return Ok(None) };
        let part = |name: &str, number: Option<Number>| {
            number.map(|number| factor(&format!("market.{symbol}.price_range.{name}"), number)).transpose()
        };
        Ok(Some(PriceRange {
            bid_limit_mult_up: part("bid_limit_mult_up", range.bid_limit_mult_up)?,
            bid_limit_mult_down: part("bid_limit_mult_down", range.bid_limit_mult_down)?,
            ask_limit_mult_up: part("ask_limit_mult_up", range.ask_limit_mult_up)?,
            ask_limit_mult_down: part("ask_limit_mult_down", range.ask_limit_mult_down)?,
        }))
    }
}

/// An answer of `GET /api/v3/referencePrice`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    symbol: Symbol,
    reference_price: Option<Price>,
    timestamp: i64,
}

fn of_answers(path: &Path, symbol: Symbol) -> anyhow::Result<Reference> {
    let file = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut points: Vec<(Timestamp, Option<Price>)> = Vec::new();
    for (at, line) in file.lines().enumerate() {
        let (line, number) = (line?, at + 1);
        if line.trim().is_empty() {
            continue;
        }
        let answer: Answer = serde_json::from_str(&line)
            .with_context(|| format!("line {number} is no answer of GET /api/v3/referencePrice"))?;
        if answer.symbol != symbol {
            return Err(anyhow!("line {number} is about {}, not {symbol}", answer.symbol));
        }
        if answer.reference_price.is_some_and(|price| price <= Price::ZERO) {
            let price = answer.reference_price.unwrap_or_default();
            return Err(anyhow!("line {number}: `referencePrice` is {price}; it must be above zero, or null"));
        }
        let (time, _) = Timestamp::from_either_unit(answer.timestamp)
            .ok_or_else(|| anyhow!("line {number}: `timestamp` is {}, which is no time", answer.timestamp))?;
        if points.last().is_some_and(|(before, _)| *before > time) {
            return Err(anyhow!("line {number}: {time} comes before the line above; sort the lines by time"));
        }
        points.push((time, answer.reference_price));
    }
    if points.is_empty() {
        return Err(anyhow!("it holds no answer of GET /api/v3/referencePrice"));
    }
    Ok(Reference::Recorded(points.into()))
}
