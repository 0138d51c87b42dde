//! The notes as a story: what was asked for and what came of it, then all of it in order.
//!
//! Lines that begin with a time say what happened; below each stands what was looked at, with
//! `holds` or `FAILS` where it was a check.

use std::collections::BTreeSet;
use std::fmt::Write;

use candlewick_model::run::{CommandId, Event};
use candlewick_model::stress::Trouble;
use candlewick_model::{EventLog, Order, OrderId, Symbol, Timestamp};
use candlewick_simulator::Market;
use candlewick_simulator::trace::{Fact, Note, Traced};
use serde::Serialize;

use super::facts::{Assets, Role, refused};
use super::figures::short;
use super::page::Page;
use super::quiet::{Quiet, Unread};

/// Everything that is told of an order or a command.
pub(crate) struct Story<'a> {
    traced: &'a Traced,
    /// What the log says of the commands that had to do with it, where no note does.
    log: Vec<Event>,
}

/// A note as JSON has it.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    command: Option<CommandId>,
    order: Option<OrderId>,
    rule: Option<&'static str>,
    holds: Option<bool>,
    #[serde(flatten)]
    fact: &'a Fact,
}

impl<'a> Story<'a> {
    pub(crate) fn new(traced: &'a Traced, events: &EventLog) -> Self {
        let concerned: BTreeSet<_> =
            traced.notes.iter().filter_map(|note| note.command).chain(traced.command).collect();
        let noted = |id: CommandId| {
            traced.notes.iter().any(|note| note.command == Some(id) && matches!(note.fact, Fact::Refused(_)))
        };
        let (symbol, lived) = (symbol_of(traced), lifetime(traced));
        let is_told = |event: &Event| match event {
            Event::Sent { command, .. } | Event::NotSent { command, .. } | Event::Trouble { command, .. } => {
                concerned.contains(command)
            }
            // What the venue has not said itself: trouble has.
            Event::Refused { command, .. } => concerned.contains(command) && !noted(*command),
            Event::Stress { time, episode, .. } => {
                episode.trouble == Trouble::Halt && symbol.is_some() && episode.concerns(symbol) && lived.contains(time)
            }
            _ => false,
        };
        Self { traced, log: events.iter().filter(is_told).collect() }
    }

    /// The market that the command named.
    pub(crate) fn symbol(&self) -> Option<Symbol> {
        let named = |event: &Event| match event {
            Event::Sent { parameters, .. } => parameters.symbol(),
            _ => None,
        };
        symbol_of(self.traced).or_else(|| self.log.iter().find_map(named))
    }

    /// As JSON: what the log says of the commands, and the notes.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        let line = |note: &'a Note| Line {
            time: note.time,
            command: note.command,
            order: note.order,
            rule: note.fact.rule(),
            holds: note.fact.holds(),
            fact: &note.fact,
        };
        let notes: Vec<_> = self.traced.notes.iter().map(line).collect();
        let (command, orders) = (self.traced.command, &self.traced.orders);
        Ok(serde_json::json!({ "command": command, "orders": orders, "events": self.log, "notes": notes }))
    }

    /// As text. `market` is the one that the command named, if the run has it.
    pub(crate) fn text(&self, market: Option<&Market>) -> String {
        let instrument = market.map(|market| market.timeline.last());
        let assets = Assets {
            base: instrument.map(|i| i.base_asset).unwrap_or_default(),
            quote: instrument.map(|i| i.quote_asset).unwrap_or_default(),
        };
        let mut page = Page::new(self.heading());
        let latency_us = market.map_or(0, |market| market.fill_model.latency_us);
        let mut met = BTreeSet::new();
        let mut unread = Unread::default();
        let mut log = self.log.iter().peekable();
        let mut quiet = Quiet::default();
        for note in &self.traced.notes {
            let comes_before = |event: &&Event| match event {
                Event::Sent { command, .. } | Event::Trouble { command, .. } if Some(*command) == note.command => true,
                event => event.time() < note.time,
            };
            while let Some(event) = log.next_if(comes_before) {
                page.event(event, latency_us);
            }
            if let Some(filters) = unread.after(note) {
                page.look(None, "do not apply", &filters);
            }
            let role = Role {
                is_own: note.order.is_none_or(|id| self.traced.orders.contains(&id)),
                is_new: note.order.is_some_and(|id| !met.contains(&id)),
            };
            let by = note.command.filter(|command| Some(*command) != self.traced.command);
            for told in assets.tell(note, role) {
                page.told(note, told, by);
            }
            if let Some(range) = quiet.ends(note, market) {
                page.look(None, "meanwhile", &range);
            }
            if matches!(note.fact, Fact::Report { .. }) {
                met.extend(note.order);
            }
        }
        log.for_each(|event| page.event(event, latency_us));
        for id in &self.traced.orders {
            if let Some(range) = quiet.range(*id, Timestamp::MAX, market) {
                page.look(None, "meanwhile", &range);
            }
        }
        page.into_text()
    }

    /// What it is, and what came of it.
    fn heading(&self) -> String {
        let mut text = String::new();
        for id in &self.traced.orders {
            if let Some(order) = self.last_state(*id) {
                writeln!(text, "order {id}: {}", describe(order)).expect("a String takes everything");
                writeln!(text, "{}", outcome(order)).expect("a String takes everything");
            }
        }
        if let (true, Some(id)) = (text.is_empty(), self.traced.command) {
            let action = self.log.iter().find_map(|event| match event {
                Event::Sent { command, action, .. } if *command == id => Some(action.as_str()),
                _ => None,
            });
            let (action, answer) = (action.unwrap_or_default(), self.answer());
            writeln!(text, "command {id}: {action}\n{answer}").expect("a String takes everything");
        }
        text
    }

    fn last_state(&self, id: OrderId) -> Option<&Order> {
        self.traced.notes.iter().rev().find_map(|note| match &note.fact {
            Fact::Report { report, .. } if note.order == Some(id) => Some(&report.order),
            _ => None,
        })
    }

    /// What was answered to a command that has made no order.
    fn answer(&self) -> String {
        if self.log.iter().any(|event| matches!(event, Event::NotSent { .. })) {
            return "never sent: the market ended first".to_owned();
        }
        let noted = self.traced.notes.iter().rev().find_map(|note| match &note.fact {
            Fact::Refused(refusal) => Some(refusal),
            _ => None,
        });
        let logged = || {
            self.log.iter().find_map(|event| match event {
                Event::Refused { refusal, .. } => Some(refusal),
                _ => None,
            })
        };
        noted.or_else(logged).map_or("done".to_owned(), refused)
    }
}

/// The market of the orders.
fn symbol_of(traced: &Traced) -> Option<Symbol> {
    traced.notes.iter().find_map(|note| match &note.fact {
        Fact::Report { report, .. } => Some(report.order.symbol),
        _ => None,
    })
}

/// From the first note to the last one, or to the end of the run if an order is still open.
fn lifetime(traced: &Traced) -> std::ops::Range<Timestamp> {
    let Some((first, last)) = traced.notes.first().zip(traced.notes.last()) else {
        return Timestamp::MAX..Timestamp::MAX;
    };
    let ended = |id: &OrderId| {
        traced.notes.iter().any(|note| match &note.fact {
            Fact::Report { report, .. } => note.order == Some(*id) && report.order.status.is_final(),
            _ => false,
        })
    };
    first.time..if traced.orders.iter().all(ended) { last.time } else { Timestamp::MAX }
}

/// What an order is.
fn describe(o: &Order) -> String {
    let mut text = format!("{} {} {} {}", o.side, o.order_type, short(o.quantity), o.symbol);
    if !o.price.is_zero() {
        write!(text, " at {}", short(o.price)).expect("a String takes everything");
    }
    if !o.stop_price.is_zero() {
        write!(text, ", stop {}", short(o.stop_price)).expect("a String takes everything");
    }
    if let Some(delta) = o.trailing_delta {
        write!(text, ", trailing {delta} basis points").expect("a String takes everything");
    }
    if let Some(list) = o.order_list_id {
        write!(text, ", of list {list}").expect("a String takes everything");
    }
    format!("{text}, {} ({})", o.time_in_force, o.client_order_id)
}

/// How an order stands at the end.
fn outcome(o: &Order) -> String {
    let reason = o.expiry_reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let filled = match candlewick_report::csv::average_price(o) {
        Some(price) => format!(", {} filled at {} on average", short(o.filled_quantity), short(price)),
        None => ", nothing filled".to_owned(),
    };
    let when = if o.status.is_final() { format!("at {}", o.updated) } else { "at the end of the run".to_owned() };
    format!("{}{reason} {when}{filled}", o.status)
}
