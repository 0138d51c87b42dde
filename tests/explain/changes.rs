//! Orders that are replaced, amended or cancelled, and trouble on the way.

use candlewick_model::Timestamp;

use super::{Run, START_MS, walk};

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
