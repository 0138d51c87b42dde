//! The market of a scenario, and what happens on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use candlewick_model::run::{FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::time::MINUTE;
use candlewick_model::{
    Amount, Bar, Bars, CommissionRates, Discount, ExchangeInfo, Interval, Price, Quantity, Rate, Symbol, Timestamp,
};
use candlewick_simulator::{
    Detail, DetailSource, DiscountPrices, Limits, Market, MovingMean, PriceRange, Print, Reference, Setup, Timeline,
    Unreadable,
};
use serde_json::{Value, json};

use crate::scenario::{Inner, Row, Rules, START, Scenario};

/// What `market` sets beside the members of the symbol in exchangeInfo.
const OURS: &[&str] = &[
    "tick",
    "step",
    "half_spread",
    "stp",
    "orders",
    "path",
    "fill",
    "slippage_ticks",
    "slippage_bps",
    "slippage_root",
    "share",
    "latency_ms",
    "maker",
    "taker",
    "buyer",
    "seller",
    "special.maker",
    "special.taker",
    "special.buyer",
    "special.seller",
    "tax.maker",
    "tax.taker",
    "tax.buyer",
    "tax.seller",
    "discount",
    "discountAsset",
    "discountPrice",
    "reference",
    "bucketWidthMs",
    "bucketCount",
    "bidLimitMultUp",
    "bidLimitMultDown",
    "askLimitMultUp",
    "askLimitMultDown",
];

impl Rules {
    fn get<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.market.get(name).map_or(default, String::as_str)
    }

    fn rate(&self, name: &str) -> Rate {
        self.get(name, "0").parse().unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn optional_rate(&self, name: &str) -> Option<Rate> {
        self.market.get(name).map(|_| self.rate(name))
    }

    fn number<T: std::str::FromStr>(&self, name: &str, default: &str) -> T {
        self.get(name, default).parse().unwrap_or_else(|_| panic!("{name} is no number"))
    }

    /// The symbol as exchangeInfo has it.
    fn symbol(&self, filters: Vec<Value>) -> Value {
        let mut symbol = json!({
            "symbol": "ABUSD", "status": "TRADING", "baseAsset": "AB", "quoteAsset": "USD",
            "orderTypes": ["LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
            "quoteOrderQtyMarketAllowed": true, "icebergAllowed": true, "ocoAllowed": true, "otoAllowed": true,
            "opoAllowed": true, "allowTrailingStop": true, "cancelReplaceAllowed": true, "amendAllowed": true,
            "pegInstructionsAllowed": true, "isSpotTradingAllowed": true, "permissionSets": [["SPOT"]],
            "baseAssetPrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
            "defaultSelfTradePreventionMode": self.get("stp", "NONE"),
            "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"],
            "filters": filters,
        });
        let words = |text: &str| text.split(',').map(Value::from).collect::<Vec<_>>();
        for (key, text) in self.market.iter().filter(|(key, _)| !OURS.contains(&key.as_str())) {
            let value = match symbol.get(key) {
                Some(Value::Bool(_)) => Value::from(text == "true"),
                Some(Value::Number(_)) => Value::from(text.parse::<u32>().unwrap()),
                Some(Value::Array(of)) if of.first().is_some_and(Value::is_array) => json!([words(text)]),
                Some(Value::Array(_)) => words(text).into(),
                Some(Value::String(_)) => text.as_str().into(),
                _ => panic!("`market` has no `{key}`"),
            };
            symbol[key] = value;
        }
        symbol
    }

    /// The answer of exchangeInfo. A filter of the exchange or of an asset goes where it belongs;
    /// one of the symbol takes the place of the default one.
    fn exchange_info(&self) -> String {
        let (tick, step) = (self.get("tick", "0.01"), self.get("step", "0.001"));
        let mut filters = vec![
            json!({"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": tick}),
            json!({"filterType": "LOT_SIZE", "minQty": step, "maxQty": "1000000", "stepSize": step}),
        ];
        let mut of_exchange = Vec::new();
        for filter in &self.filters {
            let filter: Value = serde_json::from_str(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
            let kind = filter["filterType"].as_str().unwrap_or_default().to_owned();
            if kind.starts_with("EXCHANGE_") || kind == "MAX_ASSET" {
                let is_same = |other: &Value| other["filterType"] == *kind && other["asset"] == filter["asset"];
                of_exchange.retain(|other| !is_same(other));
                of_exchange.push(filter);
            } else {
                filters.retain(|other| other["filterType"] != *kind);
                filters.push(filter);
            }
        }
        let limit: u32 = self.number("orders", "1000");
        let server_time = if self.minute == 0 { 1_577_836_800_000 } else { at(self.minute).millis() };
        let info = json!({
            "serverTime": server_time,
            "rateLimits": [{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": limit}],
            "exchangeFilters": of_exchange,
            "symbols": [self.symbol(filters)],
        });
        info.to_string()
    }

    fn snapshot(&self) -> ExchangeInfo {
        let info = ExchangeInfo::parse(&self.exchange_info()).unwrap();
        assert!(info.notes.is_empty() || self.get("status", "TRADING") != "TRADING", "{:?}", info.notes);
        info
    }

    fn fees(&self) -> CommissionRates {
        let mut fees = CommissionRates::default();
        for (prefix, parts) in [("", &mut fees.standard), ("special.", &mut fees.special), ("tax.", &mut fees.tax)] {
            let rate = |name: &str| self.rate(&format!("{prefix}{name}"));
            (parts.maker, parts.taker, parts.buyer, parts.seller) =
                (rate("maker"), rate("taker"), rate("buyer"), rate("seller"));
        }
        let asset = self.get("discountAsset", "BNB").parse().unwrap();
        fees.discount = self.optional_rate("discount").map(|rate| Discount { asset, rate });
        fees
    }

    fn fill_model(&self) -> FillModel {
        FillModel {
            path: match self.get("path", "nearest") {
                "nearest" => PathModel::Nearest,
                "pessimistic" => PathModel::Pessimistic,
                "optimistic" => PathModel::Optimistic,
                "detail" => PathModel::Detail,
                other => panic!("no path `{other}`"),
            },
            maker_fill: match self.get("fill", "through") {
                "through" => MakerFill::Through,
                "touch" => MakerFill::Touch,
                other => panic!("no fill `{other}`"),
            },
            half_spread_ticks: self.number("half_spread", "1"),
            slippage: match ["slippage_ticks", "slippage_bps", "slippage_root"].map(|name| self.number(name, "0")) {
                [0, 0, 0] => Slippage::None,
                [ticks, 0, 0] => Slippage::Ticks(ticks),
                [_, bps, 0] => Slippage::BasisPoints(bps),
                [.., bps] => Slippage::SquareRoot(bps),
            },
            volume_share: self.get("share", "0.1").parse().unwrap(),
            latency_us: self.number::<i64>("latency_ms", "0") * 1_000,
            fees: self.fees(),
        }
    }

    fn price_range(&self) -> Option<PriceRange> {
        let range = PriceRange {
            bid_limit_mult_up: self.optional_rate("bidLimitMultUp"),
            bid_limit_mult_down: self.optional_rate("bidLimitMultDown"),
            ask_limit_mult_up: self.optional_rate("askLimitMultUp"),
            ask_limit_mult_down: self.optional_rate("askLimitMultDown"),
        };
        (range != PriceRange::default()).then_some(range)
    }
}

fn at(minute: i64) -> Timestamp {
    START.plus(minute * MINUTE)
}

fn bar(minute: i64, [open, high, low, close]: [Price; 4], volume: Amount) -> Bar {
    let open_time = at(minute);
    Bar {
        open_time,
        close_time: open_time.plus(59_999_999),
        open,
        high,
        low,
        close,
        volume,
        quote_volume: Amount::from_units(volume.units() * i128::from(close.units()) / 100_000_000),
        taker_buy_volume: Amount::ZERO,
        taker_buy_quote_volume: Amount::ZERO,
        trades: i64::from(!volume.is_zero()),
    }
}

/// What happened inside of the minutes of which that is told, by their opens.
struct Inside(BTreeMap<Timestamp, Detail>);

impl DetailSource for Inside {
    fn inside(&self, open_time: Timestamp, _: Timestamp) -> Result<Option<Detail>, Unreadable> {
        Ok(self.0.get(&open_time).cloned())
    }
}

/// The inside of a minute: trades, or finer bars, each of which lasts until the next.
fn inside(row: &Row) -> Option<(Timestamp, Detail)> {
    let (opens, rows) = (at(row.minute), 0..row.inside.len());
    let time = |inner: &Inner| opens.plus(inner.second * 1_000_000);
    if row.inside.first()?.is_trade {
        let trade = |inner: &Inner| Print {
            time: time(inner),
            price: inner.prices[3],
            quantity: Quantity::from_amount_saturating(inner.volume),
        };
        return Some((opens, Detail::Trades(row.inside.iter().map(trade).collect(), rows)));
    }
    let ends = row.inside.iter().skip(1).map(time).chain([at(row.minute + 1)]);
    let fine = |(inner, ends): (&Inner, Timestamp)| {
        let [open, high, low, close] = inner.prices;
        let (open_time, close_time) = (time(inner), ends.plus(-1));
        Bar { open_time, close_time, open, high, low, close, ..bar(0, inner.prices, inner.volume) }
    };
    Some((opens, Detail::Bars(Arc::new(row.inside.iter().zip(ends).map(fine).collect()), rows)))
}

impl Scenario {
    fn columns(&self) -> Bars {
        let last = self.last.unwrap_or_else(|| panic!("{}: no price", self.name));
        let standing = Row { minute: self.minute, prices: [last; 4], volume: self.volume, inside: Vec::new() };
        self.rows.iter().chain([&standing]).map(|row| bar(row.minute, row.prices, row.volume)).collect()
    }

    fn reference(&self) -> Reference {
        let first = &self.rules[0];
        if first.market.contains_key("bucketWidthMs") {
            return Reference::Mean(MovingMean::new(
                first.number("bucketWidthMs", ""),
                first.number("bucketCount", ""),
            ));
        }
        let given = self.rules.iter().filter_map(|rules| Some((rules.minute, rules.market.get("reference")?)));
        let recorded: Vec<_> = given
            .map(|(minute, text)| {
                let price = (text != "null").then(|| text.parse().unwrap());
                (at(minute), price)
            })
            .collect();
        if recorded.is_empty() { Reference::Absent } else { Reference::Recorded(recorded.into()) }
    }

    /// The answer of exchangeInfo as it is at the end.
    #[must_use]
    pub fn exchange_info(&self) -> String {
        self.rules.last().expect("there is one from the beginning").exchange_info()
    }

    /// The market, its account and its ways.
    #[must_use]
    pub fn setup(&self) -> Setup {
        let first = &self.rules[0];
        let infos: Vec<ExchangeInfo> = self.rules.iter().map(Rules::snapshot).collect();
        let symbol = Symbol::new("ABUSD").unwrap();
        let snapshots = infos.iter().map(|info| (info.server_time, info.instruments[&symbol].clone()));
        let default = [("AB".to_owned(), "1000".to_owned()), ("USD".to_owned(), "100000000".to_owned())];
        let balances = if self.balances.is_empty() { &default[..] } else { &self.balances };
        let account = balances.iter().map(|(asset, sum)| (asset.parse().unwrap(), sum.parse().unwrap())).collect();
        let bnb = first.market.get("discountPrice").map(|text| {
            let bars: Bars = [bar(-1, [text.parse().unwrap(); 4], Amount::from_units(1))].into_iter().collect();
            DiscountPrices::new(Arc::new(bars))
        });
        let timeline = Timeline::new(snapshots.collect()).unwrap();
        let limits = infos.iter().map(|info| {
            let limits = Limits { orders: info.order_limits.clone(), filters: info.exchange_filters.clone() };
            (info.server_time, limits)
        });
        let limits = Timeline::new(limits.collect()).unwrap();
        let market = Market {
            reference: self.reference(),
            price_range: first.price_range(),
            discount: bnb,
            details: vec![Arc::new(Inside(self.rows.iter().filter_map(inside).collect()))],
            ..Market::new(timeline, first.fill_model(), Interval::OneMinute, Arc::new(self.columns()))
        };
        Setup { limits, ..Setup::of_one(market, account) }
    }
}
