//! Every fault that the data server can do: the lake ends complete and correct, or the program
//! says what is wrong. A fault without a row here does not compile.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use candlewick_exchange::data::{Catalogue, FaultKind};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Bars, Interval, Timestamp};
use tempfile::TempDir;

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

/// The table; from it come both the list of all kinds and the cases of each.
macro_rules! cases_of_kinds {
    ($($kind:ident => $cases:expr,)*) => {
        const KINDS: &[FaultKind] = &[$(FaultKind::$kind),*];

        fn cases(kind: FaultKind) -> Vec<Case> {
            match kind {
                $(FaultKind::$kind => <[Case]>::to_vec(&$cases),)*
            }
        }
    };
}

const DAY: &str = "BTCUSDT-15m-2025-01-03.zip";

cases_of_kinds! {
    Status => [
        (Portal, r#""path":"*.zip","status":500,"next":3"#, Same, &[]),
        (Portal, r#""path":"*.zip*","status":429,"retry_after":1,"next":2"#, Same, &[]),
        (Portal, r#""path":"*.CHECKSUM","status":418,"retry_after":1,"next":1"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip","status":503"#, Fails(3), &["error: ", DAY, "the server answered 503", "run the same command again"]),
        (Portal, r#""path":"*2025-01-03.zip","status":302"#, Fails(3), &[DAY, "the server answered 302"]),
        (Portal, r#""path":"*2025-01-03.zip","status":403"#, Fails(3), &[DAY, "the server answered 403"]),
        (Portal, r#""path":"*2025-01-03.zip","status":429,"retry_after":600"#, Fails(3), &[DAY, "answered 429", "it asks to be left alone for 600s"]),
        (Portal, r#""path":"*2025-01-03.zip*","status":404"#, Fails(1), &["error: BTCUSDT 15m: not on the portal: 2025-01-03"]),
        (Listed, r#""path":"*2025-01-03.zip*","status":404"#, Fails(1), &["error: BTCUSDT 15m: not on the portal: 2025-01-03"]),
        (Portal, r#""path":"*.zip*","status":404"#, Fails(1), &["error: the portal has nothing of BTCUSDT 15m from 2024-12 to 2025-01-09"]),
        (Whole, r#""path":"*.zip*","status":404"#, SameBars, &[]),
        (Whole, r#""path":"*2025-01-03.zip","status":404"#, SameBars, &[]),
        (Whole, r#""path":"*2025-01-03.zip","status":503"#, Fails(3), &[DAY, "the server answered 503"]),
        (Portal, r#""path":"*.CHECKSUM","status":404"#, SameBars, &["without CHECKSUM file: 10 archives"]),
        (Listed, r#""path":"/data.binance.vision","status":502,"next":2"#, Same, &[]),
        (Listed, r#""path":"/data.binance.vision","status":503"#, Fails(3), &["klines/BTCUSDT/15m/: the server answered 503"]),
        (Listed, r#""path":"/data.binance.vision","status":404"#, Fails(3), &["the listing is not there (404)"]),
        (Whole, r#""path":"/api/v3/klines","status":429,"retry_after":2,"next":1"#, Same, &["note: over the request limit (429): nothing is sent until 2025-01-10T10:20:3"]),
        (Rest, r#""path":"/api/v3/klines","status":429,"retry_after":2,"next":2"#, Same, &["over the request limit (429)"]),
        (Whole, r#""path":"/api/v3/klines","status":418,"retry_after":2,"next":1"#, Same, &["note: this address is banned (418): nothing is sent until 2025-01-10T10:20:3", "then it goes on by itself"]),
        (Whole, r#""path":"/api/v3/time","status":418,"retry_after":2,"next":1"#, Same, &["this address is banned (418)"]),
        (Rest, r#""path":"/api/*","status":500,"next":5"#, Same, &[]),
        (Rest, r#""path":"/api/v3/klines","status":504,"next":3"#, Same, &[]),
        (Whole, r#""path":"/api/v3/klines","status":503"#, Fails(3), &["error: klines of BTCUSDT 15m from 2025-01-10", "HTTP 503", "run the same command again"]),
        (Whole, r#""path":"/api/v3/klines","status":403"#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10", "HTTP 403"]),
        (Whole, r#""path":"/api/v3/klines","status":400"#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10", "-1000"]),
        (Whole, r#""path":"/api/v3/time","status":403"#, Fails(3), &["error: GET /api/v3/time", "HTTP 403", "nothing is asked over REST in this run"]),
        (Whole, r#""path":"/api/v3/exchangeInfo","status":403"#, Same, &["HTTP 403", "the request limits are taken for the lowest"]),
        (Trades, r#""path":"*.zip","status":503,"next":2"#, Same, &[]),
        (Trades, r#""path":"*2025-01-08.zip","status":503"#, Fails(3), &["BTCUSDT-aggTrades-2025-01-08.zip", "the server answered 503"]),
        (All, r#""path":"/data.binance.vision","status":403"#, Fails(3), &["error: data/spot/", "the server answered 403"]),
    ],
    Delay => [
        (Whole, r#""delay_ms":300"#, Same, &[]),
        (Rest, r#""delay_ms":200,"probability":0.5"#, Same, &[]),
        (Trades, r#""delay_ms":300"#, Same, &[]),
    ],
    Slow => [
        (Whole, r#""rate":150000"#, Same, &[]),
        (Rest, r#""path":"/api/*","rate":150000"#, Same, &[]),
        (Trades, r#""path":"*.zip","rate":1500000"#, Same, &[]),
    ],
    Cut => [
        (Portal, r#""path":"*.zip","next":6"#, Same, &[]),
        (Portal, r#""path":"*.zip*","bytes":0,"next":6"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip""#, Fails(3), &[]),
        (Listed, r#""path":"/data.binance.vision","next":2"#, Same, &[]),
        (Whole, r#""path":"/api/*","next":2"#, Same, &[]),
        (Rest, r#""path":"/api/v3/klines","next":5"#, Same, &[]),
        (Whole, r#""path":"/api/v3/klines""#, Fails(3), &[]),
        (Trades, r#""path":"*.zip","next":3"#, Same, &[]),
        (Trades, r#""path":"*.zip","bytes":1000"#, Fails(3), &["BTCUSDT-aggTrades-2025-01-08.zip: "]),
    ],
    WrongLength => [
        (Portal, r#""path":"*.zip*","next":6"#, Same, &[]),
        // All that there is has arrived; the server says so when it is asked for the rest.
        (Portal, r#""path":"*2025-01-03.zip""#, Same, &[]),
        (Listed, r#""path":"/data.binance.vision","next":2"#, Same, &[]),
        (Listed, r#""path":"/data.binance.vision""#, Fails(3), &["klines/BTCUSDT/15m/: "]),
        (Whole, r#""path":"/api/v3/klines","next":1"#, Same, &[]),
        (Whole, r#""path":"/api/v3/klines""#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: GET /api/v3/klines: "]),
        (Trades, r#""path":"*.zip""#, Same, &[]),
    ],
    Truncated => [
        (Portal, r#""path":"*.zip*","next":2"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip""#, Fails(1), &[DAY, "its SHA-256 is ", "it is not whole either", "fetch it again later"]),
        (Portal, r#""path":"*2025-01-03.zip","bytes":0"#, Fails(1), &[DAY, "it is not whole either"]),
        (Whole, r#""path":"*2025-01-03.zip""#, Fails(1), &[DAY, "it is not whole either"]),
        (Portal, r#""path":"*.CHECKSUM","next":1"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip.CHECKSUM""#, Fails(1), &["2025-01-03.zip.CHECKSUM: no CHECKSUM file: expected `<64 hex digits>"]),
        (Listed, r#""path":"/data.binance.vision","next":1"#, Same, &[]),
        (Listed, r#""path":"/data.binance.vision","bytes":0"#, Fails(3), &["klines/BTCUSDT/15m/: a listing was expected"]),
        (Listed, r#""path":"/data.binance.vision""#, Fails(3), &["klines/BTCUSDT/15m/: the listing cannot be read"]),
        (Whole, r#""path":"/api/v3/time","next":1"#, Same, &[]),
        (Whole, r#""path":"/api/v3/exchangeInfo","next":1"#, Same, &[]),
        (Rest, r#""path":"/api/v3/klines","next":2"#, Same, &[]),
        (Whole, r#""path":"/api/v3/klines""#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: GET /api/v3/klines: answer not understood"]),
        (Trades, r#""path":"*.zip","next":1"#, Same, &[]),
        (Trades, r#""path":"*.CHECKSUM","next":1"#, Same, &[]),
        (Trades, r#""path":"*2025-01-08.zip""#, Fails(1), &["BTCUSDT-aggTrades-2025-01-08.zip: "]),
    ],
    Corrupt => [
        (Portal, r#""path":"*.zip","next":2"#, Same, &[]),
        (Portal, r#""path":"*.CHECKSUM","next":1"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip""#, Fails(1), &[DAY, "its SHA-256 is ", "it is not whole either"]),
        // An entry of the listing may be lost by it; REST has it then.
        (Whole, r#""path":"/data.binance.vision","next":1"#, SameBars, &[]),
        (Whole, r#""path":"/api/v3/time","next":1"#, Same, &[]),
        (Rest, r#""path":"/api/v3/klines","next":2"#, Same, &[]),
        (Whole, r#""path":"/api/v3/klines""#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: GET /api/v3/klines: answer not understood"]),
        (Trades, r#""path":"*.zip","next":1"#, Same, &[]),
        (Trades, r#""path":"*2025-01-08.zip""#, Fails(1), &["BTCUSDT-aggTrades-2025-01-08.zip: its SHA-256 is "]),
    ],
    WrongChecksum => [
        (Portal, r#""next":2"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip*""#, Fails(1), &[DAY, "its SHA-256 is ", "its CHECKSUM file says 0123456789abcdef", "there is no other source", "fetch it again later"]),
        // The days of the month say that it is right.
        (Portal, r#""path":"*15m-2024-12.zip*""#, SameBars, &["note: data/spot/monthly/klines/BTCUSDT/15m/BTCUSDT-15m-2024-12.zip differs from its CHECKSUM file", "taken, with a stale checksum"]),
        (Whole, "", SameBars, &["with a stale CHECKSUM file: 10 archives"]),
        (Trades, r#""next":1"#, Same, &[]),
        (Trades, "", Fails(1), &["BTCUSDT-aggTrades-2025-01-08.zip: ", "its CHECKSUM file says 0123456789abcdef", "not compared with other sources"]),
    ],
    StaleChecksum => [
        (Portal, r#""next":2"#, Same, &[]),
        (Portal, r#""path":"*2025-01-03.zip*""#, Fails(1), &[DAY, "its SHA-256 is ", "its CHECKSUM file says ", "there is no other source"]),
        (Portal, r#""path":"*15m-2024-12.zip*","edition":"altered""#, SameBars, &["BTCUSDT-15m-2024-12.zip differs from its CHECKSUM file"]),
        (Whole, "", SameBars, &["with a stale CHECKSUM file: 10 archives"]),
        (Trades, "", Fails(1), &["BTCUSDT-aggTrades-2025-01-08.zip: ", "its CHECKSUM file says "]),
    ],
    Edition => [
        (Whole, r#""path":"*2024-12.zip*","edition":"early""#, SameBars, &["BTCUSDT-15m-2024-12.zip ends early, it has no bars from 2024-12-28T"]),
        (Portal, r#""path":"*2024-12.zip*","edition":"early""#, AsPublished, &["note: data/spot/monthly/klines/BTCUSDT/15m/BTCUSDT-15m-2024-12.zip ends early, it has no bars from 2024-12-28T", "to 2025-01-01T00:00:00Z"]),
        (Whole, r#""edition":"altered""#, AsPublished, &[]),
        (Portal, r#""path":"*2025-01-03.zip","edition":"early","next":1"#, Same, &[]),
        (Whole, r#""path":"*2025-01-03.zip","edition":"early""#, Fails(1), &[DAY, "its CHECKSUM file says ", "REST has "]),
        (Whole, r#""path":"*2025-01-03.zip","edition":"altered""#, Fails(1), &[DAY, "its CHECKSUM file says ", "REST has other values at 2025-01-03T00:00:00Z"]),
        // The edition changes while it is on its way.
        (Portal, r#"[{"kind":"cut","path":"*.zip","next":4},{"kind":"edition","path":"*.zip","edition":"altered","next":4}]"#, Same, &[]),
        (Trades, r#""path":"*2025-01-08.zip*""#, AsPublished, &["note: data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2025-01-08.zip or what follows it is cut short: ", "trade numbers are missing between 2025-01-08 and 2025-01-09"]),
        (Trades, r#"[{"kind":"cut","path":"*.zip","next":1},{"kind":"edition","path":"*.zip","edition":"early","next":1}]"#, Same, &[]),
    ],
    ReorderedRows => [
        (Whole, r#""next":2"#, Same, &[]),
        (Rest, r#""next":2"#, Same, &[]),
        (Whole, "", Fails(3), &["error: klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: the bar of 2025-01-10T", "comes after that of 2025-01-10T"]),
    ],
    DuplicatedRows => [
        (Whole, r#""next":2"#, Same, &[]),
        (Rest, r#""next":2"#, Same, &[]),
        (Whole, "", Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: 2 bars came where 1 were asked for"]),
        (Whole, r#""path":"/api/v3/klines?*limit=1000*""#, Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: the bar of 2025-01-10T"]),
    ],
    OtherRange => [
        (Whole, r#""next":1"#, Same, &[]),
        (Rest, r#""next":2"#, Same, &[]),
        (Whole, "", Fails(3), &["klines of BTCUSDT 15m from 2025-01-10T00:00:00Z: a bar of 2025-01-09T23:45:00Z came, which is outside of what was asked for"]),
        // The page before it is from before the market, and empty.
        (Young, r#""path":"/api/v3/klines?*limit=1000*","next":1"#, Same, &[]),
        (Young, r#""path":"/api/v3/klines?*limit=1000*""#, Fails(3), &["klines of NEWUSDT 15m from 2025-01-10T00:00:00Z: the bar of 2025-01-10T00:00:00Z is missing"]),
    ],
    EmptyPage => [
        (Listed, "", Fails(1), &["error: the portal has nothing of BTCUSDT 15m from 2024-12 to 2025-01-09"]),
        (Listed, r#""path":"*?*daily*""#, Fails(1), &["error: BTCUSDT 15m: not on the portal: 2025-01-01 2025-01-02"]),
        (Whole, "", SameBars, &[]),
        (Long, r#""path":"*?*daily*","after":1,"next":1"#, Same, &[]),
        (Long, r#""path":"*?*daily*","after":1"#, Fails(3), &["data/spot/daily/klines/BTCUSDT/1d/: the listing ends at `data/spot/daily/klines/BTCUSDT/1d/BTCUSDT-1d-20", "behind which there should be more"]),
        (All, "", Fails(2), &["error: the portal lists no market quoted in USDT"]),
        // The daily folders name all markets as well.
        (All, r#""path":"*?*monthly*","next":1"#, Same, &[]),
    ],
    RepeatedPage => [
        (Listed, "", Same, &[]),
        (Long, r#""path":"*?*daily*","after":1,"next":1"#, Same, &[]),
        (Long, r#""path":"*?*daily*","after":1"#, Fails(3), &["data/spot/daily/klines/BTCUSDT/1d/: the listing does not get on"]),
    ],
}

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
    some.iter().all(|bar| all.open_time.binary_search(&bar.open_time).is_ok_and(|at| all.bar(at) == bar))
}

fn are_intact(lake: &Path, job: Job) -> bool {
    let Some(series) = series(job) else { return true };
    let checks = Lake::new(lake).check(&[series]).unwrap();
    checks.iter().flat_map(|check| &check.files).all(|file| file.intact)
}
