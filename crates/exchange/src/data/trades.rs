//! Trades that could have made a bar: deterministic, and they sum up to it exactly.
//!
//! For: archives of trades, bars of a second, and the bar that is still open, in markets whose
//! bars are made up too. Not for: what really happened inside of a real bar.
//!
//! Volume, taker volume and number of trades are exact, and so is the column of quote volumes;
//! price × quantity agrees with it to within one step over the bar's range.

use std::cmp::Ordering;
use std::ops::Range;

use candlewick_model::number::{ONE, product_floor};
use candlewick_model::time::SECOND;
use candlewick_model::{Amount, Bar, Bars, Price, Quantity, Timestamp};

/// A bar has at most so many joined trades.
const PRINTS_MAX: i64 = 40;

/// Trades of one taker order at one price, joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) time: Timestamp,
    pub(crate) price: i64,
    /// Which point of the path (rule 2.1) it leads up to: 0 at the open, 3 at the close.
    pub(crate) leg: usize,
    /// In steps.
    steps: i128,
    step: i128,
    quote: i128,
    pub(crate) is_buy: bool,
    /// How many trades were joined.
    pub(crate) count: i64,
}

/// One trade of a joined one: quantity and quote volume.
pub(crate) type Part = (i128, i128);

impl Print {
    pub(crate) fn quantity(&self) -> i128 {
        self.steps * self.step
    }

    /// The single trades in it.
    pub(crate) fn parts(self) -> impl Iterator<Item = Part> {
        let count = i128::from(self.count);
        let (each, more) = (self.steps / count, self.steps % count);
        let mut left = self.quote;
        (0..count).map(move |at| {
            let quantity = (each + i128::from(at < more)) * self.step;
            let worth = worth(self.price, quantity);
            let quote = if at + 1 == count { left } else { worth };
            left -= quote;
            (quantity, quote)
        })
    }
}

/// How a bar is cut: prints that buy, prints that sell, and the size of a step.
fn cut(bar: &Bar, grid: Option<(Price, Quantity)>) -> (i64, i64, i128) {
    let (volume, taken) = (bar.volume.units(), bar.taker_buy_volume.units());
    let step = grid.map(|(_, step)| i128::from(step.units())).filter(|step| volume % step == 0 && taken % step == 0);
    // No trade is smaller than a step: there must be enough of them.
    let is_enough = |step: &i128| *step > 0 && volume / step >= i128::from(bar.trades);
    let common = || Some(gcd(volume, taken)).filter(is_enough);
    let step = step.filter(is_enough).or_else(common).unwrap_or(1);
    if volume <= 0 || bar.trades <= 0 {
        return (0, 0, step);
    }
    let (bought, sold) = (taken / step, (volume - taken) / step);
    let prints = bar.trades.min(PRINTS_MAX);
    let share = i128::from(prints) * bought / (bought + sold);
    let buys = share.clamp(i128::from(bought > 0), bought.min(i128::from(prints)));
    let buys =
        if sold > 0 { buys.min((i128::from(prints) - 1).max(i128::from(bought > 0 && sold == 0))) } else { buys };
    let sells = (i128::from(prints) - buys).min(sold);
    (buys as i64, sells as i64, step)
}

/// How many prints a bar has.
pub(crate) fn count(bar: &Bar, grid: Option<(Price, Quantity)>) -> i64 {
    let (buys, sells, _) = cut(bar, grid);
    buys + sells
}

/// The prints inside of a bar, in order.
pub(crate) fn inside(bar: &Bar, grid: Option<(Price, Quantity)>) -> Vec<Print> {
    let (buys, sells, step) = cut(bar, grid);
    let total = buys + sells;
    let tick = grid.map_or_else(|| tick_of(bar), |(tick, _)| tick.units()).max(1);
    let way = corners(bar, total);
    let blank = |at: i64| {
        let (price, time, leg) = on_the_way(&way, at, tick);
        let is_buy = (at + 1) * buys / total != at * buys / total;
        Print { time, price, leg, steps: 0, step, quote: 0, is_buy, count: 1 }
    };
    let mut prints: Vec<Print> = (0..total).map(blank).collect();
    let (volume, quote) = (bar.volume.units() / step, bar.quote_volume.units());
    let (taken, taken_quote) = (bar.taker_buy_volume.units() / step, bar.taker_buy_quote_volume.units());
    for (is_buy, steps, worth) in [(true, taken, taken_quote), (false, volume - taken, quote - taken_quote)] {
        let mut side: Vec<&mut Print> = Vec::with_capacity(prints.len());
        side.extend(prints.iter_mut().filter(|print| print.is_buy == is_buy));
        share_out(&mut side, steps, worth);
    }
    join(&mut prints, bar.trades, volume);
    prints
}

/// Where the path turns: at which print, price and time, and which of the four points that is.
#[derive(Debug, Clone, Copy)]
struct Corner {
    at: i64,
    price: i64,
    time: Timestamp,
    leg: usize,
}

/// The extremes of a bar in the order in which the path reaches them (rule 2.2).
fn extremes(bar: &Bar) -> (Price, Price) {
    let is_low_first = match (bar.open.units() - bar.low.units()).cmp(&(bar.high.units() - bar.open.units())) {
        Ordering::Less => true,
        Ordering::Equal => bar.close > bar.open,
        Ordering::Greater => false,
    };
    if is_low_first { (bar.low, bar.high) } else { (bar.high, bar.low) }
}

/// How far a path is that has reached prices from `low` to `high` and nothing beyond: up to the
/// open, the first extreme or the second one.
pub(crate) fn leg_reached(bar: &Bar, low: Price, high: Price) -> usize {
    let has = |price: Price| low <= price && price <= high;
    let (near, far) = extremes(bar);
    usize::from(has(near)) + usize::from(has(near) && has(far))
}

/// The points of the bar's path as the matcher walks it (rules 2.1 to 2.3): open, the nearer
/// extreme at a third of the time, the other one at two thirds, close. Where there are fewer
/// prints than points, an extreme is left out that is the open or the close too.
fn corners(bar: &Bar, total: i64) -> Vec<Corner> {
    let (open, close) = (bar.open.units(), bar.close.units());
    let (near, far) = extremes(bar);
    let (near, far) = (near.units(), far.units());
    let length = bar.close_time.micros() - bar.open_time.micros();
    let last = total - 1;
    let corner = |leg: usize, at: i64| Corner {
        at,
        price: [open, near, far, close][leg],
        time: bar.open_time.plus(length * leg as i64 / 3),
        leg,
    };
    let is_new = |price: i64| price != open && price != close;
    match total {
        ..=1 => vec![corner(if open == close { 0 } else { 3 }, 0)],
        2 => vec![corner(0, 0), corner(3, 1)],
        3 => vec![corner(0, 0), corner(if is_new(near) { 1 } else { 2 }, 1), corner(3, 2)],
        _ => vec![corner(0, 0), corner(1, last / 3), corner(2, last * 2 / 3), corner(3, last)],
    }
}

/// Price, time and leg of a print: corners are met exactly, between them it goes straight on.
/// Times are whole milliseconds.
fn on_the_way(way: &[Corner], at: i64, tick: i64) -> (i64, Timestamp, usize) {
    let next = way.iter().position(|corner| corner.at >= at).expect("the last print is a corner");
    let to = way[next];
    let whole = |micros: i64| Timestamp::from_micros(micros.div_euclid(1_000) * 1_000);
    if to.at == at {
        return (to.price, whole(to.time.micros()), to.leg);
    }
    let from = way[next - 1];
    let (gone, legs) = (at - from.at, to.at - from.at);
    let moved = divided(i128::from(to.price - from.price) * i128::from(gone), legs.into());
    let passed = (to.time.micros() - from.time.micros()) * gone / legs;
    (from.price + moved as i64 / tick * tick, whole(from.time.micros() + passed), to.leg)
}

/// Price × quantity; without a division of 128 bits where it can be.
fn worth(price: i64, quantity: i128) -> i128 {
    match i64::try_from(quantity) {
        Ok(quantity) if price >= 0 && quantity >= 0 => product_floor(price, quantity),
        _ => i128::from(price) * quantity / i128::from(ONE),
    }
}

/// A quotient, likewise.
fn divided(a: i128, b: i128) -> i128 {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => i128::from(a / b),
        _ => a / b,
    }
}

/// Shares the steps of one side out, so that their worth comes as near to what it must be as
/// steps allow; what is left of it goes to the largest print.
fn share_out(side: &mut [&mut Print], steps: i128, quote: i128) {
    let prints = side.len() as i128;
    if prints == 0 {
        return;
    }
    let step = side[0].step;
    let order = |at: &usize| side[*at].price;
    let low = (0..side.len()).min_by_key(order).expect("not empty");
    let high = (0..side.len()).max_by_key(order).expect("not empty");
    let (low_price, high_price) = (side[low].price, side[high].price);
    let range = i128::from(high_price - low_price) * step;
    // An even share for all, as large as leaves room to reach the worth with the rest.
    let mut try_share = |percent: i128| {
        let each = (steps * percent / 100 / prints).max(1);
        let rest = steps - each * prints;
        for print in side.iter_mut() {
            print.steps = each;
            print.quote = worth(print.price, each * step);
        }
        let lacking = quote - side.iter().map(|print| print.quote).sum::<i128>();
        let above = lacking - i128::from(low_price) * rest * step / i128::from(ONE);
        let highs = if range == 0 { 0 } else { above * i128::from(ONE) / range };
        (rest, highs)
    };
    let fits = |(rest, highs): &(i128, i128)| (0..=*rest).contains(highs);
    let found = [80, 60, 40, 20, 10, 5, 1].into_iter().map(&mut try_share).find(fits);
    let (rest, highs) = found.unwrap_or_else(|| try_share(0));
    let highs = highs.clamp(0, rest.max(0));
    side[low].steps += rest - highs;
    side[high].steps += highs;
    for at in [low, high] {
        side[at].quote = worth(side[at].price, side[at].steps * step);
    }
    let left = quote - side.iter().map(|print| print.quote).sum::<i128>();
    side.iter_mut().max_by_key(|print| print.steps).expect("not empty").quote += left;
}

/// Says of every print how many trades it joins: in proportion to its size, and all of them.
fn join(prints: &mut [Print], trades: i64, steps: i128) {
    let mut left = trades - prints.len() as i64;
    let (room, more) = (steps - prints.len() as i128, i128::from(left));
    for print in prints.iter_mut() {
        let share = if room > 0 { divided(more * (print.steps - 1), room) } else { 0 };
        print.count += share as i64;
        left -= share as i64;
    }
    for print in prints.iter_mut() {
        let extra = i64::try_from(print.steps).unwrap_or(i64::MAX).saturating_sub(print.count).clamp(0, left);
        print.count += extra;
        left -= extra;
    }
}

/// What of a bar has happened at an instant; its times stay.
pub(super) fn so_far(bar: &Bar, now: Timestamp, grid: Option<(Price, Quantity)>) -> Bar {
    let prints = inside(bar, grid);
    let happened = prints.iter().filter(|print| print.time <= now);
    happened.fold(flat(bar, bar.open), add)
}

/// What of a second inside of a longer bar has happened at an instant.
pub(super) fn second_so_far(second: &Bar, longer: &Bar, now: Timestamp, grid: Option<(Price, Quantity)>) -> Bar {
    let prints = inside(longer, grid);
    let happened = prints.iter().filter(|print| (second.open_time..=now).contains(&print.time));
    happened.fold(flat(second, second.open), add)
}

/// A bar without a trade at a price.
pub(crate) fn flat(bar: &Bar, price: Price) -> Bar {
    Bar {
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Amount::ZERO,
        quote_volume: Amount::ZERO,
        taker_buy_volume: Amount::ZERO,
        taker_buy_quote_volume: Amount::ZERO,
        trades: 0,
        ..*bar
    }
}

/// A bar and one print more.
#[inline]
pub(crate) fn add(mut bar: Bar, print: &Print) -> Bar {
    let price = Price::from_units(print.price);
    if bar.trades == 0 {
        (bar.open, bar.high, bar.low) = (price, price, price);
    }
    (bar.high, bar.low, bar.close) = (bar.high.max(price), bar.low.min(price), price);
    let quantity = print.quantity();
    let add = |sum: &mut Amount, part: i128| *sum = Amount::from_units(sum.units() + part);
    add(&mut bar.volume, quantity);
    add(&mut bar.quote_volume, print.quote);
    if print.is_buy {
        add(&mut bar.taker_buy_volume, quantity);
        add(&mut bar.taker_buy_quote_volume, print.quote);
    }
    bar.trades += print.count;
    bar
}

/// The seconds of longer bars that open within a range. Seconds without a trade are there too.
pub(super) fn seconds(bars: &Bars, range: &Range<Timestamp>, grid: Option<(Price, Quantity)>) -> Bars {
    let rows = bars.open_time.partition_point(|t| t < range.start)..bars.open_time.partition_point(|t| t < range.end);
    let mut seconds = Bars::with_capacity(rows.len() * 60);
    for bar in rows.map(|row| bars.bar(row)) {
        seconds_of(&bar, &inside(&bar, grid)).for_each(|second| seconds.push(second));
    }
    seconds
}

/// The seconds of one longer bar, as prints inside of it make them.
pub(crate) fn seconds_of(bar: &Bar, prints: &[Print]) -> impl Iterator<Item = Bar> {
    let (bar, mut prints) = (*bar, prints.iter().peekable());
    let mut last = bar.open;
    let opens = std::iter::successors(Some(bar.open_time), |open| Some(open.plus(SECOND)));
    opens.take_while(move |open| *open <= bar.close_time).map(move |open_time| {
        let close_time = open_time.plus(SECOND - 1).min(bar.close_time);
        let mut second = flat(&Bar { open_time, close_time, ..bar }, last);
        while let Some(print) = prints.next_if(|print| print.time <= close_time) {
            second = add(second, print);
        }
        last = second.close;
        second
    })
}

fn tick_of(bar: &Bar) -> i64 {
    let offsets = [bar.open, bar.high, bar.close].map(|price| i128::from(price.units() - bar.low.units()));
    offsets.into_iter().fold(0, gcd) as i64
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use candlewick_model::Interval;

    use super::super::aggregate::{Grid, aggregate};
    use super::super::catalogue::Catalogue;
    use super::super::generated::MarketName;
    use super::*;

    fn day() -> Range<Timestamp> {
        "2023-03-01".parse().unwrap().."2023-03-02".parse().unwrap()
    }

    /// A day of a market, its grid.
    fn market(name: &str) -> (Bars, Option<(Price, Quantity)>) {
        let plan = name.parse::<MarketName>().unwrap().plan(1, Interval::OneMinute, &day());
        (plan.bars(), Some((plan.tick, plan.step)))
    }

    #[test]
    fn trades_sum_up_to_their_bar() {
        for (name, with_grid) in [("BTCUSDT", true), ("BTCUSDT", false), ("PEPEUSDT", true), ("C0033USDT", true)] {
            let (bars, grid) = market(name);
            let grid = grid.filter(|_| with_grid);
            // Every minute would be the same at greater length.
            for bar in bars.iter().step_by(23) {
                assert_eq!(so_far(&bar, bar.close_time, grid), bar, "{name}");
                let prints = inside(&bar, grid);
                assert_eq!(prints.len() as i64, count(&bar, grid));
                assert!(prints.is_sorted_by_key(|print| print.time));
                for print in &prints {
                    let parts: Vec<Part> = print.parts().collect();
                    assert_eq!(parts.len() as i64, print.count);
                    assert!(parts.iter().all(|(quantity, quote)| *quantity > 0 && *quote >= 0), "{print:?}");
                    assert_eq!(parts.iter().map(|part| part.0).sum::<i128>(), print.quantity());
                    assert_eq!(parts.iter().map(|part| part.1).sum::<i128>(), print.quote);
                }
                let worth = |print: &Print| i128::from(print.price) * print.quantity() / i128::from(ONE);
                let difference = prints.iter().map(worth).sum::<i128>() - bar.quote_volume.units();
                assert!(difference.abs() * 10_000 <= bar.quote_volume.units(), "{name} {difference} {bar:?}");
            }
        }
    }

    #[test]
    fn the_way_of_few_trades_is_that_of_their_bar() {
        let way = |prices: [i64; 4], trades: i64| {
            let [open, high, low, close] = prices.map(|price| Price::from_units(price * ONE));
            let volume = Amount::from_units(i128::from(10 * ONE));
            let quote = Amount::from_units(volume.units() * i128::from(prices[0]));
            // One trade has one taker.
            let part = if trades > 1 { 2 } else { 1 };
            let bar = Bar {
                open_time: Timestamp::from_micros(0),
                close_time: Timestamp::from_micros(59_999_999),
                taker_buy_volume: Amount::from_units(volume.units() / part),
                taker_buy_quote_volume: Amount::from_units(quote.units() / part),
                quote_volume: quote,
                trades,
                ..Bar { open, high, low, close, volume, ..day_bar() }
            };
            let prints = inside(&bar, None);
            assert_eq!(so_far(&bar, bar.close_time, None), bar);
            prints.iter().map(|print| (print.price / ONE, print.time.millis(), print.leg)).collect::<Vec<_>>()
        };
        assert_eq!(way([10, 10, 10, 10], 1), [(10, 0, 0)]);
        assert_eq!(way([10, 12, 10, 12], 2), [(10, 0, 0), (12, 59_999, 3)]);
        assert_eq!(way([10, 15, 8, 8], 3), [(10, 0, 0), (15, 39_999, 2), (8, 59_999, 3)], "8 comes last");
        assert_eq!(way([10, 15, 9, 15], 3), [(10, 0, 0), (9, 19_999, 1), (15, 59_999, 3)]);
        let equal = [(10, 0, 0), (8, 19_999, 1), (12, 39_999, 2), (11, 59_999, 3)];
        assert_eq!(way([10, 12, 8, 11], 4), equal, "equal, rising: low first");
        assert_eq!(way([10, 12, 8, 10], 4)[1].0, 12, "equal, flat: high first");
        let seven = way([10, 16, 8, 14], 7);
        assert_eq!(seven[2..5], [(8, 19_999, 1), (12, 29_999, 2), (16, 39_999, 2)]);
    }

    fn day_bar() -> Bar {
        market("BTCUSDT").0.bar(0)
    }

    /// Real bars have one trade, or takers on one side only, or prices off today's grid.
    #[test]
    fn real_bars_are_cut_too() {
        let root = std::env::var_os("CANDLEWICK_REALDATA")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
        let Ok(catalogue) = Catalogue::of_folder(&root.join("portal")) else {
            return println!("SKIPPED: no real market data in {} (set CANDLEWICK_REALDATA)", root.display());
        };
        let (tick, step) = (Price::from_units(1_000_000), Quantity::from_units(100_000));
        for (name, at) in [("ARBUSDT", "2023-03-25"), ("ETHUSDT", "2023-03-24"), ("BTCUSDT", "2023-03-24")] {
            let (symbol, at) = (name.parse().unwrap(), at.parse().unwrap());
            let bars = catalogue.around(symbol, Grid::utc(Interval::OneMinute), at).unwrap().bars;
            let first = bars.open_time.partition_point(|open| open < at);
            for bar in (first..bars.len().min(first + 1_440)).map(|row| bars.bar(row)) {
                for grid in [None, Some((tick, step))] {
                    let prints = inside(&bar, grid);
                    assert_eq!(so_far(&bar, bar.close_time, grid), bar, "{name}");
                    assert_eq!(prints.len() as i64, count(&bar, grid));
                    assert!(prints.iter().all(|print| print.quantity() > 0 && print.quote > 0), "{name} {bar:?}");
                    assert!(prints.is_sorted_by_key(|print| (print.time, print.leg)));
                }
            }
        }
    }

    #[test]
    fn seconds_sum_up_to_their_minute() {
        let (bars, grid) = market("ETHUSDT");
        let seconds = seconds(&bars, &day(), grid);
        assert_eq!(seconds.len(), bars.len() * 60);
        assert_eq!(aggregate(&seconds, Interval::OneSecond, Grid::utc(Interval::OneMinute)), bars);
    }

    #[test]
    fn a_bar_grows() {
        let (bars, grid) = market("BTCUSDT");
        let bar = bars.bar(5);
        let early = so_far(&bar, bar.open_time, grid);
        assert_eq!((early.open, early.close_time), (bar.open, bar.close_time));
        assert!(early.trades > 0 && early.trades < bar.trades && early.volume < bar.volume);
    }
}
