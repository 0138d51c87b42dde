//! What a parameter's value may be, and the code where it is something else (`errors.md`, -11xx).
//!
//! For: one reading of each kind of value for all endpoints. Not for: the trading endpoints, whose
//! parameters the venue reads in the same way (`candlewick_model::request`). A mandatory parameter
//! that is empty is missing; an optional one must not be empty.

use std::collections::BTreeSet;

use candlewick_model::request::{legal_name, legal_symbol, whole};
use candlewick_model::{ClientOrderId, Refusal, Symbol, Timestamp};

use super::Parameters;
use crate::server::answer::No;

impl Parameters {
    pub(crate) fn mandatory(&self, name: &str) -> Result<&str, No> {
        self.get(name).filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>, No> {
        match self.get(name) {
            Some("") => Err(Refusal::naming(-1105, format!("Parameter '{name}' was empty.")).into()),
            value => Ok(value),
        }
    }

    /// The market's name, which must be one that is served.
    pub(crate) fn symbol(&self, is_served: impl Fn(Symbol) -> bool) -> Result<Symbol, No> {
        known_symbol(self.mandatory("symbol")?, is_served)
    }

    /// The same where it may be left out.
    pub(crate) fn optional_symbol(&self, is_served: impl Fn(Symbol) -> bool) -> Result<Option<Symbol>, No> {
        self.optional("symbol")?.map(|name| known_symbol(name, is_served)).transpose()
    }

    /// `symbols`, each once: `["BTCUSDT","BNBUSDT"]`.
    pub(crate) fn symbols(&self) -> Result<Option<Vec<String>>, No> {
        let Some(names) = self.optional("symbols")?.map(|text| list("symbols", text)).transpose()? else {
            return Ok(None);
        };
        if names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            return Err(No::saying(-1151, "Symbol is present multiple times in the list."));
        }
        Ok(Some(names))
    }

    /// A LONG that is not negative.
    pub(crate) fn whole(&self, name: &str) -> Result<Option<u64>, No> {
        let read = |text: &str| whole::<i64>(name, text).map(i64::unsigned_abs);
        Ok(self.optional(name)?.map(read).transpose()?)
    }

    /// An instant in either unit; what is no plausible time is taken for milliseconds.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, No> {
        let number = self.optional(name)?.map(|text| whole::<i64>(name, text)).transpose()?;
        Ok(number.map(|n| Timestamp::from_either_unit(n).map_or(Timestamp::from_millis(n), |(time, _)| time)))
    }

    /// `limit`: so many where it was not sent, at most so many.
    pub(crate) fn limit(&self, usual: usize, most: usize) -> Result<usize, No> {
        match self.whole("limit")? {
            None => Ok(usual),
            Some(0) => Err(invalid("limit")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, No> {
        match self.optional(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(invalid(name)),
        }
    }

    /// The number of an order or a list, or what it was called, or both.
    pub(crate) fn named(&self, number: &str) -> Result<(Option<u64>, Option<ClientOrderId>), No> {
        let name = "origClientOrderId";
        if self.get(name) == Some("") {
            return Err(No::saying(-1119, "Original client order ID was empty."));
        }
        if self.get(name).is_none() && self.get(number).is_none_or(str::is_empty) {
            let text = format!("Param '{name}' or '{number}' must be sent, but both were empty/null!");
            return Err(Refusal::naming(-1102, text).into());
        }
        Ok((self.whole(number)?, self.get(name).map(|text| legal_name(name, text)).transpose()?))
    }
}

/// A list of names as JSON, without a space and with something in it.
pub(crate) fn list(name: &str, text: &str) -> Result<Vec<String>, No> {
    let names: Option<Vec<String>> = serde_json::from_str(text).ok();
    let is_legal = |name: &String| legal_symbol(name).is_ok_and(|symbol| !symbol.is_empty());
    let names = names.filter(|names| !text.contains(char::is_whitespace) && names.iter().all(is_legal));
    match names {
        Some(names) if names.is_empty() => Err(Refusal::naming(-1105, format!("Parameter '{name}' was empty.")).into()),
        Some(names) => Ok(names),
        None => {
            let range = r#"^\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\]$"#;
            let text = format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
            Err(Refusal::naming(-1100, text).into())
        }
    }
}

/// A market's name that is one, and that of a market that is there.
pub(crate) fn known_symbol(text: &str, is_known: impl Fn(Symbol) -> bool) -> Result<Symbol, No> {
    let symbol = legal_symbol(text)?;
    if is_known(symbol) { Ok(symbol) } else { Err(No::saying(-1121, "Invalid symbol.")) }
}

pub(crate) fn missing(name: &str) -> No {
    Refusal::naming(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")).into()
}

pub(crate) fn invalid(name: &str) -> No {
    Refusal::naming(-1130, format!("Data sent for parameter '{name}' is not valid.")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        let read = |text| list("symbols", text).map_err(|no| no.0.code);
        assert_eq!(read(r#"["A","B"]"#), Ok(vec!["A".to_owned(), "B".to_owned()]));
        for (text, code) in [(r#"["A", "B"]"#, -1100), ("A", -1100), ("[1]", -1100), (r#"["a"]"#, -1100), ("[]", -1105)]
        {
            assert_eq!(read(text), Err(code), "{text}");
        }
    }

    #[test]
    fn numbers_are_longs() {
        let read = |text: &str| {
            let parameters = Parameters::read(&format!("fromId={text}"), "").unwrap();
            parameters.whole("fromId").map_err(|no| no.0.code)
        };
        assert_eq!(read("0009223372036854775807"), Err(-1100), "more than 20 digits");
        assert_eq!(read("09223372036854775807"), Ok(Some(i64::MAX.unsigned_abs())));
        for (text, code) in [("9223372036854775808", -1108), ("", -1105), ("-1", -1100), ("%2B1", -1100)] {
            assert_eq!(read(text), Err(code), "{text}");
        }
    }
}
