//! The report's page in a real browser. Skipped, with a line that says so, where there is none.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

/// The tracked sample, ingested and backtested by the program; the folder of its report.
fn report_of_the_sample(place: &Path) -> std::path::PathBuf {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample").canonicalize().unwrap();
    let (lake, out) = (place.join("lake"), place.join("out"));
    let portal = format!("file://{}", sample.join("portal").display());
    let run = |arguments: &[&std::ffi::OsStr]| {
        let done = Command::new(cargo_bin("candlewick")).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let range = ["--from", "2024-12-30", "--to", "2025-01-01"].map(std::ffi::OsStr::new);
    let series = ["ingest", "--symbol", "BTCUSDT", "--interval", "1m"].map(std::ffi::OsStr::new);
    let places = ["--portal".as_ref(), portal.as_ref(), "--lake".as_ref(), lake.as_os_str()];
    run(&[&series[..], &range, &places].concat());
    let config = sample.join("backtest.toml");
    run(&[
        "backtest".as_ref(),
        config.as_os_str(),
        "--lake".as_ref(),
        lake.as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    out
}

#[test]
fn the_page_runs_in_a_browser_without_errors() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()))
    else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no Chromium to open the report in");
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let page = report_of_the_sample(place.path()).join("report.html");
    let shown = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=3000"])
        .arg(format!("--user-data-dir={}", place.path().join("browser").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    assert!(!log.contains("Uncaught"), "{log}");
    for told in ["script", "Filter failure: PRICE_FILTER", "off-the-tick", "<canvas"] {
        assert!(dom.contains(told), "`{told}` is not on the page:\n{dom:.2000}");
    }
}
