//! Smart order routing, and what comes of it: an exchange without other books to route to.
//!
//! For: every check that such an order meets, then the exchange's no, since `sors` of exchangeInfo
//! lists no symbol; and allocations and block trades, of which there are none. Not for: orders
//! that are placed.

use axum::http::StatusCode;
use axum::{Extension, Json};
use candlewick_model::request::sor_order;

use super::State;
use super::account::Wanted;
use super::admission::{Admitted, Asked};
use super::answer::{Answer, No};
use super::select::{bad_combination, one};

/// What nobody has any of.
type Nothing = [(); 0];

/// As the exchange answers for symbols that are in no `sors`; the documents do not have it.
const NO_SOR: No = No::saying(-1013, "This symbol has no SOR.");

pub(super) async fn new_order(state: State, Extension(asked): Asked) -> Result<StatusCode, No> {
    refuse(&state, &asked, false)
}

pub(super) async fn test_order(state: State, Extension(asked): Asked) -> Result<StatusCode, No> {
    refuse(&state, &asked, true)
}

fn refuse(state: &State, asked: &Admitted, is_test: bool) -> Result<StatusCode, No> {
    sor_order(&asked.parameters.raw(), is_test)?;
    asked.parameters.symbol(|symbol| state.exchange().has(symbol))?;
    Err(NO_SOR)
}

pub(super) async fn allocations(state: State, Extension(asked): Asked) -> Answer<Nothing> {
    let parameters = &asked.parameters;
    parameters.symbol(|symbol| state.exchange().has(symbol))?;
    let wanted = Wanted::read(parameters, "fromAllocationId")?.by_number_or_time()?;
    if parameters.whole("orderId")?.is_some() && wanted.is_timed() {
        return Err(bad_combination());
    }
    parameters.limit(500, 1_000)?;
    Ok(Json([]))
}

pub(super) async fn block_trades(state: State, Extension(asked): Asked) -> Answer<Nothing> {
    let parameters = &asked.parameters;
    one(parameters, &state.exchange())?;
    parameters.mandatory("fromId")?;
    parameters.whole("fromId")?;
    parameters.limit(500, 1_000)?;
    Ok(Json([]))
}
