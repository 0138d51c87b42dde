//! Who listens to a stream, and how they want to be told.
//!
//! For: making a message once for all who want it alike. Not for: what it says.

use axum::extract::ws::Utf8Bytes;
use candlewick_model::{TimeUnit, Timestamp};

use super::text::Text;
use crate::outlet::Outlet;

/// How a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// In an envelope that names the stream.
    pub(crate) is_combined: bool,
    /// Of all times.
    pub(crate) unit: TimeUnit,
}

/// All who are told alike.
struct Group {
    form: Form,
    outlets: Vec<Outlet>,
}

/// The listeners of one stream.
pub(super) struct Listeners {
    /// The envelope up to the payload.
    envelope: String,
    groups: Vec<Group>,
    /// Who was far behind when they were told last.
    busy: Vec<Outlet>,
    /// How long the last message was.
    length: usize,
}

impl Listeners {
    pub(super) fn new(name: &str) -> Self {
        Self { envelope: envelope(name), groups: Vec::new(), busy: Vec::new(), length: 256 }
    }

    pub(super) fn add(&mut self, form: Form, outlet: &Outlet) {
        match self.groups.iter_mut().find(|group| group.form == form) {
            Some(group) => group.outlets.push(outlet.clone()),
            None => self.groups.push(Group { form, outlets: vec![outlet.clone()] }),
        }
    }

    pub(super) fn remove(&mut self, outlet: &Outlet) {
        self.keep(|other| !other.is_same(outlet));
    }

    /// Whether anybody is far behind.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.iter().any(Outlet::is_busy)
    }

    /// Leaves all who are.
    pub(super) fn leave_busy(&mut self) {
        self.busy.drain(..).filter(Outlet::is_busy).for_each(|outlet| outlet.give_up());
    }

    /// Whether nobody is left.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Says something to everybody, at a simulated time; who has gone or fallen behind is forgotten.
    pub(super) fn say(&mut self, now: Timestamp, payload: impl Fn(&mut Text)) {
        for group in &mut self.groups {
            let message = message(group.form, &self.envelope, self.length + self.length / 8, &payload);
            self.length = message.len();
            for outlet in &group.outlets {
                outlet.say(message.clone(), now);
                if outlet.is_busy() {
                    self.busy.retain(|busy| busy.is_busy() && !busy.is_same(outlet));
                    self.busy.push(outlet.clone());
                }
            }
        }
        if self.groups.iter().any(|group| group.outlets.iter().any(Outlet::is_lost)) {
            self.keep(|outlet| !outlet.is_lost());
        }
    }

    fn keep(&mut self, is_kept: impl Fn(&Outlet) -> bool) {
        self.groups.iter_mut().for_each(|group| group.outlets.retain(&is_kept));
        self.groups.retain(|group| !group.outlets.is_empty());
    }
}

/// The event that tells of a connection's end to come.
pub(crate) fn shutdown(form: Form, now: Timestamp) -> Utf8Bytes {
    message(form, &envelope("!serverShutdown"), 128, |text| {
        text.put(r#"{"e":"serverShutdown","E":"#).time(now).put("}");
    })
}

fn message(form: Form, envelope: &str, room: usize, payload: impl Fn(&mut Text)) -> Utf8Bytes {
    let mut text = Text::with_capacity(room, form.unit);
    if form.is_combined {
        text.put(envelope);
    }
    payload(&mut text);
    if form.is_combined {
        text.put("}");
    }
    text.finish()
}

/// What stands before the payload in the combined form.
fn envelope(name: &str) -> String {
    format!(r#"{{"stream":{},"data":"#, serde_json::Value::from(name))
}

/// How often a stream speaks at most, in simulated time. What comes too early is owed.
pub(super) struct Pace {
    least_us: i64,
    last: Option<Timestamp>,
    owes: bool,
}

impl Pace {
    pub(super) const fn of(least_us: i64) -> Self {
        Self { least_us, last: None, owes: false }
    }

    /// How long it must be silent in between.
    pub(super) fn least_us(&self) -> i64 {
        self.least_us
    }

    /// Whether it may speak now; it does then.
    pub(super) fn allows(&mut self, now: Timestamp) -> bool {
        let is_due = self.last.is_none_or(|last| last.plus(self.least_us) <= now);
        self.owes = !is_due;
        if is_due {
            self.last = Some(now);
        }
        is_due
    }

    /// It speaks now in any case.
    pub(super) fn note(&mut self, now: Timestamp) {
        (self.last, self.owes) = (Some(now), false);
    }

    /// It has not spoken yet: time has been put elsewhere.
    pub(super) fn forget(&mut self) {
        *self = Self::of(self.least_us);
    }

    /// Whether something was to be said that came too early.
    pub(super) fn owes(&self) -> bool {
        self.owes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outlet::way;

    const RAW: Form = Form { is_combined: false, unit: TimeUnit::Milliseconds };
    const COMBINED: Form = Form { is_combined: true, unit: TimeUnit::Microseconds };

    #[test]
    fn everybody_is_told_as_they_want() {
        let mut listeners = Listeners::new("a@trade");
        let (mut first, mut second) = (way(), way());
        listeners.add(RAW, &first.0);
        listeners.add(COMBINED, &second.0);
        let now = Timestamp::from_micros(6_000);
        listeners.say(now, |text| {
            text.put("{").time(Timestamp::from_micros(5_001)).put("}");
        });
        assert_eq!(first.1.waiting().as_deref(), Some("{5}"));
        assert_eq!(second.1.waiting().as_deref(), Some(r#"{"stream":"a@trade","data":{5001}}"#));
        drop(second.1);
        listeners.say(now, |text| {
            text.put("1");
        });
        assert_eq!(listeners.groups.len(), 1, "who has gone is forgotten");
        listeners.remove(&first.0);
        assert!(listeners.is_empty());
    }

    #[test]
    fn what_comes_too_early_is_owed() {
        let mut pace = Pace::of(10);
        let at = Timestamp::from_micros;
        assert!(pace.allows(at(0)) && !pace.owes());
        assert!(!pace.allows(at(9)) && pace.owes());
        assert!(pace.allows(at(10)) && !pace.owes());
        pace.note(at(15));
        assert!(!pace.allows(at(24)) && pace.allows(at(25)));
    }
}
