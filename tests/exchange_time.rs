//! The time of the local exchange, its state and where it listens: the program as a process.
//!
//! Speeds here are so slow that time stands, or so fast that it is over: nothing depends on how
//! fast this machine is.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use candlewick_binance::signing::Credentials;
use candlewick_lake::Lake;
use candlewick_model::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::portfolio;
use super::program::{Ended, candlewick, run as run_program};

/// Microseconds of simulated time pass in seconds.
pub(crate) const STANDS: &str = "0.000001";

pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
    http: reqwest::Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut command = candlewick();
        command.args(["exchange", "serve", "--port", "0"]).args(arguments);
        command.env_remove("CANDLEWICK_API_KEY").env_remove("CANDLEWICK_API_SECRET");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: url.trim().to_owned(), http }
    }

    pub(crate) fn generated(arguments: &[&str]) -> Self {
        Self::start(&[&["--generate", "5", "--days", "2"], arguments].concat())
    }

    pub(crate) fn ctl(&self, arguments: &[&str]) -> Ended {
        run_program(&[&["exchange", "ctl", "--url", &self.url], arguments].concat())
    }

    /// What a command of `ctl` answers.
    #[track_caller]
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let ended = self.ctl(&[&["--json"], arguments].concat());
        ended.assert(0, &[]);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    #[track_caller]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.told(&["time"])["time"].as_i64().unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub(crate) async fn signed(&self, method: Method, path: &str, query: &str) -> Value {
        let now = self.get("/api/v3/time").await["serverTime"].clone();
        let query = format!("{query}&timestamp={now}");
        let signature = Credentials::new("local", "local").sign(&query);
        let request = self.http.request(method, format!("{}/api/v3/{path}?{query}&signature={signature}", self.url));
        let answer = request.header("X-MBX-APIKEY", "local").send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    async fn order(&self, symbol: &str, query: &str) -> Value {
        self.signed(Method::POST, "order", &format!("symbol={symbol}&side=BUY&{query}")).await
    }

    /// Everything that the account can ask for.
    async fn account(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for path in ["openOrders", "allOrders", "myTrades", "account", "rateLimit/order"] {
            let query = if ["account", "rateLimit/order"].contains(&path) { "" } else { "symbol=BTCUSDT" };
            let mut answer = self.signed(Method::GET, path, query).await;
            if let Some(account) = answer.as_object_mut() {
                account.remove("updateTime");
            }
            all.push(answer);
        }
        all
    }

    /// Ends as a service is ended; what it has said on standard error.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let code = self.child.wait().unwrap().code();
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (code, told)
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn time_goes_by_itself_stands_and_is_put_elsewhere() {
    let program = Program::generated(&["--from", "2023-03-01T10:00:30Z", "--speed", STANDS]);
    let begun = program.told(&["time"]);
    assert_eq!((&begun["mode"], &begun["paused"], &begun["ended"]), (&json!("free"), &json!(false), &json!(false)));
    assert!((at("2023-03-01T10:00:29.999999Z")..at("2023-03-01T10:00:31Z")).contains(&program.now()));
    assert_eq!(begun["next"], at("2023-03-01T10:00:39.999999Z").micros());
    let minutes = block_on(program.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000"));
    assert_eq!(minutes.as_array().unwrap().len(), 601, "ten hours have run, and half a minute");
    program.ctl(&["step"]).assert(2, &["time goes by itself; pause it first"]);
    assert_eq!(program.told(&["pause"])["paused"], true);
    assert_eq!(program.now(), program.now());
    let stepped = program.told(&["step"]);
    assert_eq!((&stepped["time"], &stepped["bars"]), (&json!(at("2023-03-01T10:00:59.999999Z").micros()), &json!(1)));
    let through = program.told(&["step", "--for", "5m"]);
    assert_eq!((&through["time"], &through["bars"]), (&json!(at("2023-03-01T10:05:59.999999Z").micros()), &json!(5)));
    let until = program.told(&["step", "--until", "2023-03-01T11:00:00Z"]);
    assert_eq!((program.now(), &until["bars"]), (at("2023-03-01T11:00:00Z"), &json!(54)));
    program.ctl(&["step", "--until", "2023-03-01"]).assert(2, &["is over", "seek goes back"]);
    program.ctl(&["step", "--for", "5 minutes"]).assert(2, &["500ms, 90s, 5m, 2h, 1d"]);
    // What happened after an instant has not happened.
    let placed = block_on(program.order("BTCUSDT", "type=MARKET&quantity=0.01"));
    assert_eq!(placed["transactTime"], at("2023-03-01T11:00:00Z").millis(), "at the time that it was");
    let past = program.told(&["seek", "2023-03-01T10:30:00.5Z"]);
    assert_eq!((program.now(), &past["paused"]), (at("2023-03-01T10:30:00.500Z"), &json!(true)));
    assert_eq!(block_on(program.account())[1], json!([]));
    // What is paid in stays, until time is before it.
    let paid = program.ctl(&["transfer", "0.5", "BTC"]).stdout;
    assert_eq!(paid, "2023-03-01T10:30:00.500Z  account 0 holds 0.50000000 BTC free, 0.00000000 locked\n");
    assert_eq!(program.told(&["transfer", "-0.2", "BTC"])["free"], "0.30000000");
    program.ctl(&["transfer", "-0.4", "BTC"]).assert(2, &["cannot be made: 0.30000000 is free"]);
    program.ctl(&["transfer", "1", "BTC", "--account", "4"]).assert(2, &["there is no account 4"]);
    program.told(&["seek", "2023-03-01T10:20:00Z"]);
    program.ctl(&["transfer", "-0.1", "BTC"]).assert(2, &["0.00000000 is free"]);
    // In lock step only steps move time, and nothing is there to be paused.
    assert_eq!(program.told(&["speed", "lock-step"])["mode"], "lock-step");
    program.ctl(&["resume"]).assert(2, &["time is in lock step"]);
    let ended = program.ctl(&["speed", "max"]);
    ended.assert(0, &[]);
    assert!(ended.stdout.contains("goes    speed max\n"), "{ended:?}");
    while program.told(&["time"])["ended"] != true {}
    assert_eq!(program.now(), at("2023-03-02T23:59:59.999999Z"));
    let over = block_on(program.order("BTCUSDT", "type=MARKET&quantity=0.01"));
    assert_eq!(over["code"], -1016);
    assert!(program.ctl(&["time"]).stdout.contains("never: the market has ended"));
    assert_eq!(program.told(&["forgive"]), json!({}));
    let (code, told) = program.stop();
    assert_eq!(
        (code, told.matches("the market has ended at 2023-03-02T23:59:59.999999Z").count()),
        (Some(0), 1),
        "{told}"
    );
}

#[test]
fn control_is_for_this_machine_alone() {
    let program = Program::generated(&[]);
    assert_eq!(program.told(&["time"])["mode"], "lock-step", "unless it is told otherwise");
    let status = |name: &str, value: &str| {
        let request = program.http.post(format!("{}/control/step", program.url)).json(&json!({})).header(name, value);
        block_on(async { request.send().await.unwrap().status().as_u16() })
    };
    assert_eq!(status("Host", "exchange.example"), 403);
    assert_eq!(status("Origin", "https://exchange.example"), 403);
    assert_eq!(status("Origin", "null"), 403);
    assert_eq!(program.now(), at("2023-02-28T23:59:59.999999Z"));
    assert_eq!(status("Origin", &program.url), 200);
    assert_eq!(program.now(), at("2023-03-01T00:00:59.999999Z"));
    // Nobody there, no address, another program.
    let nobody = run_program(&["exchange", "ctl", "--url", "http://127.0.0.1:9", "time"]);
    nobody.assert(3, &["no exchange answers at http://127.0.0.1:9", "candlewick exchange serve"]);
    run_program(&["exchange", "ctl", "--url", "nowhere", "time"]).assert(2, &["--url nowhere: not an address"]);
    let elsewhere = format!("{}/api/v3", program.url);
    run_program(&["exchange", "ctl", "--url", &elsewhere, "time"]).assert(3, &["404"]);
}

#[test]
fn a_state_survives_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exchange.state");
    let state = path.to_str().unwrap();
    for speed in ["lock-step", STANDS] {
        let _ = std::fs::remove_file(&path);
        let arguments = ["--state", state, "--from", "2023-03-01T06:00:00Z", "--speed", speed];
        let program = Program::generated(&arguments);
        let before = block_on(async {
            program.order("BTCUSDT", "type=MARKET&quantity=0.05").await;
            for price in [15_000, 16_000, 17_000] {
                program.order("BTCUSDT", &format!("type=LIMIT&timeInForce=GTC&quantity=0.01&price={price}")).await;
            }
            program.order("BTCUSDT", "type=LIMIT&timeInForce=GTC&quantity=0.01&price=nonsense").await;
            program.signed(Method::DELETE, "order", "symbol=BTCUSDT&orderId=3").await;
            program.account().await
        });
        assert_eq!((before[0].as_array().unwrap().len(), before[1].as_array().unwrap().len()), (2, 4));
        let now = program.now();
        let other =
            run_program(&["exchange", "serve", "--generate", "5", "--days", "2", "--port", "0", "--state", state]);
        other.assert(2, &["exchange.state", "another process goes on with it"]);
        // No goodbye.
        drop(program);
        let program = Program::generated(&arguments);
        assert_eq!(block_on(program.account()), before, "{speed}");
        assert!(program.now() >= now.plus(-1_000_000), "at most the last second, which nothing happened in");
        let next = block_on(program.order("BTCUSDT", "type=LIMIT&timeInForce=GTC&quantity=0.01&price=14000"));
        assert_eq!(next["orderId"], 5);
        if speed == STANDS {
            program.told(&["pause"]);
        }
        let then = program.now();
        program.told(&["step", "--for", "10m"]);
        let (code, told) = program.stop();
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("entries; time goes on at 2023-03-01T06:00:0"), "{told}");
        let program = Program::generated(&arguments);
        assert!(program.told(&["time"])["now"].as_str().map(at).unwrap() >= then.plus(600_000_000));
    }
    // Another market, a file that is none, one that is damaged.
    let serve = |seed: &'static str, state: &str| {
        run_program(&["exchange", "serve", "--generate", seed, "--days", "2", "--port", "0", "--state", state])
    };
    serve("6", state).assert(2, &["it is the state of something else: BTCUSDT: bars: "]);
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in ["local", "signature", "timestamp"] {
        assert!(!text.contains(secret), "{secret}");
    }
    std::fs::write(&path, text.replacen("15000", "16000", 1)).unwrap();
    serve("5", state).assert(2, &["line ", " is damaged: its checksum is another one"]);
    let keys = folder.path().join("keys.toml");
    std::fs::write(&keys, "[[key]]").unwrap();
    serve("5", keys.to_str().unwrap()).assert(2, &["it holds no state of an exchange"]);
    assert_eq!(std::fs::read_to_string(&keys).unwrap(), "[[key]]");
}

#[test]
fn history_happens_now() {
    let program = Program::generated(&["--clock", "wall"]);
    #[expect(clippy::disallowed_methods, reason = "it is the world's time that is served")]
    let wall = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let before = wall();
    let served = block_on(program.get("/api/v3/time"))["serverTime"].as_i64().unwrap();
    assert!((before - 60_000..=wall() + 1_000).contains(&served), "{served} {before}");
    let minutes = block_on(program.get("/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000"));
    assert!(minutes.as_array().unwrap().iter().all(|bar| bar[0].as_i64().unwrap() % 60_000 == 0));
    assert_eq!(program.told(&["time"])["mode"], "wall");
    for arguments in [&["pause"][..], &["step"], &["speed", "2"], &["seek", "2023-03-01"]] {
        program.ctl(arguments).assert(2, &["time is the world's"]);
    }
    let serve = |arguments: &[&str]| {
        let usual = ["exchange", "serve", "--generate", "1", "--days", "2", "--port", "0"];
        run_program(&[&usual, arguments].concat())
    };
    serve(&["--clock", "wall", "--speed", "2"]).assert(2, &["--clock wall goes at speed 1 and no other"]);
    serve(&["--speed", "0"]).assert(2, &["a speed is a number from"]);
    serve(&["--from", "2023-04-01", "--first-day", "2023-03-01"]).assert(2, &["time cannot begin at 2023-04-01"]);
    serve(&["--bind", "0.0.0.0"]).assert(2, &["--bind 0.0.0.0 lets other machines in", "--allow-remote"]);
}

#[test]
fn other_machines_and_tls_where_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let [certificate, key] = [&certificate, &key].map(|path: &std::path::PathBuf| path.to_str().unwrap());
    let arguments = ["--bind", "0.0.0.0", "--allow-remote", "--tls-cert", certificate, "--tls-key", key];
    let program = Program::generated(&arguments);
    let port = program.url.strip_prefix("https://0.0.0.0:").unwrap();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let url = format!("https://127.0.0.1:{port}");
    for path in ["api/v3/ping", "control/time"] {
        let answer = block_on(async { client.get(format!("{url}/{path}")).send().await.unwrap() });
        assert_eq!(answer.status().as_u16(), 200, "{path}");
    }
    let page = block_on(async { client.get(&url).send().await.unwrap().text().await.unwrap() });
    assert!(page.contains(&format!("var BUCKET_URL = '{url}/data.binance.vision';")), "{page}");
    run_program(&["exchange", "ctl", "--url", &url, "--ca", certificate, "time"]).assert(0, &[]);
    assert!(program.stop().1.contains("warning: other machines can reach https://0.0.0.0:"));
}

#[test]
fn all_markets_of_a_configuration_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    portfolio::fill(&Lake::new(&lake));
    let config = folder.path().join("run.toml");
    std::fs::write(&config, portfolio::CONFIGURATION).unwrap();
    serve_portfolio(&config, &lake);
}

fn serve_portfolio(config: &Path, lake: &Path) {
    let [config, lake] = [config, lake].map(|path| path.to_str().unwrap());
    let from = "2023-03-01T12:00:00Z";
    let program = Program::start(&["--config", config, "--lake", lake, "--from", from, "--speed", STANDS]);
    block_on(async {
        let prices = program.get("/api/v3/ticker/price").await;
        assert_eq!([&prices[0]["symbol"], &prices[1]["symbol"]], ["BTCUSDT", "ETHBTC"]);
        let archive = async |symbol: &str| {
            let url = format!("{}/data/spot/daily/klines/{symbol}/1m/{symbol}-1m-2023-03-01.zip", program.url);
            program.http.get(url).send().await.unwrap().status().as_u16()
        };
        for symbol in ["BTCUSDT", "ETHBTC"] {
            let placed = program.order(symbol, "type=MARKET&quantity=0.01").await;
            assert_eq!((&placed["symbol"], &placed["status"]), (&json!(symbol), &json!("FILLED")), "{placed}");
            assert_eq!(archive(symbol).await, 404, "its day is not over: {symbol}");
        }
        let taker = async |symbol: &str| {
            let query = format!("symbol={symbol}");
            program.signed(Method::GET, "account/commission", &query).await["standardCommission"]["taker"].clone()
        };
        assert_ne!(taker("BTCUSDT").await, taker("ETHBTC").await, "each its own");
        // What the configuration pays in is there when its time has come.
        let dollars = async || {
            let account = program.signed(Method::GET, "account", "").await;
            let held = account["balances"].as_array().unwrap().iter().find(|held| held["asset"] == "USDT").unwrap();
            held["free"].as_str().unwrap().parse::<candlewick_model::Amount>().unwrap().units()
        };
        let before = dollars().await;
        program.told(&["seek", "2023-03-02T05:59:59.999Z"]);
        assert_eq!(dollars().await, before);
        program.told(&["seek", "2023-03-02T06:00:00Z"]);
        assert_eq!(dollars().await, before + 1_000 * 100_000_000);
        assert_eq!((archive("BTCUSDT").await, archive("ETHBTC").await), (200, 200));
        program.told(&["seek", "2023-03-02T05:00:00Z"]);
        assert_eq!(dollars().await, before);
    });
}
