//! Every endpoint as the documents list it: path, method of the WebSocket API, security, weight.
//!
//! For: the one table that decides who may ask, what it costs and which parameters are read,
//! also of endpoints that nobody answers yet. Not for: answering.

mod table;
mod weight;

use axum::http::Method;
use axum::response::Response;

pub(crate) use weight::Weight;

use super::security::Security;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Method and path; what exists only over WebSocket has none.
    rest: Option<(Method, &'static str)>,
    /// The name in the WebSocket API; what exists only over REST has none.
    socket: Option<&'static str>,
    pub(crate) security: Security,
    pub(crate) weight: Weight,
    charged: Charged,
    /// By how much the count of unfilled orders rises; the venue counts.
    pub(crate) unfilled: u32,
    /// The parameters that are read beside those of the signature; `None`: the venue reads them.
    pub(crate) parameters: Option<&'static [&'static str]>,
}

/// When a request costs its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charged {
    /// Whatever becomes of it.
    Always,
    /// When it fails.
    WhenItFails,
    /// Unless it has ended its order.
    UnlessItEnds,
}

/// In a response: the request has ended the order that it was to change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndedItsOrder;

/// What there is at a path.
#[derive(Debug)]
pub(crate) enum Found {
    Endpoint(&'static Endpoint),
    /// Not with this method; these are allowed.
    OtherMethods(String),
    Nothing,
}

/// Looks a request up. HEAD is a GET whose body is not sent.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut allowed: Vec<&str> = Vec::new();
    for endpoint in &table::ALL {
        if let Some((own, _)) = endpoint.rest.as_ref().filter(|(_, known)| *known == path) {
            if own == method {
                return Found::Endpoint(endpoint);
            }
            allowed.push(own.as_str());
        }
    }
    if allowed.is_empty() { Found::Nothing } else { Found::OtherMethods(allowed.join(", ")) }
}

/// Looks a method of the WebSocket API up; it may name the version.
pub(crate) fn find_method(name: &str) -> Option<&'static Endpoint> {
    let name = name.strip_prefix("v3/").unwrap_or(name);
    table::ALL.iter().find(|endpoint| endpoint.socket == Some(name))
}

/// All of them.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static Endpoint> {
    table::ALL.iter()
}

impl Endpoint {
    /// The name in the WebSocket API.
    pub(crate) fn method(&self) -> Option<&'static str> {
        self.socket
    }

    /// The request over REST that is the same.
    pub(crate) fn request(&self) -> Option<(&Method, &'static str)> {
        self.rest.as_ref().map(|(method, path)| (method, *path))
    }

    /// Whether a request with this answer costs nothing.
    pub(crate) fn is_free(&self, response: &Response) -> bool {
        match self.charged {
            Charged::Always => false,
            Charged::WhenItFails => response.status().is_success(),
            Charged::UnlessItEnds => response.extensions().get::<EndedItsOrder>().is_some(),
        }
    }

    const fn new(rest: Option<(Method, &'static str)>, security: Security, weight: Weight) -> Self {
        Self { rest, socket: None, security, weight, charged: Charged::Always, unfilled: 0, parameters: None }
    }

    const fn charged(mut self, charged: Charged) -> Self {
        self.charged = charged;
        self
    }

    const fn socket(mut self, name: &'static str) -> Self {
        self.socket = Some(name);
        self
    }

    const fn reads(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = Some(parameters);
        self
    }

    const fn places(mut self, unfilled: u32) -> Self {
        self.unfilled = unfilled;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::security::Permission::{Trade, UserData};

    fn at(method: Method, path: &str) -> &'static Endpoint {
        match find(&method, path) {
            Found::Endpoint(endpoint) => endpoint,
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    #[test]
    fn a_path_is_found_by_its_method() {
        let order = "/api/v3/order";
        assert_eq!(at(Method::POST, order).security, Security::Signed(Trade));
        assert_eq!(at(Method::GET, order).security, Security::Signed(UserData));
        assert_eq!(at(Method::HEAD, "/api/v3/time").security, Security::None);
        let Found::OtherMethods(allowed) = find(&Method::PUT, order) else { panic!("no PUT") };
        assert_eq!(allowed, "POST, DELETE, GET");
        for nothing in ["/api/v3/orders", "/api/v3/order/", "/api/v1/order", "/api/v3", ""] {
            assert!(matches!(find(&Method::GET, nothing), Found::Nothing), "{nothing}");
        }
    }

    #[test]
    fn nothing_is_in_the_table_twice() {
        let rest: Vec<_> = table::ALL.iter().filter_map(|endpoint| endpoint.rest.as_ref()).collect();
        let socket: Vec<_> = table::ALL.iter().filter_map(|endpoint| endpoint.socket).collect();
        assert!(rest.iter().enumerate().all(|(at, one)| !rest[..at].contains(one)));
        assert!(socket.iter().enumerate().all(|(at, one)| !socket[..at].contains(one)));
        assert!(table::ALL.iter().all(|endpoint| endpoint.rest.is_some() || endpoint.socket.is_some()));
        // 48 and 55 are in the documents; the listen key's three were in both; one is the wallet's.
        assert_eq!((rest.len(), socket.len()), (52, 58));
    }

    #[test]
    fn only_market_data_are_for_everybody_and_only_orders_count() {
        for endpoint in &table::ALL {
            let Some((method, path)) = &endpoint.rest else { continue };
            let is_public = endpoint.security == Security::None;
            assert!(!is_public || method == Method::GET, "{path}");
            assert!(endpoint.unfilled == 0 || endpoint.security == Security::Signed(Trade), "{path}");
        }
    }
}
