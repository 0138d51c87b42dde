//! Who is told what happens, at the moment when it happens.
//!
//! For: the one place where the exchange speaks up without being asked; user events and market
//! streams are made here and put into the outlets of connections. Not for: answers.

use candlewick_model::Timestamp;
use candlewick_simulator::{Point, Replay, VenueEvent};

use crate::local::Booking;
use crate::market::View;
use crate::streams::Streams;
use crate::user::Users;

/// All who listen.
#[derive(Default)]
pub(crate) struct Audience {
    pub(crate) users: Users,
    pub(crate) streams: Streams,
}

/// Why a market is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has reached a point of its path.
    Point(Point),
    /// Own orders on its book have changed.
    Orders,
    /// Nothing: time goes on between two points.
    Time,
}

impl Audience {
    /// Something has happened to an account: by one request, or at one point of one market.
    /// What it holds now is in its replay.
    pub(crate) fn account(&mut self, account: usize, said: &[VenueEvent], replay: &Replay, now: Timestamp) {
        self.users.tell(account, said, replay, now);
    }

    /// Something was paid into an account or out of it.
    pub(crate) fn transfer(&mut self, booking: &Booking, replay: &Replay, now: Timestamp) {
        self.users.tell_of_transfer(booking, replay, now);
    }

    /// A market was put to another time, and nothing was said of the way: it is as the view shows it.
    pub(crate) fn jumped(&mut self, view: &View<'_>) {
        self.streams.jumped(view);
    }

    /// Whether anybody who listens is behind: who can wait should.
    pub(crate) fn is_busy(&self) -> bool {
        self.streams.is_busy() || self.users.is_busy()
    }

    /// Leaves all who are behind: they were waited for.
    pub(crate) fn leave_busy(&mut self) {
        self.streams.leave_busy();
        self.users.leave_busy();
    }

    /// Something has happened on a market, which is as the view shows it.
    pub(crate) fn market(&mut self, view: &View<'_>, change: Change) {
        self.users.expire(view.now());
        if !self.streams.is_empty() {
            self.streams.market(view, change);
        }
    }
}
