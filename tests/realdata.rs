//! Real candles of the exchange: every value in the lake against the CSVs, read here by other
//! means than the program's; and backtests over them with fills that were worked out by hand.
//!
//! The data are not part of the project. They are looked for in the folder that
//! `CANDLEWICK_REALDATA` names, then in `../shared/realdata` beside the workspace.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use candlewick_binance::archive::{decode, pack, unpack};
use candlewick_lake::{Lake, SeriesName};
use candlewick_model::{Bar, Bars, Symbol, Timestamp};
use tempfile::{TempDir, tempdir};

use crate::ingest::made::{Tree, name};
use crate::program::{Ended, ingest, run};

/// The folder of the data; where there is none, that is said even if the test passes.
pub(crate) fn realdata() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata");
    let folder = std::env::var_os("CANDLEWICK_REALDATA").map_or_else(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    writeln!(std::io::stderr(), "SKIPPED: {test}: no real data in {}", folder.display()).unwrap();
    None
}

fn portal(realdata: &Path) -> String {
    format!("file://{}", realdata.join("portal").display())
}

/// A decimal as a count of 1e-8.
fn e8(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 8, "{text}");
    format!("{whole}{part:0<8}").parse().unwrap()
}

/// A row's figures in the order of the archive: times in microseconds, the close time filled up
/// to its last microsecond, decimals in 1e-8.
type Figures = [i128; 11];

fn figures_of_row(row: &str) -> Figures {
    let fields: Vec<&str> = row.trim_end().split(',').collect();
    let time = |text: &str, rest: i128| match text.len() {
        13 => text.parse::<i128>().unwrap() * 1_000 + rest,
        16 => text.parse().unwrap(),
        _ => panic!("{row}"),
    };
    let mut figures = [0; 11];
    for (at, figure) in figures.iter_mut().enumerate() {
        *figure = match at {
            0 => time(fields[0], 0),
            6 => time(fields[6], 999),
            8 => fields[8].parse().unwrap(),
            _ => e8(fields[at]),
        };
    }
    figures
}

fn figures_of_bar(bar: Bar) -> Figures {
    let price = |p: candlewick_model::Price| i128::from(p.units());
    [
        bar.open_time.micros().into(),
        price(bar.open),
        price(bar.high),
        price(bar.low),
        price(bar.close),
        bar.volume.units(),
        bar.close_time.micros().into(),
        bar.quote_volume.units(),
        bar.trades.into(),
        bar.taker_buy_volume.units(),
        bar.taker_buy_quote_volume.units(),
    ]
}

/// The rows of every archive of a folder whose name begins with one of some prefixes, by name.
fn rows(folder: &Path, prefixes: &[&str]) -> Vec<Figures> {
    let mut csvs = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if file.ends_with(".zip") && prefixes.iter().any(|prefix| file.starts_with(prefix)) {
            let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
            let mut csv = String::new();
            archive.by_index(0).unwrap().read_to_string(&mut csv).unwrap();
            csvs.insert(file, csv);
        }
    }
    csvs.values().flat_map(|csv| csv.lines().map(figures_of_row)).collect()
}

fn bars(lake: &Path, symbol: &str, interval: &str) -> Bars {
    let series = SeriesName { symbol: Symbol::new(symbol).unwrap(), interval: interval.parse().unwrap() };
    Lake::new(lake).bars(&series, Timestamp::MIN..Timestamp::MAX).unwrap()
}

#[track_caller]
fn assert_equal(bars: &Bars, rows: &[Figures]) {
    assert_eq!(bars.len(), rows.len());
    for (bar, row) in bars.iter().zip(rows) {
        assert_eq!(figures_of_bar(bar), *row, "the bar of {}", bar.open_time);
    }
}

#[test]
fn a_month_of_minutes_with_an_outage() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    ingest(["BTCUSDT", "1m", "2023-03", "2023-03"], &portal(&realdata), folder.path()).assert(0, &[]);
    let archives = realdata.join("portal/data/spot/daily/klines/BTCUSDT/1m");
    let rows = rows(&archives, &["BTCUSDT-1m-2023-03-"]);
    assert_eq!(rows.len(), 31 * 1_440 - 80);
    assert_equal(&bars(folder.path(), "BTCUSDT", "1m"), &rows);
    let check = run(&["lake", "check", "--lake", &folder.path().display().to_string()]);
    check.assert(1, &[]);
    for told in [
        "44560 bars from 2023-03-01T00:00:00Z to 2023-03-31T23:59:00Z, 80 missing in 1 gaps",
        "gap     2023-03-24T12:40:00Z to 2023-03-24T14:00:00Z: 80 bars: halt of the market: 72 bars without trades right before it",
        "72 are without trades, from 2023-03-24T11:28:00Z to 2023-03-24T12:39:00Z",
        "1 end early, at 2023-03-24T12:39:00Z",
    ] {
        assert!(check.stdout.contains(told), "{told}: {check:#?}");
    }
}

#[test]
fn months_from_milliseconds_to_microseconds() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    let ended = ingest(["BTCUSDT", "1h", "2024-11", "2025-05"], &portal(&realdata), folder.path());
    ended.assert(0, &[]);
    assert_eq!(ended.stderr, "", "nothing odd about them");
    let rows = rows(&realdata.join("portal/data/spot/monthly/klines/BTCUSDT/1h"), &["BTCUSDT-1h-202"]);
    assert_equal(&bars(folder.path(), "BTCUSDT", "1h"), &rows);
}

#[test]
fn a_day_that_was_published_before_its_end() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    ingest(["ARBUSDT", "1h", "2023-07", "2023-07"], &portal(&realdata), folder.path()).assert(0, &[]);
    let rows = rows(&realdata.join("portal/data/spot/daily/klines/ARBUSDT/1h"), &["ARBUSDT-1h-2023-07-"]);
    assert_eq!(rows.len(), 30 * 24 + 3);
    assert_equal(&bars(folder.path(), "ARBUSDT", "1h"), &rows);
    let check = run(&["lake", "check", "--lake", &folder.path().display().to_string()]);
    for told in
        ["21 missing in 1 gaps", "cut file: data/spot/daily/klines/ARBUSDT/1h/ARBUSDT-1h-2023-07-27.zip ends before"]
    {
        assert!(check.stdout.contains(told), "{told}: {check:#?}");
    }
}

/// Other markets tell that the gap of 2023-03-24 was the exchange's, so that nothing is wrong.
#[test]
fn an_outage_of_the_exchange_is_no_problem_of_the_lake() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        ingest([symbol, "1m", "2023-03", "2023-03"], &portal(&realdata), folder.path()).assert(0, &[]);
    }
    let listed = ["ARBUSDT", "1m", "2023-03-23", "2023-03-31"];
    ingest(listed, &portal(&realdata), folder.path()).assert(0, &[]);
    let lake = folder.path().display().to_string();
    let page = folder.path().join("check.html");
    let check = run(&["lake", "check", "--lake", &lake, "--json", "--html", &page.display().to_string()]);
    check.assert(0, &[]);
    let json: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    for series in json.as_array().unwrap() {
        let gaps = series["gaps"].as_array().unwrap();
        assert_eq!(
            (gaps.len(), &gaps[0]["cause"], &gaps[0]["missing"]),
            (1, &"outage".into(), &80.into()),
            "{series:#}"
        );
        assert_eq!((&series["zero_volume"]["bars"], &series["severity"]), (&72.into(), &"fact".into()), "{series:#}");
    }
    assert_eq!((&json[0]["symbol"], &json[0]["head"]["kind"]), (&"ARBUSDT".into(), &"listing".into()));
    assert_eq!(json[0]["head"]["at"], "2023-03-23T15:00:00Z");
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("class=\"outage\"").count(), 1 + 3, "the legend, and a mark in each strip");
    assert!(!page.contains("http"), "nothing is fetched from anywhere");
    // One series alone: the footers of the others tell as well.
    run(&["lake", "check", "--lake", &lake, "--symbol", "BTCUSDT"]).assert(0, &[]);
}

/// Everything that can be made of finer archives, against the coarser archives. The sources are
/// equal in all nine columns, even around the outage: its bars are cut short in all intervals
/// alike, and absent alike.
#[test]
fn resampled_bars_are_those_of_the_archives() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    let lake = folder.path().display().to_string();
    for range in [
        ["BTCUSDT", "1m", "2023-01", "2023-12"],
        ["BTCUSDT", "15m", "2023-01", "2023-03"],
        ["BTCUSDT", "1h", "2023-01", "2024-01"],
        ["ETHUSDT", "1m", "2023-03", "2023-03"],
        ["ETHUSDT", "1h", "2023-01", "2024-01"],
        ["ETHUSDT", "1d", "2023-01", "2024-01"],
        ["SOLUSDT", "1h", "2023-01", "2024-01"],
    ] {
        ingest(range, &portal(&realdata), folder.path()).assert(0, &[]);
    }
    // The portal's copy begins later: these markets seem to be listed then.
    for range in [
        ["BTCUSDT", "1d", "2023-01", "2024-01"],
        ["SOLUSDT", "1d", "2023-01", "2024-01"],
        ["ARBUSDT", "1h", "2023-04", "2024-01"],
        ["ARBUSDT", "1d", "2023-08", "2024-01"],
    ] {
        ingest(range, &portal(&realdata), folder.path()).assert(0, &[]);
    }
    for (symbol, from, to, equal, partial) in [
        ("BTCUSDT", "1m", "15m", 8_635, 1),
        ("BTCUSDT", "1m", "1h", 8_759, 1),
        ("BTCUSDT", "15m", "1h", 2_159, 1),
        ("BTCUSDT", "1m", "1d", 139, 1),
        ("BTCUSDT", "1h", "1d", 170, 1),
        ("ETHUSDT", "1m", "1h", 743, 1),
        ("ETHUSDT", "1h", "1d", 396, 1),
        ("SOLUSDT", "1h", "1d", 170, 1),
        ("ARBUSDT", "1h", "1d", 170, 1),
    ] {
        let intervals = ["--from-interval", from, "--to-interval", to];
        let verify = ["lake", "resample", "--symbol", symbol, "--verify", "--json", "--lake", &lake];
        let ended = run(&[&verify[..], &intervals].concat());
        ended.assert(0, &[]);
        let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(json["differences"], serde_json::json!([]), "{symbol} {from} to {to}");
        assert_eq!(json["equal"], equal, "{symbol} {from} to {to}");
        assert_eq!(json["partial"].as_array().map(Vec::len), Some(partial), "{symbol} {from} to {to}: {json:#}");
    }
}

#[test]
fn an_exported_day_is_the_archives_csv() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    let lake = folder.path().display().to_string();
    for (interval, period, path) in [
        ("1m", "2023-03-24", "daily/klines/BTCUSDT/1m/BTCUSDT-1m-2023-03-24.zip"),
        ("1h", "2024-12", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-12.zip"),
        ("1h", "2025-01", "monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip"),
    ] {
        ingest(["BTCUSDT", interval, period, period], &portal(&realdata), folder.path()).assert(0, &[]);
        let export =
            ["lake", "export", "--symbol", "BTCUSDT", "--interval", interval, "--from", period, "--to", period];
        let ended = run(&[&export[..], &["--format", "csv", "--out", "-", "--lake", &lake]].concat());
        ended.assert(0, &[]);
        let zip = std::fs::read(realdata.join("portal/data/spot").join(path)).unwrap();
        assert!(ended.stdout.as_bytes() == unpack(&zip).unwrap(), "{path}");
    }
}

#[test]
fn how_the_rules_of_a_market_changed() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    let lake = folder.path().display().to_string();
    for entry in std::fs::read_dir(realdata.join("exchange_info")).unwrap() {
        let file = entry.unwrap().path().display().to_string();
        run(&["lake", "add-exchange-info", &file, "--lake", &lake]).assert(0, &[]);
    }
    let ended = run(&["lake", "filters", "BTCUSDT", "--json", "--lake", &lake]);
    ended.assert(0, &["2025-08-23T140658.087000Z.json.zst: rateLimits: REQUEST_WEIGHT of MINUTE lacks `intervalNum`"]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let changes = json["changes"].as_array().unwrap();
    let iceberg = changes.iter().find(|change| change["rule"] == "ICEBERG_PARTS.limit").unwrap();
    assert_eq!((&iceberg["old"], &iceberg["new"]), (&"10".into(), &"100".into()));
    assert_eq!(
        (&iceberg["after"], &iceberg["time"]),
        (&"2025-08-23T14:06:58.087Z".into(), &"2026-09-13T10:25:19.614Z".into())
    );
    let padding = changes.iter().find(|change| change["rule"] == "PRICE_FILTER.minNotional");
    assert!(padding.is_none(), "what the malformed snapshot writes into every filter is no rule: {padding:?}");
}

#[test]
fn files_with_a_header_hold_the_bars_of_the_archives() {
    let Some(realdata) = realdata() else { return };
    let folder = tempdir().unwrap();
    ingest(["BTCUSDT", "1h", "2023-01", "2023-05"], &portal(&realdata), folder.path()).assert(0, &[]);
    let mut with_header = Bars::default();
    for month in ["2023-01", "2023-02", "2023-03", "2023-04", "2023-05"] {
        let csv = std::fs::read(realdata.join(format!("csv_with_header/BTCUSDT-1h-{month}.csv"))).unwrap();
        with_header.append(decode(&csv, month.parse().unwrap()).unwrap().bars);
    }
    assert!(with_header == bars(folder.path(), "BTCUSDT", "1h"));
}

#[test]
fn futures_do_not_pass_for_spot_unnoticed() {
    let Some(realdata) = realdata() else { return };
    let (tree, folder) = (Tree::new(), tempdir().unwrap());
    let csv = std::fs::read(realdata.join("not_spot/1000PEPEUSDT-5m-2025-02.usdm.csv")).unwrap();
    tree.publish_csv(name("1000PEPEUSDT", "5m", "2025-02"), &csv);
    let ended = ingest(["1000PEPEUSDT", "5m", "2025-02", "2025-02"], &tree.address(), folder.path());
    ended.assert(0, &["note: ", "is it a futures archive?"]);
}

/// Hours of a token so cheap that its volumes do not fit 64 bits. The file has other columns
/// than an archive; volumes stand in for the figures that it lacks.
#[test]
fn volumes_of_cheap_tokens() {
    let Some(realdata) = realdata() else { return };
    let text = std::fs::read_to_string(realdata.join("csv_other_formats/PEPEUSDT_1h_ohlcv_2023-05_2023-12.csv"));
    let mut csv = String::new();
    for row in text.unwrap().lines().filter(|row| row.starts_with("2023-06-")) {
        let fields: Vec<&str> = row.split(',').collect();
        let open: Timestamp = format!("{}Z", fields[0]).parse().unwrap();
        let (open, close, volume) = (open.millis(), open.millis() + 3_599_999, fields[5]);
        csv += &format!("{open},{},{close},{volume},1,{volume},{volume},0\n", fields[1..6].join(","));
    }
    let (tree, folder) = (Tree::new(), tempdir().unwrap());
    tree.publish_csv(name("PEPEUSDT", "1h", "2023-06"), csv.as_bytes());
    ingest(["PEPEUSDT", "1h", "2023-06", "2023-06"], &tree.address(), folder.path()).assert(0, &[]);
    let rows: Vec<_> = csv.lines().map(figures_of_row).collect();
    assert!(rows.iter().any(|row| row[5] > i128::from(i64::MAX)), "a volume beyond 64 bits");
    assert_equal(&bars(folder.path(), "PEPEUSDT", "1h"), &rows);
}

#[test]
fn real_archives_are_packed_and_unpacked_unchanged() {
    let Some(realdata) = realdata() else { return };
    let path = realdata.join("portal/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-15.zip");
    let csv = unpack(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(unpack(&pack("a.csv", &csv).unwrap()).unwrap(), csv);
}

/// A lake with minutes of BTCUSDT, and a configuration for them with the exchange's rules of
/// 2024-09-08.
pub(crate) fn prepared(realdata: &Path, from: &str, to: &str, account: &str, strategy: &str) -> TempDir {
    let folder = tempdir().unwrap();
    ingest(["BTCUSDT", "1m", from, to], &portal(realdata), &folder.path().join("lake")).assert(0, &[]);
    let info = realdata.join("exchange_info/exchangeInfo_2024-09-08_full_trading.json");
    let configuration = format!(
        "symbol = \"BTCUSDT\"\ninterval = \"1m\"\nexchange_info = [{info:?}]\n[account]\n{account}\n[strategy]\n{strategy}\n"
    );
    std::fs::write(folder.path().join("run.toml"), configuration).unwrap();
    folder
}

pub(crate) fn backtest(folder: &Path) -> (Ended, serde_json::Value) {
    let at = |name: &str| folder.join(name).display().to_string();
    let ended = run(&["backtest", &at("run.toml"), "--lake", &at("lake"), "--out", &at("out"), "--json"]);
    ended.assert(0, &[]);
    let summary = serde_json::from_str(&ended.stdout).unwrap();
    (ended, summary)
}

#[test]
fn the_built_in_strategies_run_over_a_real_month() {
    let Some(realdata) = realdata() else { return };
    for strategy in [
        "name = \"ma-cross\"\nfast = 20\nslow = 100",
        "name = \"mean-reversion\"\nwindow = 60\nband = \"0.004\"\nstake = \"0.5\"",
    ] {
        let folder = prepared(&realdata, "2023-03", "2023-03", "USDT = 10000", strategy);
        let (_, summary) = backtest(folder.path());
        assert_eq!(summary["markets"][0]["gaps"][0]["missing"], 80, "{summary:#}");
        assert_eq!(summary["markets"][0]["assumed_filters"]["from"], "2023-03-01T00:00:00Z");
        let fills = std::fs::read_to_string(folder.path().join("out/fills.csv")).unwrap();
        assert!(fills.lines().count() > 20, "{strategy}: {fills}");
    }
}

/// The minutes of 2023-03-24 that decide, from the archive (open, high, low, close, volume):
///
/// ```text
/// 00:01  28302.33 28305.87 28297.18 28305.20   54.11668
/// 00:02  28305.20 28327.09 28304.65 28324.20   58.74309
/// 00:03  28324.19 28331.07 28307.84 28307.84   41.19092
/// 00:04  28307.84 28307.85 28292.24 28292.35   43.08761
/// 00:05  28292.34 28292.35 28283.67 28283.67   41.88619
/// 11:30  28080.00 28080.00 28080.00 28080.00    0          the outage begins without trades,
/// 14:00  28079.99 28079.99 27901.06 27925.59  293.30587    and from 12:40 on without bars
/// ```
///
/// Half spread one tick, a tenth of the volume, 0.1 % commission out of what is received:
///
/// - 00:01 MARKET BUY 0.5 takes the ask at the open, 28302.33 + 0.01 (1.5, 3.1): 14151.17 USDT;
///   commission 0.0005 BTC.
/// - 00:02 LIMIT SELL 0.4 at 28330 rests: the bid is 28305.19. The high of 00:02 does not reach
///   it. At 00:03 the high (6.88 from the open) comes before the low (16.35 from it, 2.2) and is
///   beyond the limit, so it fills there as maker at its limit (3.3), at the first extreme:
///   180 s + ⌊59.999999 / 3⌋ = 00:03:19.999999 (2.3). 11332 USDT, commission 11.332 USDT.
/// - 00:02 LIMIT SELL with a price off the tick: -1013, PRICE_FILTER.
/// - 00:04 LIMIT BUY 6 at 28292.50 rests below the ask of 28307.85. The high is a tick from the
///   open and comes first, the low goes through the limit at the second extreme,
///   240 s + ⌊59.999999 · 2 / 3⌋ = 00:04:39.999999. A tenth of 43.08761 on the step is 4.30876
///   (4.1): 121905.5923 USDT, commission 0.00430876 BTC.
/// - 00:05 opens at 28292.34, beyond the limit: the remaining 1.69124 fill there, at the limit
///   and not at the better open (3.3): 47849.4077 USDT, commission 0.00169124 BTC.
/// - 11:30 MARKET BUY 0.1 meets a bar without volume: NEW, then EXPIRED (2.4, 4.4).
/// - 13:00 MARKET SELL 1 falls into the gap and waits for the open of 14:00 (1.7): the bid is
///   28079.98, commission 28.07998 USDT.
///
/// USDT: 200000 − 14151.17 + 11332 − 11.332 − 121905.5923 − 47849.4077 + 28079.98 − 28.07998
///       = 55466.39802.
/// BTC:  0.5 − 0.0005 − 0.4 + 4.30876 − 0.00430876 + 1.69124 − 0.00169124 − 1 = 5.0935.
#[test]
fn fills_worked_out_by_hand() {
    let Some(realdata) = realdata() else { return };
    let strategy = "name = \"script\"\nfile = \"orders.jsonl\"";
    let folder = prepared(&realdata, "2023-03-24", "2023-03-24", "USDT = 200000", strategy);
    let order = |time: &str, rest: &str| {
        let time: Timestamp = format!("2023-03-24T{time}:00Z").parse().unwrap();
        format!("{{\"time\":{},\"action\":\"new\",\"symbol\":\"BTCUSDT\",{rest}}}\n", time.millis())
    };
    let orders = [
        order("00:01", r#""side":"BUY","type":"MARKET","quantity":"0.5""#),
        order("00:02", r#""side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.4","price":"28330""#),
        order("00:02", r#""side":"SELL","type":"LIMIT","timeInForce":"GTC","quantity":"0.01","price":"28330.001""#),
        order("00:04", r#""side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"6","price":"28292.50""#),
        order("11:30", r#""side":"BUY","type":"MARKET","quantity":"0.1""#),
        order("13:00", r#""side":"SELL","type":"MARKET","quantity":"1""#),
    ];
    std::fs::write(folder.path().join("orders.jsonl"), orders.concat()).unwrap();
    let (_, summary) = backtest(folder.path());

    let fills = std::fs::read_to_string(folder.path().join("out/fills.csv")).unwrap();
    let fills: Vec<String> = fills
        .lines()
        .skip(1)
        .map(|row| {
            let fields: Vec<&str> = row.split(',').collect();
            [fields[0], fields[5], fields[6], fields[7], fields[8], fields[9], fields[10], fields[11]].join(" ")
        })
        .collect();
    assert_eq!(
        fills,
        [
            "2023-03-24T00:01:00Z BUY 28302.34000000 0.50000000 14151.17000000 0.00050000 BTC TAKER",
            "2023-03-24T00:03:19.999999Z SELL 28330.00000000 0.40000000 11332.00000000 11.33200000 USDT MAKER",
            "2023-03-24T00:04:39.999999Z BUY 28292.50000000 4.30876000 121905.59230000 0.00430876 BTC MAKER",
            "2023-03-24T00:05:00Z BUY 28292.50000000 1.69124000 47849.40770000 0.00169124 BTC MAKER",
            "2023-03-24T14:00:00Z SELL 28079.98000000 1.00000000 28079.98000000 28.07998000 USDT TAKER",
        ]
    );
    assert_eq!(summary["account"]["USDT"]["free"], "55466.39802000", "{:#}", summary["account"]);
    assert_eq!(summary["account"]["BTC"]["free"], "5.09350000");
    let rejected = &summary["rejections"];
    assert_eq!((rejected[0]["code"].as_i64(), rejected.as_array().map(Vec::len)), (Some(-1013), Some(1)));
    assert_eq!(rejected[0]["msg"], "Filter failure: PRICE_FILTER");
    let events = std::fs::read_to_string(folder.path().join("out/events.jsonl")).unwrap();
    let expired: Vec<_> = events.lines().filter(|line| line.contains("INSUFFICIENT_LIQUIDITY")).collect();
    assert!(expired.len() == 1 && expired[0].contains("2023-03-24T11:30:00Z"), "{expired:?}");
}
