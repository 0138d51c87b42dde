//! The lines of a story: those that begin with a time say what happened, the ones below them what
//! was looked at.

use std::fmt::Write;

use candlewick_model::Timestamp;
use candlewick_model::run::{CommandId, Event};
use candlewick_model::stress::{Met, Phase, RejectionOutcome};
use candlewick_simulator::trace::Note;

use super::facts::{Told, refused};

/// The text so far, and the time of its last line.
pub(super) struct Page {
    text: String,
    now: Option<Timestamp>,
}

impl Page {
    pub(super) fn new(heading: String) -> Self {
        Self { text: heading + "\n", now: None }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// What the log says of a command.
    pub(super) fn event(&mut self, event: &Event, latency_us: i64) {
        match event {
            Event::Sent { time, command, action, parameters } => {
                let parameters = parameters.parameters();
                let parameters: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
                self.line(*time, &format!("command {command} leaves: {action} {}", parameters.join(" ")));
                if latency_us > 0 {
                    let arrival = time.plus(latency_us);
                    self.look(None, "latency", &format!("{latency_us} µs: arrives at {arrival} (rule 1.5)"));
                }
            }
            Event::NotSent { time, command, .. } => {
                self.line(
                    *time,
                    &format!("command {command} is never sent: no open or extreme comes after it (rule 1.7)"),
                );
            }
            Event::Trouble { left, command, met, .. } => {
                self.line(*left, &format!("command {command} meets trouble: {}", trouble(met)));
            }
            Event::Refused { time, command, refusal, .. } => {
                self.line(*time, &format!("the strategy is told of command {command}: {}", refused(refusal)));
            }
            Event::Stress { time, phase, .. } => {
                let text = match phase {
                    Phase::Begins => "the scenario halts the market: nothing is traded in whole bars from here on",
                    Phase::Ends => "the scenario lets the market trade again",
                };
                self.line(*time, &format!("{text} (rule 8.25)"));
            }
            _ => {}
        }
    }

    /// What a note says; `by` is the command that did it, if that is another one than the first.
    pub(super) fn told(&mut self, note: &Note, told: Told, by: Option<CommandId>) {
        // That a name or a filter comes in its turn goes without saying.
        let rule_of = |text: &str| match note.fact.rule() {
            Some(rule) if rule != "5.1" && !text.contains("(rule") => format!(" (rule {rule})"),
            _ => String::new(),
        };
        match told {
            Told::Line(text) => {
                let by = by.map(|command| format!(" [command {command}]")).unwrap_or_default();
                self.line(note.time, &format!("{text}{by}{}", rule_of(&text)));
            }
            Told::Look(what, text) => {
                let text = format!("{text}{}", rule_of(&text));
                let is_later = self.now != Some(note.time);
                match note.fact.holds() {
                    None if is_later => return self.line(note.time, &format!("{what}: {text}")),
                    Some(_) if is_later => self.line(note.time, "judged"),
                    _ => {}
                }
                self.look(note.fact.holds(), what, &text);
            }
        }
    }

    fn line(&mut self, time: Timestamp, text: &str) {
        self.now = Some(time);
        writeln!(self.text, "{time}  {text}").expect("a String takes everything");
    }

    pub(super) fn look(&mut self, holds: Option<bool>, what: &str, text: &str) {
        let verdict = match holds {
            None => "",
            Some(true) => "holds",
            Some(false) => "FAILS",
        };
        writeln!(self.text, "  {verdict:5}  {what:<21}  {text}").expect("a String takes everything");
    }
}

/// What a scenario did to a command.
fn trouble(met: &Met) -> String {
    match met {
        Met::Delayed { ms } => format!("it is under way {ms} ms longer"),
        Met::TimedOut { executed, known } => {
            let venue = if *executed { "it reaches the venue" } else { "it does not reach the venue" };
            format!("no answer (-1007); {venue}, and that is known at {known}")
        }
        Met::Rejected { rejection, times, outcome, known } => {
            let then = match outcome {
                RejectionOutcome::Passed => "then it passes",
                RejectionOutcome::Refused => "it is refused",
                RejectionOutcome::Unknown => "whether it was executed is not known, and no order is found",
                RejectionOutcome::GivenUp => "a live session would end",
            };
            let often = super::figures::times((*times).into());
            format!("rejected {often}, {} {}: {then}, at {known}", rejection.code, rejection.msg)
        }
    }
}
