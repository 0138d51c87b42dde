//! The data server as strangers meet it: downloaders, REST clients, and faults on the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use candlewick_binance::archive::{decode, sha256_hex, unpack};
use candlewick_binance::wire::Kline;
use candlewick_exchange::data::{Catalogue, DataOptions, DataServer, Limits, Portal, ServerClock, Tls};
use candlewick_exchange::faults::{self, FaultPlan};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Bar, Interval, Timestamp};
use reqwest::Response;
use serde_json::{Value, json};

use crate::program::{candlewick, ingest, run as run_program};

const DAY_FILE: &str = "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01-02.zip";

fn t(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Two markets over new year, a moment of January, time stands still.
fn options() -> DataOptions {
    let names = ["BTCUSDT".parse().unwrap(), "ETHUSDT@2025-01-02".parse().unwrap()];
    let range = t("2024-12-30")..t("2025-02-01");
    let catalogue = Catalogue::generated(4, &names, Interval::OneMinute, &range);
    DataOptions::new(Portal::new(Arc::new(catalogue), ServerClock::starting(t("2025-01-04T10:20:30Z"), 0.0)))
}

struct Stranger {
    http: reqwest::Client,
    server: DataServer,
}

impl Stranger {
    async fn get(&self, path: &str) -> Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request =
            headers.iter().fold(self.http.get(self.url(path)), |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.server.url())
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await.text().await.unwrap()).unwrap()
    }

    async fn bars(&self, query: &str) -> Vec<Bar> {
        let text = self.get(&format!("api/v3/klines?{query}")).await.text().await.unwrap();
        let rows: Vec<Kline> = serde_json::from_str(&text).unwrap();
        rows.iter().map(|row| row.bar().unwrap()).collect()
    }

    fn fault(&self, json: &Value) {
        self.server.clear_faults();
        self.server.add_faults(FaultPlan::from_json(json.to_string().as_bytes(), faults::Server::Data).unwrap());
    }
}

fn run(options: DataOptions, test: impl AsyncFnOnce(Stranger)) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = DataServer::start(options, 0).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        test(Stranger { http, server }).await;
    });
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn files_whole_in_parts_and_not_at_all() {
    run(options(), async |stranger: Stranger| {
        let whole = stranger.get(DAY_FILE).await;
        assert_eq!((whole.status().as_u16(), header(&whole, "accept-ranges")), (200, "bytes"));
        assert_eq!(header(&whole, "last-modified"), "Fri, 03 Jan 2025 00:00:00 GMT");
        let (etag, length) = (header(&whole, "etag").to_owned(), header(&whole, "content-length").to_owned());
        let zip = whole.bytes().await.unwrap();
        assert_eq!(zip.len().to_string(), length);
        let sum = stranger.get(&format!("{DAY_FILE}.CHECKSUM")).await.text().await.unwrap();
        assert_eq!(sum, format!("{}  BTCUSDT-1m-2025-01-02.zip\n", sha256_hex(&zip)));

        let rest = stranger.with(DAY_FILE, &[("range", "bytes=1000-"), ("if-range", &etag)]).await;
        assert_eq!(rest.status(), 206);
        assert_eq!(header(&rest, "content-range"), format!("bytes 1000-{}/{length}", zip.len() - 1));
        assert_eq!(rest.bytes().await.unwrap(), zip.slice(1_000..));
        let head = stranger.http.head(stranger.url(DAY_FILE)).send().await.unwrap();
        assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, length.as_str()));
        assert_eq!(head.bytes().await.unwrap().len(), 0);
        assert_eq!(stranger.with(DAY_FILE, &[("range", "bytes=9999999-")]).await.status(), 416);

        for missing in [DAY_FILE.replace("01-02", "01-04"), "data/spot".into(), "data/../secret".into(), "x%00y".into()]
        {
            let answer = stranger.get(&missing).await;
            assert_eq!(
                (answer.status().as_u16(), header(&answer, "content-type")),
                (404, "application/xml"),
                "{missing}"
            );
            assert!(answer.text().await.unwrap().contains("<Code>NoSuchKey</Code>"), "{missing}");
        }
        let same = stranger.get(&format!("data.binance.vision/{DAY_FILE}")).await;
        assert_eq!(same.bytes().await.unwrap(), zip, "the bucket's own address");
    });
}

#[test]
fn the_front_page_names_the_bucket_and_the_bucket_lists_its_files() {
    run(options(), async |stranger: Stranger| {
        for path in ["", "?prefix=data/spot/daily/klines/"] {
            let page = stranger.get(path).await.text().await.unwrap();
            let bucket = page.split("var BUCKET_URL = '").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
            assert_eq!(bucket, stranger.url("data.binance.vision"));
        }
        let query = "?delimiter=/&prefix=data/spot/daily/klines/BTCUSDT/1m/";
        let at_root = stranger.get(query).await.text().await.unwrap();
        let listing = stranger.get(&format!("data.binance.vision{query}")).await.text().await.unwrap();
        assert_eq!(at_root, listing);
        let keys: Vec<&str> = listing.split("<Key>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
        assert_eq!(keys.len(), 10, "30, 31, 1, 2, 3 with their checksums: {keys:?}");
        for (key, rest) in keys.iter().zip(listing.split("<Contents>").skip(1)) {
            let size = rest.split("<Size>").nth(1).unwrap().split('<').next().unwrap();
            let file = stranger.get(key).await;
            assert_eq!(header(&file, "content-length"), size, "{key}");
            assert!(rest.contains(&format!("&quot;{}&quot;", header(&file, "etag").trim_matches('"'))), "{key}");
        }
        let wrong = stranger.get("data.binance.vision?max-keys=x").await;
        assert_eq!(wrong.status(), 400);
    });
}

#[test]
fn klines_are_those_of_the_archives_and_the_open_bar_comes_last() {
    run(options(), async |stranger: Stranger| {
        let zip = stranger.get(DAY_FILE).await.bytes().await.unwrap();
        let archive = decode(&unpack(&zip).unwrap(), "2025-01-02".parse().unwrap()).unwrap().bars;
        let range = "&startTime=1735776000000&endTime=1735862399999";
        let mut rest = stranger.bars(&format!("symbol=BTCUSDT&interval=1m&limit=1000{range}")).await;
        let next = rest[rest.len() - 1].open_time.plus(1).micros();
        rest.extend(
            stranger
                .bars(&format!("symbol=BTCUSDT&interval=1m&limit=1000&startTime={next}&endTime=1735862399999999"))
                .await,
        );
        assert_eq!(rest, archive.iter().collect::<Vec<_>>());

        let day = stranger.bars("symbol=BTCUSDT&interval=1d&startTime=1735776000000&limit=1").await[0];
        let sum = |bars: &[Bar]| bars.iter().map(|bar| bar.volume.units()).sum::<i128>();
        assert_eq!((day.volume.units(), day.open), (sum(&rest), rest[0].open));

        let open = stranger.bars("symbol=BTCUSDT&interval=1h&limit=2").await;
        assert_eq!(open[1].close_time, t("2025-01-04T10:59:59.999999Z"));
        let seconds = stranger.bars("symbol=BTCUSDT&interval=1s&limit=1000&startTime=1735984800000").await;
        assert_eq!(seconds.len(), 1_000);
        let more = stranger.bars("symbol=BTCUSDT&interval=1s&limit=1000&startTime=1735985800000").await;
        assert_eq!((more.len(), open[1].volume.units()), (231, sum(&seconds) + sum(&more)));
        let first = stranger.bars("symbol=ETHUSDT&interval=1M&startTime=0").await;
        assert_eq!((first.len(), first[0].open_time), (1, t("2025-01-01")));
        let beijing = stranger.bars("symbol=BTCUSDT&interval=1d&timeZone=8&limit=1").await;
        assert_eq!(beijing[0].open_time, t("2025-01-03T16:00:00Z"));

        for (query, code) in [
            ("interval=1m", -1102),
            ("symbol=BTCUSDT&interval=1mo", -1120),
            ("symbol=NOUSDT&interval=1m", -1121),
            ("symbol=BTCUSDT&interval=1m&startTime=-1", -1100),
            ("symbol=BTCUSDT&interval=1m&timeZone=15", -1130),
            ("symbol=BTCUSDT&interval=1m&since=1", -1104),
        ] {
            assert_eq!(stranger.json(&format!("api/v3/klines?{query}")).await["code"], code, "{query}");
        }
        let info = stranger.json("api/v3/exchangeInfo?symbols=[\"ETHUSDT\"]").await;
        assert_eq!((&info["symbols"][0]["symbol"], info["symbols"].as_array().unwrap().len()), (&json!("ETHUSDT"), 1));
        let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
        let zipped = plain.get(stranger.url("api/v3/exchangeInfo")).header("accept-encoding", "br, gzip;q=0.5");
        assert_eq!(header(&zipped.send().await.unwrap(), "content-encoding"), "gzip");
    });
}

#[test]
fn who_asks_too_much_is_refused_and_who_goes_on_is_banned() {
    let limits = Limits { weight: 5, refusals: 1, ..Limits::default() };
    run(DataOptions { limits, ..options() }, async |stranger: Stranger| {
        let klines = "api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1";
        for (used, status, retry_after) in
            [("2", 200, ""), ("4", 200, ""), ("6", 429, "30"), ("", 418, "120"), ("", 418, "120")]
        {
            let answer = stranger.get(klines).await;
            let seen =
                (header(&answer, "x-mbx-used-weight-1m"), answer.status().as_u16(), header(&answer, "retry-after"));
            assert_eq!(seen, (used, status, retry_after));
            if status != 200 {
                let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
                assert_eq!(body["code"], -1003);
            }
        }
        assert_eq!(stranger.get(DAY_FILE).await.status(), 200, "files have no limit");
        stranger.server.clock().put(t("2025-01-04T10:22:31Z"));
        assert_eq!(stranger.get(klines).await.status(), 200, "the ban is over");
        let record = stranger.json("control/requests").await;
        assert_eq!(record["by_status"], json!({ "200": 4, "418": 2, "429": 1 }));
        assert_eq!((record["last"][6]["weight"].as_u64(), record["last"][6]["status"].as_u64()), (Some(2), Some(200)));
    });
}

#[test]
fn faults_of_the_way() {
    run(options(), async |stranger: Stranger| {
        let body = async || stranger.get(DAY_FILE).await.bytes().await;
        let zip = body().await.unwrap();
        for fault in [json!({"kind": "cut"}), json!({"kind": "cut", "bytes": 7}), json!({"kind": "wrong-length"})] {
            stranger.fault(&fault);
            assert!(body().await.is_err(), "{fault}");
        }
        stranger.fault(&json!({"kind": "truncated", "bytes": 7}));
        assert_eq!(body().await.unwrap(), zip.slice(..7));
        stranger.fault(&json!({"kind": "corrupt"}));
        let other = body().await.unwrap();
        assert_eq!((other.len(), other == zip), (zip.len(), false));
        stranger.fault(&json!([{"kind": "slow", "rate": zip.len() * 4}, {"kind": "delay", "delay_ms": 50}]));
        let began = Instant::now();
        assert_eq!(body().await.unwrap(), zip);
        assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
        for status in [403_u16, 418, 429, 500, 502, 503] {
            stranger.fault(&json!({"kind": "status", "status": status, "retry_after": 3, "next": 1, "path": "/api/*"}));
            let refused = stranger.get("api/v3/time").await;
            assert_eq!((refused.status().as_u16(), header(&refused, "retry-after")), (status, "3"));
            assert_eq!(stranger.get("api/v3/time").await.status(), 200, "once");
        }
    });
}

#[test]
fn faults_of_the_content() {
    run(options(), async |stranger: Stranger| {
        let sums = async || {
            let zip = stranger.get(DAY_FILE).await.bytes().await.unwrap();
            let text = stranger.get(&format!("{DAY_FILE}.CHECKSUM")).await.text().await.unwrap();
            (sha256_hex(&zip), text[..64].to_owned())
        };
        let (published, sum) = sums().await;
        assert_eq!(published, sum);
        stranger.fault(&json!({"kind": "wrong-checksum"}));
        assert_eq!(sums().await, (published.clone(), "0123456789abcdef".repeat(4)));
        stranger
            .fault(&json!({"kind": "edition", "path": "*1m-2025-01-02.zip*", "edition": "early", "to": "2025-01-05"}));
        let (early, sum) = sums().await;
        assert!(early == sum && early != published);
        stranger.fault(&json!({"kind": "stale-checksum"}));
        assert_eq!(sums().await, (published.clone(), early), "the checksum of the edition before");

        let klines = "symbol=BTCUSDT&interval=1m&limit=10&startTime=1735776000000";
        let rows = stranger.bars(klines).await;
        stranger.fault(&json!({"kind": "reordered-rows"}));
        let mut reordered = rows.clone();
        reordered.swap(4, 5);
        assert_eq!(stranger.bars(klines).await, reordered);
        stranger.fault(&json!({"kind": "duplicated-rows"}));
        let doubled = stranger.bars(klines).await;
        assert_eq!((doubled.len(), doubled[5]), (11, doubled[6]));
        stranger.fault(&json!({"kind": "other-range"}));
        assert_eq!(stranger.bars(klines).await[9].close_time, rows[0].open_time.plus(-1));
        stranger.fault(&json!({"kind": "partial-json"}));
        let text = stranger.get(&format!("api/v3/klines?{klines}")).await.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err());

        let list = "data.binance.vision?prefix=data/spot/daily/klines/BTCUSDT/1d/&max-keys=2";
        stranger.server.clear_faults();
        let first = stranger.get(list).await.text().await.unwrap();
        stranger.fault(&json!({"kind": "repeated-page"}));
        let last = "data/spot/daily/klines/BTCUSDT/1d/BTCUSDT-1d-2024-12-30.zip.CHECKSUM";
        assert_eq!(stranger.get(&format!("{list}&marker={last}")).await.text().await.unwrap(), first);
        stranger.fault(&json!({"kind": "empty-page"}));
        assert!(!stranger.get(list).await.text().await.unwrap().contains("<Key>"));
    });
}

#[test]
fn faults_and_time_by_the_control_api() {
    run(options(), async |stranger: Stranger| {
        let post = async |path: &str, body: &str| {
            let answer = stranger.http.post(stranger.url(path)).body(body.to_owned()).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        assert_eq!(post("control/faults", r#"{"kind":"status","status":502,"every":2}"#).await.0, 200);
        let statuses = async || {
            let mut seen = Vec::new();
            for _ in 0..4 {
                seen.push(stranger.get("api/v3/ping").await.status().as_u16());
            }
            seen
        };
        assert_eq!(statuses().await, [200, 502, 200, 502]);
        assert_eq!(stranger.json("control/faults").await[0]["met"], 2);
        stranger.http.delete(stranger.url("control/faults")).send().await.unwrap();
        assert_eq!(statuses().await, [200; 4]);
        let (status, text) = post("control/faults", r#"{"kind":"nothing"}"#).await;
        assert!(status == 400 && text.contains("nothing"), "{text}");
        assert_eq!(post("control/time", r#"{"now":"2025-01-05"}"#).await.0, 200);
        assert_eq!(stranger.json("api/v3/time").await["serverTime"], 1_736_035_200_000_i64);
        assert_eq!(stranger.get(&DAY_FILE.replace("01-02", "01-04")).await.status(), 200, "the day is over");
    });
}

#[test]
fn over_tls_in_both_versions_of_http() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Some(Tls::read(&certificate, &key).unwrap());
    assert!(Tls::read(&key, &certificate).is_err());
    run(DataOptions { tls, ..options() }, async |stranger: Stranger| {
        let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = || reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()]);
        for (client, version) in
            [(client(), reqwest::Version::HTTP_2), (client().http1_only(), reqwest::Version::HTTP_11)]
        {
            let client = client.build().unwrap();
            let answer = client.get(stranger.url("api/v3/ping")).send().await.unwrap();
            assert_eq!((answer.version(), answer.text().await.unwrap().as_str()), (version, "{}"));
            let page = client.get(stranger.url("")).send().await.unwrap().text().await.unwrap();
            let bucket = format!("var BUCKET_URL = '{}';", stranger.url("data.binance.vision"));
            assert!(page.contains(&bucket), "{bucket}: {page}");
        }
    });
}

#[test]
fn the_program_serves_what_ingest_takes() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let faults = folder.path().join("faults.toml");
    std::fs::write(&faults, "[[fault]]\nkind = \"status\"\nstatus = 503\npath = \"*.zip\"\nnext = 1\n").unwrap();
    let mut command = candlewick();
    command.args(["exchange", "data", "--generate", "3", "--symbols", "SOLUSDT", "--interval", "1h", "--port", "0"]);
    command
        .args(["--from", "2023-01-01", "--days", "40", "--now", "2023-02-08", "--speed", "0", "--faults"])
        .arg(&faults);
    let mut server = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let lake = folder.path().join("lake");
    let ended = ingest(["SOLUSDT", "1h", "2023-01", "2023-01"], url.trim(), &lake);
    server.kill().unwrap();
    server.wait().unwrap();
    ended.assert(0, &[]);
    let series = SeriesName { symbol: "SOLUSDT".parse().unwrap(), interval: Interval::OneHour };
    let bars = Lake::new(&lake).bars(&series, Timestamp::MIN..Timestamp::MAX).unwrap();
    assert_eq!(bars.len(), 744 - 35, "a month with one outage");

    for (arguments, told) in [
        (vec!["exchange", "data"], "--generate"),
        (vec!["exchange", "data", "--portal-folder", "/nowhere"], "holds no folder `data`"),
        (vec!["exchange", "data", "--generate", "1", "--symbols", "sol"], "is no market"),
        (
            vec!["exchange", "data", "--generate", "1", "--from", "2023-01-01", "--now", "2022-01-01"],
            "before it begins",
        ),
    ] {
        run_program(&arguments).assert(2, &[told]);
    }
}
