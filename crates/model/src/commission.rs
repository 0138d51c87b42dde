//! What a fill costs (rule 5.8; `faqs/commission_faq.md`, and `rest-api.md` for the discount).
//!
//! For: the rates and the one formula. Not for: balances (`ledger`).

use serde::{Deserialize, Serialize};

use crate::number::{Amount, ONE, Price, Quantity, Rate};
use crate::order::{Liquidity, Side};
use crate::text::Asset;

/// Rates of one kind of commission. The part of the liquidity and the part of the side add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateParts {
    /// For fills that rested.
    pub maker: Rate,
    /// For fills that took.
    pub taker: Rate,
    /// For bought base asset.
    pub buyer: Rate,
    /// For sold base asset.
    pub seller: Rate,
}

/// A discount for paying in an asset of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// In what is paid: BNB.
    pub asset: Asset,
    /// By how much the standard part is reduced: 0.25 is a quarter off.
    pub rate: Rate,
}

/// What trading on a symbol costs, as shares of what is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommissionRates {
    /// The usual part.
    pub standard: RateParts,
    /// An extra in particular circumstances.
    pub special: RateParts,
    /// Taxes.
    pub tax: RateParts,
    /// Where commission is paid in an asset of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
}

/// A fill as commission sees it.
#[derive(Debug, Clone, Copy)]
pub struct Traded {
    /// Which way.
    pub side: Side,
    /// Whether it rested or took.
    pub liquidity: Liquidity,
    /// Base asset.
    pub quantity: Quantity,
    /// Quote asset, truncated at its precision.
    pub quote_quantity: Amount,
}

impl RateParts {
    /// What a fill of that side and liquidity pays.
    #[must_use]
    pub fn of(&self, side: Side, liquidity: Liquidity) -> Rate {
        let by_liquidity = match liquidity {
            Liquidity::Maker => self.maker,
            Liquidity::Taker => self.taker,
        };
        let by_side = match side {
            Side::Buy => self.buyer,
            Side::Sell => self.seller,
        };
        Rate::from_units(by_liquidity.units() + by_side.units())
    }
}

impl CommissionRates {
    /// A maker and a taker rate and nothing else.
    #[must_use]
    pub fn simple(maker: Rate, taker: Rate) -> Self {
        Self { standard: RateParts { maker, taker, ..RateParts::default() }, ..Self::default() }
    }

    /// All parts added, without discount.
    #[must_use]
    pub fn total(&self, side: Side, liquidity: Liquidity) -> Rate {
        let parts = [self.standard, self.special, self.tax];
        Rate::from_units(parts.iter().map(|part| part.of(side, liquidity).units()).sum())
    }

    /// Commission in the received asset, truncated at its commission precision.
    #[must_use]
    pub fn of_received(&self, fill: Traded, (base_precision, quote_precision): (u32, u32)) -> Amount {
        let rate = self.total(fill.side, fill.liquidity);
        match fill.side {
            Side::Buy => Amount::from(fill.quantity).times_rate_floor(rate).truncate_to(base_precision),
            Side::Sell => fill.quote_quantity.times_rate_floor(rate).truncate_to(quote_precision),
        }
    }

    /// Commission in the discount's asset, truncated at eight decimals: of the quote amount,
    /// at the price of that asset in quote asset. The discount is off the standard part only.
    #[must_use]
    pub fn of_discounted(&self, discount: Discount, fill: Traded, price: Price) -> Option<Amount> {
        let of = |part: &RateParts| i128::from(part.of(fill.side, fill.liquidity).units());
        let one = i128::from(ONE);
        // In units of 1e-16, so that the discounted rate is exact.
        let standard = of(&self.standard) * (one - i128::from(discount.rate.units()));
        let rate = standard + (of(&self.special) + of(&self.tax)) * one;
        let product = fill.quote_quantity.units().checked_mul(rate)?;
        (!price.is_zero()).then(|| Amount::from_units(product / one / i128::from(price.units())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(maker: &str, taker: &str, buyer: &str, seller: &str) -> RateParts {
        let rate = |text: &str| text.parse().unwrap();
        RateParts { maker: rate(maker), taker: rate(taker), buyer: rate(buyer), seller: rate(seller) }
    }

    /// The worked example of the commission FAQ: a MARKET SELL of 0.49975 at 35,000.
    #[test]
    fn the_documented_example() {
        let discount = Discount { asset: Asset::new("BNB").unwrap(), rate: "0.25".parse().unwrap() };
        let mut rates = CommissionRates {
            standard: parts("0.0000001", "0.0000002", "0.0000003", "0.0000004"),
            special: parts("0.01", "0.02", "0.03", "0.04"),
            tax: parts("0.00000112", "0.00000114", "0.00000118", "0.00000116"),
            discount: Some(discount),
        };
        let fill = Traded {
            side: Side::Sell,
            liquidity: Liquidity::Taker,
            quantity: "0.49975".parse().unwrap(),
            quote_quantity: "17491.25".parse().unwrap(),
        };
        // 0.010494750 + 0.040229875 + 1049.475, added before it is truncated.
        assert_eq!(rates.of_received(fill, (8, 8)).to_string(), "1049.52572462");
        // 0.01049475 × 0.75 / 260 + 0.040229875 / 260 + 1049.475 / 260; the FAQ multiplies by
        // 0.25 instead and comes to 4.036607129.
        let in_bnb = rates.of_discounted(discount, fill, "260".parse().unwrap()).unwrap();
        assert_eq!(in_bnb.to_string(), "4.03662731");
        rates.special = RateParts::default();
        assert_eq!(rates.of_received(fill, (8, 2)).to_string(), "0.05000000");
    }
}
