//! Events of accounts: who follows them, and how they are told.
//!
//! For: subscriptions of the WebSocket API and listen keys. An event goes into the outlets at the
//! moment when it happens, under the exchange's lock: so it is on its way before the answer to
//! the request that caused it, and after everything that happened before. Not for: answers, and
//! streams of markets.

mod events;
mod listen_keys;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use axum::extract::ws::Utf8Bytes;
use candlewick_model::{Asset, Symbol, TimeUnit, Timestamp};
use candlewick_simulator::{Replay, Setup, VenueEvent};

use self::events::Event;
pub(crate) use self::events::NAMES as EVENTS;
pub(crate) use self::listen_keys::ListenKeys;
use crate::faults::{FaultKind, Faults, SharedFaults};
use crate::local::Booking;
use crate::outlet::Outlet;

/// All who follow accounts.
#[derive(Default)]
pub(crate) struct Users {
    /// What is bought and what is paid on each market.
    assets: BTreeMap<Symbol, [Asset; 2]>,
    followers: BTreeMap<usize, Vec<Follower>>,
    /// What may happen to events on their way.
    pub(crate) faults: SharedFaults,
    /// Events that come late, and when.
    late: Vec<(Timestamp, Outlet, Utf8Bytes)>,
    pub(crate) keys: ListenKeys,
}

/// Somebody who follows an account.
struct Follower {
    outlet: Outlet,
    unit: TimeUnit,
    form: Form,
}

/// What is around an event.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The number of a subscription of the WebSocket API.
    Subscription(u16),
    /// Nothing, on a stream that has the name of a listen key.
    Raw(String),
    /// The envelope of combined streams.
    Enveloped(String),
}

impl Form {
    fn around(&self, event: &str) -> Utf8Bytes {
        match self {
            Self::Subscription(id) => format!(r#"{{"subscriptionId":{id},"event":{event}}}"#).into(),
            Self::Raw(_) => event.into(),
            Self::Enveloped(key) => format!(r#"{{"stream":"{key}","data":{event}}}"#).into(),
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Self::Subscription(_) => None,
            Self::Raw(key) | Self::Enveloped(key) => Some(key),
        }
    }
}

impl Users {
    pub(crate) fn new(setup: &Setup) -> Self {
        let instruments = setup.markets.iter().map(|market| market.timeline.last());
        let assets = instruments.map(|instrument| (instrument.symbol, [instrument.base_asset, instrument.quote_asset]));
        Self { assets: assets.collect(), ..Self::default() }
    }

    /// From now on an outlet is told of an account, as a subscription of this number.
    pub(crate) fn subscribe(&mut self, account: usize, id: u16, unit: TimeUnit, outlet: &Outlet) {
        self.add(account, Follower { outlet: outlet.clone(), unit, form: Form::Subscription(id) });
    }

    /// Ends a subscription; it is told so.
    pub(crate) fn unsubscribe(&mut self, id: u16, outlet: &Outlet, now: Timestamp) {
        for follower in
            self.remove(|follower| follower.form == Form::Subscription(id) && follower.outlet.is_same(outlet))
        {
            follower.tell(&[Event::Terminated], now);
        }
    }

    /// From now on an outlet is told of the account of a listen key, if there is such a key.
    pub(crate) fn follow(
        &mut self,
        key: &str,
        is_combined: bool,
        unit: TimeUnit,
        outlet: &Outlet,
        now: Timestamp,
    ) -> bool {
        self.expire(now);
        let Some(account) = self.keys.account(key) else { return false };
        let form = if is_combined { Form::Enveloped(key.to_owned()) } else { Form::Raw(key.to_owned()) };
        self.add(account, Follower { outlet: outlet.clone(), unit, form });
        true
    }

    /// An outlet is told no more of a listen key's account; without a key of none.
    pub(crate) fn leave(&mut self, key: Option<&str>, outlet: &Outlet) {
        self.remove(|follower| {
            let known = follower.form.key();
            known.is_some() && (key.is_none() || key == known) && follower.outlet.is_same(outlet)
        });
    }

    /// Whether anybody is far behind: who can wait should.
    pub(crate) fn is_busy(&self) -> bool {
        self.followers.values().flatten().any(|follower| follower.outlet.is_busy())
    }

    /// Leaves all who are.
    pub(crate) fn leave_busy(&mut self) {
        for follower in self.remove(|follower| follower.outlet.is_busy()) {
            follower.outlet.give_up();
        }
    }

    /// A key has been closed: nobody is told through it any more.
    pub(crate) fn close(&mut self, key: &str) {
        self.keys.close(key);
        self.remove(|follower| follower.form.key() == Some(key));
    }

    fn add(&mut self, account: usize, follower: Follower) {
        // Who has gone without a word is forgotten when somebody comes.
        self.remove(|follower| follower.outlet.is_lost());
        self.followers.entry(account).or_default().push(follower);
    }

    fn remove(&mut self, is_meant: impl Fn(&Follower) -> bool) -> Vec<Follower> {
        let mut removed = Vec::new();
        for followers in self.followers.values_mut() {
            removed.extend(followers.extract_if(.., |follower| is_meant(follower)));
        }
        self.followers.retain(|_, followers| !followers.is_empty());
        removed
    }

    /// Something has happened to an account; what it holds now is in its replay.
    pub(crate) fn tell(&mut self, account: usize, said: &[VenueEvent], replay: &Replay, now: Timestamp) {
        self.expire(now);
        if self.followers.contains_key(&account) {
            self.send(account, &self.events(said, replay), now);
        }
    }

    /// Something was paid into an account or out of it.
    pub(crate) fn tell_of_transfer(&mut self, booking: &Booking, replay: &Replay, now: Timestamp) {
        self.expire(now);
        let Booking { account, asset, amount } = *booking;
        let balances = vec![(asset, replay.account().balance(asset))];
        self.send(account, &[Event::Paid { asset, amount }, Event::Position { time: now, balances }], now);
    }

    fn send(&mut self, account: usize, events: &[Event<'_>], now: Timestamp) {
        let Some(followers) = self.followers.get(&account) else { return };
        if lock(&self.faults).is_empty() {
            tell_all(followers, events, now);
        } else {
            for follower in followers {
                let late = events.iter().filter_map(|event| follower.meet(event, &self.faults, now));
                self.late.extend(late.map(|(then, text)| (then, follower.outlet.clone(), text)));
            }
        }
        self.remove(|follower| follower.outlet.is_lost());
    }

    /// What is told: everything in the order in which the venue has said it, then what is held
    /// of the assets of which that may have changed something.
    fn events<'a>(&self, said: &'a [VenueEvent], replay: &Replay) -> Vec<Event<'a>> {
        let mut events = Vec::with_capacity(said.len() + 1);
        let mut assets = BTreeSet::new();
        let mut changed = None;
        for event in said {
            match event {
                VenueEvent::Report(report) => {
                    events.push(Event::Report(report));
                    assets.extend(self.assets.get(&report.order.symbol).into_iter().flatten());
                    assets.extend(report.fill.map(|fill| fill.commission_asset));
                    changed = Some(report.time);
                }
                VenueEvent::ListStatus(list) => events.push(Event::List(list)),
                VenueEvent::Refused { .. } | VenueEvent::Tested { .. } => {}
            }
        }
        if let Some(time) = changed {
            let held = replay.account();
            let balances = assets.into_iter().map(|asset| (asset, held.balance(asset))).collect();
            events.push(Event::Position { time, balances });
        }
        events
    }

    /// What is late never comes: it has not happened, or is behind what happens next.
    pub(crate) fn forget_late(&mut self) {
        self.late.clear();
    }

    /// Time has come so far: late events arrive, listen keys whose time is over end, and who
    /// follows them is told so.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        for (_, outlet, text) in self.late.extract_if(.., |(then, ..)| *then <= now) {
            outlet.say(text, now);
        }
        for key in self.keys.expire(now) {
            for follower in self.remove(|follower| follower.form.key() == Some(&key)) {
                follower.tell(&[Event::KeyExpired(&key)], now);
            }
        }
    }
}

/// Not for longer than it is asked: what is said then meets faults of its own.
fn lock(faults: &SharedFaults) -> MutexGuard<'_, Faults> {
    faults.lock().expect("nobody panics with it")
}

/// Tells all of them; what some are told alike is made once.
fn tell_all(followers: &[Follower], events: &[Event<'_>], now: Timestamp) {
    let mut made: Vec<(&Follower, Vec<Utf8Bytes>)> = Vec::new();
    for follower in followers {
        let known = made.iter().position(|(other, _)| (other.unit, &other.form) == (follower.unit, &follower.form));
        let at = known.unwrap_or_else(|| {
            made.push((follower, events.iter().map(|event| follower.text(event, now)).collect()));
            made.len() - 1
        });
        made[at].1.iter().for_each(|text| follower.outlet.say(text.clone(), now));
    }
}

impl Follower {
    /// Is told of an event with the fault that it meets; when it is to be told what, if that is later.
    fn meet(&self, event: &Event<'_>, faults: &SharedFaults, now: Timestamp) -> Option<(Timestamp, Utf8Bytes)> {
        let met = lock(faults).meet_event(event.name(), now);
        let times = match met.as_ref().map(|fault| fault.kind) {
            None => 1,
            Some(FaultKind::EventTwice) => 2,
            Some(_) => 0,
        };
        (0..times).for_each(|_| self.tell(std::slice::from_ref(event), now));
        let late = met.filter(|fault| fault.kind == FaultKind::EventLate)?;
        let us = i64::try_from(late.delay_ms?).unwrap_or(i64::MAX).saturating_mul(1_000);
        Some((now.plus(us), self.text(event, now)))
    }

    fn tell(&self, events: &[Event<'_>], now: Timestamp) {
        for event in events {
            self.outlet.say(self.text(event, now), now);
        }
    }

    fn text(&self, event: &Event<'_>, now: Timestamp) -> Utf8Bytes {
        self.form.around(&event.text(now, self.unit))
    }
}
