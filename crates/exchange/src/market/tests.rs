//! What holds at every point of any path.

mod seconds;

use candlewick_binance::archive::Dataset;
use candlewick_model::number::ONE;
use candlewick_model::run::{FillModel, PathModel};
use candlewick_model::time::{DAY, HOUR, MINUTE};
use candlewick_model::{
    Account, Action, Amount, Bars, Command, ExchangeInfo, Interval, Quantity, RawParameters, TimeUnit, Trade,
};
use candlewick_simulator::{Detail, DetailSource, MovingMean, Setup, Unreadable};
use proptest::prelude::*;

use super::*;
use crate::MarketPlan;
use crate::data::aggregate::{Grid, aggregate};
use crate::data::view::Wanted;
use crate::data::{trade_csv, trades};
use crate::local::LocalExchange;

pub(crate) fn start() -> Timestamp {
    "2023-03-01".parse().unwrap()
}

pub(crate) fn market(plan: &MarketPlan) -> Market {
    let mut info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
    let instrument = info.instruments.remove(&plan.symbol).unwrap();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    Market::new(timeline, FillModel::default(), plan.interval, Arc::new(plan.bars()))
}

/// Twelve hours of a market.
pub(crate) fn plan(seed: u64, interval: Interval) -> MarketPlan {
    MarketPlan::bitcoin(seed, interval, start(), start().plus(DAY / 2))
}

pub(crate) fn setup(plan: &MarketPlan) -> Setup {
    let rich = |asset| (asset, "1000000".parse().unwrap());
    Setup::of_one(market(plan), Account::from_iter([rich(plan.base_asset), rich(plan.quote_asset)]))
}

pub(crate) fn bars_of(exchange: &LocalExchange, view: View<'_>, grid: Grid, start: Option<Timestamp>) -> Bars {
    let wanted = Wanted { start, end: None, limit: 100_000 };
    view.bars(exchange.catalogue(), &klines::Request { symbol: view.market.symbol, grid, wanted })
}

pub(crate) fn only(exchange: &LocalExchange) -> View<'_> {
    exchange.views().next().unwrap()
}

/// Open, high, low, close, volume, quote volume, what takers bought, number of trades.
pub(crate) type Told = (Price, Price, Price, Price, i128, i128, i128, i64);

/// Trades as the bar that they make.
pub(crate) fn made(trades: &[Trade]) -> Option<Told> {
    let prices = || trades.iter().map(|trade| trade.price);
    let sum = |of: fn(&Trade) -> i128| trades.iter().map(of).sum::<i128>();
    Some((
        prices().next()?,
        prices().max()?,
        prices().min()?,
        prices().next_back()?,
        sum(|trade| trade.quantity.units().into()),
        sum(|trade| trade.quote_quantity.units()),
        sum(|trade| if trade.aggressor == Side::Buy { trade.quantity.units().into() } else { 0 }),
        trades.len() as i64,
    ))
}

pub(crate) fn told(bar: &Bar) -> Told {
    let volume = (bar.volume.units(), bar.quote_volume.units(), bar.taker_buy_volume.units());
    (bar.open, bar.high, bar.low, bar.close, volume.0, volume.1, volume.2, bar.trades)
}

pub(crate) fn place(exchange: &mut LocalExchange, side: &str, offset: i64) {
    let tick = only(exchange).instrument().filters.tick().units();
    let price = Price::from_units(only(exchange).last_price().units() / tick * tick + offset * tick).to_string();
    let raw: RawParameters = [
        ("symbol", "BTCUSDT"),
        ("side", side),
        ("type", "LIMIT"),
        ("timeInForce", "GTC"),
        ("quantity", "0.5"),
        ("price", price.as_str()),
    ]
    .into_iter()
    .collect();
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(raw))).unwrap();
}

/// What must hold wherever the market stands.
fn check(exchange: &LocalExchange) {
    let view = only(exchange);
    let now = view.now();
    // The book never crosses, and its levels are in order.
    let book = view.book(20);
    assert!(book.bids[0].0 < book.asks[0].0, "{book:?}");
    assert!(book.bids.is_sorted_by(|a, b| a.0 > b.0) && book.asks.is_sorted_by(|a, b| a.0 < b.0));
    assert!(book.bids.iter().chain(&book.asks).all(|(_, quantity)| *quantity > Quantity::ZERO));
    // Nothing is later than now; the last trade has the venue's price.
    let minutes = bars_of(exchange, view, Grid::utc(Interval::OneMinute), None);
    let Some(last) = minutes.len().checked_sub(1) else { return };
    let bar = minutes.bar(last);
    let total = minutes.trades.iter().sum::<i64>();
    let trades = view.trades(Some(total - bar.trades), 1_000_000);
    assert!(trades.iter().all(|trade| trade.time <= now));
    assert!(trades.iter().enumerate().all(|(at, trade)| trade.id == total - bar.trades + at as i64));
    // The trades of the running bar make it.
    if bar.trades > 0 {
        assert_eq!(made(&trades), Some(told(&bar)));
        assert_eq!((bar.close, trades.last().unwrap().price), (view.last_price(), view.last_price()));
    }
    // So do its seconds.
    let seconds = bars_of(exchange, view, Grid::utc(Interval::OneSecond), Some(bar.open_time));
    let sum = |bars: &Bars| (bars.volume.sum(0..bars.len()), bars.quote_volume.sum(0..bars.len()));
    assert_eq!((sum(&seconds), seconds.trades.iter().sum()), ((bar.volume, bar.quote_volume), bar.trades));
    assert!(seconds.open_time.last().is_some_and(|open| open <= now));
    let joined = view.joined_trades(&Joined::Until(Timestamp::MAX), 40);
    let joined_sum: i64 = joined.iter().map(|t| t.last_trade_id - t.first_trade_id + 1).sum();
    assert_eq!(joined.last().unwrap().last_trade_id, total - 1);
    assert!(
        joined.windows(2).all(|two| two[0].id + 1 == two[1].id && two[0].last_trade_id + 1 == two[1].first_trade_id)
    );
    assert_eq!(view.joined_trades(&Joined::FromId(joined[0].id), 1_000), joined);
    assert!(joined_sum > 0 && joined.iter().all(|trade| trade.time <= now));
    // Windows that begin with a bar are the sums of bars, longer bars are those of shorter ones.
    for back in [1, 7, 60, 24 * 60] {
        let from = Interval::OneMinute.open_at(now).plus(-back * MINUTE);
        let inside: Vec<Bar> = minutes.iter().filter(|bar| bar.open_time >= from && bar.trades > 0).collect();
        let window = view.statistics(from);
        let sum = |of: fn(&Bar) -> Amount| inside.iter().map(|bar| of(bar).units()).sum::<i128>();
        assert_eq!(window.volume.units(), sum(|bar| bar.volume));
        assert_eq!(window.quote_volume.units(), sum(|bar| bar.quote_volume));
        assert_eq!(window.count, inside.iter().map(|bar| bar.trades).sum::<i64>());
        assert_eq!(window.high, inside.iter().map(|bar| bar.high).max().unwrap_or_default());
        assert_eq!(window.low, inside.iter().map(|bar| bar.low).min().unwrap_or_default());
        assert_eq!(window.open, inside.first().map(|bar| bar.open).unwrap_or_default());
        assert_eq!(window.close, inside.last().map(|bar| bar.close).unwrap_or_default());
    }
    for interval in [Interval::ThreeMinutes, Interval::OneHour, Interval::OneDay, Interval::OneMonth] {
        let longer = bars_of(exchange, view, Grid::utc(interval), None);
        let (volume, trades) = (longer.volume.sum(0..longer.len()), longer.trades.iter().sum::<i64>());
        assert_eq!((volume, trades), (minutes.volume.sum(0..minutes.len()), total), "{interval}");
        assert_eq!(longer.close[longer.len() - 1], bar.close);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn market_data_hang_together(
        seed in 0..1_000_u64,
        moves in proptest::collection::vec((0..4_u8, -30..30_i64, 1..100_i64), 1..25),
    ) {
        let mut exchange = LocalExchange::new(&setup(&plan(seed, Interval::OneMinute)));
        let mut updates = only(&exchange).book(1).last_update_id;
        for (kind, offset, seconds) in moves {
            match kind {
                0 => place(&mut exchange, "BUY", offset),
                1 => place(&mut exchange, "SELL", offset),
                2 => {
                    let until = exchange.now().plus(seconds * 1_000_000);
                    exchange.step(Some(until)).unwrap();
                }
                _ => {
                    exchange.step(None).unwrap();
                }
            }
            check(&exchange);
            let next = only(&exchange).book(1).last_update_id;
            prop_assert!(next >= updates);
            updates = next;
        }
    }

    /// A window that begins anywhere has exactly the trades from there on.
    #[test]
    fn windows_are_sums_of_trades(seed in 0..1_000_u64, back in 0..400_000_000_i64, steps in 1..12_usize) {
        let plan = MarketPlan { liquidity: 100, ..plan(seed, Interval::OneMinute) };
        let mut exchange = LocalExchange::new(&setup(&plan));
        for _ in 0..steps {
            exchange.step(None).unwrap();
        }
        exchange.step(Some(exchange.now().plus(21_000_000))).unwrap();
        let view = only(&exchange);
        let from = view.now().plus(-back);
        let all = view.trades(Some(0), 10_000_000);
        let (before, inside) = all.split_at(all.partition_point(|trade| trade.time < from));
        let window = view.statistics(from);
        prop_assert_eq!(window.count, inside.len() as i64);
        prop_assert_eq!(window.previous_close, before.last().map(|trade| trade.price).unwrap_or_default());
        if let Some((open, high, low, close, volume, quote, _, _)) = made(inside) {
            prop_assert_eq!((window.open, window.high, window.low, window.close), (open, high, low, close));
            prop_assert_eq!((window.volume.units(), window.quote_volume.units()), (volume, quote));
            prop_assert_eq!((window.first_id, window.last_id), (inside[0].id, inside[inside.len() - 1].id));
            prop_assert_eq!(window.last_quantity, inside[inside.len() - 1].quantity);
        } else {
            prop_assert_eq!((window.first_id, window.last_id, window.close), (-1, -1, Price::ZERO));
        }
    }
}

#[test]
fn a_bar_shows_no_more_than_its_path_has_reached() {
    let plan = plan(5, Interval::OneMinute);
    let bars = plan.bars();
    let mut exchange = LocalExchange::new(&setup(&plan));
    assert!(bars_of(&exchange, only(&exchange), Grid::utc(Interval::OneMinute), None).is_empty());
    assert_eq!(only(&exchange).trades(None, 10), []);
    let (bar, grid) = (bars.bar(0), Some((plan.tick, plan.step)));
    let prints = trades::inside(&bar, grid);
    for (seconds, leg) in [(0, 0), (10, 0), (20, 1), (39, 1), (40, 2), (59, 2)] {
        exchange.step(Some(start().plus(seconds * 1_000_000))).unwrap();
        let view = only(&exchange);
        let running = bars_of(&exchange, view, Grid::utc(Interval::OneMinute), None);
        let expected = prints.iter().filter(|print| print.leg <= leg);
        let expected = Bar { close_time: bar.close_time, ..expected.fold(trades::flat(&bar, bar.open), trades::add) };
        assert_eq!((running.len(), running.bar(0)), (1, expected), "after {seconds} s");
    }
    exchange.step(None).unwrap();
    let closed = bars_of(&exchange, only(&exchange), Grid::utc(Interval::OneMinute), None);
    assert_eq!((closed.len(), closed.bar(0)), (1, bar));
}

#[test]
fn joined_trades_by_number_and_time() {
    let mut exchange = LocalExchange::new(&setup(&plan(5, Interval::OneMinute)));
    for _ in 0..5 {
        exchange.step(None).unwrap();
    }
    let view = only(&exchange);
    let all = view.joined_trades(&Joined::FromId(0), 1_000);
    assert_eq!(all.iter().map(|trade| trade.id).collect::<Vec<_>>(), (0..all.len() as i64).collect::<Vec<_>>());
    let (start, end) = (start().plus(MINUTE), start().plus(2 * MINUTE));
    let inside: Vec<_> = all.iter().filter(|t| (start..=end).contains(&t.time)).copied().collect();
    assert_eq!(view.joined_trades(&Joined::From(start, end), 1_000), inside);
    assert_eq!(view.joined_trades(&Joined::From(start, end), 3), inside[..3]);
    assert_eq!(view.joined_trades(&Joined::Until(end), inside.len()), inside[..]);
    assert_eq!(view.joined_trades(&Joined::From(end, start), 10), []);
    assert_eq!(view.joined_trades(&Joined::FromId(1_000_000), 10), []);
    assert_eq!(view.trades(Some(i64::MAX), 10), []);
}

#[test]
fn several_markets_keep_their_own_time() {
    let bitcoin = plan(5, Interval::OneMinute);
    let other = MarketPlan {
        seed: 9,
        symbol: "ETHUSDT".parse().unwrap(),
        base_asset: "ETH".parse().unwrap(),
        interval: Interval::FiveMinutes,
        ..bitcoin
    };
    let mut both = setup(&bitcoin);
    both.markets.push(Market { reference: Reference::Mean(MovingMean::new(1_000, 60)), ..market(&other) });
    let mut exchange = LocalExchange::new(&both);
    let ethereum =
        |exchange: &LocalExchange| exchange.view("ETHUSDT".parse().unwrap()).unwrap().trades(None, 1_000_000).len();
    for minute in 1..=4 {
        assert_eq!(exchange.step(None).unwrap().bars, 1, "minute {minute}");
    }
    assert!(ethereum(&exchange) > 0);
    assert_eq!(exchange.step(None).unwrap().bars, 2, "both close at once");
    let view = exchange.view("ETHUSDT".parse().unwrap()).unwrap();
    assert_eq!(ethereum(&exchange) as i64, other.bars().trades[0]);
    assert_eq!(view.last_price(), other.bars().close[0]);
    assert!(view.reference().unwrap().0.is_some());
    // A command for the market that opens later waits for it.
    let raw: RawParameters =
        [("symbol", "ETHUSDT"), ("side", "SELL"), ("type", "MARKET"), ("quantity", "1")].into_iter().collect();
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(raw))).unwrap();
    assert_eq!(exchange.now(), start().plus(5 * MINUTE));
}

#[test]
fn averages_are_those_of_the_rule() {
    let plan = plan(5, Interval::OneMinute);
    let bars = plan.bars();
    let mut exchange = LocalExchange::new(&setup(&plan));
    assert_eq!(only(&exchange).average().0, bars.open[0], "nothing has closed: the last price");
    for _ in 0..7 {
        exchange.step(None).unwrap();
    }
    exchange.step(Some(exchange.now().plus(1))).unwrap();
    let (quote, base) = (bars.quote_volume.sum(2..7).units(), bars.volume.sum(2..7).units());
    let (price, minutes, last) = only(&exchange).average();
    // Five minutes back from the open of the eighth: the third has closed a microsecond later.
    let expected = bars.average_price(7, exchange.now(), 5).unwrap();
    assert_eq!((price, minutes), (expected, 5));
    assert_eq!(i128::from(price.units()), quote * i128::from(ONE) / base);
    assert!(last <= exchange.now() && last > exchange.now().plus(-MINUTE));
}

#[test]
fn reference_prices_as_recorded() {
    let plan = plan(5, Interval::OneHour);
    let (first, second) = (start().plus(HOUR), start().plus(2 * HOUR));
    let price = Some("23000".parse().unwrap());
    let recorded = Reference::Recorded(Arc::from([(first, price), (second, None)]));
    let mut with = setup(&plan);
    with.markets[0].reference = recorded;
    let mut exchange = LocalExchange::new(&with);
    assert_eq!(only(&exchange).reference(), None, "it has never been set");
    exchange.step(Some(first)).unwrap();
    exchange.step(Some(first)).unwrap();
    assert_eq!(only(&exchange).reference(), Some((price, first)));
    exchange.step(Some(second.plus(5))).unwrap();
    exchange.step(Some(second.plus(5))).unwrap();
    assert_eq!(only(&exchange).reference(), Some((None, second)));
}

/// Shorter bars inside of longer ones.
pub(crate) struct Inside(pub(crate) Arc<Bars>);

impl DetailSource for Inside {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let opens = &self.0.open_time;
        let rows = opens.partition_point(|open| open < open_time)..opens.partition_point(|open| open <= close_time);
        Ok((!rows.is_empty()).then(|| Detail::Bars(Arc::clone(&self.0), rows)))
    }
}

#[test]
fn along_detail_nothing_shows_before_the_path_has_been_there() {
    for seed in 0..4 {
        let plan = plan(seed, Interval::OneMinute);
        let minutes = Arc::new(plan.bars());
        let hours = Arc::new(aggregate(&minutes, Interval::OneMinute, Grid::utc(Interval::OneHour)));
        let mut with = setup(&plan);
        let market = &mut with.markets[0];
        market.fill_model.path = PathModel::Detail;
        market.interval = Interval::OneHour;
        market.bars = Arc::clone(&hours);
        market.details = vec![Arc::new(Inside(Arc::clone(&minutes)))];
        let mut exchange = LocalExchange::new(&with);
        let mut seen = 0;
        for minute in 0..240 {
            let now = start().plus(minute * MINUTE + 30_000_000);
            exchange.step(Some(now)).unwrap();
            if exchange.now() < now {
                exchange.step(Some(now)).unwrap();
            }
            let view = only(&exchange);
            let open = Interval::OneHour.open_at(now);
            let reached = |bar: &Bar| bar.open_time >= open && bar.open_time <= now;
            let (low, high) = minutes
                .iter()
                .filter(reached)
                .fold((Price::MAX, Price::ZERO), |(low, high), bar| (low.min(bar.low), high.max(bar.high)));
            let bars = bars_of(&exchange, view, Grid::utc(Interval::OneHour), None);
            let running = bars.bar(bars.len() - 1);
            assert_eq!((running.open_time, running.close), (open, view.last_price()));
            assert!(low <= running.low && running.high <= high, "minute {minute}");
            let trades = view.trades(Some(bars.trades.iter().sum::<i64>() - running.trades), 1_000_000);
            assert_eq!(trades.len() as i64, running.trades);
            assert!(trades.iter().all(|t| t.time <= now && low <= t.price && t.price <= high), "minute {minute}");
            assert!(view.statistics(Timestamp::MIN).count >= seen, "trades do not go away");
            seen = view.statistics(Timestamp::MIN).count;
        }
        exchange.step(None).unwrap();
        let closed = bars_of(&exchange, only(&exchange), Grid::utc(Interval::OneHour), None);
        assert_eq!(closed.bar(3), hours.bar(3));
    }
}

#[test]
fn trades_are_those_of_the_archives() {
    let plan = MarketPlan { liquidity: 100, ..plan(5, Interval::OneMinute) };
    let mut exchange = LocalExchange::new(&setup(&plan));
    while !exchange.step(None).unwrap().ended {}
    let view = only(&exchange);
    let grid = Some((plan.tick, plan.step));
    let day = "2023-03-01".parse().unwrap();
    let lines = |dataset| {
        let csv = trade_csv::csv(&plan.bars(), day, dataset, TimeUnit::Microseconds, grid);
        String::from_utf8(csv).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let word = |side| if side == Side::Sell { "True" } else { "False" };
    let joined = view.joined_trades(&Joined::FromId(0), 10_000_000).into_iter().map(|t| {
        let (first, last, time) = (t.first_trade_id, t.last_trade_id, t.time.micros());
        format!("{},{},{},{first},{last},{time},{},True", t.id, t.price, t.quantity, word(t.aggressor))
    });
    assert!(joined.eq(lines(Dataset::AggTrades)));
    let single = view.trades(Some(0), 10_000_000).into_iter().map(|t| {
        let (quote, time) = (t.quote_quantity, t.time.micros());
        format!("{},{},{},{quote},{time},{},True", t.id, t.price, t.quantity, word(t.aggressor))
    });
    assert!(single.eq(lines(Dataset::Trades)));
}
