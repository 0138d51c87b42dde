//! `<symbol>@avgPrice` and `<symbol>@referencePrice`.

use candlewick_model::time::SECOND;
use candlewick_model::{Price, Timestamp};

use super::Topic;
use super::listeners::{Listeners, Pace};
use crate::audience::Change;
use crate::market::View;

/// The average over some minutes, at points.
pub(super) struct AveragePrice {
    pace: Pace,
}

impl AveragePrice {
    pub(super) fn begin() -> Self {
        Self { pace: Pace::of(SECOND) }
    }
}

impl Topic for AveragePrice {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        if change == Change::Orders || !self.pace.allows(view.now()) {
            return;
        }
        let (price, minutes, last) = view.average();
        listeners.say(view.now(), |text| {
            text.put(r#"{"e":"avgPrice","E":"#).time(view.now()).put(r#","s":"#).put(view.market.symbol_json());
            text.put(r#","i":""#).whole(minutes.into()).put(r#"m","w":"#).price(price);
            text.put(r#","T":"#).time(last).put("}");
        });
    }

    fn jump(&mut self, _view: &View<'_>) {
        self.pace.forget();
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}

/// The reference price where it is another one, or holds from another time on.
pub(super) struct ReferencePrice {
    last: Option<(Option<Price>, Timestamp)>,
    pace: Pace,
}

impl ReferencePrice {
    pub(super) fn begin() -> Self {
        Self { last: None, pace: Pace::of(SECOND) }
    }
}

impl Topic for ReferencePrice {
    fn tell(&mut self, view: &View<'_>, change: Change, listeners: &mut Listeners) {
        let reference = view.reference();
        let Some((price, since)) = reference.filter(|_| change != Change::Orders && reference != self.last) else {
            return;
        };
        if !self.pace.allows(view.now()) {
            return;
        }
        self.last = reference;
        listeners.say(view.now(), |text| {
            text.put(r#"{"e":"referencePrice","s":"#).put(view.market.symbol_json()).put(r#","r":"#);
            match price {
                Some(price) => text.price(price),
                None => text.put("null"),
            };
            text.put(r#","t":"#).time(since).put("}");
        });
    }

    fn jump(&mut self, _view: &View<'_>) {
        self.pace.forget();
    }

    fn owes(&self) -> bool {
        self.pace.owes()
    }
}
