//! Bars on their way into a lake, as if they had been fetched over REST.

use candlewick_lake::{Chunk, Source, SourceState, content_sha256};
use candlewick_model::Bars;

/// All bars that there are from the first one's open to the last one's close.
pub(crate) fn fetched(bars: Bars) -> Chunk {
    let source = Source {
        path: "/api/v3/klines".into(),
        sha256: content_sha256(&bars),
        published_sha256: None,
        state: SourceState::Rest,
        time_unit: None,
        rows: bars.len(),
        from: bars.open_time.first().expect("there are bars"),
        to: bars.close_time.last().expect("there are bars").plus(1),
    };
    Chunk { bars, source }
}
