//! `/ws` and `/stream`: connections to the streams of markets.
//!
//! For: which URL begins what, and the end of it. Not for: what is told (`streams`), or how
//! connections are kept (`socket`).

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::Utf8Bytes;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use candlewick_model::Timestamp;

use super::socket::{Conversation, Handshake, Leave};
use super::{Shared, State};
use crate::streams::{Session, Target, shutdown};

/// Both kinds of URL, with and without a slash at the end.
pub(super) fn routes() -> Router<Arc<Shared>> {
    let paths = ["/ws", "/ws/", "/ws/{*streams}", "/stream", "/stream/"];
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, get(begin)))
}

async fn begin(state: State, uri: Uri, handshake: Handshake) -> Response {
    let Some(target) = Target::read(uri.path(), uri.query().unwrap_or_default()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let shared = Arc::clone(&state);
    handshake.accept(move |outlet| {
        let session = Session::open(target, outlet, &mut shared.exchange());
        Listening { session, shared }
    })
}

/// A connection that listens.
struct Listening {
    session: Session,
    shared: Arc<Shared>,
}

impl Conversation for Listening {
    const MESSAGES_A_SECOND: Option<u32> = Some(5);

    async fn hear(&mut self, text: Utf8Bytes) -> Result<(), Leave> {
        self.session.hear(&text, &mut self.shared.exchange());
        Ok(())
    }

    fn farewell(&self) -> Utf8Bytes {
        shutdown(self.session.form(), self.now())
    }

    fn now(&self) -> Timestamp {
        self.shared.exchange().now()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Where a handler has panicked there is nobody left to be told.
        if let Ok(mut exchange) = self.shared.exchange.lock() {
            self.session.close(&mut exchange);
        }
    }
}

#[cfg(test)]
mod tests;
