//! The configuration of a run: a TOML file, as `docs/configuration.md` describes it.
//!
//! For: reading and judging it, naming file, line, key and remedy. Not for: opening the lake
//! (`prepare` does).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use candlewick_model::run::{FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::{
    Account, Amount, Asset, CommissionRates, Interval, Liquidity, Period, Rate, RateParts, Side, Symbol,
};
use candlewick_strategy::{Builtin, MaCross, MeanReversion, Script};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

/// A configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The market.
    #[serde(deserialize_with = "text")]
    pub symbol: Symbol,
    /// Length of the bars.
    #[serde(deserialize_with = "text")]
    pub interval: Interval,
    /// First month or day; the lake's first where absent.
    #[serde(default, deserialize_with = "optional_period")]
    pub from: Option<Period>,
    /// Last month or day; the lake's last where absent.
    #[serde(default, deserialize_with = "optional_period")]
    pub to: Option<Period>,
    /// Files with exchangeInfo answers, relative to this file; the lake's snapshots where
    /// absent.
    #[serde(default)]
    pub exchange_info: Vec<PathBuf>,
    /// What the account holds before the first bar, by asset.
    account: BTreeMap<String, Number>,
    /// Which strategy, with its parameters.
    pub strategy: StrategyConfig,
    /// How bars become fills.
    #[serde(default)]
    fills: FillsConfig,
    /// What trading costs.
    #[serde(default)]
    fees: FeesConfig,
    /// What the report holds.
    #[serde(default)]
    pub report: ReportConfig,
    /// The folder that paths are relative to.
    #[serde(skip)]
    folder: PathBuf,
}

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

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FillsConfig {
    path: PathModel,
    maker_fill: MakerFill,
    half_spread_ticks: u32,
    slippage: Slippage,
    volume_share: Number,
    latency_ms: u32,
}

impl Default for FillsConfig {
    fn default() -> Self {
        let FillModel { path, maker_fill, half_spread_ticks, slippage, volume_share, .. } = FillModel::default();
        let volume_share = Number(volume_share.to_decimal().expect("a share fits a decimal"));
        Self { path, maker_fill, half_spread_ticks, slippage, volume_share, latency_ms: 0 }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FeesConfig {
    maker: Number,
    taker: Number,
    buyer: Number,
    seller: Number,
    special: PartsConfig,
    tax: PartsConfig,
}

impl Default for FeesConfig {
    fn default() -> Self {
        let (tenth, nothing) = (Number(Decimal::new(1, 3)), Number(Decimal::ZERO));
        let parts = PartsConfig::default();
        Self { maker: tenth, taker: tenth, buyer: nothing, seller: nothing, special: parts.clone(), tax: parts }
    }
}

/// One kind of commission beside the standard one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PartsConfig {
    maker: Number,
    taker: Number,
    buyer: Number,
    seller: Number,
}

impl Default for PartsConfig {
    fn default() -> Self {
        let nothing = Number(Decimal::ZERO);
        Self { maker: nothing, taker: nothing, buyer: nothing, seller: nothing }
    }
}

impl FeesConfig {
    fn rates(&self) -> anyhow::Result<CommissionRates> {
        let parts = |kind: &str, parts: [Number; 4]| -> anyhow::Result<RateParts> {
            let [maker, taker, buyer, seller] = parts;
            Ok(RateParts {
                maker: share(&format!("fees.{kind}maker"), maker)?,
                taker: share(&format!("fees.{kind}taker"), taker)?,
                buyer: share(&format!("fees.{kind}buyer"), buyer)?,
                seller: share(&format!("fees.{kind}seller"), seller)?,
            })
        };
        let of = |p: &PartsConfig| [p.maker, p.taker, p.buyer, p.seller];
        let rates = CommissionRates {
            standard: parts("", [self.maker, self.taker, self.buyer, self.seller])?,
            special: parts("special.", of(&self.special))?,
            tax: parts("tax.", of(&self.tax))?,
            discount: None,
        };
        let most = [Side::Buy, Side::Sell]
            .into_iter()
            .flat_map(|side| [Liquidity::Maker, Liquidity::Taker].map(|liquidity| rates.total(side, liquidity)));
        match most.max() {
            Some(rate) if rate > Rate::from_units(candlewick_model::number::ONE) => {
                Err(anyhow!("the parts of `fees` come to {rate}; they must not exceed 1 together"))
            }
            _ => Ok(rates),
        }
    }
}

/// What the report holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// Whether the pessimistic and the optimistic path are run too.
    pub band: bool,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self { band: true }
    }
}

/// A decimal as a user writes it: `"0.1"`, `0.1` or `1`. A float is taken by its shortest
/// text, so 0.1 means 0.1.
#[derive(Debug, Clone, Copy)]
pub struct Number(Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let text = match &value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(_) | toml::Value::Float(_) => value.to_string(),
            other => return Err(de::Error::custom(format!("{other} is no number"))),
        };
        text.parse().map(Self).map_err(|_| de::Error::custom(format!("{text:?} is no decimal number")))
    }
}

fn most() -> Number {
    Number(Decimal::new(95, 2))
}

fn five() -> usize {
    5
}

fn text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
}

fn optional_period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Period>, D::Error> {
    text(deserializer).map(Some)
}

/// A share between 0 and 1.
fn share(name: &str, number: Number) -> anyhow::Result<Rate> {
    let rate = Rate::from_decimal(number.0).with_context(|| format!("`{name}` is {}", number.0))?;
    let one = Rate::from_units(candlewick_model::number::ONE);
    if rate < Rate::ZERO || rate > one {
        return Err(anyhow!("`{name}` is {}; it must lie between 0 and 1", number.0));
    }
    Ok(rate)
}

impl Config {
    /// Reads a file.
    pub fn read(file: &Path) -> anyhow::Result<(Self, String)> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Ok((Self::parse(&text, file)?, text))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str, file: &Path) -> anyhow::Result<Self> {
        let mut config: Self =
            toml::from_str(text).map_err(|e| anyhow!("{}: {}{}", file.display(), e, did_you_mean(&e.to_string())))?;
        config.folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(config)
    }

    /// A path of the configuration, as seen from here.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// What the account holds before the first bar.
    pub fn account(&self) -> anyhow::Result<Account> {
        let mut balances = Vec::new();
        for (asset, number) in &self.account {
            let amount = Amount::from_decimal(number.0).with_context(|| format!("account.{asset} is {}", number.0))?;
            if amount < Amount::ZERO {
                return Err(anyhow!("account.{asset} is {}; it must not be negative", number.0));
            }
            balances.push((Asset::new(asset).with_context(|| format!("account.{asset}"))?, amount));
        }
        Ok(balances.into_iter().collect())
    }

    /// How bars become fills.
    pub fn fill_model(&self) -> anyhow::Result<FillModel> {
        Ok(FillModel {
            path: self.fills.path,
            maker_fill: self.fills.maker_fill,
            half_spread_ticks: self.fills.half_spread_ticks,
            slippage: self.fills.slippage,
            volume_share: share("fills.volume_share", self.fills.volume_share)?,
            latency_us: i64::from(self.fills.latency_ms) * 1_000,
            fees: self.fees.rates()?,
        })
    }

    /// The strategy, before its first bar, and the text of its order file if it has one.
    pub fn strategy(&self) -> anyhow::Result<(Builtin, Option<String>)> {
        Ok(match &self.strategy {
            StrategyConfig::MaCross { fast, slow, stake } => {
                (Builtin::MaCross(MaCross::new(*fast, *slow, share("strategy.stake", *stake)?)?), None)
            }
            StrategyConfig::MeanReversion { window, band, stake, reprice } => {
                let (band, stake) = (share("strategy.band", *band)?, share("strategy.stake", *stake)?);
                (Builtin::MeanReversion(MeanReversion::new(*window, band, stake, *reprice)?), None)
            }
            StrategyConfig::Script { file } => {
                let path = self.resolve(file);
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                let script = Script::parse(&text).with_context(|| path.display().to_string())?;
                (Builtin::Script(script), Some(text))
            }
        })
    }
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

/// A guess at the key that was meant, from serde's "unknown field" message.
fn did_you_mean(message: &str) -> String {
    let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let Some((_, told)) = message.split_once("unknown field ").or_else(|| message.split_once("unknown variant "))
    else {
        return String::new();
    };
    let words = quoted(told);
    let Some((wrong, known)) = words.split_first() else { return String::new() };
    let nearest = known.iter().min_by_key(|word| strsim::damerau_levenshtein(wrong, word));
    nearest.map(|word| format!("\ndid you mean `{word}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        symbol = "BTCUSDT"
        interval = "1m"
        from = "2023-03"
        [account]
        USDT = 10000
        BTC = "0.5"
        [strategy]
        name = "ma-cross"
        fast = 20
        slow = 100
        stake = 0.1
        [fills]
        slippage = { ticks = 2 }
    "#;

    fn read(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.toml");
        std::fs::write(&file, text).unwrap();
        Config::read(&file).map(|(config, _)| config)
    }

    #[test]
    fn a_configuration_is_read_exactly() {
        let config = read(GOOD).unwrap();
        let account = config.account().unwrap();
        assert_eq!(account.balance(Asset::new("BTC").unwrap()).free.to_string(), "0.50000000");
        let model = config.fill_model().unwrap();
        assert_eq!((model.slippage, model.volume_share.to_string()), (Slippage::Ticks(2), "0.10000000".into()));
        assert_eq!(config.strategy.describe().1[2], ("stake".into(), "0.1".into()));
        assert!(config.strategy().is_ok() && config.to.is_none());
    }

    #[test]
    fn mistakes_are_named_with_a_remedy() {
        for (from, to, told) in [
            ("fast = 20", "fats = 20", "did you mean `fast`?"),
            ("name = \"ma-cross\"", "name = \"ma-crosss\"", "did you mean `ma-cross`?"),
            ("[fills]", "[fill]", "did you mean `fills`?"),
            ("slippage", "slipage", "did you mean `slippage`?"),
            ("\"1m\"", "\"7m\"", "not an interval"),
            ("\"2023-03\"", "\"2023-13\"", "not a UTC time"),
            ("stake = 0.1", "stake = \"x\"", "no decimal number"),
        ] {
            let error = format!("{:#}", read(&GOOD.replace(from, to)).unwrap_err());
            assert!(error.contains(told) && error.contains("run.toml"), "{error}");
        }
        let error = read(&GOOD.replace("stake = 0.1", "stake = 1.5")).unwrap().strategy().err().unwrap();
        assert!(error.to_string().contains("`strategy.stake` is 1.5"), "{error}");
        let error = read(&GOOD.replace("slow = 100", "slow = 10")).unwrap().strategy().err().unwrap();
        assert!(error.to_string().contains("`slow` is 10; it must be more than `fast`"), "{error}");
        let error = read(&GOOD.replace("10000", "-1")).unwrap().account().unwrap_err();
        assert!(error.to_string().contains("must not be negative"), "{error}");
    }
}
