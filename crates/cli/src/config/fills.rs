//! `[fills]`: how bars become fills. What a table does not say, the more general one says, and
//! the fill rules where that is silent too.

use anyhow::anyhow;
use candlewick_model::CommissionRates;
use candlewick_model::run::{DetailKind, FillModel, MakerFill, PathModel, Slippage};
use serde::Deserialize;

use super::values::{Number, optional_text, share};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FillsConfig {
    path: Option<PathModel>,
    #[serde(deserialize_with = "optional_text")]
    detail: Option<DetailKind>,
    maker_fill: Option<MakerFill>,
    half_spread_ticks: Option<u32>,
    slippage: Option<Slippage>,
    volume_share: Option<Number>,
    latency_ms: Option<u32>,
}

impl FillsConfig {
    /// This table, completed from a more general one.
    pub(super) fn over(&self, general: &Self) -> Self {
        Self {
            path: self.path.or(general.path),
            detail: self.detail.or(general.detail),
            maker_fill: self.maker_fill.or(general.maker_fill),
            half_spread_ticks: self.half_spread_ticks.or(general.half_spread_ticks),
            slippage: self.slippage.or(general.slippage),
            volume_share: self.volume_share.or(general.volume_share),
            latency_ms: self.latency_ms.or(general.latency_ms),
        }
    }

    /// The one kind of detail that is wanted; whatever there is where absent.
    pub(super) fn detail(&self) -> anyhow::Result<Option<DetailKind>> {
        match (self.detail, self.path) {
            (Some(_), None) => Err(anyhow!("`fills.detail` needs `path = \"detail\"` beside it")),
            (detail, _) => Ok(detail),
        }
    }

    /// What it comes to, with the rates of commission.
    pub(super) fn model(&self, fees: CommissionRates) -> anyhow::Result<FillModel> {
        let usual = FillModel::default();
        let volume_share = self.volume_share.map(|number| share("fills.volume_share", number)).transpose()?;
        Ok(FillModel {
            path: self.path.unwrap_or(usual.path),
            maker_fill: self.maker_fill.unwrap_or(usual.maker_fill),
            half_spread_ticks: self.half_spread_ticks.unwrap_or(usual.half_spread_ticks),
            slippage: self.slippage.unwrap_or(usual.slippage),
            volume_share: volume_share.unwrap_or(usual.volume_share),
            latency_us: i64::from(self.latency_ms.unwrap_or(0)) * 1_000,
            fees,
        })
    }
}
