//! Who asks over the WebSocket API: the key of a request, or the one that the session was logged
//! on with.
//!
//! For: the security of a request, and the parameters that are left for its endpoint. Not for:
//! what it does.

use std::net::IpAddr;

use candlewick_model::{Refusal, Timestamp};

use super::message::Message;
use crate::server::Shared;
use crate::server::answer::No;
use crate::server::endpoints::Endpoint;
use crate::server::request::{OF_THE_SIGNATURE, missing};
use crate::server::security::{Asker, Permission, Security};

/// What belongs to the request and not to its endpoint.
pub(super) const OF_THE_REQUEST: [&str; 2] = ["apiKey", "returnRateLimits"];

/// With which key a session was logged on, and since when.
#[derive(Debug, Clone)]
pub(super) struct Logon {
    pub(super) api_key: String,
    pub(super) since: Timestamp,
}

/// Everything that speaks for a caller.
pub(super) struct Caller<'a> {
    pub(super) shared: &'a Shared,
    pub(super) address: IpAddr,
    pub(super) logon: Option<&'a Logon>,
    pub(super) now: Timestamp,
}

impl Caller<'_> {
    /// Whether a request may be answered: the number of its account, 0 where none is needed.
    pub(super) fn admit(&self, endpoint: &Endpoint, message: &Message<'_>) -> Result<usize, No> {
        let account = match endpoint.security {
            Security::None => 0,
            Security::KeyOnly(needed) => self.shared.keys.admit(self.asker(self.name(message)?), needed)?.account(),
            Security::Signed(needed) => self.signed(message, needed)?,
            Security::Logon => {
                let key = self.shared.keys.admit_session(self.asker(message.parameters.mandatory("apiKey")?))?;
                message.parameters.prove(key, &message.payload, self.now)?;
                key.account()
            }
            Security::Session(needed) => {
                let logon = self.logon.ok_or(No::saying(-1002, "You are not authorized to execute this request."))?;
                self.shared.keys.admit(self.asker(&logon.api_key), needed)?.account()
            }
        };
        no_unread(endpoint, message)?;
        Ok(account)
    }

    fn asker<'a>(&self, api_key: &'a str) -> Asker<'a> {
        Asker { api_key: Some(api_key), address: self.address }
    }

    /// The key that a request names; where it names none, the session's.
    fn name<'a>(&'a self, message: &'a Message<'_>) -> Result<&'a str, No> {
        let own = message.parameters.get("apiKey");
        own.or(self.logon.map(|logon| logon.api_key.as_str())).ok_or_else(|| missing("apiKey"))
    }

    /// What a session asks with its own key need not be signed, only fresh.
    fn signed(&self, message: &Message<'_>, needed: Permission) -> Result<usize, No> {
        let asker = self.asker(self.name(message)?);
        let parameters = &message.parameters;
        let names = |name: &str| parameters.get(name).is_some();
        if self.logon.is_some() && !names("apiKey") && !names("signature") {
            let key = self.shared.keys.admit(asker, needed)?;
            parameters.are_fresh(self.now)?;
            return Ok(key.account());
        }
        parameters.authorise(asker, &message.payload, &self.shared.keys, needed, self.now)
    }
}

/// What is not heeded beside another parameter (`web-socket-api.md`, Account order list history,
/// Query Order list).
pub(super) fn unheeded(message: &Message<'_>) -> &'static [&'static str] {
    let has = |name: &str| message.parameters.get(name).is_some();
    match &*message.method {
        "allOrderLists" if has("startTime") || has("endTime") => &["fromId"],
        "orderList.status" if has("origClientOrderId") => &["orderListId"],
        _ => &[],
    }
}

/// Refuses what is sent twice or that nobody reads; of orders the venue does. Whoever signs
/// everything may sign what needs no signature as well.
fn no_unread(endpoint: &Endpoint, message: &Message<'_>) -> Result<(), No> {
    message.parameters.no_duplicates()?;
    let Some(known) = endpoint.parameters else { return Ok(()) };
    let is_read =
        |name: &str| known.contains(&name) || OF_THE_REQUEST.contains(&name) || OF_THE_SIGNATURE.contains(&name);
    let (sent, read) = message.parameters.count(is_read);
    if read < sent {
        let text = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
        return Err(Refusal::naming(-1104, text).into());
    }
    Ok(())
}
