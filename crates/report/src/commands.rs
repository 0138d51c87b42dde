//! What was asked of the venue, counted by action.
//!
//! For: counts that add up to the lines of `events.jsonl`. A command is not an order: a list is
//! one command for several orders, and one that cancels or amends makes none. Not for: what
//! became of orders (`activity`).

use candlewick_model::run::{Event, Run};
use candlewick_model::{Action, Half, Refusal};
use serde::Serialize;

use crate::format::count;

/// How many commands there were of a kind, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CommandCount {
    /// Commands that left the strategy.
    pub sent: u64,
    /// Commands that were answered with a code.
    pub refused: u64,
    /// Replacements among those of which one half was done.
    pub half_done: u64,
    /// Commands that came after the last bar.
    pub never_sent: u64,
}

/// Commands of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ActionCount {
    /// What they asked for.
    pub action: Action,
    /// How many.
    #[serde(flatten)]
    pub count: CommandCount,
}

/// All commands of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CommandCounts {
    /// Altogether.
    #[serde(flatten)]
    pub all: CommandCount,
    /// By what they asked for, in the order of the documents; only what there was.
    pub by_action: Vec<ActionCount>,
}

impl CommandCount {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Sent { .. } => self.sent += 1,
            Event::NotSent { .. } => self.never_sent += 1,
            Event::Refused { refusal, .. } => {
                self.refused += 1;
                self.half_done += u64::from(is_half_done(refusal));
            }
            _ => {}
        }
    }
}

fn is_half_done(refusal: &Refusal) -> bool {
    refusal.halves.as_ref().is_some_and(|halves| [&halves.cancel, &halves.new_order].contains(&&Half::Success))
}

/// Counts the commands.
#[must_use]
pub fn command_counts(run: &Run) -> CommandCounts {
    let mut counts = CommandCounts::default();
    let mut by_action = [CommandCount::default(); Action::ALL.len()];
    for event in &run.events {
        if let Event::Sent { action, .. } | Event::Refused { action, .. } | Event::NotSent { action, .. } = &event {
            counts.all.add(&event);
            by_action[*action as usize].add(&event);
        }
    }
    let all = Action::ALL.iter().zip(by_action).filter(|(_, count)| *count != CommandCount::default());
    counts.by_action = all.map(|(action, count)| ActionCount { action: *action, count }).collect();
    counts
}

impl CommandCounts {
    /// `3: 1 new, 2 amend`: a count of all, and by action where there are several.
    pub(crate) fn told(&self, of: fn(&CommandCount) -> u64) -> String {
        let parts = self.by_action.iter().map(|a| (a.action, of(&a.count))).filter(|(_, n)| *n > 0);
        let parts: Vec<_> = parts.map(|(action, n)| format!("{} {action}", count(n))).collect();
        match &parts[..] {
            [] => "0".to_owned(),
            [only] => only.clone(),
            several => format!("{}: {}", count(of(&self.all)), several.join(", ")),
        }
    }
}
