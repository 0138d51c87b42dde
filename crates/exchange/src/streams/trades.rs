//! `<symbol>@trade` and `<symbol>@aggTrade`: what was traded up to the point that the path has
//! reached, each with its own time.

use candlewick_model::Side;

use super::Topic;
use super::listeners::Listeners;
use crate::audience::Change;
use crate::market::{Joined, View};

/// Single trades.
pub(super) struct Trades {
    /// The number of the one that comes next.
    next: i64,
}

/// Joined trades.
pub(super) struct JoinedTrades {
    next: i64,
}

impl Trades {
    pub(super) fn begin(view: &View<'_>) -> Self {
        Self { next: view.trades(None, 1).last().map_or(0, |trade| trade.id + 1) }
    }
}

impl JoinedTrades {
    pub(super) fn begin(view: &View<'_>) -> Self {
        let last = view.joined_trades(&Joined::Until(view.now()), 1);
        Self { next: last.last().map_or(0, |trade| trade.id + 1) }
    }
}

impl Topic for Trades {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        if !matches!(change, Change::Point(_)) {
            return;
        }
        for trade in view.trades(Some(self.next), usize::MAX) {
            self.next = trade.id + 1;
            listeners.say(view.now(), |text| {
                text.put(r#"{"e":"trade","E":"#).time(view.now()).put(r#","s":"#).put(view.market.symbol_json());
                text.put(r#","t":"#).whole(trade.id).put(r#","p":"#).price(trade.price);
                text.put(r#","q":"#).quantity(trade.quantity).put(r#","T":"#).time(trade.time);
                text.put(r#","m":"#).truth(trade.aggressor == Side::Sell);
                text.put(r#","M":"#).truth(trade.is_best_match).put("}");
            });
        }
    }

    fn jump(&mut self, view: &View<'_>) {
        *self = Self::begin(view);
    }
}

impl Topic for JoinedTrades {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        if !matches!(change, Change::Point(_)) {
            return;
        }
        for trade in view.joined_trades(&Joined::FromId(self.next), usize::MAX) {
            self.next = trade.id + 1;
            listeners.say(view.now(), |text| {
                text.put(r#"{"e":"aggTrade","E":"#).time(view.now()).put(r#","s":"#).put(view.market.symbol_json());
                text.put(r#","a":"#).whole(trade.id).put(r#","p":"#).price(trade.price);
                text.put(r#","q":"#).quantity(trade.quantity).put(r#","f":"#).whole(trade.first_trade_id);
                text.put(r#","l":"#).whole(trade.last_trade_id).put(r#","T":"#).time(trade.time);
                text.put(r#","m":"#).truth(trade.aggressor == Side::Sell);
                text.put(r#","M":"#).truth(trade.is_best_match).put("}");
            });
        }
    }

    fn jump(&mut self, view: &View<'_>) {
        *self = Self::begin(view);
    }
}
