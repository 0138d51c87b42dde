//! An instant as control and scenarios write it: microseconds, or a text such as
//! 2023-03-01T12:00:00Z.

use candlewick_model::Timestamp;
use serde::{Deserialize, Deserializer};

/// An instant, in either way of writing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a time must be microseconds, or a text such as 2023-03-01T12:00:00Z")]
pub(crate) enum When {
    Micros(i64),
    Text(Timestamp),
}

impl When {
    pub(crate) fn time(self) -> Timestamp {
        match self {
            Self::Micros(micros) => Timestamp::from_micros(micros),
            Self::Text(time) => time,
        }
    }
}

/// Reads one that may be absent.
pub(crate) fn optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<When>::deserialize(d)?.map(When::time))
}
