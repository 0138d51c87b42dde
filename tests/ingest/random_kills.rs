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

/// So many kills must hit a running ingest, and so many a running repair.
const INGEST_KILLS: u32 = 200;
const REPAIR_KILLS: u32 = 40;
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

/// The exchange, a lake that nobody disturbed, and how long it took to make it.
struct Scene {
    exchange: Exchange,
    whole: TempDir,
    length: Duration,
    /// How long a run takes that finds nothing to do.
    nothing: Duration,
}

impl Scene {
    fn new() -> Self {
        let exchange = Exchange::new(&markets(&["BTCUSDT", "ETHUSDT"], Interval::FifteenMinutes, "2024-11-25"));
        exchange.faults(HOLES);
        let whole = tempdir().unwrap();
        let timed = |lake: &Path| {
            let start = Instant::now();
            let ended: Ended = exchange.command(&format!("{INGEST} {ALL_SOURCES}"), lake).output().unwrap().into();
            ended.assert(0, &["BTCUSDT-15m-2024-12.zip ends early"]);
            assert!(ended.stdout.contains("over REST: "), "{ended:?}");
            start.elapsed()
        };
        // The server makes its files when they are first asked for.
        timed(tempdir().unwrap().path());
        let length = timed(whole.path());
        let start = Instant::now();
        let again = exchange.command(&format!("{INGEST} {ALL_SOURCES}"), whole.path()).output().unwrap();
        assert!(again.status.success());
        let nothing = start.elapsed();
        Self { whole, length, nothing, exchange }
    }

    /// A moment between half the time of a run that does nothing and the end of a whole one.
    fn moment(&self, random: &mut Random) -> Duration {
        let first = self.nothing / 2;
        first + random.below(self.length.saturating_sub(first))
    }

    /// Whether a command was killed while it ran; otherwise it must have done what it should.
    fn is_killed(&self, mut command: Command, wait: Duration) -> bool {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        // Who ended before has a code.
        assert!(status.code().is_none_or(|code| code == 0), "{status}");
        status.code().is_none()
    }

    #[track_caller]
    fn assert_whole(&self, lake: &Path, seed: u64) {
        let difference = difference(lake, self.whole.path());
        assert_eq!(difference, None, "{SEED}={seed}");
        assert!(debris(lake).is_empty(), "{SEED}={seed}: {:?} is left behind", debris(lake));
    }
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

/// Two workers, each with lakes of its own, until enough kills have hit.
fn until(kills: u32, work: impl Fn(&mut Random, u64, &dyn Fn(bool) -> bool) + Sync) {
    let seed = seed();
    println!("{SEED}={seed}");
    let (hits, runs, start) = (AtomicU32::new(0), AtomicU32::new(0), Instant::now());
    // Counts a run; whether to go on.
    let count = |is_hit: bool| {
        let runs = runs.fetch_add(1, Ordering::Relaxed) + 1;
        let hits = hits.fetch_add(u32::from(is_hit), Ordering::Relaxed) + u32::from(is_hit);
        assert!(runs <= kills * RUNS_PER_KILL, "{SEED}={seed}: only {hits} of {runs} runs were killed");
        hits < kills
    };
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (work, count) = (&work, &count);
            scope.spawn(move || work(&mut Random(seed.wrapping_add(worker)), seed, count));
        }
    });
    let (hits, runs) = (hits.into_inner(), runs.into_inner());
    println!("{hits} of {runs} runs were killed in {:.1} s", start.elapsed().as_secs_f64());
    assert!(hits >= kills, "{SEED}={seed}: {hits}");
}

#[test]
fn ingests_that_are_killed_leave_no_trace() {
    let scene = Scene::new();
    println!("a run takes {:?}, one that finds nothing to do {:?}", scene.length, scene.nothing);
    let command = |lake: &Path| scene.exchange.command(&format!("{INGEST} {ALL_SOURCES}"), lake);
    until(INGEST_KILLS, |random, seed, count| {
        let mut goes_on = true;
        while goes_on {
            let lake = tempdir().unwrap();
            let mut is_killed = true;
            while goes_on && is_killed {
                is_killed = scene.is_killed(command(lake.path()), scene.moment(random));
                goes_on = count(is_killed);
                assert_eq!(damaged(lake.path()), [PathBuf::new(); 0], "{SEED}={seed}");
            }
            let ended: Ended = command(lake.path()).output().unwrap().into();
            ended.assert(0, &[]);
            scene.assert_whole(lake.path(), seed);
        }
    });
}

#[test]
fn repairs_that_are_killed_leave_no_trace() {
    let scene = Scene::new();
    let whole = data(scene.whole.path());
    let spoilt = spoilt(&whole);
    let command = |lake: &Path| scene.exchange.command(&format!("lake repair {ALL_SOURCES}"), lake);
    until(REPAIR_KILLS, |random, seed, count| {
        let mut goes_on = true;
        while goes_on {
            let lake = tempdir().unwrap();
            for (path, bytes) in whole.iter().map(|(path, bytes)| (path, spoilt.get(path).unwrap_or(bytes))) {
                let path = lake.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                if !bytes.is_empty() {
                    std::fs::write(path, bytes).unwrap();
                }
            }
            let mut is_killed = true;
            while goes_on && is_killed {
                is_killed = scene.is_killed(command(lake.path()), scene.moment(random));
                goes_on = count(is_killed);
                for path in damaged(lake.path()) {
                    let bytes = std::fs::read(lake.path().join(&path)).unwrap();
                    assert!(spoilt.get(&path) == Some(&bytes), "{SEED}={seed}: {} is damaged anew", path.display());
                }
            }
            let ended: Ended = command(lake.path()).output().unwrap().into();
            ended.assert(0, &[]);
            scene.assert_whole(lake.path(), seed);
        }
    });
}

/// Files as they are before a repair: one bent, one cut, one gone.
fn spoilt(whole: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let path = |name: &str| Path::new("klines").join(name);
    let [bent, cut, gone] = [
        path("symbol=BTCUSDT/interval=15m/2024-12.parquet"),
        path("symbol=ETHUSDT/interval=1h/2025.parquet"),
        path("symbol=ETHUSDT/interval=15m/2025-01-05.parquet"),
    ];
    let mut bytes = whole[&bent].clone();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x20;
    let half = whole[&cut][..whole[&cut].len() / 2].to_vec();
    assert!(whole.contains_key(&gone));
    BTreeMap::from([(bent, bytes), (cut, half), (gone, Vec::new())])
}
