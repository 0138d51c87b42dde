//! Random requests, made for the market as it stands when they are taken up: prices near the last
//! one, cancels of orders that are there. A few are nonsense.

use candlewick_model::{Action, Amount, Order, RawParameters, Side};

use crate::ask_lists::ask_list;
use crate::world::{MARKETS, STEP, UNIT};

/// One request: when (half seconds from the start), on which market, what (see [`ask`]).
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) time: i64,
    pub(crate) market: usize,
    pub(crate) what: u8,
    pub(crate) buys: bool,
    /// From the last price.
    pub(crate) ticks: i64,
    pub(crate) steps: i64,
    /// All smaller decisions.
    pub(crate) dice: u32,
}

/// A rare [`Op::what`].
pub(crate) const CANCEL_ALL: u8 = 26;

/// The market as a sender sees it.
pub(crate) struct Seen<'a> {
    pub(crate) market: usize,
    /// The last price in whole units.
    pub(crate) last: i64,
    pub(crate) open: Vec<&'a Order>,
    /// The request's number.
    pub(crate) number: usize,
}

/// Small decisions of one request, one after the other.
pub(crate) struct Dice(u64);

impl Dice {
    /// A number below `n`.
    pub(crate) fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }
}

/// The parameters of one request as they are put together.
pub(crate) struct Asked<'a> {
    pub(crate) op: &'a Op,
    pub(crate) seen: &'a Seen<'a>,
    pub(crate) dice: Dice,
    raw: Vec<(String, String)>,
}

pub(crate) fn ask(op: &Op, seen: &Seen<'_>) -> (Action, RawParameters) {
    let mut asked = Asked { op, seen, dice: Dice(u64::from(op.dice)), raw: Vec::new() };
    asked.put("symbol", MARKETS[seen.market].0);
    let action = asked.choose();
    if asked.raw.len() > 1 && asked.dice.one_in(40) {
        asked.spoil();
    }
    (action, asked.raw.into_iter().collect())
}

impl Asked<'_> {
    pub(crate) fn put(&mut self, name: &str, value: impl ToString) {
        self.raw.push((name.to_owned(), value.to_string()));
    }

    fn choose(&mut self) -> Action {
        match self.op.what % 32 {
            0..=3 => self.single("LIMIT"),
            4 => self.single("LIMIT_MAKER"),
            5 | 6 => self.single("MARKET"),
            7 => self.single("STOP_LOSS"),
            8 | 9 => self.single("STOP_LOSS_LIMIT"),
            10 => self.single("TAKE_PROFIT"),
            11 => self.single("TAKE_PROFIT_LIMIT"),
            12..=21 => ask_list(self, self.op.what % 32 - 12),
            22..=24 => self.cancel(),
            25 => self.cancel_list(),
            CANCEL_ALL if self.op.steps > 20 => Action::CancelAll,
            CANCEL_ALL..=28 => self.replace(),
            29 | 30 => self.amend(),
            _ => {
                let kind = self.dice.of(&["LIMIT", "MARKET", "STOP_LOSS_LIMIT"]);
                self.single(kind);
                Action::Test
            }
        }
    }

    fn single(&mut self, order_type: &str) -> Action {
        let side = if self.op.buys { "BUY" } else { "SELL" };
        self.put("side", side);
        self.leg("", order_type, self.op.buys);
        if self.dice.one_in(2) {
            // Sometimes a name that may still be borne by an open order.
            let number = if self.dice.one_in(8) { self.seen.number / 2 } else { self.seen.number };
            self.put("newClientOrderId", format!("o{number}"));
        }
        self.mode();
        Action::New
    }

    /// A mode of self-trade prevention, or the symbol's own.
    pub(crate) fn mode(&mut self) {
        let modes = ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"];
        if self.dice.one_in(2) {
            let mode = self.dice.of(&modes);
            self.put("selfTradePreventionMode", mode);
        }
    }

    /// Mostly one that every step allows.
    pub(crate) fn quantity(&self) -> Amount {
        let steps = if self.op.dice.is_multiple_of(8) { self.op.steps } else { (self.op.steps & !1).max(2) };
        Amount::from_units((steps * STEP).into())
    }

    /// The limit of an own order on the other side, if there is one.
    fn own_price(&mut self, buys: bool) -> Option<Amount> {
        let other = if buys { Side::Sell } else { Side::Buy };
        let limits = self.seen.open.iter().filter(|order| order.side == other && order.is_on_book());
        let limits: Vec<i64> = limits.map(|order| order.limit().units()).collect();
        (!limits.is_empty()).then(|| Amount::from_units(self.dice.of(&limits).into()))
    }

    /// A price so many ticks away.
    pub(crate) fn price(&self, ticks: i64) -> Amount {
        Amount::from_units(((self.seen.last + ticks).max(1) * UNIT).into())
    }

    /// Type, prices and all that belongs to them, under the names of a leg. A quantity is put
    /// where a single order has it.
    pub(crate) fn leg(&mut self, prefix: &str, order_type: &str, buys: bool) {
        let name = |of: &str| match (prefix.is_empty(), of.split_at(1)) {
            (true, (first, rest)) => first.to_lowercase() + rest,
            (false, _) => format!("{prefix}{of}"),
        };
        self.put(&name("Type"), order_type);
        if prefix.is_empty() {
            let sized_in_quote = order_type == "MARKET" && self.dice.one_in(3);
            match sized_in_quote {
                true => self.put("quoteOrderQty", self.op.steps * 17),
                false => self.put("quantity", self.quantity()),
            }
        }
        let is_limit = order_type.contains("LIMIT");
        let pegged = is_limit && self.dice.one_in(8);
        let time_in_force = self.dice.of(&["GTC", "GTC", "GTC", "IOC", "FOK"]);
        if is_limit && order_type != "LIMIT_MAKER" {
            self.put(&name("TimeInForce"), time_in_force);
        }
        if pegged {
            let market_peg = order_type != "LIMIT_MAKER" && self.dice.one_in(2);
            self.put(&name("PegPriceType"), if market_peg { "MARKET_PEG" } else { "PRIMARY_PEG" });
            if self.dice.one_in(2) {
                self.put(&name("PegOffsetType"), "PRICE_LEVEL");
                let level = self.dice.roll(3);
                self.put(&name("PegOffsetValue"), level);
            }
        }
        if is_limit && !(pegged && self.dice.one_in(2)) {
            let price = self.limit(order_type, buys);
            self.put(&name("Price"), price);
        }
        if order_type.starts_with("STOP_LOSS") || order_type.starts_with("TAKE_PROFIT") {
            self.trigger(&name("StopPrice"), &name("TrailingDelta"), order_type, buys);
        }
        if is_limit && self.dice.one_in(6) && (time_in_force == "GTC" || self.dice.one_in(4)) {
            let part = self.dice.roll(6) as i64;
            self.put(&name("IcebergQty"), Amount::from_units((part * STEP).into()));
        }
    }

    fn limit(&mut self, order_type: &str, buys: bool) -> Amount {
        let away = self.op.ticks.abs() + 1;
        match order_type {
            // A pair wants it on its own side of the market.
            "LIMIT_MAKER" | "TAKE_PROFIT_LIMIT" => self.price(if buys { -away } else { away }),
            _ => match self.own_price(buys) {
                Some(price) if self.dice.one_in(2) => price,
                _ => self.price(self.op.ticks),
            },
        }
    }

    fn trigger(&mut self, stop_price: &str, trailing_delta: &str, order_type: &str, buys: bool) {
        let (trails, stops) = self.dice.of(&[(false, true), (false, true), (true, true), (true, false)]);
        if stops {
            let above = order_type.starts_with("STOP_LOSS") == buys;
            let away = self.dice.roll(6) as i64 + i64::from(!self.dice.one_in(12));
            self.put(stop_price, self.price(if above { away } else { -away }));
        }
        if trails {
            let delta = 40 + self.dice.roll(400);
            self.put(trailing_delta, delta);
        }
    }

    /// An open order, or one that is not there.
    fn target(&mut self) -> (u64, String) {
        if self.seen.open.is_empty() || self.dice.one_in(12) {
            return (self.dice.roll(60) as u64 + 1, format!("o{}", self.dice.roll(60)));
        }
        let order = self.seen.open[self.dice.roll(self.seen.open.len())];
        (order.order_id, order.client_order_id.to_string())
    }

    /// By its number, its name, or both.
    fn name_target(&mut self, number: &str, name: &str) {
        let (id, named) = self.target();
        let by = self.dice.roll(3);
        if by != 1 {
            self.put(number, id);
        }
        if by != 0 {
            self.put(name, named);
        }
    }

    fn cancel(&mut self) -> Action {
        self.name_target("orderId", "origClientOrderId");
        if self.dice.one_in(4) {
            let restriction = self.dice.of(&["ONLY_NEW", "ONLY_PARTIALLY_FILLED"]);
            self.put("cancelRestrictions", restriction);
        }
        if self.dice.one_in(3) {
            self.put("newClientOrderId", format!("x{}", self.seen.number));
        }
        Action::Cancel
    }

    fn cancel_list(&mut self) -> Action {
        let lists: Vec<_> = self.seen.open.iter().filter_map(|order| order.order_list_id).collect();
        let list = if lists.is_empty() { 1 } else { self.dice.of(&lists) };
        self.put("orderListId", list);
        Action::CancelList
    }

    fn replace(&mut self) -> Action {
        self.name_target("cancelOrderId", "cancelOrigClientOrderId");
        let mode = self.dice.of(&["STOP_ON_FAILURE", "ALLOW_FAILURE"]);
        self.put("cancelReplaceMode", mode);
        if self.dice.one_in(4) {
            let restriction = self.dice.of(&["ONLY_NEW", "ONLY_PARTIALLY_FILLED"]);
            self.put("cancelRestrictions", restriction);
        }
        if self.dice.one_in(3) {
            let exceeded = self.dice.of(&["DO_NOTHING", "CANCEL_ONLY"]);
            self.put("orderRateLimitExceededMode", exceeded);
        }
        let kind = self.dice.of(&["LIMIT", "LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT"]);
        self.single(kind);
        Action::CancelReplace
    }

    fn amend(&mut self) -> Action {
        let open = self.seen.open.len();
        let quantity = match self.seen.open.get(self.dice.roll(open.max(1))) {
            Some(order) if !self.dice.one_in(6) => {
                self.put("orderId", order.order_id);
                let steps = order.quantity.units() / STEP;
                Amount::from_units((self.dice.roll(steps.max(1) as usize) as i64 * STEP).into())
            }
            _ => {
                self.name_target("orderId", "origClientOrderId");
                self.quantity()
            }
        };
        self.put("newQty", quantity);
        if self.dice.one_in(2) {
            self.put("newClientOrderId", format!("n{}", self.seen.number));
        }
        Action::Amend
    }

    /// Leaves a parameter out, doubles one, or puts nonsense into it; the symbol stays.
    fn spoil(&mut self) {
        let at = 1 + self.dice.roll(self.raw.len() - 1);
        match self.dice.roll(4) {
            0 => drop(self.raw.remove(at)),
            1 => self.raw.push(self.raw[at].clone()),
            2 => {
                self.raw[at].1 = self.dice.of(&["", "-1", "1e5", "0", "0.123456789", "99999999999999999999"]).to_owned()
            }
            _ => self.put("surprise", 1),
        }
    }
}
