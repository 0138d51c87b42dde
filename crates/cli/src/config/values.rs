//! Values as a user writes them.

use anyhow::{Context, anyhow};
use candlewick_model::{Period, Rate};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

/// A decimal as a user writes it: `"0.1"`, `0.1` or `1`. A float is taken by its shortest
/// text, so 0.1 means 0.1.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub(super) Decimal);

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

/// Anything that is read from a text.
pub(super) fn text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))
}

/// As [`text`], where the key may be absent.
pub(super) fn optional_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    text(deserializer).map(Some)
}

/// As [`text`], for each of a list.
pub(super) fn texts<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(|e| de::Error::custom(format!("{text:?}: {e}")))).collect()
}

pub(super) fn optional_texts<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    texts(deserializer).map(Some)
}

pub(super) fn optional_period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Period>, D::Error> {
    optional_text(deserializer)
}

/// A share or a factor, not below zero.
pub(super) fn factor(name: &str, number: Number) -> anyhow::Result<Rate> {
    let rate = Rate::from_decimal(number.0).with_context(|| format!("`{name}` is {}", number.0))?;
    if rate < Rate::ZERO {
        return Err(anyhow!("`{name}` is {}; it must not be negative", number.0));
    }
    Ok(rate)
}

/// A share between 0 and 1.
pub(super) fn share(name: &str, number: Number) -> anyhow::Result<Rate> {
    let rate = Rate::from_decimal(number.0).with_context(|| format!("`{name}` is {}", number.0))?;
    let one = Rate::from_units(candlewick_model::number::ONE);
    if rate < Rate::ZERO || rate > one {
        return Err(anyhow!("`{name}` is {}; it must lie between 0 and 1", number.0));
    }
    Ok(rate)
}
