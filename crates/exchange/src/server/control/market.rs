//! `/control/market`: what the exchange does to its markets, now or later, and what it has done.

use axum::Json;
use serde_json::{Value, json};

use super::super::State;
use super::{Shared, Trouble};
use crate::control::Sent;
use crate::local::LocalExchange;
use crate::revision::Revision;

/// `GET`: how all markets are, what has changed them and what will.
pub(in crate::server) async fn told(state: State) -> Json<Value> {
    Json(markets(&state.exchange()))
}

/// `POST`: one revision, or a list; all of them or none.
pub(in crate::server) async fn revise(state: State, Sent(body): Sent) -> Result<Json<Value>, Trouble> {
    state.revise(Revision::read(&body).map_err(Trouble::Bad)?).await?;
    Ok(told(state).await)
}

impl Shared {
    /// Takes in revisions, while nobody puts time elsewhere.
    pub(in crate::server) async fn revise(&self, revisions: Vec<Revision>) -> Result<(), Trouble> {
        let _alone = self.drive.turnstile.lock().await;
        let mut exchange = self.exchange();
        let ready = exchange.ready(revisions).map_err(Trouble::Bad)?;
        exchange.revise(ready)?;
        if exchange.is_kept() {
            exchange.mark()?;
        }
        drop(exchange);
        // Something else may be due next.
        self.drive.change(|_, _| ());
        Ok(())
    }
}

fn markets(exchange: &LocalExchange) -> Value {
    let one = |view: crate::market::View<'_>| {
        let symbol = view.market.symbol;
        let in_force: Vec<_> = view.market.revisions().iter().map(|in_force| &in_force.revision).collect();
        json!({
            "symbol": symbol,
            "status": view.instrument().status,
            "delisted": view.market.is_delisted(),
            "changed": in_force,
            "to_come": exchange.to_come(symbol).collect::<Vec<_>>(),
        })
    };
    exchange.views().map(one).collect()
}
