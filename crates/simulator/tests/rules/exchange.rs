//! Section 5: what the exchange's rules make of orders, lists, commission.

use std::sync::Arc;

use candlewick_model::{Discount, Price, Timestamp};
use candlewick_simulator::{DiscountPrices, PriceRange, Reference};

use crate::world::{INFO, START_MS, World, walk};

#[test]
fn rule_5_1_refusals_through_the_venue() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 symbol=AB side=BUY type=MARKET q=1",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
            "0 side=BUY type=LIMIT tif=GTC q=1 p=90.5",
            "0 side=BUY type=LIMIT tif=GTC q=0 p=90",
            "0 side=BUY type=LIMIT tif=GTC q=200 p=90",
            "0 side=SELL type=MARKET q=10.1",
            "0 x of=zzz",
            "0 x of=a cancelRestrictions=ONLY_PARTIALLY_FILLED",
            "0 x of=a",
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90",
        ],
        &[
            "0s -1101 Duplicate values for a parameter detected.",
            "0s a NEW",
            "0s -2010 Duplicate order sent.",
            "0s -1013 Filter failure: PRICE_FILTER",
            "0s -1013 Filter failure: LOT_SIZE",
            "0s -2010 Account has insufficient balance for requested action.",
            "0s -2010 Account has insufficient balance for requested action.",
            "0s -2011 Unknown order sent.",
            "0s -2011 Order was not canceled due to cancel restrictions.",
            "0s a CANCELED",
            "0s a NEW",
        ],
    );
}

#[test]
fn rule_5_1_a_quantity_of_zero_fails_lot_size_without_a_minimum_too() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace(r#""minQty":"0.1""#, r#""minQty":"0""#);
    let script = ["0 side=BUY type=LIMIT tif=GTC q=0 p=90", "0 side=SELL type=MARKET q=0"];
    world.check(&script, &["0s -1013 Filter failure: LOT_SIZE"; 2]);
    world.info = INFO.replace("LOT_SIZE", "OTHER");
    world.check(&script, &["0s -1013 Filter failure: LOT_SIZE"; 2]);
}

#[test]
fn rule_5_1_the_endpoints_own_timing_parameters_are_read() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90 recvWindow=5000 timestamp=1672531200000",
            "0 x of=a recvWindow=5000 timestamp=1672531200000",
        ],
        &["0s a NEW", "0s a CANCELED"],
    );
}

#[test]
fn rule_5_1_a_price_of_zero_is_refused_without_a_least_price_too() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 side=BUY type=LIMIT tif=GTC q=1 p=0",
            "0 side=SELL type=LIMIT tif=GTC q=1 p=0.0",
            "0 side=SELL type=STOP_LOSS q=1 stopPrice=0",
            "0 side=SELL type=STOP_LOSS q=1 stopPrice=0 trailingDelta=100",
        ],
        &["0s -2010 Price * QTY is zero or less."; 4],
    );
}

#[test]
fn rule_5_2_filters_before_the_first_snapshot_are_assumed() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace("1577836800000", "1700000000000");
    let assumptions = world.check(&["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=90"], &["0s a NEW"]);
    assert_eq!(assumptions.filters_assumed, 1);
}

#[test]
fn rule_5_2_a_snapshot_counts_from_its_instant_within_a_bar_too() {
    // From 30 s on commissions have two decimals and the step is 1: of the budget of 1.5, one
    // step is left at 40 s, although no command has arrived since.
    let mut world = World::new(&[(100, 105, 98, 102, 15)]);
    let info = INFO.replace(r#""serverTime":1577836800000"#, r#""serverTime":1672531230000"#);
    let info = info.replace(r#""stepSize":"0.1""#, r#""stepSize":"1""#);
    world.later = Some(info.replace(r#""filters":["#, r#""quoteCommissionPrecision":2,"filters":["#));
    world.check(
        &["0 id=a side=SELL type=LIMIT tif=GTC q=2 p=103"],
        &["0s a NEW", "40s a PARTIALLY_FILLED 1@103 MAKER fee 0.1"],
    );
}

#[test]
fn rule_5_3_the_average_is_of_closed_bars() {
    let mut world = World::new(&[(100, 100, 100, 100, 10), (200, 200, 200, 200, 30), (300, 300, 300, 300, 10)]);
    let filter = r#"{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.1","avgPriceMins":5}"#;
    world.info = INFO.replace(r#""filters":["#, &format!(r#""filters":[{filter},"#));
    // At the third open: (10·100 + 30·200) / 40 = 175, so at most 192.5. At the first open there
    // is no closed bar, so the last price (100) stands in.
    let assumptions = world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=110",
            "0 side=BUY type=LIMIT tif=GTC q=1 p=111",
            "2 id=c side=BUY type=LIMIT tif=GTC q=1 p=192",
            "2 side=BUY type=LIMIT tif=GTC q=1 p=193",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s -1013 Filter failure: PERCENT_PRICE",
            "120s c NEW",
            "120s -1013 Filter failure: PERCENT_PRICE",
        ],
    );
    assert_eq!(assumptions.average_replaced, 2);
}

#[test]
fn rule_5_3_the_running_bar_is_never_used_where_bars_overlap() {
    let mut world = World::new(&[(100, 100, 100, 100, 10), (200, 200, 200, 200, 30)]);
    let filter = r#"{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.1","avgPriceMins":5}"#;
    world.info = INFO.replace(r#""filters":["#, &format!(r#""filters":[{filter},"#));
    // The second bar lies within the first (10 s to 30 s), so that it opens when the first
    // closes, after its own close time. Neither bar has been replayed to its close before.
    world.times = vec![(0, 59_999_999), (10_000_000, 30_000_000)];
    world.check(
        &["0.6 id=a side=BUY type=LIMIT tif=GTC q=1 p=110", "0.9 side=BUY type=LIMIT tif=GTC q=1 p=111"],
        &["40s a NEW", "40s a FILLED 1@101 TAKER fee 0.001", "60s -1013 Filter failure: PERCENT_PRICE"],
    );
}

#[test]
fn rule_8_10_what_was_locked_is_released_under_another_precision_too() {
    let mut world = World::new(&[(100, 101, 99, 100, 1_000), (100, 101, 99, 100, 1_000), (80, 80, 80, 80, 1_000)]);
    let precise = |from: &str, places: u32| {
        let info = INFO.replace(r#""serverTime":1577836800000"#, &format!(r#""serverTime":{from}"#));
        info.replace(r#""filters":["#, &format!(r#""quoteAssetPrecision":{places},"filters":["#))
    };
    for (before, after) in [(8, 0), (0, 8)] {
        world.info = precise("1577836800000", before);
        world.later = Some(precise("1672531260000", after));
        world.check(
            &[
                "0 id=a side=BUY type=LIMIT tif=GTC q=0.3 p=91",
                "0 id=b side=BUY type=LIMIT tif=GTC q=0.3 p=91",
                "1 x of=a",
            ],
            &["0s a NEW", "0s b NEW", "60s a CANCELED", "120s b FILLED 0.3@91 MAKER fee 0.0003"],
        );
    }
}

#[test]
fn rule_5_7_quote_sized_orders() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    // 500 / 101 = 4.95…, down to the step 4.9; 500 / 99 = 5.05…, 5.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET quoteOrderQty=500",
            "0 id=b side=SELL type=MARKET quoteOrderQty=500",
            "0 side=BUY type=MARKET quoteOrderQty=5",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 4.9@101 TAKER fee 0.0049",
            "0s b NEW",
            "0s b FILLED 5@99 TAKER fee 0.495",
            "0s -1013 Filter failure: LOT_SIZE",
        ],
    );
}

#[test]
fn rule_5_8_commission_is_truncated_at_its_precision() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.info = INFO.replace(
        r#""quoteAsset":"B","#,
        r#""quoteAsset":"B","baseCommissionPrecision":3,"quoteCommissionPrecision":1,"#,
    );
    world.check(
        &["0 id=a side=BUY type=MARKET q=1.9", "0 id=b side=SELL type=MARKET q=1.9"],
        &["0s a NEW", "0s a FILLED 1.9@101 TAKER fee 0.001", "0s b NEW", "0s b FILLED 1.9@99 TAKER fee 0.1"],
    );
}

#[test]
fn rule_5_9_one_leg_ends_the_other() {
    let oco = "0 oco side=SELL quantity=1 listClientOrderId=l aboveType=LIMIT_MAKER abovePrice=110 aboveClientOrderId=up belowType=STOP_LOSS belowStopPrice=95 belowClientOrderId=down";
    let placed = ["0s down NEW", "0s up NEW", "0s list EXEC_STARTED"];
    let with = |more: &[&str]| [&placed[..], more].concat().iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let check = |world: World, script: &[&str], more: &[&str]| assert_eq!(world.run(script).0, with(more));
    check(
        walk(&[100, 115]),
        &[oco],
        &["40s up FILLED 1@110 MAKER fee 0.11", "40s down EXPIRED OCO_TRIGGER", "40s list ALL_DONE"],
    );
    check(
        walk(&[100, 90]),
        &[oco],
        &["40s up EXPIRED OCO_TRIGGER", "40s down FILLED 1@94 TAKER fee 0.094", "40s list ALL_DONE"],
    );
    check(walk(&[100, 101, 102]), &[oco, "1 x of=up"], &["60s up CANCELED", "60s down CANCELED", "60s list ALL_DONE"]);
    walk(&[100, 90]).check(
        &["0 oco side=SELL quantity=1 aboveType=LIMIT_MAKER abovePrice=110 belowType=STOP_LOSS belowStopPrice=100"],
        &["0s -2010 The relationship of the prices for the orders is not correct."],
    );
}

#[test]
fn a_working_order_triggers_a_pair_that_it_pays() {
    let opoco = "0 opoco listClientOrderId=l workingSide=BUY workingType=LIMIT workingTimeInForce=GTC workingPrice=95 workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingAboveType=LIMIT_MAKER pendingAbovePrice=105 pendingAboveClientOrderId=up pendingBelowType=STOP_LOSS pendingBelowStopPrice=85 pendingBelowClientOrderId=down";
    walk(&[100, 90, 110]).check(
        &[opoco],
        &[
            "0s w NEW",
            "0s down PENDING_NEW",
            "0s up PENDING_NEW",
            "0s list EXEC_STARTED",
            "40s w FILLED 1@95 MAKER fee 0.001",
            "40s down NEW",
            "40s up NEW",
            "100s up FILLED 1@105 MAKER fee 0.105",
            "100s down EXPIRED OCO_TRIGGER",
            "100s list ALL_DONE",
        ],
    );
    let oto = "0 oto workingSide=BUY workingType=LIMIT workingTimeInForce=IOC workingPrice=95 workingQuantity=1 workingClientOrderId=w pendingSide=SELL pendingType=MARKET pendingQuantity=1 pendingClientOrderId=p";
    walk(&[100, 90]).check(
        &[oto],
        &[
            "0s w NEW",
            "0s p PENDING_NEW",
            "0s list EXEC_STARTED",
            "0s w EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
            "0s p EXPIRED OTO_PHASE_ONE_EXPIRED",
            "0s list ALL_DONE",
        ],
    );
}

#[test]
fn replacements_and_amendments() {
    let resting = "0 id=r side=BUY type=LIMIT tif=GTC p=90 q=1";
    walk(&[100, 101, 102]).check(
        &[resting, "1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT tif=GTC p=91 q=2 id=n"],
        &["0s r NEW", "60s r CANCELED", "60s n NEW"],
    );
    walk(&[100, 101, 102]).check(
        &["1 cancel_replace cancelReplaceMode=STOP_ON_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT tif=GTC p=91 q=2 id=n"],
        &["60s -2022 Order cancel-replace failed."],
    );
    walk(&[100, 101, 102]).check(
        &[resting, "1 cancel_replace cancelReplaceMode=ALLOW_FAILURE cancelOrigClientOrderId=r side=BUY type=LIMIT_MAKER p=111 q=2 id=n"],
        &["0s r NEW", "60s r CANCELED", "60s -2021 Order cancel-replace partially failed."],
    );
    walk(&[100, 101, 102, 80]).check(
        &[resting, "1 amend of=r newQty=0.4 id=r", "1.5 amend of=r newQty=0.4 id=r", "2 amend of=r newQty=0.5 id=r"],
        &[
            "0s r NEW",
            "60s r NEW",
            "100s -2038 The requested action would change no state; rejecting.",
            "120s -2038 Order amend (quantity increase) is not supported.",
            "160s r FILLED 0.4@90 MAKER fee 0.0004",
        ],
    );
}

#[test]
fn a_taker_outside_the_price_range_expires() {
    let mut world = walk(&[100, 100]);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let reference = [(Timestamp::from_millis(START_MS), Some(market.bars.open[0]))];
        market.reference = Reference::Recorded(reference.into());
        let up = Some("1.005".parse().unwrap());
        market.price_range = Some(PriceRange { bid_limit_mult_up: up, ..PriceRange::default() });
    };
    world.check(
        &["0 id=b side=BUY type=MARKET q=1", "0 id=s side=SELL type=MARKET q=1"],
        &[
            "0s b NEW",
            "0s b EXPIRED EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
            "0s s NEW",
            "0s s FILLED 1@99 TAKER fee 0.099",
        ],
    );
    // The filters go by the reference price too: 200 here, and the average is 100.
    let band = r#",{"filterType":"PERCENT_PRICE","multiplierUp":"1.1","multiplierDown":"0.9","avgPriceMins":5}]}]}"#;
    world.info = INFO.replace("]}]}", band);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let twice = Price::from_units(market.bars.open[0].units() * 2);
        market.reference = Reference::Recorded([(Timestamp::from_millis(START_MS), Some(twice))].into());
    };
    world.check(
        &["0 id=a side=SELL type=LIMIT tif=GTC p=190 q=1", "0 id=b side=SELL type=LIMIT tif=GTC p=105 q=1"],
        &["0s a NEW", "0s -1013 Filter failure: PERCENT_PRICE"],
    );
}

#[test]
fn rule_8_36_what_a_fill_gives_away_pays_no_commission() {
    let mut world = walk(&[100, 100, 100]);
    world.tune = |setup| {
        let discount = Discount { asset: "A".parse().unwrap(), rate: "0.25".parse().unwrap() };
        setup.markets[0].fill_model.fees.discount = Some(discount);
    };
    // 10 A are there: 9 leave enough for 9 × 99 × 0.001 × 0.75 / 100, what is left does not.
    world.check(
        &["0 id=a side=SELL type=MARKET q=9", "0 id=b side=SELL type=MARKET q=0.9"],
        &["0s a NEW", "0s a FILLED 9@99 TAKER fee 0.0066825", "0s b NEW", "0s b FILLED 0.9@99 TAKER fee 0.00066825"],
    );
    world.check(&["0 id=all side=SELL type=MARKET q=10"], &["0s all NEW", "0s all FILLED 10@99 TAKER fee 0.99"]);
    // In quote asset: 10000 B buy 99 A at 101, and 1 B is left.
    world.tune = |setup| {
        let discount = Discount { asset: "B".parse().unwrap(), rate: "0.25".parse().unwrap() };
        setup.markets[0].fill_model.fees.discount = Some(discount);
    };
    world.check(&["0 id=most side=BUY type=MARKET q=99"], &["0s most NEW", "0s most FILLED 99@101 TAKER fee 0.099"]);
    world.check(&["0 id=less side=BUY type=MARKET q=98"], &["0s less NEW", "0s less FILLED 98@101 TAKER fee 7.4235"]);
}

#[test]
fn rule_5_8_commission_in_bnb_while_there_is_enough() {
    let mut world = walk(&[100, 100]);
    world.tune = |setup| {
        let market = &mut setup.markets[0];
        let asset = "BNB".parse().unwrap();
        setup.account.balance_mut(asset).credit("0.001".parse().unwrap());
        market.fill_model.fees.discount = Some(Discount { asset, rate: "0.25".parse().unwrap() });
        // BNB is at 100 too.
        market.discount = Some(DiscountPrices::new(Arc::clone(&market.bars)));
    };
    // 99 × 0.001 × 0.75 / 100; what is left does not cover the second one.
    world.check(
        &["0 id=a side=SELL type=MARKET q=1", "0 id=b side=SELL type=MARKET q=1"],
        &["0s a NEW", "0s a FILLED 1@99 TAKER fee 0.0007425", "0s b NEW", "0s b FILLED 1@99 TAKER fee 0.099"],
    );
}
