//! `mean-reversion`: a resting BUY some way below the moving average of closes, and once
//! something is held a resting SELL above it. Both follow the average, bar by bar.

use candlewick_model::number::ONE;
use candlewick_model::{Bar, Price, Quantity, Rate, Side};

use super::BuiltinError;
use super::ma_cross::check_stake;
use crate::{Context, Strategy};

/// The strategy's parameters and running sum.
#[derive(Debug, Clone)]
pub struct MeanReversion {
    window: usize,
    band: Rate,
    stake: Rate,
    reprice: usize,
    sum: i128,
}

impl MeanReversion {
    /// The average over `window` bars, orders `band` (a share, below 1) away from it, each
    /// purchase for `stake` of the free quote asset, prices renewed every `reprice` bars.
    pub fn new(window: usize, band: Rate, stake: Rate, reprice: usize) -> Result<Self, BuiltinError> {
        for (name, value) in [("window", window), ("reprice", reprice)] {
            if value == 0 {
                return Err(BuiltinError::Parameter { name, value: "0".into(), must: "at least 1" });
            }
        }
        if band <= Rate::ZERO || band.units() >= ONE {
            let value = band.to_string();
            return Err(BuiltinError::Parameter { name: "band", value, must: "more than 0 and less than 1" });
        }
        check_stake(stake)?;
        Ok(Self { window, band, stake, reprice, sum: 0 })
    }

    fn place(&self, context: &mut Context) {
        let mean = self.sum / self.window as i128;
        let at = |share: i64| i64::try_from(mean * i128::from(share) / i128::from(ONE)).ok().map(Price::from_units);
        let band = self.band.units();
        let held = Quantity::from_amount_saturating(context.base().free);
        let sell = at(ONE + band).and_then(|price| context.fit_limit(Side::Sell, price, held).ok());
        let buy = at(ONE - band).and_then(|price| {
            let money = context.quote().free.times_rate_floor(self.stake);
            let wanted = Quantity::bought_floor(money, price)?;
            context.fit_limit(Side::Buy, price, wanted).ok()
        });
        if let Some((price, quantity)) = sell {
            context.submit_limit(Side::Sell, price, quantity);
        } else if let Some((price, quantity)) = buy {
            context.submit_limit(Side::Buy, price, quantity);
        }
    }
}

impl Strategy for MeanReversion {
    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        let leaving = context.close(self.window).map_or(0, |price| i128::from(price.units()));
        self.sum += i128::from(bar.close.units()) - leaving;
        let bars = context.bar_count();
        if bars < self.window {
            return;
        }
        if context.open_orders().is_empty() {
            self.place(context);
        } else if bars.is_multiple_of(self.reprice) {
            let open: Vec<_> = context.open_orders().iter().map(|order| order.order_id).collect();
            for order_id in open {
                context.cancel(order_id);
            }
        }
    }
}
