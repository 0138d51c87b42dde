//! `[fees]`: what trading costs, by tier and by market. Of several tables the most specific one
//! that says something counts: a market's tier, the market, the tier, all markets.

use std::collections::BTreeMap;

use anyhow::anyhow;
use candlewick_model::number::ONE;
use candlewick_model::{Asset, CommissionRates, Discount, Liquidity, Rate, RateParts, Side};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::values::{Number, share, text};

/// Maker and taker pay so much where nothing is said: a tenth of a percent.
const USUAL: Number = Number(Decimal::from_parts(1, 0, 0, false, 3));
const NOTHING: Number = Number(Decimal::ZERO);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FeesConfig {
    maker: Option<Number>,
    taker: Option<Number>,
    buyer: Option<Number>,
    seller: Option<Number>,
    special: PartsConfig,
    tax: PartsConfig,
    discount: Option<DiscountConfig>,
    /// Which of the tiers the account is in.
    tier: Option<String>,
    tiers: BTreeMap<String, FeesConfig>,
}

/// One kind of commission beside the standard one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PartsConfig {
    maker: Option<Number>,
    taker: Option<Number>,
    buyer: Option<Number>,
    seller: Option<Number>,
}

/// Commission in an asset of its own.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscountConfig {
    #[serde(default = "bnb", deserialize_with = "text")]
    asset: Asset,
    rate: Number,
}

fn bnb() -> Asset {
    Asset::new("BNB").expect("an asset's name")
}

impl FeesConfig {
    /// The rates of a market whose table this is, below the table of all markets.
    pub(super) fn rates(&self, general: &Self) -> anyhow::Result<CommissionRates> {
        let tier = self.tier.as_ref().or(general.tier.as_ref());
        let mut layers = vec![general];
        if let Some(tier) = tier {
            let found = [general, self].map(|table| table.tiers.get(tier));
            if found.iter().all(Option::is_none) {
                let known: Vec<_> = general.tiers.keys().chain(self.tiers.keys()).map(String::as_str).collect();
                return Err(anyhow!(
                    "`fees.tier` is {tier:?}, and there is no table `fees.tiers.{tier}`; the tiers are: {}",
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                ));
            }
            layers.extend(found[0]);
            layers.push(self);
            layers.extend(found[1]);
        } else {
            layers.push(self);
        }
        if let Some(name) = layers[1..].iter().flat_map(|l| &l.tiers).find(|(_, t)| !t.tiers.is_empty()) {
            return Err(anyhow!("the tier {:?} of `fees` holds tiers itself", name.0));
        }
        judged(of_layers(&layers)?)
    }
}

fn of_layers(layers: &[&FeesConfig]) -> anyhow::Result<CommissionRates> {
    let latest = |of: &dyn Fn(&FeesConfig) -> Option<Number>| layers.iter().rev().find_map(|layer| of(layer));
    let rate = |name: &str, usual: Number, of: &dyn Fn(&FeesConfig) -> Option<Number>| {
        share(&format!("fees.{name}"), latest(of).unwrap_or(usual))
    };
    let parts = |name: &str, of: fn(&FeesConfig) -> &PartsConfig| -> anyhow::Result<RateParts> {
        Ok(RateParts {
            maker: rate(&format!("{name}.maker"), NOTHING, &|fees| of(fees).maker)?,
            taker: rate(&format!("{name}.taker"), NOTHING, &|fees| of(fees).taker)?,
            buyer: rate(&format!("{name}.buyer"), NOTHING, &|fees| of(fees).buyer)?,
            seller: rate(&format!("{name}.seller"), NOTHING, &|fees| of(fees).seller)?,
        })
    };
    let discount = layers.iter().rev().find_map(|layer| layer.discount);
    Ok(CommissionRates {
        standard: RateParts {
            maker: rate("maker", USUAL, &|fees| fees.maker)?,
            taker: rate("taker", USUAL, &|fees| fees.taker)?,
            buyer: rate("buyer", NOTHING, &|fees| fees.buyer)?,
            seller: rate("seller", NOTHING, &|fees| fees.seller)?,
        },
        special: parts("special", |fees| &fees.special)?,
        tax: parts("tax", |fees| &fees.tax)?,
        discount: discount
            .map(|d| anyhow::Ok(Discount { asset: d.asset, rate: share("fees.discount.rate", d.rate)? }))
            .transpose()?,
    })
}

/// Nobody pays more than everything.
fn judged(rates: CommissionRates) -> anyhow::Result<CommissionRates> {
    let all = [Side::Buy, Side::Sell]
        .into_iter()
        .flat_map(|side| [Liquidity::Maker, Liquidity::Taker].map(|liquidity| rates.total(side, liquidity)));
    match all.max() {
        Some(rate) if rate > Rate::from_units(ONE) => {
            Err(anyhow!("the parts of `fees` come to {rate}; they must not exceed 1 together"))
        }
        _ => Ok(rates),
    }
}
