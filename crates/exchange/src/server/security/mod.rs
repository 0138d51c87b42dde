//! Who may ask for what: API keys, what they are allowed to do, and from where.
//!
//! For: finding a request's key and checking its signature, whatever the request came over.
//! Not for: what is signed and when it is too late (`request`), nor for making keys.

mod file;
mod key;
mod public_key;

pub use key::{ApiKey, Keys};

use std::net::IpAddr;

/// What a key may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read the account, its orders and trades.
    UserData,
    /// Place, change and cancel orders.
    Trade,
    /// Follow the account's events.
    UserStream,
}

impl Permission {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::UserData, Self::Trade, Self::UserStream];

    /// As the exchange writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserData => "USER_DATA",
            Self::Trade => "TRADE",
            Self::UserStream => "USER_STREAM",
        }
    }
}

/// What an endpoint asks of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Nothing.
    None,
    /// A key without a signature: only the management of listen keys.
    KeyOnly(Permission),
    /// A key, a signature and a time.
    Signed(Permission),
    /// As that, from any key of the kind that may log on.
    Logon,
    /// A session that somebody with this permission has logged on.
    Session(Permission),
}

/// Who sent a request: the key that it names and where it came from.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) api_key: Option<&'a str>,
    pub(crate) address: IpAddr,
}
