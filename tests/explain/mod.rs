//! `candlewick explain` as a process: every way in which an order can end, each on a small market,
//! with the rule or filter that decided and its figures.

mod changes;
mod fills;
mod lists;
mod refusals;

use std::path::Path;

use candlewick_lake::{Lake, SeriesName, Snapshot};
use candlewick_model::{Amount, Bar, Bars, Interval, Price, Symbol, Timestamp};
use tempfile::TempDir;

use crate::program::{Ended, run};
use crate::stored::fetched;

const START_MS: i64 = 1_672_531_200_000;

/// Tick 1, step 0.1, and of the other filters what the tests need.
pub(crate) const INFO: &str = r#"{"serverTime":1577836800000,"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":9}],
 "exchangeFilters":[{"filterType":"EXCHANGE_MAX_NUM_ORDERS","maxNumOrders":6}],
 "symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
 "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
 "quoteOrderQtyMarketAllowed":true,"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,
 "allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
 "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT","TRANSFER"],
 "defaultSelfTradePreventionMode":"EXPIRE_MAKER","baseCommissionPrecision":8,"quoteCommissionPrecision":2,
 "filters":[{"filterType":"PRICE_FILTER","minPrice":"1","maxPrice":"1000","tickSize":"1"},
            {"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"2","bidMultiplierDown":"0.5","askMultiplierUp":"3","askMultiplierDown":"0.8","avgPriceMins":5},
            {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"90","stepSize":"0.1"},
            {"filterType":"NOTIONAL","minNotional":"20","applyMinToMarket":true,"maxNotional":"9000","applyMaxToMarket":false,"avgPriceMins":5},
            {"filterType":"ICEBERG_PARTS","limit":10},
            {"filterType":"MARKET_LOT_SIZE","minQty":"0","maxQty":"50","stepSize":"0"},
            {"filterType":"MAX_NUM_ALGO_ORDERS","maxNumAlgoOrders":2},
            {"filterType":"MAX_POSITION","maxPosition":"95"},
            {"filterType":"TRAILING_DELTA","minTrailingAboveDelta":10,"maxTrailingAboveDelta":2000,"minTrailingBelowDelta":10,"maxTrailingBelowDelta":2000}]}]}"#;

/// Open, high, low, close, volume.
pub(crate) type Candle = (i64, i64, i64, i64, i64);

/// A folder with a lake, a configuration, an order file and the run of them.
pub(crate) struct Run {
    place: TempDir,
}

fn bars(candles: &[Candle]) -> Bars {
    let price = |n: i64| Price::from_units(n * 100_000_000);
    let amount = |n: i64| Amount::from_units(i128::from(n) * 100_000_000);
    let bar = |(at, &(open, high, low, close, volume)): (usize, &Candle)| {
        let open_time = Timestamp::from_millis(START_MS).plus(at as i64 * 60_000_000);
        Bar {
            open_time,
            close_time: open_time.plus(59_999_999),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: amount(volume),
            quote_volume: amount(volume * open),
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: volume,
        }
    };
    candles.iter().enumerate().map(bar).collect()
}

pub(crate) fn fill(lake: &Path, candles: &[Candle], info: &str) {
    let lake = Lake::new(lake);
    let bars = bars(candles);
    let series = SeriesName { symbol: Symbol::new("AB").unwrap(), interval: Interval::OneMinute };
    lake.writer(series).unwrap().put(vec![fetched(bars)]).unwrap();
    lake.add_exchange_info(&Snapshot::parse(info.to_owned(), "a test").unwrap()).unwrap();
}

/// `0.5 side=BUY type=…` (minutes from the start, then parameters) → a line of an order file; `x`
/// makes it a cancel, any other word is the action itself.
fn json_line(line: &str) -> String {
    let mut words = line.split_whitespace();
    let minutes: f64 = words.next().unwrap().parse().unwrap();
    let mut members = format!(r#"{{"time":{},"symbol":"AB""#, START_MS + (minutes * 60_000.0) as i64);
    let mut action = "new";
    for word in words {
        match word.split_once('=') {
            None if word == "x" => action = "cancel",
            None => action = word,
            Some((key, value)) => {
                let key = match key {
                    "id" => "newClientOrderId",
                    "tif" => "timeInForce",
                    "q" => "quantity",
                    "p" => "price",
                    "of" => "origClientOrderId",
                    other => other,
                };
                members += &format!(r#","{key}":"{value}""#);
            }
        }
    }
    members + &format!(r#","action":"{action}"}}"#)
}

impl Run {
    pub(crate) fn new(candles: &[Candle], more: &str, orders: &[&str]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let run = Self { place };
        fill(&run.at("lake"), candles, INFO);
        let lines: Vec<String> = orders.iter().map(|line| json_line(line)).collect();
        std::fs::create_dir(run.at("config")).unwrap();
        std::fs::write(run.at("config/orders.jsonl"), lines.join("\n")).unwrap();
        let report = if more.contains("[report]") { "" } else { "[report]\nband = false\n" };
        let configuration = format!(
            "symbol = \"AB\"\ninterval = \"1m\"\n[account]\nA = 10\nB = 10000\n[strategy]\nname = \"script\"\nfile = \"orders.jsonl\"\n{report}{more}"
        );
        std::fs::write(run.at("config/run.toml"), configuration).unwrap();
        run.backtest();
        run
    }

    /// Runs the backtest, which may fail.
    pub(crate) fn try_backtest(&self) -> Ended {
        let [config, lake, out] = ["config/run.toml", "lake", "out"].map(|name| self.at(name).display().to_string());
        run(&["backtest", &config, "--lake", &lake, "--out", &out, "--force"])
    }

    pub(crate) fn backtest(&self) -> Ended {
        let ended = self.try_backtest();
        ended.assert(0, &[]);
        ended
    }

    /// What the program says of the run.
    pub(crate) fn summary(&self) -> String {
        self.backtest().stdout
    }

    pub(crate) fn at(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn explain(&self, arguments: &[&str]) -> Ended {
        let out = self.at("out").display().to_string();
        run(&[&["explain", &out], arguments].concat())
    }

    /// Asserts that the explanation of an order says all of this, in this order. With `SHOW` in the
    /// environment it is printed, to be read.
    #[track_caller]
    pub(crate) fn tells(&self, order: &str, told: &[&str]) {
        let ended = self.explain(&[order]);
        ended.assert(0, &["say the same"]);
        if std::env::var_os("SHOW").is_some() {
            println!("{}", ended.stdout);
        }
        let mut rest = &ended.stdout[..];
        for text in told {
            let at = rest.find(text).unwrap_or_else(|| panic!("`{text}` does not follow in\n{}", ended.stdout));
            rest = &rest[at + text.len()..];
        }
    }
}

/// Prices of a walk, each reached in a bar of its own, with much volume.
pub(crate) fn walk(prices: &[i64]) -> Vec<Candle> {
    let bar = |pair: &[i64]| (pair[0], pair[0].max(pair[1]), pair[0].min(pair[1]), pair[1], 1_000);
    prices.windows(2).map(bar).collect()
}
