//! Closed bars over REST, page by page.
//!
//! For: cutting a range into pages, several of them on their way, checking each. Not for:
//! waiting, weights and answers that cannot be read (`binance::market`), nor for what is done
//! with the bars (`rest`).

use std::ops::Range;

use candlewick_binance::market::MarketClient;
use candlewick_binance::rest::{KlineRange, RestError};
use candlewick_lake::SeriesName;
use candlewick_model::time::{DAY, SECOND};
use candlewick_model::{Bar, Bars, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::error::Trouble;
use crate::rest::{Answer, BarSource, Paged};

/// Bars of a full page.
const PAGE: u16 = 1_000;
/// Pages on their way at a time; the client lets fewer go when it must.
const PAGES_AT_A_TIME: usize = 8;
/// A page that is not what was asked for is asked for so often.
const TRIES: u32 = 3;
/// A bar is taken for closed so long after its close time.
const GRACE: i64 = SECOND;

impl BarSource for MarketClient {
    fn closed_bars(&self, series: SeriesName, range: Range<Timestamp>) -> Answer<'_> {
        Box::pin(closed_bars(self, series, range))
    }

    fn server_time(&self) -> Timestamp {
        self.server_time()
    }
}

/// All closed bars that open within a range.
pub async fn closed_bars(client: &MarketClient, series: SeriesName, range: Range<Timestamp>) -> Result<Paged, Trouble> {
    let mut bars = Bars::default();
    let mut at = range.start;
    // Where nothing comes, the next bar is asked for, so that years before a listing cost one page,
    // and a page that was empty by mistake is found out.
    while at < range.end {
        let Some(first) = next_bar(client, series, at).await?.filter(|first| *first < range.end) else { break };
        at = pages(client, series, first..range.end, &mut bars).await?;
    }
    let now = client.server_time().plus(-GRACE);
    let is_open = |bar: &Bar| bar.close_time >= now;
    let closed = bars.iter().position(|bar| is_open(&bar)).unwrap_or(bars.len());
    let first_open = bars.open_time.get(closed).unwrap_or(Timestamp::MAX);
    let end = range.end.min(first_open).min(series.interval.open_at(now)).max(range.start);
    let rows = bars.open_time.partition_point(|open| open < end).min(closed);
    Ok(Paged { bars: bars.slice(0..rows), answered: range.start..end })
}

/// When the first bar from an instant on opens.
async fn next_bar(client: &MarketClient, series: SeriesName, from: Timestamp) -> Result<Option<Timestamp>, Trouble> {
    let wanted = from..Timestamp::MAX;
    Ok(page(client, series, wanted, 1, false).await?.first().map(|bar| bar.open_time))
}

/// Fetches pages from a bar on until one is empty or the range ends, and says from where nothing
/// is known.
async fn pages(
    client: &MarketClient,
    series: SeriesName,
    range: Range<Timestamp>,
    bars: &mut Bars,
) -> Result<Timestamp, Trouble> {
    let length = series.interval.micros().unwrap_or(31 * DAY).saturating_mul(PAGE.into());
    let first = range.start;
    let mut at = first;
    let cuts = std::iter::from_fn(|| {
        let part = at..at.plus(length).min(range.end);
        at = part.end;
        (!part.is_empty()).then_some(part)
    });
    let mut answers =
        stream::iter(cuts)
            .map(|part| async move {
                Ok::<_, Trouble>((whole(client, series, part.clone(), part.start == first).await?, part))
            })
            .buffered(PAGES_AT_A_TIME);
    while let Some((page, part)) = answers.try_next().await? {
        if page.is_empty() {
            return Ok(part.start);
        }
        page.into_iter().for_each(|bar| bars.push(bar));
    }
    Ok(range.end)
}

/// All bars of a part that should be one page. After outages bars may lie closer than usual, so
/// that they are more.
async fn whole(
    client: &MarketClient,
    series: SeriesName,
    part: Range<Timestamp>,
    begins: bool,
) -> Result<Vec<Bar>, Trouble> {
    let mut bars = page(client, series, part.clone(), PAGE, begins).await?;
    let mut arrived = bars.len();
    while arrived == usize::from(PAGE) {
        let last = bars.last().expect("a full page").open_time;
        let rest = last.plus(1_000)..part.end;
        if rest.is_empty() {
            break;
        }
        let more = page(client, series, rest, PAGE, false).await?;
        arrived = more.len();
        bars.extend(more);
    }
    Ok(bars)
}

/// One page, asked for again if it is not what was asked for. It is known whether it `begins`
/// with a bar at the range's start.
async fn page(
    client: &MarketClient,
    series: SeriesName,
    wanted: Range<Timestamp>,
    limit: u16,
    begins: bool,
) -> Result<Vec<Bar>, Trouble> {
    let end = (wanted.end < Timestamp::MAX).then(|| wanted.end.plus(-1));
    let range = KlineRange { start: Some(wanted.start), end, limit: Some(limit) };
    let request = || format!("klines of {series} from {}", wanted.start);
    let trouble = |why| Trouble::Rest { request: request(), why };
    let mut tries = 0;
    loop {
        let answer = client.klines(series.symbol, series.interval, range).await;
        let bars = answer.map_err(|error| match error {
            RestError::Refused(refusal) => Trouble::Refused { request: request(), refusal },
            error => trouble(error.to_string()),
        })?;
        let lacks_first = begins && bars.first().is_none_or(|bar| bar.open_time != wanted.start);
        let missing = || lacks_first.then(|| format!("the bar of {} is missing, which was there before", wanted.start));
        let Some(why) = fault(&bars, &series, &wanted, limit).or_else(missing) else { return Ok(bars) };
        tries += 1;
        if tries == TRIES {
            return Err(trouble(why));
        }
    }
}

/// What is wrong with a page.
fn fault(bars: &[Bar], series: &SeriesName, wanted: &Range<Timestamp>, limit: u16) -> Option<String> {
    if bars.len() > limit.into() {
        return Some(format!("{} bars came where {limit} were asked for", bars.len()));
    }
    if let Some(pair) = bars.windows(2).find(|pair| pair[0].open_time >= pair[1].open_time) {
        let (before, next) = (pair[0].open_time, pair[1].open_time);
        return Some(format!("the bar of {next} comes after that of {before}"));
    }
    if let Some(bar) = bars.iter().find(|bar| !wanted.contains(&bar.open_time)) {
        return Some(format!("a bar of {} came, which is outside of what was asked for", bar.open_time));
    }
    let longest = series.interval.micros().unwrap_or(31 * DAY);
    let long = |bar: &&Bar| bar.close_time.micros() - bar.open_time.micros() >= longest;
    bars.iter().find(long).map(|bar| format!("the bar of {} is longer than {}", bar.open_time, series.interval))
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Amount, Interval, Price, Symbol};

    use super::*;

    fn bar(minute: i64) -> Bar {
        let open_time = Timestamp::from_micros(1_700_000_040 * SECOND + minute * 60 * SECOND);
        let (price, zero) = (Price::from_units(1), Amount::ZERO);
        Bar {
            open_time,
            close_time: open_time.plus(60 * SECOND - 1),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: zero,
            quote_volume: zero,
            taker_buy_volume: zero,
            taker_buy_quote_volume: zero,
            trades: 0,
        }
    }

    #[test]
    fn pages_that_are_not_what_was_asked_for() {
        let series = SeriesName { symbol: Symbol::new("A").unwrap(), interval: Interval::OneMinute };
        let wanted = bar(0).open_time..bar(10).open_time;
        let told = |bars: &[Bar]| fault(bars, &series, &wanted, 5).unwrap_or_default();
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[bar(0), bar(3), bar(9)]), "", "holes are what REST says");
        assert!(told(&[bar(1), bar(0)]).starts_with("the bar of 2023-11-14T22:14:00Z comes after"));
        assert!(told(&[bar(1), bar(1)]).contains("comes after"));
        assert!(told(&[bar(9), bar(10)]).contains("outside of what was asked for"));
        assert!(told(&[0, 1, 2, 3, 4, 5].map(bar)).starts_with("6 bars came where 5"));
        let hour = Bar { close_time: bar(60).open_time.plus(-1), ..bar(0) };
        assert!(told(&[hour]).ends_with("is longer than 1m"));
    }
}
