//! The configuration of a run: a TOML file, as `docs/configuration.md` describes it.
//!
//! For: reading and judging it, naming file, line, key and remedy. Not for: opening the lake
//! (`prepare` does).

mod fees;
mod fills;
mod market;
mod strategy;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use candlewick_model::stress::Scenario;
use candlewick_model::{Account, Amount, Asset, Interval, Period, Symbol, Timestamp};
use candlewick_simulator::Transfer;
use candlewick_strategy::Builtin;
use serde::Deserialize;

pub use market::MarketPlan;
pub use strategy::StrategyConfig;

use fees::FeesConfig;
use fills::FillsConfig;
use market::MarketConfig;
use values::{Number, optional_period, optional_text, text, texts};

/// A configuration file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The market, where there is one.
    #[serde(default, deserialize_with = "optional_text")]
    symbol: Option<Symbol>,
    /// The markets, where there are several.
    #[serde(default, deserialize_with = "texts")]
    symbols: Vec<Symbol>,
    /// Length of the bars that markets move along.
    #[serde(deserialize_with = "text")]
    interval: Interval,
    /// Longer bars that the strategy is given too.
    #[serde(default, deserialize_with = "texts")]
    longer: Vec<Interval>,
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
    /// Symbols whose bars only give prices to assets.
    #[serde(default, deserialize_with = "texts")]
    pub prices: Vec<Symbol>,
    /// The asset that equity is counted in; the quote asset of the first market where absent.
    #[serde(default, deserialize_with = "optional_text")]
    pub counted_in: Option<Asset>,
    /// What the account holds before the first bar, by asset.
    account: BTreeMap<String, Number>,
    /// Deposits and withdrawals.
    #[serde(default, rename = "transfer")]
    transfers: Vec<TransferConfig>,
    /// Which strategy, with its parameters.
    pub strategy: StrategyConfig,
    /// How bars become fills.
    #[serde(default)]
    fills: FillsConfig,
    /// What trading costs.
    #[serde(default)]
    fees: FeesConfig,
    /// What is different about single markets.
    #[serde(default, rename = "market")]
    markets: BTreeMap<String, MarketConfig>,
    /// What goes wrong with the exchange; nothing where absent.
    #[serde(default)]
    pub stress: Option<Scenario>,
    /// What the report holds.
    #[serde(default)]
    pub report: ReportConfig,
    /// The folder that paths are relative to.
    #[serde(skip)]
    folder: PathBuf,
    /// The text of the order file, where it is not to be read.
    #[serde(skip)]
    orders: Option<String>,
}

/// `[[transfer]]`: a deposit, or a withdrawal where the amount is negative.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferConfig {
    #[serde(deserialize_with = "text")]
    time: Timestamp,
    #[serde(deserialize_with = "text")]
    asset: Asset,
    amount: Number,
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

impl Config {
    /// Reads a file.
    pub fn read(file: &Path) -> anyhow::Result<(Self, String)> {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        Ok((Self::parse(&text, file)?, text))
    }

    /// Reads the text of a file; paths in it are relative to the file's folder.
    pub fn parse(text: &str, file: &Path) -> anyhow::Result<Self> {
        Self::parse_in(text, file, file.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a file whose paths are relative to a folder.
    pub(crate) fn parse_in(text: &str, file: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut config: Self =
            toml::from_str(text).map_err(|e| anyhow!("{}: {}{}", file.display(), e, did_you_mean(&e.to_string())))?;
        config.folder = folder.to_owned();
        config.judge().with_context(|| file.display().to_string())?;
        Ok(config)
    }

    /// What single keys cannot say.
    fn judge(&self) -> anyhow::Result<()> {
        let symbols = self.symbols();
        match (&self.symbol, &self.symbols[..]) {
            (None, []) => return Err(anyhow!("no market: give `symbol = \"BTCUSDT\"`, or `symbols = [\"…\", \"…\"]`")),
            (Some(_), [_, ..]) => return Err(anyhow!("both `symbol` and `symbols`; give one of them")),
            _ => {}
        }
        if let Some(twice) = symbols.iter().enumerate().find(|(at, symbol)| symbols[..*at].contains(symbol)) {
            return Err(anyhow!("`symbols` names {} twice", twice.1));
        }
        if let Some(other) = self.markets.keys().find(|name| symbols.iter().all(|symbol| symbol.as_str() != *name)) {
            let nearest = symbols.iter().min_by_key(|symbol| strsim::damerau_levenshtein(symbol.as_str(), other));
            let nearest = nearest.map(|symbol| format!("; did you mean `[market.{symbol}]`?")).unwrap_or_default();
            return Err(anyhow!("`[market.{other}]` is about no market of this run{nearest}"));
        }
        let named = self.stress.iter().flat_map(Scenario::symbols);
        if let Some(other) = named.into_iter().find(|symbol| !symbols.contains(symbol)) {
            return Err(anyhow!("`[stress]` names {other}, which is no market of this run"));
        }
        Ok(())
    }

    /// The markets, in the order of their names.
    #[must_use]
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all: Vec<_> = self.symbol.iter().chain(&self.symbols).copied().collect();
        all.sort();
        all
    }

    /// The only market and its interval, for what cannot do with several.
    pub fn only_market(&self) -> anyhow::Result<(Symbol, Interval)> {
        match &self.symbols()[..] {
            [symbol] => Ok((*symbol, self.interval_of(*symbol))),
            several => {
                Err(anyhow!("this takes one market, and the configuration has {}; give `symbol`", several.len()))
            }
        }
    }

    fn interval_of(&self, symbol: Symbol) -> Interval {
        self.markets.get(symbol.as_str()).and_then(|market| market.interval).unwrap_or(self.interval)
    }

    /// Every market with what is configured about it.
    pub fn markets(&self) -> anyhow::Result<Vec<MarketPlan>> {
        self.symbols().into_iter().map(|symbol| self.market(symbol)).collect()
    }

    fn market(&self, symbol: Symbol) -> anyhow::Result<MarketPlan> {
        let usual = MarketConfig::default();
        let own = self.markets.get(symbol.as_str()).unwrap_or(&usual);
        let interval = self.interval_of(symbol);
        let mut longer = own.longer.as_ref().unwrap_or(&self.longer).clone();
        longer.sort();
        longer.dedup();
        if let Some(short) = longer.iter().find(|longer| **longer <= interval) {
            return Err(anyhow!("`longer` holds {short}, which is not longer than the {interval} bars of {symbol}"));
        }
        let fills = own.fills.over(&self.fills);
        let model = || fills.model(own.fees.rates(&self.fees)?);
        Ok(MarketPlan {
            symbol,
            interval,
            longer,
            fill_model: model().with_context(|| format!("market {symbol}"))?,
            detail: fills.detail()?,
            reference: own.reference(symbol, &self.folder)?,
            price_range: own.price_range(symbol)?,
        })
    }

    /// The folder that paths are relative to.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// With the text of the order file as it was.
    pub(crate) fn with_orders(self, text: String) -> Self {
        Self { orders: Some(text), ..self }
    }

    /// With the snapshots of exchangeInfo in a file, as seen from here.
    pub(crate) fn with_exchange_info(self, file: &Path) -> anyhow::Result<Self> {
        let file = file.canonicalize().with_context(|| file.display().to_string())?;
        Ok(Self { exchange_info: vec![file], ..self })
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
            if amount > MOST {
                return Err(anyhow!("account.{asset} is {}; at most {MOST_IN_WORDS} is held of an asset", number.0));
            }
            balances.push((Asset::new(asset).with_context(|| format!("account.{asset}"))?, amount));
        }
        Ok(balances.into_iter().collect())
    }

    /// Deposits and withdrawals, by time.
    pub fn transfers(&self) -> anyhow::Result<Vec<Transfer>> {
        let mut held = self.account()?;
        let mut transfer = |t: &TransferConfig| {
            let amount = Amount::from_decimal(t.amount.0)
                .with_context(|| format!("the transfer of {} is {}", t.time, t.amount.0))?;
            // All of them together, deposits and withdrawals alike.
            let moved = Amount::from_units(amount.units().abs());
            let free = &mut held.balance_mut(t.asset).free;
            *free = free.checked_add(moved).filter(|sum| *sum <= MOST).ok_or_else(|| {
                let (asset, number) = (t.asset, t.amount.0);
                anyhow!("the transfer of {} is {number}; at most {MOST_IN_WORDS} is held and moved of {asset}", t.time)
            })?;
            Ok(Transfer { time: t.time, asset: t.asset, amount })
        };
        let mut all = self.transfers.iter().map(&mut transfer).collect::<anyhow::Result<Vec<_>>>()?;
        all.sort_by_key(|transfer| transfer.time);
        Ok(all)
    }

    /// The strategy, before its first bar, and the text of its order file if it has one.
    pub fn strategy(&self) -> anyhow::Result<(Builtin, Option<String>)> {
        self.strategy.build(self.symbols().len(), &self.folder, self.orders.as_deref())
    }
}

/// More of an asset than there is of any: what it is worth stays a number.
const MOST: Amount = Amount::from_units(1_000_000_000_000_000 * 100_000_000);
const MOST_IN_WORDS: &str = "10^15";

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
    use candlewick_model::run::Slippage;
    use candlewick_model::{Liquidity, Side};
    use candlewick_simulator::Reference;

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
        let model = config.markets().unwrap()[0].fill_model;
        assert_eq!((model.slippage, model.volume_share.to_string()), (Slippage::Ticks(2), "0.10000000".into()));
        assert_eq!(config.strategy.describe().1[2], ("stake".into(), "0.1".into()));
        assert!(config.strategy().is_ok() && config.to.is_none());
    }

    const PORTFOLIO: &str = r#"
        symbols = ["ETHBTC", "BTCUSDT"]
        interval = "1m"
        longer = ["1d", "1h"]
        counted_in = "USDT"
        [account]
        USDT = 10000
        [strategy]
        name = "ma-cross"
        fast = 20
        slow = 100
        [fills]
        half_spread_ticks = 2
        latency_ms = 50
        [fees]
        taker = 0.002
        tier = "vip1"
        discount = { rate = 0.25 }
        tiers.regular = {}
        tiers.vip1 = { maker = 0.0009, taker = 0.001 }
        [market.ETHBTC]
        interval = "5m"
        longer = []
        fills = { half_spread_ticks = 1 }
        fees = { taker = 0.0007, special = { taker = 0.0001 } }
        reference_price = { bucket_count = 10, bucket_width_ms = 1000 }
        price_range = { bid_limit_mult_up = "1.0001" }
        [[transfer]]
        time = "2023-02-01"
        asset = "USDT"
        amount = -500
        [[transfer]]
        time = "2023-01-15T12:00:00Z"
        asset = "BNB"
        amount = 1
    "#;

    #[test]
    fn several_markets_differ_where_they_say_so() {
        let config = read(PORTFOLIO).unwrap();
        let [btc, eth] = &config.markets().unwrap()[..] else { panic!("two markets") };
        assert_eq!(
            (btc.symbol.as_str(), btc.interval, &btc.longer[..]),
            ("BTCUSDT", Interval::OneMinute, &[Interval::OneHour, Interval::OneDay][..])
        );
        assert_eq!((eth.symbol.as_str(), eth.interval, eth.longer.len()), ("ETHBTC", Interval::FiveMinutes, 0));
        let spreads = [btc, eth].map(|m| (m.fill_model.half_spread_ticks, m.fill_model.latency_us));
        assert_eq!(spreads, [(2, 50_000), (1, 50_000)]);
        let rate = |m: &MarketPlan, l| m.fill_model.fees.total(Side::Buy, l).to_string();
        assert_eq!([Liquidity::Maker, Liquidity::Taker].map(|l| rate(btc, l)), ["0.00090000", "0.00100000"]);
        assert_eq!([Liquidity::Maker, Liquidity::Taker].map(|l| rate(eth, l)), ["0.00090000", "0.00080000"]);
        assert_eq!(eth.fill_model.fees.discount.unwrap().asset.as_str(), "BNB");
        assert!(matches!((&btc.reference, &eth.reference), (Reference::Absent, Reference::Mean(_))));
        assert_eq!(eth.price_range.unwrap().bid_limit_mult_up.unwrap().to_string(), "1.00010000");
        let transfers = config.transfers().unwrap();
        assert_eq!(transfers.iter().map(|t| t.asset.as_str()).collect::<Vec<_>>(), ["BNB", "USDT"]);
        assert!(config.only_market().is_err() && config.strategy().is_ok());
    }

    #[test]
    fn mistakes_about_markets_are_named() {
        for (from, to, told) in [
            ("symbols =", "symbol = \"BNBBTC\"\nsymbols =", "both `symbol` and `symbols`"),
            ("\"ETHBTC\", ", "\"BTCUSDT\", ", "names BTCUSDT twice"),
            ("symbols = [\"ETHBTC\", \"BTCUSDT\"]", "", "no market"),
            ("[market.ETHBTC]", "[market.ETHBTD]", "did you mean `[market.ETHBTC]`?"),
            ("price_range = { bid", "price_range = { bud", "unknown field"),
            ("bucket_count = 10", "bucket_cuont = 10", "did you mean `bucket_count`?"),
        ] {
            let error = format!("{:#}", read(&PORTFOLIO.replace(from, to)).unwrap_err());
            assert!(error.contains(told) && error.contains("run.toml"), "{error}");
        }
        for (from, to, told) in [
            ("tier = \"vip1\"", "tier = \"vip2\"", "there is no table `fees.tiers.vip2`; the tiers are: regular, vip1"),
            ("longer = [\"1d\", \"1h\"]", "longer = [\"1m\"]", "not longer than the 1m bars of BTCUSDT"),
            ("bucket_count = 10", "bucket_count = 0", "must not be empty"),
            (
                "bucket_count = 10",
                "recorded = \"x\", bucket_count = 10",
                "`bucket_width_ms`, or `recorded` and nothing else",
            ),
            ("bucket_count = 10, ", "", "takes `bucket_count` and `bucket_width_ms`"),
            ("{ bid_limit_mult_up = \"1.0001\" }", "{ bid_limit_mult_up = -1 }", "must not be negative"),
            (
                "reference_price = { bucket_count = 10, bucket_width_ms = 1000 }",
                "reference_price = { recorded = \"none.jsonl\" }",
                "none.jsonl",
            ),
        ] {
            let error = format!("{:#}", read(&PORTFOLIO.replace(from, to)).unwrap().markets().err().unwrap());
            assert!(error.contains(told), "{error}");
        }
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
        let error = read(&GOOD.replace("10000", "1e16")).unwrap().account().unwrap_err();
        assert!(error.to_string().starts_with("account.USDT is 10000000000000000"), "{error}");
        let transfer =
            "[[transfer]]\ntime = \"2023-01-01T00:05:00Z\"\nasset = \"USDT\"\namount = \"-999999999999999\"\n";
        assert!(read(&format!("{GOOD}\n{transfer}")).unwrap().transfers().unwrap_err().to_string().contains("of USDT"));
    }
}
