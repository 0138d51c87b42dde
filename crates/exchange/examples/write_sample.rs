//! Writes the sample in `data/sample` anew: `cargo run -p candlewick-exchange --example write_sample`.
//!
//! Three days of generated minutes as the Data Portal would publish them, and the exchangeInfo
//! that goes with them. The same bytes every time.

use std::path::Path;
use std::sync::Arc;

use candlewick_binance::archive::{ArchiveName, Checksum, pack, sha256_hex, unpack};
use candlewick_exchange::{MarketPlan, Portal};
use candlewick_model::{Interval, Period};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample");
    let days: Vec<Period> = ["2024-12-30", "2024-12-31", "2025-01-01"].map(|d| d.parse().expect("a date")).into();
    let (from, to) = (days[0].range().start, days[2].range().end);
    let plan = MarketPlan::bitcoin(7, Interval::OneMinute, from, to);
    let portal = Portal::of_bars(plan.symbol, plan.interval, Arc::new(plan.bars()));
    for period in days {
        let name = ArchiveName::klines(plan.symbol, plan.interval, period);
        let zip = portal.file(&name.path()).ok_or("the portal has its own days")?;
        // The server packs in a hurry; what is kept is packed well.
        let zip = pack(&format!("{}.csv", name.stem()), &unpack(&zip.bytes)?)?;
        let sum = Checksum { sha256: sha256_hex(&zip) }.text(&format!("{}.zip", name.stem()));
        for (path, bytes) in [(name.path(), zip), (format!("{}.CHECKSUM", name.path()), sum.into_bytes())] {
            let file = root.join("portal").join(&path);
            std::fs::create_dir_all(file.parent().ok_or("a file lies in a folder")?)?;
            std::fs::write(file, bytes)?;
        }
    }
    std::fs::write(root.join("exchangeInfo.json"), plan.exchange_info())?;
    Ok(())
}
