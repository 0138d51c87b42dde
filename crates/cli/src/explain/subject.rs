//! Which order is meant: from what was typed to a number, by the run's own events.
//!
//! An order may be named by its number, by its client order id, or by the number of the command
//! that asked for it (a refused one has no number). What could mean several is not guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use anyhow::{Context, anyhow};
use candlewick_model::OrderId;
use candlewick_model::run::CommandId;
use candlewick_simulator::trace::Subject;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What of an event says who is who.
#[derive(Deserialize)]
struct Event {
    event: String,
    command: Option<CommandId>,
    order_id: Option<OrderId>,
    client_order_id: Option<String>,
    cancel_client_order_id: Option<String>,
    execution_type: Option<String>,
    parameters: Option<Map<String, Value>>,
    code: Option<i32>,
    msg: Option<String>,
}

/// What a run's events say of the orders that may be meant.
#[derive(Default)]
struct Seen {
    orders: OrderId,
    commands: CommandId,
    /// Orders that have borne the name.
    bearers: BTreeSet<OrderId>,
    /// Commands that asked for the name, and what became of those that led to no order.
    asked: BTreeMap<CommandId, Option<String>>,
    /// The name that looks most like it.
    nearest: Option<(usize, String)>,
}

/// What was typed.
enum Typed<'a> {
    Order(OrderId),
    Command(CommandId),
    Client(&'a str),
    /// A name, or a number if it is one.
    Any(&'a str),
}

/// Finds what was typed among a run's events.
pub(crate) fn find(typed: &str, events: impl BufRead) -> anyhow::Result<Subject> {
    let what = read(typed)?;
    let name = match what {
        Typed::Client(name) | Typed::Any(name) => Some(name),
        Typed::Order(_) | Typed::Command(_) => None,
    };
    let mut seen = Seen::default();
    for line in events.lines() {
        let line = line?;
        let event: Event = serde_json::from_str(&line).with_context(|| format!("no event of a run: {line}"))?;
        seen.event(&event, name);
    }
    seen.choose(typed, &what)
}

fn read(typed: &str) -> anyhow::Result<Typed<'_>> {
    let number = |text: &str, kind: &str| {
        text.parse::<u64>().with_context(|| format!("`{typed}`: after `{kind}:` comes a number"))
    };
    Ok(match typed.split_once(':') {
        Some(("order", rest)) => Typed::Order(number(rest, "order")?),
        Some(("command", rest)) => Typed::Command(number(rest, "command")?),
        Some(("client", rest)) => Typed::Client(rest),
        _ => Typed::Any(typed),
    })
}

impl Seen {
    fn event(&mut self, event: &Event, name: Option<&str>) {
        self.orders = self.orders.max(event.order_id.unwrap_or(0));
        self.commands = self.commands.max(event.command.unwrap_or(0));
        let Some(name) = name else { return };
        match (&*event.event, event.command, event.order_id) {
            ("execution_report", _, Some(id)) => {
                // The name of a cancel is not the order's.
                let before = event
                    .cancel_client_order_id
                    .as_ref()
                    .filter(|_| event.execution_type.as_deref() == Some("REPLACED"));
                for borne in event.client_order_id.iter().chain(before) {
                    if borne == name {
                        self.bearers.insert(id);
                    }
                    self.compare(name, borne);
                }
            }
            ("sent", Some(command), _) => {
                let given = event.parameters.iter().flatten().filter(|(key, _)| is_name_of_a_new_order(key));
                for text in given.filter_map(|(_, value)| value.as_str()) {
                    if text == name {
                        self.asked.insert(command, None);
                    }
                    self.compare(name, text);
                }
            }
            (kind @ ("refused" | "not_sent" | "tested"), Some(command), _) => {
                if let Some(end) = self.asked.get_mut(&command) {
                    *end = Some(match (event.code, &event.msg) {
                        (Some(code), Some(msg)) => format!("{kind}: {code} {msg}"),
                        _ => kind.replace('_', " "),
                    });
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, name: &str, other: &str) {
        // Names are mostly numbered, and repeated in every report.
        if self.nearest.as_ref().is_some_and(|(_, nearest)| nearest == other) {
            return;
        }
        let distance = strsim::damerau_levenshtein(name, other);
        if self.nearest.as_ref().is_none_or(|(least, _)| distance < *least) {
            self.nearest = Some((distance, other.to_owned()));
        }
    }

    fn choose(&self, typed: &str, what: &Typed) -> anyhow::Result<Subject> {
        let mut meant: Vec<(Subject, String)> = Vec::new();
        let number = match what {
            Typed::Order(id) => Some(*id),
            Typed::Any(text) => text.parse().ok(),
            Typed::Command(_) | Typed::Client(_) => None,
        };
        if let Some(id) = number.filter(|id| (1..=self.orders).contains(id)) {
            meant.push((Subject::Order(id), format!("order:{id}")));
        }
        if let Typed::Command(id) = what
            && (1..=self.commands).contains(id)
        {
            meant.push((Subject::Command(*id), format!("command:{id}")));
        }
        for id in self.bearers.iter().filter(|id| number != Some(**id)) {
            meant.push((Subject::Order(*id), format!("order:{id}")));
        }
        for (id, end) in &self.asked {
            if let Some(end) = end {
                meant.push((Subject::Command(*id), format!("command:{id} ({end})")));
            }
        }
        match &meant[..] {
            [(only, _)] => Ok(*only),
            [] => Err(anyhow!("the run has no order `{typed}`: {}", self.what_there_is())),
            several => {
                let all: Vec<_> = several.iter().map(|(_, name)| name.as_str()).collect();
                Err(anyhow!("`{typed}` may be one of {}: {}; say which", all.len(), all.join(", ")))
            }
        }
    }

    fn what_there_is(&self) -> String {
        let mut text = match (self.orders, self.commands) {
            (_, 0) => return "nothing was sent in it".to_owned(),
            (0, commands) => format!("no order was accepted, and its commands are command:1 to command:{commands}"),
            (orders, commands) => {
                format!("its orders are order:1 to order:{orders}, its commands command:1 to command:{commands}")
            }
        };
        if let Some((_, name)) = &self.nearest {
            text += &format!("; the client order id nearest to that is `{name}`");
        }
        text
    }
}

/// Whether a parameter names an order that is to be, and not one that is there.
fn is_name_of_a_new_order(key: &str) -> bool {
    let of_leg = key.ends_with("ClientOrderId") && !key.to_ascii_lowercase().contains("orig");
    of_leg && !matches!(key, "listClientOrderId" | "cancelNewClientOrderId")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: &str = r#"{"event":"sent","command":1,"action":"new","parameters":{"newClientOrderId":"a"}}
{"event":"trouble","command":1,"trouble":"delayed","ms":5}
{"event":"execution_report","execution_type":"NEW","order_id":1,"client_order_id":"a","cancel_client_order_id":null}
{"event":"sent","command":2,"action":"new","parameters":{"newClientOrderId":"a"}}
{"event":"refused","command":2,"action":"new","code":-2010,"msg":"Duplicate order sent."}
{"event":"sent","command":3,"action":"new","parameters":{"newClientOrderId":"1"}}
{"event":"execution_report","execution_type":"NEW","order_id":2,"client_order_id":"1","cancel_client_order_id":null}
{"event":"execution_report","execution_type":"REPLACED","order_id":2,"client_order_id":"b","cancel_client_order_id":"1"}
{"event":"sent","command":4,"action":"cancel","parameters":{"origClientOrderId":"b","newClientOrderId":"end"}}
{"event":"execution_report","execution_type":"CANCELED","order_id":2,"client_order_id":"b","cancel_client_order_id":"end"}
{"event":"sent","command":5,"action":"oco","parameters":{"aboveClientOrderId":"up","belowClientOrderId":"down"}}
{"event":"refused","command":5,"action":"oco","code":-2010,"msg":"No."}
{"event":"sent","command":6,"action":"new","parameters":{"newClientOrderId":"late"}}
{"event":"not_sent","command":6,"action":"new","parameters":{"newClientOrderId":"late"}}
"#;

    #[test]
    fn an_order_is_found_by_what_is_known_of_it() {
        for (typed, subject) in [
            ("2", Subject::Order(2)),
            ("order:1", Subject::Order(1)),
            ("b", Subject::Order(2)),
            ("client:1", Subject::Order(2)),
            ("command:2", Subject::Command(2)),
            ("command:4", Subject::Command(4)),
            ("down", Subject::Command(5)),
            ("late", Subject::Command(6)),
        ] {
            assert_eq!(find(typed, EVENTS.as_bytes()).unwrap(), subject, "{typed}");
        }
    }

    #[test]
    fn what_is_not_clear_is_not_guessed() {
        for (typed, told) in [
            ("a", "`a` may be one of 2: order:1, command:2 (refused: -2010 Duplicate order sent.); say which"),
            ("1", "`1` may be one of 2: order:1, order:2; say which"),
            ("3", "the run has no order `3`: its orders are order:1 to order:2, its commands command:1 to command:6"),
            ("dwn", "the client order id nearest to that is `down`"),
            ("command:9", "no order `command:9`"),
            ("order:x", "`order:x`: after `order:` comes a number"),
        ] {
            let error = format!("{:#}", find(typed, EVENTS.as_bytes()).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
        assert!(find("a", &b""[..]).unwrap_err().to_string().contains("nothing was sent in it"));
    }
}
