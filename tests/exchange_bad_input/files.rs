//! Files that are damaged: states, scenarios of faults, keys. Each is read or refused with a reason;
//! nothing of it is lost.

use candlewick_exchange::faults::Server as Kind;
use candlewick_exchange::{FaultPlan, Keys, StateFile, Time};

use super::*;

/// What has happened to a file.
#[derive(Debug, Clone)]
enum Damage {
    Flip(proptest::sample::Index, u8),
    Cut(proptest::sample::Index),
    Insert(proptest::sample::Index, Vec<u8>),
    Remove(proptest::sample::Index, usize),
    Twice(proptest::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<proptest::sample::Index>;
    prop_oneof![
        (at(), 1u8..=255).prop_map(|(at, with)| Damage::Flip(at, with)),
        at().prop_map(Damage::Cut),
        (at(), proptest::collection::vec(any::<u8>(), 1..30)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1usize..200).prop_map(|(at, length)| Damage::Remove(at, length)),
        (at(), 1usize..200).prop_map(|(at, length)| Damage::Twice(at, length)),
    ]
}

impl Damage {
    fn done_to(&self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        match self {
            Self::Flip(at, with) => bytes[at.index(whole.len())] ^= with,
            Self::Cut(at) => bytes.truncate(at.index(whole.len())),
            Self::Insert(at, more) => {
                let at = at.index(whole.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(at, length) => {
                let at = at.index(whole.len());
                bytes.drain(at..(at + length).min(whole.len()));
            }
            Self::Twice(at, length) => {
                let at = at.index(whole.len());
                let part = whole[at..(at + length).min(whole.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
        bytes
    }
}

fn kept(path: &std::path::Path) -> Result<Service, candlewick_exchange::ExchangeError> {
    let state = Some(StateFile::open(path)?);
    Ok(Service { limits_addresses: false, time: Time { state, ..Time::default() }, archives: false, ..service() })
}

#[test]
fn a_damaged_state_is_gone_on_with_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let target = Target::of(kept(&path).unwrap());
    for name in 0..12 {
        let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=15000&quantity=0.01&newClientOrderId=";
        let query = target.signed(&format!("{query}{name}"));
        let head = format!("POST /api/v3/order?{query} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\n\r\n");
        assert_eq!(answers(&target.say(head.as_bytes()))[0].0, 200);
        target.say(b"POST /control/step HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    }
    drop(target);
    let whole = std::fs::read(&path).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runner(60).run(&proptest::collection::vec(damage(), 1..3), |damages| {
        let bytes = damages
            .iter()
            .fold(whole.clone(), |bytes, damage| if bytes.is_empty() { bytes } else { damage.done_to(&bytes) });
        // Nobody has let go of the last one until its runtime has had a turn.
        let path = tempfile::NamedTempFile::new_in(folder.path()).unwrap().into_temp_path();
        std::fs::write(&path, &bytes).unwrap();
        let started = match kept(&path) {
            Ok(service) => runtime.block_on(Server::start(service, 0)),
            Err(error) => Err(error),
        };
        match started {
            Ok(server) => {
                drop(server);
                let after = std::fs::read(&path).unwrap();
                // What is gone on with is what was whole, and more behind it.
                let same = after.iter().zip(&bytes).take_while(|(one, other)| one == other).count();
                prop_assert!(bytes[same..].iter().filter(|byte| **byte == b'\n').count() <= 1, "{}", same);
            }
            Err(error) => {
                prop_assert!(error.to_string().len() > 20, "{}", error);
                prop_assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is thrown away");
            }
        }
        Ok(())
    });
    outcome.unwrap();
}

const SCENARIO: &str = r#"
seed = 7
[[fault]]
kind = "status"
status = 503
path = "/api/v3/order"
method = "POST"
every = 3
executed = 0.5
from = "2023-03-01T00:00:00Z"

[[fault]]
kind = "event-late"
event = "executionReport"
delay_ms = 500
probability = 0.25
"#;

const KEYS: &str = r#"
[[key]]
api_key = "first"
secret = "1"
permissions = ["TRADE", "USER_DATA"]
ip_addresses = ["127.0.0.1"]

[[key]]
api_key = "edTrader"
account = 1
public_key = """
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA1Tkt4cYVufaSW1PsyR60YlGGDxsSEsEsYrKaFxi9gf8=
-----END PUBLIC KEY-----
"""

[account.1]
USDT = "500000.5"
"#;

#[test]
fn damaged_scenarios_and_keys_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.toml");
    std::fs::write(&keys, KEYS).unwrap();
    assert!(Keys::read(&keys).is_ok() && FaultPlan::from_toml(SCENARIO, Kind::Trading).is_ok());
    let outcome = runner(1_000).run(&proptest::collection::vec(damage(), 1..4), |damages| {
        let damaged = |text: &str| {
            let bytes = text.as_bytes().to_vec();
            damages.iter().fold(bytes, |bytes, damage| if bytes.is_empty() { bytes } else { damage.done_to(&bytes) })
        };
        let scenario = String::from_utf8_lossy(&damaged(SCENARIO)).into_owned();
        if let Err(error) = FaultPlan::from_toml(&scenario, Kind::Trading) {
            prop_assert!(error.to_string().len() > 10, "{}", error);
        }
        let _ = FaultPlan::from_json(scenario.as_bytes(), Kind::Trading);
        std::fs::write(&keys, damaged(KEYS)).unwrap();
        if let Err(error) = Keys::read(&keys) {
            prop_assert!(error.to_string().contains("keys.toml"), "{}", error);
        }
        Ok(())
    });
    outcome.unwrap();
}
