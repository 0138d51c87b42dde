//! The examples of docs/lake.md for readers of the field, run as they stand there on a lake that
//! was just written, and every value compared. `tests/readers/setup` brings the readers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Bars, Symbol, Timestamp};
use tempfile::tempdir;

use crate::ingest::made::Tree;
use crate::program::{ingest, run};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A Python that has the readers; where there is none, that is said.
fn python() -> Option<PathBuf> {
    let usual = || std::env::temp_dir().join("candlewick-readers");
    let python = std::env::var_os("CANDLEWICK_READERS").map_or_else(usual, PathBuf::from).join("bin/python");
    let has_readers = Command::new(&python)
        .args(["-c", "import duckdb, pandas, polars, pyarrow, pytz"])
        .stderr(Stdio::null())
        .status();
    if has_readers.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    let text = "SKIPPED: the examples of docs/lake.md: no readers; tests/readers/setup brings them";
    writeln!(std::io::stderr(), "{text}").unwrap();
    None
}

/// The Python examples of the document, by the comment that each begins with.
fn examples() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(workspace().join("docs/lake.md")).unwrap();
    let blocks = text.split("```python\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.map(|block| (block.lines().next().unwrap().trim_start_matches("# ").to_owned(), block)).collect()
}

/// What the script prints for bars.
fn lines(bars: &Bars) -> Vec<String> {
    let line = |bar: candlewick_model::Bar| {
        let times = [bar.open_time, bar.close_time].map(|time| time.micros().to_string());
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.units().to_string());
        let volumes = [bar.volume, bar.quote_volume, bar.taker_buy_volume, bar.taker_buy_quote_volume];
        let volumes = volumes.map(|volume| volume.units().to_string());
        [&times[..], &prices[..], &volumes[..], &[bar.trades.to_string()]].concat().join(",")
    };
    bars.iter().map(line).collect()
}

fn run_example(python: &Path, code: &str, folder: &Path) -> Vec<String> {
    let mut child = Command::new(python)
        .arg(workspace().canonicalize().unwrap().join("tests/readers/rows.py"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{code}\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn readers_of_the_field_get_every_value() {
    let Some(python) = python() else { return };
    let folder = tempdir().unwrap();
    let lake = folder.path().join("lake");
    // A month's worth of one market, days of it and of another, so that examples must choose.
    let trees = [
        ("BTCUSDT", "1m", ["2023-01", "2023-02-01"]),
        ("BTCUSDT", "1h", ["2023-01", "2023-02"]),
        ("ETHUSDT", "1m", ["2023-01-01", "2023-01-02"]),
    ];
    for (symbol, interval, periods) in trees {
        let tree = Tree::of(symbol, interval, &periods);
        ingest([symbol, interval, periods[0], periods[1]], &tree.address(), &lake).assert(0, &[]);
    }
    let series = SeriesName { symbol: Symbol::new("BTCUSDT").unwrap(), interval: "1m".parse().unwrap() };
    let bars = Lake::new(&lake).bars(&series, Timestamp::MIN..Timestamp::MAX).unwrap();
    assert_eq!(bars.len(), 32 * 1_440);
    assert!(bars.volume.iter().any(|volume| i64::try_from(volume.units()).is_err()), "volumes beyond 64 bits");
    let lake = lake.display().to_string();
    for format in ["csv", "parquet", "arrow"] {
        let out = folder.path().join(format!("bars.{format}")).display().to_string();
        let arguments =
            ["lake", "export", "--symbol", "BTCUSDT", "--interval", "1m", "--format", format, "--out", &out];
        run(&[&arguments[..], &["--lake", &lake, "--header"][..if format == "csv" { 3 } else { 2 }]].concat())
            .assert(0, &[]);
    }
    let examples = examples();
    let names: Vec<&str> = examples.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.len() >= 5, "{names:?}");
    for reader in ["DuckDB", "Polars", "pandas", "pyarrow"] {
        assert!(names.iter().any(|name| name.contains(reader)), "{reader} in {names:?}");
    }
    let expected = lines(&bars);
    for (name, code) in &examples {
        let found = run_example(&python, code, folder.path());
        assert_eq!(found.len(), expected.len(), "{name}");
        let difference = expected.iter().zip(&found).find(|(expected, found)| expected != found);
        assert!(difference.is_none(), "{name}: {difference:?}");
    }
}
