//! A following ingest as a process: it keeps up, bears the loss of the network, and stops when
//! it is told to.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Interval, Timestamp};
use tempfile::tempdir;

use crate::program::{candlewick, run};

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of one market whose time began at an instant some seconds ago, in the middle of a minute:
/// all minutes before it are closed beyond doubt.
fn serve(port: u16, began: Instant) -> Running {
    let now = "2025-01-02T00:05:30Z".parse::<Timestamp>().unwrap().plus(began.elapsed().as_micros() as i64);
    let mut command = candlewick();
    command.args(["exchange", "data", "--generate", "4", "--symbols", "BTCUSDT", "--from", "2025-01-01"]);
    command.args(["--now", &now.to_string(), "--port", &port.to_string()]);
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

#[track_caller]
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(90), "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One figure of the metrics; `None` as long as nobody answers.
fn metric(port: u16, name: &str) -> Option<f64> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn keeps_up_through_a_loss_of_the_network() {
    let folder = tempdir().unwrap();
    let (lake, log) = (folder.path().join("lake"), folder.path().join("log"));
    let (port, metrics, began) = (free_port(), free_port(), Instant::now());
    let server = serve(port, began);
    let url = format!("http://127.0.0.1:{port}");
    let sources = ["--portal", &url, "--rest", &url];
    let ingest = |lake: &Path| {
        let mut command = candlewick();
        command.env("CANDLEWICK_BUDGET_DIR", folder.path().join("budget"));
        command.args(["ingest", "--symbols", "BTCUSDT", "--intervals", "1s,1m", "--from", "2025-01-02"]).args(sources);
        command.arg("--lake").arg(lake);
        command
    };
    let mut command = ingest(&lake);
    command.args(["--follow", "--metrics", &format!("127.0.0.1:{metrics}")]).stderr(File::create(&log).unwrap());
    let mut follower = Running(command.spawn().unwrap());

    let lag = r#"candlewick_lag_seconds{symbol="BTCUSDT",interval="1s"}"#;
    wait_for("the first bars", || metric(metrics, lag).is_some_and(|lag| lag < 10.0));
    let told = || std::fs::read_to_string(&log).unwrap();
    drop(server);
    wait_for("the loss", || told().contains("trying again"));
    let _server = serve(port, began);
    wait_for("the return", || told().contains("it works again"));
    wait_for("the present", || metric(metrics, lag).is_some_and(|lag| lag < 10.0));
    assert!(metric(metrics, "candlewick_retries_total").unwrap() > 0.0);
    assert!(metric(metrics, "candlewick_troubles_total").unwrap() > 0.0);

    let id = follower.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(follower.0.wait().unwrap().code(), Some(0), "{}", told());
    assert!(told().contains("SIGTERM: stopped; what is in the lake is whole"), "{}", told());
    assert!(told().contains("exchangeInfo stored: 2025-01-02T00"), "{}", told());

    // The same as who comes later and asks for all of it at once.
    let later = folder.path().join("later");
    assert_eq!(ingest(&later).output().unwrap().status.code(), Some(0));
    for (interval, at_least) in [(Interval::OneSecond, 300), (Interval::OneMinute, 5)] {
        let series = SeriesName { symbol: "BTCUSDT".parse().unwrap(), interval };
        let all = Timestamp::MIN..Timestamp::MAX;
        let followed = Lake::new(&lake).bars(&series, all.clone()).unwrap();
        let whole = Lake::new(&later).bars(&series, all).unwrap();
        assert!(followed.len() >= at_least, "{} bars", followed.len());
        assert!(whole.slice(0..followed.len()) == followed, "{series} has other bars");
    }
    let check = run(&["lake", "check", "--lake", &lake.display().to_string()]);
    assert_eq!(check.code, Some(0), "{check:?}");
}

#[test]
fn what_following_is_not_for() {
    let base =
        ["ingest", "--symbols", "A", "--intervals", "1m", "--from", "2025-01", "--follow", "--portal", "file:///"];
    run(&base).assert(2, &["--follow asks for bars over REST", "--rest"]);
    run(&[&base[..], &["--rest", "http://127.0.0.1:1", "--to", "2025-02"]].concat()).assert(2, &["leave --to out"]);
    run(&[&base[..], &["--no-rest"]].concat()).assert(2, &["--no-rest"]);
    run(&[&base[..], &["--plan"]].concat()).assert(2, &["--plan"]);
    let metrics = ["--rest", "http://127.0.0.1:1", "--metrics", "192.0.2.1:1"];
    run(&[&base[..], &metrics].concat()).assert(2, &["--metrics 192.0.2.1:1"]);
}
