//! Requests as they were sent: parameters from query and body, signature, time.
//!
//! The order of checks: key, mandatory parameters, window, signature, time. What values may be is in
//! `values`.

mod values;

use candlewick_binance::signing::{encode_non_ascii, parse_query};
use candlewick_model::request::timing;
use candlewick_model::time::SECOND;
use candlewick_model::{RawParameters, Refusal, Timestamp};

pub(crate) use values::{invalid, known_symbol, list, missing};

use super::answer::No;
use super::security::{ApiKey, Asker, Keys, Permission};

/// No endpoint has half as many.
const PARAMETERS_MAX: usize = 128;

/// What belongs to the signature and not to the endpoint.
pub(super) const OF_THE_SIGNATURE: [&str; 3] = ["signature", "timestamp", "recvWindow"];

/// The parameters of a request. One in the query wins over one in the body.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads query and form body.
    pub(crate) fn read(query: &str, body: &str) -> Result<Self, No> {
        let malformed = || No::saying(-1100, "Illegal characters found in a parameter.");
        let count = |part: &str| part.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX + 1).count();
        if count(query) + count(body) > PARAMETERS_MAX {
            return Err(No::saying(-1101, "Too many parameters sent for this endpoint."));
        }
        let mut pairs = parse_query(query).ok_or_else(malformed)?;
        let in_query = pairs.len();
        for (name, value) in parse_query(body).ok_or_else(malformed)? {
            if !pairs[..in_query].iter().any(|(known, _)| *known == name) {
                pairs.push((name, value));
            }
        }
        Ok(Self { pairs })
    }

    /// Parameters that were read elsewhere.
    pub(crate) fn of(pairs: Vec<(String, String)>) -> Result<Self, No> {
        if pairs.len() > PARAMETERS_MAX {
            return Err(No::saying(-1101, "Too many parameters sent for this endpoint."));
        }
        Ok(Self { pairs })
    }

    /// All of them but some.
    pub(crate) fn without(self, names: &[&str]) -> Self {
        Self { pairs: self.pairs.into_iter().filter(|(name, _)| !names.contains(&name.as_str())).collect() }
    }

    /// How many there are, and how many of them somebody reads.
    pub(crate) fn count(&self, is_read: impl Fn(&str) -> bool) -> (usize, usize) {
        (self.pairs.len(), self.pairs.iter().filter(|(name, _)| is_read(name)).count())
    }

    /// As they would stand in a query.
    pub(crate) fn query(&self) -> String {
        let pairs: Vec<_> = self.pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    /// Refuses what is sent twice.
    pub(crate) fn no_duplicates(&self) -> Result<(), No> {
        let mut names: Vec<&str> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(No::saying(-1101, "Duplicate values for a parameter detected."));
        }
        Ok(())
    }

    /// Refuses what is sent twice or that nobody reads.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), No> {
        self.no_duplicates()?;
        self.all_of(known.len(), |name| known.contains(&name))
    }

    /// As [`Self::only`], for endpoints that are signed.
    pub(crate) fn only_signed(&self, known: &[&str]) -> Result<(), No> {
        self.no_duplicates()?;
        let is_known = |name: &str| known.contains(&name) || OF_THE_SIGNATURE.contains(&name);
        self.all_of(known.len() + OF_THE_SIGNATURE.len(), is_known)
    }

    fn all_of(&self, expected: usize, is_known: impl Fn(&str) -> bool) -> Result<(), No> {
        let sent = self.pairs.len();
        if sent > expected {
            let text = format!("Too many parameters; expected '{expected}' and received '{sent}'.");
            return Err(Refusal::naming(-1101, text).into());
        }
        let read = self.pairs.iter().filter(|(name, _)| is_known(name)).count();
        if read < sent {
            let text = format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
            return Err(Refusal::naming(-1104, text).into());
        }
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What is left for the endpoint once key, signature and time are dealt with.
    pub(crate) fn raw(&self) -> RawParameters {
        let own = |name: &str| !OF_THE_SIGNATURE.contains(&name);
        self.pairs.iter().filter(|(name, _)| own(name)).map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    /// All that was sent, but of the signature no more than that it was.
    pub(crate) fn unsigned(&self) -> RawParameters {
        let value = |(name, value): &(String, String)| if name == "signature" { String::new() } else { value.clone() };
        self.pairs.iter().map(|pair| (pair.0.clone(), value(pair))).collect()
    }

    /// Whether the sender of a request is who it claims to be, may do what the request needs,
    /// and the request is fresh; the number of its account.
    pub(crate) fn authorise(
        &self,
        asker: Asker<'_>,
        payload: &str,
        keys: &Keys,
        needed: Permission,
        now: Timestamp,
    ) -> Result<usize, No> {
        let key = keys.admit(asker, needed)?;
        self.prove(key, payload, now)?;
        Ok(key.account())
    }

    /// Whether a key has signed the request, and the request is fresh.
    pub(crate) fn prove(&self, key: &ApiKey, payload: &str, now: Timestamp) -> Result<(), No> {
        let timestamp = timing::timestamp(self.get("timestamp"))?;
        let signature = self.mandatory("signature")?;
        let window_us = timing::receive_window_us(self.get("recvWindow"))?;
        if !key.verifies(payload, signature) {
            return Err(No::saying(-1022, "Signature for this request is not valid."));
        }
        is_fresh(timestamp, window_us, now)
    }

    /// Whether a request that need not be signed is fresh.
    pub(crate) fn are_fresh(&self, now: Timestamp) -> Result<(), No> {
        let timestamp = timing::timestamp(self.get("timestamp"))?;
        is_fresh(timestamp, timing::receive_window_us(self.get("recvWindow"))?, now)
    }
}

fn is_fresh(timestamp: Timestamp, window_us: i64, now: Timestamp) -> Result<(), No> {
    if timestamp.micros() >= now.micros() + SECOND {
        return Err(No::saying(-1021, "Timestamp for this request was 1000ms ahead of the server's time."));
    }
    if now.micros() - timestamp.micros() > window_us {
        return Err(No::saying(-1021, "Timestamp for this request is outside of the recvWindow."));
    }
    Ok(())
}

/// What is signed: query and body as sent, without the signature itself, characters that are
/// not ASCII encoded.
pub(crate) fn payload(query: &str, body: &str) -> String {
    let mut payload = String::with_capacity(query.len() + body.len());
    for part in [query, body] {
        let unsigned = part.split('&').filter(|pair| !pair.starts_with("signature="));
        for (at, pair) in unsigned.enumerate() {
            payload.push_str(if at == 0 { "" } else { "&" });
            payload.push_str(pair);
        }
    }
    if payload.is_ascii() { payload } else { encode_non_ascii(&payload) }
}

#[cfg(test)]
mod tests {
    use candlewick_binance::signing::Credentials;

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
        let asker = Asker { api_key: Some(key), address: std::net::Ipv4Addr::LOCALHOST.into() };
        let parameters = Parameters::read(query, body).map_err(|no| no.0.to_string())?;
        let now = Timestamp::from_millis(NOW);
        let payload = payload(query, body);
        let account = parameters.authorise(asker, &payload, &credentials().into(), Permission::Trade, now);
        account.map(|account| assert_eq!(account, 0)).map_err(|no| no.0.to_string())
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
        assert_eq!(payload("signature=ff&a=1&signature=0&&b", "c=é&signature="), "a=1&&bc=%C3%A9");
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

    #[test]
    fn what_nobody_reads_is_refused() {
        let only = |query: &str| {
            let parameters = Parameters::read(query, "");
            parameters.and_then(|read| read.only_signed(&["symbol"])).err().map(|no| no.0.to_string())
        };
        for (query, expected) in [
            ("symbol=A&timestamp=1&signature=0&recvWindow=1", None),
            ("", None),
            (
                "symbol=A&sym=B",
                Some("-1104 Not all sent parameters were read; read '1' parameter(s) but was sent '2'."),
            ),
            ("symbol=A&symbol=A", Some("-1101 Duplicate values for a parameter detected.")),
            ("timestamp=1&timestamp=2", Some("-1101 Duplicate values for a parameter detected.")),
            ("a=1&b=2&c=3&d=4&e=5", Some("-1101 Too many parameters; expected '4' and received '5'.")),
            ("symbol=%FF", Some("-1100 Illegal characters found in a parameter.")),
            ("symbol=%4", Some("-1100 Illegal characters found in a parameter.")),
        ] {
            assert_eq!(only(query).as_deref(), expected, "{query}");
        }
        let many = vec!["a=1"; PARAMETERS_MAX + 1].join("&");
        assert_eq!(only(&many).as_deref(), Some("-1101 Too many parameters sent for this endpoint."));
        assert_eq!(Parameters::read("a=1", &many[4..]).err().map(|no| no.0.code), Some(-1101));
        assert!(Parameters::read("", &many[4..]).is_ok());
    }

    mod any {
        use candlewick_binance::signing::query_string;
        use proptest::prelude::*;

        use super::*;

        proptest! {
            /// Whatever is sent gets a documented code.
            #[test]
            fn text_has_an_answer(query in r#"((timestamp|signature|recvWindow|a)?[=&%+.,"\[é0-9a-f]{0,9}&?){0,9}"#, body: String) {
                let code = authorised(&query, &body, "key1").unwrap_err();
                let documented = ["-1021", "-1022", "-1100", "-1101", "-1102", "-1108"];
                prop_assert!(documented.iter().any(|known| code.starts_with(known)), "{}", code);
                if let Ok(parameters) = Parameters::read(&query, &body) {
                    let _ = (parameters.only(&["symbol"]), parameters.raw(), parameters.time("timestamp"), parameters.limit(1, 2));
                }
                prop_assert!(payload(&query, &body).is_ascii());
            }

            /// What a client writes, encodes and signs is accepted wherever it is cut in two.
            #[test]
            fn what_is_signed_as_sent_is_accepted(values in proptest::collection::vec(any::<String>(), 0..6), cut in 0usize..6) {
                let written: Vec<_> = values.iter().map(|value| query_string([("p", value.as_str())])).collect();
                let (query, body) = written.split_at(cut.min(written.len()));
                prop_assert_eq!(verdict(&query.join("&"), &format!("timestamp={NOW}&{}", body.join("&"))), Ok(()));
            }
        }
    }
}
