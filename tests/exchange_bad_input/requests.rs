//! HTTP as bytes: requests that are nearly right, and what is none.

use super::*;

/// A query with a good part that some endpoint asks for, and others.
fn query() -> impl Strategy<Value = String> {
    let pair =
        (proptest::sample::select(NAMES.to_vec()), encoded()).prop_map(|(name, value)| format!("{name}={value}"));
    let pairs = proptest::collection::vec(prop_oneof![12 => pair, 1 => Just(String::new()), 1 => encoded()], 0..8);
    let good = prop_oneof![
        2 => Just(""),
        2 => Just("symbol=BTCUSDT&"),
        1 => Just("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.01&"),
        1 => Just("symbol=BTCUSDT&interval=1m&"),
    ];
    (good, pairs).prop_map(|(good, pairs)| format!("{good}{}", pairs.join("&")))
}

#[derive(Debug, Clone)]
struct Request {
    method: &'static str,
    path: &'static str,
    query: String,
    body: Option<String>,
    headers: Vec<(&'static str, String)>,
    is_signed: bool,
}

fn request() -> impl Strategy<Value = Request> {
    let headers = prop_oneof![
        "[ -~]{0,20}".prop_map(|value| ("X-MBX-TIME-UNIT", value)),
        Just(("X-MBX-TIME-UNIT", "MICROSECOND".to_owned())),
        Just(("Content-Type", "application/x-www-form-urlencoded".to_owned())),
        Just(("Content-Type", "application/json".to_owned())),
        "[ -~]{0,20}".prop_map(|value| ("Content-Type", value)),
        Just(("Accept", "text/html".to_owned())),
        Just(("Expect", "100-continue".to_owned())),
    ];
    (
        proptest::sample::select(vec!["GET", "GET", "GET", "POST", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "BREW"]),
        proptest::sample::select(PATHS.to_vec()),
        query(),
        proptest::option::of(query()),
        proptest::collection::vec(headers, 0..3),
        any::<bool>(),
    )
        .prop_map(|(method, path, query, body, headers, is_signed)| Request {
            method,
            path,
            query,
            body,
            headers,
            is_signed,
        })
}

impl Request {
    /// As it goes over the line: signed where it is to be, with a body whose length is told or that
    /// comes in chunks.
    fn written(&self, target: &Target) -> Vec<u8> {
        let mut query = self.query.clone();
        let body = self.body.clone().unwrap_or_default();
        if self.is_signed {
            query = format!("{query}&timestamp={}", target.server.now().millis());
            // A body that comes with a GET is not signed.
            let signed = if matches!(self.method, "GET" | "HEAD") { "" } else { &body };
            query = format!("{query}&signature={}", credentials().sign(&format!("{query}{signed}")));
        }
        let mut head = format!("{} {}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", self.method, self.path);
        if self.is_signed {
            head += &format!("X-MBX-APIKEY: {KEY}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        match &self.body {
            None => head += "\r\n",
            Some(body) if body.len() % 2 == 0 => head += &format!("Content-Length: {}\r\n\r\n{body}", body.len()),
            Some(body) => head += &format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        }
        head.into_bytes()
    }
}

#[test]
fn nearly_right_requests_have_documented_answers() {
    let target = Target::new();
    let outcome = runner(1_000).run(&request(), |request| {
        let bytes = request.written(&target);
        let answer = target.ask(&bytes);
        let told = answers(&answer);
        // An answer of its own goes before it where the client waits to be asked for the body.
        let (status, body) = told.iter().rfind(|(status, _)| *status != 100).cloned().unwrap_or_default();
        let is_empty_head = request.method == "HEAD" && body.is_empty();
        let text = String::from_utf8_lossy(&body).into_owned();
        prop_assert!(is_documented(status, &body) || (is_empty_head && status < 500), "{} {}", status, text);
        Ok(())
    });
    outcome.unwrap();
    assert!(target.lives());
}

/// Parts of requests in any order, with lies about what comes.
#[test]
fn what_is_no_http_does_no_harm() {
    let target = Target::new();
    let part = prop_oneof![
        proptest::sample::select(vec![
            "GET /api/v3/time HTTP/1.1\r\n",
            "POST /api/v3/order HTTP/1.1\r\n",
            "GET /ws HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET http://x/api/v3/time HTTP/1.0\r\n",
            "GET  /api/v3/time  HTTP/1.1\r\n",
            "CONNECT x:1 HTTP/1.1\r\n",
            "Host: x\r\n",
            "Host: x\n",
            " folded\r\n",
            "Content-Length: 5\r\n",
            "Content-Length: 7\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 18446744073709551615\r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Content-Length : 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: chunked, gzip\r\n",
            "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
            "Sec-WebSocket-Key: no\r\n",
            "\r\n",
            "5\r\nabcde\r\n",
            "ffffffffffffffff\r\n",
            "-1\r\n",
            "5;ext=\"\r\nabcde\r\n",
            "0\r\n\r\n",
            "symbol=BTCUSDT",
            "\0\u{1}\u{2}",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
        "[ -~]{1,12}: [ -~]{0,30}\r\n".prop_map(String::into_bytes),
    ];
    let outcome = runner(500).run(&proptest::collection::vec(part, 0..12), |parts| {
        let answer = target.say(&parts.concat());
        let text = String::from_utf8_lossy(&answer).into_owned();
        // HTTP/2 speaks in frames, of which the first is one of settings.
        let is_http = text.starts_with("HTTP/1.") || answer.is_empty() || answer.get(3) == Some(&4);
        prop_assert!(is_http && !text.starts_with("HTTP/1.1 5"), "{}", text);
        Ok(())
    });
    outcome.unwrap();
    assert!(target.lives());
}

#[test]
fn many_requests_at_once_are_answered_in_their_order() {
    let target = Target::new();
    target.say(b"POST /control/step HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    let get = |limit: usize| {
        let path = format!("/api/v3/depth?symbol=BTCUSDT&limit={}", 1 + limit % 50);
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    };
    let requests: String = (0..500).map(get).collect();
    let told = answers(&target.say(requests.as_bytes()));
    assert_eq!(told.len(), 500);
    for (limit, (status, body)) in told.iter().enumerate() {
        let book: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((*status, book["bids"].as_array().unwrap().len()), (200, 1 + limit % 50));
    }
    // What comes behind something that is no request is not read.
    let told = answers(&target.say(format!("{}nonsense\r\n\r\n{}", get(0), get(0)).as_bytes()));
    assert_eq!(told.iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 400]);
    // Nor is what a body swallows: half a request has no answer.
    let half = "POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsymbol=BTCUSDT";
    let told = answers(&target.say(format!("{}{half}", get(0)).as_bytes()));
    assert!(told.len() <= 2 && told.iter().skip(1).all(|(status, _)| *status >= 400), "{told:?}");
}

#[test]
fn what_is_too_large_is_refused_at_once() {
    let target = Target::new();
    let large = 10 << 20;
    let mut requests = vec![
        (format!("GET /api/v3/time?x={} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(large)), vec![400, 414, 431]),
        (format!("GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "a".repeat(large)), vec![431]),
        (format!("GET /api/v3/time HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: 1\r\n".repeat(large / 6)), vec![431]),
    ];
    for path in ["api/v3/order", "api/v3/ping", "control/step", "control/faults", "ws-api/v3"] {
        let body = "[".repeat(large);
        let head = format!("POST /{path} HTTP/1.1\r\nHost: localhost\r\n");
        requests.push((format!("{head}Content-Length: {large}\r\n\r\n{body}"), vec![413, 400, 405]));
        let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
        let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk.repeat(large / 0x10000));
        requests.push((chunks, vec![413, 400, 405]));
    }
    for (request, statuses) in requests {
        let begun = std::time::Instant::now();
        let told = answers(&target.say(request.as_bytes()));
        // Who closes with something unread may take back what it has said.
        assert!(told.is_empty() || statuses.contains(&told[0].0), "{:.60} {told:?}", request);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:.60} {:?}", request, begun.elapsed());
    }
    // Deep, but short enough to be read.
    for path in ["control/step", "control/seek", "control/time", "control/faults"] {
        let body = format!("{{\"to\":{}}}", "[".repeat(50_000));
        let head = format!("POST /{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
        assert_eq!(answers(&target.say(format!("{head}{body}").as_bytes()))[0].0, 400, "{path}");
    }
    assert!(target.lives());
}

/// Files, listings and the front page, which stand beside the API.
#[test]
fn odd_requests_for_files_have_answers_of_the_bucket() {
    let target = Target::new();
    target.ask(b"POST /control/seek HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 29\r\n\r\n{\"to\":\"2023-03-01T20:00:00Z\"}");
    let part = proptest::sample::select(vec![
        "data",
        "spot",
        "daily",
        "monthly",
        "klines",
        "aggTrades",
        "BTCUSDT",
        "1m",
        "1mo",
        "..",
        "",
        "%2e%2e",
        "%2f",
        "%",
        "%ff",
        "BTCUSDT-1m-2023-03-01.zip",
        "BTCUSDT-1m-2023-03-01.zip.CHECKSUM",
        "BTCUSDT-1m-99999-99-99.zip",
        "data.binance.vision",
    ]);
    let whole = prop_oneof![
        1 => Just("data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-01.zip".to_owned()),
        4 => proptest::collection::vec(part, 0..8).prop_map(|parts| parts.join("/")),
    ];
    let names = proptest::sample::select(vec![
        "prefix",
        "delimiter",
        "marker",
        "max-keys",
        "list-type",
        "continuation-token",
        "start-after",
        "encoding-type",
        "x",
    ]);
    let values = prop_oneof![
        3 => proptest::sample::select(vec!["data/spot/", "/", "2", "1000", "0", "-1", "url", "data%2Fspot%2Fdaily%2F", "99999999999999999999"]).prop_map(str::to_owned),
        1 => encoded(),
    ];
    let query = proptest::collection::vec((names, values), 0..5).prop_map(|pairs| {
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    });
    let headers = proptest::collection::vec(
        prop_oneof![
            Just("Range: bytes=0-0".to_owned()),
            Just("Range: bytes=-0".to_owned()),
            Just("Range: bytes=-18446744073709551615".to_owned()),
            Just("Range: bytes=18446744073709551615-".to_owned()),
            Just("Range: bytes=5-2, 7-9".to_owned()),
            "Range: [ -~]{0,20}",
            "If-(Range|Match|None-Match|Modified-Since): [ -~]{0,30}",
            Just("Accept-Encoding: gzip;q=1e400, gzip".to_owned()),
            Just("Host: s3.x".to_owned()),
        ],
        0..3,
    );
    let method = proptest::sample::select(vec!["GET", "GET", "HEAD", "POST", "DELETE"]);
    let outcome = runner(500).run(&(method, whole, query, headers), |(method, path, query, headers)| {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("{method} /{path}?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
        let answer = target.ask(request.as_bytes());
        let line = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
        let statuses = ["200", "206", "304", "400", "404", "405", "412", "416"];
        prop_assert!(statuses.iter().any(|status| line.ends_with(status)), "{}", line);
        Ok(())
    });
    outcome.unwrap();
    assert!(target.lives());
}
