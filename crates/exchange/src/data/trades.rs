//! Trades that could have made a bar: deterministic, and they sum up to it exactly.
//!
//! For: archives of trades, bars of a second, and the bar that is still open, in markets whose
//! bars are made up too. Not for: what really happened inside of a real bar.
//!
//! Volume, taker volume and number of trades are exact, and so is the column of quote volumes;
//! price × quantity agrees with it to within one step over the bar's range.

use std::ops::Range;

use candlewick_model::number::ONE;
use candlewick_model::time::SECOND;
use candlewick_model::{Amount, Bar, Bars, Price, Quantity, Timestamp};

/// A bar has at most so many joined trades.
const PRINTS_MAX: i64 = 40;

/// Trades of one taker order at one price, joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) time: Timestamp,
    pub(super) price: i64,
    /// In steps.
    steps: i128,
    step: i128,
    quote: i128,
    pub(super) is_buy: bool,
    /// How many trades were joined.
    pub(super) count: i64,
}

/// One trade of a joined one: quantity and quote volume.
type Part = (i128, i128);

impl Print {
    pub(super) fn quantity(&self) -> i128 {
        self.steps * self.step
    }

    /// The single trades in it.
    pub(super) fn parts(self) -> impl Iterator<Item = Part> {
        let count = i128::from(self.count);
        let (each, more) = (self.steps / count, self.steps % count);
        let mut left = self.quote;
        (0..count).map(move |at| {
            let quantity = (each + i128::from(at < more)) * self.step;
            let worth = i128::from(self.price) * quantity / i128::from(ONE);
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
    let common = Some(gcd(volume, taken)).filter(|step| *step > 0 && volume / step >= i128::from(bar.trades));
    let step = step.or(common).unwrap_or(1);
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
pub(super) fn count(bar: &Bar, grid: Option<(Price, Quantity)>) -> i64 {
    let (buys, sells, _) = cut(bar, grid);
    buys + sells
}

/// The prints inside of a bar, in order.
pub(super) fn inside(bar: &Bar, grid: Option<(Price, Quantity)>) -> Vec<Print> {
    let (buys, sells, step) = cut(bar, grid);
    let total = buys + sells;
    let tick = grid.map_or_else(|| tick_of(bar), |(tick, _)| tick.units()).max(1);
    let length = bar.close_time.micros() + 1 - bar.open_time.micros();
    let blank = |at: i64| Print {
        time: bar.open_time.plus(length * at / total / 1_000 * 1_000),
        price: path(bar, at, total, tick),
        steps: 0,
        step,
        quote: 0,
        is_buy: (at + 1) * buys / total != at * buys / total,
        count: 1,
    };
    let mut prints: Vec<Print> = (0..total).map(blank).collect();
    let (volume, quote) = (bar.volume.units() / step, bar.quote_volume.units());
    let (taken, taken_quote) = (bar.taker_buy_volume.units() / step, bar.taker_buy_quote_volume.units());
    for (is_buy, steps, worth) in [(true, taken, taken_quote), (false, volume - taken, quote - taken_quote)] {
        let mut side: Vec<&mut Print> = prints.iter_mut().filter(|print| print.is_buy == is_buy).collect();
        share_out(&mut side, steps, worth);
    }
    join(&mut prints, bar.trades, volume);
    prints
}

/// Open, the nearer extreme, the other one, close, and straight lines between them.
fn path(bar: &Bar, at: i64, total: i64, tick: i64) -> i64 {
    let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(Price::units);
    let (near, far) = if high - open <= open - low { (high, low) } else { (low, high) };
    let last = total - 1;
    let corners = [(0, open), (last / 3, near), (last * 2 / 3, far), (last, close)];
    if let Some((_, price)) = corners.iter().rev().find(|(corner, _)| *corner == at) {
        return *price;
    }
    let next = corners.iter().position(|(corner, _)| *corner > at).unwrap_or(3);
    let ((from, start), (to, end)) = (corners[next - 1], corners[next]);
    let moved = i128::from(end - start) * i128::from(at - from) / i128::from(to - from);
    start + moved as i64 / tick * tick
}

/// Shares the steps of one side out, so that their worth comes as near to what it must be as
/// steps allow; what is left of it goes to the largest print.
fn share_out(side: &mut [&mut Print], steps: i128, quote: i128) {
    let prints = side.len() as i128;
    if prints == 0 {
        return;
    }
    let worth = |price: i64, steps: i128, step: i128| i128::from(price) * steps * step / i128::from(ONE);
    let step = side[0].step;
    let order = |at: &usize| side[*at].price;
    let low = (0..side.len()).min_by_key(order).expect("not empty");
    let high = (0..side.len()).max_by_key(order).expect("not empty");
    let (low_price, high_price) = (side[low].price, side[high].price);
    let range = i128::from(high_price - low_price) * step;
    // An even share for all, as large as leaves room to reach the worth with the rest.
    let try_share = |percent: i128| {
        let each = (steps * percent / 100 / prints).max(1);
        let rest = steps - each * prints;
        let lacking = quote - side.iter().map(|print| worth(print.price, each, step)).sum::<i128>();
        let above = lacking - worth(low_price, rest, step);
        let highs = if range == 0 { 0 } else { above * i128::from(ONE) / range };
        (each, rest, highs)
    };
    let fits = |(_, rest, highs): &(i128, i128, i128)| (0..=*rest).contains(highs);
    let found = [80, 60, 40, 20, 10, 5, 1].map(try_share).into_iter().find(fits);
    let (each, rest, highs) = found.unwrap_or_else(|| try_share(0));
    let highs = highs.clamp(0, rest.max(0));
    side.iter_mut().for_each(|print| print.steps = each);
    side[low].steps += rest - highs;
    side[high].steps += highs;
    side.iter_mut().for_each(|print| print.quote = worth(print.price, print.steps, step));
    let left = quote - side.iter().map(|print| print.quote).sum::<i128>();
    side.iter_mut().max_by_key(|print| print.steps).expect("not empty").quote += left;
}

/// Says of every print how many trades it joins: in proportion to its size, and all of them.
fn join(prints: &mut [Print], trades: i64, steps: i128) {
    let mut left = trades - prints.len() as i64;
    let (room, more) = (steps - prints.len() as i128, i128::from(left));
    for print in prints.iter_mut() {
        let share = if room > 0 { more * (print.steps - 1) / room } else { 0 };
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
fn flat(bar: &Bar, price: Price) -> Bar {
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

fn add(bar: Bar, print: &Print) -> Bar {
    let price = Price::from_units(print.price);
    let more = |sum: Amount, part: i128| Amount::from_units(sum.units() + part);
    let taken = i128::from(print.is_buy);
    Bar {
        open: if bar.trades == 0 { price } else { bar.open },
        high: if bar.trades == 0 { price } else { bar.high.max(price) },
        low: if bar.trades == 0 { price } else { bar.low.min(price) },
        close: price,
        volume: more(bar.volume, print.quantity()),
        quote_volume: more(bar.quote_volume, print.quote),
        taker_buy_volume: more(bar.taker_buy_volume, print.quantity() * taken),
        taker_buy_quote_volume: more(bar.taker_buy_quote_volume, print.quote * taken),
        trades: bar.trades + print.count,
        ..bar
    }
}

/// The seconds of longer bars that open within a range. Seconds without a trade are there too.
pub(super) fn seconds(bars: &Bars, range: &Range<Timestamp>, grid: Option<(Price, Quantity)>) -> Bars {
    let rows = bars.open_time.partition_point(|t| *t < range.start)..bars.open_time.partition_point(|t| *t < range.end);
    let mut seconds = Bars::with_capacity(rows.len() * 60);
    for bar in rows.map(|row| bars.bar(row)) {
        let mut prints = inside(&bar, grid).into_iter().peekable();
        let (mut open_time, mut last) = (bar.open_time, bar.open);
        while open_time <= bar.close_time {
            let close_time = open_time.plus(SECOND - 1).min(bar.close_time);
            let mut second = flat(&Bar { open_time, close_time, ..bar }, last);
            while let Some(print) = prints.next_if(|print| print.time <= close_time) {
                second = add(second, &print);
            }
            last = second.close;
            seconds.push(second);
            open_time = open_time.plus(SECOND);
        }
    }
    seconds
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
    use candlewick_model::Interval;

    use super::super::aggregate::{Grid, aggregate};
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
