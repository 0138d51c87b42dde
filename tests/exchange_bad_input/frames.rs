//! WebSockets as bytes: frames that break the rules, in any order, on every kind of connection.

use super::*;

const ENDPOINTS: [&str; 3] = ["/ws-api/v3", "/ws/btcusdt@trade", "/stream?streams=btcusdt@depth"];

/// Codes of close frames that the server has a reason for (RFC 6455, 7.4).
const CODES: [u16; 8] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011];

#[derive(Debug, Clone)]
struct Frame {
    /// The end of a message, three bits that mean nothing, the opcode.
    first: u8,
    is_masked: bool,
    payload: Vec<u8>,
    /// What the header says of the length.
    told: Length,
}

#[derive(Debug, Clone, Copy)]
enum Length {
    Right,
    /// In more bytes than it takes.
    Wide,
    /// Another one.
    Wrong(u64),
}

impl Frame {
    fn new(first: u8, payload: &[u8]) -> Self {
        Self { first, is_masked: true, payload: payload.into(), told: Length::Right }
    }

    fn written(&self) -> Vec<u8> {
        let mask = if self.is_masked { 0x80 } else { 0 };
        let mut bytes = vec![self.first];
        let length = self.payload.len() as u64;
        match (self.told, length) {
            (Length::Right, 0..=125) => bytes.push(mask | length as u8),
            (Length::Right, 126..=0xffff) => {
                bytes.push(mask | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            (Length::Right | Length::Wide, _) => {
                bytes.push(mask | 127);
                bytes.extend(length.to_be_bytes());
            }
            (Length::Wrong(other), _) => {
                bytes.push(mask | 127);
                bytes.extend(other.to_be_bytes());
            }
        }
        let key = [1, 2, 3, 4];
        if self.is_masked {
            bytes.extend(key);
        }
        let hidden = |(at, byte): (usize, &u8)| if self.is_masked { byte ^ key[at % 4] } else { *byte };
        bytes.extend(self.payload.iter().enumerate().map(hidden));
        bytes
    }
}

fn frame() -> impl Strategy<Value = Frame> {
    let text = prop_oneof![
        Just(br#"{"id":1,"method":"ping"}"#.to_vec()),
        Just(br#"{"method":"SUBSCRIBE","params":["btcusdt@kline_1m"],"id":1}"#.to_vec()),
        Just(br#"{"method":"LIST_SUBSCRIPTIONS","id":null}"#.to_vec()),
        Just("\u{e9}\u{20ac}".as_bytes()[..3].to_vec()),
        ".{0,40}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..200),
        (0usize..300_000).prop_map(|length| vec![b'a'; length]),
        any::<u16>().prop_map(|code| code.to_be_bytes().to_vec()),
    ];
    let first = prop_oneof![
        8 => proptest::sample::select(vec![0x81_u8, 0x82, 0x80, 0x01, 0x00, 0x88, 0x89, 0x8a, 0x09]),
        1 => any::<u8>(),
    ];
    let told = prop_oneof![
        8 => Just(Length::Right),
        1 => Just(Length::Wide),
        1 => prop_oneof![Just(u64::MAX), 0u64..1_000_000].prop_map(Length::Wrong),
    ];
    (first, prop_oneof![9 => Just(true), 1 => Just(false)], text, told)
        .prop_map(|(first, is_masked, payload, told)| Frame { first, is_masked, payload, told })
}

/// Shakes hands, sends bytes, says that nothing more comes, and reads what is said to that: frames,
/// each its first byte and its payload.
fn said(target: &Target, path: &str, bytes: &[u8]) -> Vec<Told> {
    let hand = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    let answer = target.say(&[hand.as_bytes(), bytes].concat());
    if answer.is_empty() {
        // Who closes with something unread takes back what it has said.
        return Vec::new();
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    let mut rest = &answer[end..];
    let mut frames = Vec::new();
    // What is cut short was taken back.
    while let Some((frame, behind)) = first_of(rest) {
        frames.push(frame);
        rest = behind;
    }
    frames
}

/// A frame that the server has sent: its first byte and what it holds.
type Told = (u8, Vec<u8>);

fn first_of(bytes: &[u8]) -> Option<(Told, &[u8])> {
    let [first, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match length {
        126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), &rest[2..]),
        127 => (usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).unwrap(), &rest[8..]),
        short => (usize::from(*short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some(((*first, payload.to_vec()), rest))
}

/// The code that a connection was left with, if it was told.
fn closed(frames: &[Told]) -> Option<u16> {
    let (_, payload) = frames.iter().find(|(first, _)| *first == 0x88)?;
    payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]))
}

#[test]
fn frames_in_any_order_are_answered_or_closed() {
    let target = Target::new();
    let frames = (proptest::sample::select(ENDPOINTS.to_vec()), proptest::collection::vec(frame(), 1..6));
    let outcome = runner(600).run(&frames, |(path, frames)| {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::written).collect();
        let told = said(&target, path, &bytes);
        for (first, payload) in &told {
            match first {
                0x81 => prop_assert!(serde_json::from_slice::<Value>(payload).is_ok()),
                0x88 => {
                    let code = closed(&told);
                    let is_copy = frames.iter().any(|frame| frame.payload == *payload);
                    prop_assert!(
                        payload.is_empty() || is_copy || code.is_some_and(|code| CODES.contains(&code)),
                        "{:?}",
                        payload
                    );
                }
                0x8a => prop_assert!(payload.len() <= 125),
                other => prop_assert!(false, "{:x}", other),
            }
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(target.lives());
}

#[test]
fn each_broken_rule_has_its_code() {
    let target = Target::new();
    let ping = r#"{"id":1,"method":"LIST_SUBSCRIPTIONS"}"#.as_bytes();
    let unmasked = Frame { is_masked: false, ..Frame::new(0x81, ping) };
    let long_ping = Frame { told: Length::Wide, ..Frame::new(0x89, &[b'a'; 126]) };
    let huge = Frame { told: Length::Wrong(u64::MAX), ..Frame::new(0x81, ping) };
    let half = [0xe2, 0x82];
    for (name, frames, code) in [
        ("not masked", vec![unmasked], 1002),
        ("a bit that means nothing", vec![Frame::new(0xc1, ping)], 1002),
        ("an opcode that is none", vec![Frame::new(0x83, ping)], 1002),
        ("a control opcode that is none", vec![Frame::new(0x8b, b"")], 1002),
        ("a ping that is too long", vec![long_ping], 1002),
        ("a ping in parts", vec![Frame::new(0x09, b"a")], 1002),
        ("a part of nothing", vec![Frame::new(0x80, ping)], 1002),
        ("a message within another", vec![Frame::new(0x01, ping), Frame::new(0x81, ping)], 1002),
        ("bytes", vec![Frame::new(0x82, ping)], 1003),
        ("no UTF-8", vec![Frame::new(0x81, &[0xff])], 1007),
        ("a character that is cut", vec![Frame::new(0x01, &half), Frame::new(0x80, b"")], 1007),
        ("longer than anything", vec![huge], 1009),
        ("too long", vec![Frame::new(0x81, &[b'a'; 300_000])], 1009),
        ("a close frame of one byte", vec![Frame::new(0x88, &[3])], 1002),
        ("a close code that nobody may send", vec![Frame::new(0x88, &1005_u16.to_be_bytes())], 1002),
        ("a close code that is none", vec![Frame::new(0x88, &999_u16.to_be_bytes())], 1002),
    ] {
        for path in ENDPOINTS {
            let bytes: Vec<u8> = frames.iter().flat_map(Frame::written).collect();
            let told = said(&target, path, &bytes);
            assert_eq!(closed(&told), Some(code), "{name} at {path}: {told:?}");
        }
    }
    // A character may go from one part into the next, with a ping between them.
    let text = "\"€\"".as_bytes();
    let parts = [Frame::new(0x01, &text[..2]), Frame::new(0x89, b"p"), Frame::new(0x80, &text[2..])];
    let told = said(&target, ENDPOINTS[0], &parts.iter().flat_map(Frame::written).collect::<Vec<_>>());
    assert_eq!(told[0], (0x8a, b"p".to_vec()));
    assert!(String::from_utf8_lossy(&told[1].1).contains("-1135"), "{told:?}");
}

#[test]
fn messages_without_an_end_are_cut_off() {
    let target = Target::new();
    for path in ENDPOINTS {
        let part = Frame::new(0x00, &[b'a'; 10_000]).written();
        let bytes = [Frame::new(0x01, b"a").written(), part.repeat(1_000)].concat();
        let begun = std::time::Instant::now();
        let told = said(&target, path, &bytes);
        assert!(told.is_empty() || closed(&told) == Some(1009), "{told:?}");
        // Parts with nothing in them, pings that nobody reads the answers of.
        let nothing = [Frame::new(0x01, b"").written(), Frame::new(0x00, b"").written().repeat(100_000)].concat();
        said(&target, path, &nothing);
        said(&target, path, &Frame::new(0x89, b"p").written().repeat(20_000));
        assert!(begun.elapsed() < Duration::from_secs(30), "{path} {:?}", begun.elapsed());
    }
    assert!(target.lives());
}

/// What a client of streams may say, and what is nearly that.
#[test]
fn odd_subscriptions_have_the_documented_errors() {
    let target = Target::new();
    let name = prop_oneof![
        proptest::sample::select(vec![
            "btcusdt@trade",
            "btcusdt@depth5@100ms",
            "!miniTicker@arr",
            "combined",
            "btcusdt@kline_1m@+08:00",
            "",
            "@",
            "!",
        ])
        .prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(serde_json::json!([["x"]])),
        Just(serde_json::json!({ "x": 1 })),
    ];
    let params = prop_oneof![
        4 => proptest::collection::vec(name.clone(), 0..5).prop_map(Value::from),
        1 => name.clone(),
        1 => (1_000usize..1_100).prop_map(|count| (0..count).map(|at| format!("s{at}@trade")).collect::<Vec<_>>().into()),
    ];
    let methods = ["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "subscribe", ""];
    let request = (proptest::sample::select(methods.to_vec()), proptest::option::of(params), name);
    let outcome = runner(600).run(&proptest::collection::vec(request, 1..5), |requests| {
        let written = requests.iter().map(|(method, params, id)| {
            let mut request = serde_json::json!({ "method": method, "id": id });
            if let Some(params) = params {
                request["params"] = params.clone();
            }
            Frame::new(0x81, request.to_string().as_bytes()).written()
        });
        let told = said(&target, "/ws", &written.collect::<Vec<_>>().concat());
        let texts: Vec<Value> = told
            .iter()
            .filter(|(first, _)| *first == 0x81)
            .map(|(_, text)| serde_json::from_slice(text).unwrap())
            .collect();
        prop_assert_eq!(texts.len(), requests.len());
        for (text, (_, _, id)) in texts.iter().zip(&requests) {
            let error = &text["error"];
            let is_error =
                error["code"].as_i64().is_some_and(|code| (0..=3).contains(&code)) && error["msg"].is_string();
            prop_assert!(text.get("result").is_some() || is_error, "{}", text);
            prop_assert!(text["id"] == *id || text["id"].is_null(), "{}", text);
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(target.lives());
}
