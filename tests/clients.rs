//! Clients that other people have made, unmodified, on a tour of the local exchange: a process of
//! their own talks to a process of ours. `tests/clients/setup` brings the clients; their tours
//! (`tests/clients/*.py`) look at every answer. `docs/clients.md` says what they have called, and
//! is held to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use candlewick_live::system_clock;
use candlewick_model::Interval;
use candlewick_model::time::HOUR;
use serde::Deserialize;
use tempfile::tempdir;

use crate::program::candlewick;
use crate::shapes::Shapes;

/// The scripts over HTTP, in the order of the page, and those over WebSockets.
const TOURS: [[&str; 3]; 2] = [
    ["ccxt_spot.py", "python_binance.py", "sdk_spot.py"],
    ["ccxt_sockets.py", "python_binance_sockets.py", "sdk_sockets.py"],
];

const HEAD: &str = "# Clients\n\nPrograms that talk to the exchange, unmodified and as PyPI has them, talk to `candlewick \
                    exchange serve` as well: only their base URLs are set (and where a client would load other markets \
                    than spot, its own options for spot only). Each goes on a tour (`tests/clients`) on which every \
                    answer is looked at: values, codes and texts of refusals, keys of every kind, user events and \
                    market streams. This page is made \
                    from what the tours have called, by `tests/clients.rs`; `CANDLEWICK_BLESS=1` rewrites it. To run \
                    them:\n\n```sh\neval \"$(tests/clients/setup)\"\ncargo test --test main clients\n```\n";

/// How they are pointed here.
const POINTED_HERE: &str = include_str!("clients/pointed_here.md");

/// Which others were tried, by hand.
const BY_HAND: &str = include_str!("clients/by_hand.md");

/// What a tour tells at its end.
#[derive(Deserialize)]
struct Toured {
    client: String,
    version: String,
    /// Every call with the requests that it made.
    calls: BTreeMap<String, Vec<String>>,
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients")
}

/// A Python that has the clients; where there is none, that is said.
fn python() -> Option<PathBuf> {
    let usual = || std::env::temp_dir().join("candlewick-clients");
    let python = std::env::var_os("CANDLEWICK_CLIENTS").map_or_else(usual, PathBuf::from).join("bin/python");
    let has_clients =
        Command::new(&python).args(["-c", "import binance, binance_sdk_spot, ccxt"]).stderr(Stdio::null()).status();
    if has_clients.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    let text = "SKIPPED: tours with clients of other makers: no clients; tests/clients/setup brings them";
    writeln!(std::io::stderr(), "{text}").unwrap();
    None
}

/// A process that serves a generated market.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Its market has begun three hours ago, as one client knows no clock but the machine's.
    fn start(keys: &Path) -> Self {
        let now = system_clock()();
        let from = Interval::OneMinute.open_at(now.plus(-3 * HOUR)).to_string();
        let mut command = candlewick();
        command.args(["exchange", "serve", "--generate", "5", "--days", "31", "--no-ip-limits", "--port", "0"]);
        command.args(["--first-day", &from, "--keys"]).arg(keys);
        command.env_remove("CANDLEWICK_API_KEY").env_remove("CANDLEWICK_API_SECRET");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a script tells, or what it has against the exchange.
fn run(python: &Path, script: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(python);
    command.arg(scripts().join(script)).args(arguments).env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1");
    let done = command.output().unwrap();
    if !done.status.success() {
        return Err(format!("{script}:\n{}", String::from_utf8_lossy(&done.stderr)));
    }
    Ok(String::from_utf8(done.stdout).unwrap())
}

fn tour(python: &Path, script: &str) -> Result<Toured, String> {
    let folder = tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(python, "keys.py", &[path])?;
    let server = Server::start(&folder.path().join("keys.toml"));
    let told = run(python, script, &[&server.url, path])?;
    Ok(serde_json::from_str(told.lines().last().unwrap()).unwrap())
}

/// What every client has called, over HTTP and over WebSockets.
fn tours(python: &Path) -> Vec<Toured> {
    let [mut over_http, over_sockets] = std::thread::scope(|scope| {
        let each = |scripts: [&'static str; 3]| scope.spawn(move || scripts.map(|script| tour(python, script)));
        TOURS.map(each).map(|thread| thread.join().unwrap())
    })
    .map(|toured| Vec::from(toured).into_iter().collect::<Result<Vec<_>, _>>().unwrap_or_else(|said| panic!("{said}")));
    for (known, other) in over_http.iter_mut().zip(over_sockets) {
        assert_eq!((&known.client, &known.version), (&other.client, &other.version));
        for (call, requests) in other.calls {
            let made = known.calls.entry(call).or_default();
            let new: Vec<String> = requests.into_iter().filter(|request| !made.contains(request)).collect();
            made.extend(new);
        }
    }
    over_http
}

#[test]
fn clients_of_other_makers_find_the_exchange_that_they_know() {
    let Some(python) = python() else { return };
    let toured = tours(&python);
    let reached: BTreeSet<&String> = toured.iter().flat_map(|tour| tour.calls.values().flatten()).collect();
    for request in Shapes::of_rest().requests() {
        assert!(reached.contains(&request.replacen(' ', " /", 1)), "no client has sent {request}");
    }
    let page = render(&toured);
    let path = scripts().join("../../docs/clients.md");
    if std::env::var_os("CANDLEWICK_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/clients.md is out of date: run this test with CANDLEWICK_BLESS=1");
}

/// The whole page: who has reached what, then each client's own calls.
fn render(toured: &[Toured]) -> String {
    let mut page = [HEAD, POINTED_HERE].concat();
    let requests: BTreeSet<&String> = toured.iter().flat_map(|tour| tour.calls.values().flatten()).collect();
    let names: Vec<String> = toured.iter().map(|tour| format!("{} {}", tour.client, tour.version)).collect();
    write!(page, "\n| request | {} |\n|---|{}\n", names.join(" | "), ":---:|".repeat(names.len())).unwrap();
    for request in requests {
        let marks = toured.iter().map(|tour| {
            let has = tour.calls.values().flatten().any(|made| made == request);
            if has { "yes" } else { "" }
        });
        writeln!(page, "| {request} | {} |", marks.collect::<Vec<_>>().join(" | ")).unwrap();
    }
    for tour in toured {
        write!(page, "\n## {} {}\n\n| call | requests |\n|---|---|\n", tour.client, tour.version).unwrap();
        for (call, made) in &tour.calls {
            writeln!(page, "| `{call}` | {} |", made.join(", ")).unwrap();
        }
    }
    page + BY_HAND
}
