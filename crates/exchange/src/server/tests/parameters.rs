//! Every parameter of every endpoint with values that clients should not send: the code and the
//! text are those of `errors.md`, whatever the endpoint, over REST and over the WebSocket API.

use std::collections::BTreeSet;

use candlewick_binance::signing::percent_encode;
use serde_json::Value;

use super::client::Client;
use crate::server::endpoints::{self, Endpoint, Found};
use crate::server::security::Security;

/// Requests that can be answered, each on a line; those of the WebSocket API alone are named by their
/// methods. `name!=value` must be sent, of `name?other=value`
/// one of the two.
const REQUESTS: &str = r#"
GET ping
GET time
GET exchangeInfo symbol=BTCUSDT showPermissionSets=true
GET exchangeInfo symbols=["BTCUSDT"]
GET exchangeInfo permissions=SPOT symbolStatus=TRADING
GET executionRules symbol=BTCUSDT
GET executionRules symbols=["BTCUSDT"]
GET executionRules symbolStatus=TRADING
GET depth symbol!=BTCUSDT limit=5 symbolStatus=TRADING
GET trades symbol!=BTCUSDT limit=5
GET historicalTrades symbol!=BTCUSDT limit=5 fromId=1
GET historicalBlockTrades symbol!=BTCUSDT fromId!=1 limit=5
GET aggTrades symbol!=BTCUSDT limit=5 fromId=1
GET aggTrades symbol!=BTCUSDT startTime=1677628800000 endTime=1677628860000
GET klines symbol!=BTCUSDT interval!=1m startTime=1 endTime=1677628860000 timeZone=0 limit=5
GET uiKlines symbol!=BTCUSDT interval!=1m startTime=1 endTime=1677628860000 timeZone=0 limit=5
GET avgPrice symbol!=BTCUSDT
GET ticker/24hr symbol=BTCUSDT type=FULL symbolStatus=TRADING
GET ticker/24hr symbols=["BTCUSDT"]
GET ticker/tradingDay symbol?symbols=BTCUSDT type=MINI timeZone=0 symbolStatus=TRADING
GET ticker/tradingDay symbols?symbol=["BTCUSDT"]
GET ticker symbol?symbols=BTCUSDT type=FULL windowSize=1h symbolStatus=TRADING
GET ticker symbols?symbol=["BTCUSDT"]
GET ticker/price symbol=BTCUSDT symbolStatus=TRADING
GET ticker/price symbols=["BTCUSDT"]
GET ticker/bookTicker symbol=BTCUSDT symbolStatus=TRADING
GET ticker/bookTicker symbols=["BTCUSDT"]
GET referencePrice symbol!=BTCUSDT
GET referencePrice/calculation symbol!=BTCUSDT symbolStatus=TRADING
POST order symbol!=BTCUSDT side!=BUY type!=LIMIT timeInForce!=GTC quantity!=0.01 price!=15000 newClientOrderId=a newOrderRespType=ACK selfTradePreventionMode=NONE strategyId=1 strategyType=1000000 icebergQty=0.005
POST order symbol!=BTCUSDT side!=SELL type!=STOP_LOSS_LIMIT timeInForce!=GTC quantity!=0.01 price!=10000 stopPrice?trailingDelta=11000
POST order symbol!=BTCUSDT side!=SELL type!=TAKE_PROFIT quantity!=0.01 stopPrice=90000 trailingDelta=100
POST order symbol!=BTCUSDT side!=BUY type!=MARKET quantity?quoteOrderQty=0.01
POST order symbol!=BTCUSDT side!=BUY type!=MARKET quoteOrderQty?quantity=100
POST order symbol!=BTCUSDT side!=BUY type!=LIMIT_MAKER quantity!=0.01 price=15000 pegPriceType=PRIMARY_PEG pegOffsetType=PRICE_LEVEL pegOffsetValue=1
POST order/test symbol!=BTCUSDT side!=BUY type!=LIMIT timeInForce!=GTC quantity!=0.01 price!=15000 newClientOrderId=a computeCommissionRates=true
DELETE order symbol!=BTCUSDT orderId?origClientOrderId=1000 newClientOrderId=a cancelRestrictions=ONLY_NEW
DELETE order symbol!=BTCUSDT origClientOrderId?orderId=none
DELETE openOrders symbol!=BTCUSDT
POST order/cancelReplace symbol!=BTCUSDT side!=BUY type!=LIMIT timeInForce!=GTC quantity!=0.01 price!=15000 cancelReplaceMode!=STOP_ON_FAILURE cancelOrderId?cancelOrigClientOrderId=1000 cancelNewClientOrderId=c newClientOrderId=b cancelRestrictions=ONLY_NEW orderRateLimitExceededMode=DO_NOTHING newOrderRespType=RESULT selfTradePreventionMode=NONE strategyId=1 strategyType=1000000
POST order/cancelReplace symbol!=BTCUSDT side!=BUY type!=MARKET quoteOrderQty?quantity=100 cancelReplaceMode!=STOP_ON_FAILURE cancelOrigClientOrderId?cancelOrderId=none
POST order/cancelReplace symbol!=BTCUSDT side!=SELL type!=STOP_LOSS_LIMIT timeInForce!=GTC quantity!=0.01 price!=10000 stopPrice?trailingDelta=11000 icebergQty=0.005 cancelReplaceMode!=ALLOW_FAILURE cancelOrderId?cancelOrigClientOrderId=1000
POST order/cancelReplace symbol!=BTCUSDT side!=SELL type!=TAKE_PROFIT quantity!=0.01 trailingDelta?stopPrice=100 cancelReplaceMode!=ALLOW_FAILURE cancelOrderId?cancelOrigClientOrderId=1000
POST order/cancelReplace symbol!=BTCUSDT side!=BUY type!=LIMIT_MAKER quantity!=0.01 price=15000 pegPriceType=PRIMARY_PEG pegOffsetType=PRICE_LEVEL pegOffsetValue=1 cancelReplaceMode!=ALLOW_FAILURE cancelOrderId?cancelOrigClientOrderId=1000
PUT order/amend/keepPriority symbol!=BTCUSDT orderId?origClientOrderId=1000 newClientOrderId=b newQty!=0.005
PUT order/amend/keepPriority symbol!=BTCUSDT origClientOrderId?orderId=none newQty!=0.005
POST order/oco symbol!=BTCUSDT side!=SELL quantity!=0.01 price!=90000 stopPrice?trailingDelta=10000 stopLimitPrice=9000 stopLimitTimeInForce=GTC listClientOrderId=l limitClientOrderId=m stopClientOrderId=n limitStrategyId=1 limitStrategyType=1000000 stopStrategyId=1 stopStrategyType=1000000 newOrderRespType=ACK selfTradePreventionMode=NONE
POST order/oco symbol!=BTCUSDT side!=SELL quantity!=0.01 price!=90000 limitIcebergQty=0.005 trailingDelta?stopPrice=100 stopLimitPrice=9000 stopLimitTimeInForce=GTC stopIcebergQty=0.005
POST orderList/oco symbol!=BTCUSDT side!=SELL quantity!=0.01 listClientOrderId=l aboveType!=LIMIT_MAKER abovePrice!=90000 aboveClientOrderId=m aboveStrategyId=1 aboveStrategyType=1000000 belowType!=STOP_LOSS_LIMIT belowPrice!=9000 belowStopPrice?belowTrailingDelta=10000 belowTimeInForce!=GTC belowClientOrderId=n newOrderRespType=ACK selfTradePreventionMode=NONE
POST orderList/oco symbol!=BTCUSDT side!=BUY quantity!=0.01 aboveType!=STOP_LOSS_LIMIT abovePrice!=90000 aboveStopPrice?aboveTrailingDelta=89000 aboveTimeInForce!=GTC aboveIcebergQty=0.005 belowType!=LIMIT_MAKER belowPrice!=15000 belowIcebergQty=0.005 belowStrategyId=1 belowStrategyType=1000000
POST orderList/oco symbol!=BTCUSDT side!=SELL quantity!=0.01 aboveType!=TAKE_PROFIT aboveTrailingDelta?aboveStopPrice=100 belowType!=STOP_LOSS belowTrailingDelta?belowStopPrice=100
POST orderList/oco symbol!=BTCUSDT side!=SELL quantity!=0.01 aboveType!=LIMIT_MAKER abovePrice=90000 abovePegPriceType=PRIMARY_PEG abovePegOffsetType=PRICE_LEVEL abovePegOffsetValue=1 belowType!=STOP_LOSS_LIMIT belowStopPrice?belowTrailingDelta=10000 belowTimeInForce!=GTC belowPrice=9000 belowPegPriceType=PRIMARY_PEG belowPegOffsetType=PRICE_LEVEL belowPegOffsetValue=1
POST orderList/oto symbol!=BTCUSDT listClientOrderId=l workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC workingClientOrderId=m workingStrategyId=1 workingStrategyType=1000000 pendingType!=LIMIT pendingSide!=SELL pendingPrice!=90000 pendingQuantity!=0.01 pendingTimeInForce!=GTC pendingClientOrderId=n
POST orderList/oto symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC workingClientOrderId=m workingStrategyId=1 workingStrategyType=1000000 workingIcebergQty=0.005 newOrderRespType=ACK selfTradePreventionMode=NONE pendingSide!=SELL pendingQuantity!=0.01 pendingType!=TAKE_PROFIT_LIMIT pendingPrice!=90000 pendingStopPrice?pendingTrailingDelta=89000 pendingTimeInForce!=GTC pendingIcebergQty=0.005 pendingStrategyId=1 pendingStrategyType=1000000 pendingClientOrderId=n
POST orderList/oto symbol!=BTCUSDT workingType!=LIMIT_MAKER workingSide!=BUY workingPrice=15000 workingQuantity!=0.01 workingPegPriceType=PRIMARY_PEG workingPegOffsetType=PRICE_LEVEL workingPegOffsetValue=1 pendingSide!=SELL pendingQuantity!=0.01 pendingType!=LIMIT_MAKER pendingPrice=90000 pendingPegPriceType=PRIMARY_PEG pendingPegOffsetType=PRICE_LEVEL pendingPegOffsetValue=1
POST orderList/oto symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingQuantity!=0.01 pendingType!=TAKE_PROFIT pendingTrailingDelta?pendingStopPrice=100
POST orderList/otoco symbol!=BTCUSDT listClientOrderId=l workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingQuantity!=0.01 pendingAboveType!=LIMIT_MAKER pendingAbovePrice!=90000 pendingAboveClientOrderId=m pendingBelowType!=STOP_LOSS pendingBelowStopPrice?pendingBelowTrailingDelta=10000 pendingBelowClientOrderId=n
POST orderList/otoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC workingClientOrderId=m workingStrategyId=1 workingStrategyType=1000000 workingIcebergQty=0.005 newOrderRespType=ACK selfTradePreventionMode=NONE pendingSide!=SELL pendingQuantity!=0.01 pendingAboveType!=TAKE_PROFIT_LIMIT pendingAbovePrice!=90000 pendingAboveStopPrice?pendingAboveTrailingDelta=89000 pendingAboveTimeInForce!=GTC pendingAboveIcebergQty=0.005 pendingAboveStrategyId=1 pendingAboveStrategyType=1000000 pendingAboveClientOrderId=n pendingBelowType!=STOP_LOSS_LIMIT pendingBelowPrice!=9000 pendingBelowStopPrice?pendingBelowTrailingDelta=10000 pendingBelowTimeInForce!=GTC pendingBelowIcebergQty=0.005 pendingBelowStrategyId=1 pendingBelowStrategyType=1000000 pendingBelowClientOrderId=o
POST orderList/otoco symbol!=BTCUSDT workingType!=LIMIT_MAKER workingSide!=BUY workingPrice=15000 workingQuantity!=0.01 workingPegPriceType=PRIMARY_PEG workingPegOffsetType=PRICE_LEVEL workingPegOffsetValue=1 pendingSide!=SELL pendingQuantity!=0.01 pendingAboveType!=LIMIT_MAKER pendingAbovePrice=90000 pendingAbovePegPriceType=PRIMARY_PEG pendingAbovePegOffsetType=PRICE_LEVEL pendingAbovePegOffsetValue=1 pendingBelowType!=STOP_LOSS_LIMIT pendingBelowStopPrice?pendingBelowTrailingDelta=10000 pendingBelowTimeInForce!=GTC pendingBelowPrice=90000 pendingBelowPegPriceType=PRIMARY_PEG pendingBelowPegOffsetType=PRICE_LEVEL pendingBelowPegOffsetValue=1
POST orderList/otoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingQuantity!=0.01 pendingAboveType!=TAKE_PROFIT pendingAboveTrailingDelta?pendingAboveStopPrice=100 pendingBelowType!=STOP_LOSS pendingBelowTrailingDelta?pendingBelowStopPrice=100
POST orderList/otoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingQuantity!=0.01 pendingAboveType!=LIMIT_MAKER pendingAbovePrice!=90000
POST orderList/opo symbol!=BTCUSDT listClientOrderId=l workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingType!=LIMIT pendingSide!=SELL pendingPrice!=90000 pendingTimeInForce!=GTC
POST orderList/opo symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC workingClientOrderId=m workingStrategyId=1 workingStrategyType=1000000 workingIcebergQty=0.005 newOrderRespType=ACK selfTradePreventionMode=NONE pendingSide!=SELL pendingType!=TAKE_PROFIT_LIMIT pendingPrice!=90000 pendingStopPrice?pendingTrailingDelta=89000 pendingTimeInForce!=GTC pendingIcebergQty=0.005 pendingStrategyId=1 pendingStrategyType=1000000 pendingClientOrderId=n
POST orderList/opo symbol!=BTCUSDT workingType!=LIMIT_MAKER workingSide!=BUY workingPrice=15000 workingQuantity!=0.01 workingPegPriceType=PRIMARY_PEG workingPegOffsetType=PRICE_LEVEL workingPegOffsetValue=1 pendingSide!=SELL pendingType!=LIMIT_MAKER pendingPrice=90000 pendingPegPriceType=PRIMARY_PEG pendingPegOffsetType=PRICE_LEVEL pendingPegOffsetValue=1
POST orderList/opo symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingType!=TAKE_PROFIT pendingTrailingDelta?pendingStopPrice=100
POST orderList/opoco symbol!=BTCUSDT listClientOrderId=l workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingAboveType!=LIMIT_MAKER pendingAbovePrice!=90000 pendingBelowType!=STOP_LOSS pendingBelowStopPrice?pendingBelowTrailingDelta=10000
POST orderList/opoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC workingClientOrderId=m workingStrategyId=1 workingStrategyType=1000000 workingIcebergQty=0.005 newOrderRespType=ACK selfTradePreventionMode=NONE pendingSide!=SELL pendingAboveType!=TAKE_PROFIT_LIMIT pendingAbovePrice!=90000 pendingAboveStopPrice?pendingAboveTrailingDelta=89000 pendingAboveTimeInForce!=GTC pendingAboveIcebergQty=0.005 pendingAboveStrategyId=1 pendingAboveStrategyType=1000000 pendingAboveClientOrderId=n pendingBelowType!=STOP_LOSS_LIMIT pendingBelowPrice!=9000 pendingBelowStopPrice?pendingBelowTrailingDelta=10000 pendingBelowTimeInForce!=GTC pendingBelowIcebergQty=0.005 pendingBelowStrategyId=1 pendingBelowStrategyType=1000000 pendingBelowClientOrderId=o
POST orderList/opoco symbol!=BTCUSDT workingType!=LIMIT_MAKER workingSide!=BUY workingPrice=15000 workingQuantity!=0.01 workingPegPriceType=PRIMARY_PEG workingPegOffsetType=PRICE_LEVEL workingPegOffsetValue=1 pendingSide!=SELL pendingAboveType!=LIMIT_MAKER pendingAbovePrice=90000 pendingAbovePegPriceType=PRIMARY_PEG pendingAbovePegOffsetType=PRICE_LEVEL pendingAbovePegOffsetValue=1 pendingBelowType!=STOP_LOSS_LIMIT pendingBelowStopPrice?pendingBelowTrailingDelta=10000 pendingBelowTimeInForce!=GTC pendingBelowPrice=90000 pendingBelowPegPriceType=PRIMARY_PEG pendingBelowPegOffsetType=PRICE_LEVEL pendingBelowPegOffsetValue=1
POST orderList/opoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingAboveType!=TAKE_PROFIT pendingAboveTrailingDelta?pendingAboveStopPrice=100 pendingBelowType!=STOP_LOSS pendingBelowTrailingDelta?pendingBelowStopPrice=100
POST orderList/opoco symbol!=BTCUSDT workingType!=LIMIT workingSide!=BUY workingPrice!=15000 workingQuantity!=0.01 workingTimeInForce!=GTC pendingSide!=SELL pendingAboveType!=LIMIT_MAKER pendingAbovePrice!=90000
DELETE orderList symbol!=BTCUSDT orderListId?listClientOrderId=1000 newClientOrderId=a
DELETE orderList symbol!=BTCUSDT listClientOrderId?orderListId=none
POST sor/order symbol!=BTCUSDT side!=BUY type!=LIMIT timeInForce!=GTC quantity!=0.01 price!=15000 newClientOrderId=a newOrderRespType=ACK selfTradePreventionMode=NONE strategyId=1 strategyType=1000000 icebergQty=0.005
POST sor/order/test symbol!=BTCUSDT side!=BUY type!=LIMIT timeInForce!=GTC quantity!=0.01 price!=15000 computeCommissionRates=true
GET account omitZeroBalances=true
GET account timestamp!=NOW recvWindow=5000
GET order symbol!=BTCUSDT orderId?origClientOrderId=1000
GET order symbol!=BTCUSDT origClientOrderId?orderId=none
GET openOrders symbol=BTCUSDT
GET allOrders symbol!=BTCUSDT orderId=1 startTime=1677628800000 endTime=1677628860000 limit=5
GET orderList orderListId?origClientOrderId=1000
GET orderList origClientOrderId?orderListId=none
GET allOrderList fromId=1 limit=5
GET allOrderList startTime=1677628800000 endTime=1677628860000
GET openOrderList
GET myTrades symbol!=BTCUSDT orderId=1 fromId=1 limit=5
GET myTrades symbol!=BTCUSDT startTime=1677628800000 endTime=1677628860000
GET rateLimit/order
GET myPreventedMatches symbol!=BTCUSDT preventedMatchId=1
GET myPreventedMatches symbol!=BTCUSDT orderId=1 fromPreventedMatchId=1 limit=5
GET myAllocations symbol!=BTCUSDT orderId=1 fromAllocationId=1 limit=5
GET myAllocations symbol!=BTCUSDT startTime=1677628800000 endTime=1677628860000
GET account/commission symbol!=BTCUSDT
GET order/amendments symbol!=BTCUSDT orderId!=1 fromExecutionId=1 limit=5
GET myFilters symbol!=BTCUSDT
GET /sapi/v1/asset/tradeFee symbol=BTCUSDT
POST userDataStream
PUT userDataStream listenKey!=none
DELETE userDataStream listenKey!=none
WS userDataStream.unsubscribe subscriptionId=0
WS userDataStream.subscribe.signature timestamp!=NOW recvWindow=5000
"#;

fn odd_values() -> Vec<String> {
    let long = "A".repeat(5_000);
    let texts = [
        "",
        " ",
        "-1",
        "99999999999999999999",
        "123456789012345678901",
        "abc",
        "1e3",
        "+1",
        "1e400",
        "NaN",
        "１２３",
        "\0",
        "1\n",
        "0x10",
        "true ",
        "[]",
        "null",
        "%",
        "é",
        "\u{feff}1",
        &long,
    ];
    texts.map(str::to_owned).into()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Need<'a> {
    May,
    Must,
    /// It or the other.
    OneOf(&'a str),
}

struct Parameter<'a> {
    name: &'a str,
    need: Need<'a>,
    value: &'a str,
}

struct Request<'a> {
    method: &'a str,
    path: &'a str,
    parameters: Vec<Parameter<'a>>,
}

impl Request<'_> {
    fn endpoint(&self) -> &'static Endpoint {
        if self.method == "WS" {
            return endpoints::find_method(self.path).unwrap();
        }
        match endpoints::find(&self.method.parse().unwrap(), &self.whole_path()) {
            Found::Endpoint(endpoint) => endpoint,
            other => panic!("{}: {other:?}", self.path),
        }
    }

    /// Whether it can be asked so.
    fn goes(&self, way: Way) -> bool {
        match way {
            Way::Rest => self.endpoint().request().is_some(),
            Way::Socket => self.endpoint().method().is_some(),
        }
    }

    fn whole_path(&self) -> String {
        if self.path.starts_with('/') { self.path.to_owned() } else { format!("/api/v3/{}", self.path) }
    }
}

fn requests() -> impl Iterator<Item = Request<'static>> {
    REQUESTS.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let parameters = words.map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            let (name, need) = match (name.strip_suffix('!'), name.split_once('?')) {
                (Some(name), _) => (name, Need::Must),
                (None, Some((name, other))) => (name, Need::OneOf(other)),
                (None, None) => (name, Need::May),
            };
            Parameter { name, need, value }
        });
        Request { method, path, parameters: parameters.collect() }
    })
}

/// The exchange's word on an odd value; `None` where the value is one that may be.
fn no(parameter: &Parameter<'_>, text: &str) -> Option<String> {
    let Parameter { name, need, .. } = parameter;
    if text.is_empty() {
        return Some(empty(name, *need));
    }
    let illegal =
        |range: &str| format!("-1100 Illegal characters found in parameter '{name}'; legal range is '{range}'.");
    let invalid = || format!("-1130 Data sent for parameter '{name}' is not valid.");
    let overflow = || format!("-1108 Parameter '{name}' overflowed.");
    let is_number = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let is_name =
        (1..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let word = |no: &str| Some(no.to_owned());
    let lower = name.to_lowercase();
    let ends = |words: &[&str]| words.iter().any(|word| lower.ends_with(word));
    match *name {
        "symbol" => {
            let is_legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_.".contains(c) || !c.is_ascii();
            let is_symbol = text.chars().count() <= 20 && text.chars().all(is_legal);
            Some(if is_symbol { "-1121 Invalid symbol.".to_owned() } else { illegal("^[A-Z0-9-_.]{1,20}$") })
        }
        "symbols" if text == "[]" => Some(empty(name, Need::May)),
        "symbols" => Some(illegal(r#"^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$"#)),
        "permissions" if text == "[]" => Some(empty(name, *need)),
        "recvWindow" if text == "99999999999999999999" || text == "123456789012345678901" => {
            word("-1102 'recvWindow' contains unexpected value. Cannot be greater than 60000.")
        }
        "recvWindow" => Some(illegal(r"^\d+(\.\d{0,3})?$")),
        "listenKey" => word("-1125 This listenKey does not exist."),
        "interval" => word("-1120 Invalid interval."),
        "symbolStatus" => word("-1122 Invalid symbolStatus."),
        "timeZone" if ["-1", "+1"].contains(&text) => None,
        "cancelRestrictions" => word("-1145 Invalid cancelRestrictions"),
        "type" if parameter.value == "FULL" || parameter.value == "MINI" => word("-1139 Invalid ticker type."),
        _ if ends(&["pegpricetype"]) => word("-1210 Invalid pegPriceType."),
        _ if ends(&["pegoffsettype"]) => word("-1211 Invalid pegOffsetType."),
        _ if ends(&["clientorderid"]) => (!is_name).then(|| illegal("^[a-zA-Z0-9-_]{1,36}$")),
        _ if ends(&["side"]) => word("-1117 Invalid side."),
        _ if ends(&["timeinforce"]) => word("-1115 Invalid timeInForce."),
        _ if ends(&["id", "time", "timestamp", "limit", "delta", "strategytype", "offsetvalue"]) => {
            Some(if is_number { overflow() } else { illegal("^[0-9]{1,20}$") })
        }
        _ if ends(&["resptype"]) => Some(invalid()),
        _ if ends(&["type"]) => word("-1116 Invalid orderType."),
        _ if ends(&["price", "qty", "quantity"]) => {
            Some(if is_number { overflow() } else { illegal(r"^([0-9]{1,20})(\.[0-9]{1,20})?$") })
        }
        _ => Some(invalid()),
    }
}

fn empty(name: &str, need: Need<'_>) -> String {
    match (name, need) {
        ("origClientOrderId" | "cancelOrigClientOrderId", _) => "-1119 Original client order ID was empty.".to_owned(),
        ("stopLimitTimeInForce", _) => {
            "-1128 Combination of optional parameters invalid. Recommendation: 'stopLimitTimeInForce' should also be sent."
                .to_owned()
        }
        (_, Need::Must | Need::OneOf(_)) => missing(name, need),
        _ if name.ends_with("ClientOrderId") => "-1118 New client order ID was empty.".to_owned(),
        _ if name == "recvWindow" => {
            r"-1100 Illegal characters found in parameter 'recvWindow'; legal range is '^\d+(\.\d{0,3})?$'.".to_owned()
        }
        _ => format!("-1105 Parameter '{name}' was empty."),
    }
}

fn missing(name: &str, need: Need<'_>) -> String {
    match need {
        Need::OneOf(other) => {
            let is_second = other.ends_with("ClientOrderId")
                || ["quoteOrderQty", "symbols"].contains(&name)
                || name.to_lowercase().ends_with("trailingdelta");
            let (one, other) = if is_second { (other, name) } else { (name, other) };
            format!("-1102 Param '{one}' or '{other}' must be sent, but both were empty/null!")
        }
        Need::Must | Need::May => {
            format!("-1102 Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        }
    }
}

/// Codes of what is wrong with parameters, whatever the market says to them.
const OF_PARAMETERS: [i64; 11] = [-1100, -1101, -1102, -1103, -1104, -1105, -1108, -1111, -1118, -1119, -1130];

/// How a request goes to the server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Rest,
    Socket,
}

/// Asks a request with some of its parameters given another value.
async fn ask(client: &mut Client, way: Way, request: &Request<'_>, told: &[(&str, &str)]) -> (u16, Value) {
    let (path, endpoint) = (request.whole_path(), request.endpoint());
    let is_signed = matches!(endpoint.security, Security::Signed(_));
    let now = client.now().to_string();
    let mut told: Vec<_> = told.iter().map(|(name, text)| (*name, if *text == "NOW" { &now } else { *text })).collect();
    if is_signed && !request.parameters.iter().any(|parameter| parameter.name == "timestamp") {
        told.push(("timestamp", &now));
    }
    match way {
        Way::Rest => {
            let pairs: Vec<_> = told.iter().map(|(name, text)| format!("{name}={}", percent_encode(text))).collect();
            let query = pairs.join("&");
            match is_signed {
                true => client.signed(request.method, &path, &query).await,
                false => client.ask(request.method, &format!("{path}?{query}")).await,
            }
        }
        Way::Socket => {
            let pairs: Vec<_> = told.iter().map(|(name, text)| ((*name).to_owned(), json(text))).collect();
            let with_key = endpoint.security != Security::None;
            client.over_socket(endpoint.method().unwrap(), &pairs, (with_key, is_signed)).await
        }
    }
}

/// Lists of names and what is said to be JSON as they are, anything else as a text.
fn json(text: &str) -> String {
    match text.strip_prefix("json:") {
        Some(json) => json.to_owned(),
        None if text.starts_with("[\"") => text.to_owned(),
        None => serde_json::to_string(text).unwrap(),
    }
}

/// Values of other kinds than texts, and the texts that they are read as.
const NO_TEXTS: [(&str, &str); 6] = [
    ("json:null", ""),
    ("json:-1", "-1"),
    ("json:1e3", "1e3"),
    ("json:99999999999999999999", "99999999999999999999"),
    ("json:[]", "[]"),
    ("json:{}", "{}"),
];

fn said((_, body): &(u16, Value)) -> String {
    format!("{} {}", body["code"], body["msg"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn odd_values_have_the_documented_answers() {
    odd_values_are_answered_over(Way::Rest).await;
}

#[tokio::test]
async fn odd_values_have_the_same_answers_over_the_websocket_api() {
    odd_values_are_answered_over(Way::Socket).await;
}

async fn odd_values_are_answered_over(way: Way) {
    let mut client = Client::new().await;
    let mut asked = 0;
    let mut wrong = Vec::new();
    for request in requests().filter(|request| request.goes(way)) {
        let sent: Vec<_> = request.parameters.iter().map(|parameter| (parameter.name, parameter.value)).collect();
        let good = ask(&mut client, way, &request, &sent).await;
        let name = format!("{} {}", request.method, request.path);
        assert!(!OF_PARAMETERS.contains(&good.1["code"].as_i64().unwrap_or(0)), "{name}: {good:?}");
        for (at, parameter) in request.parameters.iter().enumerate() {
            let mut check = |text: &str, expected: Option<String>, answer: (u16, Value)| {
                asked += 1;
                let is_told = match &expected {
                    Some(expected) => said(&answer) == *expected && answer.0 == 400,
                    None => !OF_PARAMETERS.contains(&answer.1["code"].as_i64().unwrap_or(0)),
                };
                if !is_told {
                    let text: String = text.chars().take(30).collect();
                    wrong.push(format!("{name} {}={text:?}: {} for {expected:?}", parameter.name, said(&answer)));
                }
            };
            let mut without = sent.clone();
            without.remove(at);
            let expected = (parameter.need != Need::May).then(|| missing(parameter.name, parameter.need));
            check("nothing", expected, ask(&mut client, way, &request, &without).await);
            let twice = [sent.clone(), vec![sent[at]]].concat();
            let duplicate = Some("-1101 Duplicate values for a parameter detected.".to_owned());
            check("twice", duplicate, ask(&mut client, way, &request, &twice).await);
            let mut odd = sent.clone();
            let values = odd_values();
            for text in &values {
                odd[at].1 = text;
                check(text, no(parameter, text), ask(&mut client, way, &request, &odd).await);
            }
            for (json, text) in NO_TEXTS.iter().filter(|_| way == Way::Socket) {
                odd[at].1 = json;
                check(json, no(parameter, text), ask(&mut client, way, &request, &odd).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 4_000, "{asked}");
}

#[tokio::test]
async fn limits_that_are_too_large_are_the_largest_and_none_is_zero() {
    let mut client = Client::new().await;
    for request in requests().filter(|request| request.parameters.iter().any(|parameter| parameter.name == "limit")) {
        for (limit, expected) in [("0", Some(-1130)), ("1", None), ("5001", None), ("9223372036854775807", None)] {
            let of = |parameter: &Parameter<'static>| if parameter.name == "limit" { limit } else { parameter.value };
            let sent: Vec<_> = request.parameters.iter().map(|parameter| (parameter.name, of(parameter))).collect();
            let (status, body) = ask(&mut client, Way::Rest, &request, &sent).await;
            assert_eq!(body["code"].as_i64(), expected, "{} {limit}: {status}", request.path);
        }
    }
}

/// A parameter that is added to the table is asked for here as well.
#[test]
fn all_of_the_table_is_asked_for() {
    for endpoint in endpoints::all() {
        let Some((method, path)) = endpoint.request() else { continue };
        let own: Vec<_> =
            requests().filter(|request| request.method == method.as_str() && request.whole_path() == path).collect();
        assert!(!own.is_empty(), "{method} {path}");
        let names = own.iter().flat_map(|request| &request.parameters);
        let names: BTreeSet<_> = names.map(|parameter| parameter.name).collect();
        for known in endpoint.parameters.unwrap_or_default() {
            assert!(names.contains(known), "{known} of {method} {path}");
        }
    }
}
