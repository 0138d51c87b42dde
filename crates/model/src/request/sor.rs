//! Orders that may look for liquidity in other books (`rest-api.md`, SOR): LIMIT and MARKET by
//! quantity, without stops and pegs.
//!
//! For: reading their parameters. Not for: routing them; no venue here has other books.

use super::RawParameters;
use super::leg::{ALONE, Names, check_computes, is_common, single_of};
use crate::command::OrderRequest;
use crate::execution::Refusal;
use crate::order::OrderType;

const SOR: Names = Names {
    quote_quantity: None,
    stop_price: "",
    trailing_delta: "",
    peg_price_type: "",
    peg_offset_type: "",
    peg_offset_value: "",
    ..ALONE
};

/// Reads the parameters of such an order, or of one that is only to be judged.
pub fn sor_order(raw: &RawParameters, is_test: bool) -> Result<OrderRequest, Refusal> {
    raw.check_names(|name| is_common(name) || (is_test && name == "computeCommissionRates") || SOR.holds(name))?;
    if is_test {
        check_computes(raw)?;
    }
    let order_type = raw.sent("type").and_then(OrderType::from_word);
    if order_type.is_some_and(|kind| !matches!(kind, OrderType::Limit | OrderType::Market)) {
        return Err(Refusal::new(-1014, "Unsupported order combination."));
    }
    single_of(raw, &SOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_fewer_parameters_than_others() {
        let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=1&quantity=1";
        let market = "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1";
        for (query, is_test, expected) in [
            (limit.to_owned(), false, None),
            (market.to_owned(), true, None),
            (
                format!("{limit}&icebergQty=0.5&strategyId=1&newOrderRespType=ACK&selfTradePreventionMode=NONE"),
                false,
                None,
            ),
            (format!("{market}&computeCommissionRates=true"), true, None),
            (format!("{market}&computeCommissionRates=True"), true, Some(-1130)),
            (format!("{market}&computeCommissionRates=true"), false, Some(-1104)),
            (format!("{market}&quoteOrderQty=5"), false, Some(-1104)),
            (format!("{limit}&stopPrice=5"), false, Some(-1104)),
            (format!("{limit}&trailingDelta=5"), false, Some(-1104)),
            (format!("{limit}&pegPriceType=PRIMARY_PEG"), false, Some(-1104)),
            (limit.replace("LIMIT", "STOP_LOSS_LIMIT"), false, Some(-1014)),
            (limit.replace("=LIMIT", "=LIMIT_MAKER"), false, Some(-1014)),
            (limit.replace("=LIMIT", "=NONSENSE"), false, Some(-1116)),
            ("symbol=BTCUSDT&side=BUY&type=MARKET".to_owned(), false, Some(-1102)),
            (format!("{market}&price=1"), false, Some(-1106)),
            (limit.replace("&timeInForce=GTC", ""), false, Some(-1102)),
            (limit.replace("symbol=BTCUSDT", "symbol="), false, Some(-1102)),
        ] {
            let raw: RawParameters = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
            assert_eq!(sor_order(&raw, is_test).err().map(|refusal| refusal.code), expected, "{query}");
        }
    }
}
