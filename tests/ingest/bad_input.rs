//! Everything that an archive or a command line can have wrong: the message names file, line,
//! value and remedy, and the lake stays as it was.

use std::path::Path;

use candlewick_binance::archive::{ArchiveName, encode, pack};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Symbol, TimeUnit, Timestamp};
use tempfile::tempdir;

use super::made::{Tree, assert_holds, bars, csv, name};
use crate::program::{assert_same, files, ingest, ingest_command, run};

const GOOD: &str = "2023-01-01";
const BAD: &str = "2023-01-02";

/// The rows of the day that is to be spoilt.
fn rows() -> Vec<String> {
    String::from_utf8(csv(name("BTCUSDT", "30m", BAD))).unwrap().lines().map(str::to_owned).collect()
}

/// The CSV with one field of one line replaced.
fn with_field(line: usize, column: usize, value: &str) -> Vec<u8> {
    let mut rows = rows();
    let mut fields: Vec<&str> = rows[line - 1].split(',').collect();
    fields[column] = value;
    rows[line - 1] = fields.join(",");
    rows.join("\n").into_bytes()
}

/// Publishes a good day and a bad one, and asserts that the bad one is refused with a message
/// while the good one, that was there, and the one that comes beside it are not touched by it.
#[track_caller]
fn assert_refused(publish: impl FnOnce(&Tree, ArchiveName), told: &[&str]) {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &[GOOD]), tempdir().unwrap());
    ingest(["BTCUSDT", "30m", GOOD, GOOD], &tree.address(), folder.path()).assert(0, &[]);
    let before = files(folder.path());
    let bad = name("BTCUSDT", "30m", BAD);
    publish(&tree, bad);
    let ended = ingest(["BTCUSDT", "30m", GOOD, BAD], &tree.address(), folder.path());
    ended.assert(1, told);
    ended.assert(1, &[&bad.path()]);
    assert!(files(folder.path()) == before, "the lake is as it was");
    // Mended, it is taken.
    tree.publish(bad);
    ingest(["BTCUSDT", "30m", GOOD, BAD], &tree.address(), folder.path()).assert(0, &[]);
    assert_holds(folder.path(), "BTCUSDT", "30m", &[GOOD, BAD]);
}

#[track_caller]
fn assert_csv_refused(csv: Vec<u8>, told: &[&str]) {
    assert_refused(
        |tree, bad| tree.publish_csv(bad, &csv),
        &[told, &["fetch it again, or leave its period out"]].concat(),
    );
}

#[test]
fn broken_zips() {
    let zip = pack("a.csv", &rows().join("\n").into_bytes()).unwrap();
    let (cut, mut corrupt) = (zip[..zip.len() / 2].to_vec(), zip.clone());
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0x55;
    assert_refused(
        |tree, bad| tree.publish_zip(bad, &cut),
        &["not a readable zip (cut short or corrupt)", "fetch it again"],
    );
    assert_refused(|tree, bad| tree.publish_zip(bad, &corrupt), &["the entry", "fetch it again"]);
    assert_refused(|tree, bad| tree.publish_zip(bad, b"<html>"), &["not a readable zip"]);
    assert_refused(|tree, bad| tree.publish_zip(bad, b""), &["not a readable zip"]);
}

#[test]
fn wrong_checksums() {
    let publish = |text: &'static str| {
        move |tree: &Tree, bad: ArchiveName| {
            tree.publish(bad);
            std::fs::write(tree.zip(bad).with_extension("zip.CHECKSUM"), text).unwrap();
        }
    };
    let zeros = "0000000000000000000000000000000000000000000000000000000000000000  a.zip";
    let told = ["its SHA-256 is ", &format!("its CHECKSUM file says {}", &zeros[..64]), "fetch it again later"];
    assert_refused(publish(zeros), &told);
    assert_refused(publish("<html>"), &[".CHECKSUM: no CHECKSUM file: expected `<64 hex digits>", "\"<html>\""]);
}

#[test]
fn numbers_that_are_none() {
    assert_csv_refused(with_field(7, 4, "12x"), &["line 7: `close` is \"12x\": not a plain decimal number"]);
    assert_csv_refused(with_field(7, 4, "NaN"), &["line 7: `close` is \"NaN\""]);
    assert_csv_refused(with_field(7, 1, ""), &["line 7: `open` is \"\": empty number"]);
    assert_csv_refused(with_field(7, 8, "1.5"), &["line 7: `count` is \"1.5\": not a whole number"]);
    assert_csv_refused(with_field(7, 5, "1.123456789"), &["line 7: `volume` is \"1.123456789\": more than 8 decimals"]);
    assert_csv_refused(with_field(7, 2, "10000000000"), &["line 7: `high` is 10000000000", "10^10"]);
    assert_csv_refused(with_field(7, 5, "9999999999999999999999999999999.9"), &["line 7: `volume` is", "out of range"]);
}

#[test]
fn figures_that_contradict_each_other() {
    assert_csv_refused(with_field(9, 5, "-0.5"), &["line 9: `volume` is -0.5: it cannot be negative"]);
    assert_csv_refused(with_field(9, 8, "-1"), &["line 9: `count` is -1: it cannot be negative"]);
    assert_csv_refused(with_field(9, 2, "1"), &["line 9: open, high, low and close contradict", "high 1.00000000"]);
    assert_csv_refused(with_field(9, 3, "-1"), &["line 9: a price is not above zero", "low -1.00000000"]);
}

#[test]
fn rows_out_of_form_or_order() {
    let missing: Vec<_> = rows().iter().map(|row| row.rsplit_once(',').unwrap().0.to_owned()).collect();
    assert_csv_refused(missing.join("\n").into_bytes(), &["line 1: 11 columns; 12 were expected"]);
    let (mut twice, mut unsorted) = (rows(), rows());
    twice.insert(3, twice[2].clone());
    let same =
        "line 4: opens at 2023-01-02T01:00:00Z, the row before at 2023-01-02T01:00:00Z: rows must be sorted and unique";
    assert_csv_refused(twice.join("\n").into_bytes(), &[same]);
    unsorted.swap(4, 5);
    let told = "line 6: opens at 2023-01-02T02:00:00Z, the row before at 2023-01-02T02:30:00Z";
    assert_csv_refused(unsorted.join("\n").into_bytes(), &[told]);
    let cut = rows().join("\n");
    assert_csv_refused(cut.as_bytes()[..cut.len() - 20].to_vec(), &["line 48: "]);
    assert_csv_refused(b"{\"code\":-1121,\"msg\":\"Invalid symbol.\"}".to_vec(), &["line 1: 2 columns"]);
}

#[test]
fn times_of_another_unit_century_or_file() {
    let window = "neither milliseconds nor microseconds of the years 2017 to 2099";
    for (value, told) in [
        ("1672617600", format!("line 1: `open_time` is 1672617600: {window}")),
        ("1672617600000000000", format!("line 1: `open_time` is 1672617600000000000: {window}")),
        ("-2208988800000", format!("line 1: `open_time` is -2208988800000: {window}")),
        ("4828291200000", format!("line 1: `open_time` is 4828291200000: {window}")),
        ("1672531200000", "line 1: opens at 2023-01-01T00:00:00Z, outside of 2023-01-02".to_owned()),
    ] {
        assert_csv_refused(with_field(1, 0, value), &[&told]);
    }
    assert_csv_refused(with_field(1, 6, "0"), &[&format!("line 1: `close_time` is 0: {window}")]);
    let hours = encode(&bars("1h".parse().unwrap(), BAD.parse().unwrap()), TimeUnit::Milliseconds);
    let told = "24 of its 24 bars are not 30m long; is it the archive of another interval?";
    assert_refused(|tree, bad| tree.publish_csv(bad, &hours), &[told]);
}

#[test]
fn volumes_beyond_64_bits_and_futures_in_a_spot_folder_are_taken_with_a_note() {
    let (tree, folder) = (Tree::new(), tempdir().unwrap());
    tree.publish_csv(name("PEPEUSDT", "30m", BAD), &with_field(3, 5, "5173962814531276.00000000"));
    tree.publish(name("PEPEUSDT", "30m", "2025-02-01"));
    ingest(["PEPEUSDT", "30m", BAD, BAD], &tree.address(), folder.path()).assert(0, &[]);
    let pepe = SeriesName { symbol: Symbol::new("PEPEUSDT").unwrap(), interval: "30m".parse().unwrap() };
    let held = Lake::new(folder.path()).bars(&pepe, Timestamp::MIN..Timestamp::MAX).unwrap();
    assert_eq!(held.volume.at(2).to_string(), "5173962814531276.00000000");
    let ended = ingest(["PEPEUSDT", "30m", "2025-02-01", "2025-02-01"], &tree.address(), folder.path());
    ended
        .assert(0, &["note: ", "is in milliseconds after 2024, which Spot archives are not; is it a futures archive?"]);
}

#[test]
fn command_lines_that_cannot_be_meant() {
    let folder = tempdir().unwrap();
    let (tree, lake) = (Tree::new(), folder.path().join("lake"));
    let portal = tree.address();
    for (range, portal, told) in [
        (["BTCUSDT", "7m", GOOD, BAD], &*portal, "use one of 1s 1m 3m"),
        (
            ["BTCUSDT", "1m", BAD, GOOD],
            &portal,
            "the range is empty: 2023-01-02 comes after 2023-01-01; give the earlier",
        ),
        (["BTCUSDT", "1m", "2023-13", BAD], &portal, "invalid value '2023-13'"),
        (["BTCUSDT", "1m", "1990-01", BAD], &portal, "1990-01 is outside of the years 2017 to 2099"),
        (["BTCUSDT", "1m", GOOD, "2150-02"], &portal, "2150-02 is outside of the years 2017 to 2099"),
        (["btcusdt", "1m", GOOD, BAD], &portal, "markets are written in capitals: BTCUSDT"),
        (["BTC/USDT", "1m", GOOD, BAD], &portal, "a market is named like BTCUSDT"),
        (["BTC?", "1m", GOOD, BAD], &portal, "a market is named like BTCUSDT"),
        (["BTCUSDT", "1m", GOOD, BAD], "ftp://x", "it must begin with https://, http:// or file://"),
        (["BTCUSDT", "1m", GOOD, BAD], "file:///nowhere", "there is no such folder"),
    ] {
        ingest(range, portal, &lake).assert(2, &[told]);
    }
    assert!(!lake.exists(), "nothing was begun");
}

#[test]
fn a_range_of_which_the_portal_has_nothing() {
    let (tree, folder) = (Tree::new(), tempdir().unwrap());
    let ended = ingest(["BTCUSDT", "30m", "2023-01", "2023-02"], &tree.address(), folder.path());
    ended.assert(1, &["the portal has nothing of BTCUSDT 30m from 2023-01 to 2023-02; check the symbol"]);
    assert!(ended.stdout.contains("not on the portal: 2023-01 2023-02\n"), "{ended:?}");
}

/// Runs an ingest whose files may not grow beyond some blocks of 512 bytes: as good as a disk
/// that is full, and the same for everybody.
#[cfg(unix)]
fn ingest_limited(blocks: u32, range: crate::program::Range, portal: &str, lake: &Path) -> crate::program::Ended {
    let command = ingest_command(range, portal, lake);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
    shell.arg(command.get_program()).args(command.get_args()).output().unwrap().into()
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_lake_whole() {
    let months = ["2023-01", "2023-02", "2023-03", "2023-04", "2023-05", "2023-06", "2023-07", "2023-08"];
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &months), tempdir().unwrap());
    let (lake, undisturbed) = (folder.path().join("a"), folder.path().join("b"));
    ingest(["BTCUSDT", "30m", "2023-01", "2023-01"], &tree.address(), &lake).assert(0, &[]);
    let before = files(&lake);
    let range = ["BTCUSDT", "30m", "2023-01", "2023-08"];
    let ended = ingest_limited(16, range, &tree.address(), &lake);
    ended.assert(3, &["interval=30m/2023-02.parquet: File too large", "more files of the lake were not tried"]);
    assert!(files(&lake) == before, "the lake is as it was");
    ingest(range, &tree.address(), &lake).assert(0, &[]);
    ingest(range, &tree.address(), &undisturbed).assert(0, &[]);
    assert_same(&lake, &undisturbed);
}

#[test]
fn damaged_and_foreign_files_in_the_lake_are_named() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01", "2023-02"]), tempdir().unwrap());
    tree.publish(name("ETHUSDT", "30m", GOOD));
    ingest(["BTCUSDT", "30m", "2023-01", "2023-02"], &tree.address(), folder.path()).assert(0, &[]);
    ingest(["ETHUSDT", "30m", GOOD, GOOD], &tree.address(), folder.path()).assert(0, &[]);
    let place = folder.path().join("klines/symbol=BTCUSDT/interval=30m");
    let sound = std::fs::read(place.join("2023-02.parquet")).unwrap();
    let lake = folder.path().display().to_string();
    let mut bent = sound.clone();
    bent[sound.len() / 3] ^= 0x20;
    let foreign = std::fs::read(folder.path().join("klines/symbol=ETHUSDT/interval=30m/2023-01-01.parquet")).unwrap();
    for (bytes, told) in [
        (&sound[..sound.len() / 2], "not a Parquet file of this lake's columns"),
        (b"", "not a Parquet file of this lake's columns"),
        (&foreign, "it holds ETHUSDT 30m, its folder is for BTCUSDT 30m"),
        (&bent, "damaged"),
    ] {
        std::fs::write(place.join("2023-02.parquet"), bytes).unwrap();
        let check = run(&["lake", "check", "--all-details", "--lake", &lake]);
        check.assert(1, &[]);
        for text in [told, "2023-02.parquet: ", "`candlewick lake repair` makes it anew", "ETHUSDT 30m: 48 bars"] {
            assert!(check.stdout.contains(text), "{text}: {check:#?}");
        }
        if told != "damaged" {
            let list = run(&["lake", "ls", "--lake", &lake]);
            list.assert(1, &["2023-02.parquet: ", "candlewick lake repair"]);
            assert!(list.stdout.contains("ETHUSDT"), "the others are listed: {list:#?}");
            let range = ["BTCUSDT", "30m", "2023-01", "2023-02"];
            ingest(range, &tree.address(), folder.path()).assert(3, &["2023-02.parquet: ", "candlewick lake repair"]);
        }
        run(&["lake", "repair", "--lake", &lake, "--portal", &tree.address()]).assert(0, &[]);
        assert!(std::fs::read(place.join("2023-02.parquet")).unwrap() == sound, "{told}: the same bytes again");
    }
    run(&["lake", "check", "--lake", &lake]).assert(0, &[]);
}
