//! The words for each fact.
//!
//! A fact is a line of its own with its time (`Told::Line`), or a look at something that belongs to
//! the line above (`Told::Look`). Not for: their order and layout (`story`).

use candlewick_model::{
    Asset, ClientOrderId, Half, OrderId, OrderStatus, Price, Quantity, Refusal, Side, SymbolStatus, Timestamp,
};
use candlewick_simulator::trace::{Fact, Note, Stand, Way, Within};

use super::costs::commission;
use super::figures::{bounds, scaled, short, times};

/// What a fact says.
pub(super) enum Told {
    /// Something happened.
    Line(String),
    /// Something was looked at: what, and with which figures.
    Look(&'static str, String),
}

/// Whose fact it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Role {
    /// Of an order that is to be explained, not of another one of its list.
    pub(super) is_own: bool,
    /// Of an order that has not been told of before.
    pub(super) is_new: bool,
}

/// The market that an explanation is about.
pub(super) struct Assets {
    pub(super) base: Asset,
    pub(super) quote: Asset,
}

impl Assets {
    /// The words for a note, in the order in which they are to be read.
    pub(super) fn tell(&self, note: &Note, role: Role) -> Vec<Told> {
        let (base, quote) = (self.base, self.quote);
        let line = |text: String| vec![Told::Line(text)];
        let look = |what: &'static str, text: String| vec![Told::Look(what, text)];
        let order = || note.order.map(|id| format!("order {id}")).unwrap_or_default();
        match &note.fact {
            Fact::TakenUp { stand, .. } => self.taken_up(note.time, stand),
            Fact::Leg { number, side, order_type } => {
                look("of the list", format!("its order number {number}, {side} {order_type}:"))
            }
            Fact::UnfilledOrders { count, adding, limit, every, interval, .. } => {
                look("unfilled orders", format!("{count} there + {adding}, at most {limit} in {every} {interval}"))
            }
            Fact::Symbol { status, snapshot, is_assumed, exchange_snapshot, exchange_is_assumed, holds, .. } => {
                let status = status.map_or("unknown", SymbolStatus::as_str);
                let when = |is_assumed: bool| if is_assumed { "assumed of" } else { "of" };
                let kinds = if *holds { "takes such an order" } else { "does not take such an order" };
                let whole = if exchange_snapshot == snapshot || *exchange_snapshot == Timestamp::MIN {
                    String::new()
                } else {
                    format!("; those of the exchange {} {exchange_snapshot}", when(*exchange_is_assumed))
                };
                look("symbol", format!("{status}, {kinds}; its rules are {} {snapshot}{whole}", when(*is_assumed)))
            }
            Fact::Average { minutes, reference, average, last } => look(
                "average",
                match (reference, average) {
                    (Some(price), _) => format!("the reference price {} stands for it", short(price)),
                    (None, Some(price)) => format!("{} over {minutes} minutes of closed bars", short(price)),
                    (None, None) if *minutes == 0 => format!("the last price {} stands for it", short(last)),
                    (None, None) => {
                        format!("no closed bar in {minutes} minutes: the last price {} stands in", short(last))
                    }
                },
            ),
            Fact::Sized { money, price, quantity } => {
                let from = price.map_or("from own orders first".to_owned(), |price| format!("at {}", short(price)));
                let (money, quantity) = (short(money), short(quantity));
                look("size", format!("{money} {quote} {from} comes to {quantity} {base}, down to the step"))
            }
            Fact::Pegged { peg, own, bid, ask, inside, price } => {
                let offset = peg.offset.map(|levels| format!(", {levels} levels deeper")).unwrap_or_default();
                let own = own.map(|own| format!(", not beyond its own price {}", short(own))).unwrap_or_default();
                let price = price.map_or("no such level".to_owned(), short);
                let kind = peg.price_type;
                let inside: Vec<_> = inside.iter().map(short).collect();
                let inside = if inside.is_empty() { String::new() } else { format!(", own {}", inside.join(" and ")) };
                look("peg", format!("{kind}{offset}{own}: bid {}, ask {}{inside} make {price}", short(bid), short(ask)))
            }
            Fact::Filter(reading) => vec![Told::Look(reading.filter.as_str(), self.reading(reading))],
            Fact::Name { name: None, .. } => Vec::new(),
            Fact::Name { name: Some(name), holds } => {
                let borne = if *holds { "no open order bears it" } else { "an open order bears it" };
                look("name", format!("{name}: {borne}"))
            }
            Fact::Funds { asset, needed, price, free, released, .. } => {
                let each =
                    if price.is_zero() { String::new() } else { format!(" at {} for each {base}", short(price)) };
                let more = if released.is_zero() { String::new() } else { format!(" + {} released", short(released)) };
                look("balance", format!("needs {} {asset}{each}; free {}{more}", short(needed), short(free)))
            }
            Fact::Stop { stop, is_above, last, .. } => {
                let must = if *is_above { "above" } else { "below" };
                look("stopPrice", format!("{} must be {must} the last price {}", short(stop), short(last)))
            }
            Fact::PostOnly { limit, bid, ask, own, .. } => {
                let own = own.map(|own| format!(", own order at {}", short(own))).unwrap_or_default();
                look(
                    "post-only",
                    format!(
                        "{} must not reach the other side: bid {}, ask {}{own}",
                        short(limit),
                        short(bid),
                        short(ask)
                    ),
                )
            }
            Fact::Relation { above, below, last, .. } => {
                let all = |prices: &[Price]| prices.iter().map(short).collect::<Vec<_>>().join(" and ");
                let last = short(last);
                let told = match (&above[..], &below[..]) {
                    (above, []) => format!("{} above the last price {last}", all(above)),
                    ([], below) => format!("{} below the last price {last}", all(below)),
                    (above, below) => format!("{} above the last price {last}, {} below", all(above), all(below)),
                };
                look("prices of the pair", told)
            }
            Fact::Depth { budget, least, .. } => {
                let least: Vec<_> = least.iter().filter(|least| !least.is_zero()).map(short).collect();
                let least = if least.is_empty() { "more than nothing".to_owned() } else { least.join(" and ") };
                look("order book", format!("{} {base} can be had; needs {least}", short(budget)))
            }
            Fact::Restricted { restrictions, status, .. } => {
                look("restrictions", format!("{restrictions}, and the order is {status}"))
            }
            Fact::Amended { from, to, name } => {
                let name = name.map(|name| format!(" and the name {name}")).unwrap_or_default();
                line(format!("{} is to get the quantity {} instead of {}{name}", order(), short(to), short(from)))
            }
            Fact::NotOpen { named, name, last } => look("not open", not_open(*named, *name, *last)),
            Fact::Missed => line(format!("{} is named, and is not open any more", order())),
            Fact::Refused(refusal) => line(refused(refusal)),
            Fact::Tested => line("it would be taken".to_owned()),
            Fact::Report { report, balances } => self.report(report, balances, role),
            Fact::List(status) => line(format!("list {}: {}", status.order_list_id, status.list_status_type)),
            Fact::Reach { limit, bid, ask, own, takes } => {
                let own = own.map(|own| format!(", an own order is at {}", short(own))).unwrap_or_default();
                let does = if *takes { "takes" } else { "does not take" };
                look(does, format!("limit {}, bid {}, ask {}{own}", short(limit), short(bid), short(ask)))
            }
            Fact::AllOrNothing { needed, available, .. } => look(
                "all or nothing",
                format!("needs {} {base}, {} can be had at once", short(needed), short(available)),
            ),
            Fact::TakerPrice { last, half_spread, slippage, limit, price, side } => {
                let sign = if *side == Side::Buy { '+' } else { '-' };
                let slip =
                    if slippage.is_zero() { String::new() } else { format!(" {sign} slippage {}", short(slippage)) };
                let limit = limit.map(|limit| format!(", not beyond the limit {}", short(limit))).unwrap_or_default();
                look(
                    "price",
                    format!(
                        "last {} {sign} half spread {}{slip}{limit} = {}",
                        short(last),
                        short(half_spread),
                        short(price)
                    ),
                )
            }
            Fact::Range { price, reference, up, down, .. } => {
                let (low, high) = (down.map(|d| scaled(*reference, d)), up.map(|u| scaled(*reference, u)));
                look(
                    "price range",
                    format!("{}: {} around the reference price {}", short(price), bounds(low, high), short(reference)),
                )
            }
            Fact::Drawn { has_volume: false, within: Within::FinerBar, .. } => {
                look("liquidity", "nothing is traded in this finer bar, so that there is none (rule 2.4)".to_owned())
            }
            Fact::Drawn { has_volume: false, .. } => {
                look("liquidity", "nothing is traded in this bar, so that there is none (rule 2.4)".to_owned())
            }
            Fact::Drawn { wanted, budget, within, .. } => {
                let gets = (*wanted).min(*budget);
                let left = Quantity::from_units(budget.units() - gets.units());
                look(
                    "liquidity",
                    format!(
                        "wants {}, this {} still has {} {base}: gets {}, leaves {}{}",
                        short(wanted),
                        named(*within),
                        short(budget),
                        short(gets),
                        short(left),
                        rule_of(*within)
                    ),
                )
            }
            Fact::MeetsOwn { taker, maker, price, quantity, mode } => {
                let other = if note.order == Some(*taker) { maker } else { taker };
                look(
                    "own order",
                    format!("meets order {other} for {} {base} at {}; {mode} decides", short(quantity), short(price)),
                )
            }
            fact @ Fact::Commission { .. } => commission(fact, quote),
            Fact::Rests { limit, remains_taker, before, shown } => {
                let before = match before {
                    0 => "before all other own orders".to_owned(),
                    1 => "behind 1 own order".to_owned(),
                    n => format!("behind {n} own orders"),
                };
                let how = if *remains_taker { "as a remainder that takes on while it can" } else { &before };
                look("on the book", format!("{} {base} at {}, {how}", short(shown), short(limit)))
            }
            Fact::Waits { level, is_above, is_dormant, extreme } => {
                let way = if *is_above { "rises" } else { "falls" };
                let then = if *is_dormant { ", and trails from there on" } else { "" };
                let from = extreme.map(|extreme| format!("; it trails from {}", short(extreme))).unwrap_or_default();
                look("waits", format!("until the last price {way} to {}{then}{from}", short(level)))
            }
            Fact::Trails { extreme, level, delta } => look(
                "trails",
                format!("best price {}: triggers at {}, {delta} basis points from it", short(extreme), short(level)),
            ),
            Fact::Reached { level, way, begins_to_trail } => {
                let then = if *begins_to_trail { "begins to trail" } else { "is triggered" };
                line(format!("the price {} its level {}: {} {then}", moved(way), short(level), order()))
            }
            Fact::Through { limit, way } => line(format!("the price {} its limit {}", moved(way), short(limit))),
            Fact::Dry { limit, within, since, times: n } => line(format!(
                "the price went through its limit {}, and this {} had nothing left for it: {}",
                short(limit),
                named(*within),
                since_then(*n, *since, note.time)
            )),
            Fact::Touched { limit, since, times: n } => line(format!(
                "the price was at its limit {} and not beyond, which does not fill it: {}",
                short(limit),
                since_then(*n, *since, note.time)
            )),
            Fact::Halted { status, since, times: n } => line(format!(
                "the market was {}, nothing is matched: {}",
                status.map_or("unknown", SymbolStatus::as_str),
                since_then(*n, *since, note.time)
            )),
            Fact::Remains { takes, limit, bid, ask, budget } => {
                let then = if *takes {
                    format!("{} {base} are there for it", short(budget))
                } else {
                    "it rests from here on".to_owned()
                };
                look(
                    if *takes { "still takes" } else { "takes no more" },
                    format!("limit {}, bid {}, ask {}: {then}", short(limit), short(bid), short(ask)),
                )
            }
            Fact::Activated { received, quantity } => {
                let paid = received.map(|received| {
                    format!(" with {} of the {} {base} that were received", short(quantity), short(received))
                });
                line(format!(
                    "its working order is filled: {} is to go onto the book{}",
                    order(),
                    paid.unwrap_or_default()
                ))
            }
        }
    }

    fn taken_up(&self, time: Timestamp, stand: &Stand) -> Vec<Told> {
        let (within, opened) = (named(stand.within), stand.opened);
        let place = match (stand.within, time == opened) {
            (Within::Trade, _) => format!("at a trade of the bar from {opened} (rules 1.5, 8.33)"),
            (Within::FinerBar, true) => format!("at the open of the finer bar from {opened} (rules 1.5, 8.32)"),
            (Within::FinerBar, false) => format!("at an extreme of the finer bar from {opened} (rules 1.5, 8.32)"),
            (Within::Bar, true) => format!("at the open of the bar from {opened}"),
            (Within::Bar, false) => format!("at an extreme of the bar from {opened}"),
        };
        let budget = if stand.has_volume {
            format!("own orders may take {} {} of this {within} (rule 4.1)", short(stand.budget), self.base)
        } else {
            format!("nothing is traded in this {within} (rule 2.4)")
        };
        let (last, bid, ask) = (short(stand.last), short(stand.bid), short(stand.ask));
        vec![
            Told::Line(format!("taken up {place}")),
            Told::Look("market", format!("last {last}, bid {bid}, ask {ask}; {budget}")),
        ]
    }
}

pub(super) fn refused(refusal: &Refusal) -> String {
    let half = |half: &Half| match half {
        Half::Success => "done".to_owned(),
        Half::Failure(refusal) => refusal.to_string(),
        Half::NotAttempted => "not attempted".to_owned(),
    };
    let halves =
        refusal.halves.as_ref().map(|h| format!(" (cancel: {}; new order: {})", half(&h.cancel), half(&h.new_order)));
    format!("refused: {refusal}{}", halves.unwrap_or_default())
}

/// What liquidity is a share of.
fn named(within: Within) -> &'static str {
    match within {
        Within::Bar => "bar",
        Within::FinerBar => "finer bar",
        Within::Trade => "trade",
    }
}

/// The rules about shares of a bar, and of what is inside.
fn rule_of(within: Within) -> &'static str {
    match within {
        Within::Bar => "",
        Within::FinerBar => " (rules 4.1, 8.32)",
        Within::Trade => " (rules 4.1, 8.33)",
    }
}

/// What has become of an order that a command names.
fn not_open(
    named: Option<OrderId>,
    name: Option<ClientOrderId>,
    last: Option<(OrderId, OrderStatus, Timestamp)>,
) -> String {
    let meant = match (named, name) {
        (Some(id), Some(name)) => format!("order {id} by the name {name}"),
        (Some(id), None) => format!("order {id}"),
        (None, Some(name)) => format!("an order by the name {name}"),
        (None, None) => "an order".to_owned(),
    };
    match last {
        Some((id, status, since)) if status.is_final() => format!("{meant}: order {id} is {status} since {since}"),
        Some((id, status, _)) => format!("{meant}: order {id} is {status}, of another market or by another name"),
        None => format!("{meant}: there has been none"),
    }
}

fn moved(way: &Way) -> String {
    let (from, to) = (short(way.from), short(way.to));
    if way.jumps {
        format!("jumps from {from} to {to}, at or beyond")
    } else {
        format!("goes from {from} to {to} and meets")
    }
}

fn since_then(count: u64, since: Timestamp, now: Timestamp) -> String {
    if count == 1 { times(1) } else { format!("{} from {since} to {now}", times(count)) }
}
