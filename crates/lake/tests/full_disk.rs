//! A disk that is full: what was there stays as it was, nothing half is left, and once there is
//! room the same command ends with the same bytes as on a disk that never was full.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use candlewick_lake::{Chunk, Lake, SeriesName, Source, SourceState};
use candlewick_model::{Amount, Bar, Bars, Interval, Period, Price, Symbol, Timestamp};

const DISK: &str = "CANDLEWICK_TEST_DISK";

/// A small disk is mounted in a namespace of its own, where that is allowed, and the test is run
/// again there.
#[test]
fn a_full_disk_leaves_the_lake_valid() {
    if let Some(disk) = std::env::var_os(DISK) {
        return on_a_small_disk(Path::new(&disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=300k tmpfs \"$1\" || exit 77; exec \"$2\" --exact a_full_disk_leaves_the_lake_valid --nocapture";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, "sh"]).arg(folder.path()).arg(program).env(DISK, folder.path());
    let Ok(ended) = command.output() else { return println!("SKIPPED: no unshare") };
    let told = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    if told.contains("unshare: ") || ended.status.code() == Some(77) {
        return println!("SKIPPED: a disk cannot be mounted here: {told}");
    }
    assert!(ended.status.success() && told.contains("the disk was full"), "{told}");
}

fn on_a_small_disk(disk: &Path) {
    let series = SeriesName { symbol: Symbol::new("AB").unwrap(), interval: Interval::ThirtyMinutes };
    let whole = Timestamp::MIN..Timestamp::MAX;
    let small = Lake::new(&disk.join("lake"));
    let mut held = 0;
    let error = (1..=12).find_map(|month| {
        let put = small.writer(series).and_then(|writer| writer.put(vec![chunk(month)]));
        held += usize::from(put.is_ok());
        put.err()
    });
    let text = error.expect("twelve months do not fit").to_string();
    assert!(text.contains("interval=30m/2023-") && text.contains("No space left on device"), "{text}");
    println!("the disk was full: {text}");
    assert!((1..12).contains(&held), "{held}");

    // What fitted is there and right, the rest is not there at all.
    let files = small.files(&series).unwrap();
    assert_eq!(files.len(), held);
    let names: Vec<_> =
        std::fs::read_dir(series.folder(small.root())).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), held, "no temporary file stays: {names:?}");
    assert!(small.check(&[series]).unwrap()[0].files.iter().all(|file| file.intact));

    // An old file that cannot be replaced stays as it was: here by one that is larger.
    let before = small.bars(&series, whole.clone()).unwrap();
    let mut other = chunk(1);
    other
        .bars
        .trades
        .iter_mut()
        .enumerate()
        .for_each(|(row, trades)| *trades = (row as i64).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 1);
    std::fs::write(disk.join("filler"), vec![0; 300_000]).unwrap_err();
    small.writer(series).unwrap().put(vec![other]).unwrap_err();
    assert_eq!(small.bars(&series, whole.clone()).unwrap(), before);

    // Room again: the same run ends as if nothing had been.
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(disk).status().unwrap();
    assert!(grown.success());
    let folder = tempfile::tempdir().unwrap();
    let never_full = Lake::new(folder.path());
    for lake in [&small, &never_full] {
        lake.writer(series).unwrap().put((1..=12).map(chunk).collect()).unwrap();
    }
    let bytes = |lake: &Lake| -> Vec<_> {
        let names = lake.files(&series).unwrap().into_iter().map(|file| file.name);
        names.map(|name| std::fs::read(series.folder(lake.root()).join(name)).unwrap()).collect()
    };
    assert_eq!(bytes(&small).len(), 12);
    assert!(bytes(&small) == bytes(&never_full), "the same bytes");
}

fn chunk(month: u32) -> Chunk {
    let range = Period::Month { year: 2023, month }.range();
    let length = 1_800_000_000;
    let bar = |n: i64| {
        let open_time = range.start.plus(n * length);
        let price = Price::from_units(100_000 + n * 7_919 % 1_000);
        // Digits that do not compress.
        let amount = Amount::from_units(i128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c) >> 16);
        Bar {
            open_time,
            close_time: open_time.plus(length - 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: amount,
            quote_volume: amount,
            taker_buy_volume: amount,
            taker_buy_quote_volume: amount,
            trades: n,
        }
    };
    let bars: Bars = (0..(range.end.micros() - range.start.micros()) / length).map(bar).collect();
    let source = Source {
        path: format!("{month}.zip"),
        sha256: "00".into(),
        published_sha256: None,
        state: SourceState::Verified,
        time_unit: None,
        rows: bars.len(),
        from: range.start,
        to: range.end,
    };
    Chunk { bars, source }
}
