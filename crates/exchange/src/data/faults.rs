//! Faults that can be switched on: what goes wrong, with which requests, and when.
//!
//! For: deciding which faults a request meets. Not for: doing them (`answer`, `transport`).

use candlewick_model::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::archives::Edition;
use crate::ExchangeError;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The answer is `status`, with `retry_after` if it is given.
    Status,
    /// The answer begins `delay_ms` later.
    Delay,
    /// The body comes at `rate` bytes a second.
    Slow,
    /// The connection breaks after `bytes` of the body, or half of it.
    Cut,
    /// Content-Length promises `bytes` more than come, or ten.
    WrongLength,
    /// The body is only its first `bytes`, or half of it, and says so.
    #[serde(alias = "partial-json")]
    Truncated,
    /// A byte in the middle of the body is another.
    Corrupt,
    /// The CHECKSUM file has a hash of nothing.
    WrongChecksum,
    /// The CHECKSUM file is that of another edition (`early` if none is named).
    StaleChecksum,
    /// The file and its CHECKSUM are those of another edition (`early` if none is named).
    Edition,
    /// Two neighbouring rows of a page of klines change places.
    ReorderedRows,
    /// A row of a page of klines comes twice.
    DuplicatedRows,
    /// A page of klines begins where the one before it should have.
    OtherRange,
    /// A page of a listing is empty and the last.
    EmptyPage,
    /// A page of a listing is the first one again.
    RepeatedPage,
}

/// A fault with its conditions; all that are given must hold.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Paths that it concerns, `*` for anything; with a `?` in it the query counts too.
    #[serde(default = "anything")]
    pub path: String,
    /// Not the first so many of them.
    #[serde(default)]
    pub after: u64,
    /// Only so many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Only every n-th of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// Only with this probability; the seed decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Only from this server time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only before this server time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Of `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Of `status`: seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// Of `cut`, `truncated`, `wrong-length`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Of `slow`: bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Of `delay`: milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Of `edition`, `stale-checksum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<Edition>,
}

fn anything() -> String {
    "*".to_owned()
}

/// Faults that belong together, and the seed of their chances.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides where probabilities do.
    #[serde(default)]
    pub seed: u64,
    /// In the order in which they are done.
    #[serde(default, alias = "fault")]
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// Reads a TOML file: `seed = 1`, `[[fault]]` with `kind = "…"`.
    pub fn from_toml(text: &str) -> Result<Self, ExchangeError> {
        let plan: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        plan.checked()
    }

    /// Reads JSON: one fault, a list of them, or `{"seed": 1, "faults": […]}`.
    pub fn from_json(text: &[u8]) -> Result<Self, ExchangeError> {
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        let faults = match value {
            list @ serde_json::Value::Array(_) => serde_json::json!({ "faults": list }),
            one if one.get("kind").is_some() => serde_json::json!({ "faults": [one] }),
            plan => plan,
        };
        let plan: Self = serde_json::from_value(faults).map_err(|error| wrong(error.to_string()))?;
        plan.checked()
    }

    fn checked(self) -> Result<Self, ExchangeError> {
        for fault in &self.faults {
            let lacking = match fault.kind {
                FaultKind::Status if !fault.status.is_some_and(|status| (300..600).contains(&status)) => {
                    Some("kind `status` needs `status` from 300 to 599")
                }
                FaultKind::Delay if fault.delay_ms.is_none() => Some("kind `delay` needs `delay_ms`"),
                FaultKind::Slow if fault.rate.is_none_or(|rate| rate == 0) => Some("kind `slow` needs `rate` above 0"),
                _ if fault.every == Some(0) => Some("`every` must be above 0"),
                _ if fault.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) => {
                    Some("`probability` must be from 0 to 1")
                }
                _ => None,
            };
            if let Some(text) = lacking {
                return Err(wrong(text.to_owned()));
            }
        }
        Ok(self)
    }
}

fn wrong(reason: String) -> ExchangeError {
    ExchangeError::Faults { reason }
}

/// Faults that are switched on, and how often they were met.
pub(super) struct Faults {
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
    pub(super) fn new(plan: FaultPlan) -> Self {
        let random = ChaCha8Rng::seed_from_u64(plan.seed);
        let mut faults = Self { armed: Vec::new(), random };
        faults.arm(plan.faults);
        faults
    }

    /// Switches more on; a seed of its own begins the chances anew.
    pub(super) fn add(&mut self, plan: FaultPlan) {
        if plan.seed != 0 {
            self.random = ChaCha8Rng::seed_from_u64(plan.seed);
        }
        self.arm(plan.faults);
    }

    fn arm(&mut self, faults: Vec<Fault>) {
        self.armed.extend(faults.into_iter().map(|fault| Armed { fault, seen: 0, met: 0 }));
    }

    pub(super) fn clear(&mut self) {
        self.armed.clear();
    }

    /// The faults that a request meets.
    pub(super) fn meet(&mut self, path: &str, query: &str, now: Timestamp) -> Vec<Fault> {
        let Self { armed, random } = self;
        armed.iter_mut().filter_map(|armed| armed.meet(path, query, now, random)).collect()
    }

    /// What is on, for the control API.
    pub(super) fn describe(&self) -> serde_json::Value {
        let one = |armed: &Armed| serde_json::json!({ "fault": armed.fault, "seen": armed.seen, "met": armed.met });
        self.armed.iter().map(one).collect()
    }
}

impl Armed {
    fn meet(&mut self, path: &str, query: &str, now: Timestamp, random: &mut ChaCha8Rng) -> Option<Fault> {
        let fault = &self.fault;
        let concerns = if fault.path.contains('?') {
            matches(&fault.path, &format!("{path}?{query}"))
        } else {
            matches(&fault.path, path)
        };
        if !concerns || fault.from.is_some_and(|from| now < from) || fault.to.is_some_and(|to| now >= to) {
            return None;
        }
        self.seen += 1;
        let number = self.seen.checked_sub(fault.after).filter(|number| *number > 0)?;
        if fault.every.is_some_and(|every| number % every != 0) || fault.next.is_some_and(|next| self.met >= next) {
            return None;
        }
        if fault.probability.is_some_and(|p| (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64 >= p) {
            return None;
        }
        self.met += 1;
        Some(fault.clone())
    }
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

    fn met(toml: &str, requests: &[(&str, &str)]) -> Vec<usize> {
        let mut faults = Faults::new(FaultPlan::from_toml(toml).unwrap());
        let at = |text: &str| text.parse().unwrap();
        let mut meet = |(path, time): &(&str, &str)| {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            faults.meet(path, query, at(time)).len()
        };
        requests.iter().map(&mut meet).collect()
    }

    #[test]
    fn conditions() {
        let asked = [("/a", "2023-01-01"); 6];
        let fault = |rest: &str| format!("[[fault]]\nkind = \"cut\"\n{rest}");
        for (rest, expected) in [
            ("", [1, 1, 1, 1, 1, 1]),
            ("next = 2", [1, 1, 0, 0, 0, 0]),
            ("after = 4", [0, 0, 0, 0, 1, 1]),
            ("after = 1\nnext = 2", [0, 1, 1, 0, 0, 0]),
            ("every = 3", [0, 0, 1, 0, 0, 1]),
            ("path = \"/b*\"", [0; 6]),
            ("probability = 0.0", [0; 6]),
            ("probability = 1.0", [1; 6]),
            ("from = \"2023-01-02\"", [0; 6]),
            ("to = \"2023-01-02\"", [1; 6]),
        ] {
            assert_eq!(met(&fault(rest), &asked), expected, "{rest}");
        }
        let chance =
            |seed: u32| met(&format!("seed = {seed}\n{}", fault("probability = 0.5")), &[("/a", "2023-01-01"); 64]);
        assert_eq!(chance(1), chance(1));
        assert_ne!(chance(1), chance(2));
        let both = format!("{}\n{}", fault("path = \"/api/*?*symbol=A*\""), fault("path = \"*x\""));
        assert_eq!(
            met(&both, &[("/api/v3/k?symbol=A", "2023-01-01"), ("/x", "2023-01-01"), ("/y", "2023-01-01")]),
            [1, 1, 0]
        );
    }

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

    #[test]
    fn what_makes_no_sense_is_refused() {
        for json in [
            r#"{"kind":"status"}"#,
            r#"{"kind":"status","status":99}"#,
            r#"{"kind":"delay"}"#,
            r#"{"kind":"slow","rate":0}"#,
            r#"{"kind":"cut","every":0}"#,
            r#"{"kind":"cut","probability":2}"#,
            r#"{"kind":"cut","pth":"x"}"#,
            r#"{"kind":"nothing"}"#,
            "x",
        ] {
            assert!(FaultPlan::from_json(json.as_bytes()).is_err(), "{json}");
        }
        assert_eq!(FaultPlan::from_json(br#"[{"kind":"cut"},{"kind":"partial-json"}]"#).unwrap().faults.len(), 2);
        assert_eq!(FaultPlan::from_json(br#"{"seed":3,"faults":[]}"#).unwrap().seed, 3);
    }
}
