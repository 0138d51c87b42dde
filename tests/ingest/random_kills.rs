//! kill -9 at random moments, hundreds of times, of ingests from all sources and of repairs: the
//! lake never holds a damaged file, and in the end it has the bytes of one that nobody disturbed.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use candlewick_model::Interval;
use tempfile::{TempDir, tempdir};

use super::exchange::{ALL_SOURCES, Exchange, data, debris, difference, markets};
use crate::program::{Ended, run};

/// Whoever needs more runs than this many for a kill does not test what it should.
const RUNS_PER_KILL: u32 = 5;
/// Makes the same kills again, as far as moments can be the same.
const SEED: &str = "CANDLEWICK_KILL_SEED";

/// Monthly and daily archives of two markets; some come too early, so that REST must fill the
/// hole, one is missing, and the tail is to be had over REST only.
const INGEST: &str = "ingest --symbols BTCUSDT,ETHUSDT --intervals 15m,1h --from 2024-12 --to now";
const HOLES: &str = r#"[
    {"kind":"edition","edition":"early","path":"*BTCUSDT-15m-2024-12.zip*"},
    {"kind":"edition","edition":"early","path":"*ETHUSDT-1h-2025-01-0*.zip*"},
    {"kind":"status","status":404,"path":"*BTCUSDT-15m-2025-01-04.zip*"}
]"#;

/// SplitMix64 (Steele, Lea, Flood).
struct Random(u64);

impl Random {
    fn below(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        most.mul_f64(((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

fn seed() -> u64 {
    let given = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| RandomState::new().hash_one(0))
}

/// The exchange, a command against it, and how long that takes.
struct Scene {
    exchange: Exchange,
    arguments: String,
    /// A whole run, and one that finds nothing to do.
    length: Duration,
    nothing: Duration,
}

impl Scene {
    /// Runs a command without disturbing it, on the files that it is to begin with, and gives
    /// the lake that it made.
    fn new(exchange: Exchange, arguments: String, begin: &Files) -> (Self, TempDir) {
        let whole = tempdir().unwrap();
        let mut scene = Self { exchange, arguments, length: Duration::MAX, nothing: Duration::MAX };
        // The server makes its files when they are first asked for.
        scene.timed(tempdir().unwrap().path());
        // The shortest of some: a machine that is busy for a moment must not make all waits long.
        for lake in [tempdir().unwrap().path(), tempdir().unwrap().path(), whole.path()] {
            lay(begin, lake);
            scene.length = scene.length.min(scene.timed(lake));
            scene.nothing = scene.nothing.min(scene.timed(lake));
        }
        println!("a run takes {:?}, one that finds nothing to do {:?}", scene.length, scene.nothing);
        (scene, whole)
    }

    fn command(&self, lake: &Path) -> Command {
        self.exchange.command(&self.arguments, lake)
    }

    fn timed(&self, lake: &Path) -> Duration {
        let start = Instant::now();
        self.done(lake);
        start.elapsed()
    }

    /// Runs the command to its end.
    fn done(&self, lake: &Path) {
        let ended: Ended = self.command(lake).output().unwrap().into();
        // A repair needs a lake.
        assert!(ended.code == Some(0) || ended.stderr.contains("there is no lake"), "{ended:#?}");
    }

    /// A moment between half the time of a run that does nothing and the end of a whole one.
    fn moment(&self, random: &mut Random) -> Duration {
        let first = self.nothing / 2;
        first + random.below(self.length.saturating_sub(first))
    }

    /// Whether the command was killed while it ran; otherwise it must have done what it should.
    fn is_killed(&self, lake: &Path, wait: Duration) -> bool {
        let mut child = self.command(lake).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() && start.elapsed() < wait {
            std::thread::sleep(Duration::from_millis(1).min(wait));
        }
        child.kill().unwrap();
        let status = child.wait().unwrap();
        // Who ended before has a code.
        assert!(status.code().is_none_or(|code| code == 0), "{status}");
        status.code().is_none()
    }

    /// Kills runs on lakes that begin with some files, each on what the ones before left, until
    /// enough of them were hit. In between no file is damaged but those that were from the
    /// beginning, and in the end nothing tells that there was a kill.
    fn survives(&self, kills: u32, begin: &Files, whole: &Path) {
        let seed = seed();
        println!("{SEED}={seed}");
        let tally = Tally::default();
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let mut random = Random(seed.wrapping_add(worker));
                let tally = &tally;
                scope.spawn(move || {
                    while tally.hits() < kills {
                        self.worn(kills, begin, whole, &mut random, tally);
                    }
                });
            }
        });
        let (hits, runs, partly) = (tally.hits(), tally.runs.into_inner(), tally.partly.into_inner());
        println!(
            "{hits} of {runs} runs were killed, {partly} of them when a part was done, in {:?}",
            tally.start.elapsed()
        );
        assert!(hits >= kills && partly * 5 > hits, "{SEED}={seed}: too few were killed at work");
    }

    /// One lake from its beginning to its end.
    fn worn(&self, kills: u32, begin: &Files, whole: &Path, random: &mut Random, tally: &Tally) {
        let lake = tempdir().unwrap();
        lay(begin, lake.path());
        loop {
            let is_killed = self.is_killed(lake.path(), self.moment(random));
            for path in damaged(lake.path()) {
                let bytes = std::fs::read(lake.path().join(&path)).unwrap();
                assert!(begin.get(&path) == Some(&bytes), "{} is damaged", path.display());
            }
            let now = data(lake.path());
            tally.count(is_killed, now != *begin && now != data(whole), kills);
            if !is_killed || tally.hits() >= kills {
                break;
            }
        }
        self.done(lake.path());
        assert_eq!(difference(lake.path(), whole), None);
        assert_eq!(changes(lake.path()), changes(whole));
        assert!(debris(lake.path()).is_empty(), "{:?} is left behind", debris(lake.path()));
    }
}

/// Runs so far, and how many of them were killed.
struct Tally {
    runs: AtomicU32,
    hits: AtomicU32,
    /// How many left a lake that was neither as it began nor as it ends.
    partly: AtomicU32,
    start: Instant,
}

impl Default for Tally {
    fn default() -> Self {
        let zero = AtomicU32::default;
        Self { runs: zero(), hits: zero(), partly: zero(), start: Instant::now() }
    }
}

impl Tally {
    fn hits(&self) -> u32 {
        self.hits.load(Ordering::Relaxed)
    }

    fn count(&self, is_hit: bool, is_partly: bool, kills: u32) {
        let runs = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        self.hits.fetch_add(u32::from(is_hit), Ordering::Relaxed);
        self.partly.fetch_add(u32::from(is_hit && is_partly), Ordering::Relaxed);
        assert!(runs <= kills * RUNS_PER_KILL, "only {} of {runs} runs were killed", self.hits());
    }
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Puts files into a folder.
fn lay(files: &Files, folder: &Path) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// The record of what was published anew; series are worked on side by side.
fn changes(lake: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(lake.join("changes.jsonl")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The data files that `lake check` finds damaged.
fn damaged(lake: &Path) -> Vec<PathBuf> {
    let check = run(&["lake", "check", "--json", "--lake", &lake.display().to_string()]);
    if check.code == Some(2) {
        assert!(data(lake).is_empty(), "there is no lake yet: {check:?}");
        return Vec::new();
    }
    let series: Vec<serde_json::Value> = serde_json::from_str(&check.stdout).unwrap_or_else(|_| panic!("{check:#?}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let of = |one: &serde_json::Value| {
        let folder = format!("klines/symbol={}/interval={}", text(&one["symbol"]), text(&one["interval"]));
        let files = one["files"].as_array().unwrap().iter().filter(|file| file["intact"] != true);
        files.map(|file| Path::new(&folder).join(text(&file["name"]))).collect::<Vec<_>>()
    };
    series.iter().flat_map(of).collect()
}

fn bars() -> Exchange {
    let exchange = Exchange::new(&markets(&["BTCUSDT", "ETHUSDT"], Interval::FifteenMinutes, "2024-11-25"));
    exchange.faults(HOLES);
    exchange
}

#[test]
fn ingests_that_are_killed_leave_no_trace() {
    let nothing = Files::new();
    let (scene, whole) = Scene::new(bars(), format!("{INGEST} {ALL_SOURCES}"), &nothing);
    let states = run(&["lake", "check", "--json", "--lake", &whole.path().display().to_string()]).stdout;
    for text in ["\"verified\"", "\"rest\"", "\"filled_hole\""] {
        assert!(states.contains(text), "{text} is part of what is tested: {states}");
    }
    scene.survives(200, &nothing, whole.path());
}

#[test]
fn repairs_that_are_killed_leave_no_trace() {
    let lake = tempdir().unwrap();
    let exchange = bars();
    assert!(exchange.command(&format!("{INGEST} {ALL_SOURCES}"), lake.path()).output().unwrap().status.success());
    let spoilt = spoilt(data(lake.path()));
    let (scene, whole) = Scene::new(exchange, format!("lake repair {ALL_SOURCES}"), &spoilt);
    assert_eq!(difference(whole.path(), lake.path()), None, "an undisturbed repair");
    lay(&spoilt, lake.path());
    assert_eq!(damaged(lake.path()).len(), 2, "what is damaged is found");
    scene.survives(40, &spoilt, whole.path());
}

/// Files as they are before a repair: one bent, one cut, one gone.
fn spoilt(mut files: Files) -> Files {
    let path = |name: &str| Path::new("klines").join(name);
    let bent = files.get_mut(&path("symbol=BTCUSDT/interval=15m/2024-12.parquet")).unwrap();
    let middle = bent.len() / 3;
    bent[middle] ^= 0x20;
    let cut = files.get_mut(&path("symbol=ETHUSDT/interval=1h/2025.parquet")).unwrap();
    cut.truncate(cut.len() / 2);
    files.remove(&path("symbol=ETHUSDT/interval=15m/2025-01-05.parquet")).unwrap();
    files
}

/// Archives that came too early come out anew.
#[test]
fn refreshes_that_are_killed_leave_no_trace_and_tell_every_change_once() {
    let lake = tempdir().unwrap();
    let exchange = bars();
    assert!(exchange.command(&format!("{INGEST} {ALL_SOURCES}"), lake.path()).output().unwrap().status.success());
    exchange.server.clear_faults();
    let early = data(lake.path());
    let (scene, whole) = Scene::new(exchange, format!("{INGEST} --refresh {ALL_SOURCES}"), &early);
    assert_eq!(changes(whole.path()).len(), 1 + 9, "a month and nine days");
    scene.survives(30, &early, whole.path());
}

/// Archives of trades go to the disk first, and what is there of one is not fetched again.
#[test]
fn ingests_of_trades_that_are_killed_leave_no_trace() {
    let exchange = Exchange::new(&markets(&["BTCUSDT"], Interval::OneMinute, "2025-01-01"));
    exchange.faults(r#"{"kind":"slow","rate":4000000,"path":"*.zip"}"#);
    let ingest = "ingest --symbol BTCUSDT --kinds agg-trades --from 2025-01-08 --to 2025-01-09 --portal {url}";
    let (scene, whole) = Scene::new(exchange, ingest.to_owned(), &Files::new());
    scene.survives(16, &Files::new(), whole.path());

    // Random moments need not lie inside of a download; this one does.
    let lake = tempdir().unwrap();
    let mut child = scene.command(lake.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !has_begun_a_download(lake.path()) {
        assert!(child.try_wait().unwrap().is_none(), "it has ended without a download");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let taken_up = || scene.exchange.server.record().last.iter().filter(|request| request.status == 206).count();
    let before = taken_up();
    scene.done(lake.path());
    assert!(taken_up() > before, "no download was taken up again");
    assert_eq!(difference(lake.path(), whole.path()), None);
}

/// Whether something of an archive has come that one can go on from.
fn has_begun_a_download(lake: &Path) -> bool {
    let parts = std::fs::read_dir(lake.join(".partial")).into_iter().flatten().flatten();
    parts.map(|part| part.path()).any(|part| {
        let length = part.metadata().map_or(0, |metadata| metadata.len());
        part.extension().is_none_or(|extension| extension != "edition")
            && length > 0
            && part.with_extension("edition").exists()
    })
}
