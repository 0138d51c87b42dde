//! `[strategy]`: which of the built-ins runs, with its parameters.

use std::path::{Path, PathBuf};

use anyhow::Context;
use candlewick_strategy::{Builtin, MaCross, MeanReversion, PerMarket, Script};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::values::{Number, share};

/// The built-ins and their parameters.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StrategyConfig {
    /// Market orders on a moving-average crossing.
    MaCross {
        /// Bars of the fast average.
        fast: usize,
        /// Bars of the slow average.
        slow: usize,
        /// Share of the free quote asset that a purchase is for.
        #[serde(default = "most")]
        stake: Number,
    },
    /// Resting limit orders around a moving average.
    MeanReversion {
        /// Bars of the average.
        window: usize,
        /// How far from it orders rest, as a share.
        band: Number,
        /// Share of the free quote asset that a purchase is for.
        #[serde(default = "most")]
        stake: Number,
        /// After how many bars prices are renewed.
        #[serde(default = "five")]
        reprice: usize,
    },
    /// The orders of a file.
    Script {
        /// JSON lines, relative to the configuration.
        file: PathBuf,
    },
}

impl StrategyConfig {
    /// The strategy's name and its parameters as texts.
    #[must_use]
    pub fn describe(&self) -> (&'static str, Vec<(String, String)>) {
        let list = |pairs: &[(&str, String)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        match self {
            Self::MaCross { fast, slow, stake } => (
                "ma-cross",
                list(&[("fast", fast.to_string()), ("slow", slow.to_string()), ("stake", stake.0.to_string())]),
            ),
            Self::MeanReversion { window, band, stake, reprice } => (
                "mean-reversion",
                list(&[
                    ("window", window.to_string()),
                    ("band", band.0.to_string()),
                    ("stake", stake.0.to_string()),
                    ("reprice", reprice.to_string()),
                ]),
            ),
            Self::Script { file } => ("script", list(&[("file", file.display().to_string())])),
        }
    }
}

impl StrategyConfig {
    /// The strategy for so many markets, before its first bar, and the text of its order file if
    /// it has one; `folder` is what the file's path is relative to, `orders` its text where that
    /// is at hand.
    pub(super) fn build(
        &self,
        markets: usize,
        folder: &Path,
        orders: Option<&str>,
    ) -> anyhow::Result<(Builtin, Option<String>)> {
        match self {
            Self::Script { file } => {
                let path = folder.join(file);
                let text = match orders {
                    Some(text) => text.to_owned(),
                    None => std::fs::read_to_string(&path).with_context(|| path.display().to_string())?,
                };
                let script = Script::parse(&text).with_context(|| path.display().to_string())?;
                Ok((Builtin::Script(script), Some(text)))
            }
            _ if markets == 1 => Ok((self.for_one_market()?, None)),
            _ => {
                let each: anyhow::Result<Vec<_>> = (0..markets).map(|_| self.for_one_market()).collect();
                Ok((Builtin::PerMarket(PerMarket::new(each?)), None))
            }
        }
    }

    fn for_one_market(&self) -> anyhow::Result<Builtin> {
        Ok(match self {
            Self::MaCross { fast, slow, stake } => {
                Builtin::MaCross(MaCross::new(*fast, *slow, share("strategy.stake", *stake)?)?)
            }
            Self::MeanReversion { window, band, stake, reprice } => {
                let (band, stake) = (share("strategy.band", *band)?, share("strategy.stake", *stake)?);
                Builtin::MeanReversion(MeanReversion::new(*window, band, stake, *reprice)?)
            }
            Self::Script { .. } => unreachable!("a script speaks of all markets"),
        })
    }
}

fn most() -> Number {
    Number(Decimal::new(95, 2))
}

fn five() -> usize {
    5
}
