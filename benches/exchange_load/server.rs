//! The server: this program once more, with a generated market whose limits are out of the way.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use candlewick_exchange::{Keys, MarketPlan, Server, Service};
use candlewick_model::time::DAY;
use candlewick_model::{Account, ExchangeInfo, Interval, Timestamp};
use candlewick_simulator::{Limits, Market, Setup, Timeline};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// What tells this program to serve.
pub(super) const SERVE: &str = "--serve";
/// The key of requests over REST, and its secret.
pub(super) const HMAC: (&str, &str) = ("hmacKey", "a secret");
/// The key that sessions are logged on with.
pub(super) const ED25519: &str = "ed25519Key";

/// A server that ends with this.
pub(super) struct Served {
    process: Child,
    address: String,
}

impl Served {
    pub(super) fn start() -> Self {
        let mut program = Command::new(std::env::current_exe().expect("its own name"));
        let program = program.arg(SERVE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = program.spawn().expect("it starts");
        let mut url = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut url).expect("its address");
        let address = url.trim().trim_start_matches("http://").to_owned();
        Self { process, address }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until whoever has started it is gone.
pub(super) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = runtime.block_on(Server::start(service(), 0)).expect("it starts");
    println!("{}", server.url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    runtime.block_on(server.stop(Duration::ZERO)).expect("it stops");
}

pub(super) fn session_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes")
}

fn service() -> Service {
    let from: Timestamp = "2023-03-01".parse().expect("a day");
    // So much volume that market orders do not use it up.
    let plan = MarketPlan {
        minute_volume: 1_000_000,
        outage: None,
        ..MarketPlan::bitcoin(1, Interval::OneMinute, from, from.plus(2 * DAY))
    };
    let text = without_limits(&plan.exchange_info());
    let mut info = ExchangeInfo::parse(&text).expect("an exchangeInfo");
    let instrument = info.instruments.remove(&plan.symbol).expect("its market");
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).expect("a snapshot");
    let market = Market::new(timeline, Default::default(), plan.interval, Arc::new(plan.bars()));
    let rich = |asset: &str, amount: &str| (asset.parse().expect("an asset"), amount.parse().expect("an amount"));
    let account = Account::from_iter([rich("USDT", "1000000000000"), rich("BTC", "100000000")]);
    let mut setup = Setup::of_one(market, account);
    setup.limits = Limits { filters: info.exchange_filters, orders: info.order_limits }.into();
    Service { limits_addresses: false, ..Service::new(setup, text, keys()) }
}

/// As many orders as one likes, in any time.
fn without_limits(info: &str) -> String {
    let mut info: Value = serde_json::from_str(info).expect("JSON");
    for limit in info["rateLimits"].as_array_mut().into_iter().flatten() {
        limit["limit"] = json!(1_000_000_000);
    }
    for filter in info["symbols"][0]["filters"].as_array_mut().into_iter().flatten() {
        if filter["filterType"] == "MAX_NUM_ORDERS" {
            filter["maxNumOrders"] = json!(1_000_000);
        }
    }
    info.to_string()
}

fn keys() -> Keys {
    let (key, kind) = (session_key(), [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);
    let public = [&kind, key.public_key().as_ref()].concat();
    let permissions = r#"["USER_DATA", "TRADE", "USER_STREAM"]"#;
    let text = format!(
        "[[key]]\napi_key = \"{}\"\nsecret = \"{}\"\npermissions = {permissions}\n\n[[key]]\napi_key = \"{ED25519}\"\n\
         public_key = \"\"\"\n-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n\"\"\"\npermissions = {permissions}\n",
        HMAC.0,
        HMAC.1,
        STANDARD.encode(public)
    );
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("writable");
    Keys::read(file.path()).expect("keys")
}
