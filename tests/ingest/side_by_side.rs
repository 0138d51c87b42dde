//! Several archives are fetched at a time, whatever the shape of the range, and no more than
//! were allowed.

use std::time::Duration;

use tempfile::tempdir;

use super::made::Tree;
use super::server::Server;
use crate::program::{Range, ingest_command};

fn assert_side_by_side(tree: &Tree, range: Range) {
    let folder = tempdir().unwrap();
    let server = Server::slow(tree.root(), Duration::from_millis(150));
    let mut command = ingest_command(range, &server.address(), &folder.path().join("lake"));
    assert!(command.args(["--concurrency", "3"]).status().unwrap().success());
    assert_eq!(server.busiest(), 3, "{range:?}");
}

#[test]
fn months_of_a_year_that_is_one_file() {
    let months = ["2023-01", "2023-02", "2023-03", "2023-04"];
    assert_side_by_side(&Tree::of("BTCUSDT", "4h", &months), ["BTCUSDT", "4h", "2023-01", "2023-04"]);
}

#[test]
fn months_that_are_files_and_days_of_a_part_of_one() {
    let months = ["2023-01", "2023-02", "2023-03", "2023-04"];
    assert_side_by_side(&Tree::of("BTCUSDT", "30m", &months), ["BTCUSDT", "30m", "2023-01", "2023-04"]);
    let days = ["2023-01-03", "2023-01-04", "2023-01-05", "2023-01-06"];
    assert_side_by_side(&Tree::of("BTCUSDT", "30m", &days), ["BTCUSDT", "30m", "2023-01-03", "2023-01-06"]);
}
