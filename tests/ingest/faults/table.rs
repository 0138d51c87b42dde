//! What each fault must lead to. A kind of fault without cases here does not compile.

use candlewick_exchange::faults::FaultKind;

use super::Case;
use super::End::{AsPublished, Fails, Same, SameBars};
use super::Job::{All, Listed, Long, Portal, Rest, Trades, Whole, Young};

/// The table; from it come both the list of all kinds and the cases of each.
macro_rules! cases_of_kinds {
    ($($kind:ident => $cases:expr,)*) => {
        pub(super) const KINDS: &[FaultKind] = &[$(FaultKind::$kind),*];

        pub(super) fn cases(kind: FaultKind) -> Vec<Case> {
            match kind {
                $(FaultKind::$kind => <[Case]>::to_vec(&$cases),)*
                // Those of the trading server are met in `exchange_faults`.
                FaultKind::Timeout
                | FaultKind::Lost
                | FaultKind::Clock
                | FaultKind::EventLost
                | FaultKind::EventTwice
                | FaultKind::EventLate
                | FaultKind::SocketDropped
                | FaultKind::SocketSilent => Vec::new(),
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
        (All, "", Fails(2), &["error: there is no market quoted in USDT"]),
        // The daily folders name all markets as well.
        (All, r#""path":"*?*monthly*","next":1"#, Same, &[]),
    ],
    RepeatedPage => [
        (Listed, "", Same, &[]),
        (Long, r#""path":"*?*daily*","after":1,"next":1"#, Same, &[]),
        (Long, r#""path":"*?*daily*","after":1"#, Fails(3), &["data/spot/daily/klines/BTCUSDT/1d/: the listing does not get on"]),
    ],
}
