//! An explanation changes nothing and tells what has happened: the notes about an order or a
//! command are what the log says of it, and a check that fails is the last one before the end that
//! it leads to.

use candlewick_model::run::Event;
use candlewick_model::{EventLog, ExecutionReport};
use candlewick_simulator::trace::{Fact, Note, Subject, Traced};
use candlewick_simulator::{Backtest, Finished, Setup};
use candlewick_strategy::Script;
use proptest::prelude::*;

use crate::world::World;

/// Runs again with notes about an order or a command, and compares.
pub(crate) fn check(world: &World, setup: &Setup, script: &Script, first: &Finished) -> Result<(), TestCaseError> {
    let events: Vec<Event> = first.outcome.events.iter().collect();
    let count = |number: &dyn Fn(&Event) -> Option<u64>| events.iter().filter_map(number).max().unwrap_or(0) + 1;
    let orders = count(&|event| match event {
        Event::ExecutionReport(report) => Some(report.order.order_id),
        _ => None,
    });
    let commands = count(&|event| match event {
        Event::Sent { command, .. } => Some(*command),
        _ => None,
    });
    let pick = world.stops.0 as u64 * 31 + world.stops.1 as u64;
    let subject =
        if pick.is_multiple_of(2) { Subject::Order(1 + pick % orders) } else { Subject::Command(1 + pick % commands) };
    let (finished, traced) = Backtest::new(setup, script.clone(), "script").explain(subject).unwrap();
    let bytes = |log: &EventLog| serde_json::to_string(log).unwrap();
    prop_assert_eq!(bytes(&finished.outcome.events), bytes(&first.outcome.events));
    prop_assert_eq!(finished.assumptions, first.assumptions);
    check_notes(&events, subject, &traced)
}

fn check_notes(events: &[Event], subject: Subject, traced: &Traced) -> Result<(), TestCaseError> {
    let notes = &traced.notes;
    prop_assert!(notes.iter().map(|note| note.time).is_sorted(), "{notes:#?}");
    for id in &traced.orders {
        let noted: Vec<ExecutionReport> = notes.iter().filter_map(|note| report_of(note, *id)).collect();
        prop_assert_eq!(&noted, &logged(events, *id));
    }
    match subject {
        Subject::Order(id) => {
            let is_there = !logged(events, id).is_empty();
            prop_assert_eq!(&traced.orders[..], if is_there { &[id][..] } else { &[] });
            prop_assert_eq!(notes.is_empty(), !is_there);
        }
        Subject::Command(id) => {
            let refusals = events.iter().filter_map(|event| match event {
                Event::Refused { command, refusal, .. } if *command == id => Some(refusal),
                _ => None,
            });
            let noted = notes.iter().filter_map(|note| match &note.fact {
                Fact::Refused(refusal) if note.command == Some(id) => Some(refusal),
                _ => None,
            });
            prop_assert!(refusals.eq(noted), "{notes:#?}");
        }
    }
    for (at, note) in notes.iter().enumerate().filter(|(_, note)| note.fact.holds() == Some(false)) {
        let mut after = notes[at + 1..].iter().map(|note| &note.fact);
        let next = after.find(|fact| fact.holds().is_some() || matches!(fact, Fact::Refused(_) | Fact::Report { .. }));
        let ends = match next {
            Some(Fact::Refused(_) | Fact::Report { .. }) => true,
            // What a FOK lacks may be due to the price range; a replacement goes on to its other half.
            Some(Fact::Range { .. }) => matches!(note.fact, Fact::AllOrNothing { .. }),
            _ => matches!(note.fact, Fact::Restricted { .. } | Fact::UnfilledOrders { .. }),
        };
        prop_assert!(ends, "{note:?} in {notes:#?}");
    }
    Ok(())
}

fn report_of(note: &Note, id: u64) -> Option<ExecutionReport> {
    match &note.fact {
        Fact::Report { report, .. } if note.order == Some(id) => Some(**report),
        _ => None,
    }
}

fn logged(events: &[Event], id: u64) -> Vec<ExecutionReport> {
    let of_order = |event: &Event| match event {
        Event::ExecutionReport(report) if report.order.order_id == id => Some(*report),
        _ => None,
    };
    events.iter().filter_map(of_order).collect()
}
