//! `candlewick explain` as a process: every way in which an order can end, each on a small market,
//! with the rule or filter that decided and its figures.

use std::path::Path;

use candlewick_lake::{Chunk, Lake, SeriesName, Snapshot, Source, SourceState, content_sha256};
use candlewick_model::{Amount, Bar, Bars, Interval, Price, Symbol, Timestamp};
use tempfile::TempDir;

use crate::program::{Ended, run};

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
    let source = Source {
        path: "/api/v3/klines".into(),
        sha256: content_sha256(&bars),
        published_sha256: None,
        state: SourceState::Rest,
        time_unit: None,
        rows: bars.len(),
        from: bars.open_time.at(0),
        to: bars.close_time.at(bars.len() - 1).plus(1),
    };
    let series = SeriesName { symbol: Symbol::new("AB").unwrap(), interval: Interval::OneMinute };
    lake.writer(series).unwrap().put(vec![Chunk { bars, source }]).unwrap();
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

#[test]
fn takers() {
    let run = Run::new(
        &[(100, 100, 100, 100, 30), (100, 100, 100, 100, 30), (100, 101, 100, 101, 100)],
        "[fills]\nslippage = { ticks = 2 }\nlatency_ms = 250\n[fees]\ntaker = 0.00123\n",
        &[
            "0 id=m side=BUY type=MARKET q=2",
            "0.5 id=l side=SELL type=LIMIT tif=GTC q=1 p=98",
            "1.5 id=big side=BUY type=MARKET quoteOrderQty=2000",
            "1.5 id=late side=BUY type=MARKET q=1",
        ],
    );
    run.tells(
        "m",
        &[
            "order 1: BUY MARKET 2 AB, GTC (m)\nFILLED at 2023-01-01T00:00:19.999999Z, 2 filled at 103 on average",
            "2023-01-01T00:00:00Z  command 1 leaves: new symbol=AB newClientOrderId=m side=BUY type=MARKET quantity=2",
            "latency                250000 µs: arrives at 2023-01-01T00:00:00.250Z (rule 1.5)",
            "2023-01-01T00:00:19.999999Z  taken up at an extreme of the bar from 2023-01-01T00:00:00Z (rule 1.5)",
            "last 100, bid 99, ask 101; own orders may take 3 A of this bar (rule 4.1)",
            "holds  unfilled orders        0 there + 1, at most 9 in 10 SECOND",
            "holds  symbol                 TRADING",
            "average                no closed bar in 5 minutes: the last price 100 stands in (rule 5.3)",
            "holds  LOT_SIZE               quantity 2: 0.1 to 90, step 0.1",
            "holds  NOTIONAL               100 × 2 = 200 B: at least 20",
            "holds  MARKET_LOT_SIZE        quantity 2: at most 50, no step",
            "holds  MAX_POSITION           held 10 + open BUY 0 + this 2 = 12 A: at most 95",
            "holds  EXCHANGE_MAX_NUM_ORDERS  0 there + 1: at most 6",
            "do not apply           PRICE_FILTER (no price), PERCENT_PRICE_BY_SIDE (no price), ICEBERG_PARTS (no icebergQty)",
            "holds  name                   m: no open order bears it",
            "holds  balance                needs 206 B at 103 for each A; free 10000 (rule 5.6)",
            "order 1 is accepted: NEW",
            "last 100 + half spread 1 + slippage 2 = 103 (rule 3.1)",
            "wants 2, this bar still has 3 A: gets 2, leaves 1 (rule 4.1)",
            "2 A × 0.00123 as TAKER = 0.00246 A, cut at 8 decimals (rule 5.8)",
            "order 1 fills 2 A at 103 as TAKER, trade 1: 206 B; FILLED",
            "A 11.99754 free, 0 locked; B 9794 free, 0 locked",
        ],
    );
    run.tells(
        "l",
        &[
            "takes                  limit 98, bid 99, ask 101 (rule 3.2)",
            "last 100 - half spread 1 - slippage 2, not beyond the limit 98 = 98",
            "98 B × 0.00123 as TAKER = 0.12 B, cut at 2 decimals",
        ],
    );
    run.tells(
        "big",
        &[
            "EXPIRED (INSUFFICIENT_LIQUIDITY)",
            "size                   2000 B at 103 comes to 19.4 A",
            "holds  order book             3 A can be had; needs 0.1",
            "wants 19.4, this bar still has 3 A: gets 3, leaves 0",
            "order 3 is EXPIRED: INSUFFICIENT_LIQUIDITY, a market order takes what there is at once (rule 4.3), 16.4 unfilled",
        ],
    );
    run.tells("late", &["nothing filled", "this bar still has 0 A: gets 0", "INSUFFICIENT_LIQUIDITY"]);
}

#[test]
fn makers() {
    let run = Run::new(
        &[
            (100, 100, 100, 100, 1_000),
            (100, 100, 98, 99, 1_000),
            (99, 99, 98, 98, 1_000),
            (98, 99, 95, 96, 10),
            (94, 94, 94, 94, 10),
            (94, 94, 94, 94, 10),
        ],
        "",
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=2.5 p=98",
            "0 id=b side=BUY type=LIMIT tif=GTC q=5 p=98 icebergQty=0.5",
            "0 id=low side=BUY type=LIMIT tif=GTC q=1 p=90",
        ],
    );
    run.tells(
        "a",
        &[
            "FILLED at 2023-01-01T00:05:00Z, 2.5 filled at 98 on average",
            "holds  PRICE_FILTER           price 98: 1 to 1000, tick 1",
            "holds  PERCENT_PRICE_BY_SIDE  price 98: 50 to 200, which is 100 × 0.5 to 2",
            "holds  balance                needs 245 B at 98 for each A",
            "locks                  245 B, 98 for each A (rule 5.6)",
            "does not take          limit 98, bid 99, ask 101 (rule 3.2)",
            "on the book            2.5 A at 98, before all other own orders",
            "the price was at its limit 98 and not beyond, which does not fill it: 4 times from 2023-01-01T00:01:39.999999Z to",
            "the price goes from 99 to 95 and meets its limit 98 (rule 3.3)",
            "wants 2.5, this bar still has 1 A: gets 1, leaves 0 (rule 4.1)",
            "order 1 fills 1 A at 98 as MAKER, trade 1: 98 B; PARTIALLY_FILLED, 1.5 unfilled",
            "the price went through its limit 98, and this bar had nothing left for it: once",
            "2023-01-01T00:04:00Z  the price jumps from 96 to 94, at or beyond its limit 98",
        ],
    );
    run.tells(
        "b",
        &[
            "holds  ICEBERG_PARTS          10 parts: at most 10",
            "on the book            0.5 A at 98, behind 1 own order",
        ],
    );
    run.tells(
        "low",
        &[
            "NEW at the end of the run, nothing filled",
            "on the book            1 A at 90, behind 2 own orders",
            "meanwhile              in 6 whole bars prices went from 94 to 100",
        ],
    );
}

#[test]
fn stops_and_trailing_stops() {
    let run = Run::new(
        &walk(&[100, 110, 120, 107, 90, 90]),
        "",
        &["0 id=s side=SELL type=STOP_LOSS stopPrice=95 q=1", "0 id=t side=SELL type=STOP_LOSS trailingDelta=1000 q=1"],
    );
    run.tells(
        "s",
        &[
            "holds  MAX_NUM_ALGO_ORDERS    0 there + 1: at most 2",
            "holds  stopPrice              95 must be below the last price 100 (rule 3.4)",
            "waits                  until the last price falls to 95 (rule 3.4)",
            "the price goes from 107 to 90 and meets its level 95: order 1 is triggered (rule 3.4)",
            "holds  NOTIONAL",
            "holds  balance                needs 1 A; free 8 + 1 released",
            "last 95 - half spread 1 = 94",
            "order 1 fills 1 A at 94 as TAKER",
        ],
    );
    run.tells(
        "t",
        &[
            "holds  TRAILING_DELTA         trailingDelta 1000: 10 to 2000",
            "waits                  until the last price falls to 90; it trails from 100 (rule 3.4)",
            "2023-01-01T00:02:19.999999Z  trails: best price 120: triggers at 108, 1000 basis points from it (rule 3.5)",
            "the price goes from 120 to 107 and meets its level 108: order 2 is triggered",
            "order 2 fills 1 A at 107 as TAKER",
        ],
    );
    let limit = "2 id=sl side=SELL type=STOP_LOSS_LIMIT tif=GTC stopPrice=100 p=99 q=1";
    Run::new(&walk(&[100, 110, 120, 107, 90]), "", &[limit]).tells(
        "sl",
        &[
            "order 1: SELL STOP_LOSS_LIMIT 1 AB at 99, stop 100",
            "the price goes from 107 to 90 and meets its level 100: order 1 is triggered",
            "order 1 goes onto the book: NEW",
            "takes                  limit 99, bid 99, ask 101",
            "order 1 fills 1 A at 99 as TAKER",
        ],
    );
    // All of the money is locked at the stop price; the execution price is worse by the spread.
    let all = "0 id=all side=BUY type=STOP_LOSS stopPrice=200 q=50";
    let run = Run::new(&walk(&[100, 110]), "", &[all, "0 id=r side=BUY type=STOP_LOSS stopPrice=105 q=20"]);
    run.tells("all", &["locks                  10000 B, 200 for each A"]);
    run.tells(
        "r",
        &[
            "refused: -2010 Account has insufficient balance",
            "FAILS  balance                needs 2100 B at 105 for each A; free 0",
        ],
    );
    Run::new(&walk(&[100, 210]), "", &[all]).tells(
        "all",
        &[
            "EXPIRED (REJECTED)",
            "meets its level 200: order 1 is triggered",
            "FAILS  balance                needs 10050 B at 201 for each A; free 0 + 10000 released (rule 5.6)",
            "order 1 is EXPIRED: REJECTED, it failed a check when it was to go onto the book (rule 5.4)",
        ],
    );
}

#[test]
fn lists() {
    let oco = "0 oco side=SELL quantity=1 listClientOrderId=l aboveType=LIMIT_MAKER abovePrice=110 aboveClientOrderId=up belowType=STOP_LOSS belowStopPrice=95 belowClientOrderId=down";
    let run = Run::new(&walk(&[100, 115]), "", &[oco]);
    run.tells(
        "down",
        &[
            "order 1: SELL STOP_LOSS 1 AB, stop 95, of list 1, GTC (down)\nEXPIRED (OCO_TRIGGER)",
            "of the list            its order number 1, SELL STOP_LOSS:",
            "of the list            its order number 2, SELL LIMIT_MAKER:",
            "holds  prices of the pair     110 above the last price 100, 95 below (rule 5.9)",
            "order 1 is accepted: NEW",
            "order 2 is accepted: NEW",
            "list 1: EXEC_STARTED",
            "order 2 fills 1 A at 110 as MAKER",
            "order 1 is EXPIRED: OCO_TRIGGER, the other order of its pair was touched, triggered or ended (rule 5.9)",
            "list 1: ALL_DONE",
        ],
    );
    run.tells(
        "command:1",
        &["order 1: SELL STOP_LOSS", "order 2: SELL LIMIT_MAKER", "and meets its limit 110", "order 1 is EXPIRED"],
    );
    let run = Run::new(&walk(&[100, 90]), "", &[oco]);
    run.tells(
        "up",
        &["EXPIRED (OCO_TRIGGER)", "meets its level 95: order 1 is triggered", "order 2 is EXPIRED: OCO_TRIGGER"],
    );
    let run = Run::new(&walk(&[100, 101, 102]), "", &[oco, "1 x of=up"]);
    run.tells(
        "down",
        &["command 2 leaves: cancel symbol=AB origClientOrderId=up", "order 1 is CANCELED, 1 unfilled [command 2]"],
    );
    let run = Run::new(
        &walk(&[100, 90, 110]),
        "",
        &[
            "0 opoco workingSide=BUY workingType=LIMIT workingTimeInForce=GTC workingPrice=95 workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingAboveType=LIMIT_MAKER pendingAbovePrice=105 pendingAboveClientOrderId=up pendingBelowType=STOP_LOSS pendingBelowStopPrice=85 pendingBelowClientOrderId=down",
        ],
    );
    run.tells(
        "up",
        &[
            "order 3 is accepted and waits for the working order of its list: PENDING_NEW",
            "order 1 fills 1 A at 95 as MAKER",
            "its working order is filled: order 3 is to go onto the book with 1 of the 1 A that were received (rule 5.4)",
            "holds  LOT_SIZE               quantity 1",
            "holds  post-only              105 must not reach the other side: bid 94, ask 96",
            "holds  prices of the pair     105 above the last price 95",
            "order 3 goes onto the book: NEW",
            "order 3 fills 1 A at 105 as MAKER",
        ],
    );
    let oto = |price: &str| {
        format!(
            "0 oto workingSide=BUY workingType=LIMIT workingTimeInForce=IOC workingPrice={price} workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingType=LIMIT_MAKER pendingPrice=99 pendingQuantity=1 pendingClientOrderId=p"
        )
    };
    let run = Run::new(&walk(&[100, 90]), "", &[&oto("95")]);
    run.tells(
        "p",
        &[
            "order 1 is EXPIRED: UNFILLED_IOC_QUANTITY_EXPIRED",
            "order 2 is EXPIRED: OTO_PHASE_ONE_EXPIRED, the working order of its list ended unfilled",
        ],
    );
    let run = Run::new(&walk(&[100, 90]), "", &[&oto("101")]);
    run.tells(
        "p",
        &[
            "its working order is filled: order 2 is to go onto the book",
            "FAILS  post-only              99 must not reach the other side: bid 99, ask 101 (rule 3.2)",
            "order 2 is EXPIRED: REJECTED",
        ],
    );
}

#[test]
fn times_in_force_and_own_orders() {
    let run = Run::new(
        &[(100, 100, 100, 100, 20), (100, 100, 100, 100, 20)],
        "",
        &[
            "0 id=fok side=BUY type=LIMIT tif=FOK q=3 p=101",
            "0 id=ioc side=BUY type=LIMIT tif=IOC q=3 p=101",
            "0 id=rest side=BUY type=LIMIT tif=GTC q=3 p=101",
        ],
    );
    run.tells(
        "fok",
        &[
            "FAILS  all or nothing         needs 3 A, 2 can be had at once (rule 4.3)",
            "order 1 is EXPIRED: UNFILLED_FOK_ORDER_EXPIRED, a FOK takes all at once or nothing (rule 4.3), 3 unfilled",
        ],
    );
    run.tells("ioc", &["gets 2, leaves 0", "order 2 is EXPIRED: UNFILLED_IOC_QUANTITY_EXPIRED, an IOC takes what there is at once (rule 4.3), 1 unfilled"]);
    run.tells(
        "rest",
        &[
            "PARTIALLY_FILLED at the end of the run, 2 filled at 101",
            "on the book            3 A at 101, as a remainder that takes on while it can (rule 4.2)",
            "2023-01-01T00:01:00Z  still takes: limit 101, bid 99, ask 101: 2 A are there for it (rule 4.2)",
        ],
    );
    let own = |mode: &str| {
        let taker = format!("0 id=t side=BUY type=MARKET q=2 selfTradePreventionMode={mode}");
        Run::new(&walk(&[100, 100]), "", &["0 id=m side=SELL type=LIMIT tif=GTC q=1 p=101", &taker])
    };
    let run = own("EXPIRE_MAKER");
    run.tells(
        "t",
        &[
            "own order              meets order 1 for 1 A at 101; EXPIRE_MAKER decides (rule 4.5)",
            "order 1 loses 1 A because it would trade with order 2 at 101; EXPIRED_IN_MATCH",
            "order 2 fills 2 A at 101 as TAKER",
        ],
    );
    run.tells(
        "m",
        &[
            "EXPIRED_IN_MATCH",
            "command 2 leaves: new",
            "meets order 2 for 1 A at 101; EXPIRE_MAKER decides",
            "order 1 loses 1 A",
            "[command 2]",
        ],
    );
    own("EXPIRE_TAKER").tells("t", &["order 2 loses 2 A because it would trade with order 1 at 101; EXPIRED_IN_MATCH"]);
    own("DECREMENT").tells(
        "t",
        &["order 2 loses 1 A because it would trade with order 1 at 101; NEW, 1 unfilled", "order 2 fills 1 A"],
    );
    own("NONE")
        .tells("m", &["meets order 2 for 1 A at 101; NONE decides", "order 1 fills 1 A at 101 as MAKER, trade 1"]);
}

#[test]
fn price_range_discount_and_halt() {
    let run = Run::new(
        &walk(&[100, 100]),
        "[market.AB]\nreference_price = { bucket_count = 1, bucket_width_ms = 60000 }\nprice_range = { bid_limit_mult_up = 1.005, bid_limit_mult_down = 0.9 }\n[fees]\ndiscount = { asset = \"A\", rate = 0.25 }\n",
        &["0.1 id=r side=BUY type=MARKET q=1", "0.1 id=d side=SELL type=MARKET q=1"],
    );
    run.tells(
        "r",
        &[
            "EXPIRED (EXECUTION_RULE_PRICE_RANGE_EXCEEDED)",
            "average                the reference price 100 stands for it",
            "FAILS  price range            101: 90 to 100.5 around the reference price 100",
            "order 1 is EXPIRED: EXECUTION_RULE_PRICE_RANGE_EXCEEDED, takers may trade within the price range only",
        ],
    );
    run.tells(
        "d",
        &[
            "discount               25 % off the standard part in A: 99 B × 0.001 × 75 % as TAKER, at 100 B for each A = 0.0007425 A, cut at 8 decimals; 9 free covers it (rule 5.8)",
            "order 2 fills 1 A at 99",
        ],
    );
    let halt = INFO.replace("TRADING", "HALT").replace("1577836800000", "1672531260000");
    let run = Run::new(
        &walk(&[100, 100, 90, 90]),
        "",
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "2 id=b side=BUY type=LIMIT tif=GTC q=1 p=95"],
    );
    Lake::new(&run.at("lake")).add_exchange_info(&Snapshot::parse(halt, "a test").unwrap()).unwrap();
    run.backtest();
    run.tells("a", &["NEW at the end of the run", "the market was HALT, nothing is matched: 8 times from 2023-01-01T00:01:00Z to 2023-01-01T00:02:59.999999Z (rule 8.25)"]);
    run.tells(
        "b",
        &[
            "command 2: new\nrefused: -1013 Market is closed.",
            "FAILS  symbol                 HALT, does not take such an order; its rules are of 2023-01-01T00:01:00Z",
        ],
    );
}

#[test]
fn refusals() {
    let orders = [
        ("side=BUY type=LIMIT tif=GTC q=1 p=1001", "FAILS  PRICE_FILTER           price 1001: 1 to 1000, tick 1\n"),
        (
            "side=BUY type=LIMIT tif=GTC q=1 p=49",
            "FAILS  PERCENT_PRICE_BY_SIDE  price 49: 50 to 200, which is 100 × 0.5 to 2\n",
        ),
        (
            "side=BUY type=LIMIT tif=GTC q=1.05 p=100",
            "FAILS  LOT_SIZE               quantity 1.05: 0.1 to 90, step 0.1\n",
        ),
        ("side=BUY type=LIMIT tif=GTC q=0.1 p=100", "FAILS  NOTIONAL               100 × 0.1 = 10 B: 20 to 9000\n"),
        ("side=BUY type=LIMIT tif=GTC q=2 p=90 icebergQty=0.1", "FAILS  ICEBERG_PARTS          20 parts: at most 10\n"),
        ("side=SELL type=MARKET q=51", "FAILS  MARKET_LOT_SIZE        quantity 51: at most 50, no step\n"),
        (
            "side=BUY type=LIMIT tif=GTC q=86 p=90",
            "FAILS  MAX_POSITION           held 10 + open BUY 0 + this 86 = 96 A: at most 95\n",
        ),
        ("side=SELL type=STOP_LOSS q=1 trailingDelta=5", "FAILS  TRAILING_DELTA         trailingDelta 5: 10 to 2000\n"),
        ("side=SELL type=MARKET q=11", "FAILS  balance                needs 11 A; free 10 (rule 5.6)\n"),
        (
            "side=SELL type=STOP_LOSS q=1 stopPrice=100",
            "FAILS  stopPrice              100 must be below the last price 100 (rule 3.4)\n",
        ),
        (
            "side=BUY type=LIMIT_MAKER q=1 p=101",
            "FAILS  post-only              101 must not reach the other side: bid 99, ask 101 (rule 3.2)\n",
        ),
        ("side=BUY type=LIMIT q=1 p=101", "refused: -1102 Mandatory parameter 'timeInForce'"),
        (
            "side=BUY type=MARKET quoteOrderQty=50",
            "FAILS  order book             0 A can be had; needs 0.1 (rule 4.4)\n",
        ),
    ];
    let candles = [vec![(100, 100, 100, 100, 1_000); orders.len() - 1], vec![(100, 100, 100, 100, 0)]].concat();
    let lines: Vec<_> = orders.iter().enumerate().map(|(at, (order, _))| format!("{at} id=x{at} {order}")).collect();
    let run = Run::new(&candles, "", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, (_, told)) in orders.iter().enumerate() {
        run.tells(&format!("x{at}"), &[&format!("command {}: new\nrefused: -", at + 1), told]);
        // All that was judged before it held.
        let text = run.explain(&[&format!("x{at}")]).stdout;
        assert_eq!(text.matches("FAILS").count(), usize::from(!told.starts_with("refused")), "{text}");
        assert!(text.lines().last().unwrap().contains("  refused: -"), "{text}");
    }
}

#[test]
fn refusals_because_of_other_orders() {
    let resting = "side=BUY type=LIMIT tif=GTC q=1 p=90";
    let stop = "side=SELL type=STOP_LOSS q=1 stopPrice=90";
    let lines = [
        format!("0 id=a {resting}"),
        format!("0 id=a {resting}"),
        format!("0 id=s1 {stop}"),
        format!("0 id=s2 {stop}"),
        format!("0 id=s3 {stop}"),
        format!("0 id=d {resting}"),
        format!("0 id=e {resting}"),
        format!("0 id=f {resting}"),
        format!("0 id=g {resting}"),
        "0 oco side=SELL quantity=1 aboveType=LIMIT_MAKER abovePrice=99 aboveClientOrderId=up belowType=STOP_LOSS belowStopPrice=95 belowClientOrderId=down".to_owned(),
        "1 cancel_all".to_owned(),
        "1.2 oco side=SELL quantity=1 aboveType=LIMIT_MAKER abovePrice=99 aboveClientOrderId=up2 belowType=STOP_LOSS belowStopPrice=95 belowClientOrderId=down2".to_owned(),
        format!("1.2 id=h1 {resting}"),
        format!("1.2 id=h2 {resting}"),
        format!("1.2 id=h3 {resting}"),
        "1.2 test side=BUY type=MARKET quantity=1".to_owned(),
    ];
    let run = Run::new(&walk(&[100, 100, 100, 100]), "", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    run.tells(
        "command:2",
        &["FAILS  name                   a: an open order bears it\n", "refused: -2010 Duplicate order sent."],
    );
    run.tells(
        "s3",
        &[
            "FAILS  MAX_NUM_ALGO_ORDERS    2 there + 1: at most 2\n",
            "refused: -1013 Filter failure: MAX_NUM_ALGO_ORDERS",
        ],
    );
    run.tells(
        "g",
        &[
            "FAILS  EXCHANGE_MAX_NUM_ORDERS  6 there + 1: at most 6\n",
            "refused: -1013 Filter failure: EXCHANGE_MAX_NUM_ORDERS",
        ],
    );
    run.tells(
        "up2",
        &[
            "FAILS  prices of the pair     99 above the last price 100, 95 below (rule 5.9)\n",
            "refused: -2010 The relationship of the prices",
        ],
    );
    run.tells("command:16", &["command 16: test\ndone", "it would be taken"]);
    run.tells(
        "s1",
        &["command 11 leaves: cancel_all symbol=AB", "order 2 is CANCELED, 1 unfilled [command 11]", "meanwhile"],
    );
    let lines: Vec<_> = (0..10)
        .map(|at| format!("0 id=n{at} side=BUY type=LIMIT_MAKER q=1 p={}", 80 + at))
        .chain((0..10).map(|at| format!("0 x of=n{at}")))
        .collect();
    let mut order: Vec<_> = (0..10).flat_map(|at| [lines[at].as_str(), lines[10 + at].as_str()]).collect();
    order.push("2 id=after side=BUY type=LIMIT tif=GTC q=1 p=90");
    let run = Run::new(&walk(&[100, 100]), "", &order);
    run.tells(
        "n9",
        &["FAILS  unfilled orders        9 there + 1, at most 9 in 10 SECOND\n", "refused: -1015 Too many new orders"],
    );
    // What never reached the market.
    run.tells(
        "after",
        &[
            "command 21: new\nnever sent: the market ended first",
            "command 21 leaves: new",
            "command 21 is never sent: no open or extreme comes after it (rule 1.7)",
        ],
    );
}

#[test]
fn replacements_amendments_and_cancels() {
    let resting = |name: &str| format!("0 id={name} side=BUY type=LIMIT tif=GTC p=90 q=1");
    let run = Run::new(
        &walk(&[100, 101, 102, 80, 80]),
        "",
        &[
            &resting("r"),
            &resting("k"),
            &resting("c"),
            "1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT tif=GTC p=91 q=2 id=n",
            "1 amend of=k newQty=0.4 id=k2",
            "1.5 amend of=k2 newQty=0.1 id=k3",
            "1.5 x of=c cancelRestrictions=ONLY_PARTIALLY_FILLED",
            "1.5 cancel_replace cancelReplaceMode=ALLOW_FAILURE cancelOrigClientOrderId=c side=BUY type=LIMIT_MAKER p=111 q=2 id=n2",
            "3 x of=n",
        ],
    );
    run.tells(
        "r",
        &[
            "CANCELED at 2023-01-01T00:01:00Z",
            "command 4 leaves: cancel_replace",
            "order 1 is CANCELED, 1 unfilled [command 4]",
        ],
    );
    run.tells(
        "n",
        &[
            "order 4: BUY LIMIT 2 AB at 91",
            "order 1 is CANCELED, 1 unfilled",
            "holds  balance                needs 182 B at 91 for each A",
            "and meets its limit 91",
            "order 4 fills 2 A at 91 as MAKER",
            "command 9 leaves: cancel symbol=AB origClientOrderId=n",
            "order 4 is named, and is not open any more [command 9] (rule 5.10)",
            "refused: -2011 Unknown order sent. [command 9]",
        ],
    );
    run.tells(
        "k",
        &[
            "command 5 leaves: amend",
            "order 2 is to get the quantity 0.4 instead of 1 and the name k2 [command 5]",
            "holds  LOT_SIZE               newQty 0.4: 0.1 to 90, step 0.1",
            "order 2 has the quantity 0.4 and the name k2 [command 5]",
            "order 2 is to get the quantity 0.1 instead of 0.4",
            "FAILS  NOTIONAL               90 × 0.1 = 9 B: 20 to 9000",
            "refused: -1013 Filter failure: NOTIONAL [command 6]",
            "order 2 fills 0.4 A at 90 as MAKER",
        ],
    );
    run.tells(
        "c",
        &[
            "FAILS  restrictions           ONLY_PARTIALLY_FILLED, and the order is NEW",
            "refused: -2011 Order was not canceled due to cancel restrictions. [command 7]",
            "CANCELED, 1 unfilled [command 8]",
        ],
    );
    run.tells("n2", &["FAILS  post-only              111 must not reach the other side", "refused: -2021 Order cancel-replace partially failed. (cancel: done; new order: -2010 Order would immediately match and take.)"]);
}

#[test]
fn trouble_with_the_exchange() {
    let episode = |kind: &str, minutes: [i64; 2], more: &str| {
        let at = |minute: i64| Timestamp::from_millis(START_MS + minute * 60_000);
        let [from, to] = minutes.map(at);
        format!("[[stress.episode]]\nkind = \"{kind}\"\nfrom = \"{from}\"\nto = \"{to}\"\n{more}\n")
    };
    let scenario = [
        episode("rejection", [0, 1], "code = -1021"),
        episode("latency", [1, 2], "ms = 30000"),
        episode("timeout", [2, 3], "executed = 1"),
        episode("halt", [4, 5], ""),
    ];
    let run = Run::new(
        &walk(&[100; 8]),
        &scenario.concat(),
        &[
            "0 id=r side=BUY type=LIMIT tif=GTC q=1 p=95",
            "1 id=d side=BUY type=LIMIT tif=GTC q=1 p=95",
            "2 id=t side=BUY type=LIMIT tif=GTC q=1 p=94",
            "4 id=h side=BUY type=LIMIT tif=GTC q=1 p=93",
        ],
    );
    run.tells(
        "r",
        &[
            "command 1: new\nrefused: -1021",
            "command 1 leaves: new",
            "command 1 meets trouble: rejected 5 times, -1021 Timestamp for this request is outside of the recvWindow.: it is refused",
            "the strategy is told of command 1: refused: -1021",
        ],
    );
    run.tells(
        "d",
        &[
            "command 2 meets trouble: it is under way 30000 ms longer",
            "2023-01-01T00:01:39.999999Z  taken up at an extreme",
            "holds  symbol                 TRADING, takes such an order; its rules are of 2020-01-01T00:00:00Z",
            "2023-01-01T00:04:00Z  the scenario halts the market",
            "2023-01-01T00:05:00Z  the scenario lets the market trade again (rule 8.25)",
        ],
    );
    run.tells(
        "t",
        &[
            "command 3 meets trouble: no answer (-1007); it reaches the venue, and that is known at",
            "order 2 is accepted: NEW",
        ],
    );
    run.tells(
        "h",
        &["FAILS  symbol                 HALT, does not take such an order", "refused: -1013 Market is closed."],
    );
}

#[test]
fn what_a_cancel_named_is_told() {
    let run = Run::new(
        &walk(&[100, 90, 90, 90]),
        "",
        &[
            "0 id=gone side=BUY type=LIMIT tif=GTC q=1 p=95",
            "0 id=open side=BUY type=LIMIT tif=GTC q=1 p=80",
            "1 x of=gone",
            "1 x orderId=1",
            "1 x of=never",
            "1 x orderId=2 of=gone",
            "1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrderId=1 side=BUY type=LIMIT tif=GTC q=1 p=81",
            "1 amend orderId=77 newQty=0.5",
        ],
    );
    let filled = "order 1 is FILLED since 2023-01-01T00:00:";
    for (command, told) in [
        (
            "command:3",
            &["not open               an order by the name gone: ", filled, "(rule 5.10)", "refused: -2011"][..],
        ),
        ("command:4", &["not open               order 1: ", filled]),
        ("command:5", &["not open               an order by the name never: there has been none"]),
        ("command:6", &["order 2 by the name gone: order 2 is NEW, of another market or by another name"]),
        ("command:7", &["not open               order 1: ", filled, "refused: -2022"]),
        ("command:8", &["not open               order 77: there has been none"]),
    ] {
        run.tells(command, told);
    }
}
