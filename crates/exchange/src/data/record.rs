//! What was asked and answered, so that tests can look it up.

use std::collections::{BTreeMap, VecDeque};

use candlewick_model::Timestamp;
use serde::Serialize;

use crate::faults::FaultKind;

/// So many requests are kept.
const KEPT: usize = 10_000;
/// So much of a path or a query is.
const TEXT_BYTES_MAX: usize = 2_000;

/// One request with its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Recorded {
    /// Server time.
    pub time: Timestamp,
    /// GET or HEAD.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// As it came.
    pub query: String,
    /// What `Range` said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Of the answer.
    pub status: u16,
    /// What it cost.
    pub weight: u32,
    /// Bytes of the answer's body.
    pub bytes: usize,
    /// The faults that it met.
    pub faults: Vec<FaultKind>,
}

/// Counts of all requests, and the last of them.
#[derive(Debug, Default, Serialize)]
pub struct Record {
    /// How many there were.
    pub total: u64,
    /// Of which weight, refused ones included.
    pub weight: u64,
    /// How many by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Under way at this moment.
    pub in_flight: usize,
    /// Under way at the same moment, at most.
    pub busiest: usize,
    /// The last of them, in order.
    pub last: VecDeque<Recorded>,
}

impl Record {
    pub(super) fn begin(&mut self) {
        self.in_flight += 1;
        self.busiest = self.busiest.max(self.in_flight);
    }

    /// Every request that began ends, also one whose client has gone.
    pub(super) fn end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub(super) fn add(&mut self, mut request: Recorded) {
        request.path.truncate(request.path.floor_char_boundary(TEXT_BYTES_MAX));
        request.query.truncate(request.query.floor_char_boundary(TEXT_BYTES_MAX));
        self.total += 1;
        self.weight += u64::from(request.weight);
        *self.by_status.entry(request.status).or_default() += 1;
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(request);
    }

    pub(super) fn clear(&mut self) {
        *self = Self { in_flight: self.in_flight, busiest: self.in_flight, ..Self::default() };
    }
}
