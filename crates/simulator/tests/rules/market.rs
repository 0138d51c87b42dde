//! Sections 1 to 4: instants, paths, prices and liquidity.

use candlewick_model::run::{Event, MakerFill, PathModel, Slippage};
use candlewick_model::{ExchangeInfo, Symbol, Timestamp};
use candlewick_simulator::Timeline;

use crate::world::{INFO, START_MS, World, walk};

#[test]
fn rule_1_5_a_command_meets_the_first_open_or_extreme_after_it() {
    let world = World::new(&[(100, 110, 90, 105, 1_000), (200, 210, 190, 205, 1_000)]);
    // Equal distance, rising: low first. Extremes at 20 s (90) and 40 s (110), floored.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET q=1",
            "0.1 id=b side=BUY type=MARKET q=1",
            "0.5 id=c side=BUY type=MARKET q=1",
            "0.9 id=d side=BUY type=MARKET q=1",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "20s b NEW",
            "20s b FILLED 1@91 TAKER fee 0.001",
            "40s c NEW",
            "40s c FILLED 1@111 TAKER fee 0.001",
            "60s d NEW",
            "60s d FILLED 1@201 TAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_1_5_a_cancel_loses_against_the_jump() {
    let world = World::new(&[(100, 101, 99, 100, 1_000), (90, 91, 89, 90, 1_000)]);
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0.99 x of=a"],
        &["0s a NEW", "60s a FILLED 1@95 MAKER fee 0.001", "60s -2011 Unknown order sent."],
    );
}

#[test]
fn rule_1_7_gaps_wait_and_the_end_sends_nothing() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000), (100, 100, 100, 100, 1_000)]);
    world.bars.insert(1, None);
    world.check(
        &["1.5 id=a side=BUY type=MARKET q=1", "9 id=b side=BUY type=MARKET q=1"],
        &["120s a NEW", "120s a FILLED 1@101 TAKER fee 0.001", "not sent"],
    );
}

#[test]
fn rule_1_7_what_is_never_sent_bears_the_time_at_which_it_left() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    let lines = ["0.8", "0.9", "5", "6"].map(|at| format!("{at} side=BUY type=MARKET q=1"));
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let events = world.events(&lines);
    let never_sent = events.iter().filter(|event| matches!(event, Event::NotSent { .. }));
    let seconds: Vec<_> = never_sent.map(|event| (event.time().millis() - START_MS) / 1_000).collect();
    assert_eq!(seconds, [48, 54, 300, 360]);
}

#[test]
fn rule_2_4_without_volume_nothing_happens() {
    let world = World::new(&[(100, 100, 100, 100, 1_000), (90, 90, 80, 80, 0), (100, 101, 99, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95",
            "1 id=b side=BUY type=MARKET q=1",
            "1 id=c side=BUY type=MARKET quoteOrderQty=500",
        ],
        &[
            "0s a NEW",
            "60s b NEW",
            "60s b EXPIRED INSUFFICIENT_LIQUIDITY",
            "60s -2010 Order book liquidity is less than symbol minimum quantity.",
        ],
    );
}

#[test]
fn rule_3_1_takers_pay_spread_and_slippage_within_their_limit() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.model.slippage = Slippage::BasisPoints(250);
    // Ask 101 and 2.5 % of it, up to the tick: 104. Bid 99, 2.475 off, down: 96.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET q=1",
            "0 id=b side=SELL type=MARKET q=1",
            "0 id=c side=BUY type=LIMIT tif=GTC q=1 p=102",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@104 TAKER fee 0.001",
            "0s b NEW",
            "0s b FILLED 1@96 TAKER fee 0.096",
            "0s c NEW",
            "0s c FILLED 1@102 TAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_3_1_impact_grows_with_the_root_of_the_share() {
    let mut world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.model.slippage = Slippage::SquareRoot(10_000);
    // Ask 101. Of 1,000: 10 are a hundredth, a tenth of 101 more; 2.5 a four-hundredth, 5.05 more.
    // What 1,000 buys is paid with 111 each, what it sells with 88: one step more would be beyond
    // it. At 126 each, for the 57.2 that are left, 7,556.9 do not buy 60.
    world.check(
        &[
            "0 id=a side=BUY type=MARKET q=10",
            "0 id=b side=BUY type=LIMIT tif=FOK q=2.5 p=200",
            "0 id=c side=BUY type=LIMIT tif=IOC q=10 p=105",
            "0 id=d side=BUY type=MARKET quoteOrderQty=1000",
            "0 id=e side=SELL type=MARKET quoteOrderQty=1000",
            "0 side=BUY type=MARKET q=60",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 10@112 TAKER fee 0.01",
            "0s b NEW",
            "0s b FILLED 2.5@107 TAKER fee 0.0025",
            "0s c NEW",
            "0s c FILLED 10@105 TAKER fee 0.01",
            "0s d NEW",
            "0s d FILLED 9@111 TAKER fee 0.009",
            "0s e NEW",
            "0s e FILLED 11.3@88 TAKER fee 0.9944",
            "0s -2010 Account has insufficient balance for requested action.",
        ],
    );
}

#[test]
fn rule_3_2_a_limit_takes_only_where_it_reaches_the_other_side() {
    let world = World::new(&[(100, 100, 100, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=IOC q=1 p=101",
            "0 id=b side=BUY type=LIMIT tif=IOC q=1 p=100",
            "0 id=c side=SELL type=LIMIT tif=FOK q=1 p=99",
            "0 id=d side=SELL type=LIMIT tif=FOK q=1 p=100",
            "0 side=BUY type=LIMIT_MAKER q=1 p=101",
            "0 id=f side=BUY type=LIMIT_MAKER q=1 p=100",
        ],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s b NEW",
            "0s b EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
            "0s c NEW",
            "0s c FILLED 1@99 TAKER fee 0.099",
            "0s d NEW",
            "0s d EXPIRED UNFILLED_FOK_ORDER_EXPIRED",
            "0s -2010 Order would immediately match and take.",
            "0s f NEW",
        ],
    );
}

#[test]
fn rule_3_2_inside_the_spread_fills_at_its_own_price_in_the_next_step() {
    let mut world = World::new(&[(100, 103, 100, 102, 1_000)]);
    world.model.half_spread_ticks = 3;
    world.check(&["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=102"], &["0s a NEW", "20s a FILLED 1@102 MAKER fee 0.001"]);
}

#[test]
fn rule_3_3_through_and_touch_and_jumps() {
    let mut world = World::new(&[(100, 102, 95, 100, 1_000), (90, 90, 90, 90, 1_000)]);
    let script = &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0 id=b side=SELL type=LIMIT tif=GTC q=1 p=102"];
    let through = &["0s a NEW", "0s b NEW", "60s a FILLED 1@95 MAKER fee 0.001"];
    world.check(script, through);
    world.model.maker_fill = MakerFill::Touch;
    // High first (2 against 5): the sell at 20 s, the buy at 40 s.
    world.check(
        script,
        &["0s a NEW", "0s b NEW", "20s b FILLED 1@102 MAKER fee 0.102", "40s a FILLED 1@95 MAKER fee 0.001"],
    );
}

#[test]
fn rule_3_6_fills_go_along_the_path() {
    let world = World::new(&[(100, 101, 80, 100, 1_000)]);
    world.check(
        &[
            "0 id=a side=BUY type=LIMIT tif=GTC q=1 p=85",
            "0 id=b side=BUY type=LIMIT tif=GTC q=1 p=95",
            "0 id=c side=BUY type=LIMIT tif=GTC q=1 p=95",
        ],
        &[
            "0s a NEW",
            "0s b NEW",
            "0s c NEW",
            "40s b FILLED 1@95 MAKER fee 0.001",
            "40s c FILLED 1@95 MAKER fee 0.001",
            "40s a FILLED 1@85 MAKER fee 0.001",
        ],
    );
}

#[test]
fn rule_1_6_at_a_jump_the_limit_furthest_beyond_comes_first() {
    let world = World::new(&[(100, 100, 100, 100, 1_000), (80, 80, 80, 80, 15)]);
    world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=85", "0 id=b side=BUY type=LIMIT tif=GTC q=1 p=95"],
        &[
            "0s a NEW",
            "0s b NEW",
            "60s b FILLED 1@95 MAKER fee 0.001",
            "60s a PARTIALLY_FILLED 0.5@85 MAKER fee 0.0005",
        ],
    );
}

#[test]
fn rule_4_1_the_budget_is_the_bars() {
    let world = World::new(&[(100, 100, 100, 100, 19)]);
    let assumptions = world.check(
        &["0 id=a side=BUY type=MARKET q=1", "0 id=b side=SELL type=MARKET q=1"],
        &[
            "0s a NEW",
            "0s a FILLED 1@101 TAKER fee 0.001",
            "0s b NEW",
            "0s b PARTIALLY_FILLED 0.9@99 TAKER fee 0.0891",
            "0s b EXPIRED INSUFFICIENT_LIQUIDITY",
        ],
    );
    assert_eq!((assumptions.budget_exhausted, assumptions.market_order_expired), (1, 1));
}

#[test]
fn rule_4_2_a_remainder_takes_on_at_opens_and_then_rests_for_good() {
    let world = World::new(&[
        (100, 100, 100, 100, 10),
        (101, 101, 101, 101, 10),
        (102, 102, 102, 102, 10),
        (90, 90, 90, 90, 10),
    ]);
    let assumptions = world.check(
        &["0 id=a side=BUY type=LIMIT tif=GTC q=5 p=102"],
        &[
            "0s a NEW",
            "0s a PARTIALLY_FILLED 1@101 TAKER fee 0.001",
            "60s a PARTIALLY_FILLED 1@102 TAKER fee 0.001",
            // At 102 the ask is 103: it rests from here on, and the jump fills it as maker.
            "180s a PARTIALLY_FILLED 1@102 MAKER fee 0.001",
        ],
    );
    assert_eq!(assumptions.remainder_filled, 1);
}

#[test]
fn rule_4_4_liquidity_below_the_least_quantity() {
    let mut world = World::new(&[(100, 100, 100, 100, 2)]);
    world.info = INFO.replace(r#""minQty":"0.1""#, r#""minQty":"0.3""#);
    world.check(
        &["0 side=BUY type=MARKET quoteOrderQty=500"],
        &["0s -2010 Order book liquidity is less than LOT_SIZE filter minimum quantity."],
    );
}

#[test]
fn rule_4_5_self_trades() {
    let bars = &[(100, 100, 100, 100, 1_000)];
    let script = |mode: &str| {
        vec![
            "0 id=m side=SELL type=LIMIT tif=GTC q=1 p=101".to_owned(),
            format!("0 id=t side=BUY type=MARKET q=2 selfTradePreventionMode={mode}"),
        ]
    };
    for (mode, expected) in [
        ("EXPIRE_MAKER", vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t FILLED 2@101 TAKER fee 0.002"]),
        ("EXPIRE_TAKER", vec!["0s m NEW", "0s t NEW", "0s t EXPIRED_IN_MATCH"]),
        ("EXPIRE_BOTH", vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t EXPIRED_IN_MATCH"]),
        (
            "NONE",
            vec![
                "0s m NEW",
                "0s t NEW",
                "0s m FILLED 1@101 MAKER fee 0.101",
                "0s t PARTIALLY_FILLED 1@101 TAKER fee 0.001",
                "0s t FILLED 1@101 TAKER fee 0.001",
            ],
        ),
        (
            "DECREMENT",
            vec!["0s m NEW", "0s t NEW", "0s m EXPIRED_IN_MATCH", "0s t NEW", "0s t FILLED 1@101 TAKER fee 0.001"],
        ),
    ] {
        let lines = script(mode);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        World::new(bars).check(&lines, &expected);
    }
}

#[test]
fn rule_4_5_a_remainder_still_takes_where_only_an_own_order_is_within_its_limit() {
    // The bar without volume leaves the BUY a remainder at 94, next to an own SELL at 94 that is
    // beyond its execution price (91). At the third open the market asks 95: only the own order
    // is within the limit, and that is enough for rule 3.2.
    let world = World::new(&[(90, 90, 90, 90, 100), (90, 90, 90, 90, 0), (94, 96, 91, 94, 100)]);
    let buy = |mode: &str| format!("1 id=b side=BUY type=LIMIT tif=GTC q=1 p=94 selfTradePreventionMode={mode}");
    for (mode, met) in [
        ("EXPIRE_TAKER", &["120s b EXPIRED_IN_MATCH", "140s s FILLED 2@94 MAKER fee 0.188"][..]),
        (
            "NONE",
            &[
                "120s s PARTIALLY_FILLED 1@94 MAKER fee 0.094",
                "120s b FILLED 1@94 TAKER fee 0.001",
                "140s s FILLED 1@94 MAKER fee 0.094",
            ],
        ),
    ] {
        let expected = [&["0s s NEW", "60s b NEW"], met].concat();
        world.check(&["0 id=s side=SELL type=LIMIT tif=GTC q=2 p=94", &buy(mode)], &expected);
    }
}

#[test]
fn rule_2_2_pessimistic_and_optimistic_choose_by_equity() {
    // The buy at 95 fills on the way down; whether the sell at 105 finds base asset afterwards
    // does not depend on it, so the path decides only through which order comes first: with a
    // budget of one, the first takes it all.
    let mut world = World::new(&[(100, 100, 100, 100, 100), (100, 110, 90, 110, 10)]);
    let script = &["0 id=a side=BUY type=LIMIT tif=GTC q=1 p=95", "0 id=b side=SELL type=LIMIT tif=GTC q=1 p=105"];
    let bought = &["0s a NEW", "0s b NEW", "80s a FILLED 1@95 MAKER fee 0.001"];
    let sold = &["0s a NEW", "0s b NEW", "80s b FILLED 1@105 MAKER fee 0.105"];
    world.model.path = PathModel::Optimistic;
    world.check(script, bought);
    world.model.path = PathModel::Pessimistic;
    world.check(script, sold);
    world.model.path = PathModel::Nearest;
    let assumptions = world.check(script, bought);
    assert_eq!(assumptions.path_order_mattered, 1);
}

#[test]
fn rule_2_2_copies_get_what_a_script_sends_within_the_bar() {
    let mut world = World::new(&[(100, 110, 90, 105, 1_000)]);
    // Latency and all: it leaves after 18 s and arrives after 21, at the second extreme.
    world.model.latency_us = 3_000_000;
    let check = |world: &World, price: u32| {
        world.check(
            &["0.3 id=b side=BUY type=MARKET q=1"],
            &["40s b NEW", &format!("40s b FILLED 1@{price} TAKER fee 0.001")],
        )
    };
    world.model.path = PathModel::Pessimistic;
    check(&world, 111);
    world.model.path = PathModel::Optimistic;
    check(&world, 91);
}

#[test]
fn latency_delays_the_arrival() {
    let mut world = World::new(&[(100, 110, 90, 105, 1_000)]);
    world.model.latency_us = 1_000_000;
    world.check(&["0 id=a side=BUY type=MARKET q=1"], &["20s a NEW", "20s a FILLED 1@91 TAKER fee 0.001"]);
}

#[test]
fn rule_3_4_a_stop_triggers_where_the_path_reaches_it() {
    walk(&[100, 90]).check(
        &["0 id=s side=SELL type=STOP_LOSS stopPrice=95 q=1"],
        &["0s s NEW", "40s s FILLED 1@94 TAKER fee 0.094"],
    );
    // Limit from there on: bid 94 is under the limit, so it rests, and nothing comes back.
    walk(&[100, 90, 97]).check(
        &["0 id=s side=SELL type=STOP_LOSS_LIMIT tif=GTC stopPrice=95 p=96 q=1"],
        &["0s s NEW", "40s s NEW", "100s s FILLED 1@96 MAKER fee 0.096"],
    );
    World::new(&[(100, 100, 100, 100, 1_000), (90, 90, 90, 90, 1_000)]).check(
        &["0 id=s side=SELL type=STOP_LOSS stopPrice=95 q=1"],
        &["0s s NEW", "60s s FILLED 1@89 TAKER fee 0.089"],
    );
    walk(&[100, 90])
        .check(&["0 id=s side=SELL type=STOP_LOSS stopPrice=100 q=1"], &["0s -2010 Order would trigger immediately."]);
}

#[test]
fn rule_3_5_the_documented_trailing_scenarios() {
    let mut world = walk(&[40_000, 37_000, 45_000, 46_000, 42_000, 44_099, 44_100]);
    world.info = INFO.replace("EXPIRE_MAKER\",\n", "NONE\",\n");
    // A: its stop price starts the trailing at 44,000; from 42,000 on 5 % are 44,100.
    let a = "0 id=a side=BUY type=STOP_LOSS_LIMIT tif=GTC stopPrice=44000 trailingDelta=500 p=45000 q=0.1";
    world.check(&[a], &["0s a NEW", "340s a NEW", "340s a FILLED 0.1@44101 TAKER fee 0.0001"]);
    // E: without a stop price it trails from the beginning; 7 % under 45,500 are 42,315.
    walk(&[40_000, 42_000, 39_500, 45_500, 42_316, 42_315]).check(
        &["0 id=e side=SELL type=STOP_LOSS_LIMIT tif=GTC trailingDelta=700 p=39000 q=0.1"],
        &["0s e NEW", "280s e NEW", "280s e FILLED 0.1@42314 TAKER fee 4.2314"],
    );
}

#[test]
fn rule_4_5_decrement_takes_from_both() {
    let maker = "0 id=m side=BUY type=LIMIT tif=GTC p=98 q=6";
    let mut world = walk(&[100, 100]);
    world.model.half_spread_ticks = 5;
    world.check(
        &[maker, "0 id=t side=SELL type=LIMIT tif=GTC p=98 q=2 selfTradePreventionMode=DECREMENT"],
        &["0s m NEW", "0s t NEW", "0s m NEW", "0s t EXPIRED_IN_MATCH"],
    );
}

#[test]
fn rule_4_2_a_remainder_that_has_taken_the_last_own_order_rests_in_its_place() {
    // Bid 99, then 97: at the second open `a` reaches the own `b` alone. The high comes first.
    let world = World::new(&[(100, 100, 100, 100, 10), (98, 99, 90, 90, 10)]);
    world.check(
        &[
            "0 id=b side=BUY type=LIMIT tif=GTC q=0.5 p=98",
            "0 id=a side=SELL type=LIMIT tif=GTC q=2 p=98 selfTradePreventionMode=NONE",
            "1 id=c side=SELL type=LIMIT tif=GTC q=1 p=98",
        ],
        &[
            "0s b NEW",
            "0s a NEW",
            "0s a PARTIALLY_FILLED 1@99 TAKER fee 0.099",
            "60s b FILLED 0.5@98 MAKER fee 0.0005",
            "60s a PARTIALLY_FILLED 0.5@98 TAKER fee 0.049",
            "60s c NEW",
            "80s a FILLED 0.5@98 MAKER fee 0.049",
            "80s c PARTIALLY_FILLED 0.5@98 MAKER fee 0.049",
        ],
    );
}

#[test]
fn rule_8_25_a_stop_that_was_passed_in_a_halt_triggers_with_the_first_move_after_it() {
    // The high of the second bar, at 99.999999 s, falls into the halt.
    let mut world = World::new(&[(100, 100, 100, 100, 1_000), (100, 110, 100, 105, 1_000)]);
    world.tune = |setup| {
        let at = |seconds: i64, status: &str| {
            let info = INFO.replace("TRADING", status);
            let info = ExchangeInfo::parse(&info).unwrap();
            (Timestamp::from_millis(START_MS + seconds * 1_000), info.instruments[&Symbol::new("AB").unwrap()].clone())
        };
        let snapshots = vec![at(0, "TRADING"), at(90, "HALT"), at(110, "TRADING")];
        setup.markets[0].timeline = Timeline::new(snapshots).unwrap();
    };
    world.check(
        &["0 id=a side=BUY type=STOP_LOSS q=1 stopPrice=104", "0 id=b side=BUY type=STOP_LOSS q=1 stopPrice=111"],
        &["0s a NEW", "0s b NEW", "120s a FILLED 1@111 TAKER fee 0.001"],
    );
}
