//! One line of the journal: what happened, and where in time.

use std::borrow::Cow;
use std::fmt;

use candlewick_model::{Action, RawParameters, Timestamp};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::local::{Booking, TakesUp};
use crate::revision::Revision;

/// Where in time an exchange stands. The way of the markets is fixed, so that this alone says
/// how far they have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Simulated time.
    pub(crate) time: Timestamp,
    /// How often markets have moved; more often than once at one instant where their bars have it.
    pub(crate) turns: u64,
    /// How much the venue has said: the same requests make it say the same.
    pub(crate) said: u64,
}

/// What happened there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A trading request, as it was sent.
    Request { account: usize, action: Action, parameters: Cow<'a, RawParameters> },
    /// From here on requests are taken up there.
    TakesUp(TakesUp),
    /// A deposit or a withdrawal that control has asked for.
    Transfer(Booking),
    /// What the exchange does to markets, now or later.
    Revised(Cow<'a, [Revision]>),
    /// Nothing: time has come so far.
    Mark,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Entry(Place, Entry<'static>),
    /// It is this instant again, and of all entries the first ones have happened and no others.
    Back(Timestamp, usize),
}

/// What comes next in a request, and behind how many bytes at most.
const ACCOUNT: &[u8] = b",\"account\":";
const PLACE_BYTES: usize = 96;

/// A line as it is written. The short names are of what is in all of them.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    /// Time, in microseconds.
    t: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    turns: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    said: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<Action>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "in_order")]
    parameters: Option<Cow<'a, RawParameters>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    takes_up: Option<TakesUp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transfer: Option<Booking>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revised: Option<Cow<'a, [Revision]>>,
    /// How many entries stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    back: Option<usize>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Parameters keep the order in which they were sent.
fn in_order<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Cow<'static, RawParameters>>, D::Error> {
    struct InOrder;
    impl<'de> Visitor<'de> for InOrder {
        type Value = RawParameters;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("parameters by name")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawParameters, M::Error> {
            let mut raw = RawParameters::default();
            while let Some((name, value)) = map.next_entry::<Cow<'de, str>, String>()? {
                raw.push(&name, value);
            }
            Ok(raw)
        }
    }
    d.deserialize_map(InOrder).map(|raw| Some(Cow::Owned(raw)))
}

/// An entry as a line, without its end.
pub(super) fn written(place: Place, entry: &Entry<'_>) -> String {
    let Place { time, turns, said } = place;
    let here = Written { t: time.micros(), turns, said, ..Written::default() };
    json(&match entry {
        Entry::Request { account, action, parameters } => Written {
            account: Some(*account),
            action: Some(*action),
            parameters: Some(Cow::Borrowed(parameters.as_ref())),
            ..here
        },
        Entry::TakesUp(takes_up) => Written { takes_up: Some(*takes_up), ..here },
        Entry::Transfer(booking) => Written { transfer: Some(*booking), ..here },
        Entry::Revised(revisions) => Written { revised: Some(Cow::Borrowed(revisions.as_ref())), ..here },
        Entry::Mark => here,
    })
}

/// A way back as a line.
pub(super) fn written_back(to: Timestamp, stay: usize) -> String {
    json(&Written { t: to.micros(), back: Some(stay), ..Written::default() })
}

fn json(line: &Written<'_>) -> String {
    serde_json::to_string(line).expect("numbers and texts")
}

impl Line {
    /// Whether it is a request, by how it begins: where the checksum is right it need not be read
    /// twice.
    pub(super) fn is_request(text: &str) -> bool {
        text.as_bytes()[..text.len().min(PLACE_BYTES)].windows(ACCOUNT.len()).any(|part| part == ACCOUNT)
    }

    /// Reads a line.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let line: Written<'static> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let place = Place { time: Timestamp::from_micros(line.t), turns: line.turns, said: line.said };
        let Written { account, action, parameters, takes_up, transfer, revised, back, .. } = line;
        let request = (account, action, parameters);
        Ok(match (request, takes_up, transfer, revised, back) {
            ((None, None, None), None, None, None, Some(stay)) => Self::Back(place.time, stay),
            ((None, None, None), None, None, None, None) => Self::Entry(place, Entry::Mark),
            ((None, None, None), Some(takes_up), None, None, None) => Self::Entry(place, Entry::TakesUp(takes_up)),
            ((None, None, None), None, Some(booking), None, None) => Self::Entry(place, Entry::Transfer(booking)),
            ((None, None, None), None, None, Some(revisions), None) => Self::Entry(place, Entry::Revised(revisions)),
            ((Some(account), Some(action), Some(parameters)), None, None, None, None) => {
                Self::Entry(place, Entry::Request { account, action, parameters })
            }
            _ => return Err("neither a request nor anything else that is known".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::Amount;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let place = Place { time: Timestamp::from_micros(1_677_628_800_000_000), turns: 4, said: 9 };
        let parameters: RawParameters = [("b", "é\"\\"), ("a", ""), ("b", "2")].into_iter().collect();
        let revisions = Revision::read(br#"{"symbol":"AB","at":1677628800000000,"delisted":true}"#).unwrap();
        let request = Entry::Request { account: 3, action: Action::Oco, parameters: Cow::Owned(parameters) };
        for (entry, text) in [
            (
                request,
                r#"{"t":1677628800000000,"turns":4,"said":9,"account":3,"action":"oco","parameters":{"b":"é\"\\","a":"","b":"2"}}"#,
            ),
            (Entry::TakesUp(TakesUp::AnyTime), r#"{"t":1677628800000000,"turns":4,"said":9,"takes_up":"any_time"}"#),
            (
                Entry::Transfer(Booking {
                    account: 2,
                    asset: "BNB".parse().unwrap(),
                    amount: Amount::from_units(-50_000_000),
                }),
                r#"{"t":1677628800000000,"turns":4,"said":9,"transfer":{"account":2,"asset":"BNB","amount":"-0.50000000"}}"#,
            ),
            (
                Entry::Revised(Cow::Owned(revisions)),
                r#"{"t":1677628800000000,"turns":4,"said":9,"revised":[{"symbol":"AB","at":"2023-03-01T00:00:00Z","delisted":true}]}"#,
            ),
            (Entry::Mark, r#"{"t":1677628800000000,"turns":4,"said":9}"#),
        ] {
            assert_eq!(written(place, &entry), text);
            assert_eq!(Line::is_request(text), matches!(entry, Entry::Request { .. }));
            assert_eq!(Line::read(text), Ok(Line::Entry(place, entry)));
        }
        assert_eq!(written_back(place.time, 0), r#"{"t":1677628800000000,"back":0}"#);
        assert_eq!(Line::read(&written_back(place.time, 7)), Ok(Line::Back(place.time, 7)));
        for text in
            ["", "{}", r#"{"t":1,"account":0}"#, r#"{"t":1,"secret":"s"}"#, r#"{"t":1,"back":1,"takes_up":"any_time"}"#]
        {
            assert!(Line::read(text).is_err(), "{text}");
        }
    }
}
