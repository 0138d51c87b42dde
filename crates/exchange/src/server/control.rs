//! What no real exchange has: time and markets under control, and forgiveness.
//!
//! For: `/control/…`, whose errors are `{"error": …}` unless the venue itself says no. Not for:
//! what the data server has too (`crate::control`).

mod market;

use axum::extract::{Request, State as Held};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use candlewick_model::{Refusal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::MutexGuard;

use super::answer::No;
use super::{Shared, State};
use crate::control::{self, Sent, Told, error, faults, kept_out};
use crate::faults::{FaultPlan, Server};
use crate::local::{Booking, Came, Ran, TakesUp};
use crate::pace::{Due, Speed};
use crate::when::When;

pub(super) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/control/time", get(time).post(set_time))
        .route("/control/step", post(step))
        .route("/control/seek", post(seek))
        .route("/control/transfer", post(transfer))
        .route("/control/faults", faults(&shared.faults).post(add_faults))
        .route("/control/market", get(market::told).post(market::revise))
        .route("/control/limits", delete(forgive))
        .route_layer(from_fn_with_state(Arc::clone(shared), guard))
}

async fn guard(Held(shared): Held<Arc<Shared>>, request: Request, next: Next) -> Response {
    match kept_out(&request, shared.serves_others) {
        None => next.run(request).await,
        Some(refused) => refused,
    }
}

/// Why a request for control is not met.
pub(super) enum Trouble {
    /// What is asked for makes no sense.
    Bad(String),
    /// Not as time goes now.
    Conflict(&'static str),
    /// The venue's own no.
    No(No),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::No(refusal.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        match self {
            Self::Bad(reason) => error(StatusCode::BAD_REQUEST, &reason),
            Self::Conflict(reason) => error(StatusCode::CONFLICT, reason),
            Self::No(no) => no.into_response(),
        }
    }
}

const IS_WALL: Trouble = Trouble::Conflict("time is the world's (--clock wall); it can be neither moved nor stopped");
const RUNS: Trouble = Trouble::Conflict("time goes by itself; pause it first");
const LOCK_STEP: Trouble = Trouble::Conflict("time is in lock step; only steps move it, until a speed is set");

/// A stretch of time: microseconds, or a text such as 90s, 5m, 2h, 1d.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a length of time is microseconds, or a text such as 90s")]
enum Length {
    Micros(i64),
    Text(String),
}

impl Length {
    fn micros(&self) -> Result<i64, Trouble> {
        let read = || match self {
            Self::Micros(micros) => Some(*micros),
            Self::Text(text) => {
                let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
                let units = [("ms", 1_000), ("s", SECOND), ("m", MINUTE), ("h", HOUR), ("d", DAY)];
                let (_, unit) = units.into_iter().find(|(known, _)| *known == unit)?;
                number.parse::<i64>().ok()?.checked_mul(unit)
            }
        };
        let wrong = || Trouble::Bad("`for` must be microseconds, or a text such as 500ms, 90s, 5m, 2h, 1d".to_owned());
        read().filter(|micros| *micros >= 0).ok_or_else(wrong)
    }
}

/// How far time may go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Microseconds; absent or null: to the next instant at which something happens, else not
    /// beyond this one.
    #[serde(default)]
    until: Option<i64>,
    /// All the way to the end of this instant.
    #[serde(default)]
    to: Option<When>,
    /// All the way through so much time.
    #[serde(default, rename = "for")]
    length: Option<Length>,
}

/// What happened.
#[derive(Serialize)]
pub(super) struct Stepped {
    /// Simulated time now, in microseconds.
    time: i64,
    /// How often an order changed.
    reports: usize,
    /// How many bars closed.
    bars: usize,
    /// Whether the market has ended.
    ended: bool,
}

/// Lets simulated time go on to the next instant at which an order changes or a bar closes, but
/// not beyond `until`; or all the way, `to` an instant or `for` a while.
async fn step(state: State, Told(step): Told<Step>) -> Result<Json<Stepped>, Trouble> {
    let by = match (&step.to, &step.length) {
        (None, None) => return step_to_next(&state, step.until).map(Json),
        (Some(to), None) if step.until.is_none() => By::Instant(to.time()),
        (None, Some(length)) if step.until.is_none() => By::Length(length.micros()?),
        _ => return Err(Trouble::Bad("give one of `until`, `to` and `for`".to_owned())),
    };
    let steering = Steering::take(&state, false).await?;
    let now = state.exchange().now();
    let to = match by {
        By::Instant(to) if to < now => {
            return Err(Trouble::Bad(format!("{to} is over, it is {now}; /control/seek goes back")));
        }
        By::Instant(to) => to,
        By::Length(micros) => now.plus(micros),
    };
    let Ran { came, reports, bars } = state.run_to(to).await?;
    let ended = came == Came::ToTheEnd;
    let time = steering.arrived(ended)?.micros();
    Ok(Json(Stepped { time, reports, bars, ended }))
}

enum By {
    Instant(Timestamp),
    Length(i64),
}

fn step_to_next(shared: &Shared, until: Option<i64>) -> Result<Stepped, Trouble> {
    let mut exchange = shared.exchange();
    may_move(shared, false)?;
    let stepped = exchange.step(until.map(Timestamp::from_micros))?;
    if exchange.is_kept() {
        exchange.mark()?;
    }
    if stepped.ended {
        shared.drive.tell_end(stepped.time);
    }
    let (time, reports, bars, ended) = (stepped.time.micros(), stepped.reports, stepped.bars, stepped.ended);
    Ok(Stepped { time, reports, bars, ended })
}

/// Whether somebody may move time now: never the world's, and steps only where it stands.
fn may_move(shared: &Shared, while_it_goes: bool) -> Result<(), Trouble> {
    let pace = shared.drive.pace();
    match pace.speed() {
        Speed::Wall => Err(IS_WALL),
        _ if pace.goes() && !while_it_goes => Err(RUNS),
        _ => Ok(()),
    }
}

/// Time in the hands of one request, until that is done or given up.
struct Steering<'a> {
    shared: &'a Shared,
    _alone: MutexGuard<'a, ()>,
}

impl<'a> Steering<'a> {
    async fn take(shared: &'a Shared, while_it_goes: bool) -> Result<Self, Trouble> {
        let alone = shared.drive.turnstile.lock().await;
        let _stands = shared.exchange();
        may_move(shared, while_it_goes)?;
        shared.drive.change(|pace, _| pace.hold());
        Ok(Self { shared, _alone: alone })
    }

    /// Time is where it was to be put; which one it is.
    fn arrived(self, ended: bool) -> Result<Timestamp, Refusal> {
        let mut exchange = self.shared.exchange();
        if exchange.is_kept() {
            exchange.mark()?;
        }
        if ended {
            self.shared.drive.tell_end(exchange.now());
        }
        Ok(exchange.now())
    }
}

impl Drop for Steering<'_> {
    fn drop(&mut self) {
        let now = self.shared.exchange().now();
        self.shared.drive.change(|pace, reading| pace.release(now, reading));
    }
}

/// Where to put time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seek {
    to: When,
}

/// Puts time to the end of another instant: forward at once, or back to the world as it was.
async fn seek(state: State, Told(Seek { to }): Told<Seek>) -> Result<Json<Value>, Trouble> {
    let to = to.time();
    let steering = Steering::take(&state, true).await?;
    let ended = if to >= state.exchange().now() {
        state.run_unseen_to(to).await?.came == Came::ToTheEnd
    } else {
        let past = state.exchange().past(to);
        let made = tokio::task::spawn_blocking(move || past.made()).await;
        let past = made.map_err(|error| Refusal::naming(-1000, error.to_string()))??;
        let mut exchange = state.exchange();
        exchange.go_back(past)?;
        let ended = exchange.has_ended()?;
        drop(exchange);
        // What was used up is not used up yet.
        state.ip_limits.forgive();
        state.drive.forget_end();
        ended
    };
    steering.arrived(ended)?;
    state.told().map(Json)
}

/// How time is to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetTime {
    speed: Option<Fast>,
    paused: Option<bool>,
}

/// A speed as it is told: a number, or a word.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a speed is a number or a word")]
enum Fast {
    Number(f64),
    Word(String),
}

impl Fast {
    fn speed(&self) -> Result<Speed, Trouble> {
        let read = match self {
            Self::Number(times) => Speed::times(*times),
            Self::Word(word) => word.parse(),
        };
        read.map_err(|error| Trouble::Bad(error.to_string()))
    }
}

async fn set_time(state: State, Told(set): Told<SetTime>) -> Result<Json<Value>, Trouble> {
    let _alone = state.drive.turnstile.lock().await;
    {
        let mut exchange = state.exchange();
        let now = exchange.now();
        let before = state.drive.pace().speed();
        if before == Speed::Wall {
            return Err(IS_WALL);
        }
        let speed = set.speed.as_ref().map_or(Ok(before), Fast::speed)?;
        if set.paused.is_some() && speed == Speed::LockStep {
            return Err(LOCK_STEP);
        }
        exchange.take_up_where(takes_up(speed))?;
        state.drive.change(|pace, reading| {
            if speed != before {
                pace.set_speed(speed, now, reading);
            }
            // In lock step there is nothing to pause.
            let paused = set.paused.or((speed == Speed::LockStep).then_some(false));
            if let Some(paused) = paused.filter(|paused| *paused != pace.is_paused()) {
                pace.pause(paused, now, reading);
            }
        });
        if exchange.is_kept() {
            exchange.mark()?;
        }
    }
    state.told().map(Json)
}

/// Where requests are taken up at a speed.
pub(super) fn takes_up(speed: Speed) -> TakesUp {
    if speed.runs() { TakesUp::AnyTime } else { TakesUp::AtPoints }
}

async fn time(state: State) -> Result<Json<Value>, Trouble> {
    state.told().map(Json)
}

impl Shared {
    /// How time stands.
    fn told(&self) -> Result<Value, Trouble> {
        let mut exchange = self.exchange();
        let (now, next) = (exchange.now(), exchange.next_instant()?);
        let pace = self.drive.pace();
        let (mode, speed) = match pace.speed() {
            Speed::LockStep => ("lock-step", Value::Null),
            Speed::Times(times) => ("free", json!(times)),
            Speed::Max => ("free", json!("max")),
            Speed::Wall => ("wall", json!(1.0)),
        };
        // In the machine's time: how long ago it should have been what it is.
        let times = if let Speed::Times(times) = pace.speed() { times } else { 1.0 };
        let behind = match pace.due(self.drive.reading()) {
            Due::Until(due) => (due.micros().saturating_sub(now.micros()).max(0) as f64 / times) as i64,
            Due::Nothing | Due::Everything => 0,
        };
        Ok(json!({
            "time": now.micros(),
            "now": now,
            "mode": mode,
            "speed": speed,
            "paused": pace.is_paused(),
            "ended": next.is_none(),
            "next": next.map(Timestamp::micros),
            "behind_us": behind,
        }))
    }
}

/// Pays something into an account or out of it, here and now; what there is of it then.
async fn transfer(state: State, Told(booking): Told<Booking>) -> Result<Json<Value>, Trouble> {
    let mut exchange = state.exchange();
    exchange.can_book(&booking).map_err(Trouble::Bad)?;
    let held = exchange.transfer(booking)?;
    let Booking { account, asset, amount } = booking;
    let (time, free, locked) = (exchange.now().micros(), held.free, held.locked);
    Ok(Json(json!({
        "time": time, "account": account, "asset": asset, "amount": amount, "free": free, "locked": locked,
    })))
}

/// Switches faults on; what of a scenario befalls markets is booked first.
async fn add_faults(state: State, Sent(body): Sent) -> Response {
    match FaultPlan::from_json(&body, Server::Trading) {
        Ok(mut plan) => match state.revise(std::mem::take(&mut plan.markets)).await {
            Ok(_) => control::add(&state.faults, plan),
            Err(trouble) => trouble.into_response(),
        },
        Err(reason) => error(StatusCode::BAD_REQUEST, &reason.to_string()),
    }
}

/// Forgets the weight that addresses have used, their bans, and how often they have connected.
async fn forgive(state: State) -> StatusCode {
    state.ip_limits.forgive();
    state.sockets.forgive();
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let micros = |text: &str| Length::Text(text.to_owned()).micros().ok();
        for (text, expected) in
            [("500ms", 500_000), ("90s", 90 * SECOND), ("5m", 5 * MINUTE), ("2h", 2 * HOUR), ("1d", DAY)]
        {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
        for text in ["", "5", "m", "-5m", "5 m", "5w", "99999999999999999999d", "9999999999999d"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
