//! Bars of a second, at any point and by any page.

use super::*;

#[test]
fn seconds_are_those_of_the_archives_and_make_the_minutes() {
    let plan = MarketPlan { outage: Some(start().plus(HOUR)), ..plan(5, Interval::OneMinute) };
    let bars = plan.bars();
    let grid = Some((plan.tick, plan.step));
    let whole = bars.iter().flat_map(|bar| trades::seconds_of(&bar, &trades::inside(&bar, grid)).collect::<Vec<_>>());
    let whole: Bars = whole.collect();
    let mut exchange = LocalExchange::new(&setup(&plan));
    let seconds = |exchange: &LocalExchange, start, end, limit| {
        let request = klines::Request {
            symbol: plan.symbol,
            grid: Grid::utc(Interval::OneSecond),
            wanted: Wanted { start, end, limit },
        };
        only(exchange).bars(exchange.catalogue(), &request)
    };
    assert!(seconds(&exchange, None, None, 9).is_empty());
    let at = |second: i64| start().plus(second * 1_000_000);
    exchange.step(Some(at(50))).unwrap();
    // The path stands at two thirds of the minute.
    let told = seconds(&exchange, Some(at(0)), None, 1_000);
    assert_eq!((told.len(), told.slice(0..39)), (40, whole.slice(0..39)));
    while !exchange.step(None).unwrap().ended {}
    let all = seconds(&exchange, Some(at(-5)), None, usize::MAX);
    assert_eq!(all, whole);
    assert_eq!(aggregate(&all, Interval::OneSecond, Grid::utc(Interval::OneMinute)), bars);
    // Pages, over the outage too.
    let last = whole.len();
    assert_eq!(seconds(&exchange, None, None, 70), whole.slice(last - 70..last));
    let row = whole.open_time.partition_point(|open| open < at(2 * 3_600));
    assert!(whole.open_time.at(row) == at(2 * 3_600) && row < 7_200);
    assert_eq!(seconds(&exchange, None, Some(at(7_200)), 5_000), whole.slice(row + 1 - 5_000..row + 1));
    assert_eq!(seconds(&exchange, Some(at(3_600)), Some(at(7_200)), 5_000), {
        let from = whole.open_time.partition_point(|open| open < at(3_600));
        whole.slice(from..(row + 1).min(from + 5_000))
    });
    assert!(seconds(&exchange, Some(at(9)), Some(at(8)), 5).is_empty());
}
