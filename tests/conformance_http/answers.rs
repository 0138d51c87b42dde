//! The answer to a request, as it follows from what the request has caused in process.

use candlewick_conformance::Sent;
use candlewick_model::{Action, CommissionRates, Half, ListStatus, Refusal};
use candlewick_simulator::VenueEvent;
use serde_json::{Value, json};

use super::lockstep::TakenUp;
use super::rates;
use super::reports::{self, Fields, Reports, text};

/// Status and content. What could not be sent meets a market that has ended.
pub(super) fn expected(sent: &Sent, taken_up: &TakenUp, reports: &Reports, fees: &CommissionRates) -> (u16, Value) {
    let Some(events) = &taken_up.caused else {
        return (400, json!({ "code": -1016, "msg": "This service is no longer available." }));
    };
    let caused = Caused { sent, events, is_over_limit: taken_up.is_over_limit, reports, fees };
    let refusal = caused.events.iter().find_map(|event| match event {
        VenueEvent::Refused { refusal, .. } => Some(refusal),
        _ => None,
    });
    match refusal {
        Some(refusal) => caused.refused(refusal),
        None => (200, caused.answer()),
    }
}

struct Caused<'a> {
    sent: &'a Sent,
    events: &'a [VenueEvent],
    is_over_limit: bool,
    reports: &'a Reports,
    fees: &'a CommissionRates,
}

impl Caused<'_> {
    fn told(&self) -> Vec<Fields> {
        let told = self.events.iter().filter_map(|event| match event {
            VenueEvent::Report(report) => Some(reports::fields(report)),
            _ => None,
        });
        told.collect()
    }

    fn lists(&self) -> Vec<&ListStatus> {
        let lists = self.events.iter().filter_map(|event| match event {
            VenueEvent::ListStatus(list) => Some(list),
            _ => None,
        });
        lists.collect()
    }

    fn answer(&self) -> Value {
        match self.sent.action {
            Action::Test if self.sent.parameters.get("computeCommissionRates") == Some("true") => {
                rates::of_order(self.fees, self.sent.parameters.get("side") == Some("BUY"))
            }
            Action::Test => json!({}),
            Action::New => self.placed(self.kind_of_answer()).remove(0),
            Action::OcoDeprecated | Action::Oco | Action::Oto | Action::Otoco | Action::Opo | Action::Opoco => {
                let mut list = reports::list(self.lists()[0]);
                let kind = self.sent.parameters.get("newOrderRespType").unwrap_or("RESULT");
                list.insert("orderReports".to_owned(), self.placed(kind).into());
                list.into()
            }
            Action::Cancel | Action::CancelList => match self.lists().last() {
                Some(list) => self.ended(list),
                None => self.cancelled().remove(0).1,
            },
            Action::CancelAll => {
                let alone = self.cancelled().into_iter().filter(|(list, _)| *list < 0).map(|(_, order)| order);
                alone.chain(self.lists().into_iter().map(|list| self.ended(list))).collect()
            }
            Action::CancelReplace => json!({
                "cancelResult": "SUCCESS", "newOrderResult": "SUCCESS",
                "cancelResponse": self.half(&Half::Success, true),
                "newOrderResponse": self.half(&Half::Success, false),
            }),
            Action::Amend => self.amended(),
        }
    }

    fn kind_of_answer(&self) -> &str {
        let parameters = &self.sent.parameters;
        parameters.get("newOrderRespType").unwrap_or_else(|| match parameters.get("type") {
            Some("MARKET" | "LIMIT") => "FULL",
            _ => "ACK",
        })
    }

    /// The new orders by number, each as its last report leaves it, a pending one as it was placed.
    fn placed(&self, kind: &str) -> Vec<Value> {
        let told = self.told();
        let number = |fields: &Fields| format!("{:?}", fields["i"]);
        let is_new = |fields: &&Fields| text(fields, "x") == "NEW" && fields["O"] == fields["T"];
        let mut new: Vec<&Fields> = Vec::new();
        for fields in told.iter().filter(is_new) {
            if !new.iter().any(|known| number(known) == number(fields)) {
                new.push(fields);
            }
        }
        let answer = |new: &&Fields| {
            let reports = if text(new, "X") == "PENDING_NEW" { 1 } else { told.len() };
            let own = || told.iter().filter(|fields| fields["i"] == new["i"]).take(reports);
            let mut last = own().last().unwrap().clone();
            if let Some(known) = own().filter_map(|fields| fields.get("v")).last() {
                last.insert("v", known.clone());
            }
            let mut placed = if kind == "ACK" { reports::acknowledged(&last) } else { reports::placed(&last) };
            if kind == "FULL" {
                let fills = own().filter(|fields| text(fields, "x") == "TRADE").map(reports::fill);
                placed.insert("fills".to_owned(), fills.collect());
            }
            Value::from(placed)
        };
        new.iter().map(answer).collect()
    }

    /// The cancelled orders with the numbers of their lists.
    fn cancelled(&self) -> Vec<(i64, Value)> {
        let told = self.told();
        let cancels = told.iter().filter(|fields| text(fields, "x") == "CANCELED");
        let cancelled = cancels.map(reports::cancelled);
        cancelled.map(|order| (order["orderListId"].as_i64().unwrap(), order)).collect()
    }

    /// A list that was cancelled.
    fn ended(&self, list: &ListStatus) -> Value {
        let number = i64::try_from(list.order_list_id).unwrap();
        let own = self.cancelled().into_iter().filter(|(list, _)| *list == number);
        let mut told = reports::list(list);
        told.insert("orderReports".to_owned(), own.map(|(_, order)| order).collect());
        told.into()
    }

    fn amended(&self) -> Value {
        let told = self.told();
        let report = told.iter().find(|fields| text(fields, "x") == "REPLACED").unwrap();
        let mut answer = json!({ "amendedOrder": reports::amended(report) });
        let VenueEvent::Report(first) = &self.events[0] else { panic!("a report comes first") };
        answer["transactTime"] = first.time.millis().into();
        answer["executionId"] = first.execution_id.into();
        if let Some(list) = first.order.order_list_id {
            let mut list = reports::list(&self.reports.lists[&list]);
            list.retain(|member, _| !["listStatusType", "transactionTime"].contains(&member.as_str()));
            answer["listStatus"] = list.into();
        }
        answer
    }

    fn refused(&self, refusal: &Refusal) -> (u16, Value) {
        let answer = said(refusal);
        let Some(halves) = &refusal.halves else {
            return (if refusal.code == -1015 { 429 } else { 400 }, answer);
        };
        let result = |half: &Half| match half {
            Half::Success => "SUCCESS",
            Half::Failure(_) => "FAILURE",
            Half::NotAttempted => "NOT_ATTEMPTED",
        };
        let data = json!({
            "cancelResult": result(&halves.cancel), "newOrderResult": result(&halves.new_order),
            "cancelResponse": self.half(&halves.cancel, true),
            "newOrderResponse": self.half(&halves.new_order, false),
        });
        let is_over_limit = match &halves.new_order {
            Half::Failure(refusal) => refusal.code == -1015,
            Half::NotAttempted => self.is_over_limit,
            Half::Success => false,
        };
        let stops = self.sent.parameters.get("cancelReplaceMode") == Some("STOP_ON_FAILURE");
        let status = match refusal.code {
            _ if stops && is_over_limit => 429,
            -2021 => 409,
            _ => 400,
        };
        (status, json!({ "code": answer["code"], "msg": answer["msg"], "data": data }))
    }

    fn half(&self, half: &Half, is_cancel: bool) -> Value {
        match half {
            Half::Success if is_cancel => self.cancelled().remove(0).1,
            Half::Success => self.placed(self.kind_of_answer()).remove(0),
            Half::Failure(refusal) => said(refusal),
            Half::NotAttempted => Value::Null,
        }
    }
}

fn said(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code, "msg": refusal.text })
}
