//! Requests as they were sent: parameters from query and body, key, signature, time.
//!
//! The order of checks: key, mandatory parameters, window, signature, time.

use axum::http::HeaderMap;
use candlewick_binance::signing::{Credentials, encode_non_ascii, parse_query};
use candlewick_binance::wire::API_KEY_HEADER;
use candlewick_model::request::timing;
use candlewick_model::time::SECOND;
use candlewick_model::{RawParameters, Refusal, Symbol, Timestamp};

use super::answer::No;

/// The parameters of a request. One in the query wins over one in the body.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads query and form body.
    pub(crate) fn read(query: &str, body: &str) -> Result<Self, No> {
        let malformed = || No::saying(-1100, "Illegal characters found in a parameter.");
        let mut pairs = parse_query(query).ok_or_else(malformed)?;
        let in_query = pairs.len();
        for (name, value) in parse_query(body).ok_or_else(malformed)? {
            if !pairs[..in_query].iter().any(|(known, _)| *known == name) {
                pairs.push((name, value));
            }
        }
        Ok(Self { pairs })
    }

    /// The names of all, in the order in which they came.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn mandatory(&self, name: &str) -> Result<&str, No> {
        self.get(name).filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    /// The market's name, which must be the one that is served.
    pub(crate) fn symbol(&self, served: Symbol) -> Result<Symbol, No> {
        if self.mandatory("symbol")? == served.as_str() {
            Ok(served)
        } else {
            Err(No::saying(-1121, "Invalid symbol."))
        }
    }

    /// A whole number, if it was sent.
    pub(crate) fn whole(&self, name: &str) -> Result<Option<u64>, No> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            let text = format!("Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.");
            return Err(Refusal::naming(-1100, text).into());
        }
        let overflow = || Refusal::naming(-1108, format!("Parameter '{name}' overflowed.")).into();
        text.parse().map(Some).map_err(|_| overflow())
    }

    /// An instant in either unit, if it was sent; what is no plausible time is taken for
    /// milliseconds.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, No> {
        let number = self.whole(name)?.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        Ok(number.map(|n| Timestamp::from_either_unit(n).map_or(Timestamp::from_millis(n), |(time, _)| time)))
    }

    /// `limit`, 500 if it was not sent, at most 1,000.
    pub(crate) fn limit(&self) -> Result<usize, No> {
        match self.whole("limit")? {
            None => Ok(500),
            Some(0) => Err(No::saying(-1130, "Data sent for parameter 'limit' is not valid.")),
            Some(limit) => Ok(usize::try_from(limit).unwrap_or(usize::MAX).min(1_000)),
        }
    }

    /// What is left for the endpoint once key, signature and time are dealt with.
    pub(crate) fn raw(&self) -> RawParameters {
        let own = |name: &str| !["signature", "timestamp", "recvWindow"].contains(&name);
        self.pairs.iter().filter(|(name, _)| own(name)).map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    /// Whether the sender of a request is who it claims to be, and the request is fresh.
    pub(crate) fn authorise(
        &self,
        headers: &HeaderMap,
        payload: &str,
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<(), No> {
        let key = headers.get(API_KEY_HEADER).and_then(|key| key.to_str().ok()).unwrap_or_default();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(No::saying(-2014, "API-key format invalid."));
        }
        if !credentials.is_api_key(key) {
            return Err(No::saying(-2015, "Invalid API-key, IP, or permissions for action."));
        }
        let timestamp = timing::timestamp(self.get("timestamp"))?;
        let signature = self.mandatory("signature")?;
        let window_us = timing::receive_window_us(self.get("recvWindow"))?;
        if !credentials.verifies(payload, signature) {
            return Err(No::saying(-1022, "Signature for this request is not valid."));
        }
        if timestamp.micros() >= now.micros() + SECOND {
            return Err(No::saying(-1021, "Timestamp for this request was 1000ms ahead of the server's time."));
        }
        if now.micros() - timestamp.micros() > window_us {
            return Err(No::saying(-1021, "Timestamp for this request is outside of the recvWindow."));
        }
        Ok(())
    }
}

/// What is signed: query and body as sent, without the signature itself, characters that are
/// not ASCII encoded.
pub(crate) fn payload(query: &str, body: &str) -> String {
    let unsigned = |part: &str| {
        let pairs: Vec<_> = part.split('&').filter(|pair| !pair.starts_with("signature=")).collect();
        encode_non_ascii(&pairs.join("&"))
    };
    unsigned(query) + &unsigned(body)
}

pub(crate) fn missing(name: &str) -> No {
    Refusal::naming(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_499_827_319_559;

    fn credentials() -> Credentials {
        Credentials::new("key1", "secret")
    }

    /// Sends query and body, signed, with a header of key `key1`.
    fn verdict(query: &str, body: &str) -> Result<(), String> {
        let signature = credentials().sign(&payload(query, body));
        authorised(&format!("{query}&signature={signature}"), body, "key1")
    }

    fn authorised(query: &str, body: &str, key: &str) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert(API_KEY_HEADER, key.parse().unwrap());
        let parameters = Parameters::read(query, body).map_err(|no| no.0.to_string())?;
        let now = Timestamp::from_millis(NOW);
        parameters.authorise(&headers, &payload(query, body), &credentials(), now).map_err(|no| no.0.to_string())
    }

    #[test]
    fn parameters_come_from_query_and_body_in_any_mix() {
        let read = Parameters::read("symbol=A&side=BUY", "symbol=B&quantity=1&signature=x&timestamp=1").unwrap();
        let raw = read.raw();
        let pairs: Vec<_> = raw.iter().collect();
        assert_eq!(pairs, [("symbol", "A"), ("side", "BUY"), ("quantity", "1")], "the query wins");
        assert_eq!(verdict("symbol=A", &format!("quantity=1&timestamp={NOW}")), Ok(()));
        assert_eq!(payload("a=1&signature=ff", "b=%20"), "a=1b=%20");
        assert_eq!(payload("", "b=1&signature=ff"), "b=1");
    }

    #[test]
    fn the_window_at_its_bounds() {
        let at = |ms: i64, rest: &str| verdict(&format!("timestamp={}{rest}", NOW + ms), "");
        let outside = Err("-1021 Timestamp for this request is outside of the recvWindow.".to_owned());
        let ahead = Err("-1021 Timestamp for this request was 1000ms ahead of the server's time.".to_owned());
        assert_eq!(at(-5_000, ""), Ok(()));
        assert_eq!(at(-5_001, ""), outside);
        assert_eq!(at(999, ""), Ok(()));
        assert_eq!(at(1_000, ""), ahead);
        assert_eq!(at(-60_000, "&recvWindow=60000"), Ok(()));
        assert_eq!(at(-7, "&recvWindow=6.999"), outside);
        let micros = verdict(&format!("timestamp={}&recvWindow=6.999", NOW * 1_000 - 6_999), "");
        assert_eq!(micros, Ok(()));
        let too_wide = "-1102 'recvWindow' contains unexpected value. Cannot be greater than 60000.";
        assert_eq!(at(0, "&recvWindow=60000.001"), Err(too_wide.to_owned()));
        assert!(at(0, "&recvWindow=1.0001").unwrap_err().starts_with("-1100"));
    }

    #[test]
    fn keys_and_signatures() {
        let query = format!("timestamp={NOW}");
        let signature = credentials().sign(&query);
        let signed = format!("{query}&signature={signature}");
        assert_eq!(authorised(&signed, "", "key1"), Ok(()));
        assert_eq!(authorised(&format!("signature={}&{query}", signature.to_uppercase()), "", "key1"), Ok(()));
        for (sent, key, expected) in [
            (&signed, "", "-2014 API-key format invalid."),
            (&signed, "key 1", "-2014 API-key format invalid."),
            (&signed, "key2", "-2015 Invalid API-key, IP, or permissions for action."),
            (&query, "key1", "-1102 Mandatory parameter 'signature' was not sent, was empty/null, or malformed."),
            (
                &"signature=00".to_owned(),
                "key1",
                "-1102 Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.",
            ),
            (&format!("{query}&signature=00"), "key1", "-1022 Signature for this request is not valid."),
            (&format!("{signed}&symbol=A"), "key1", "-1022 Signature for this request is not valid."),
        ] {
            assert_eq!(authorised(sent, "", key), Err(expected.to_owned()), "{sent}");
        }
    }
}
