//! Scenarios and episodes as files hold them: tables in which some members belong together.
//!
//! For: reading, and saying what is missing or does not belong. Not for: what they mean.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};

use super::{Drawn, Episode, KINDS, Rejection, Scenario, Trouble};
use crate::number::{ONE, Rate};
use crate::text::Symbol;
use crate::time::Timestamp;

/// Codes of `errors.md` that a whole exchange in trouble answers with: text, and the status that
/// the general information of `rest-api.md` gives to such a case (429 over a limit, 5xx where
/// the trouble is the exchange's).
const KNOWN: [(i32, &str, u16); 7] = [
    (-1000, "An unknown error occurred while processing the request.", 500),
    (-1001, "Internal error; unable to process your request. Please try again.", 500),
    (-1003, "Too many requests queued.", 429),
    (-1006, "An unexpected response was received from the message bus. Execution status unknown.", 500),
    (-1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", 503),
    (-1015, "Too many new orders.", 429),
    (-1021, "Timestamp for this request is outside of the recvWindow.", 400),
];

/// A scenario as a file holds it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScenario {
    #[serde(default = "one")]
    seed: u64,
    #[serde(default = "one")]
    runs: u64,
    halts: Option<Written>,
    timeouts: Option<Written>,
    latency: Option<Written>,
    rejections: Option<Written>,
    #[serde(default, rename = "episode")]
    episodes: Vec<Episode>,
    // These belong one table further in; here they are known so that this can be said.
    per_month: Option<de::IgnoredAny>,
    minutes: Option<de::IgnoredAny>,
    by_market: Option<de::IgnoredAny>,
    symbols: Option<de::IgnoredAny>,
}

fn one() -> u64 {
    1
}

/// An episode, or what is to be drawn, as a file holds it; which members belong there depends on
/// which of the two it is, and on the kind.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Written {
    kind: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(deserialize_with = "decimal")]
    per_month: Option<Rate>,
    minutes: Option<Minutes>,
    by_market: Option<bool>,
    symbols: Vec<Symbol>,
    #[serde(deserialize_with = "decimal")]
    executed: Option<Rate>,
    ms: Option<u32>,
    code: Option<i32>,
    msg: Option<String>,
    status: Option<u16>,
    retry_after: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a number of minutes, or the least and the most: [5, 60]")]
enum Minutes {
    One(u32),
    Between([u32; 2]),
}

impl TryFrom<WrittenScenario> for Scenario {
    type Error = String;

    fn try_from(written: WrittenScenario) -> Result<Self, String> {
        let misplaced = [
            ("per_month", written.per_month.is_some()),
            ("minutes", written.minutes.is_some()),
            ("by_market", written.by_market.is_some()),
            ("symbols", written.symbols.is_some()),
        ];
        if let Some((name, _)) = misplaced.into_iter().find(|(_, is_there)| *is_there) {
            return Err(format!(
                "`{name}` belongs into the table of a kind: `halts = {{ per_month = 2, minutes = 30, … }}`"
            ));
        }
        let tables = [written.halts, written.timeouts, written.latency, written.rejections];
        let names = ["halts", "timeouts", "latency", "rejections"];
        let mut drawn = Vec::new();
        for (kind, (name, table)) in names.into_iter().zip(tables).enumerate() {
            let Some(table) = table else { continue };
            drawn.push(table.drawn(kind).map_err(|reason| format!("`{name}`: {reason}"))?);
        }
        let runs = u32::try_from(written.runs).ok().filter(|runs| (1..=1_000).contains(runs));
        let runs = runs.ok_or_else(|| format!("`runs` is {}; it must be 1 to 1000", written.runs))?;
        Ok(Self { seed: written.seed, runs, drawn, episodes: written.episodes })
    }
}

impl TryFrom<Written> for Episode {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let known = || format!("one of {}", KINDS.join(", "));
        let kind = written.kind.as_deref().ok_or_else(|| format!("an episode needs `kind`: {}", known()))?;
        let kind = KINDS.iter().position(|word| *word == kind);
        let kind = kind.ok_or_else(|| format!("no such `kind` of episode; it must be {}", known()))?;
        let (Some(from), Some(to)) = (written.from, written.to) else {
            return Err("an episode needs `from` and `to`".to_owned());
        };
        if from >= to {
            return Err(format!("an episode from {from} to {to} is none"));
        }
        no_more("an episode with `from` and `to`", written.frequency())?;
        Ok(Self { from, to, trouble: written.trouble(kind)?, symbols: written.symbols })
    }
}

impl Written {
    fn drawn(self, kind: usize) -> Result<Drawn, String> {
        let dated = [("kind", self.kind.is_some()), ("from", self.from.is_some()), ("to", self.to.is_some())];
        no_more("what is drawn", dated)?;
        let per_month = self.per_month.filter(|n| (0..=100_000 * ONE).contains(&n.units()));
        let per_month = per_month.ok_or("it needs `per_month`, from 0 to 100000")?;
        let minutes = match self.minutes {
            Some(Minutes::One(minutes)) => (minutes, minutes),
            Some(Minutes::Between([least, most])) => (least, most),
            None => return Err("it needs `minutes`".to_owned()),
        };
        if minutes.0 == 0 || minutes.0 > minutes.1 {
            return Err("`minutes` must be above 0, the least first".to_owned());
        }
        let (by_market, trouble) = (self.by_market.unwrap_or(false), self.trouble(kind)?);
        Ok(Drawn { per_month, minutes, by_market, symbols: self.symbols, trouble })
    }

    fn frequency(&self) -> [(&'static str, bool); 3] {
        [
            ("per_month", self.per_month.is_some()),
            ("minutes", self.minutes.is_some()),
            ("by_market", self.by_market.is_some()),
        ]
    }

    /// What goes wrong, of a kind.
    fn trouble(&self, kind: usize) -> Result<Trouble, String> {
        let of_timeouts = [("executed", self.executed.is_some())];
        let of_latency = [("ms", self.ms.is_some())];
        let of_rejections = [
            ("code", self.code.is_some()),
            ("msg", self.msg.is_some()),
            ("status", self.status.is_some()),
            ("retry_after", self.retry_after.is_some()),
        ];
        let what = format!("a {}", KINDS[kind]);
        no_more(&what, of_timeouts.into_iter().filter(|_| kind != 1))?;
        no_more(&what, of_latency.into_iter().filter(|_| kind != 2))?;
        no_more(&what, of_rejections.into_iter().filter(|_| kind != 3))?;
        match kind {
            0 => Ok(Trouble::Halt),
            1 => {
                let executed = self.executed.filter(|share| (0..=ONE).contains(&share.units()));
                let executed = executed.ok_or("a timeout needs `executed`: which share is executed, from 0 to 1")?;
                Ok(Trouble::Timeout { executed })
            }
            2 => Ok(Trouble::Latency { ms: self.ms.ok_or("a latency needs `ms`: by how much it is longer")? }),
            _ => self.rejection().map(Trouble::Rejection),
        }
    }

    fn rejection(&self) -> Result<Rejection, String> {
        let code = self.code.ok_or("a rejection needs `code`, such as -1003")?;
        let known = KNOWN.iter().find(|(known, ..)| *known == code);
        let own = self.msg.clone().map(Cow::Owned);
        let msg = own.or(known.map(|(_, text, _)| Cow::Borrowed(*text)));
        let msg = msg.ok_or_else(|| format!("the code {code} needs the exchange's text as `msg`"))?;
        let status = self.status.or(known.map(|(.., status)| *status)).unwrap_or(400);
        if !(400..600).contains(&status) {
            return Err(format!("`status` is {status}; a rejection has one from 400 to 599"));
        }
        Ok(Rejection { code, msg, status, retry_after: self.retry_after })
    }
}

/// That members are absent which do not belong here.
fn no_more<'a>(what: &str, members: impl IntoIterator<Item = (&'a str, bool)>) -> Result<(), String> {
    match members.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(format!("{what} takes no `{name}`")),
        None => Ok(()),
    }
}

/// A decimal as a user writes it: `0.5`, `2` or `"0.5"`. A float is taken by its shortest text.
fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
    struct Decimal;
    impl de::Visitor<'_> for Decimal {
        type Value = Rate;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a decimal number")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
            text.parse().map_err(|error| E::custom(format!("{text:?}: {error}")))
        }
        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Rate, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Rate, E> {
            self.visit_str(&value.to_string())
        }
        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Rate, E> {
            self.visit_str(&value.to_string())
        }
    }
    deserializer.deserialize_any(Decimal).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Scenario, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_drawn_and_what_is_dated() {
        let scenario = read(
            r#"{"seed":7,"runs":20,"halts":{"per_month":2,"minutes":30,"by_market":true},
                "timeouts":{"per_month":0.5,"minutes":[5,60],"executed":"0.25","symbols":["BTCUSDT"]},
                "rejections":{"per_month":1,"minutes":5,"code":-1008},
                "episode":[{"kind":"rejection","from":"2023-03-24T11:28:00Z","to":"2023-03-24T12:40:00Z",
                            "code":-1003,"retry_after":10}]}"#,
        )
        .unwrap();
        assert_eq!((scenario.seed, scenario.runs, scenario.drawn.len()), (7, 20, 3));
        let [halts, timeouts, rejections] = &scenario.drawn[..] else { panic!("three") };
        assert_eq!((halts.minutes, halts.by_market, &halts.trouble), ((30, 30), true, &Trouble::Halt));
        assert_eq!((timeouts.per_month.to_string(), timeouts.minutes), ("0.50000000".to_owned(), (5, 60)));
        assert_eq!(timeouts.trouble, Trouble::Timeout { executed: "0.25".parse().unwrap() });
        let Trouble::Rejection(busy) = &rejections.trouble else { panic!("a rejection") };
        assert_eq!((busy.status, busy.msg.starts_with("Server is currently overloaded")), (503, true));
        let json = serde_json::to_value(&scenario.episodes[0]).unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"from":"2023-03-24T11:28:00Z","to":"2023-03-24T12:40:00Z","symbols":[],"kind":"rejection","code":-1003,"msg":"Too many requests queued.","status":429,"retry_after":10}"#
        );
        assert_eq!(serde_json::from_value::<Episode>(json).unwrap(), scenario.episodes[0]);
        assert_eq!(scenario.symbols().map(|s| s.to_string()).collect::<Vec<_>>(), ["BTCUSDT"]);
        assert_eq!(read("{}").unwrap(), Scenario { seed: 1, runs: 1, drawn: Vec::new(), episodes: Vec::new() });
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let dated = r#""from":"2023-01-01","to":"2023-01-02""#;
        for (json, told) in [
            (r#"{"halts":{"per_month":2}}"#, "`halts`: it needs `minutes`"),
            (r#"{"halts":{"minutes":2}}"#, "`halts`: it needs `per_month`"),
            (r#"{"halts":{"per_month":-1,"minutes":2}}"#, "from 0 to 100000"),
            (r#"{"halts":{"per_month":1,"minutes":[9,2]}}"#, "the least first"),
            (r#"{"halts":{"per_month":1,"minutes":"x"}}"#, "the least and the most"),
            (r#"{"halts":{"per_month":1,"minutes":2,"ms":3}}"#, "`halts`: a halt takes no `ms`"),
            (r#"{"halts":{"per_month":1,"minutes":2,"from":"2023-01-01"}}"#, "what is drawn takes no `from`"),
            (r#"{"timeouts":{"per_month":1,"minutes":2}}"#, "needs `executed`"),
            (r#"{"timeouts":{"per_month":1,"minutes":2,"executed":1.5}}"#, "from 0 to 1"),
            (r#"{"timeouts":{"per_month":1,"minutes":2,"executed":"x"}}"#, "not a plain decimal"),
            (r#"{"latency":{"per_month":1,"minutes":2}}"#, "needs `ms`"),
            (r#"{"rejections":{"per_month":1,"minutes":2,"code":-9}}"#, "needs the exchange's text as `msg`"),
            (r#"{"rejections":{"per_month":1,"minutes":2,"code":-1003,"status":200}}"#, "from 400 to 599"),
            (r#"{"runs":0}"#, "`runs` is 0"),
            (r#"{"hats":{}}"#, "unknown field `hats`"),
            (r#"{"episode":[{}]}"#, "an episode needs `kind`: one of halt, timeout, latency, rejection"),
            (r#"{"episode":[{"kind":"flood"}]}"#, "no such `kind`"),
            (r#"{"episode":[{"kind":"halt"}]}"#, "needs `from` and `to`"),
            (r#"{"episode":[{"kind":"halt","from":"2023-01-02","to":"2023-01-02"}]}"#, "is none"),
            (&format!(r#"{{"episode":[{{"kind":"halt","minutes":3,{dated}}}]}}"#), "takes no `minutes`"),
            (&format!(r#"{{"episode":[{{"kind":"latency","executed":1,{dated}}}]}}"#), "a latency takes no `executed`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(told), "{json}: {error}");
        }
    }

    #[test]
    fn an_episode_concerns_its_markets() {
        let btc = Symbol::new("BTCUSDT").unwrap();
        let mut episode = Episode {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            symbols: Vec::new(),
            trouble: Trouble::Latency { ms: 1 },
        };
        assert!(episode.concerns(Some(btc)) && episode.concerns(None));
        episode.symbols.push(btc);
        assert!(episode.concerns(Some(btc)) && !episode.concerns(None));
        assert!(!episode.concerns(Symbol::new("ETHUSDT").ok()));
    }
}
