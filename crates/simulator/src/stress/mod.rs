//! Stress: exchange trouble inside a backtest, from episodes that are known beforehand.
//!
//! | question | file |
//! |---|---|
//! | which episodes does a seed come to? | `draw` |
//! | what are bars and filters of a halted market? | `halts` |
//! | what becomes of commands and answers on their way? | `line` |
//!
//! A halt is data: the market's bars and filters are rewritten before the run, and the engine
//! knows nothing of it. All other trouble sits on the line between strategy and venue; the
//! backtest asks it about every command, and without stress there is none.

mod draw;
mod halts;
mod line;

use std::sync::Arc;

use candlewick_model::EventLog;
use candlewick_model::run::Event;
use candlewick_model::stress::{Episode, Phase};
use rand_chacha::ChaCha8Rng;

use crate::setup::Setup;
pub use draw::draw;
pub(crate) use line::{Held, Line};

/// Trouble in a run: when, and what decides about single commands.
#[derive(Debug, Clone)]
pub struct Stress {
    /// By time.
    pub(crate) episodes: Arc<[Episode]>,
    /// Decides which commands are executed of those whose answer is lost.
    pub(crate) random: ChaCha8Rng,
}

impl Setup {
    /// The same run under episodes of trouble.
    #[must_use]
    pub fn under(&self, mut episodes: Vec<Episode>, random: ChaCha8Rng) -> Self {
        episodes.sort_by_key(|episode| (episode.from, episode.trouble.kind()));
        Self {
            markets: self.markets.iter().map(|market| market.halted(&episodes)).collect(),
            stress: Some(Stress { episodes: episodes.into(), random }),
            ..self.clone()
        }
    }
}

impl Stress {
    /// A log with the beginnings and ends of the episodes in it.
    pub(crate) fn told_in(&self, log: &EventLog) -> EventLog {
        let mut marks: Vec<_> = self
            .episodes
            .iter()
            .flat_map(|episode| [(episode.from, Phase::Begins, episode), (episode.to, Phase::Ends, episode)])
            .collect();
        marks.sort_by_key(|(time, ..)| *time);
        let told = |(time, phase, episode): &(_, _, &Episode)| {
            let episode = Box::new((*episode).clone());
            Event::Stress { time: *time, phase: *phase, episode }
        };
        let mut marks = marks.iter().peekable();
        let mut all = EventLog::default();
        for event in log {
            while let Some(mark) = marks.next_if(|(time, ..)| *time <= event.time()) {
                all.push(told(mark));
            }
            all.push(event);
        }
        all.extend(marks.map(told));
        all
    }
}
