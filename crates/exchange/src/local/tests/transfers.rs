//! Deposits and withdrawals, at their times and when they are asked for.

use serde_json::{Value, json};

use super::*;

fn transfer(after: i64, asset: &str, amount: &str) -> Transfer {
    Transfer { time: start().plus(after), asset: asset.parse().unwrap(), amount: amount.parse().unwrap() }
}

fn booking(account: usize, asset: &str, amount: &str) -> Booking {
    Booking { account, asset: asset.parse().unwrap(), amount: amount.parse().unwrap() }
}

/// Between two points, at an open, and one of more than there is.
fn paid() -> Setup {
    let transfers = vec![
        transfer(30 * SECOND + 7, "USDT", "100.5"),
        transfer(MINUTE, "BTC", "-0.25"),
        transfer(MINUTE, "BTC", "-1000000"),
        transfer(2 * MINUTE, "BNB", "3"),
    ];
    Setup { transfers, ..setup() }
}

fn drained(inlet: &mut crate::outlet::Inlet) -> Vec<Value> {
    std::iter::from_fn(|| inlet.waiting())
        .map(|text| serde_json::from_str::<Value>(&text).unwrap()["event"].clone())
        .collect()
}

fn free(exchange: &LocalExchange, account: usize, asset: &str) -> String {
    exchange.account(account).balance(asset.parse().unwrap()).free.to_string()
}

#[test]
fn those_of_the_setup_are_booked_and_told_at_their_times() {
    let mut exchange = LocalExchange::with_accounts(&paid(), &accounts());
    let (outlet, mut inlet) = way();
    let (other, mut of_other) = way();
    exchange.audience.users.subscribe(0, 0, TimeUnit::Microseconds, &outlet);
    exchange.audience.users.subscribe(1, 0, TimeUnit::Microseconds, &other);
    let time = |after: i64| start().plus(after).micros();
    let told = |asset: &str, delta: &str, free: &str, after: i64| {
        [
            json!({ "e": "balanceUpdate", "E": time(after), "a": asset, "d": delta, "T": time(after) }),
            json!({ "e": "outboundAccountPosition", "E": time(after), "u": time(after),
                "B": [{ "a": asset, "f": free, "l": "0.00000000" }] }),
        ]
    };
    // By itself time comes past it, and no market moves.
    exchange.run(Some(start().plus(30 * SECOND + 6)), |_| true).unwrap();
    assert_eq!((drained(&mut inlet).len(), free(&exchange, 0, "USDT")), (0, "1000000.00000000".to_owned()));
    exchange.run(Some(start().plus(30 * SECOND + 8)), |_| true).unwrap();
    assert_eq!(drained(&mut inlet), told("USDT", "100.50000000", "1000100.50000000", 30 * SECOND + 7));
    assert_eq!(exchange.now(), start().plus(30 * SECOND + 8));
    // In steps it is there when the market moves; what is not free stays.
    while exchange.now() < start().plus(MINUTE + 1) {
        exchange.step(None).unwrap();
    }
    assert_eq!(drained(&mut inlet), told("BTC", "-0.25000000", "999999.75000000", MINUTE));
    assert_eq!(free(&exchange, 0, "BTC"), "999999.75000000");
    // So it is for a request that is taken up later than it came.
    let events = place(&mut exchange, "BTCUSDT").unwrap();
    assert_eq!(events[0].time(), start().plus(2 * MINUTE));
    let names: Vec<_> = drained(&mut inlet).iter().map(|event| event["e"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names[..3], ["balanceUpdate", "outboundAccountPosition", "executionReport"]);
    assert_eq!(
        (free(&exchange, 0, "BNB"), free(&exchange, 1, "BNB")),
        ("3.00000000".to_owned(), "0.00000000".to_owned())
    );
    assert_eq!(drained(&mut of_other), [Value::Null; 0], "they are of one account");
}

#[test]
fn what_cannot_be_booked_says_why() {
    let exchange = exchange();
    for (booking, expected) in [
        (booking(0, "USDT", "1"), None),
        (booking(1, "BTC", "-1000000"), None),
        (
            booking(1, "BTC", "-1000000.00000001"),
            Some("the withdrawal of 1000000.00000001 BTC from account 1 cannot be made: 1000000.00000000 is free"),
        ),
        (
            booking(0, "BNB", "-1"),
            Some("the withdrawal of 1.00000000 BNB from account 0 cannot be made: 0.00000000 is free"),
        ),
        (booking(2, "BTC", "1"), Some("there is no account 2; there are 2, from 0 on")),
        (booking(0, "BTC", "0"), Some("a transfer is of an asset, and of an amount that is not 0")),
        (booking(0, "usdt", "1"), Some("there is no asset usdt; assets are written in capitals")),
        (booking(0, "", "1"), Some("a transfer is of an asset, and of an amount that is not 0")),
        (booking(0, "BNB", "1000000000000000"), None),
        (
            booking(0, "BNB", "1000000000000000.1"),
            Some("the deposit of 1000000000000000.10000000 BNB to account 0 cannot be made: at most 10^15 is held"),
        ),
    ] {
        assert_eq!(exchange.can_book(&booking).err().as_deref(), expected, "{booking:?}");
    }
}

#[test]
fn what_is_locked_cannot_be_withdrawn() {
    let mut exchange = exchange();
    exchange.transfer(booking(0, "USDT", "-999000")).unwrap();
    let order = [
        ("symbol", "BTCUSDT"),
        ("side", "BUY"),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "0.05"),
        ("price", "16000"),
    ];
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(order.into_iter().collect()))).unwrap();
    let refused = exchange.can_book(&booking(0, "USDT", "-200.01")).unwrap_err();
    assert_eq!(refused, "the withdrawal of 200.01000000 USDT from account 0 cannot be made: 200.00000000 is free");
    let held = exchange.transfer(booking(0, "USDT", "-200")).unwrap();
    assert_eq!((held.free.to_string(), held.locked.to_string()), ("0.00000000".to_owned(), "800.00000000".to_owned()));
}

#[test]
fn they_happen_again_after_a_seek_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let opened = || {
        let mut exchange = LocalExchange::with_accounts(&paid(), &accounts());
        exchange.keep_in(StateFile::open(&path).unwrap(), 0).unwrap();
        exchange
    };
    let mut exchange = opened();
    exchange.run(Some(start().plus(45 * SECOND)), |_| true).unwrap();
    exchange.transfer(booking(1, "BTC", "-3")).unwrap();
    place(&mut exchange, "BTCUSDT").unwrap();
    exchange.run(Some(start().plus(90 * SECOND)), |_| true).unwrap();
    exchange.transfer(booking(0, "USDT", "7")).unwrap();
    exchange.run(Some(start().plus(3 * MINUTE)), |_| true).unwrap();
    exchange.mark().unwrap();
    let then = seen(&exchange);
    drop(exchange);
    let mut exchange = opened();
    assert_eq!(seen(&exchange), then);
    // Back between the first two of each kind: the later ones have not happened.
    let (outlet, mut inlet) = way();
    exchange.audience.users.subscribe(1, 0, TimeUnit::Milliseconds, &outlet);
    exchange.seek(start().plus(46 * SECOND)).unwrap();
    assert_eq!(
        (free(&exchange, 1, "BTC"), free(&exchange, 0, "USDT")),
        ("999997.00000000".to_owned(), "1000100.50000000".to_owned())
    );
    exchange.seek(start().plus(44 * SECOND)).unwrap();
    assert_eq!(free(&exchange, 1, "BTC"), "1000000.00000000");
    exchange.seek(start().plus(10 * SECOND)).unwrap();
    assert_eq!(free(&exchange, 0, "USDT"), "1000000.00000000");
    assert_eq!(drained(&mut inlet), [Value::Null; 0], "what has happened before is not told again");
    // Those of the setup come again, those of others do not.
    exchange.seek(start().plus(3 * MINUTE)).unwrap();
    let held = (free(&exchange, 0, "USDT"), free(&exchange, 0, "BNB"), free(&exchange, 1, "BTC"));
    assert_eq!(held, ("1000100.50000000".to_owned(), "3.00000000".to_owned(), "1000000.00000000".to_owned()));
    drop(exchange);
    assert_eq!(free(&opened(), 1, "BTC"), "1000000.00000000");
    let reason = refused(&path, &setup());
    assert!(reason.ends_with("deposits and withdrawals: not here"), "{reason}");
}
