//! Orders that fill, wait or trigger.

use super::{Run, walk};

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
