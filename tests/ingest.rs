//! `candlewick ingest` as a process, against portals that are made here.

mod bad_input;
pub(crate) mod exchange;
mod faults;
mod full_disk;
mod killed;
pub(crate) mod made;
mod random_kills;
mod server;
mod side_by_side;

use std::path::Path;

use candlewick_binance::archive::encode;
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Interval, Price, Symbol, TimeUnit};
use tempfile::tempdir;

use crate::program::{Ended, assert_same, candlewick, files, ingest, names, run};
use exchange::Exchange;
use made::{Tree, assert_holds, bars, csv, name, period};
use server::{Fault, Server};

const MONTHS: [&str; 2] = ["2023-01", "2023-02"];

fn february() -> Vec<String> {
    period("2023-02").days().map(|day| day.to_string()).collect()
}

#[test]
fn a_folder_and_a_server_give_the_same_lake_and_a_second_run_does_nothing() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &MONTHS), tempdir().unwrap());
    let (local, remote) = (folder.path().join("local"), folder.path().join("remote"));
    let range = ["BTCUSDT", "30m", "2023-01", "2023-02"];
    let first = ingest(range, &tree.address(), &local);
    first.assert(0, &[]);
    assert!(first.stdout.starts_with("BTCUSDT 30m: 2832 bars from 2 archives"), "{first:?}");
    assert_eq!(first.stderr, "", "no bar where there is no terminal");
    assert_holds(&local, "BTCUSDT", "30m", &MONTHS);

    let server = Server::new(tree.root());
    ingest(range, &server.address(), &remote).assert(0, &[]);
    assert_same(&local, &remote);
    assert_eq!(server.requests().len(), 4, "two archives, two checksums: {:?}", server.requests());

    let before = files(&remote);
    let second = ingest(range, &server.address(), &remote);
    second.assert(0, &[]);
    assert!(second.stdout.contains("already in the lake: 2"), "{second:?}");
    assert_eq!(server.requests().len(), 4, "nothing was asked for");
    assert!(files(&remote) == before, "nothing was written");
}

#[test]
fn bars_of_an_hour_share_a_file_a_year_in_whichever_order_they_come() {
    let months = ["2022-12", "2023-01", "2023-02"];
    let (tree, folder) = (Tree::of("BTCUSDT", "1h", &months), tempdir().unwrap());
    tree.publish(name("BTCUSDT", "1h", "2023-03-01"));
    let (at_once, by_parts) = (folder.path().join("a"), folder.path().join("b"));
    ingest(["BTCUSDT", "1h", "2022-12", "2023-03-01"], &tree.address(), &at_once).assert(0, &[]);
    for part in ["2023-03-01", "2023-02", "2022-12", "2023-01"] {
        ingest(["BTCUSDT", "1h", part, part], &tree.address(), &by_parts).assert(0, &[]);
    }
    assert_same(&at_once, &by_parts);
    let data: Vec<_> = names(&at_once).into_iter().filter(|n| n.ends_with(".parquet")).collect();
    assert_eq!(data.len(), 2, "{data:?}");
    assert_holds(&at_once, "BTCUSDT", "1h", &["2022-12", "2023-01", "2023-02", "2023-03-01"]);
}

#[test]
fn days_stand_in_for_a_month_and_become_one_once_they_are_all_there() {
    let days = february();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &days[..27]), tempdir().unwrap());
    let (grown, at_once) = (folder.path().join("grown"), folder.path().join("at-once"));
    let range = ["BTCUSDT", "30m", "2023-02", "2023-02"];

    let server = Server::new(tree.root());
    let first = ingest(range, &server.address(), &grown);
    first.assert(1, &[]);
    assert!(first.stdout.contains("not on the portal: 2023-02-28"), "{first:?}");
    assert_eq!(names(&grown).iter().filter(|n| n.ends_with(".parquet")).count(), 27);
    assert_holds(&grown, "BTCUSDT", "30m", &days[..27]);

    let (before, asked) = (files(&grown), server.requests().len());
    ingest(range, &server.address(), &grown).assert(1, &[]);
    assert!(files(&grown) == before, "the days that are there stay as they are");
    assert_eq!(server.requests().len() - asked, 2, "the month and the day that are lacking");

    tree.publish(name("BTCUSDT", "30m", "2023-02-28"));
    ingest(range, &tree.address(), &grown).assert(0, &[]);
    ingest(range, &tree.address(), &at_once).assert(0, &[]);
    assert_same(&grown, &at_once);
    assert!(names(&grown).iter().any(|n| n.ends_with("interval=30m/2023-02.parquet")), "{:?}", names(&grown));
    assert_holds(&grown, "BTCUSDT", "30m", &["2023-02"]);
}

#[test]
fn a_new_day_leaves_the_others_untouched() {
    let days = february();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &days[..4]), tempdir().unwrap());
    ingest(["BTCUSDT", "30m", days[0], days[2]], &tree.address(), folder.path()).assert(0, &[]);
    let before = files(folder.path());
    ingest(["BTCUSDT", "30m", days[0], days[3]], &tree.address(), folder.path()).assert(0, &[]);
    let after = files(folder.path());
    assert!(before.iter().all(|(path, file)| after[path] == *file), "days that were there are not written anew");
    assert_holds(folder.path(), "BTCUSDT", "30m", &days[..4]);
}

#[test]
fn units_are_decided_per_value_and_headers_are_read_over() {
    let (tree, folder) = (Tree::new(), tempdir().unwrap());
    let archive = name("BTCUSDT", "30m", "2023-01-01");
    let all = bars(Interval::ThirtyMinutes, archive.period);
    let mut csv = b"open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\r\n".to_vec();
    csv.extend(encode(&all.slice(0..20), TimeUnit::Milliseconds));
    csv.extend(encode(&all.slice(20..all.len()), TimeUnit::Microseconds));
    tree.publish_csv(archive, &csv);
    let ended = ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-01"], &tree.address(), folder.path());
    ended.assert(0, &["note: ", "mixes milliseconds and microseconds"]);
    assert_holds(folder.path(), "BTCUSDT", "30m", &["2023-01-01"]);
}

#[test]
fn a_server_that_fails_for_a_moment_is_asked_again() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01"]), tempdir().unwrap());
    let archive = name("BTCUSDT", "30m", "2023-01-01").path();
    let checksum = format!("{archive}.CHECKSUM");
    let wrong = format!("{}  a.zip", "0".repeat(64)).into_bytes();
    for (at, (path, faults)) in [
        (&archive, vec![Fault::Status(500), Fault::Status(429)]),
        (&archive, vec![Fault::Cut]),
        (&archive, vec![Fault::Body(b"<html>busy</html>".to_vec())]),
        (&checksum, vec![Fault::Body(wrong)]),
        (&checksum, vec![Fault::Status(503)]),
    ]
    .into_iter()
    .enumerate()
    {
        let server = Server::new(tree.root());
        server.fail(path, faults);
        let lake = folder.path().join(at.to_string());
        ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-01"], &server.address(), &lake).assert(0, &[]);
        assert_holds(&lake, "BTCUSDT", "30m", &["2023-01-01"]);
    }
}

#[test]
fn a_server_that_does_not_recover_is_the_outside_world() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01", "2023-01-02"]), tempdir().unwrap());
    let range = ["BTCUSDT", "30m", "2023-01-01", "2023-01-02"];
    let (failing, forbidden) = (Server::new(tree.root()), Server::new(tree.root()));
    let archive = name("BTCUSDT", "30m", "2023-01-01").path();
    failing.fail(&archive, vec![Fault::Status(500); 9]);
    let lake = folder.path().join("failing");
    ingest(range, &failing.address(), &lake).assert(3, &[&archive, "the server answered 500", "run the same command"]);
    assert_eq!(failing.requests().iter().filter(|path| **path == archive).count(), 5);
    assert_holds(&lake, "BTCUSDT", "30m", &["2023-01-02"]);

    forbidden.fail(&archive, vec![Fault::Status(403); 9]);
    ingest(range, &forbidden.address(), &folder.path().join("forbidden")).assert(3, &["answered 403"]);
    assert_eq!(forbidden.requests().iter().filter(|path| **path == archive).count(), 1, "no is no");

    let gone = failing.address();
    drop(failing);
    for portal in [gone.clone(), gone.replace("http:", "https:")] {
        let ended = ingest(range, &portal, &folder.path().join("gone"));
        ended.assert(3, &[&archive, "onnect"]);
    }
}

#[test]
fn archives_without_a_checksum_file_are_taken_and_told() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01"]), tempdir().unwrap());
    let archive = name("BTCUSDT", "30m", "2023-01-01");
    std::fs::remove_file(tree.zip(archive).with_extension("zip.CHECKSUM")).unwrap();
    let ended = ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-01"], &tree.address(), folder.path());
    ended.assert(0, &[]);
    assert!(ended.stdout.contains("without CHECKSUM file: 1"), "{ended:?}");
}

#[test]
fn symbols_of_other_scripts_travel_through_addresses_and_folders() {
    let (tree, folder) = (Tree::of("币安人生USDT", "30m", &["2025-10-01"]), tempdir().unwrap());
    tree.publish_csv(
        name("币安人生USDT", "30m", "2025-10-01"),
        &encode(&bars(Interval::ThirtyMinutes, period("2025-10-01")), TimeUnit::Microseconds),
    );
    let server = Server::new(tree.root());
    let range = ["币安人生USDT", "30m", "2025-10-01", "2025-10-01"];
    let ended = ingest(range, &server.address(), folder.path());
    ended.assert(0, &[]);
    assert_eq!(ended.stderr, "");
    assert_holds(folder.path(), "币安人生USDT", "30m", &["2025-10-01"]);
    let listed = run(&["lake", "ls", "--lake", &folder.path().display().to_string()]);
    assert!(listed.stdout.contains("币安人生USDT"), "{listed:?}");
}

#[test]
fn a_second_writer_is_kept_out() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01"]), tempdir().unwrap());
    let series = SeriesName { symbol: Symbol::new("BTCUSDT").unwrap(), interval: Interval::ThirtyMinutes };
    let writer = Lake::new(folder.path()).writer(series).unwrap();
    let range = ["BTCUSDT", "30m", "2023-01", "2023-01"];
    let ended = ingest(range, &tree.address(), folder.path());
    ended.assert(3, &["BTCUSDT 30m is being written by another process", "klines-BTCUSDT-30m.lock", "wait for it"]);
    drop(writer);
    ingest(range, &tree.address(), folder.path()).assert(0, &[]);
}

#[test]
fn the_result_is_also_json() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01"]), tempdir().unwrap());
    let lake = folder.path().display().to_string();
    let from_to = ["--from", "2023-01-01", "--to", "2023-01-02", "--json"];
    let fixed = ["ingest", "--symbol", "BTCUSDT", "--interval", "30m", "--portal", &tree.address(), "--lake", &lake];
    let ended = run(&[&fixed[..], &from_to[..]].concat());
    ended.assert(1, &[]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&json["bars"], &json["absent"][0]), (&48.into(), &"2023-01-02".into()));

    let listed = run(&["lake", "ls", "--json", "--lake", &lake]);
    let json: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&json[0]["bars"], &json[0]["first"]), (&48.into(), &"2023-01-01T00:00:00Z".into()));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01"]), tempdir().unwrap());
    ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-01"], &tree.address(), folder.path()).assert(0, &[]);
    for command in ["ls", "check"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut listing = candlewick();
        listing.args(["lake", command, "--lake"]).arg(folder.path()).stdout(writer);
        Ended::from(listing.output().unwrap()).assert(0, &[]);
    }
}

#[test]
fn gaps_between_and_inside_files_are_told() {
    let (tree, folder) = (Tree::of("BTCUSDT", "30m", &["2023-01-01", "2023-01-03"]), tempdir().unwrap());
    let archive = name("BTCUSDT", "30m", "2023-01-04");
    let text = String::from_utf8(csv(archive)).unwrap();
    let holed: Vec<_> = text.lines().enumerate().filter(|(at, _)| !(10..15).contains(at)).map(|(_, row)| row).collect();
    tree.publish_csv(archive, holed.join("\n").as_bytes());
    ingest(["BTCUSDT", "30m", "2023-01-01", "2023-01-04"], &tree.address(), folder.path()).assert(1, &[]);
    let check = |lake: &Path| run(&["lake", "check", "--lake", &lake.display().to_string()]);
    let ended = check(folder.path());
    ended.assert(1, &[]);
    for told in [
        "53 missing in 2 gaps",
        "gap     2023-01-02T00:00:00Z to 2023-01-03T00:00:00Z: 48 bars",
        "gap     2023-01-04T05:00:00Z to 2023-01-04T07:30:00Z: 5 bars",
    ] {
        assert!(ended.stdout.contains(told), "{told}: {ended:?}");
    }
}

#[test]
fn a_name_that_means_something_else_is_told_and_kept_as_it_is() {
    let tree = Tree::of("BTCUSDT", "1h", &["2023-01", "2023-02"]);
    // A thousandth of the price from the middle of February on, and of March.
    for (of, cheap_from) in [("2023-02", 300), ("2023-03", 0)] {
        let name = name("BTCUSDT", "1h", of);
        let mut bars = bars(Interval::OneHour, period(of));
        for prices in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
            prices.iter_mut().skip(cheap_from).for_each(|price| *price = Price::from_units(price.units() / 1_000));
        }
        tree.publish_csv(name, &encode(&bars, TimeUnit::Milliseconds));
    }
    let lake = tempdir().unwrap();
    let told = "BTCUSDT 1h: its units seem to have changed";
    ingest(["BTCUSDT", "1h", "2023-01", "2023-01"], &tree.address(), lake.path()).assert(0, &[]);
    let ended = ingest(["BTCUSDT", "1h", "2023-01", "2023-02"], &tree.address(), lake.path());
    ended.assert(0, &[told, "2023-02-13T"]);
    assert_eq!(ended.stderr.matches(told).count(), 1, "{ended:#?}");
    let ended = ingest(["BTCUSDT", "1h", "2023-01", "2023-03"], &tree.address(), lake.path());
    ended.assert(0, &[]);
    assert!(!ended.stderr.contains("units"), "it was told when it came: {ended:#?}");
    // Between two archives that came at different times.
    let other = tempdir().unwrap();
    ingest(["BTCUSDT", "1h", "2023-01", "2023-01"], &tree.address(), other.path()).assert(0, &[]);
    ingest(["BTCUSDT", "1h", "2023-03", "2023-03"], &tree.address(), other.path()).assert(0, &[told, "2023-03-01T00"]);
}

#[test]
fn a_market_that_the_exchange_knows_no_more_is_whole_with_its_archives() {
    let exchange = Exchange::new(&exchange::markets(&["ETHUSDT"], Interval::OneHour, "2025-01-01"));
    let (tree, lake) = (Tree::of("BTCUSDT", "1h", &["2024-10", "2024-11"]), tempdir().unwrap());
    let ingest = |symbol: &str| -> Ended {
        let portal = format!("--portal {} --rest {{url}}", tree.address());
        let arguments = format!("ingest --symbols {symbol} --intervals 1h --from 2024-10 {portal}");
        exchange.command(&arguments, lake.path()).output().unwrap().into()
    };
    ingest("BTCUSDT").assert(0, &["the exchange knows no market BTCUSDT any more", "opens at 2024-11-30T23:00:00Z"]);
    assert_holds(lake.path(), "BTCUSDT", "1h", &["2024-10", "2024-11"]);
    ingest("BTCUSD").assert(1, &["the exchange knows no market BTCUSD", "BTCUSD 1h", "check the symbol"]);
}

#[test]
fn without_a_listing_all_markets_are_those_of_the_exchange() {
    let exchange =
        Exchange::new(&exchange::markets(&["ETHUSDT", "BTCUSDT", "ETHBTC"], Interval::OneHour, "2025-01-01"));
    let lake = tempdir().unwrap();
    let ingest = |quote: &str| -> Ended {
        let arguments =
            format!("ingest --all --quote {quote} --intervals 1h --from 2025-01-08 --portal {{url}} --rest {{url}}");
        exchange.command(&arguments, lake.path()).output().unwrap().into()
    };
    let ended = ingest("USDT");
    ended.assert(0, &[]);
    let symbols: Vec<String> = Lake::new(lake.path()).series().unwrap().iter().map(|s| s.symbol.to_string()).collect();
    assert_eq!(symbols, ["BTCUSDT", "ETHUSDT"], "{ended:?}");
    ingest("EUR").assert(2, &["no market quoted in EUR"]);
}
