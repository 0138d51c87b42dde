//! Balances and own trades.

use candlewick_model::{
    Account as ModelAccount, Amount, Asset, Balance, ExecutionReport, Fill, Liquidity, OrderId, Price, Quantity, Rate,
    Side, Symbol, TimeUnit, TradeId,
};
use serde::{Deserialize, Serialize};

use super::{list_number, time_number};

/// Rates as shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct CommissionRates {
    pub maker: Rate,
    pub taker: Rate,
    pub buyer: Rate,
    pub seller: Rate,
}

/// One asset of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct AssetBalance {
    pub asset: Asset,
    pub free: Amount,
    pub locked: Amount,
}

/// The answer of `GET /api/v3/account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct Account {
    pub maker_commission: i64,
    pub taker_commission: i64,
    pub buyer_commission: i64,
    pub seller_commission: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commission_rates: Option<CommissionRates>,
    pub can_trade: bool,
    pub can_withdraw: bool,
    pub can_deposit: bool,
    #[serde(default)]
    pub brokered: bool,
    #[serde(default)]
    pub require_self_trade_prevention: bool,
    #[serde(default)]
    pub prevent_sor: bool,
    pub update_time: i64,
    pub account_type: String,
    pub balances: Vec<AssetBalance>,
    #[serde(default)]
    pub permissions: Vec<String>,
    #[serde(default)]
    pub uid: u64,
}

impl Account {
    /// The balances in the model's words.
    #[must_use]
    pub fn balances(&self) -> ModelAccount {
        let mut account = ModelAccount::default();
        for AssetBalance { asset, free, locked } in &self.balances {
            *account.balance_mut(*asset) = Balance { free: *free, locked: *locked };
        }
        account
    }
}

/// One entry of `GET /api/v3/myTrades`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as the exchange names them")]
pub struct MyTrade {
    pub symbol: Symbol,
    pub id: TradeId,
    pub order_id: OrderId,
    pub order_list_id: i64,
    pub price: Price,
    pub qty: Quantity,
    pub quote_qty: Amount,
    pub commission: Amount,
    pub commission_asset: Asset,
    pub time: i64,
    pub is_buyer: bool,
    pub is_maker: bool,
    pub is_best_match: bool,
}

impl MyTrade {
    /// The trade that a report tells of, if it does.
    #[must_use]
    pub fn of(report: &ExecutionReport, unit: TimeUnit) -> Option<Self> {
        let fill = report.fill?;
        Some(Self {
            symbol: report.order.symbol,
            id: fill.trade_id,
            order_id: report.order.order_id,
            order_list_id: list_number(report.order.order_list_id),
            price: fill.price,
            qty: fill.quantity,
            quote_qty: fill.quote_quantity,
            commission: fill.commission,
            commission_asset: fill.commission_asset,
            time: time_number(report.time, unit),
            is_buyer: report.order.side == Side::Buy,
            is_maker: fill.liquidity == Liquidity::Maker,
            is_best_match: true,
        })
    }

    /// The fill in the model's words.
    #[must_use]
    pub fn fill(&self) -> Fill {
        Fill {
            trade_id: self.id,
            price: self.price,
            quantity: self.qty,
            quote_quantity: self.quote_qty,
            commission: self.commission,
            commission_asset: self.commission_asset,
            liquidity: if self.is_maker { Liquidity::Maker } else { Liquidity::Taker },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answers_are_read() {
        let text = r#"{"makerCommission":15,"takerCommission":15,"buyerCommission":0,"sellerCommission":0,
            "commissionRates":{"maker":"0.00150000","taker":"0.00150000","buyer":"0.00000000","seller":"0.00000000"},
            "canTrade":true,"canWithdraw":true,"canDeposit":true,"brokered":false,"requireSelfTradePrevention":false,
            "preventSor":false,"updateTime":123456789,"accountType":"SPOT","balances":[
            {"asset":"BTC","free":"4723846.89208129","locked":"0.00000000"}],"permissions":["SPOT"],"uid":354937868}"#;
        let account: Account = serde_json::from_str(text).unwrap();
        let btc = account.balances().balance("BTC".parse().unwrap());
        assert_eq!(btc.free.to_string(), "4723846.89208129");
        let text = r#"{"symbol":"BNBBTC","id":28457,"orderId":100234,"orderListId":-1,"price":"4.00000100",
            "qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000","commissionAsset":"BNB",
            "time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}"#;
        let fill = serde_json::from_str::<MyTrade>(text).unwrap().fill();
        assert_eq!((fill.trade_id, fill.liquidity), (28457, Liquidity::Taker));
        assert_eq!(fill.quote_quantity.to_string(), "48.00001200");
    }
}
