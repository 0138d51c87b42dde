//! kill -9: whatever a killed ingest leaves, the next run finishes, and nothing tells that
//! there was one.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::made::{Tree, name};
use super::server::Server;
use crate::program::{Range, assert_same, ingest, ingest_command, names, run};

/// Starts an ingest, kills it after a while and says whether it was still running.
fn kill_after(wait: Duration, range: Range, portal: &str, lake: &Path) -> bool {
    let mut child = ingest_command(range, portal, lake).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(wait);
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

/// Kills ingests at moments spread over the time that one takes, each on the lake that the ones
/// before left, and on one of its own.
fn assert_survives(range: Range, portal: &str) {
    const KILLS: u32 = 12;
    let folder = tempdir().unwrap();
    let (whole, worn) = (folder.path().join("whole"), folder.path().join("worn"));
    let start = Instant::now();
    ingest(range, portal, &whole).assert(0, &[]);
    let length = start.elapsed();
    let mut killed = 0;
    for at in 0..KILLS {
        let lake = folder.path().join(format!("killed-{at}"));
        killed += u32::from(kill_after(length * at / KILLS, range, portal, &lake));
        if names(&lake).iter().any(|name| name.ends_with(".parquet")) {
            let check = run(&["lake", "check", "--json", "--lake", &lake.display().to_string()]);
            assert!(!check.stdout.contains("\"intact\": false"), "a file is whole or not there: {check:?}");
        }
        ingest(range, portal, &lake).assert(0, &[]);
        assert_same(&whole, &lake);
        killed += u32::from(kill_after(length / 5, range, portal, &worn));
    }
    assert!(killed > 3, "only {killed} were killed while they ran");
    ingest(range, portal, &worn).assert(0, &[]);
    assert_same(&whole, &worn);
}

#[test]
fn in_the_middle_of_writing() {
    let months = ["2023-01", "2023-02", "2023-03", "2023-04", "2023-05", "2023-06"];
    let tree = Tree::of("BTCUSDT", "15m", &months);
    assert_survives(["BTCUSDT", "15m", "2023-01", "2023-06"], &tree.address());
}

#[test]
fn in_the_middle_of_a_download_of_days() {
    let days: Vec<String> = (1..=28).map(|day| format!("2023-02-{day:02}")).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let tree = Tree::of("BTCUSDT", "30m", &days);
    tree.publish(name("BTCUSDT", "30m", "2023-01"));
    let server = Server::slow(tree.root(), Duration::from_millis(20));
    assert_survives(["BTCUSDT", "30m", "2023-01", "2023-02"], &server.address());
}

/// The two moments that are hard to hit: before a rename, and between the birth of a month and
/// the end of its days.
#[test]
fn what_is_left_at_the_worst_moments_is_cleared() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01", "2023-01-05"]), tempdir().unwrap());
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let place = Path::new("klines/symbol=BTCUSDT/interval=30m");
    let month = ["BTCUSDT", "30m", "2023-01", "2023-01"];
    ingest(["BTCUSDT", "30m", "2023-01-05", "2023-01-05"], &tree.address(), &killed).assert(0, &[]);
    ingest(month, &tree.address(), &whole).assert(0, &[]);
    std::fs::copy(whole.join(place).join("2023-01.parquet"), killed.join(place).join("2023-01.parquet")).unwrap();
    std::fs::write(killed.join(place).join(".2023-01.parquet.tmp"), b"PAR1 and no more").unwrap();
    let check = run(&["lake", "check", "--all-details", "--lake", &killed.display().to_string()]);
    check.assert(0, &[]);
    assert!(check.stdout.contains(": 1488 bars"), "no bar counts twice: {check:?}");
    ingest(month, &tree.address(), &killed).assert(0, &[]);
    assert_same(&whole, &killed);
}
