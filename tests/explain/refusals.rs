//! Orders that are refused, and by what.

use super::{Run, walk};

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
