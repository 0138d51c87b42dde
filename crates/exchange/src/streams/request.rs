//! What a client says on a stream connection, and what is answered.
//!
//! For: requests read word by word as documented, with the documented errors. Not for: doing
//! what they ask (`session`).

use serde::Deserialize;
use serde_json::{Value, json};

/// A request that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Subscribe(Vec<String>),
    Unsubscribe(Vec<String>),
    ListSubscriptions,
    /// Whether envelopes are wanted.
    SetCombined(bool),
    GetCombined,
}

/// Why it cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    code: i32,
    text: String,
}

impl Wrong {
    pub(super) fn request(text: impl std::fmt::Display) -> Self {
        Self { code: 2, text: format!("Invalid request: {text}") }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Subscribe,
    Unsubscribe,
    ListSubscriptions,
    SetProperty,
    GetProperty,
}

/// A request as it is written.
#[derive(Deserialize)]
struct Written {
    method: Method,
    #[serde(default)]
    params: Option<Value>,
}

/// What is looked at first: the rest may be anything.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default, deserialize_with = "told")]
    id: Option<Value>,
}

/// Null is an id, nothing is none.
fn told<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

/// Reads a request: the id that it is answered with, and what it asks.
pub(super) fn read(text: &str) -> (Value, Result<Request, Wrong>) {
    let numbered: Numbered = match serde_json::from_str(text) {
        Ok(numbered) => numbered,
        Err(error) => return (Value::Null, Err(not_read(&error))),
    };
    let Some(id) = numbered.id.filter(is_id) else {
        return (Value::Null, Err(Wrong::request("request ID must be an unsigned integer")));
    };
    let written = serde_json::from_str::<Written>(text).map_err(|error| not_read(&error));
    (id, written.and_then(|written| asked(&written.method, written.params)))
}

/// A whole number of 64 bits, up to 36 letters and digits (those of a UUID too), or null.
fn is_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => {
            (1..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        }
        _ => false,
    }
}

fn not_read(error: &serde_json::Error) -> Wrong {
    if error.is_data() { Wrong::request(error) } else { Wrong { code: 3, text: format!("Invalid JSON: {error}") } }
}

fn asked(method: &Method, params: Option<Value>) -> Result<Request, Wrong> {
    Ok(match method {
        Method::Subscribe => Request::Subscribe(names(params)?),
        Method::Unsubscribe => Request::Unsubscribe(names(params)?),
        Method::ListSubscriptions => {
            at_most::<0>(params)?;
            Request::ListSubscriptions
        }
        Method::SetProperty => {
            let [name, value] = at_most(params)?;
            combined(name)?;
            let value = value.as_ref().and_then(Value::as_bool);
            let is_wanted = value.ok_or(Wrong { code: 1, text: "Invalid value type: expected Boolean".to_owned() })?;
            Request::SetCombined(is_wanted)
        }
        Method::GetProperty => {
            let [name] = at_most(params)?;
            combined(name)?;
            Request::GetCombined
        }
    })
}

fn names(params: Option<Value>) -> Result<Vec<String>, Wrong> {
    let params = params.ok_or_else(|| Wrong::request("missing field `params`"))?;
    let names: Vec<String> = serde_json::from_value(params).map_err(Wrong::request)?;
    let is_name = |name: &String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if names.iter().all(is_name) { Ok(names) } else { Err(Wrong::request("invalid stream")) }
}

/// Parameters by their places; those that are not there are `None`.
fn at_most<const N: usize>(params: Option<Value>) -> Result<[Option<Value>; N], Wrong> {
    let given: Vec<Value> = match params {
        None | Some(Value::Null) => Vec::new(),
        Some(params) => serde_json::from_value(params).map_err(Wrong::request)?,
    };
    if given.len() > N {
        return Err(Wrong::request("too many parameters"));
    }
    let mut given = given.into_iter();
    Ok(std::array::from_fn(|_| given.next()))
}

/// The only property that there is.
fn combined(name: Option<Value>) -> Result<(), Wrong> {
    match name.as_ref().and_then(Value::as_str) {
        Some("combined") => Ok(()),
        Some(_) => Err(Wrong { code: 0, text: "Unknown property".to_owned() }),
        None => Err(Wrong::request("property name must be a string")),
    }
}

/// The answer to a request.
pub(super) fn answer(id: &Value, result: Result<Value, Wrong>) -> String {
    let answer = match result {
        Ok(result) => json!({ "result": result, "id": id }),
        Err(Wrong { code, text }) => json!({ "error": { "code": code, "msg": text }, "id": id }),
    };
    answer.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let (id, request) = read(text);
        answer(&id, request.map(|request| Value::from(format!("{request:?}"))))
    }

    fn error(code: i32, text: &str, id: &str) -> String {
        format!(r#"{{"error":{{"code":{code},"msg":"{text}"}},"id":{id}}}"#)
    }

    #[test]
    fn requests_are_read() {
        let (id, request) = read(r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth"],"id":1}"#);
        let names = ["btcusdt@aggTrade", "btcusdt@depth"].map(str::to_owned).to_vec();
        assert_eq!((id, request), (json!(1), Ok(Request::Subscribe(names))));
        assert_eq!(
            read(r#"{"id":"a-1","method":"LIST_SUBSCRIPTIONS"}"#),
            (json!("a-1"), Ok(Request::ListSubscriptions))
        );
        assert_eq!(
            read(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":null}"#),
            (Value::Null, Ok(Request::SetCombined(true)))
        );
        assert_eq!(
            read(r#"{"method":"GET_PROPERTY","params":["combined"],"id":-2}"#),
            (json!(-2), Ok(Request::GetCombined))
        );
        assert_eq!(
            read(r#"{"method":"UNSUBSCRIBE","params":[],"id":2,"more":0}"#).1,
            Ok(Request::Unsubscribe(Vec::new()))
        );
    }

    #[test]
    fn documented_errors() {
        let variants =
            "expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`";
        for (request, expected) in [
            (r#"{"method":"GET_PROPERTY","params":["x"],"id":7}"#, error(0, "Unknown property", "7")),
            (
                r#"{"method":"SET_PROPERTY","params":["combined",1],"id":7}"#,
                error(1, "Invalid value type: expected Boolean", "7"),
            ),
            (
                r#"{"method":"SET_PROPERTY","params":["combined"],"id":7}"#,
                error(1, "Invalid value type: expected Boolean", "7"),
            ),
            (
                r#"{"method":"GET_PROPERTY","params":[1],"id":7}"#,
                error(2, "Invalid request: property name must be a string", "7"),
            ),
            (r#"{"method":"GET_PROPERTY","id":7}"#, error(2, "Invalid request: property name must be a string", "7")),
            (
                r#"{"method":"GET_PROPERTY","params":["combined",true],"id":"x"}"#,
                error(2, "Invalid request: too many parameters", "\"x\""),
            ),
            (
                r#"{"method":"LIST_SUBSCRIPTIONS","params":["x"],"id":7}"#,
                error(2, "Invalid request: too many parameters", "7"),
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["a@trade"]}"#,
                error(2, "Invalid request: request ID must be an unsigned integer", "null"),
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}"#,
                error(2, "Invalid request: request ID must be an unsigned integer", "null"),
            ),
            (
                r#"{ "id": 7, "method": "subscribe"}"#,
                error(2, &format!("Invalid request: unknown variant `subscribe`, {variants} at line 1 column 32"), "7"),
            ),
            (
                r#"{"params":["a@trade"],"id":7}"#,
                error(2, "Invalid request: missing field `method` at line 1 column 29", "7"),
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["not a stream"],"id":7}"#,
                error(2, "Invalid request: invalid stream", "7"),
            ),
            (r#"{"method":"SUBSCRIBE","params":[""],"id":7}"#, error(2, "Invalid request: invalid stream", "7")),
            ("SUBSCRIBE", error(3, "Invalid JSON: expected value at line 1 column 1", "null")),
        ] {
            assert_eq!(told(request), expected, "{request}");
        }
    }

    #[test]
    fn ids_of_all_kinds() {
        for id in ["0", "-1", "9223372036854775807", "null", r#""x""#, r#""0b7c2e94-8d0b-4d8e-9e0e-6a3c1f4f6b1a""#] {
            assert_eq!(read(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#)).0.to_string(), id);
        }
        for id in [
            "9223372036854775808",
            "1e3",
            "true",
            "[]",
            "{}",
            r#""""#,
            r#""a b""#,
            r#""0123456789012345678901234567890123456""#,
        ] {
            assert!(read(&format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":{id}}}"#)).1.is_err(), "{id}");
        }
    }
}
