//! Every fault that the data server can do: the lake ends complete and correct, or the program
//! says what is wrong.
//!
//! For: what a case is, and whether it ends as it must. The cases are in `table`.

mod table;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use candlewick_exchange::data::Catalogue;
use candlewick_exchange::faults::FaultKind;
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Bars, Interval, Timestamp};
use tempfile::TempDir;

use self::table::{KINDS, cases};
use super::exchange::{Exchange, data, debris, difference, markets};
use crate::program::Ended;

/// What is ingested, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    /// A month, nine days and the tail, from everywhere.
    Whole,
    /// The month and the days from the portal and its listing.
    Listed,
    /// The same without a listing.
    Portal,
    /// The same, and the tail, from REST alone: five pages.
    Rest,
    /// A market that is a day and some hours old, from everywhere.
    Young,
    /// Archives of trades.
    Trades,
    /// Two years of daily archives: a listing of two pages.
    Long,
    /// Whatever markets the listing names.
    All,
}

impl Job {
    const EVERY: [Self; 8] =
        [Self::Whole, Self::Listed, Self::Portal, Self::Rest, Self::Young, Self::Trades, Self::Long, Self::All];

    fn arguments(self) -> String {
        const LISTED: &str = "--portal {url} --portal-listing {url}/data.binance.vision";
        match self {
            Self::Whole => {
                format!("ingest --symbol BTCUSDT --interval 15m --from 2024-12 --to now {LISTED} --rest {{url}}")
            }
            Self::Listed => format!("ingest --symbol BTCUSDT --interval 15m --from 2024-12 --to 2025-01-09 {LISTED}"),
            Self::Portal => {
                "ingest --symbol BTCUSDT --interval 15m --from 2024-12 --to 2025-01-09 --portal {url}".to_owned()
            }
            Self::Rest => format!(
                "ingest --symbol BTCUSDT --interval 15m --from 2024-12 --to now --portal file://{} --rest {{url}}",
                empty_folder().display()
            ),
            Self::Young => {
                format!("ingest --symbol NEWUSDT --interval 15m --from 2025-01 --to now {LISTED} --rest {{url}}")
            }
            Self::Trades => {
                "ingest --symbol BTCUSDT --kinds agg-trades --from 2025-01-08 --to 2025-01-09 --portal {url}".to_owned()
            }
            Self::Long => format!("ingest --symbol BTCUSDT --interval 1d --from 2023-01-02 --to 2024-12-30 {LISTED}"),
            Self::All => {
                format!("ingest --all --quote USDT --interval 15m --from 2025-01-09 --to 2025-01-09 {LISTED}")
            }
        }
    }

    fn exchange(self) -> Exchange {
        static MINUTES: OnceLock<Arc<Catalogue>> = OnceLock::new();
        static DAYS: OnceLock<Arc<Catalogue>> = OnceLock::new();
        Exchange::new(match self {
            Self::Long => DAYS.get_or_init(|| markets(&["BTCUSDT"], Interval::OneHour, "2022-12-20")),
            _ => MINUTES.get_or_init(|| markets(&["BTCUSDT", "NEWUSDT@2025-01-09"], Interval::OneMinute, "2024-11-25")),
        })
    }

    /// The lake that it makes without any fault.
    fn right(self) -> &'static Path {
        static LAKES: OnceLock<Vec<OnceLock<TempDir>>> = OnceLock::new();
        let lakes = LAKES.get_or_init(|| Self::EVERY.iter().map(|_| OnceLock::new()).collect());
        let lake = lakes[self as usize].get_or_init(|| {
            let lake = tempfile::tempdir().unwrap();
            let ended: Ended = self.exchange().command(&self.arguments(), lake.path()).output().unwrap().into();
            ended.assert(0, &[]);
            assert!(!data(lake.path()).is_empty());
            lake
        });
        lake.path()
    }
}

fn empty_folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path()
}

/// How it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With exit code 0 and the bytes of a run without faults.
    Same,
    /// With exit code 0 and the bars of a run without faults; the lake says that they came in
    /// another way.
    SameBars,
    /// With exit code 0 and what the portal published; that it was another edition shows later.
    AsPublished,
    /// With this exit code. What is in the lake is right.
    Fails(i32),
}

use End::{AsPublished, Fails, Same, SameBars};
use Job::{All, Listed, Long, Portal, Rest, Trades, Whole, Young};

/// A job, a fault in JSON without its kind (or a whole list of faults), how it ends, and what is told.
type Case = (Job, &'static str, End, &'static [&'static str]);

/// The faults of a case as the server reads them.
fn json(kind: FaultKind, fault: &str) -> String {
    if fault.starts_with('[') {
        return fault.to_owned();
    }
    let kind = serde_json::to_string(&kind).unwrap();
    let comma = if fault.is_empty() { "" } else { "," };
    format!(r#"{{"kind":{kind}{comma}{fault}}}"#)
}

#[test]
fn every_fault_ends_in_the_right_lake_or_in_a_message() {
    // Most of the time is waiting between tries.
    const AT_A_TIME: usize = 8;
    let table: Vec<_> = KINDS.iter().flat_map(|kind| cases(*kind).into_iter().map(|case| (*kind, case))).collect();
    let begun = Instant::now();
    let next = Mutex::new(table.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some((kind, case)) = next.lock().unwrap().next() else { return };
                    let start = Instant::now();
                    let ended = tried(*kind, case);
                    println!("{:6.2} s  {kind:?} {:?} {} {:?}", start.elapsed().as_secs_f64(), case.0, case.1, case.2);
                    if let Err(why) = ended {
                        wrong.lock().unwrap().push(format!("{kind:?} {case:?}: {why}"));
                    }
                }
            });
        }
    });
    println!("{} cases of {} kinds in {:.1} s", table.len(), KINDS.len(), begun.elapsed().as_secs_f64());
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), table.len(), wrong.join("\n\n"));
}

/// Runs a case; says what is not as it must be.
fn tried(kind: FaultKind, (job, fault, end, told): &Case) -> Result<(), String> {
    let (exchange, folder) = (job.exchange(), tempfile::tempdir().unwrap());
    let lake = folder.path();
    exchange.faults(&json(kind, fault));
    let run = |more: &str| -> Ended {
        exchange.command(&format!("{}{more}", job.arguments()), lake).output().unwrap().into()
    };
    let ended = run("");
    let is_met = exchange.server.record().last.iter().any(|request| request.faults.contains(&kind));
    let must = |holds: bool, why: &str| if holds { Ok(()) } else { Err(format!("{why}: {ended:#?}")) };
    must(is_met, "no request met the fault")?;
    let code = if let Fails(code) = end { *code } else { 0 };
    must(ended.code == Some(code), "another exit code")?;
    must(code == 0 || ended.stderr.contains("error: "), "it fails in silence")?;
    for text in *told {
        must(ended.stderr.contains(text) || ended.stdout.contains(text), &format!("{text:?} was not told"))?;
    }
    let (right, is_same) = (job.right(), difference(lake, job.right()));
    match end {
        Same => must(is_same.is_none(), is_same.as_deref().unwrap_or_default())?,
        SameBars => must(bars(lake, *job) == bars(right, *job), "other bars")?,
        AsPublished => must(is_same.is_some(), "no fault shows in the lake")?,
        Fails(_) => must(are_among(&bars(lake, *job), &bars(right, *job)), "wrong bars")?,
    }
    must(are_intact(lake, *job), "a damaged file")?;
    if (*job, *end) == (Trades, AsPublished) {
        return Ok(()); // Archives of trades are not looked at again.
    }
    // Once nothing goes wrong, the same command ends as if nothing had been.
    exchange.server.clear_faults();
    let again = run(" --refresh");
    let must = |holds: bool, why: &str| if holds { Ok(()) } else { Err(format!("afterwards {why}: {again:#?}")) };
    must(again.code == Some(0), "another exit code")?;
    let is_same = difference(lake, right);
    must(is_same.is_none(), is_same.as_deref().unwrap_or_default())?;
    must(debris(lake).is_empty(), "something is left behind")?;
    must(*end != AsPublished || again.stderr.contains("was published anew"), "nothing is told")
}

fn series(job: Job) -> Option<SeriesName> {
    let (symbol, interval) = match job {
        Trades => return None,
        Young => ("NEWUSDT", Interval::FifteenMinutes),
        Long => ("BTCUSDT", Interval::OneDay),
        Whole | Listed | Portal | Rest | All => ("BTCUSDT", Interval::FifteenMinutes),
    };
    Some(SeriesName { symbol: symbol.parse().unwrap(), interval })
}

fn bars(lake: &Path, job: Job) -> Bars {
    let bars = series(job).map(|series| Lake::new(lake).bars(&series, Timestamp::MIN..Timestamp::MAX).unwrap());
    bars.unwrap_or_default()
}

fn are_among(some: &Bars, all: &Bars) -> bool {
    some.iter().all(|bar| {
        let at = all.open_time.partition_point(|open| open < bar.open_time);
        at < all.len() && all.bar(at) == bar
    })
}

fn are_intact(lake: &Path, job: Job) -> bool {
    let Some(series) = series(job) else { return true };
    let checks = Lake::new(lake).check(&[series]).unwrap();
    checks.iter().flat_map(|check| &check.files).all(|file| file.intact)
}
