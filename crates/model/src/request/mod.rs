//! Raw parameters → command, or the exchange's code and text (rules 5.1, 8.7 and 8.23 of the
//! fill rules).
//!
//! For: everything that comes as the REST parameters of the trading endpoints: a script, a
//! conformance file, the local exchange. Not for: what depends on the market. Checks go in this
//! order: missing, not required, format, precision. Nothing is rounded or repaired.

mod cancel;
mod leg;
mod list;
mod sor;
pub mod timing;
mod write;

pub use leg::new_order;
pub(crate) use leg::{ALONE, Names};
pub use sor::sor_order;
pub(crate) use write::names_of;

use crate::command::{Action, Command};
use crate::execution::Refusal;
use crate::number::{NumberError, parse_e8};
use crate::order::SelfTradePrevention;
use crate::text::{ClientOrderId, Symbol};

/// Reads the parameters of a command of any kind.
pub fn command(action: Action, raw: &RawParameters) -> Result<Command, Refusal> {
    timing::check(raw)?;
    Ok(match action {
        Action::New => Command::Submit(new_order(raw)?),
        Action::Test => Command::Test(Box::new(leg::test_order(raw)?)),
        Action::OcoDeprecated => Command::SubmitList(Box::new(list::deprecated_oco(raw)?)),
        Action::Oco => Command::SubmitList(Box::new(list::oco(raw)?)),
        Action::Oto => Command::SubmitList(Box::new(list::oto(raw)?)),
        Action::Opo => Command::SubmitList(Box::new(list::opo(raw)?)),
        Action::Otoco => Command::SubmitList(Box::new(list::otoco(raw)?)),
        Action::Opoco => Command::SubmitList(Box::new(list::opoco(raw)?)),
        Action::Cancel => Command::Cancel(cancel::one(raw)?),
        Action::CancelList => Command::CancelList(cancel::list(raw)?),
        Action::CancelAll => Command::CancelAll(cancel::all(raw)?),
        Action::CancelReplace => Command::CancelReplace(Box::new(cancel::replace(raw)?)),
        Action::Amend => Command::Amend(cancel::amend(raw)?),
    })
}

/// Parameters as they were sent: names and texts, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawParameters(Vec<(String, String)>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for RawParameters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl serde::Serialize for RawParameters {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl RawParameters {
    /// The text of a parameter, if it was sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// Adds a parameter at the end.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// All of them in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The text of a parameter that was sent with something in it.
    fn sent(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|text| !text.is_empty())
    }

    /// The text of a mandatory parameter.
    fn mandatory(&self, name: &str) -> Result<&str, Refusal> {
        self.sent(name).ok_or_else(|| missing(name))
    }

    /// The text of a parameter that may be left out, but not be empty.
    fn optional(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.get(name) {
            Some("") => Err(empty(name)),
            text => Ok(text),
        }
    }

    /// Sent twice, or not among the ones that the endpoint reads. What belongs to a signature
    /// belongs to every endpoint; time and signature are counted as they will be sent.
    fn check_names(&self, known: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Refusal::new(-1101, "Duplicate values for a parameter detected."));
            }
        }
        let everywhere = |name: &str| matches!(name, "recvWindow" | "timestamp" | "signature");
        let read = self.0.iter().filter(|(name, _)| everywhere(name) || known(name)).count();
        let sent = self.0.len();
        if read < sent {
            let of_signature = ["timestamp", "signature"].iter().filter(|name| self.get(name).is_none()).count();
            let (read, sent) = (read + of_signature, sent + of_signature);
            let text = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
            return Err(Refusal::naming(-1104, text));
        }
        Ok(())
    }
}

fn self_trade_prevention(raw: &RawParameters) -> Result<Option<SelfTradePrevention>, Refusal> {
    word(raw, "selfTradePreventionMode", SelfTradePrevention::from_word)
}

/// A word of a list that has no code of its own.
fn word<T>(raw: &RawParameters, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Refusal> {
    raw.optional(name)?.map(|text| read(text).ok_or_else(|| invalid(name))).transpose()
}

fn symbol(raw: &RawParameters) -> Result<Symbol, Refusal> {
    legal_symbol(raw.mandatory("symbol")?)
}

/// Capitals, digits, `-`, `_` and `.`, 1 to 20 characters, and whatever is not ASCII (`rest-api.md`
/// has symbols of that kind).
pub fn legal_symbol(text: &str) -> Result<Symbol, Refusal> {
    let is_legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_.".contains(c) || !c.is_ascii();
    if !text.chars().all(is_legal) || !(1..=20).contains(&text.chars().count()) {
        return Err(illegal("symbol", "^[A-Z0-9-_.]{1,20}$"));
    }
    Symbol::new(text).map_err(|_| Refusal::new(-1121, "Invalid symbol."))
}

/// The name of what is new.
fn client_order_id(raw: &RawParameters, name: &str) -> Result<Option<ClientOrderId>, Refusal> {
    match raw.get(name) {
        None => Ok(None),
        Some("") => Err(Refusal::new(-1118, "New client order ID was empty.")),
        Some(text) => legal_name(name, text).map(Some),
    }
}

/// Letters, digits, `-` and `_`, 1 to 36 of them (`fix-api.md`, Signaling client order IDs).
pub fn legal_name(name: &str, text: &str) -> Result<ClientOrderId, Refusal> {
    let legal = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match ClientOrderId::new(text) {
        Ok(id) if legal => Ok(id),
        _ => Err(illegal(name, "^[a-zA-Z0-9-_]{1,36}$")),
    }
}

/// A decimal that is not negative, as a count of 1e-8.
fn decimal(name: &str, text: &str) -> Result<i64, Refusal> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(whole) || !is_digits(part) {
        return Err(illegal(name, r"^([0-9]{1,20})(\.[0-9]{1,20})?$"));
    }
    let overflow = || Refusal::naming(-1108, format!("Parameter '{name}' overflowed."));
    match parse_e8(text) {
        Ok(units) => i64::try_from(units).map_err(|_| overflow()),
        Err(NumberError::Precision) => Err(too_precise(name)),
        Err(_) => Err(overflow()),
    }
}

fn is_digits(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// A decimal that may be left out.
fn optional_decimal(raw: &RawParameters, name: &str) -> Result<Option<i64>, Refusal> {
    raw.optional(name)?.map(|text| decimal(name, text)).transpose()
}

/// A whole number that is not negative: a LONG of the exchange, or less.
pub fn whole<T: TryFrom<i64>>(name: &str, text: &str) -> Result<T, Refusal> {
    if !is_digits(text) {
        return Err(illegal(name, r"^[0-9]{1,20}$"));
    }
    let number = text.parse().ok().and_then(|number: i64| T::try_from(number).ok());
    number.ok_or_else(|| Refusal::naming(-1108, format!("Parameter '{name}' overflowed.")))
}

/// A whole number that may be left out.
fn optional_whole<T: TryFrom<i64>>(raw: &RawParameters, name: &str) -> Result<Option<T>, Refusal> {
    raw.optional(name)?.map(|text| whole(name, text)).transpose()
}

fn missing(name: &str) -> Refusal {
    Refusal::naming(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
}

/// Neither of two parameters of which one is needed.
fn neither(one: &str, other: &str) -> Refusal {
    Refusal::naming(-1102, format!("Param '{one}' or '{other}' must be sent, but both were empty/null!"))
}

fn empty(name: &str) -> Refusal {
    Refusal::naming(-1105, format!("Parameter '{name}' was empty."))
}

fn not_required(name: &str) -> Refusal {
    Refusal::naming(-1106, format!("Parameter '{name}' sent when not required."))
}

pub(crate) fn too_precise(name: &str) -> Refusal {
    Refusal::naming(-1111, format!("Parameter '{name}' has too much precision."))
}

fn invalid(name: &str) -> Refusal {
    Refusal::naming(-1130, format!("Data sent for parameter '{name}' is not valid."))
}

fn illegal(name: &str, range: &str) -> Refusal {
    Refusal::naming(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
}

#[cfg(test)]
mod tests;
