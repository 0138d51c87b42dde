//! Signing requests: HMAC-SHA-256 over exactly what is sent.
//!
//! For: percent-encoding, the signature payload, credentials that never show. Not for: sending
//! anything, nor for RSA and Ed25519 keys.

use std::fmt::Write as _;

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// An API key with its secret. Neither shows in `Debug`; both are wiped on drop.
#[derive(Clone)]
pub struct Credentials {
    api_key: SecretString,
    secret: SecretString,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

impl Credentials {
    /// A key and its secret.
    #[must_use]
    pub fn new(api_key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { api_key: api_key.into().into(), secret: secret.into().into() }
    }

    /// The key, for the header that carries it.
    #[must_use]
    pub fn expose_api_key(&self) -> &str {
        self.api_key.expose_secret()
    }

    /// Whether a key is this one; takes the same time wherever they differ.
    #[must_use]
    pub fn is_api_key(&self, key: &str) -> bool {
        is_same(self.expose_api_key(), key)
    }

    /// The signature of a payload, in hex. The payload is the query string followed by the
    /// body, without a separator, percent-encoded as it is sent.
    #[must_use]
    pub fn sign(&self, payload: &str) -> String {
        hex::encode(hmac::sign(&self.key(), payload.as_bytes()))
    }

    /// Whether a signature, in hex of either case, belongs to a payload.
    #[must_use]
    pub fn verifies(&self, payload: &str, signature: &str) -> bool {
        let Ok(signature) = hex::decode(signature) else { return false };
        hmac::verify(&self.key(), payload.as_bytes(), &signature).is_ok()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose_secret().as_bytes())
    }
}

/// Whether two texts are the same; takes the same time wherever they differ.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    one.len() == other.len() && pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// Percent-encodes everything but letters, digits and `-_.~`.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
}

/// Percent-encodes what is not ASCII and leaves the rest as it is: how a payload that was
/// sent with bare characters is signed.
#[must_use]
pub fn encode_non_ascii(text: &str) -> String {
    encode(text, |byte| byte.is_ascii())
}

fn encode(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
    encoded
}

/// `name=value&…`, percent-encoded.
#[must_use]
pub fn query_string<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&percent_encode(name));
        query.push('=');
        query.push_str(&percent_encode(value));
    }
    query
}

/// Reads `name=value&…` back: percent-encoding and `+` for a space. `None` where the result
/// is no UTF-8 or an escape is cut short.
#[must_use]
pub fn parse_query(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent_decode(name)?, percent_decode(value)?))
        })
        .collect()
}

fn percent_decode(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key pair of the worked examples in the exchange's `rest-api.md`.
    fn documented() -> Credentials {
        Credentials::new(
            "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
            "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        )
    }

    fn payload(symbol: &str) -> String {
        query_string([
            ("symbol", symbol),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "1"),
            ("price", "0.1"),
            ("recvWindow", "5000"),
            ("timestamp", "1499827319559"),
        ])
    }

    #[test]
    fn the_documented_examples() {
        for (symbol, signature) in [
            ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
            ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
        ] {
            let payload = payload(symbol);
            assert_eq!(documented().sign(&payload), signature, "{symbol}");
            assert!(documented().verifies(&payload, signature));
            assert!(documented().verifies(&payload, &signature.to_uppercase()), "case does not count");
            assert!(!documented().verifies(&payload[1..], signature));
            assert!(!documented().verifies(&payload, "no hex"));
        }
    }

    #[test]
    fn what_was_sent_bare_is_encoded_before_signing() {
        assert_eq!(encode_non_ascii("symbol=１&x=%20"), "symbol=%EF%BC%91&x=%20");
    }

    #[test]
    fn queries_are_read_as_they_were_written() {
        let pairs = [("symbol", "币安人生USDT"), ("odd", "a b&c=d+e%")];
        let read = parse_query(&query_string(pairs)).unwrap();
        assert_eq!(read, pairs.map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert_eq!(parse_query("a=1+2&&b"), Some(vec![("a".into(), "1 2".into()), ("b".into(), String::new())]));
        assert_eq!(parse_query("a=%4"), None);
        assert_eq!(parse_query("a=%FF"), None);
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", documented()), "Credentials(hidden)");
        assert!(documented().is_api_key(documented().expose_api_key()));
        assert!(!documented().is_api_key("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8B"));
    }
}
