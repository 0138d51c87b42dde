//! The files of a report, written into a folder.
//!
//! For: the names of the files, and whole files only: each is written beside its name and then
//! renamed. Not for: deciding whether something may be overwritten (the program does).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candlewick_model::run::Run;

use crate::statistics::{Statistics, statistics};
use crate::{csv, json, page};

/// A row for each bar.
const LARGEST: &str = "equity.csv";

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file or the folder could not be written.
    #[error("failed to write {path}: {source}", path = path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What was written, and the figures that it tells.
#[derive(Debug)]
pub struct Written {
    /// Every file, in the order of [`FILES`].
    pub files: Vec<PathBuf>,
    /// The page among them.
    pub page: PathBuf,
    /// The figures, for whoever wants to print them.
    pub statistics: Statistics,
}

/// The names of the files of a report; `docs/outputs.md` describes them.
pub const FILES: [&str; 8] = [
    "orders.csv",
    "fills.csv",
    "rejections.csv",
    "equity.csv",
    "trades.csv",
    "events.jsonl",
    "summary.json",
    "report.html",
];

fn content(name: &str, run: &Run, statistics: &Statistics) -> String {
    match name {
        "orders.csv" => csv::orders(run),
        "fills.csv" => csv::fill_table(run),
        "rejections.csv" => csv::rejections(run),
        "equity.csv" => csv::equity(run, statistics),
        "trades.csv" => csv::trades(statistics),
        "events.jsonl" => json::events(run),
        "summary.json" => json::summary(run, statistics),
        _ => page::render(run, statistics),
    }
}

/// Writes the whole report into a folder, which is made if it is not there. Files of the same
/// names are replaced; a write that fails leaves the old ones whole.
pub fn write_all(run: &Run, folder: &Path) -> Result<Written, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ReportError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let statistics = statistics(run);
    let write = |name: &str| {
        let (path, unfinished) = (folder.join(name), folder.join(format!(".{name}.part")));
        fs::write(&unfinished, content(name, run, &statistics)).map_err(failed(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed(&path))
    };
    // The largest file takes as long as all others.
    std::thread::scope(|scope| {
        let largest = scope.spawn(|| write(LARGEST));
        FILES.into_iter().filter(|name| *name != LARGEST).try_for_each(write)?;
        largest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let files = FILES.map(|name| folder.join(name)).into();
    Ok(Written { page: folder.join("report.html"), files, statistics })
}
