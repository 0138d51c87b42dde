//! Which faults a request meets: their conditions, and how often they were met.

use std::sync::{Arc, Mutex};

use candlewick_model::{Symbol, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::{Fate, Fault, FaultKind, FaultPlan, Meets};

/// Faults that requests, events and connections ask about.
pub(crate) type SharedFaults = Arc<Mutex<Faults>>;

/// What faults are asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// The query, and what a form has; parameters of a WebSocket.
    pub(crate) query: &'a str,
    pub(crate) now: Timestamp,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(FaultPlan::default())
    }
}

/// Faults that are switched on, and how often they were met.
pub(crate) struct Faults {
    armed: Vec<Armed>,
    random: ChaCha8Rng,
}

struct Armed {
    fault: Fault,
    /// Requests that the path concerns.
    seen: u64,
    /// Requests that met it.
    met: u64,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        let random = ChaCha8Rng::seed_from_u64(plan.seed);
        let mut faults = Self { armed: Vec::new(), random };
        faults.arm(plan.faults);
        faults
    }

    /// Switches more on; a seed of its own begins the chances anew.
    pub(crate) fn add(&mut self, plan: FaultPlan) {
        if plan.seed != 0 {
            self.random = ChaCha8Rng::seed_from_u64(plan.seed);
        }
        self.arm(plan.faults);
    }

    fn arm(&mut self, faults: Vec<Fault>) {
        self.armed.extend(faults.into_iter().map(|fault| Armed { fault, seen: 0, met: 0 }));
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// Whether none is switched on.
    pub(crate) fn is_empty(&self) -> bool {
        self.armed.is_empty()
    }

    /// The faults that a request meets.
    pub(crate) fn meet(&mut self, asking: &Asking<'_>) -> Vec<Fault> {
        self.met_by(Meets::Requests, asking, |_| true).collect()
    }

    /// The first fault that an event of an account meets.
    pub(crate) fn meet_event(&mut self, event: &str, now: Timestamp) -> Option<Fault> {
        let asking = Asking { method: "", path: "", query: "", now };
        let is_named = |fault: &Fault| fault.event.as_deref().is_none_or(|named| named == event);
        // All of them count what they have seen.
        self.met_by(Meets::Events, &asking, is_named).reduce(|first, _| first)
    }

    /// What becomes of a message on a connection: what the first fault says that it meets.
    pub(crate) fn meet_socket(&mut self, path: &str, now: Timestamp) -> Fate {
        let asking = Asking { method: "GET", path, query: "", now };
        match self.met_by(Meets::Sockets, &asking, |_| true).reduce(|first, _| first).map(|fault| fault.kind) {
            None => Fate::Told,
            Some(FaultKind::SocketDropped) => Fate::Dropped,
            Some(_) => Fate::Silent,
        }
    }

    /// Whether no message on a connection would be told.
    pub(crate) fn silences(&self, path: &str, now: Timestamp) -> bool {
        let asking = Asking { method: "GET", path, query: "", now };
        let silent = self.armed.iter().filter(|armed| armed.fault.kind == FaultKind::SocketSilent);
        silent.into_iter().any(|armed| armed.concerns(&asking) && armed.meets_everything())
    }

    fn met_by(
        &mut self,
        meets: Meets,
        asking: &Asking<'_>,
        is_meant: impl Fn(&Fault) -> bool,
    ) -> impl Iterator<Item = Fault> {
        let Self { armed, random } = self;
        let meant = armed.iter_mut().filter(move |armed| armed.fault.kind.meets() == meets && is_meant(&armed.fault));
        meant.filter_map(|armed| armed.meet(asking, random))
    }

    /// Whether something happens that has one chance in so many: decided by the seed.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        happens(&mut self.random, probability)
    }

    /// What is on, for the control API.
    pub(crate) fn describe(&self) -> serde_json::Value {
        let one = |armed: &Armed| serde_json::json!({ "fault": armed.fault, "seen": armed.seen, "met": armed.met });
        self.armed.iter().map(one).collect()
    }
}

impl Armed {
    fn meet(&mut self, asking: &Asking<'_>, random: &mut ChaCha8Rng) -> Option<Fault> {
        if !self.concerns(asking) {
            return None;
        }
        let fault = &self.fault;
        self.seen += 1;
        let number = self.seen.checked_sub(fault.after).filter(|number| *number > 0)?;
        if fault.every.is_some_and(|every| number % every != 0) || fault.next.is_some_and(|next| self.met >= next) {
            return None;
        }
        if fault.probability.is_some_and(|probability| !happens(random, probability)) {
            return None;
        }
        self.met += 1;
        Some(fault.clone())
    }

    /// Whether something has the path and the time of the fault, and whatever else it is to have.
    fn concerns(&self, asking: &Asking<'_>) -> bool {
        let Asking { method, path, query, now } = *asking;
        let fault = &self.fault;
        let is_there = if fault.path.contains('?') {
            matches(&fault.path, &format!("{path}?{query}"))
        } else {
            matches(&fault.path, path)
        };
        let is_then = fault.from.is_none_or(|from| now >= from) && fault.to.is_none_or(|to| now < to);
        is_there && is_then && is_of(fault, method, query)
    }

    /// Whether all that it concerns would meet it now.
    fn meets_everything(&self) -> bool {
        let Fault { after, next, every, probability, .. } = self.fault;
        let is_left = self.seen >= after && next.is_none_or(|next| self.met < next);
        is_left && every.is_none() && probability.is_none()
    }
}

/// Whether a request has the method and the symbol that a fault wants.
fn is_of(fault: &Fault, method: &str, query: &str) -> bool {
    let is_method = |wanted: &str| wanted.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(method));
    let is_symbol =
        |wanted: &Symbol| query.split('&').any(|pair| pair.strip_prefix("symbol=") == Some(wanted.as_str()));
    fault.method.as_deref().is_none_or(is_method) && fault.symbol.as_ref().is_none_or(is_symbol)
}

fn happens(random: &mut ChaCha8Rng, probability: f64) -> bool {
    ((random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64) < probability
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("*1m-2023*.zip", "data/BTCUSDT-1m-2023-01.zip", true),
            ("*1m-2023*.zip", "data/BTCUSDT-1m-2023-01.zip.CHECKSUM", false),
            ("*.zip*", "a.zip.CHECKSUM", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
