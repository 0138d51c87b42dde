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
use crate::request::too_precise;

/// Where the documents leave the code open, it is -1013 (rule 5.1).
const fn unsupported(text: &'static str) -> Refusal {
    Refusal::new(-1013, text)
}

impl Instrument {
    /// Judges an order, alone or as a leg.
    pub fn admit(&self, request: &OrderRequest) -> Result<(), Refusal> {
        self.check_precision(request)?;
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
        for leg in request.legs.in_order_of_ids() {
            self.admit(leg)?;
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

    /// Whether orders are taken at all.
    pub fn check_open(&self) -> Result<(), Refusal> {
        if self.status == Some(SymbolStatus::Trading) { Ok(()) } else { Err(unsupported("Market is closed.")) }
    }

    /// Whether replacements are taken.
    pub fn check_cancel_replace(&self) -> Result<(), Refusal> {
        let text = "Order cancel-replace is not supported for this symbol.";
        if self.allows.cancel_replace { Ok(()) } else { Err(unsupported(text)) }
    }

    /// Whether amendments are taken: where one can only cancel, one can amend too
    /// (`faqs/spot_glossary.md`).
    pub fn check_amend(&self) -> Result<(), Refusal> {
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
        if let Some(shown) = request.iceberg_quantity {
            if !self.allows.iceberg {
                return Err(unsupported("Iceberg orders are not supported for this symbol."));
            }
            if matches!(request.size, OrderSize::Base(quantity) if shown >= quantity) {
                return Err(Refusal::new(-2010, "IcebergQty exceeds QTY."));
            }
        }
        Ok(())
    }

    /// Decimals beyond the assets' precision; trailing zeros do not count.
    fn check_precision(&self, request: &OrderRequest) -> Result<(), Refusal> {
        let fits = |units: i128, places: u32| Amount::from_units(units).truncate_to(places).units() == units;
        let quantity = |q: Quantity| fits(q.units().into(), self.base_precision);
        let price = |p: Option<Price>| p.is_none_or(|p| fits(p.units().into(), self.quote_precision));
        match request.size {
            OrderSize::Base(q) if !quantity(q) => return Err(too_precise("quantity")),
            OrderSize::Quote(q) if !fits(q.units(), self.quote_precision) => return Err(too_precise("quoteOrderQty")),
            OrderSize::Base(_) | OrderSize::Quote(_) | OrderSize::Received => {}
        }
        if !price(request.price()) {
            return Err(too_precise("price"));
        }
        if !price(request.stop_price()) {
            return Err(too_precise("stopPrice"));
        }
        if request.iceberg_quantity.is_some_and(|q| !quantity(q)) {
            return Err(too_precise("icebergQty"));
        }
        Ok(())
    }
}

impl Legs {
    /// The orders in the order in which the venue numbers them: the working one, then the stop
    /// leg of a pair, then its other leg (rule 5.9).
    #[must_use]
    pub fn in_order_of_ids(&self) -> Vec<&OrderRequest> {
        match self {
            Self::Oco { above, below } => in_pair(above, below).to_vec(),
            Self::Oto { working, pending } => vec![working, pending],
            Self::Otoco { working, above, below } => {
                let [stop, other] = in_pair(above, below);
                vec![working, stop, other]
            }
        }
    }
}

/// The stop leg of a pair first.
fn in_pair<'a>(above: &'a OrderRequest, below: &'a OrderRequest) -> [&'a OrderRequest; 2] {
    match above.order_type() {
        OrderType::StopLoss | OrderType::StopLossLimit => [above, below],
        _ => [below, above],
    }
}
