//! What can be odd about one bar. Integers only: a tolerance is a number of units.
//!
//! For: rules that look at a bar alone. Not for: what two bars say together (`scan.rs`).

use candlewick_model::number::ONE;
use candlewick_model::{Amount, Bar, BarError, Interval, Price};
use serde::Serialize;

/// What a user should do about something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// How the market was.
    Fact,
    /// The exchange's own word, but to be looked at before one relies on it.
    Warning,
    /// The lake lacks something, or contradicts itself.
    Problem,
}

/// Something odd that bars can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It opens before the one before it ended.
    Overlapping,
    /// Prices of zero, or outside of low and high.
    ContradictoryPrices,
    /// A volume, a number of trades or a length below zero.
    Negative,
    /// Takers bought more than was traded.
    TakerAboveTotal,
    /// The quote volume is not between low × volume and high × volume.
    QuoteVolumeOutsidePrices,
    /// Trades, but no volume.
    TradesWithoutVolume,
    /// Volume, but no trades.
    VolumeWithoutTrades,
    /// High and low differ, but nothing was traded.
    MovedWithoutVolume,
    /// It opens elsewhere than regular bars do.
    Misaligned,
    /// It ends before regular bars do.
    ShortBar,
    /// It ends after regular bars do.
    LongBar,
    /// It opens a fifth above or below the close before it.
    Jump,
    /// Its high is over twice, or its low under half of both open and close.
    Spike,
    /// Nothing was traded.
    ZeroVolume,
}

use Kind::{
    ContradictoryPrices, Jump, LongBar, Misaligned, MovedWithoutVolume, Negative, Overlapping,
    QuoteVolumeOutsidePrices, ShortBar, Spike, TakerAboveTotal, TradesWithoutVolume, VolumeWithoutTrades, ZeroVolume,
};

impl Kind {
    /// All of them, the worst first.
    pub const ALL: [Self; 14] = [
        Overlapping,
        ContradictoryPrices,
        Negative,
        TakerAboveTotal,
        QuoteVolumeOutsidePrices,
        TradesWithoutVolume,
        VolumeWithoutTrades,
        MovedWithoutVolume,
        Misaligned,
        ShortBar,
        LongBar,
        Jump,
        Spike,
        ZeroVolume,
    ];

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Overlapping | ContradictoryPrices | Negative | TakerAboveTotal => Severity::Problem,
            QuoteVolumeOutsidePrices
            | TradesWithoutVolume
            | VolumeWithoutTrades
            | MovedWithoutVolume
            | LongBar
            | Jump
            | Spike => Severity::Warning,
            // After outages the exchange's bars open and end like that.
            Misaligned | ShortBar | ZeroVolume => Severity::Fact,
        }
    }

    /// In words, of bars.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Overlapping => "open before the bar before them ended",
            ContradictoryPrices => "have prices that contradict each other",
            Negative => "have negative volumes, trades or lengths",
            TakerAboveTotal => "have takers that bought more than was traded",
            QuoteVolumeOutsidePrices => "have a quote volume that does not fit volume and prices",
            TradesWithoutVolume => "have trades without volume",
            VolumeWithoutTrades => "have volume without trades",
            MovedWithoutVolume => "move without volume",
            Misaligned => "open at irregular times",
            ShortBar => "end early",
            LongBar => "end late",
            Jump => "open a fifth or more away from the close before",
            Spike => "have a high of over twice or a low of under half of open and close",
            ZeroVolume => "are without trades",
        }
    }
}

/// Calls `found` for everything odd about a bar.
#[inline]
pub(super) fn judge(bar: &Bar, interval: Interval, mut found: impl FnMut(Kind)) {
    let mut when = |is: bool, kind: Kind| {
        if is {
            found(kind);
        }
    };
    match bar.check() {
        Ok(()) => {}
        Err(BarError::Price | BarError::Range) => when(true, ContradictoryPrices),
        Err(BarError::Volume | BarError::Time) => when(true, Negative),
    }
    when(bar.taker_buy_volume > bar.volume || bar.taker_buy_quote_volume > bar.quote_volume, TakerAboveTotal);
    when(!quote_volume_fits(bar), QuoteVolumeOutsidePrices);
    when(bar.volume.is_zero(), ZeroVolume);
    when(bar.volume.is_zero() && bar.trades > 0, TradesWithoutVolume);
    when(!bar.volume.is_zero() && bar.trades == 0, VolumeWithoutTrades);
    when(bar.volume.is_zero() && bar.low != bar.high, MovedWithoutVolume);
    let (aligned, close) = regular(bar, interval);
    when(!aligned, Misaligned);
    when(bar.close_time < close, ShortBar);
    when(bar.close_time > close, LongBar);
    when(is_spike(bar), Spike);
}

/// Whether it opens where regular bars do, and the end of a regular bar that opens there.
fn regular(bar: &Bar, interval: Interval) -> (bool, candlewick_model::Timestamp) {
    (interval.open_at(bar.open_time) == bar.open_time, interval.close_of(bar.open_time))
}

/// Each trade's value is rounded at 1e-8, so that every trade may take or give one unit.
fn quote_volume_fits(bar: &Bar) -> bool {
    let rounding = i128::from(bar.trades.max(0));
    let bound = |price: Price| value(price, bar.volume);
    let (Some(low), Some(high)) = (bound(bar.low), bound(bar.high)) else { return false };
    let quote = bar.quote_volume.units();
    low - rounding <= quote && quote <= high + 1 + rounding
}

/// ⌊price × volume⌋ in units of 1e-8; `None` where it does not fit 128 bits.
fn value(price: Price, volume: Amount) -> Option<i128> {
    let (price, one) = (i128::from(price.units()), i128::from(ONE));
    if let Ok(small) = i64::try_from(volume.units()) {
        return Some(price * i128::from(small) / one);
    }
    let (whole, part) = (volume.units() / one, volume.units() % one);
    price.checked_mul(whole)?.checked_add(price * part / one)
}

fn is_spike(bar: &Bar) -> bool {
    let twice = |price: Price| i128::from(price.units()) * 2;
    i128::from(bar.high.units()) > twice(bar.open.max(bar.close))
        || twice(bar.low) < i128::from(bar.open.min(bar.close).units())
}
