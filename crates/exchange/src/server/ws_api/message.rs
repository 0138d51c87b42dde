//! Requests of the WebSocket API as they were sent: `{"id": …, "method": …, "params": {…}}`.
//!
//! For: reading one, with every value as the text that was signed. Not for: what it asks for.
//! What stands beside the three members is not looked at.

use std::fmt;

use candlewick_model::Refusal;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::server::answer::No;
use crate::server::request::Parameters;

/// No id is longer.
const ID_LENGTH_MAX: usize = 36;

/// A request.
pub(super) struct Message<'a> {
    /// As it was sent, to be sent back.
    pub(super) id: &'a RawValue,
    pub(super) method: String,
    pub(super) parameters: Parameters,
    /// What is signed.
    pub(super) payload: String,
}

/// What cannot be taken up, with the id if there was one.
pub(super) struct Unread<'a> {
    pub(super) id: &'a RawValue,
    pub(super) no: No,
}

impl<'a> Message<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Unread<'a>> {
        let nothing = |no: No| Unread { id: RawValue::NULL, no };
        // A list of three would be taken for the three members.
        let object = Some(text).filter(|text| text.trim_ascii_start().starts_with('{'));
        let envelope = object.and_then(|text| serde_json::from_str::<Envelope<'a>>(text).ok());
        let envelope = envelope.ok_or_else(|| nothing(No::saying(-1135, "Invalid JSON Request")))?;
        let id = id(envelope.id).map_err(nothing)?;
        let refused = |no: No| Unread { id, no };
        let method = method(envelope.method).map_err(refused)?;
        let pairs = pairs(envelope.params).map_err(refused)?;
        let payload = payload(&pairs).map_err(refused)?;
        let pairs = pairs.into_iter().map(|(name, value)| Ok((name, read(value)?)));
        let parameters = pairs.collect::<Result<_, _>>().and_then(Parameters::of).map_err(refused)?;
        Ok(Self { id, method, parameters, payload })
    }
}

/// Absent members are told from those that are `null`.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

fn missing(name: &str) -> No {
    Refusal::naming(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")).into()
}

/// A whole number of 64 bits, letters and digits, or `null`.
fn id(sent: Option<&RawValue>) -> Result<&RawValue, No> {
    let sent = sent.ok_or_else(|| missing("id"))?;
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    let is_id = match serde_json::from_str(sent.get()) {
        Ok(Value::Null) => true,
        Ok(Value::Number(number)) => number.is_i64(),
        Ok(Value::String(text)) => (1..=ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_legal),
        _ => false,
    };
    let text = "Illegal characters found in parameter 'id'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.";
    if is_id { Ok(sent) } else { Err(No::saying(-1100, text)) }
}

fn method(sent: Option<&RawValue>) -> Result<String, No> {
    let text = sent.and_then(|sent| serde_json::from_str::<String>(sent.get()).ok());
    text.filter(|text| !text.is_empty()).ok_or_else(|| missing("method"))
}

type Pairs<'a> = Vec<(String, &'a RawValue)>;

fn pairs(sent: Option<&RawValue>) -> Result<Pairs<'_>, No> {
    match sent.map(RawValue::get) {
        None | Some("null") => Ok(Vec::new()),
        Some(text) => {
            let Members(pairs) = serde_json::from_str(text)
                .map_err(|_| No::saying(-1135, "JSON sent for parameter 'params' is not valid"))?;
            Ok(pairs)
        }
    }
}

/// The members of an object in their order, those that are there twice as well.
struct Members<'a>(Pairs<'a>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Members(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// All parameters but the signature by name, values as they stand there; nothing is encoded.
fn payload(pairs: &Pairs<'_>) -> Result<String, No> {
    let mut signed: Vec<_> = pairs.iter().filter(|(name, _)| name != "signature").collect();
    signed.sort_by(|(one, _), (other, _)| one.cmp(other));
    let signed = signed.into_iter().map(|(name, value)| Ok(format!("{name}={}", written(value)?)));
    Ok(signed.collect::<Result<Vec<_>, No>>()?.join("&"))
}

/// A text without its quotes, anything else as it was sent.
fn written(value: &RawValue) -> Result<String, No> {
    let text = value.get();
    if !text.starts_with('"') {
        return Ok(text.to_owned());
    }
    serde_json::from_str(text).map_err(|_| No::saying(-1100, "Illegal characters found in a parameter."))
}

/// What an endpoint reads: of a list what REST would be sent, of `null` nothing.
fn read(value: &RawValue) -> Result<String, No> {
    match value.get().as_bytes() {
        b"null" => Ok(String::new()),
        [b'[' | b'{', ..] => {
            let compact = serde_json::from_str::<Value>(value.get()).map(|value| value.to_string());
            Ok(compact.unwrap_or_else(|_| value.get().to_owned()))
        }
        _ => written(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> (String, i32) {
        let unread = Message::read(text).err().unwrap_or_else(|| panic!("{text} is read"));
        (unread.id.get().to_owned(), unread.no.0.code)
    }

    #[test]
    fn ids_are_kept_as_they_were_sent() {
        for id in [
            "1",
            "-9223372036854775808",
            "9223372036854775807",
            "null",
            r#""e2a85d9f-07a5-4f94-8d5f-789dc3deb097""#,
            r#""\u0061_""#,
        ] {
            let text = format!(r#"{{ "id": {id} , "method":"v3/ping","other":[{{}}]}}"#);
            let message = Message::read(&text).unwrap_or_else(|_| panic!("{id}"));
            assert_eq!((message.id.get(), message.method.as_str()), (id, "v3/ping"));
            assert_eq!((message.payload.as_str(), message.parameters.count(|_| true)), ("", (0, 0)));
        }
    }

    #[test]
    fn what_is_no_request_is_told_why() {
        let long = format!(r#"{{"id":"{}","method":"ping"}}"#, "x".repeat(37));
        let deep = format!(r#"{{"id":{}1{},"method":"ping"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        for (text, id, expected) in [
            ("", "null", -1135),
            ("{", "null", -1135),
            ("[]", "null", -1135),
            (r#"[1,"ping",{}]"#, "null", -1135),
            ("7", "null", -1135),
            (r#"{"id":1,"id":2,"method":"ping"}"#, "null", -1135),
            (r#"{"method":"ping"}"#, "null", -1102),
            (r#"{"id":1.5,"method":"ping"}"#, "null", -1100),
            (r#"{"id":9223372036854775808,"method":"ping"}"#, "null", -1100),
            (r#"{"id":true,"method":"ping"}"#, "null", -1100),
            (r#"{"id":"","method":"ping"}"#, "null", -1100),
            (r#"{"id":"a b","method":"ping"}"#, "null", -1100),
            (&long, "null", -1100),
            (&deep, "null", -1100),
            (r#"{"id":"a"}"#, r#""a""#, -1102),
            (r#"{"id":"a","method":7}"#, r#""a""#, -1102),
            (r#"{"id":"a","method":null}"#, r#""a""#, -1102),
            (r#"{"id":7,"method":"ping","params":[]}"#, "7", -1135),
            (r#"{"id":7,"method":"ping","params":"a=1"}"#, "7", -1135),
            (r#"{"id":7,"method":"ping","params":{"a":"\ud800"}}"#, "7", -1100),
        ] {
            assert_eq!(code(text), (id.to_owned(), expected), "{}", &text[..text.len().min(80)]);
        }
        let many: Vec<_> = (0..129).map(|n| format!(r#""p{n}":1"#)).collect();
        assert_eq!(code(&format!(r#"{{"id":1,"method":"ping","params":{{{}}}}}"#, many.join(","))).1, -1101);
    }

    /// The worked examples of web-socket-api.md with its HMAC key.
    #[test]
    fn the_documented_examples() {
        let key = [
            "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
            "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        ];
        let credentials = candlewick_binance::signing::Credentials::new(key[0], key[1]);
        for (params, signature) in [
            (
                r#""symbol":"BTCUSDT","side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.01000000","price":"52000.00","recvWindow":100"#,
                "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
            ),
            (
                r#""symbol":"１２３４５６","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"1.00000000","price":"0.10000000","recvWindow":5000"#,
                "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
            ),
        ] {
            let rest = format!(r#""timestamp":1645423376532,"apiKey":"{}","signature":"{signature}""#, key[0]);
            let text = format!(r#"{{"id":"4885f793","method":"order.place","params":{{{params},{rest}}}}}"#);
            let message = Message::read(&text).unwrap_or_else(|unread| panic!("{}", unread.no.0));
            assert!(credentials.verifies(&message.payload, message.parameters.get("signature").unwrap()), "{params}");
        }
    }

    #[test]
    fn values_are_signed_as_they_stand_there() {
        let text = r#"{"id":1,"method":"order.place","params":{
            "symbol":"１２３\u0034", "quantity": 0.10 ,"price":1e2,"signature":"x","flag":true,"none":null,
            "apiKey":"k","symbols":["A", "B"],"Z":"\"&="}}"#;
        let message = Message::read(text).unwrap_or_else(|unread| panic!("{}", unread.no.0));
        assert_eq!(
            message.payload,
            r#"Z="&=&apiKey=k&flag=true&none=null&price=1e2&quantity=0.10&symbol=１２３4&symbols=["A", "B"]"#
        );
        let told = ["symbol", "quantity", "price", "signature", "flag", "none", "symbols"];
        let expected = ["１２３4", "0.10", "1e2", "x", "true", "", r#"["A","B"]"#];
        assert_eq!(told.map(|name| message.parameters.get(name).unwrap()), expected);
    }
}
