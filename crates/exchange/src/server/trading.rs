//! Signed endpoints that act: orders, lists, cancels, replacements, amendments.
//!
//! The venue judges the parameters as they were sent; what it says becomes the answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use candlewick_binance::wire::{Amended, Cancelled, HalfResult, ListState, Placed, Replaced, ResponseType};
use candlewick_model::{
    Action, Command, ExecutionReport, ExecutionType, Fill, Half, Halves, ListStatus, OrderId, OrderStatus,
    RawParameters, Refusal, TimeUnit, request,
};
use candlewick_simulator::VenueEvent;
use serde::Serialize;
use serde_json::{Value, json};

use super::State;
use super::admission::{Admitted, Asked};
use super::answer::{Answer, No};
use super::endpoints::EndedItsOrder;
use crate::history::History;
use crate::local::LocalExchange;

/// Requests of this kind are kept: they must be no longer than makes sense.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// What a command has caused, with what is needed to tell of it.
pub(super) struct Told<'a> {
    events: Vec<VenueEvent>,
    exchange: &'a LocalExchange,
    account: usize,
    unit: TimeUnit,
}

impl Told<'_> {
    fn history(&self) -> &History {
        self.exchange.history(self.account)
    }

    /// Whether a replacement has met the limit of unfilled orders, which counts its new order even
    /// where it was not tried.
    fn is_over_limit(&self, halves: &Halves) -> bool {
        let exceeded = || self.exchange.unfilled_orders(self.account).iter().any(|(of, count)| *count > of.limit);
        match &halves.new_order {
            Half::Failure(refusal) => refusal.code == -1015,
            Half::NotAttempted => exceeded(),
            Half::Success => false,
        }
    }

    fn reports(&self) -> impl Iterator<Item = &ExecutionReport> {
        self.events.iter().filter_map(|event| match event {
            VenueEvent::Report(report) => Some(report),
            _ => None,
        })
    }

    fn refusal(&self) -> Option<&Refusal> {
        self.events.iter().find_map(|event| match event {
            VenueEvent::Refused { refusal, .. } => Some(refusal),
            _ => None,
        })
    }

    /// The list that was told of last.
    fn list(&self) -> Option<&ListStatus> {
        self.events.iter().rev().find_map(|event| match event {
            VenueEvent::ListStatus(status) => Some(status),
            _ => None,
        })
    }

    /// An order that was placed, as all reports of it leave it; a pending one as it was placed,
    /// even if its working order was filled at once (`rest-api.md`, New Order List - OTO).
    fn placed(&self, id: OrderId, response: ResponseType) -> Option<Placed> {
        let all = || self.reports().filter(|report| report.order.order_id == id);
        let is_pending = all().next()?.order.status == OrderStatus::PendingNew;
        let own = || all().take(if is_pending { 1 } else { usize::MAX });
        let order = own().last()?.order;
        let fills: Vec<Fill> = own().filter_map(|report| report.fill).collect();
        Some(Placed::of(&order, &fills, self.history().prevented_match_of(id), response, self.unit))
    }

    /// The orders that were placed, by number.
    fn new_orders(&self) -> Vec<OrderId> {
        let is_new = |report: &&ExecutionReport| {
            report.execution_type == ExecutionType::New && report.order.created == report.time
        };
        let mut ids: Vec<_> = self.reports().filter(is_new).map(|report| report.order.order_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn cancelled(&self) -> impl Iterator<Item = Cancelled> {
        let ended = self.reports().filter(|report| report.execution_type == ExecutionType::Canceled);
        ended.map(|report| Cancelled::of(&report.order, report.cancel_name(), self.unit))
    }
}

/// Reads a signed request, lets the venue take it up, and makes an answer of what it says.
pub(super) fn act<T>(
    state: &State,
    asked: &Admitted,
    action: Action,
    answer: impl FnOnce(&Told<'_>, &RawParameters) -> T,
) -> Result<T, No> {
    let (parameters, unit) = asked.parts();
    let raw = parameters.raw();
    if raw.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > TEXT_BYTES_MAX {
        return Err(No::saying(-1101, "Too many parameters sent for this endpoint."));
    }
    let command = Command::Raw(action, Box::new(raw));
    let mut exchange = state.exchange();
    let events = exchange.take_up(asked.account, &command)?;
    let told = Told { events, exchange: &exchange, account: asked.account, unit };
    let Command::Raw(_, raw) = &command else { unreachable!("made above") };
    // A replacement tells of its halves itself.
    match told.refusal() {
        // What was read before the venue was asked is counted as well.
        Some(refusal) if refusal.code == -1104 => {
            let counted = request::command(action, &parameters.unsigned()).err();
            Err(counted.unwrap_or_else(|| refusal.clone()).into())
        }
        Some(refusal) if refusal.halves.is_none() => Err(refusal.clone().into()),
        _ => Ok(answer(&told, raw)),
    }
}

pub(super) async fn new_order(state: State, Extension(asked): Asked) -> Answer<Placed> {
    act(&state, &asked, Action::New, |told, raw| {
        let id = told.new_orders().first().copied().expect("what is not refused is reported as new");
        Json(told.placed(id, ResponseType::asked_for(raw)).expect("it was reported"))
    })
}

pub(super) async fn cancel_order(state: State, Extension(asked): Asked) -> Result<Response, No> {
    act(&state, &asked, Action::Cancel, |told, _| match told.list() {
        // The cancel of one ends all.
        Some(list) => list_answer(told, list),
        None => Json(told.cancelled().next().expect("what is not refused is reported as cancelled")).into_response(),
    })
}

/// What a cancel of everything has ended.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Ended {
    Order(Cancelled),
    List(ListState<Cancelled>),
}

/// Orders that were cancelled, and lists with theirs.
pub(super) async fn cancel_all(state: State, Extension(asked): Asked) -> Answer<Vec<Ended>> {
    act(&state, &asked, Action::CancelAll, |told, _| {
        let alone = told.cancelled().filter(|cancelled| cancelled.order_list_id < 0).map(Ended::Order);
        let lists = told.events.iter().filter_map(|event| match event {
            VenueEvent::ListStatus(list) => Some(Ended::List(list_state(told, list))),
            _ => None,
        });
        Json(alone.chain(lists).collect())
    })
}

pub(super) async fn cancel_list(state: State, Extension(asked): Asked) -> Answer<ListState<Cancelled>> {
    act(&state, &asked, Action::CancelList, |told, _| {
        Json(list_state(told, told.list().expect("what is not refused is reported as done")))
    })
}

fn list_state(told: &Told<'_>, list: &ListStatus) -> ListState<Cancelled> {
    let number = i64::try_from(list.order_list_id).unwrap_or(-1);
    let reports = told.cancelled().filter(|cancelled| cancelled.order_list_id == number).collect();
    ListState::of(list, reports, told.unit)
}

fn list_answer(told: &Told<'_>, list: &ListStatus) -> Response {
    Json(list_state(told, list)).into_response()
}

/// Places a list of any kind; its reports are as RESULT where nothing else is asked for.
pub(super) async fn new_list(action: Action, state: State, Extension(asked): Asked) -> Answer<ListState<Placed>> {
    act(&state, &asked, action, |told, raw| {
        let response = match raw.get("newOrderRespType") {
            Some("ACK") => ResponseType::Ack,
            Some("FULL") => ResponseType::Full,
            _ => ResponseType::Result,
        };
        let placed = told.new_orders().into_iter().filter_map(|id| told.placed(id, response)).collect();
        let begun = told.events.iter().find_map(|event| match event {
            VenueEvent::ListStatus(status) => Some(status),
            _ => None,
        });
        Json(ListState::of(begun.expect("what is not refused is reported as begun"), placed, told.unit))
    })
}

pub(super) async fn amend(state: State, Extension(asked): Asked) -> Result<Response, No> {
    act(&state, &asked, Action::Amend, |told, _| {
        let amended = told.reports().find(|report| report.execution_type == ExecutionType::Replaced);
        let amended = amended.expect("what is not refused is reported as replaced");
        let list = amended.order.order_list_id.and_then(|list| told.history().list(list));
        let list = list.map(|list| ListState::of(list, Vec::new(), told.unit));
        let mut response = Json(Amended::of(amended, list, told.unit)).into_response();
        let own = |report: &&ExecutionReport| report.order.order_id == amended.order.order_id;
        if told.reports().filter(own).any(|report| report.order.status.is_final()) {
            response.extensions_mut().insert(EndedItsOrder);
        }
        response
    })
}

/// A replacement that fails in part or as a whole tells of its halves in `data`.
pub(super) async fn cancel_replace(state: State, Extension(asked): Asked) -> Result<Response, No> {
    act(&state, &asked, Action::CancelReplace, |told, raw| {
        let response = ResponseType::asked_for(raw);
        let stops = raw.get("cancelReplaceMode") == Some("STOP_ON_FAILURE");
        let cancelled = || value(told.cancelled().next());
        let placed = || value(told.new_orders().first().and_then(|id| told.placed(*id, response)));
        let Some((refusal, halves)) = told.refusal().and_then(|refusal| Some((refusal, refusal.halves.as_ref()?)))
        else {
            let (cancel_result, new_order_result) = (HalfResult::Success, HalfResult::Success);
            let (cancel_response, new_order_response) = (cancelled(), placed());
            return Json(Replaced { cancel_result, new_order_result, cancel_response, new_order_response })
                .into_response();
        };
        let (cancel_result, cancel_response) = half(&halves.cancel, cancelled);
        let (new_order_result, new_order_response) = half(&halves.new_order, placed);
        let data = Replaced { cancel_result, new_order_result, cancel_response, new_order_response };
        let answer = json!({ "code": refusal.code, "msg": refusal.text, "data": data });
        (status_of(refusal.code, stops && told.is_over_limit(halves)), Json(answer)).into_response()
    })
}

fn half(half: &Half, done: impl FnOnce() -> Value) -> (HalfResult, Value) {
    match half {
        Half::Success => (HalfResult::Success, done()),
        Half::Failure(refusal) => (HalfResult::Failure, value(refusal)),
        Half::NotAttempted => (HalfResult::NotAttempted, Value::Null),
    }
}

/// Of a failed replacement (`rest-api.md`, its table): in part, as a whole, or over the limit where
/// one half was to stop the other.
fn status_of(code: i32, stopped_by_limit: bool) -> StatusCode {
    match code {
        _ if stopped_by_limit => StatusCode::TOO_MANY_REQUESTS,
        -2021 => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn value(told: impl Serialize) -> Value {
    serde_json::to_value(told).expect("answers are plain data")
}
