//! Bodies of the control API, and faults of any kind with figures of any size.

use serde_json::json;

use super::*;

impl Target {
    /// Sends a body to control; status and answer.
    fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let head = format!(
            "{method} /control/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let told = answers(&self.ask(format!("{head}{body}").as_bytes()));
        let (status, body) = &told[0];
        (*status, serde_json::from_slice(body).unwrap_or_default())
    }
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        proptest::sample::select(vec![0, 1, -1, i64::MIN, i64::MAX, 1_677_628_800_000_000, 1_677_800_000_000_000])
            .prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        Just(json!(1e308)),
    ]
}

fn member() -> impl Strategy<Value = Value> {
    let words = [
        "max",
        "lock-step",
        "2023-03-01T00:10:00Z",
        "9999-12-31T23:59:59.999999Z",
        "0000-01-01",
        "1d",
        "999999999d",
        "5",
        "-5m",
        "",
    ];
    prop_oneof![
        number(),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([1])),
        Just(json!({})),
    ]
}

#[test]
fn any_word_on_time_is_taken_or_refused() {
    let target = Target::new();
    let names = proptest::sample::select(vec!["until", "to", "for", "speed", "paused", "x"]);
    let body = proptest::collection::vec((names, member()), 0..3).prop_map(|members| {
        let members: serde_json::Map<_, _> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Value::from(members).to_string()
    });
    let body = prop_oneof![6 => body, 1 => ".{0,30}", 1 => Just(String::new())];
    let request = (proptest::sample::select(vec!["step", "seek", "time"]), body);
    let outcome = runner(400).run(&request, |(path, body)| {
        let (status, told) = target.control("POST", path, &body);
        let is_refused =
            [400, 409].contains(&status) && told["error"].as_str().is_some_and(|reason| !reason.is_empty());
        prop_assert!((status == 200 && told["time"].is_i64()) || is_refused, "{} {}", status, told);
        // It stands where the next case finds it.
        target.control("POST", "time", r#"{"speed":"lock-step"}"#);
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(target.control("POST", "seek", r#"{"to":"2023-03-01T00:10:00Z"}"#).0, 200);
    assert_eq!(target.control("POST", "step", "").0, 200, "no body is one without members");
    for (path, body, says) in [
        ("step", "[]", "no JSON object"),
        ("step", r#"{"untill":1}"#, "unknown field `untill`"),
        ("step", r#"{"to":[]}"#, "a time must be"),
        ("seek", "", "missing field `to`"),
        ("time", r#"{"speed":true}"#, "a speed is"),
        ("time", "{", "EOF"),
    ] {
        let (status, told) = target.control("POST", path, body);
        assert!(status == 400 && told["error"].as_str().unwrap().contains(says), "{path} {body}: {told}");
    }
    assert!(target.lives());
}

/// A fault that may make sense; it must not wait for long.
fn fault() -> impl Strategy<Value = Value> {
    let kinds = [
        "status",
        "delay",
        "slow",
        "cut",
        "wrong-length",
        "truncated",
        "corrupt",
        "timeout",
        "lost",
        "clock",
        "event-lost",
        "event-twice",
        "event-late",
        "socket-dropped",
        "socket-silent",
        "partial-json",
        "empty-page",
        "nothing",
    ];
    let count = prop_oneof![Just(0), Just(1), Just(2), Just(u64::MAX), any::<u64>()];
    let chance = prop_oneof![Just(json!(0)), Just(json!(1)), Just(json!(0.5)), number()];
    let figures = (
        proptest::option::of(count.clone()),
        proptest::option::of(prop_oneof![Just(0u64), Just(400), Just(503), Just(599), Just(600), any::<u64>()]),
        proptest::option::of(chance.clone()),
        proptest::option::of(chance),
        proptest::option::of(number()),
        proptest::option::of(count),
    );
    let texts = (
        proptest::option::of(proptest::sample::select(vec!["*", "/api/*", "/api/v3/order?*", "**", "", "/ws*"])),
        proptest::option::of(proptest::sample::select(vec!["GET", "POST,DELETE", "", "get , post"])),
        proptest::option::of(proptest::sample::select(vec!["BTCUSDT", "", "x"])),
    );
    (proptest::sample::select(kinds.to_vec()), figures, texts).prop_map(|(kind, figures, texts)| {
        let (bytes, status, probability, executed, offset, every) = figures;
        let mut fault = json!({ "kind": kind });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fault[name] = value;
            }
        };
        put("bytes", bytes.map(Value::from));
        put("status", status.map(Value::from));
        put("probability", probability);
        put("executed", executed);
        put("offset_ms", offset);
        put("every", every.map(Value::from));
        put("delay_ms", kind.ends_with('y').then(|| json!(1)));
        put("delay_ms", (kind == "event-late").then(|| json!(u64::MAX)));
        put("rate", (kind == "slow").then(|| json!(u32::MAX)));
        put("path", texts.0.map(Value::from));
        put("method", texts.1.map(Value::from));
        put("symbol", texts.2.map(Value::from));
        fault
    })
}

#[test]
fn any_faults_are_met_or_refused() {
    let target = Target::new();
    let outcome = runner(300).run(&proptest::collection::vec(fault(), 1..4), |faults| {
        let (status, told) = target.control("POST", "faults", &Value::from(faults).to_string());
        prop_assert!(status == 200 || (status == 400 && told["error"].is_string()), "{} {}", status, told);
        let query = target.signed("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.01");
        for request in [
            "GET /api/v3/exchangeInfo".to_owned(),
            "GET /api/v3/time".to_owned(),
            format!("POST /api/v3/order?{query}"),
            format!("DELETE /api/v3/openOrders?{}", target.signed("symbol=BTCUSDT")),
        ] {
            let head = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-MBX-APIKEY: {KEY}\r\n\r\n");
            let answer = target.say(head.as_bytes());
            prop_assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "));
        }
        prop_assert_eq!(target.control("DELETE", "faults", "").0, 204);
        prop_assert!(target.lives());
        Ok(())
    });
    outcome.unwrap();
}
