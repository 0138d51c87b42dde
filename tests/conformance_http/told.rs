//! What a venue says, and what a server answers, in the words of `expect`.

use candlewick_conformance::{describe_list, describe_refusal, describe_report};
use candlewick_simulator::VenueEvent;
use serde_json::Value;

pub(super) fn describe(event: &VenueEvent) -> String {
    match event {
        VenueEvent::Report(report) => describe_report(report),
        VenueEvent::ListStatus(list) => describe_list(list),
        VenueEvent::Refused { refusal, .. } => describe_refusal(refusal),
        VenueEvent::Tested { .. } => "tested".to_owned(),
    }
}

/// What an answer tells beside the events that come with it: a refusal, that a test order passes,
/// or that the market has ended.
pub(super) fn describe_answer((status, answer): &(u16, Value), is_test: bool) -> Option<String> {
    let half = |half: &Value, response: &Value| match half.as_str() {
        Some("FAILURE") => code_and_text(response),
        word => word.unwrap_or_default().to_owned(),
    };
    if *status == 200 {
        return is_test.then(|| "tested".to_owned());
    }
    if answer["code"] == -1016 {
        return Some("unsent".to_owned());
    }
    let refused = format!("refused {}", code_and_text(answer));
    let Some(data) = answer.get("data") else { return Some(refused) };
    let cancel = half(&data["cancelResult"], &data["cancelResponse"]);
    Some(format!("{refused} / {cancel} / {}", half(&data["newOrderResult"], &data["newOrderResponse"])))
}

fn code_and_text(refusal: &Value) -> String {
    format!("{} {}", refusal["code"], refusal["msg"].as_str().unwrap_or_default())
}
