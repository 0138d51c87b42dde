//! Answers: JSON, and the exchange's no with its HTTP status.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use candlewick_model::Refusal;

/// The exchange's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct No(pub(crate) Refusal);

/// What a handler gives back.
pub(crate) type Answer<T> = Result<Json<T>, No>;

impl No {
    pub(crate) const fn saying(code: i32, text: &'static str) -> Self {
        Self(Refusal::new(code, text))
    }

    /// Malformed requests and refused orders are 400, keys that are not accepted 401, too many
    /// orders 429, own trouble 500.
    pub(crate) fn status(&self) -> StatusCode {
        match self.0.code {
            -1000 => StatusCode::INTERNAL_SERVER_ERROR,
            -2014 | -2015 => StatusCode::UNAUTHORIZED,
            -1003 | -1015 => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        (self.status(), Json(self.0)).into_response()
    }
}
