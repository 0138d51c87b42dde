//! Which extreme of a bar comes first, where the path is chosen by its outcome (rule 2.2).

use std::cmp::Ordering;

use candlewick_model::run::{CommandId, PathModel};
use candlewick_model::{Amount, Command, Timestamp};

use super::Replay;
use crate::path::{FirstExtreme, POINTS};

impl Replay {
    /// Chooses the path of the bar of a market that is about to open by running it both ways on
    /// copies, with the commands that will meet it (rule 2.2, `pessimistic` and `optimistic`);
    /// `None` is the nearer extreme first. Other markets stand still.
    pub(crate) fn choose_path(
        &self,
        market: usize,
        model: PathModel,
        arriving: &[(Timestamp, CommandId, &Command)],
    ) -> Option<FirstExtreme> {
        let low = self.equity_along(market, FirstExtreme::Low, arriving);
        let high = self.equity_along(market, FirstExtreme::High, arriving);
        match (model, low.cmp(&high)) {
            (PathModel::Nearest | PathModel::Detail, _) | (_, Ordering::Equal) => None,
            (PathModel::Pessimistic, Ordering::Less) | (PathModel::Optimistic, Ordering::Greater) => {
                Some(FirstExtreme::Low)
            }
            _ => Some(FirstExtreme::High),
        }
    }

    fn equity_along(
        &self,
        market: usize,
        first: FirstExtreme,
        arriving: &[(Timestamp, CommandId, &Command)],
    ) -> Amount {
        let mut copy = self.clone();
        let mut arriving = arriving.iter().peekable();
        for _ in 0..POINTS {
            let Some(point) = copy.advance_along(market, Some(first)) else { break };
            if point.kind.takes_commands() {
                while let Some((_, id, command)) = arriving.next_if(|(arrival, ..)| *arrival <= point.time) {
                    copy.execute(*id, command);
                }
            }
        }
        copy.venue.worth_at(market)
    }
}
