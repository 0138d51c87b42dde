//! What can be said of a request from its symbol alone: precision, status, permissions, kinds
//! of orders (rule 5.1 of the fill rules, before the filters).
//!
//! For: the first no. Not for: filters (`filter`), and nothing that depends on the market or
//! the account.

use crate::command::{Legs, ListRequest, OrderRequest, OrderSize};
use crate::execution::Refusal;
use crate::instrument::Instrument;
use crate::number::{Amount, Price, Quantity};
use crate::order::{OrderType, SelfTradePrevention, SymbolStatus};
use crate::request::{ALONE, Names, names_of, too_precise};

/// Where the documents leave the code open, it is -1013 (rule 5.1).
const fn unsupported(text: &'static str) -> Refusal {
    Refusal::new(-1013, text)
}

impl Instrument {
    /// Judges an order alone.
    pub fn admit(&self, request: &OrderRequest) -> Result<(), Refusal> {
        self.admit_as(request, &ALONE)
    }

    fn admit_as(&self, request: &OrderRequest, names: &Names) -> Result<(), Refusal> {
        self.check_precision(request, names)?;
        self.check_open()?;
        if !self.spot_allowed {
            return Err(Refusal::new(-2010, "This symbol is not permitted for this account."));
        }
        self.check_type(request)?;
        match request.self_trade_prevention {
            Some(mode) if !self.allowed_self_trade_prevention.contains(&mode) => {
                Err(unsupported("This symbol does not allow the specified self-trade prevention mode."))
            }
            _ => Ok(()),
        }
    }

    /// Judges a list and each of its orders, the stop leg of a pair first.
    pub fn admit_list(&self, request: &ListRequest) -> Result<(), Refusal> {
        for (leg, names) in request.named() {
            self.admit_as(leg, names)?;
        }
        let (oto, pair) = (request.legs.working().is_some(), request.legs.pair().is_some());
        if request.legs.pays() && !self.allows.opo {
            return Err(unsupported("OPO orders are not supported for this symbol."));
        }
        if oto && !self.allows.oto {
            return Err(unsupported("OTO orders are not supported for this symbol."));
        }
        if pair && !self.allows.oco {
            return Err(unsupported("OCO orders are not supported for this symbol"));
        }
        Ok(())
    }

    /// Whether orders are taken. Cancels are under any status (rule 8.25).
    pub fn check_open(&self) -> Result<(), Refusal> {
        if self.status == Some(SymbolStatus::Trading) { Ok(()) } else { Err(unsupported("Market is closed.")) }
    }

    /// Whether replacements are taken.
    pub fn check_cancel_replace(&self) -> Result<(), Refusal> {
        let text = "Order cancel-replace is not supported for this symbol.";
        if self.allows.cancel_replace { Ok(()) } else { Err(unsupported(text)) }
    }

    /// Whether amendments to a quantity are taken.
    pub fn check_amend(&self, quantity: Quantity) -> Result<(), Refusal> {
        if !fits(quantity.units().into(), self.base_precision) {
            return Err(too_precise("newQty"));
        }
        if !self.allows.amend {
            return Err(unsupported("Order amend is not supported for this symbol."));
        }
        if self.status == Some(SymbolStatus::CancelOnly) { Ok(()) } else { self.check_open() }
    }

    /// What an order does about self-trades.
    #[must_use]
    pub fn self_trade_prevention_of(&self, request: &OrderRequest) -> SelfTradePrevention {
        request.self_trade_prevention.unwrap_or(self.default_self_trade_prevention)
    }

    fn check_type(&self, request: &OrderRequest) -> Result<(), Refusal> {
        let order_type = request.order_type();
        if !self.order_types.contains(&order_type) {
            return Err(unsupported(match order_type {
                OrderType::Limit => "Limit orders are not supported for this symbol.",
                OrderType::Market => "Market orders are not supported for this symbol.",
                OrderType::StopLoss => "Stop loss orders are not supported for this symbol.",
                OrderType::StopLossLimit => "Stop loss limit orders are not supported for this symbol.",
                OrderType::TakeProfit => "Take profit orders are not supported for this symbol.",
                OrderType::TakeProfitLimit => "Take profit limit orders are not supported for this symbol.",
                OrderType::LimitMaker => "Limit maker orders are not supported for this symbol.",
            }));
        }
        if matches!(request.size, OrderSize::Quote(_)) && !self.allows.quote_order_qty_market {
            return Err(unsupported("Quote order qty market orders are not support for this symbol."));
        }
        if request.trigger.is_some_and(|t| t.trailing_delta.is_some()) && !self.allows.trailing_stop {
            return Err(unsupported("Trailing stop orders are not supported for this symbol."));
        }
        if request.peg.is_some() && !self.allows.peg_instructions {
            return Err(unsupported("Pegged orders are not supported for this symbol."));
        }
        if request.iceberg_quantity.is_some() && !self.allows.iceberg {
            return Err(unsupported("Iceberg orders are not supported for this symbol."));
        }
        match request.size {
            OrderSize::Base(quantity) => request.check_shown(quantity),
            OrderSize::Quote(_) | OrderSize::Received => Ok(()),
        }
    }

    /// Decimals beyond the assets' precision.
    fn check_precision(&self, request: &OrderRequest, names: &Names) -> Result<(), Refusal> {
        let quantity = |q: Quantity| fits(q.units().into(), self.base_precision);
        let price = |p: Option<Price>| p.is_none_or(|p| fits(p.units().into(), self.quote_precision));
        match request.size {
            OrderSize::Base(q) if !quantity(q) => return Err(too_precise(names.quantity.unwrap_or_default())),
            OrderSize::Quote(q) if !fits(q.units(), self.quote_precision) => {
                return Err(too_precise(names.quote_quantity.unwrap_or_default()));
            }
            OrderSize::Base(_) | OrderSize::Quote(_) | OrderSize::Received => {}
        }
        if !price(request.price()) {
            return Err(too_precise(names.price));
        }
        if !price(request.stop_price()) {
            return Err(too_precise(names.stop_price));
        }
        if request.iceberg_quantity.is_some_and(|q| !quantity(q)) {
            return Err(too_precise(names.iceberg_quantity));
        }
        Ok(())
    }
}

impl OrderRequest {
    /// Whether the part that the book shows, if not all of it, is less than the quantity that
    /// the order comes to.
    pub fn check_shown(&self, quantity: Quantity) -> Result<(), Refusal> {
        match self.iceberg_quantity {
            Some(shown) if shown >= quantity => Err(Refusal::new(-2010, "IcebergQty exceeds QTY.")),
            _ => Ok(()),
        }
    }
}

/// Whether a sum has no more decimals than that; trailing zeros do not count.
fn fits(units: i128, places: u32) -> bool {
    Amount::from_units(units).truncate_to(places).units() == units
}

impl Legs {
    /// The orders in the order in which the venue numbers them: the working one, then the stop
    /// leg of a pair, then its other leg (rule 5.9).
    #[must_use]
    pub fn in_order_of_ids(&self) -> Vec<&OrderRequest> {
        names_of(self).into_iter().map(|(leg, _)| leg).collect()
    }
}
