//! What a fill costs (rule 5.8): out of the received asset, truncated at its commission
//! precision.

use candlewick_model::run::FeeSchedule;
use candlewick_model::{Amount, Asset, Instrument, Liquidity, Quantity, Side};

/// Commission of a fill and its asset.
pub(crate) fn of_fill(
    instrument: &Instrument,
    fees: FeeSchedule,
    side: Side,
    liquidity: Liquidity,
    quantity: Quantity,
    quote_quantity: Amount,
) -> (Amount, Asset) {
    let rate = match liquidity {
        Liquidity::Maker => fees.maker,
        Liquidity::Taker => fees.taker,
    };
    match side {
        Side::Buy => {
            let commission = Amount::from(quantity).times_rate_floor(rate);
            (commission.truncate_to(instrument.base_commission_precision), instrument.base_asset)
        }
        Side::Sell => {
            let commission = quote_quantity.times_rate_floor(rate);
            (commission.truncate_to(instrument.quote_commission_precision), instrument.quote_asset)
        }
    }
}
