//! Raw parameters → request, or the exchange's code and text (rule 5.1 of the fill rules).
//!
//! For: everything that comes as the REST parameters of `POST` and `DELETE /api/v3/order`: a
//! script, a conformance file, the local exchange. Not for: what depends on the market.
//! Checks go in this order: missing, not required, format, precision. Nothing is rounded or
//! repaired.

use crate::execution::Refusal;
use crate::instrument::unsupported;
use crate::number::{Amount, NumberError, Price, Quantity, parse_e8};
use crate::order::{
    CancelRequest, CancelRestrictions, OrderId, OrderKind, OrderRequest, OrderSize, OrderType, SelfTradePrevention,
    Side, TimeInForce,
};
use crate::text::{ClientOrderId, Symbol};

/// Parameters as they were sent: names and texts, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawParameters(Vec<(String, String)>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for RawParameters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl serde::Serialize for RawParameters {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl RawParameters {
    /// The text of a parameter, if it was sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// All of them in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The text of a mandatory parameter.
    fn mandatory(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// Sent twice, or not among the ones that the endpoint reads.
    fn check_names(&self, known: &[&str]) -> Result<(), Refusal> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::new(-1101, "Duplicate values for a parameter detected."));
            }
        }
        let read = self.0.iter().filter(|(name, _)| known.contains(&name.as_str())).count();
        let sent = self.0.len();
        if read < sent {
            let text = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
            return Err(Refusal::naming(-1104, text));
        }
        Ok(())
    }
}

/// `recvWindow` and `timestamp` belong to the endpoints too: whoever serves requests judges
/// them, a script may carry them over from an order log.
const ORDER_PARAMETERS: &[&str] = &[
    "symbol",
    "side",
    "type",
    "timeInForce",
    "quantity",
    "quoteOrderQty",
    "price",
    "newClientOrderId",
    "strategyId",
    "strategyType",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "newOrderRespType",
    "selfTradePreventionMode",
    "pegPriceType",
    "pegOffsetValue",
    "pegOffsetType",
    "recvWindow",
    "timestamp",
];
const CANCEL_PARAMETERS: &[&str] =
    &["symbol", "orderId", "origClientOrderId", "newClientOrderId", "cancelRestrictions", "recvWindow", "timestamp"];

/// Reads the parameters of a new order.
pub fn new_order(raw: &RawParameters) -> Result<OrderRequest, Refusal> {
    raw.check_names(ORDER_PARAMETERS)?;
    for name in ["symbol", "side", "type"] {
        raw.mandatory(name)?;
    }
    let side = Side::from_word(raw.mandatory("side")?).ok_or(Refusal::new(-1117, "Invalid side."))?;
    let order_type = OrderType::from_word(raw.mandatory("type")?).ok_or(Refusal::new(-1116, "Invalid orderType."))?;
    let is_market = match order_type {
        OrderType::Market => true,
        OrderType::Limit | OrderType::LimitMaker => false,
        // The matcher does not execute these yet, so its symbols do not take them.
        OrderType::StopLoss | OrderType::StopLossLimit | OrderType::TakeProfit | OrderType::TakeProfitLimit => {
            return Err(unsupported(order_type));
        }
    };
    check_presence(raw, order_type)?;
    refuse_what_is_not_executed(raw)?;
    let time_in_force = match raw.get("timeInForce") {
        Some(word) => Some(TimeInForce::from_word(word).ok_or(Refusal::new(-1115, "Invalid timeInForce."))?),
        None => None,
    };
    let size = match (raw.get("quantity"), raw.get("quoteOrderQty")) {
        (Some(text), _) => OrderSize::Base(Quantity::from_units(decimal("quantity", text)?)),
        (None, Some(text)) => OrderSize::Quote(Amount::from_units(decimal("quoteOrderQty", text)?.into())),
        (None, None) => return Err(missing("quantity")),
    };
    let kind = if is_market {
        OrderKind::Market
    } else {
        let price = Price::from_units(decimal("price", raw.mandatory("price")?)?);
        match time_in_force {
            Some(time_in_force) => OrderKind::Limit { price, time_in_force },
            None => OrderKind::LimitMaker { price },
        }
    };
    check_unused_words(raw)?;
    Ok(OrderRequest {
        symbol: symbol(raw)?,
        side,
        kind,
        size,
        client_order_id: client_order_id(raw, "newClientOrderId")?,
        self_trade_prevention: self_trade_prevention(raw)?,
    })
}

/// Reads the parameters of a cancel.
pub fn cancel(raw: &RawParameters) -> Result<CancelRequest, Refusal> {
    raw.check_names(CANCEL_PARAMETERS)?;
    raw.mandatory("symbol")?;
    let order_id = match raw.get("orderId").filter(|text| !text.is_empty()) {
        Some(text) => Some(whole("orderId", text)?),
        None => None,
    };
    let original_client_order_id = match raw.get("origClientOrderId").filter(|text| !text.is_empty()) {
        // A text that could never have been an id is simply not the id of any order.
        Some(text) => Some(ClientOrderId::new(text).map_err(|_| Refusal::new(-2011, "Unknown order sent."))?),
        None => None,
    };
    if order_id.is_none() && original_client_order_id.is_none() {
        let text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
        return Err(Refusal::new(-1102, text));
    }
    let restrictions = match raw.get("cancelRestrictions") {
        Some(word) => {
            Some(CancelRestrictions::from_word(word).ok_or(Refusal::new(-1145, "Invalid cancelRestrictions"))?)
        }
        None => None,
    };
    Ok(CancelRequest {
        symbol: symbol(raw)?,
        order_id,
        original_client_order_id,
        client_order_id: client_order_id(raw, "newClientOrderId")?,
        restrictions,
    })
}

/// Missing and superfluous parameters, by the table of `rest-api.md` under "New order".
fn check_presence(raw: &RawParameters, order_type: OrderType) -> Result<(), Refusal> {
    let (needed, barred): (&[&str], &[&str]) = match order_type {
        OrderType::Market => {
            let sized = |name| raw.get(name).is_some_and(|text| !text.is_empty());
            match (sized("quantity"), sized("quoteOrderQty")) {
                (false, false) => {
                    let text = "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!";
                    return Err(Refusal::new(-1102, text));
                }
                (true, true) => return Err(not_required("quoteOrderQty")),
                _ => (&[], &["timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty"]),
            }
        }
        OrderType::LimitMaker => {
            (&["quantity", "price"], &["timeInForce", "quoteOrderQty", "stopPrice", "trailingDelta"])
        }
        _ => (&["timeInForce", "quantity", "price"], &["quoteOrderQty", "stopPrice", "trailingDelta"]),
    };
    for name in needed {
        raw.mandatory(name)?;
    }
    match barred.iter().find(|name| raw.get(name).is_some()) {
        Some(name) => Err(not_required(name)),
        None => Ok(()),
    }
}

/// Parameters of kinds of orders that the matcher does not execute yet: its symbols do not
/// take them.
fn refuse_what_is_not_executed(raw: &RawParameters) -> Result<(), Refusal> {
    if raw.get("icebergQty").is_some() {
        return Err(Refusal::new(-1013, "Iceberg orders are not supported for this symbol."));
    }
    if ["pegPriceType", "pegOffsetValue", "pegOffsetType"].iter().any(|name| raw.get(name).is_some()) {
        return Err(Refusal::new(-1013, "Pegged orders are not supported for this symbol."));
    }
    Ok(())
}

/// Parameters that label an order or shape the answer: checked, and of no effect on matching.
fn check_unused_words(raw: &RawParameters) -> Result<(), Refusal> {
    if let Some(text) = raw.get("strategyId") {
        whole("strategyId", text)?;
    }
    if let Some(text) = raw.get("strategyType")
        && whole("strategyType", text)? < 1_000_000
    {
        return Err(Refusal::new(-1134, "`strategyType` was less than 1000000."));
    }
    match raw.get("newOrderRespType") {
        None | Some("ACK" | "RESULT" | "FULL") => Ok(()),
        Some(_) => Err(invalid("newOrderRespType")),
    }
}

fn self_trade_prevention(raw: &RawParameters) -> Result<Option<SelfTradePrevention>, Refusal> {
    match raw.get("selfTradePreventionMode") {
        None => Ok(None),
        Some(word) => SelfTradePrevention::from_word(word).map(Some).ok_or_else(|| invalid("selfTradePreventionMode")),
    }
}

fn symbol(raw: &RawParameters) -> Result<Symbol, Refusal> {
    Symbol::new(raw.mandatory("symbol")?).map_err(|_| Refusal::new(-1121, "Invalid symbol."))
}

/// Letters, digits and `.:/_-`, 1 to 36 of them.
fn client_order_id(raw: &RawParameters, name: &str) -> Result<Option<ClientOrderId>, Refusal> {
    let Some(text) = raw.get(name) else { return Ok(None) };
    if text.is_empty() {
        return Err(Refusal::new(-1118, "New client order ID was empty."));
    }
    let legal = text.bytes().all(|b| b.is_ascii_alphanumeric() || b".:/_-".contains(&b));
    match ClientOrderId::new(text) {
        Ok(id) if legal => Ok(Some(id)),
        _ => Err(illegal(name, r"^[\.A-Z\:/a-z0-9_-]{1,36}$")),
    }
}

/// A decimal that is not negative, as a count of 1e-8.
fn decimal(name: &str, text: &str) -> Result<i64, Refusal> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |s: &str| (1..=20).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$"));
    }
    let overflow = || Refusal::naming(-1108, format!("Parameter '{name}' overflowed."));
    match parse_e8(text) {
        Ok(units) => i64::try_from(units).map_err(|_| overflow()),
        Err(NumberError::Precision) => {
            Err(Refusal::naming(-1111, format!("Parameter '{name}' has too much precision.")))
        }
        Err(_) => Err(overflow()),
    }
}

/// A whole number that is not negative.
fn whole(name: &str, text: &str) -> Result<OrderId, Refusal> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(illegal(name, r"^[0-9]{1,20}$"));
    }
    text.parse().map_err(|_| Refusal::naming(-1108, format!("Parameter '{name}' overflowed.")))
}

fn missing(name: &str) -> Refusal {
    Refusal::naming(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
}

fn not_required(name: &str) -> Refusal {
    Refusal::naming(-1106, format!("Parameter '{name}' sent when not required."))
}

fn invalid(name: &str) -> Refusal {
    Refusal::naming(-1130, format!("Data sent for parameter '{name}' is not valid."))
}

fn illegal(name: &str, range: &str) -> Refusal {
    Refusal::naming(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
}

impl OrderRequest {
    /// The parameters that ask for this order, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        let mut raw: RawParameters = [
            ("symbol", self.symbol.to_string()),
            ("side", self.side.to_string()),
            ("type", self.kind.order_type().to_string()),
        ]
        .into_iter()
        .collect();
        if let OrderKind::Limit { time_in_force, .. } = self.kind {
            raw.push("timeInForce", time_in_force.as_str());
        }
        match self.size {
            OrderSize::Base(quantity) => raw.push("quantity", quantity.to_string()),
            OrderSize::Quote(money) => raw.push("quoteOrderQty", money.to_string()),
        }
        if let Some(price) = self.kind.price() {
            raw.push("price", price.to_string());
        }
        if let Some(id) = self.client_order_id {
            raw.push("newClientOrderId", id.as_str());
        }
        if let Some(mode) = self.self_trade_prevention {
            raw.push("selfTradePreventionMode", mode.as_str());
        }
        raw
    }
}

impl CancelRequest {
    /// The parameters that ask for this cancel, as REST takes them.
    #[must_use]
    pub fn to_raw(&self) -> RawParameters {
        let mut raw: RawParameters = [("symbol", self.symbol.to_string())].into_iter().collect();
        if let Some(id) = self.order_id {
            raw.push("orderId", id.to_string());
        }
        if let Some(id) = self.original_client_order_id {
            raw.push("origClientOrderId", id.as_str());
        }
        if let Some(id) = self.client_order_id {
            raw.push("newClientOrderId", id.as_str());
        }
        if let Some(restrictions) = self.restrictions {
            raw.push("cancelRestrictions", restrictions.as_str());
        }
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters written as a query string.
    fn raw(query: &str) -> RawParameters {
        query.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap()).collect()
    }

    fn refusal(query: &str) -> String {
        new_order(&raw(query)).unwrap_err().to_string()
    }

    #[test]
    fn well_formed_orders_are_read_and_written_alike() {
        for query in [
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1.00000000&price=0.10000000",
            "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.00001000&newClientOrderId=a.B:/_-9",
            "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100.00000000",
            "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1.00000000&price=5.00000000&selfTradePreventionMode=NONE",
        ] {
            let parameters = raw(query);
            assert_eq!(new_order(&parameters).unwrap().to_raw(), parameters, "{query}");
        }
        let query = "symbol=BTCUSDT&orderId=7&origClientOrderId=x&cancelRestrictions=ONLY_NEW";
        assert_eq!(cancel(&raw(query)).unwrap().to_raw(), raw(query));
    }

    #[test]
    fn trailing_zeros_do_not_count() {
        let order = new_order(&raw("symbol=A&side=BUY&type=MARKET&quantity=1.500000000000")).unwrap();
        assert_eq!(order.size, OrderSize::Base("1.5".parse().unwrap()));
    }

    #[test]
    fn every_refusal_has_its_code_and_text() {
        let limit = "symbol=A&side=BUY&type=LIMIT";
        for (query, expected) in [
            (
                "side=BUY&type=MARKET&quantity=1".to_owned(),
                "-1102 Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
            ),
            ("symbol=A&side=UP&type=MARKET&quantity=1".to_owned(), "-1117 Invalid side."),
            ("symbol=A&side=BUY&type=MAGIC&quantity=1".to_owned(), "-1116 Invalid orderType."),
            (
                format!("{limit}&quantity=1&price=1"),
                "-1102 Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
            ),
            (format!("{limit}&timeInForce=GTX&quantity=1&price=1"), "-1115 Invalid timeInForce."),
            (
                format!("{limit}&timeInForce=GTC&price=1"),
                "-1102 Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
            ),
            (
                format!("{limit}&timeInForce=GTC&quantity=&price=1"),
                "-1102 Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
            ),
            (
                format!("{limit}&timeInForce=GTC&quantity=1&price=1&stopPrice=1"),
                "-1106 Parameter 'stopPrice' sent when not required.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET".to_owned(),
                "-1102 Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&quoteOrderQty=1".to_owned(),
                "-1106 Parameter 'quoteOrderQty' sent when not required.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&price=1".to_owned(),
                "-1106 Parameter 'price' sent when not required.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&timeInForce=GTC".to_owned(),
                "-1106 Parameter 'timeInForce' sent when not required.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=-1".to_owned(),
                r"-1100 Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1e5".to_owned(),
                r"-1100 Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=0.000000001".to_owned(),
                "-1111 Parameter 'quantity' has too much precision.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=99999999999999999999".to_owned(),
                "-1108 Parameter 'quantity' overflowed.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&newClientOrderId=".to_owned(),
                "-1118 New client order ID was empty.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&newClientOrderId=a b".to_owned(),
                r"-1100 Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\.A-Z\:/a-z0-9_-]{1,36}$'.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&strategyType=5".to_owned(),
                "-1134 `strategyType` was less than 1000000.",
            ),
            (
                "symbol=A&side=BUY&type=MARKET&quantity=1&colour=red".to_owned(),
                "-1104 Not all sent parameters were read; read '4' parameter(s) but was sent '5'.",
            ),
            (
                "symbol=A&symbol=A&side=BUY&type=MARKET&quantity=1".to_owned(),
                "-1101 Duplicate values for a parameter detected.",
            ),
            (
                "symbol=A&side=BUY&type=STOP_LOSS&quantity=1&stopPrice=1".to_owned(),
                "-1013 Stop loss orders are not supported for this symbol.",
            ),
            (
                format!("{limit}&timeInForce=GTC&quantity=1&price=1&icebergQty=1"),
                "-1013 Iceberg orders are not supported for this symbol.",
            ),
        ] {
            assert_eq!(refusal(&query), expected, "{query}");
        }
    }

    #[test]
    fn cancels_name_an_order() {
        let text = cancel(&raw("symbol=A")).unwrap_err().to_string();
        assert_eq!(text, "-1102 Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!");
        let text = cancel(&raw("symbol=A&orderId=1&cancelRestrictions=X")).unwrap_err().to_string();
        assert_eq!(text, "-1145 Invalid cancelRestrictions");
        let text = cancel(&raw("symbol=A&orderId=x")).unwrap_err().to_string();
        assert!(text.starts_with("-1100 "), "{text}");
    }
}
