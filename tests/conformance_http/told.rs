//! What a venue says, in the words of `expect`.

use candlewick_conformance::{describe_list, describe_refusal, describe_report};
use candlewick_simulator::VenueEvent;

pub(super) fn describe(event: &VenueEvent) -> String {
    match event {
        VenueEvent::Report(report) => describe_report(report),
        VenueEvent::ListStatus(list) => describe_list(list),
        VenueEvent::Refused { refusal, .. } => describe_refusal(refusal),
        VenueEvent::Tested { .. } => "tested".to_owned(),
    }
}
