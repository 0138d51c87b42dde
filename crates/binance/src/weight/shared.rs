//! One budget for all processes of a machine: a small file that whoever asks locks for a moment.
//!
//! The lock is advisory and dies with its process. What is in the file is worth no more than a
//! few minutes; a file that cannot be read begins anew.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::budget::Budget;

/// The record is padded to this, so that writing it is one write that leaves nothing behind it.
const SIZE: usize = 4_096;

/// Where budgets are kept: `CANDLEWICK_BUDGET_DIR`, or a folder of this user's among the
/// temporary ones.
#[must_use]
pub fn budget_folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(folder) = set("CANDLEWICK_BUDGET_DIR") {
        return folder.into();
    }
    let user = set("USER").or_else(|| set("USERNAME")).unwrap_or_default();
    std::env::temp_dir().join(format!("candlewick-budget-{}", user.to_string_lossy()))
}

/// A budget that other processes use too.
#[derive(Debug)]
pub struct SharedBudget {
    share_percent: u8,
    /// The file, unless there can be none; then the budget is this process's own.
    file: Mutex<Result<File, Budget>>,
}

impl SharedBudget {
    /// The budget of an exchange, by a name such as `binance.com`. Where no file can be made, the
    /// reason is told and the budget is this process's own.
    pub fn open(folder: &Path, exchange: &str, share_percent: u8) -> (Self, Option<std::io::Error>) {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
        let name: String = exchange.chars().map(safe).collect();
        let opened = std::fs::create_dir_all(folder).and_then(|()| private().open(folder.join(name + ".json")));
        let (file, error) = match opened {
            Ok(file) => (Ok(file), None),
            Err(error) => (Err(Budget::new(share_percent)), Some(error)),
        };
        (Self { share_percent, file: Mutex::new(file) }, error)
    }

    /// Does something with the budget while nobody else can.
    pub fn with<T>(&self, work: impl FnOnce(&mut Budget) -> T) -> T {
        let mut guard = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let file = match &mut *guard {
            Ok(file) => file,
            Err(own) => return work(own),
        };
        // Without the lock two processes may both think that they were alone; the share that is
        // left to others is what pays for that.
        let is_locked = file.lock().is_ok();
        let mut budget = read(file).unwrap_or_else(|| Budget::new(self.share_percent));
        budget.set_share(self.share_percent);
        let before = budget.clone();
        let result = work(&mut budget);
        if budget != before {
            let _ = write(file, &budget);
        }
        if is_locked {
            let _ = file.unlock();
        }
        result
    }
}

#[cfg(unix)]
fn private() -> std::fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options
}

fn read(file: &mut File) -> Option<Budget> {
    use std::io::Seek;
    let mut bytes = Vec::with_capacity(SIZE);
    file.rewind().ok()?;
    file.take(SIZE as u64).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn write(file: &mut File, budget: &Budget) -> std::io::Result<()> {
    use std::io::{Seek, Write};
    let mut bytes = serde_json::to_vec(budget)?;
    bytes.resize(SIZE.max(bytes.len()), b' ');
    file.rewind()?;
    file.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use candlewick_model::Timestamp;
    use candlewick_model::time::{MINUTE, SECOND};

    use super::super::{Decision, Kind, Limit};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_700_000_040 * SECOND)
    }

    #[test]
    fn two_hands_on_one_budget() {
        let folder = tempfile::tempdir().unwrap();
        let open = || SharedBudget::open(folder.path(), "127.0.0.1:80", 100).0;
        let (one, other) = (open(), open());
        one.with(|b| b.set_limits(&[Limit { kind: Kind::Weight, window_us: MINUTE, limit: 10 }]));
        let late = now().plus(40 * SECOND);
        let sent = (0..10).filter(|n| {
            let budget = if n % 2 == 0 { &one } else { &other };
            budget.with(|b| b.ask(2, late)) == Decision::Go
        });
        assert_eq!(sent.count(), 4, "eight of ten by then, whoever asks");
        other.with(|b| b.limited(true, 60 * SECOND, late, late));
        assert!(matches!(one.with(|b| b.ask(2, late)), Decision::Wait(_)), "a ban concerns all");
    }

    #[test]
    fn a_file_that_cannot_be_read_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("binance.com.json");
        for garbage in ["", "{", "[]", "\0\0\0", "{\"share_percent\":1}"] {
            std::fs::write(&path, garbage).unwrap();
            let (budget, error) = SharedBudget::open(folder.path(), "binance.com", 80);
            assert!(error.is_none());
            assert_eq!(budget.with(|b| b.ask(2, now())), Decision::Go, "{garbage}");
            assert_eq!(budget.with(|b| b.status(now())[0].used), 2, "{garbage}");
        }
        let (own, error) = SharedBudget::open(&path, "x", 80);
        assert!(error.is_some(), "a file in the folder's place");
        own.with(|b| b.ask(2, now()));
        assert_eq!(own.with(|b| b.status(now())[0].used), 2, "a budget of its own");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        SharedBudget::open(folder.path(), "a/b", 80).0.with(|b| b.ask(2, now()));
        let mode = folder.path().join("a_b.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
