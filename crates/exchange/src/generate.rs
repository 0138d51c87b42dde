//! A seeded, plausible market: bars with volatility clusters, volume, a gap and dead minutes.
//!
//! For: the demo and for tests on machines without real data. Not for: judging a strategy; it
//! has no drift, no memory and nobody in it.
//!
//! The same seed gives the same bytes on any machine: a fixed generator, `libm` functions
//! only, and floats that end at the rounding to ticks and steps.

use candlewick_model::{Amount, Asset, Bar, Bars, Interval, Price, Quantity, Symbol, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketPlan {
    /// Everything follows from it.
    pub seed: u64,
    /// The market's name.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base_asset: Asset,
    /// In what it is paid.
    pub quote_asset: Asset,
    /// Length of the bars.
    pub interval: Interval,
    /// The first bar opens here.
    pub from: Timestamp,
    /// No bar opens here or later.
    pub to: Timestamp,
    /// Where the price begins.
    pub first_price: Price,
    /// Prices are multiples of it.
    pub tick: Price,
    /// Volumes are multiples of it.
    pub step: Quantity,
    /// Base asset in a quiet minute.
    pub minute_volume: u64,
    /// How many trades a minute has, of ten thousand of Bitcoin's.
    pub liquidity: u32,
    /// Where the exchange stands still for a while, if it does.
    pub outage: Option<Timestamp>,
}

impl MarketPlan {
    /// A market like BTCUSDT in early 2023.
    #[must_use]
    pub fn bitcoin(seed: u64, interval: Interval, from: Timestamp, to: Timestamp) -> Self {
        let text = "a short name";
        Self {
            seed,
            symbol: Symbol::new("BTCUSDT").expect(text),
            base_asset: Asset::new("BTC").expect(text),
            quote_asset: Asset::new("USDT").expect(text),
            interval,
            from,
            to,
            first_price: Price::from_units(23_000 * candlewick_model::number::ONE),
            tick: Price::from_units(1_000_000),
            step: Quantity::from_units(1_000),
            minute_volume: MINUTE_VOLUME,
            liquidity: FULL_LIQUIDITY,
            outage: Outage::usual(interval, from, to),
        }
    }

    /// The bars.
    #[must_use]
    pub fn bars(&self) -> Bars {
        let opens = opens(self.interval, self.from, self.to);
        let outage = Outage::of(&opens, self.outage);
        let mut walk = Walk::new(self);
        opens
            .iter()
            .enumerate()
            .filter(|(row, _)| !outage.is_missing(*row))
            .map(|(row, open_time)| {
                let close_time = self.interval.close_of(*open_time);
                if outage.is_dead(row) {
                    walk.dead_bar(*open_time, close_time)
                } else {
                    walk.bar(*open_time, close_time)
                }
            })
            .collect()
    }
}

/// When the bars of a stretch open.
fn opens(interval: Interval, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    std::iter::successors(Some(from), |open| Some(interval.next_open(*open))).take_while(|open| *open < to).collect()
}

/// Where the exchange stood still: some bars without a trade, then none at all, as on
/// 2023-03-24; and a dead minute here and there.
struct Outage {
    dead_from: usize,
    missing_from: usize,
    missing_to: usize,
}

impl Outage {
    const DEAD: usize = 7;
    const MISSING: usize = 35;

    /// Some two fifths into the market.
    fn usual(interval: Interval, from: Timestamp, to: Timestamp) -> Option<Timestamp> {
        let opens = opens(interval, from, to);
        opens.get(opens.len() * 2 / 5).copied()
    }

    /// From an instant on, shorter if the market is short.
    fn of(opens: &[Timestamp], at: Option<Timestamp>) -> Self {
        let Some(at) = at else { return Self { dead_from: 0, missing_from: 0, missing_to: 0 } };
        let dead_from = opens.partition_point(|open| *open < at);
        let missing_from = dead_from + Self::DEAD;
        let missing_to = if opens.len() > 10 * Self::MISSING { missing_from + Self::MISSING } else { missing_from };
        Self { dead_from, missing_from, missing_to }
    }

    fn is_missing(&self, row: usize) -> bool {
        (self.missing_from..self.missing_to).contains(&row)
    }

    fn is_dead(&self, row: usize) -> bool {
        (self.dead_from..self.missing_from).contains(&row) || row % 1_999 == 997
    }
}

/// The state that moves from bar to bar.
struct Walk<'a> {
    plan: &'a MarketPlan,
    random: ChaCha8Rng,
    /// The price so far, in ticks.
    ticks: i64,
    /// The deviation of one bar's return, in logarithms.
    log_volatility: f64,
    usual_log_volatility: f64,
}

/// A one-minute return of Bitcoin deviates by some four basis points.
const MINUTE_VOLATILITY: f64 = 0.0004;
/// Bitcoin in a quiet minute.
const MINUTE_VOLUME: u64 = 60;
/// As many trades as Bitcoin has.
const FULL_LIQUIDITY: u32 = 10_000;

impl<'a> Walk<'a> {
    fn new(plan: &'a MarketPlan) -> Self {
        let usual = libm::log(MINUTE_VOLATILITY * libm::sqrt(minutes_of(plan.interval)));
        Self {
            plan,
            random: ChaCha8Rng::seed_from_u64(plan.seed),
            ticks: plan.first_price.units() / plan.tick.units(),
            log_volatility: usual,
            usual_log_volatility: usual,
        }
    }

    /// Evenly between 0 and 1, never 0.
    fn even(&mut self) -> f64 {
        ((self.random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Normally around 0 with deviation 1.
    fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.even()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.even())
    }

    fn bar(&mut self, open_time: Timestamp, close_time: Timestamp) -> Bar {
        let shock = self.normal();
        self.log_volatility =
            self.usual_log_volatility + 0.985 * (self.log_volatility - self.usual_log_volatility) + 0.12 * shock;
        // A jump now and then, so that opens differ from closes and limits are passed over.
        let jump = if self.even() < 0.02 { 1.5 } else { 0.05 };
        let volatility = libm::exp(self.log_volatility);
        let open = moved(self.ticks, jump * volatility * self.normal());
        let close = moved(open, volatility * self.normal());
        let (up, down) = (self.normal(), self.normal());
        let high = moved(open.max(close), 0.5 * volatility * libm::fabs(up));
        let low = moved(open.min(close), -0.5 * volatility * libm::fabs(down));
        self.ticks = close;
        let activity = volatility / libm::exp(self.usual_log_volatility);
        let quiet = self.plan.minute_volume as f64;
        let volume = quiet * minutes_of(self.plan.interval) * libm::pow(activity, 1.3) * libm::exp(0.6 * self.normal());
        self.with_volume(
            Bar {
                open_time,
                close_time,
                open: self.price(open),
                high: self.price(high),
                low: self.price(low),
                close: self.price(close),
                ..nothing(open_time)
            },
            volume,
        )
    }

    /// A bar in which nobody traded.
    fn dead_bar(&mut self, open_time: Timestamp, close_time: Timestamp) -> Bar {
        let price = self.price(self.ticks);
        Bar { open_time, close_time, open: price, high: price, low: price, close: price, ..nothing(open_time) }
    }

    /// Volume, its worth at a price inside the bar, the takers' part and the number of trades.
    fn with_volume(&mut self, bar: Bar, volume: f64) -> Bar {
        let step = self.plan.step.units();
        let one = i128::from(candlewick_model::number::ONE);
        let steps = round(volume * candlewick_model::number::ONE as f64 / step as f64).max(1);
        let taken = round(steps as f64 * (0.5 + 0.12 * self.normal()).clamp(0.0, 1.0)).min(steps);
        let inside = self.even();
        let range = bar.high.units() - bar.low.units();
        let average = Price::from_units(bar.low.units() + round(range as f64 * inside).min(range));
        // Of cheap assets more is traded in a bar than an order's quantity could say.
        let units = |steps: i64| Amount::from_units(i128::from(steps) * i128::from(step));
        let worth = |steps: i64| Amount::from_units(i128::from(average.units()) * units(steps).units() / one);
        let of_bitcoin = f64::from(self.plan.liquidity) / f64::from(FULL_LIQUIDITY);
        let as_bitcoin = MINUTE_VOLUME as f64 / self.plan.minute_volume as f64 * of_bitcoin;
        let trades = round(volume * (15.0 + 10.0 * self.even()) * as_bitcoin).clamp(steps.min(4), steps);
        Bar {
            volume: units(steps),
            quote_volume: worth(steps),
            taker_buy_volume: units(taken),
            taker_buy_quote_volume: worth(taken),
            trades,
            ..bar
        }
    }

    fn price(&self, ticks: i64) -> Price {
        Price::from_units(ticks * self.plan.tick.units())
    }
}

/// A price in ticks moved by a return; never below ten ticks.
fn moved(ticks: i64, log_return: f64) -> i64 {
    round(ticks as f64 * libm::exp(log_return)).max(10)
}

/// The nearest integer; what is generated here is far inside of `i64`.
fn round(value: f64) -> i64 {
    libm::round(value) as i64
}

fn minutes_of(interval: Interval) -> f64 {
    let month = 30 * candlewick_model::time::DAY;
    interval.micros().unwrap_or(month) as f64 / candlewick_model::time::MINUTE as f64
}

/// A bar of zeros, to be filled.
fn nothing(at: Timestamp) -> Bar {
    Bar {
        open_time: at,
        close_time: at,
        open: Price::ZERO,
        high: Price::ZERO,
        low: Price::ZERO,
        close: Price::ZERO,
        volume: Amount::ZERO,
        quote_volume: Amount::ZERO,
        taker_buy_volume: Amount::ZERO,
        taker_buy_quote_volume: Amount::ZERO,
        trades: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(seed: u64) -> (MarketPlan, Bars) {
        let (from, to) = ("2023-03-01".parse().unwrap(), "2023-04-01".parse().unwrap());
        let plan = MarketPlan::bitcoin(seed, Interval::OneMinute, from, to);
        (plan, plan.bars())
    }

    #[test]
    fn every_bar_is_consistent_and_on_the_grid() {
        let (plan, bars) = month(1);
        let step = i128::from(plan.step.units());
        for bar in bars.iter() {
            assert_eq!(bar.check(), Ok(()));
            for price in [bar.open, bar.high, bar.low, bar.close] {
                assert_eq!(price.floor_to(plan.tick), price);
            }
            assert_eq!((bar.volume.units() % step, bar.taker_buy_volume.units() % step), (0, 0));
            assert!(bar.taker_buy_volume <= bar.volume && bar.taker_buy_quote_volume <= bar.quote_volume);
            if !bar.volume.is_zero() {
                let one = i128::from(candlewick_model::number::ONE);
                let worth = |price: Price| i128::from(price.units()) * bar.volume.units() / one;
                assert!((worth(bar.low)..=worth(bar.high)).contains(&bar.quote_volume.units()));
            }
        }
    }

    #[test]
    fn it_has_what_real_markets_have() {
        let (_, bars) = month(1);
        let minutes = 31 * 24 * 60;
        assert_eq!(bars.len(), minutes - Outage::MISSING, "one gap");
        let dead = bars.volume.iter().filter(|v| v.is_zero()).count();
        assert!((Outage::DEAD..100).contains(&dead), "{dead} minutes without a trade");
        // Clusters: large moves follow large moves.
        let moves: Vec<f64> = bars.iter().map(|b| (b.high.to_f64() - b.low.to_f64()) / b.open.to_f64()).collect();
        let mean = moves.iter().sum::<f64>() / moves.len() as f64;
        let after_large: Vec<f64> = moves.windows(2).filter(|w| w[0] > 2.0 * mean).map(|w| w[1]).collect();
        assert!(after_large.iter().sum::<f64>() / after_large.len() as f64 > 1.3 * mean);
        let last = bars.close[bars.len() - 1].to_f64();
        assert!((2_300.0..230_000.0).contains(&last), "{last}");
    }

    #[test]
    fn the_seed_decides_everything() {
        let (_, bars) = month(7);
        assert_eq!(month(7).1, bars);
        assert_ne!(month(8).1.close, bars.close);
        // Frozen: another value here is another market for everybody who named this seed.
        let last = bars.bar(bars.len() - 1);
        assert_eq!((&*last.close.to_string(), &*last.volume.to_string()), FROZEN);
    }
    const FROZEN: (&str, &str) = ("25235.67000000", "70.29078000");
}
