use super::*;
use crate::command::OrderSize;

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
        "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.00001000&newClientOrderId=aB_-9",
        "symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=100.00000000",
        "symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1.00000000&price=5.00000000&selfTradePreventionMode=NONE",
        "symbol=BTCUSDT&side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1.00000000&price=5.00000000&stopPrice=6.00000000&trailingDelta=100&icebergQty=0.50000000&newClientOrderId=x&strategyId=1&strategyType=1000000",
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1.00000000&pegPriceType=PRIMARY_PEG&pegOffsetType=PRICE_LEVEL&pegOffsetValue=3",
    ] {
        let parameters = raw(query);
        assert_eq!(new_order(&parameters).unwrap().to_raw(), parameters, "{query}");
    }
    let query = "symbol=BTCUSDT&orderId=7&origClientOrderId=x&cancelRestrictions=ONLY_NEW";
    assert_eq!(command(Action::Cancel, &raw(query)).unwrap().parameters(), raw(query));
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
            r"-1100 Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
        ),
        (
            "symbol=A&side=BUY&type=MARKET&quantity=1&strategyType=5".to_owned(),
            "-1134 strategyType was less than 1000000.",
        ),
        (
            "symbol=A&side=BUY&type=MARKET&quantity=1&colour=red".to_owned(),
            "-1104 Not all sent parameters were read; read '6' parameter(s) but was sent '7'.",
        ),
        (
            "symbol=A&symbol=A&side=BUY&type=MARKET&quantity=1".to_owned(),
            "-1101 Duplicate values for a parameter detected.",
        ),
        (
            "symbol=A&side=BUY&type=STOP_LOSS&quantity=1".to_owned(),
            "-1102 Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!",
        ),
        (format!("{limit}&timeInForce=IOC&quantity=1&price=1&icebergQty=0.5"), "-1014 Unsupported order combination."),
        (
            format!("{limit}&timeInForce=GTC&quantity=1&selfTradePreventionMode=&price=1"),
            "-1105 Parameter 'selfTradePreventionMode' was empty.",
        ),
        (format!("{limit}&timeInForce=GTC&quantity=1&pegPriceType=PEG"), "-1210 Invalid pegPriceType."),
        (
            format!("{limit}&timeInForce=GTC&quantity=1&pegPriceType=PRIMARY_PEG&pegOffsetType=TICKS&pegOffsetValue=1"),
            "-1211 Invalid pegOffsetType.",
        ),
        (
            format!("{limit}&timeInForce=GTC&quantity=1&pegPriceType=PRIMARY_PEG&pegOffsetValue=1"),
            "-1128 Combination of optional fields invalid. Recommendation: 'pegOffsetType' and 'pegOffsetValue' must both be sent.",
        ),
        (
            "symbol=A&side=BUY&type=MARKET&quantity=1&pegPriceType=PRIMARY_PEG".to_owned(),
            "-1013 This order type may not use pegged price.",
        ),
        (
            "symbol=A&side=BUY&type=LIMIT_MAKER&quantity=1&pegPriceType=MARKET_PEG".to_owned(),
            "-1013 This price peg cannot be used with this order type.",
        ),
    ] {
        assert_eq!(refusal(&query), expected, "{query}");
    }
}

#[test]
fn cancels_name_an_order() {
    let text = command(Action::Cancel, &raw("symbol=A")).unwrap_err().to_string();
    assert_eq!(text, "-1102 Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!");
    let text = command(Action::Cancel, &raw("symbol=A&orderId=1&origClientOrderId=")).unwrap_err().to_string();
    assert_eq!(text, "-1119 Original client order ID was empty.");
    let text = command(Action::Cancel, &raw("symbol=A&orderId=1&cancelRestrictions=X")).unwrap_err().to_string();
    assert_eq!(text, "-1145 Invalid cancelRestrictions");
    let text = command(Action::Cancel, &raw("symbol=A&orderId=x")).unwrap_err().to_string();
    assert!(text.starts_with("-1100 "), "{text}");
}

#[test]
fn lists_are_read_and_written_alike() {
    let pair = "aboveType=LIMIT_MAKER&abovePrice=3.00000000&belowType=STOP_LOSS&belowStopPrice=1.00000000";
    let prefixed = |prefix: &str| {
        pair.split('&').map(|p| format!("{prefix}{}{}", p[..1].to_uppercase(), &p[1..])).collect::<Vec<_>>().join("&")
    };
    let working =
        "workingSide=BUY&workingType=LIMIT&workingTimeInForce=GTC&workingQuantity=1.00000000&workingPrice=2.00000000";
    for (action, query) in [
        (Action::Oco, format!("symbol=A&side=SELL&quantity=1.00000000&{pair}")),
        (
            Action::Oto,
            format!(
                "symbol=A&listClientOrderId=l&{working}&pendingSide=SELL&pendingType=MARKET&pendingQuantity=1.00000000"
            ),
        ),
        (Action::Opo, format!("symbol=A&{working}&pendingSide=SELL&pendingType=MARKET")),
        (
            Action::Otoco,
            format!("symbol=A&{working}&pendingSide=SELL&pendingQuantity=1.00000000&{}", prefixed("pending")),
        ),
        (Action::Opoco, format!("symbol=A&{working}&pendingSide=SELL&{}", prefixed("pending"))),
    ] {
        let parameters = raw(&query);
        let command = command(action, &parameters).unwrap_or_else(|refusal| panic!("{query}: {refusal}"));
        assert_eq!(command.action(), action);
        let sorted = |raw: &RawParameters| {
            let mut pairs: Vec<_> = raw.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            pairs.sort();
            pairs
        };
        assert_eq!(sorted(&command.parameters()), sorted(&parameters), "{query}");
    }
}

#[test]
fn the_deprecated_oco_is_the_current_one() {
    let old = "symbol=A&side=BUY&quantity=1&price=1&stopPrice=3&stopLimitPrice=4&stopLimitTimeInForce=GTC&limitClientOrderId=l&stopClientOrderId=s";
    let new = "symbol=A&side=BUY&quantity=1&belowType=LIMIT_MAKER&belowPrice=1&belowClientOrderId=l&aboveType=STOP_LOSS_LIMIT&aboveStopPrice=3&abovePrice=4&aboveTimeInForce=GTC&aboveClientOrderId=s";
    // But for what its parameters are called.
    let [old, new] = [(Action::OcoDeprecated, old), (Action::Oco, new)]
        .map(|(action, query)| command(action, &raw(query)).unwrap().parameters());
    assert_eq!(old, new);
    let refusal = |query: &str| command(Action::OcoDeprecated, &raw(query)).unwrap_err().to_string();
    let base = "symbol=A&side=SELL&quantity=1&price=3&stopPrice=1";
    assert_eq!(
        refusal(&format!("{base}&stopLimitPrice=1")),
        "-1128 Combination of optional parameters invalid. Recommendation: 'stopLimitTimeInForce' should also be sent."
    );
    assert_eq!(
        refusal(&format!("{base}&stopLimitTimeInForce=GTC")),
        "-1106 Parameter 'stopLimitTimeInForce' sent when not required."
    );
}

#[test]
fn legs_have_their_places() {
    let leg = |place: &str, kind: &str| match kind {
        "LIMIT_MAKER" => format!("{place}Type={kind}&{place}Price=1"),
        "LIMIT" => format!("{place}Type={kind}&{place}Price=1&{place}TimeInForce=GTC"),
        "STOP_LOSS" | "TAKE_PROFIT" => format!("{place}Type={kind}&{place}StopPrice=1"),
        _ => format!("{place}Type={kind}&{place}StopPrice=1&{place}Price=1&{place}TimeInForce=GTC"),
    };
    for (side, above, below, code) in [
        ("SELL", "LIMIT_MAKER", "STOP_LOSS", 0),
        ("SELL", "TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT", 0),
        ("BUY", "STOP_LOSS", "TAKE_PROFIT", 0),
        ("BUY", "STOP_LOSS_LIMIT", "LIMIT_MAKER", 0),
        ("SELL", "LIMIT", "STOP_LOSS", -1158),
        ("SELL", "LIMIT_MAKER", "LIMIT_MAKER", -1168),
        ("BUY", "LIMIT_MAKER", "TAKE_PROFIT", -1165),
        ("SELL", "STOP_LOSS", "LIMIT_MAKER", -1166),
        ("BUY", "STOP_LOSS", "STOP_LOSS", -1196),
        ("SELL", "STOP_LOSS", "STOP_LOSS", -1197),
        ("BUY", "TAKE_PROFIT", "TAKE_PROFIT", -1198),
        ("SELL", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", -1199),
    ] {
        let query = format!("symbol=A&side={side}&quantity=1&{}&{}", leg("above", above), leg("below", below));
        let answer = command(Action::Oco, &raw(&query)).map_or_else(|refusal| refusal.code, |_| 0);
        assert_eq!(answer, code, "{side} {above} {below}");
    }
    let query = "symbol=A&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=3&belowType=STOP_LOSS_LIMIT&belowStopPrice=1&belowPrice=1&belowTimeInForce=IOC&belowIcebergQty=0.5";
    assert_eq!(command(Action::Oco, &raw(query)).unwrap_err().code, -1160);
}
