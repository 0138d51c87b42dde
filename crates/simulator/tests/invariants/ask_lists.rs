//! Random order lists in all their forms.

use candlewick_model::Action;

use crate::ask::Asked;

/// `form`: which list, 0 to 9.
pub(crate) fn ask_list(asked: &mut Asked<'_>, form: u8) -> Action {
    if asked.dice.one_in(3) {
        let number = asked.seen.number;
        asked.put("listClientOrderId", format!("l{number}"));
    }
    match form {
        0..=2 => oco(asked),
        3 => oco_deprecated(asked),
        4 | 5 => oto(asked),
        6 | 7 => otoco(asked),
        8 => opo(asked),
        _ => opoco(asked),
    }
}

fn side(buys: bool) -> &'static str {
    if buys { "BUY" } else { "SELL" }
}

fn oco(asked: &mut Asked<'_>) -> Action {
    let buys = asked.op.buys;
    asked.put("side", side(buys));
    asked.put("quantity", asked.quantity());
    pair(asked, ("above", "below"), buys);
    asked.mode();
    Action::Oco
}

/// The stop leg above the market on the BUY side, below it on the SELL side; rarely the wrong way.
fn pair(asked: &mut Asked<'_>, (above, below): (&str, &str), buys: bool) {
    let stop = asked.dice.of(&["STOP_LOSS", "STOP_LOSS", "STOP_LOSS_LIMIT"]);
    let other = asked.dice.of(&["LIMIT_MAKER", "LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]);
    let stop_is_above = buys != asked.dice.one_in(30);
    asked.leg(above, if stop_is_above { stop } else { other }, buys);
    asked.leg(below, if stop_is_above { other } else { stop }, buys);
}

fn oco_deprecated(asked: &mut Asked<'_>) -> Action {
    let buys = asked.op.buys;
    asked.put("side", side(buys));
    asked.put("quantity", asked.quantity());
    let away = asked.dice.roll(5) as i64 + 1;
    let (limit, stop) = if buys { (-away, away) } else { (away, -away) };
    asked.put("price", asked.price(limit));
    asked.put("stopPrice", asked.price(stop));
    if asked.dice.one_in(2) {
        asked.put("stopLimitPrice", asked.price(stop + asked.op.ticks));
        let time_in_force = asked.dice.of(&["GTC", "IOC", "FOK"]);
        asked.put("stopLimitTimeInForce", time_in_force);
    }
    asked.mode();
    Action::OcoDeprecated
}

fn working(asked: &mut Asked<'_>, buys: bool) {
    asked.put("workingSide", side(buys));
    let order_type = asked.dice.of(&["LIMIT", "LIMIT", "LIMIT_MAKER"]);
    asked.leg("working", order_type, buys);
    asked.put("workingQuantity", asked.quantity());
}

const PENDING: &[&str] =
    &["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"];

fn oto(asked: &mut Asked<'_>) -> Action {
    let buys = asked.op.buys;
    working(asked, buys);
    let pending = buys == asked.dice.one_in(4);
    asked.put("pendingSide", side(pending));
    let order_type = asked.dice.of(PENDING);
    asked.leg("pending", order_type, pending);
    asked.put("pendingQuantity", asked.quantity());
    asked.mode();
    Action::Oto
}

fn otoco(asked: &mut Asked<'_>) -> Action {
    let buys = asked.op.buys;
    working(asked, buys);
    let pending = buys == asked.dice.one_in(4);
    asked.put("pendingSide", side(pending));
    asked.put("pendingQuantity", asked.quantity());
    pair(asked, ("pendingAbove", "pendingBelow"), pending);
    asked.mode();
    Action::Otoco
}

/// A BUY pays for a SELL; rarely asked for the wrong way.
fn opo(asked: &mut Asked<'_>) -> Action {
    let buys = !asked.dice.one_in(20);
    working(asked, buys);
    asked.put("pendingSide", side(!buys));
    let order_type = asked.dice.of(PENDING);
    asked.leg("pending", order_type, false);
    asked.mode();
    Action::Opo
}

fn opoco(asked: &mut Asked<'_>) -> Action {
    working(asked, true);
    asked.put("pendingSide", "SELL");
    pair(asked, ("pendingAbove", "pendingBelow"), false);
    asked.mode();
    Action::Opoco
}
