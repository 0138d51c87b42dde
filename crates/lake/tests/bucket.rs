//! A lake in a bucket, against an S3-compatible server on this machine: moto, which
//! `tests/peers/setup` installs. Without it, and without the feature `s3`, this is skipped.

#![cfg(feature = "s3")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use candlewick_lake::{Chunk, Lake, SeriesName, Snapshot, Source, SourceState};
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, Timestamp};

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn new() -> Option<Self> {
        let peers = std::env::var_os("CANDLEWICK_PEERS").map_or("/tmp/candlewick-peers".into(), PathBuf::from);
        let program = peers.join("bin/moto_server");
        if !program.exists() {
            println!("SKIPPED: no {}; tests/peers/setup installs it", program.display());
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { process: command.spawn().unwrap(), port };
        let patience = Instant::now() + Duration::from_secs(60);
        while server.request("PUT", "/bucket").is_none() {
            assert!(Instant::now() < patience, "the server does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(server)
    }

    /// A bare request, which moto does not ask credentials for.
    fn request(&self, method: &str, path: &str) -> Option<String> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(answer)
    }
}

const ROUND: &str = "CANDLEWICK_TEST_ROUND";

/// The environment can only be given to another process, so the test is its own child.
#[test]
fn a_lake_in_a_bucket() {
    if std::env::var_os(ROUND).is_some() {
        return round();
    }
    let Some(server) = Server::new() else { return };
    let run = |key: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_lake_in_a_bucket", "--nocapture"]).env(ROUND, "1");
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", server.port)).env("AWS_ALLOW_HTTP", "true");
        command
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "not-to-be-told")
            .env("AWS_REGION", "us-east-1");
        // A proxy of the environment must not be asked for a server on this machine.
        command.env("HTTP_PROXY", "http://127.0.0.1:1").env("http_proxy", "http://127.0.0.1:1");
        command.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap()
    };
    let ended = run("somebody");
    assert!(
        ended.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}

fn series() -> SeriesName {
    SeriesName { symbol: Symbol::new("币安人生USDT").unwrap(), interval: Interval::ThirtyMinutes }
}

fn chunk(period: &str) -> Chunk {
    let range = period.parse::<Period>().unwrap().range();
    let length = 1_800_000_000;
    let count = (range.end.micros() - range.start.micros()) / length;
    let bar = |n: i64| {
        let (price, amount) = (Price::from_units(1_000 + n), Amount::from_units(n.into()));
        let open_time = range.start.plus(n * length);
        Bar {
            open_time,
            close_time: open_time.plus(length - 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: amount,
            quote_volume: amount,
            taker_buy_volume: amount,
            taker_buy_quote_volume: amount,
            trades: n,
        }
    };
    let bars: Bars = (0..count).map(bar).collect();
    let source = Source {
        path: format!("{period}.zip"),
        sha256: "00".into(),
        published_sha256: None,
        state: SourceState::Verified,
        time_unit: None,
        rows: bars.len(),
        from: range.start,
        to: range.end,
    };
    Chunk { bars, source }
}

fn day(n: u32) -> Chunk {
    chunk(&format!("2023-02-{n:02}"))
}

fn names(lake: &Lake) -> Vec<String> {
    lake.files(&series()).unwrap().into_iter().map(|file| file.name).collect()
}

fn round() {
    let whole = Timestamp::MIN..Timestamp::MAX;
    let lake = Lake::open("s3://bucket/a/lake/").unwrap();
    assert_eq!(lake.root().to_str(), Some("s3://bucket/a/lake"));
    assert!(lake.series().unwrap().is_empty() && lake.bars(&series(), whole.clone()).unwrap().is_empty());

    // Days, then their month: the same as on a disk, also in bytes.
    let folder = tempfile::tempdir().unwrap();
    let disk = Lake::new(folder.path());
    for lake in [&lake, &disk] {
        let writer = lake.writer(series()).unwrap();
        for n in 1..28 {
            writer.put(vec![day(n)]).unwrap();
        }
        assert_eq!(names(lake).len(), 27);
        writer.put(vec![day(28), chunk("2023-03")]).unwrap();
        assert_eq!(names(lake), ["2023-02.parquet", "2023-03.parquet"]);
        assert_eq!(writer.put(vec![day(3)]).unwrap().bytes, 0, "it is there");
    }
    assert_eq!(lake.series().unwrap(), [series()]);
    assert_eq!(lake.bars(&series(), whole.clone()).unwrap(), disk.bars(&series(), whole.clone()).unwrap());
    let told =
        |lake: &Lake| lake.files(&series()).unwrap().into_iter().map(|f| (f.bytes, f.provenance)).collect::<Vec<_>>();
    assert_eq!(told(&lake), told(&disk));
    let check = &lake.check(&[series()]).unwrap()[0];
    assert!(check.files.iter().all(|file| file.intact) && !check.has_problems(), "{check:?}");

    let snapshot = Snapshot::parse(r#"{"serverTime":1600000000000,"symbols":[]}"#.into(), "a test").unwrap();
    for _ in 0..2 {
        assert_eq!(lake.add_exchange_info(&snapshot).unwrap(), "2020-09-13T122640Z.json.zst");
    }
    assert_eq!(lake.exchange_infos().unwrap().len(), 1);

    two_writers();
    a_writer_that_was_killed_between_two_requests();
    errors();
}

/// Both put days of one month at a time; nobody's are lost, and whoever was too late is told so.
fn two_writers() {
    let lake = Lake::open("s3://bucket/two").unwrap();
    let put = |days: Vec<u32>| {
        let writer = lake.writer(series()).unwrap();
        for n in days {
            while let Err(error) = writer.put(vec![day(n)]) {
                let text = error.to_string();
                assert!(text.ends_with("was changed by another writer meanwhile; run this again"), "{text}");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| put((1..=28).filter(|n| n % 2 == 0).collect()));
        scope.spawn(|| put((1..=28).filter(|n| n % 2 == 1).collect()));
    });
    // The last one of both may not have seen the other's last day; the next writer does.
    lake.writer(series()).unwrap().put(vec![day(1)]).unwrap();
    let bars = lake.bars(&series(), Timestamp::MIN..Timestamp::MAX).unwrap();
    assert_eq!(bars.len(), 28 * 48, "{:?}", names(&lake));
    // The same hour file, from two that both found nothing: one of them is told.
    let hours = SeriesName { interval: Interval::OneHour, ..series() };
    let hourly = |n: u32| {
        let mut chunk = day(n);
        chunk.bars = chunk.bars.iter().step_by(2).collect();
        chunk
    };
    let failures = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (lake, failures) = (&lake, &failures);
            scope.spawn(move || {
                let writer = lake.writer(hours).unwrap();
                for n in (1..=28).filter(|n| n % 4 == part) {
                    while writer.put(vec![hourly(n)]).is_err() {
                        failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(lake.bars(&hours, Timestamp::MIN..Timestamp::MAX).unwrap().len(), 28 * 24);
    assert!(failures.into_inner() > 0, "they never met, so that this has shown nothing");
}

/// The month was put and its days not removed yet: they are hidden, and the next writer clears
/// them.
fn a_writer_that_was_killed_between_two_requests() {
    let lake = Lake::open("s3://bucket/killed").unwrap();
    lake.writer(series()).unwrap().put(vec![day(5), day(6)]).unwrap();
    let month = Lake::open("s3://bucket/elsewhere").unwrap();
    month.writer(series()).unwrap().put(vec![chunk("2023-02")]).unwrap();
    copy("elsewhere", "killed", "2023-02.parquet");
    assert_eq!(names(&lake), ["2023-02.parquet"]);
    assert_eq!(lake.bars(&series(), Timestamp::MIN..Timestamp::MAX).unwrap().len(), 28 * 48);
    drop(lake.writer(series()).unwrap());
    assert_eq!(listing("killed"), ["2023-02.parquet"]);
}

fn keys(prefix: &str) -> String {
    format!("/bucket/{prefix}/klines/symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT/interval=30m")
}

fn server() -> Server {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let port = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    // Only to send requests: what it would end is a process that does nothing.
    Server { process: Command::new("true").spawn().unwrap(), port }
}

/// Copies an object on the server, which a store does with a header; moto takes it unsigned.
fn copy(from: &str, to: &str, name: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server().port)).unwrap();
    let (from, to) = (format!("{}/{name}", keys(from)), format!("{}/{name}", keys(to)));
    write!(stream, "PUT {to} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-amz-copy-source: {from}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
}

/// Names of the objects of the series, as the server has them.
fn listing(prefix: &str) -> Vec<String> {
    let answer = server().request("GET", &format!("/bucket?list-type=2&prefix={prefix}/klines")).unwrap();
    let keys = answer.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap());
    keys.map(|key| key.rsplit('/').next().unwrap().to_owned()).collect()
}

fn errors() {
    let missing = Lake::open("s3://no-such-bucket/x").unwrap();
    let text = missing.writer(series()).and_then(|w| w.put(vec![day(1)]).map(|_| ())).unwrap_err().to_string();
    assert!(text.starts_with("s3://no-such-bucket/x/klines"), "{text}");
    assert!(!text.contains("not-to-be-told") && !text.contains("somebody"), "{text}");
    let text = Lake::open("s3:///x").unwrap_err().to_string();
    assert_eq!(text, "s3:///x: no bucket; a lake is a folder or s3://bucket/prefix");
    assert!(Lake::open("gs://x").unwrap_err().to_string().contains("gs://x: a lake is a folder or s3://bucket/prefix"));
}
