//! What the exchange does to its markets under way: at once, later, for all accounts, and once more.

use candlewick_model::{ExpiryReason, OrderStatus, SymbolStatus};

use super::*;
use crate::revision::Revision;

const BTC: &str = "BTCUSDT";

fn revise(exchange: &mut LocalExchange, json: &str) -> Result<(), String> {
    let ready = exchange.ready(Revision::read(json.as_bytes())?)?;
    exchange.revise(ready).map_err(|no| no.to_string())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn view<'a>(exchange: &'a LocalExchange, symbol: &str) -> View<'a> {
    exchange.view(symbol.parse().unwrap()).unwrap()
}

fn status(exchange: &LocalExchange, symbol: &str) -> SymbolStatus {
    view(exchange, symbol).instrument().status.unwrap()
}

/// A LIMIT order so many cents off the last price; the code and text of a refusal.
fn limit(exchange: &mut LocalExchange, account: usize, side: &str, off: i64) -> Result<Vec<VenueEvent>, (i32, String)> {
    let last = view(exchange, BTC).last_price().units() / 1_000_000;
    let price = format!("{}.{:02}", (last + off) / 100, (last + off) % 100);
    let pairs = [("symbol", BTC), ("side", side), ("type", "LIMIT"), ("timeInForce", "GTC")];
    let pairs = pairs.into_iter().chain([("quantity", "0.01"), ("price", price.as_str())]);
    let command = Command::Raw(Action::New, Box::new(pairs.collect()));
    let events = exchange.take_up(account, &command).map_err(|no| (no.code, no.text.to_string()))?;
    match events.first() {
        Some(VenueEvent::Refused { refusal, .. }) => Err((refusal.code, refusal.text.to_string())),
        _ => Ok(events),
    }
}

fn klines(exchange: &LocalExchange, symbol: &str, interval: Interval) -> candlewick_model::Bars {
    let wanted = Wanted { start: Some(start()), end: None, limit: 10_000 };
    let symbol = symbol.parse().unwrap();
    exchange.view(symbol).unwrap().bars(exchange.catalogue(), &Request { symbol, grid: Grid::utc(interval), wanted })
}

/// Both accounts have an order far below the market, in whichever way time goes.
fn begun(takes_up: TakesUp, until: Timestamp) -> LocalExchange {
    let mut exchange = exchange();
    exchange.take_up_where(takes_up).unwrap();
    exchange.run(Some(start().plus(MINUTE)), |_| true).unwrap();
    for account in 0..2 {
        limit(&mut exchange, account, "BUY", -200_000).unwrap();
    }
    exchange.run(Some(until), |_| true).unwrap();
    exchange
}

const CLOSED: (i32, &str) = (-1013, "Market is closed.");

fn closed(outcome: Result<Vec<VenueEvent>, (i32, String)>) -> bool {
    outcome.is_err_and(|(code, text)| (code, text.as_str()) == CLOSED)
}

#[test]
fn a_market_is_halted_and_goes_on() {
    for takes_up in [TakesUp::AnyTime, TakesUp::AtPoints] {
        let now = at("2023-03-01T00:10:20Z");
        let mut exchange = begun(takes_up, now);
        revise(&mut exchange, r#"{"symbol":"BTCUSDT","status":"HALT"}"#).unwrap();
        assert_eq!(
            [BTC, "ETHUSDT"].map(|symbol| status(&exchange, symbol)),
            [SymbolStatus::Halt, SymbolStatus::Trading]
        );
        assert_eq!(exchange.now(), now, "nothing has moved");
        for account in 0..2 {
            assert!(closed(limit(&mut exchange, account, "BUY", 0)), "{takes_up:?}");
            assert_eq!(exchange.trader(account).open_orders().count(), 1, "it stays");
        }
        exchange.run(Some(at("2023-03-01T00:15:30Z")), |_| true).unwrap();
        let (seen, original) =
            (klines(&exchange, BTC, Interval::OneMinute), Arc::clone(&exchange.origin.setup.markets[0].bars));
        let since = seen.open_time.partition_point(|open| open < now);
        assert_eq!(seen.bar(since - 1), original.bar(since - 1), "the one that ran has run to its end");
        for row in since..seen.len() {
            let bar = seen.bar(row);
            assert_eq!((bar.trades, bar.volume, bar.high), (0, Amount::ZERO, seen.close[since - 1]));
        }
        assert_eq!(view(&exchange, BTC).last_price(), seen.close[since - 1]);
        // It trades again at once, and anything is traded from the next bar on.
        revise(&mut exchange, r#"{"symbol":"BTCUSDT","status":"TRADING"}"#).unwrap();
        assert_eq!(status(&exchange, BTC), SymbolStatus::Trading);
        limit(&mut exchange, 1, "BUY", -200_000).unwrap();
        exchange.run(Some(at("2023-03-01T00:17:00Z")), |_| true).unwrap();
        let seen = klines(&exchange, BTC, Interval::OneMinute);
        assert_eq!(seen.bar(seen.len() - 2), original.bar(seen.len() - 2), "as history has it");
        assert!(seen.trades[seen.len() - 2] > 0 && seen.trades[seen.len() - 3] == 0);
        let hour = klines(&exchange, BTC, Interval::OneHour).bar(0);
        assert_eq!(hour.trades, seen.trades.iter().sum::<i64>(), "in longer bars too");
    }
}

#[test]
fn what_is_told_beforehand_happens_at_its_time() {
    let mut exchange = begun(TakesUp::AnyTime, at("2023-03-01T00:10:20Z"));
    let plan = r#"[{"symbol":"BTCUSDT","at":"2023-03-01T00:20:00Z","status":"HALT"},
        {"symbol":"BTCUSDT","at":1677630300000000,"status":"TRADING"}]"#;
    revise(&mut exchange, plan).unwrap();
    for (until, expected) in [
        ("2023-03-01T00:19:58Z", SymbolStatus::Trading),
        ("2023-03-01T00:20:00Z", SymbolStatus::Halt),
        ("2023-03-01T00:24:58Z", SymbolStatus::Halt),
        ("2023-03-01T00:25:00Z", SymbolStatus::Trading),
    ] {
        exchange.run(Some(at(until)), |_| true).unwrap();
        assert_eq!(status(&exchange, BTC), expected, "{until}");
        assert_eq!(closed(limit(&mut exchange, 0, "BUY", -200_000)), expected == SymbolStatus::Halt, "{until}");
    }
    exchange.run(Some(at("2023-03-01T00:30:00Z")), |_| true).unwrap();
    let seen = klines(&exchange, BTC, Interval::OneMinute);
    let still: Vec<_> = seen.iter().filter(|bar| bar.trades == 0).map(|bar| bar.open_time).collect();
    assert_eq!((still[0], still[4], still.len()), (at("2023-03-01T00:20:00Z"), at("2023-03-01T00:24:00Z"), 5));
}

#[test]
fn other_filters_hold_for_everybody_at_once() {
    for takes_up in [TakesUp::AnyTime, TakesUp::AtPoints] {
        let mut exchange = begun(takes_up, at("2023-03-01T00:10:20Z"));
        let tick =
            r#"{"symbol":"BTCUSDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"5"}],"ocoAllowed":false}"#;
        revise(&mut exchange, tick).unwrap();
        let view = view(&exchange, BTC);
        assert_eq!(view.instrument().filters.tick().to_string(), "5.00000000");
        assert!(view.book(3).bids.iter().all(|(price, _)| price.units() % 500_000_000 == 0));
        let off = 500 - view.last_price().units() / 1_000_000 % 500;
        for account in 0..2 {
            let refused = limit(&mut exchange, account, "BUY", off - 20_001).unwrap_err();
            assert_eq!(refused, (-1013, "Filter failure: PRICE_FILTER".to_owned()), "{takes_up:?}");
            // In lock step the market may have moved meanwhile.
            if takes_up == TakesUp::AnyTime {
                limit(&mut exchange, account, "BUY", off - 20_000).unwrap();
                assert_eq!(exchange.trader(account).open_orders().count(), 2, "those that rest are not judged again");
            }
        }
        let barred = r#"{"symbol":"BTCUSDT","isSpotTradingAllowed":false}"#;
        revise(&mut exchange, barred).unwrap();
        let refused = limit(&mut exchange, 0, "BUY", 0).unwrap_err();
        assert_eq!(refused.1, "This symbol is not permitted for this account.");
    }
}

#[test]
fn a_delisted_market_leaves_nothing_open() {
    // In the middle of a bar, at an open, and at the point where the market stands.
    for (takes_up, when) in [
        (TakesUp::AnyTime, "2023-03-01T00:12:07Z"),
        (TakesUp::AtPoints, "2023-03-01T00:12:07Z"),
        (TakesUp::AnyTime, "2023-03-01T00:12:00Z"),
        (TakesUp::AtPoints, "2023-03-01T00:10:20Z"),
    ] {
        let mut exchange = begun(takes_up, at("2023-03-01T00:10:20Z"));
        let form = Form { is_combined: false, unit: TimeUnit::Milliseconds };
        let (user, mut of_user) = way();
        let (stream, mut of_stream) = way();
        exchange.audience.users.subscribe(1, 1, TimeUnit::Microseconds, &user);
        ["btcusdt@kline_1m", "btcusdt@depth", "btcusdt@bookTicker", "!miniTicker@arr"]
            .iter()
            .for_each(|name| exchange.listen(name, form, &stream));
        revise(&mut exchange, &format!(r#"{{"symbol":"BTCUSDT","at":"{when}","delisted":true}}"#)).unwrap();
        exchange.run(Some(at(when)), |_| true).unwrap();
        assert_eq!((exchange.now(), status(&exchange, BTC)), (at(when), SymbolStatus::Break));
        for account in 0..2 {
            let order = exchange.history(account).orders().next().unwrap();
            let reason = Some(ExpiryReason::ExchangeCanceled);
            assert_eq!((order.status, order.expiry_reason), (OrderStatus::Expired, reason));
            assert_eq!(exchange.trader(account).open_orders().count(), 0);
            assert!(exchange.account(account).iter().all(|(_, held)| held.locked.is_zero()));
        }
        let heard = |inlet: &mut crate::outlet::Inlet| -> Vec<String> {
            std::iter::from_fn(|| inlet.waiting()).map(|text| text.to_string()).collect()
        };
        let events = heard(&mut of_user);
        let expired = events.iter().find(|event| event.contains("executionReport")).unwrap();
        assert!(expired.contains(r#""x":"EXPIRED""#) && expired.contains(r#""eR":"EXCHANGE_CANCELED""#), "{expired}");
        assert!(expired.contains(&format!(r#""T":{}"#, at(when).micros())), "{expired}");
        assert!(events.iter().any(|event| event.contains("outboundAccountPosition")), "{events:?}");
        assert!(closed(limit(&mut exchange, 0, "BUY", 0)));
        // Nothing is said of it any more, and it has no book.
        heard(&mut of_stream);
        let bars = klines(&exchange, BTC, Interval::OneMinute);
        exchange.run(Some(at("2023-03-01T01:00:00Z")), |_| true).unwrap();
        assert!(heard(&mut of_stream).iter().all(|text| !text.contains("BTCUSDT")));
        assert_eq!(klines(&exchange, BTC, Interval::OneMinute).len(), bars.len(), "{when}");
        assert_eq!(view(&exchange, BTC).best(), [Default::default(); 2]);
        let again = revise(&mut exchange, r#"{"symbol":"BTCUSDT","status":"TRADING"}"#).unwrap_err();
        assert!(again.starts_with(&format!("BTCUSDT: it is delisted at {}", at(when))), "{again}");
    }
}

#[test]
fn what_cannot_be_is_named_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut exchange = opened(&path);
    exchange.run(Some(at("2023-03-01T00:10:20Z")), |_| true).unwrap();
    revise(&mut exchange, r#"{"symbol":"BTCUSDT","at":"2023-03-01T12:00:00Z","filters":[{"filterType":"MAX_POSITION","maxPosition":"7"}]}"#)
        .unwrap();
    revise(&mut exchange, r#"{"symbol":"ETHUSDT","at":"2023-03-01T12:00:00Z","delisted":true}"#).unwrap();
    let (before, written) = (seen(&exchange), std::fs::read(&path).unwrap());
    for (json, told) in [
        ("", "EOF"),
        ("{}", "missing field `symbol`"),
        (r#"{"symbol":"BTCUSDT"}"#, "BTCUSDT: nothing changes"),
        (r#"{"symbol":"DOGEUSDT","status":"HALT"}"#, "there is no market DOGEUSDT; there is BTCUSDT, ETHUSDT"),
        (r#"{"symbol":"BTCUSDT","at":"soon","status":"HALT"}"#, "a time must be microseconds"),
        (
            r#"{"symbol":"BTCUSDT","at":"2023-03-01T00:10:00Z","status":"HALT"}"#,
            "BTCUSDT: 2023-03-01T00:10:00Z is over, it is 2023-03-01T00:10:20Z",
        ),
        (
            r#"{"symbol":"BTCUSDT","at":"2023-03-02","status":"HALT"}"#,
            "nothing happens any more at 2023-03-02T00:00:00Z",
        ),
        (r#"{"symbol":"BTCUSDT","status":"OPEN"}"#, r#"not "OPEN""#),
        (r#"{"symbol":"BTCUSDT","delisted":"yes"}"#, "invalid type: string \"yes\""),
        (r#"{"symbol":"BTCUSDT","delisted":true,"status":"HALT"}"#, "`delisted` stands alone"),
        (
            r#"{"symbol":"BTCUSDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"-1"}]}"#,
            r#"`tickSize` is below zero: "-1""#,
        ),
        // One of two is wrong: neither happens.
        (
            r#"[{"symbol":"BTCUSDT","status":"HALT"},{"symbol":"ETHUSDT","halted":true}]"#,
            "ETHUSDT: `halted` is nothing that can change",
        ),
        // What is known of later times must still make sense.
        (
            r#"{"symbol":"ETHUSDT","at":"2023-03-01T13:00:00Z","status":"HALT"}"#,
            "it is delisted at 2023-03-01T12:00:00Z",
        ),
        (
            r#"{"symbol":"ETHUSDT","delisted":true}"#,
            "it is delisted at 2023-03-01T00:10:20Z; nothing changes at 2023-03-01T12",
        ),
    ] {
        let error = revise(&mut exchange, json).unwrap_err();
        assert!(error.contains(told), "{json}: {error}");
        assert_eq!(seen(&exchange), before, "{json}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), written);
}

#[test]
fn time_put_back_brings_the_filters_of_then() {
    let mut exchange = begun(TakesUp::AnyTime, at("2023-03-01T00:10:20Z"));
    let before = seen(&exchange);
    revise(&mut exchange, r#"{"symbol":"BTCUSDT","at":"2023-03-01T01:00:00Z","status":"BREAK"}"#).unwrap();
    exchange.run(Some(at("2023-03-01T00:40:00Z")), |_| true).unwrap();
    revise(&mut exchange, r#"{"symbol":"BTCUSDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"1"}]}"#).unwrap();
    exchange.run(Some(at("2023-03-01T02:00:00Z")), |_| true).unwrap();
    let after = seen(&exchange);
    assert_eq!(klines(&exchange, BTC, Interval::OneMinute).len(), 60);
    // What was told then is still to come, what came later is not.
    exchange.seek(at("2023-03-01T00:30:00Z")).unwrap();
    assert_eq!(
        (view(&exchange, BTC).instrument().filters.tick().to_string(), status(&exchange, BTC)),
        ("0.01000000".into(), SymbolStatus::Trading)
    );
    assert_eq!(exchange.to_come(BTC.parse().unwrap()).count(), 1);
    assert_eq!(klines(&exchange, BTC, Interval::OneMinute).len(), 31);
    exchange.seek(at("2023-03-01T00:40:00Z")).unwrap();
    exchange.seek(at("2023-03-01T02:00:00Z")).unwrap();
    assert_eq!(status(&exchange, BTC), SymbolStatus::Break);
    assert_ne!(seen(&exchange), after, "the other filters were not told in this life");
    exchange.seek(at("2023-03-01T00:10:20Z")).unwrap();
    assert_eq!(seen(&exchange).open, before.open);
}

/// Another change each time, some of them later, some of them nonsense.
fn any_change(bot: &mut Bot, exchange: &mut LocalExchange) {
    let symbol = if bot.below(3) == 0 { "ETHUSDT" } else { "BTCUSDT" };
    let said = match bot.below(8) {
        0 => r#""status":"HALT""#.to_owned(),
        1 => r#""status":"BREAK""#.to_owned(),
        2 | 3 => r#""status":"TRADING""#.to_owned(),
        4 => format!(r#""filters":[{{"filterType":"PRICE_FILTER","tickSize":"0.{:02}"}}]"#, bot.below(50)),
        5 => format!(r#""filters":[{{"filterType":"MAX_NUM_ORDERS","maxNumOrders":{}}}]"#, bot.below(20)),
        6 if bot.below(20) == 0 => r#""delisted":true"#.to_owned(),
        _ => format!(r#""icebergAllowed":{}"#, bot.below(2) == 0),
    };
    let at = exchange.now().plus(i64::from(bot.below(900)) * SECOND - 30 * SECOND);
    let at = if bot.below(2) == 0 { format!(r#""at":{},"#, at.micros()) } else { String::new() };
    let _ = revise(exchange, &format!(r#"{{"symbol":"{symbol}",{at}{said}}}"#));
}

#[test]
fn a_state_and_a_seek_know_every_change() {
    let folder = tempfile::tempdir().unwrap();
    for (seed, takes_up) in [(11, TakesUp::AtPoints), (12, TakesUp::AnyTime), (13, TakesUp::AnyTime)] {
        let path = folder.path().join(seed.to_string());
        let mut whole = exchange();
        whole.take_up_where(takes_up).unwrap();
        let mut kept = opened(&path);
        kept.take_up_where(takes_up).unwrap();
        let (mut bot, mut double) = (Bot::new(seed), Bot::new(seed));
        for turn in 0..24 {
            for (bot, exchange) in [(&mut bot, &mut whole), (&mut double, &mut kept)] {
                bot.live(exchange, 6);
                any_change(bot, exchange);
                bot.live(exchange, 4);
            }
            if turn % 6 == 5 {
                let to = whole.now().plus(-10 * MINUTE);
                whole.seek(to).unwrap();
                kept.seek(to).unwrap();
            }
            kept.mark().unwrap();
            drop(kept);
            kept = opened(&path);
            assert_eq!(seen(&kept), seen(&whole), "{seed}, after {turn}");
        }
        let revisions: usize = whole.views().map(|view| view.market.revisions().len()).sum();
        assert!(revisions > 3, "{revisions}");
    }
}
