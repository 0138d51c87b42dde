//! The two balances that trading one symbol moves, driven by execution reports alone.
//!
//! For: venue and strategy side alike, so that both hold the same figures after the same
//! reports. Not for: deciding whether an order may be placed.

use crate::account::{Account, Balance};
use crate::execution::ExecutionReport;
use crate::number::{Amount, ONE, Price};
use crate::order::{Order, OrderType, Side};
use crate::text::Asset;

/// Free and locked of a symbol's two assets.
///
/// A commission in a third asset is not taken from here: that asset belongs to no slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ledger {
    /// The base asset's name.
    pub base_asset: Asset,
    /// The quote asset's name.
    pub quote_asset: Asset,
    /// What there is of the base asset.
    pub base: Balance,
    /// What there is of the quote asset.
    pub quote: Balance,
}

impl Ledger {
    /// The part of an account that a symbol's trading moves.
    #[must_use]
    pub fn of(account: &Account, base_asset: Asset, quote_asset: Asset) -> Self {
        Self { base_asset, quote_asset, base: account.balance(base_asset), quote: account.balance(quote_asset) }
    }

    /// Books one report: what the order held before (`lock_before`) is released, the fill and
    /// its commission move, and what it holds now (`lock_after`) is set aside.
    pub fn book(&mut self, report: &ExecutionReport, lock_before: Amount, lock_after: Amount) {
        self.given(report.side).unlock(lock_before);
        if let Some(fill) = report.fill {
            match report.side {
                Side::Buy => {
                    self.quote.debit(fill.quote_quantity);
                    self.base.credit(fill.quantity.into());
                }
                Side::Sell => {
                    self.base.debit(fill.quantity.into());
                    self.quote.credit(fill.quote_quantity);
                }
            }
            if fill.commission_asset == self.base_asset {
                self.base.debit(fill.commission);
            } else if fill.commission_asset == self.quote_asset {
                self.quote.debit(fill.commission);
            }
        }
        self.given(report.side).lock(lock_after);
    }

    /// Everything in quote asset at a price, rounded down at 1e-8.
    #[must_use]
    pub fn equity(&self, price: Price) -> Amount {
        self.valuation().equity(price)
    }

    /// What equity at any price needs of this ledger.
    #[must_use]
    pub fn valuation(&self) -> Valuation {
        let base = self.base.total().units();
        Valuation {
            quote: self.quote.total().units(),
            base_whole: i64::try_from(base / i128::from(ONE)).expect("less than 10^18 of an asset"),
            base_part: (base % i128::from(ONE)) as i64,
        }
    }

    /// The two balances as an account.
    #[must_use]
    pub fn account(&self) -> Account {
        let mut account = Account::default();
        *account.balance_mut(self.base_asset) = self.base;
        *account.balance_mut(self.quote_asset) = self.quote;
        account
    }

    /// What an order of that side gives away.
    fn given(&mut self, side: Side) -> &mut Balance {
        match side {
            Side::Buy => &mut self.quote,
            Side::Sell => &mut self.base,
        }
    }
}

/// Totals of a ledger, taken apart so that valuing them at a price divides nothing wide: it
/// changes with a fill, and is asked for at every bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valuation {
    quote: i128,
    base_whole: i64,
    base_part: i64,
}

impl Valuation {
    /// Everything in quote asset at a price, rounded down at 1e-8.
    #[must_use]
    #[inline]
    pub fn equity(&self, price: Price) -> Amount {
        let price = price.units();
        // base_part is below 1e8, so its products with the parts of a price fit 64 bits.
        let value = i128::from(self.base_whole) * i128::from(price)
            + i128::from(self.base_part * (price / ONE) + self.base_part * (price % ONE) / ONE);
        Amount::from_units(self.quote + value)
    }
}

/// What an order holds of the asset that it gives away (rule 5.6): LIMIT BUY price ×
/// remaining, rounded down at 1e-8; SELL the remaining quantity; nothing for MARKET and for
/// orders that are done.
///
/// It follows from the order alone, not from the symbol's precision, which a later snapshot
/// may change: what was set aside is what is released.
#[must_use]
pub fn locked_by(order: &Order) -> Amount {
    if order.status.is_final() || order.order_type == OrderType::Market {
        return Amount::ZERO;
    }
    match order.side {
        Side::Buy => order.price.notional_floor(order.remaining()),
        Side::Sell => order.remaining().into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::product_floor;

    proptest! {
        #[test]
        fn equity_is_quote_plus_the_exact_product(base in 0..i64::MAX, quote in 0..i128::from(i64::MAX), price in 0..1_000_000_000_000_000_000_i64) {
            let asset = |name| Asset::new(name).unwrap();
            let account = [(asset("A"), Amount::from_units(base.into())), (asset("B"), Amount::from_units(quote))];
            let ledger = Ledger::of(&account.into_iter().collect(), asset("A"), asset("B"));
            let expected = quote + product_floor(base, price);
            prop_assert_eq!(ledger.equity(Price::from_units(price)).units(), expected);
        }
    }
}
