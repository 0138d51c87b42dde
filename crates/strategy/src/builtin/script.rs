//! `script`: sends the orders of a JSON-lines file at their times.
//!
//! One object a line: `time` in milliseconds (UTC), `action` ([`Action`]: `new`, `oco`, `cancel`,
//! …), and the exchange's REST parameters for it, passed on as they stand, so that invalid input can be tried
//! too. Empty lines are passed over. It is the way to replay one's own order log.

use std::collections::BTreeMap;

use candlewick_model::{Action, Bar, RawParameters, Timestamp};
use serde_json::value::RawValue;

use crate::{Context, Planned, Strategy};

const ACTIONS: &str = "one of new, test, oco_deprecated, oco, oto, otoco, opo, opoco, cancel, cancel_list, cancel_all, \
                       cancel_replace, amend";

/// Why a line of the file is no order.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not a JSON object.
    #[error("line {line}, column {column}: not a JSON object: {what}")]
    Json {
        /// Which line; 1 is the first.
        line: usize,
        /// Where in it; 1 is the first.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// `time` or `action` is there more than once.
    #[error("line {line}: `{name}` is given more than once")]
    Twice {
        /// Which line; 1 is the first.
        line: usize,
        /// Which member.
        name: &'static str,
    },
    /// `time` or `action` is missing or wrong.
    #[error("line {line}: `{name}` is {value}; it must be {must}")]
    Member {
        /// Which line; 1 is the first.
        line: usize,
        /// Which member.
        name: &'static str,
        /// What stands there.
        value: String,
        /// What should stand there.
        must: &'static str,
    },
}

/// The orders of a file, by time.
#[derive(Debug, Clone)]
pub struct Script {
    lines: BTreeMap<Timestamp, Vec<(Action, RawParameters)>>,
}

impl Script {
    /// Reads a file's text. Lines of one time keep their order.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut lines: BTreeMap<Timestamp, Vec<_>> = BTreeMap::new();
        for (at, json) in text.lines().enumerate().filter(|(_, json)| !json.trim().is_empty()) {
            let (time, action, parameters) = parse_line(at + 1, json)?;
            lines.entry(time).or_default().push((action, parameters));
        }
        Ok(Self { lines })
    }
}

fn parse_line(line: usize, json: &str) -> Result<(Timestamp, Action, RawParameters), ScriptError> {
    let members: Members = serde_json::from_str(json).map_err(|source| not_json(line, &source))?;
    for name in ["time", "action"] {
        if members.0.iter().filter(|(key, _)| key == name).count() > 1 {
            return Err(ScriptError::Twice { line, name });
        }
    }
    let find = |name: &str| members.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
    let wrong = |name, value: Option<&str>, must| ScriptError::Member {
        line,
        name,
        value: value.unwrap_or("missing").to_owned(),
        must,
    };
    let time = find("time")
        .and_then(|text| text.trim_matches('"').parse::<i64>().ok())
        .and_then(Timestamp::from_either_unit)
        .filter(|(_, unit)| *unit == candlewick_model::TimeUnit::Milliseconds)
        .ok_or_else(|| wrong("time", find("time"), "a time in milliseconds since 1970"))?
        .0;
    let word = find("action").and_then(|json| serde_json::from_str::<String>(json).ok());
    let action = word.as_deref().and_then(Action::from_word).ok_or_else(|| wrong("action", find("action"), ACTIONS))?;
    let parameters = members
        .0
        .iter()
        .filter(|(key, _)| key != "time" && key != "action")
        .map(|(key, value)| (key.clone(), as_parameter(value)))
        .collect();
    Ok((time, action, parameters))
}

/// Why a line is no JSON object. The parser sees one line, and calls it the first.
fn not_json(line: usize, source: &serde_json::Error) -> ScriptError {
    let (told, column) = (source.to_string(), source.column());
    let what = told.strip_suffix(&format!(" at line 1 column {column}")).unwrap_or(&told).to_owned();
    ScriptError::Json { line, column, what }
}

/// A JSON value as it would stand in a query string: strings without quotes, all else as is.
fn as_parameter(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// The members of an object in their order, duplicates included, values as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Strategy for Script {
    fn on_start(&mut self, context: &mut Context) {
        for time in self.lines.keys() {
            context.set_timer(*time);
        }
    }

    fn on_bar(&mut self, _: &mut Context, _: &Bar) {}

    fn on_timer(&mut self, context: &mut Context, at: Timestamp) {
        for (action, parameters) in self.lines.remove(&at).unwrap_or_default() {
            context.send_raw(action, parameters);
        }
    }

    fn planned(&self, until: Timestamp) -> Vec<Planned> {
        let lines = self.lines.range(..=until);
        lines.flat_map(|(time, lines)| lines.iter().map(|(action, raw)| (*time, *action, raw.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_passed_on_as_they_stand() {
        let text = "\n{\"time\":1672531200000,\"action\":\"new\",\"symbol\":\"BTCUSDT\",\"quantity\":0.10,\"price\":\"1e5\",\"odd\":null}\n";
        let script = Script::parse(text).unwrap();
        let (action, raw) = &script.lines[&Timestamp::from_millis(1_672_531_200_000)][0];
        assert_eq!(*action, Action::New);
        let pairs: Vec<_> = raw.iter().collect();
        assert_eq!(pairs, [("symbol", "BTCUSDT"), ("quantity", "0.10"), ("price", "1e5"), ("odd", "null")]);
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, expected) in [
            ("{", "line 1, column 1: not a JSON object: EOF while parsing an object"),
            ("\n[1]", "line 2, column 0: not a JSON object: invalid type: sequence, expected an object"),
            ("\n{\"time\":x}", "line 2, column 9: not a JSON object: expected value"),
            (r#"{"action":"new"}"#, "line 1: `time` is missing"),
            (r#"{"time":1672531200,"action":"new"}"#, "line 1: `time` is 1672531200"),
            (r#"{"time":1672531200000,"action":"buy"}"#, "line 1: `action` is \"buy\""),
            (r#"{"time":1,"action":"new","time":2}"#, "line 1: `time` is given more than once"),
            (r#"{"time":1,"action":"new","action":"new"}"#, "line 1: `action` is given more than once"),
        ] {
            let error = Script::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected) && error.matches("line").count() == 1, "{error}");
        }
    }
}
