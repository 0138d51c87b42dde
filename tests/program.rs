//! Runs the program as a process and looks at what it leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

/// The program, away from any proxy of the machine.
pub(crate) fn candlewick() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candlewick"));
    command.env("NO_PROXY", "*").env("RUST_BACKTRACE", "0");
    command
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    /// Asserts the exit code and that every one of some texts was said on standard error.
    #[track_caller]
    pub(crate) fn assert(&self, code: i32, told: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for text in told {
            assert!(self.stderr.contains(text), "{text:?} is not in {self:#?}");
        }
    }
}

pub(crate) fn run(arguments: &[&str]) -> Ended {
    candlewick().args(arguments).output().unwrap().into()
}

/// What to ingest: symbol, interval, first and last period.
pub(crate) type Range<'a> = [&'a str; 4];

pub(crate) fn ingest_command([symbol, interval, from, to]: Range, portal: &str, lake: &Path) -> Command {
    let mut command = candlewick();
    command.args(["ingest", "--symbol", symbol, "--interval", interval, "--from", from, "--to", to]);
    command.args(["--portal", portal, "--lake"]).arg(lake);
    command
}

pub(crate) fn ingest(range: Range, portal: &str, lake: &Path) -> Ended {
    ingest_command(range, portal, lake).output().unwrap().into()
}

/// Every file below a folder with its bytes and the time of its last change.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder_here) = folders.pop() {
        for entry in std::fs::read_dir(&folder_here).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let changed = path.metadata().unwrap().modified().unwrap();
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), (std::fs::read(&path).unwrap(), changed));
            }
        }
    }
    found
}

/// Names and bytes, whenever they were written.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|(path, (bytes, _))| (path, bytes)).collect()
}

/// The names alone, for messages.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    files(folder).keys().map(|path| path.display().to_string()).collect()
}

/// Asserts that two folders hold the same files with the same bytes.
#[track_caller]
pub(crate) fn assert_same(one: &Path, other: &Path) {
    assert_eq!(names(one), names(other));
    let (one, other) = (contents(one), contents(other));
    for (path, bytes) in &one {
        assert!(other[path] == *bytes, "{} differs", path.display());
    }
}
