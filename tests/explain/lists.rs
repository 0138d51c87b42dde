//! Orders that belong together or meet each other, and what holds for a market.

use candlewick_lake::{Lake, Snapshot};

use super::{INFO, Run, walk};

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
            "holds  prices of the pair     105 above the last price 95",
            "holds  post-only              105 must not reach the other side: bid 94, ask 96",
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
