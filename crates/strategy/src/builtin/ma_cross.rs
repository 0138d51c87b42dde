//! `ma-cross`: long while the fast moving average of closes is above the slow one, with market
//! orders.
//!
//! It buys for a share of its free quote asset (`quoteOrderQty`) and sells all it has, rounded
//! down to what the filters take; dust stays.

use std::ops::Range;

use candlewick_model::{Bar, Bars, OrderSize, Price, Quantity, Rate, Side};

use super::BuiltinError;
use crate::{Context, Strategy};

/// The strategy's parameters and state.
#[derive(Debug, Clone)]
pub struct MaCross {
    fast: usize,
    slow: usize,
    stake: Rate,
    /// slow × Σ of the last `fast` closes − fast × Σ of the last `slow` ones: above zero where
    /// the fast average is above the slow one, without dividing.
    lead: i128,
    above: Option<bool>,
    /// Whether the closes of this run leave it in 64 bits, once somebody has looked.
    is_narrow: Option<bool>,
}

impl MaCross {
    /// Averages over `fast` and `slow` bars; each purchase is for `stake` of the free quote
    /// asset (more than 0, at most 1).
    pub fn new(fast: usize, slow: usize, stake: Rate) -> Result<Self, BuiltinError> {
        if fast == 0 {
            return Err(BuiltinError::Parameter { name: "fast", value: "0".into(), must: "at least 1" });
        }
        if slow <= fast {
            return Err(BuiltinError::Parameter { name: "slow", value: slow.to_string(), must: "more than `fast`" });
        }
        check_stake(stake)?;
        Ok(Self { fast, slow, stake, lead: 0, above: None, is_narrow: None })
    }

    fn trade(context: &mut Context, stake: Rate, buy: bool) {
        if buy {
            let precision = context.instrument().quote_precision;
            let money = context.quote().free.times_rate_floor(stake).truncate_to(precision);
            if !money.is_zero() {
                context.submit_market(Side::Buy, OrderSize::Quote(money));
            }
        } else {
            let held = Quantity::from_amount_saturating(context.base().free);
            if let Ok(quantity) = context.fit_market(Side::Sell, held) {
                context.submit_market(Side::Sell, OrderSize::Base(quantity));
            }
        }
    }
}

pub(super) fn check_stake(stake: Rate) -> Result<(), BuiltinError> {
    let one = Rate::from_units(candlewick_model::number::ONE);
    if stake <= Rate::ZERO || stake > one {
        let value = stake.to_string();
        return Err(BuiltinError::Parameter { name: "stake", value, must: "more than 0 and at most 1" });
    }
    Ok(())
}

impl MaCross {
    /// The lead after a close, and after what has left the two windows. Products of two numbers
    /// of 64 bits fit 128, and so do sums of some of them.
    #[inline]
    fn lead_after(&self, lead: i128, entering: Price, left_fast: Price, left_slow: Price) -> i128 {
        let change = |left: Price| i128::from(entering.units().wrapping_sub(left.units()));
        let gained = (self.slow as i64 as i128).wrapping_mul(change(left_fast));
        let lost = (self.fast as i64 as i128).wrapping_mul(change(left_slow));
        lead.wrapping_add(gained).wrapping_sub(lost)
    }
}

/// Whether 64 bits hold whatever the lead can become along these closes.
fn is_narrow(closes: &[Price], fast: usize, slow: usize) -> bool {
    // At least as large as each of them, and no more than twice the largest.
    let bound = closes.iter().fold(0, |bound, close| bound | close.units());
    let windows = i64::try_from(fast).ok().zip(i64::try_from(slow).ok());
    let product = windows.and_then(|(fast, slow)| fast.checked_mul(slow)?.checked_mul(bound)?.checked_mul(4));
    bound >= 0 && product.is_some()
}

impl Strategy for MaCross {
    #[inline]
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        let left = |window: usize| context.close(window).unwrap_or_default();
        self.lead = self.lead_after(self.lead, bar.close, left(self.fast), left(self.slow));
        if context.bar_count() < self.slow {
            return;
        }
        let above = self.lead > 0;
        let crossed = self.above.is_some_and(|before| before != above);
        self.above = Some(above);
        if crossed {
            Self::trade(context, self.stake, above);
        }
    }

    fn quiet_bars(&mut self, _: usize, bars: &Bars, next: Range<usize>) -> usize {
        // The windows fill bar by bar; most bars come after that.
        let Some(above) = self.above.filter(|_| next.start >= self.slow) else { return 0 };
        if !*self.is_narrow.get_or_insert_with(|| is_narrow(&bars.close, self.fast, self.slow)) {
            return 0;
        }
        let rows = next.len();
        let before = |window: usize| &bars.close[next.start - window..][..rows];
        let (closes, left_fast, left_slow) = (before(0), before(self.fast), before(self.slow));
        // As `lead_after`, in 64 bits, and so that what is not below zero goes on either way.
        let turned = |number: i64| if above { number } else { -number };
        let (for_fast, for_slow) = (turned(self.slow as i64), turned(self.fast as i64));
        let gained = |close: Price, left_fast: Price, left_slow: Price| {
            let gained = for_fast.wrapping_mul(close.units().wrapping_sub(left_fast.units()));
            gained.wrapping_sub(for_slow.wrapping_mul(close.units().wrapping_sub(left_slow.units())))
        };
        let one = i64::from(above);
        let mut lead = turned(self.lead as i64) - one;
        let mut quiet = 0;
        // Four at a time: one branch for all of them.
        let fours =
            closes.as_chunks::<4>().0.iter().zip(left_fast.as_chunks::<4>().0).zip(left_slow.as_chunks::<4>().0);
        for ((close, left_fast), left_slow) in fours {
            let (mut after, mut all) = (lead, 0);
            for at in 0..4 {
                after = after.wrapping_add(gained(close[at], left_fast[at], left_slow[at]));
                all |= after;
            }
            if all < 0 {
                break;
            }
            lead = after;
            quiet += 4;
        }
        while quiet < rows {
            let after = lead.wrapping_add(gained(closes[quiet], left_fast[quiet], left_slow[quiet]));
            if after < 0 {
                break;
            }
            lead = after;
            quiet += 1;
        }
        let lead = turned(lead + one);
        self.lead = lead.into();
        quiet
    }
}
