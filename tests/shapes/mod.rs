//! What stands in the answers and events of the local exchange, against lists of members that were
//! written down from the exchange's documents (`rest.txt`, `events.txt`, `streams.txt`). Answers about orders and the account are looked
//! at where the conformance files are run over HTTP; here it is those about the market.

mod grammar;

use candlewick_exchange::Service;
use candlewick_model::Rate;
use candlewick_simulator::{MovingMean, PriceRange, Reference};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

pub(crate) use grammar::Shapes;

use crate::exchange::{Stranger, service, start};

impl Shapes {
    pub(crate) fn of_rest() -> Self {
        Self::read(include_str!("rest.txt"))
    }

    /// Those of user events too.
    pub(crate) fn of_rest_and_events() -> Self {
        Self::read(&[include_str!("rest.txt"), include_str!("events.txt")].concat())
    }

    pub(crate) fn of_streams() -> Self {
        Self::read(include_str!("streams.txt"))
    }

    /// What is wrong with an answer to a request, if anything.
    pub(crate) fn check_answer(&mut self, request: &str, (status, answer): &(u16, Value)) -> Option<String> {
        match (status, answer.get("data")) {
            (200, _) => self.check(request, answer),
            (_, None) => self.check("error", answer),
            (_, Some(_)) => self.check("replacement-error", answer),
        }
    }
}

/// Filters of every kind, as the exchange lists them.
fn all_filters() -> [Value; 3] {
    let limit = |kind: &str, name: &str| json!({ "filterType": kind, name: 100 });
    let lot = |kind: &str| json!({ "filterType": kind, "minQty": "0.00001000", "maxQty": "900.00000000", "stepSize": "0.00001000" });
    let of_symbol = json!([
        { "filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000" },
        { "filterType": "PERCENT_PRICE", "multiplierUp": "5", "multiplierDown": "0.2", "avgPriceMins": 5 },
        { "filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
          "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5 },
        lot("LOT_SIZE"),
        { "filterType": "MIN_NOTIONAL", "minNotional": "5.00000000", "applyToMarket": true, "avgPriceMins": 5 },
        { "filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": true,
          "maxNotional": "9000000.00000000", "applyMaxToMarket": false, "avgPriceMins": 5 },
        { "filterType": "ICEBERG_PARTS", "limit": 10 },
        lot("MARKET_LOT_SIZE"),
        limit("MAX_NUM_ORDERS", "maxNumOrders"),
        limit("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
        limit("MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders"),
        { "filterType": "MAX_POSITION", "maxPosition": "10.00000000" },
        { "filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
          "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000 },
        limit("MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends"),
        limit("MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
    ]);
    let of_exchange = json!([
        limit("EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders"),
        limit("EXCHANGE_MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
        limit("EXCHANGE_MAX_NUM_ICEBERG_ORDERS", "maxNumIcebergOrders"),
        limit("EXCHANGE_MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
    ]);
    let of_asset = json!([{ "filterType": "MAX_ASSET", "asset": "BTC", "limit": "100.00000000" }]);
    [of_symbol, of_exchange, of_asset]
}

/// The usual service, which says that it has all filters.
fn with_all_filters(service: Service) -> Service {
    let mut info: Value = serde_json::from_str(&service.exchange_info).unwrap();
    let [of_symbol, of_exchange, of_asset] = all_filters();
    info["symbols"][0]["filters"] = of_symbol;
    info["exchangeFilters"] =
        [of_exchange.as_array().unwrap(), of_asset.as_array().unwrap()].into_iter().flatten().cloned().collect();
    Service { exchange_info: info.to_string(), ..service }
}

/// The usual service with a reference price, and a price range of some parts.
fn with_reference(reference: Reference, up: Option<Rate>, down: Option<Rate>) -> Service {
    let mut service = service();
    let market = &mut service.setup.markets[0];
    market.reference = reference;
    market.price_range = Some(PriceRange {
        bid_limit_mult_up: up,
        bid_limit_mult_down: down,
        ask_limit_mult_up: up,
        ask_limit_mult_down: down,
    });
    service
}

async fn check(shapes: &mut Shapes, stranger: &Stranger, requests: &[&str]) {
    for request in requests {
        let answer = stranger.get(&format!("/api/v3/{request}")).await;
        assert_eq!(answer.0, 200, "{request}: {}", answer.1);
        let name = format!("GET {}", request.split('?').next().unwrap());
        assert_eq!(shapes.check_answer(&name, &answer), None, "{request}");
    }
}

#[test]
fn market_data_have_the_documented_members() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shapes = Shapes::of_rest();
        let stranger = Stranger::meet_at(with_all_filters(service())).await;
        for _ in 0..200 {
            stranger.step(None).await;
        }
        let requests = [
            "ping",
            "time",
            "exchangeInfo",
            "executionRules",
            "depth?symbol=BTCUSDT",
            "trades?symbol=BTCUSDT",
            "historicalTrades?symbol=BTCUSDT",
            "aggTrades?symbol=BTCUSDT",
            "klines?symbol=BTCUSDT&interval=1m",
            "uiKlines?symbol=BTCUSDT&interval=1h",
            "avgPrice?symbol=BTCUSDT",
            "ticker/price",
            "ticker/price?symbol=BTCUSDT",
            "ticker/bookTicker",
            "ticker/bookTicker?symbol=BTCUSDT",
        ];
        check(&mut shapes, &stranger, &requests).await;
        for ticker in ["ticker/24hr", "ticker/tradingDay", "ticker"] {
            for rest in ["symbol=BTCUSDT", "symbols=[\"BTCUSDT\"]"] {
                let requests = [&*format!("{ticker}?{rest}"), &*format!("{ticker}?{rest}&type=MINI")];
                check(&mut shapes, &stranger, &requests).await;
            }
        }
        let answer = stranger.ask("/api/v3/myFilters", "symbol=BTCUSDT").await;
        assert_eq!(shapes.check_answer("GET myFilters", &answer), None);

        // Reference prices of all kinds, and price ranges of which a part is not set.
        let (rate, price) = ("1.1".parse::<Rate>().ok(), "20000".parse().ok());
        let recorded = |price| Reference::Recorded([(start().plus(-1), price)].into());
        for (reference, up, down) in [
            (recorded(price), rate, None),
            (recorded(None), None, rate),
            (Reference::Mean(MovingMean::new(60_000, 5)), rate, rate),
        ] {
            let stranger = Stranger::meet_at(with_reference(reference, up, down)).await;
            stranger.step(None).await;
            let requests = [
                "executionRules?symbol=BTCUSDT",
                "referencePrice?symbol=BTCUSDT",
                "referencePrice/calculation?symbol=BTCUSDT",
            ];
            check(&mut shapes, &stranger, &requests).await;
        }
        assert_eq!(shapes.unseen(), [""; 0]);
    });
}

#[test]
fn market_streams_have_the_documented_members() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut shapes = Shapes::of_streams();
        let names: Vec<_> = shapes.requests().map(|name| name.trim_start_matches("STREAM ").to_owned()).collect();
        let names: Vec<_> = names
            .iter()
            .map(|name| if name.starts_with('@') { format!("btcusdt{name}") } else { name.clone() })
            .collect();
        let stranger = Stranger::meet_at(with_reference(Reference::Mean(MovingMean::new(60_000, 5)), None, None)).await;
        let address = stranger.url.trim_start_matches("http://");
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let url = format!("ws://{address}/stream?streams={}", names.join("/").replace('+', "%2B"));
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let (mut asks, mut hears) = socket.split();
        // Who does not listen meanwhile is left behind.
        let heard = tokio::spawn(async move {
            let mut events: Vec<Value> = Vec::new();
            while events.last().is_none_or(|event| event.get("id").is_none()) {
                if let Message::Text(text) = hears.next().await.unwrap().unwrap() {
                    events.push(serde_json::from_str(&text).unwrap());
                }
            }
            events
        });
        for _ in 0..40 {
            stranger.step(None).await;
        }
        asks.send(Message::text(r#"{"id":1,"method":"LIST_SUBSCRIPTIONS"}"#)).await.unwrap();
        let mut heard = heard.await.unwrap();
        let subscribed = heard.pop().unwrap();
        assert_eq!(subscribed["result"].as_array().map(Vec::len), Some(names.len()), "{subscribed}");
        for event in heard {
            assert_eq!(crate::exchange::keys(&event), ["stream", "data"]);
            let shape = format!("STREAM {}", event["stream"].as_str().unwrap().trim_start_matches("btcusdt"));
            assert_eq!(shapes.check(&shape, &event["data"]), None);
        }
        assert_eq!(shapes.unmet(), [""; 0], "streams that have told nothing");
    });
}

/// Every answer that is documented is looked at: here, or where conformance is run over HTTP.
#[test]
fn every_request_has_a_shape() {
    let shapes = Shapes::of_rest();
    assert_eq!(shapes.requests().count(), 44, "{:#?}", shapes.requests().collect::<Vec<_>>());
}
