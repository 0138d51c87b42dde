//! A disk that is really full, in the middle of an ingest: the lake stays valid, the message
//! names the file, and once there is room the same command ends as on a disk that never was full.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use candlewick_model::Interval;

use super::exchange::{ALL_SOURCES, Exchange, data, debris, difference, markets};
use crate::program::{Ended, run};

const DISK: &str = "CANDLEWICK_TEST_DISK";
const NAME: &str = "ingest::full_disk::an_ingest_on_a_full_disk_goes_on_once_there_is_room";

/// A small disk is mounted in a namespace of its own, where that is allowed, and the test is run
/// again there.
#[test]
fn an_ingest_on_a_full_disk_goes_on_once_there_is_room() {
    if let Some(disk) = std::env::var_os(DISK) {
        return on_a_small_disk(Path::new(&disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8k tmpfs \"$1\" || exit 77; exec \"$2\" --exact \"$3\" --nocapture";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]).arg(folder.path());
    command.arg(std::env::current_exe().unwrap()).arg(NAME).env(DISK, folder.path());
    let Ok(ended) = command.output() else { return println!("SKIPPED: no unshare") };
    let told = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    if told.contains("unshare: ") || ended.status.code() == Some(77) {
        return println!("SKIPPED: a disk cannot be mounted here: {told}");
    }
    assert!(ended.status.success() && told.contains("the disk was full"), "{told}");
    println!("{told}");
}

fn on_a_small_disk(disk: &Path) {
    let exchange = Exchange::new(&markets(&["BTCUSDT"], Interval::OneMinute, "2024-11-25"));
    let (small, large) = (disk.join("lake"), tempfile::tempdir().unwrap());
    let bars = format!("ingest --symbol BTCUSDT --interval 5m --from 2024-12 --to now {ALL_SOURCES}");
    let trades = "ingest --symbol BTCUSDT --kinds agg-trades --from 2025-01-09 --to 2025-01-09 --portal {url}";
    let ingest = |arguments: &str, lake: &Path| -> Ended { exchange.command(arguments, lake).output().unwrap().into() };
    for arguments in [&*bars, trades] {
        ingest(arguments, large.path()).assert(0, &[]);
    }
    let size: usize = data(large.path()).values().map(Vec::len).sum();

    // From a disk that has room for nothing to one that lacks a little.
    let mut held = Vec::new();
    for kilobytes in [8, 24, 48, 80, 160, 400] {
        grow(disk, &format!("{kilobytes}k"));
        let ended = ingest(&bars, &small);
        if ended.code == Some(0) {
            break;
        }
        ended.assert(3, &["error: ", &small.display().to_string(), "No space left on device"]);
        println!("the disk was full at {kilobytes} kB: {}", ended.stderr.lines().next().unwrap_or_default());
        assert!(debris(&small).is_empty(), "{:?}", debris(&small));
        let files = data(&small);
        assert!(
            files
                .iter()
                .all(|(path, bytes)| data(large.path()).get(path).is_some_and(|whole| whole.len() >= bytes.len()))
        );
        if !files.is_empty() {
            let check = run(&["lake", "check", "--json", "--lake", &small.display().to_string()]);
            assert!(
                check.stdout.contains("\"intact\": true") && !check.stdout.contains("\"intact\": false"),
                "{check:?}"
            );
        }
        held.push(files.len());
    }
    assert!(held.len() > 3 && held[0] == 0 && held.last() > Some(&8), "{held:?}, {size} bytes in all");
    assert!(held.is_sorted(), "what fitted once stays: {held:?}");

    // Trades go to the disk as archives first.
    std::fs::write(disk.join("filler"), vec![0; 4 << 20]).unwrap_err();
    ingest(trades, &small).assert(3, &["error: ", "No space left on device"]);
    std::fs::remove_file(disk.join("filler")).unwrap();

    grow(disk, "64m");
    for arguments in [&*bars, trades] {
        ingest(arguments, &small).assert(0, &[]);
    }
    assert_eq!(difference(&small, large.path()), None);
    assert!(debris(&small).is_empty(), "{:?}", debris(&small));
}

fn grow(disk: &Path, size: &str) {
    let status = Command::new("mount").arg("-o").arg(format!("remount,size={size}")).arg(disk).status().unwrap();
    assert!(status.success());
}
