//! The generated market that the demo and `exchange serve --generate` share.

use candlewick_exchange::MarketPlan;
use candlewick_model::time::DAY;
use candlewick_model::{Interval, Period, Timestamp};

/// A generated market of one-minute bars, from a day on, for some days.
pub(crate) fn market(seed: u64, from: Timestamp, days: u32) -> MarketPlan {
    MarketPlan::bitcoin(seed, Interval::OneMinute, from, from.plus(i64::from(days) * DAY))
}

/// The configuration of a run over it, from one month or day to another.
pub(crate) fn configuration(from: Period, to: Period) -> String {
    format!(
        r#"# A run over the generated market; docs/configuration.md explains every key.
symbol = "BTCUSDT"
interval = "1m"
from = "{from}"
to = "{to}"

[account]
USDT = 10000

[strategy]
name = "mean-reversion"
window = 60
band = 0.002
stake = 0.5
reprice = 30

[fills]
path = "nearest"
volume_share = 0.1

[fees]
maker = 0.0002
taker = 0.0004
"#
    )
}
