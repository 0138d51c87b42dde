//! Time and journal, without a clock.

mod revising;
mod transfers;

use std::path::Path;

use candlewick_model::run::FillModel;
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};
use candlewick_model::{Action, Amount, ExchangeInfo, Order, RawParameters, TimeUnit};
use candlewick_simulator::{Market, Timeline};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use super::*;
use crate::data::aggregate::Grid;
use crate::data::klines::Request;
use crate::data::view::Wanted;
use crate::faults::{FaultPlan, Faults, Server};
use crate::journal::StateFile;
use crate::outlet::way;
use crate::streams::Form;
use crate::{ExchangeError, MarketPlan};

fn start() -> Timestamp {
    "2023-03-01".parse().unwrap()
}

fn market(symbol: &str, seed: u64, interval: Interval) -> Market {
    let plan = MarketPlan::bitcoin(seed, interval, start(), start().plus(DAY));
    let mut info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
    let mut instrument = info.instruments.remove(&plan.symbol).unwrap();
    instrument.symbol = symbol.parse().unwrap();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    Market::new(timeline, FillModel::default(), plan.interval, Arc::new(plan.bars()))
}

/// Two markets that move at different instants.
fn setup() -> Setup {
    let rich = |asset: &str| (asset.parse().unwrap(), Amount::from_units(1_000_000 * 100_000_000));
    let account = Account::from_iter([rich("BTC"), rich("USDT")]);
    let one = Setup::of_one(market("BTCUSDT", 7, Interval::OneMinute), account);
    let other = market("ETHUSDT", 8, Interval::FiveMinutes);
    Setup { markets: vec![one.markets[0].clone(), other], ..one }
}

fn accounts() -> Vec<Account> {
    vec![setup().account; 2]
}

fn exchange() -> LocalExchange {
    LocalExchange::with_accounts(&setup(), &accounts())
}

/// Everything that anybody could ask for.
#[derive(Debug, PartialEq)]
struct Seen {
    now: Timestamp,
    accounts: Vec<Account>,
    open: Vec<Vec<Order>>,
    orders: Vec<Vec<Order>>,
    trades: Vec<Vec<u64>>,
    counts: Vec<Vec<(OrderLimit, u32)>>,
    books: Vec<String>,
    prints: Vec<i64>,
    markets: Vec<String>,
}

fn seen(exchange: &LocalExchange) -> Seen {
    let each = || 0..exchange.accounts();
    let trade = |report: &candlewick_model::ExecutionReport| report.fill.unwrap().trade_id;
    Seen {
        now: exchange.now(),
        accounts: each().map(|n| exchange.account(n)).collect(),
        open: each().map(|n| exchange.trader(n).open_orders().copied().collect()).collect(),
        orders: each().map(|n| exchange.history(n).orders().copied().collect()).collect(),
        trades: each().map(|n| exchange.history(n).trades().iter().map(trade).collect()).collect(),
        counts: each().map(|n| exchange.unfilled_orders(n)).collect(),
        books: exchange.views().map(|view| format!("{:?}", view.book(5))).collect(),
        markets: exchange.views().map(|view| market_as_seen(exchange, &view)).collect(),
        prints: exchange.views().flat_map(|view| view.trades(None, 3)).map(|trade| trade.id).collect(),
    }
}

/// Its rules, what has changed them and will, and its bars.
fn market_as_seen(exchange: &LocalExchange, view: &View<'_>) -> String {
    let symbol = view.market.symbol;
    let wanted = Wanted { start: None, end: None, limit: 30 };
    let bars = view.bars(exchange.catalogue(), &Request { symbol, grid: Grid::utc(Interval::FiveMinutes), wanted });
    let to_come: Vec<_> = exchange.to_come(symbol).collect();
    format!("{:?} {:?} {to_come:?} {bars:?}", view.instrument(), view.market.revisions())
}

/// A bot that knows nothing and does not care: the same seed does the same.
struct Bot(ChaCha8Rng);

impl Bot {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.0.next_u32() % limit
    }

    fn ask(&mut self, exchange: &mut LocalExchange) {
        let account = self.below(2) as usize;
        if self.below(12) == 0 {
            let amount = Amount::from_units((i128::from(self.below(9)) - 4) * 100_000_000);
            let booking = Booking { account, asset: "BTC".parse().unwrap(), amount };
            if exchange.can_book(&booking).is_ok() {
                exchange.transfer(booking).unwrap();
            }
        }
        let symbol = if self.below(3) == 0 { "ETHUSDT" } else { "BTCUSDT" };
        let last = exchange.view(symbol.parse().unwrap()).unwrap().last_price().units() / 1_000_000;
        let price = (last + i64::from(self.below(4_000)) - 2_000) as f64 / 100.0;
        let side = if self.below(2) == 0 { "BUY" } else { "SELL" };
        let (action, pairs): (_, Vec<(&str, String)>) = match self.below(10) {
            0 => (Action::CancelAll, vec![]),
            1 => (Action::New, vec![("side", side.into()), ("type", "MARKET".into()), ("quantity", "0.01".into())]),
            2 => (Action::New, vec![("side", side.into()), ("type", "NONSENSE".into())]),
            _ => {
                let limit = [("side", side), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "0.02")];
                let limit = limit.map(|(name, value)| (name, value.to_owned()));
                (Action::New, limit.into_iter().chain([("price", format!("{price:.2}"))]).collect())
            }
        };
        let pairs = std::iter::once(("symbol", symbol.to_owned())).chain(pairs);
        let raw: RawParameters = pairs.collect();
        let _ = exchange.take_up(account, &Command::Raw(action, Box::new(raw)));
    }

    /// Lets time go on and asks for things, by turns.
    fn live(&mut self, exchange: &mut LocalExchange, turns: usize) {
        for _ in 0..turns {
            match self.below(4) {
                0 => drop(exchange.step(None).unwrap()),
                1 => {
                    let until = exchange.now().plus(i64::from(self.below(200)) * SECOND + 1);
                    let mut left = 1 + self.below(9);
                    let goes_on = |_: &Audience| {
                        left -= 1;
                        left > 0
                    };
                    exchange.run(Some(until), goes_on).unwrap();
                    exchange.mark().unwrap();
                }
                _ => self.ask(exchange),
            }
        }
    }
}

fn opened(path: &Path) -> LocalExchange {
    let mut exchange = exchange();
    exchange.keep_in(StateFile::open(path).unwrap(), 0).unwrap();
    exchange
}

fn refused(path: &Path, setup: &Setup) -> String {
    let mut exchange = LocalExchange::with_accounts(setup, &accounts());
    let kept = StateFile::open(path).and_then(|file| exchange.keep_in(file, 0));
    let ExchangeError::State { reason, .. } = kept.unwrap_err() else { panic!("another error") };
    reason
}

#[test]
fn pieces_of_time_come_to_the_same_as_the_whole() {
    let until = start().plus(3 * HOUR + 7);
    let mut whole = exchange();
    let ran = whole.run(Some(until), |_| true).unwrap();
    assert_eq!((ran.came, ran.bars, whole.now()), (Came::There, 180 + 36, until));
    let mut pieces = exchange();
    let mut bars = 0;
    loop {
        let ran = pieces.run(Some(until), |_| false).unwrap();
        bars += ran.bars;
        if ran.came != Came::OnTheWay {
            break;
        }
    }
    assert_eq!((bars, seen(&pieces)), (ran.bars, seen(&whole)));
    // Beyond the end nothing moves, and time goes on where it is told to.
    let end = whole.run(None, |_| true).unwrap();
    assert_eq!(end.came, Came::ToTheEnd);
    assert_eq!(whole.now(), start().plus(DAY - 1));
    whole.run(Some(start().plus(DAY + 5)), |_| true).unwrap();
    assert_eq!((whole.now(), whole.has_ended()), (start().plus(DAY + 5), Ok(true)));
    let refusal = place(&mut whole, "BTCUSDT").unwrap_err();
    assert_eq!(refusal.code, -1016);
}

fn place(exchange: &mut LocalExchange, symbol: &str) -> Result<Vec<VenueEvent>, Refusal> {
    let pairs = [("symbol", symbol), ("side", "BUY"), ("type", "MARKET"), ("quantity", "0.01")];
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(pairs.into_iter().collect())))
}

#[test]
fn requests_are_taken_up_at_the_present_time_where_time_goes_by_itself() {
    let mut exchange = exchange();
    exchange.take_up_where(TakesUp::AnyTime).unwrap();
    for (after, symbol) in [(25 * SECOND, "BTCUSDT"), (80 * SECOND, "ETHUSDT"), (140 * SECOND, "BTCUSDT")] {
        let now = start().plus(after);
        exchange.run(Some(now), |_| true).unwrap();
        let events = place(&mut exchange, symbol).unwrap();
        assert_eq!((events[0].time(), exchange.now()), (now, now), "{symbol}");
    }
    // Where another market has moved at this very instant, this one stands where it stood.
    let third = start().plus(3 * MINUTE);
    exchange.run(Some(third), |_| true).unwrap();
    assert_eq!(place(&mut exchange, "ETHUSDT").unwrap()[0].time(), third);
    // At a close of its own it waits for the next open, which comes at once.
    exchange.run(Some(start().plus(5 * MINUTE - 1)), |_| true).unwrap();
    assert_eq!(place(&mut exchange, "ETHUSDT").unwrap()[0].time(), start().plus(5 * MINUTE));
    // In lock step it would have gone on to a point.
    exchange.run(Some(start().plus(5 * MINUTE + SECOND)), |_| true).unwrap();
    exchange.take_up_where(TakesUp::AtPoints).unwrap();
    assert_eq!(place(&mut exchange, "BTCUSDT").unwrap()[0].time(), start().plus(5 * MINUTE + 19_999_999));
}

#[test]
fn a_seek_goes_where_time_was() {
    for takes_up in [TakesUp::AtPoints, TakesUp::AnyTime] {
        let mut exchange = exchange();
        exchange.take_up_where(takes_up).unwrap();
        let mut bot = Bot::new(1);
        bot.live(&mut exchange, 150);
        // As it was when this instant was over.
        let to = exchange.now().plus(90 * SECOND + 3);
        exchange.run(Some(to), |_| true).unwrap();
        let then = seen(&exchange);
        Bot::new(2).live(&mut exchange, 150);
        assert_ne!(seen(&exchange), then);
        assert_eq!(exchange.seek(to), Ok(false));
        assert_eq!(seen(&exchange), then);
        // What was to come can come in another way.
        Bot::new(3).live(&mut exchange, 20);
        exchange.seek(start().plus(-DAY)).unwrap();
        assert_eq!((exchange.now(), exchange.takes_up), (start().plus(-1), takes_up));
        assert!(seen(&exchange).orders.iter().all(Vec::is_empty));
        // Forward it is there at once, with all that happens on the way.
        assert_eq!(exchange.seek(start().plus(2 * DAY)), Ok(true));
        assert_eq!(exchange.now(), start().plus(2 * DAY));
    }
}

#[test]
fn a_request_that_was_taken_up_later_has_not_happened_before() {
    let mut exchange = exchange();
    place(&mut exchange, "BTCUSDT").unwrap();
    assert_eq!(exchange.now(), start());
    exchange.seek(start().plus(-1)).unwrap();
    assert!(seen(&exchange).orders[0].is_empty(), "it was sent then and taken up at the open");
}

#[test]
fn a_state_goes_on_wherever_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    for takes_up in [TakesUp::AtPoints, TakesUp::AnyTime] {
        let path = folder.path().join(format!("{takes_up:?}"));
        let mut whole = exchange();
        whole.take_up_where(takes_up).unwrap();
        let mut kept = opened(&path);
        kept.take_up_where(takes_up).unwrap();
        let (mut bot, mut double) = (Bot::new(4), Bot::new(4));
        for turn in 0..24 {
            bot.live(&mut whole, 10);
            double.live(&mut kept, 10);
            if turn % 8 == 7 {
                // Both go back, and only one of them writes it down.
                let to = whole.now().plus(-10 * MINUTE);
                whole.seek(to).unwrap();
                kept.seek(to).unwrap();
            }
            kept.mark().unwrap();
            drop(kept);
            kept = opened(&path);
            assert_eq!(seen(&kept), seen(&whole), "after {turn}");
        }
        assert!(!std::fs::read_to_string(&path).unwrap().contains("signature"));
    }
}

#[test]
fn what_was_cut_short_is_left_out_and_what_is_damaged_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut exchange = opened(&path);
    Bot::new(5).live(&mut exchange, 60);
    drop(exchange);
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    // Cut anywhere behind the header: what is whole counts, and it can be gone on with.
    for cut in (ends[0]..whole.len()).step_by(101) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let mut cut_short = super::tests::exchange();
        let resumed = cut_short.keep_in(StateFile::open(&path).unwrap(), 0).unwrap();
        let lines = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(resumed.notes.is_empty(), ends.contains(&cut), "{cut}");
        Bot::new(6).live(&mut cut_short, 5);
        cut_short.mark().unwrap();
        let then = seen(&cut_short);
        drop(cut_short);
        assert_eq!(seen(&opened(&path)), then, "{lines} lines");
    }
    // A digit that is another one, a line that is missing: not at the end, so nothing is left out.
    for (line, from, to) in [(3, b'0', b'1'), (4, b'1', b'2'), (1, b'2', b'3')] {
        let mut damaged = whole.clone();
        let at = (ends[line - 1]..ends[line]).rev().find(|at| damaged[*at] == from).unwrap();
        damaged[at] = to;
        std::fs::write(&path, &damaged).unwrap();
        let reason = refused(&path, &setup());
        assert_eq!(reason, format!("line {} is damaged: its checksum is another one", line + 1));
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "nothing is thrown away");
    }
    let missing = [&whole[..ends[2]], &whole[ends[3]..]].concat();
    std::fs::write(&path, missing).unwrap();
    assert!(refused(&path, &setup()).starts_with("line 4 is damaged"));
    for other in [&b"no state at all\n"[..], b"[[key]]", &whole[ends[0]..]] {
        std::fs::write(&path, other).unwrap();
        assert_eq!(refused(&path, &setup()), "it holds no state of an exchange; name a new file");
        assert_eq!(std::fs::read(&path).unwrap(), other);
    }
}

#[test]
fn a_state_belongs_to_one_setup_and_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let kept = opened(&path);
    assert_eq!(refused(&path, &setup()), "another process goes on with it; give each its own file");
    drop(kept);
    let other = Setup { markets: vec![market("BTCUSDT", 9, Interval::OneMinute)], ..setup() };
    let reason = refused(&path, &other);
    assert!(reason.starts_with("it is the state of something else: BTCUSDT: bars: 1405 of 1m from "), "{reason}");
    assert!(reason.ends_with("ETHUSDT: reference price: not here"), "{reason}");
    let mut poor = LocalExchange::with_accounts(&setup(), &[setup().account, Account::default()]);
    let error = poor.keep_in(StateFile::open(&path).unwrap(), 0).unwrap_err().to_string();
    assert!(error.contains("account 1: 1000000.00000000 BTC and 1000000.00000000 USDT there, nothing here"), "{error}");
}

#[test]
fn what_a_fault_holds_back_does_not_come_after_a_seek_back() {
    let faults = r#"[[fault]]
kind = "event-late"
delay_ms = 90000"#;
    let plan = || FaultPlan::from_toml(faults, Server::Trading).unwrap();
    let heard = |to: Option<i64>| {
        let mut exchange = exchange();
        exchange.audience.users.faults = Arc::new(std::sync::Mutex::new(Faults::new(plan())));
        let (outlet, mut inlet) = way();
        exchange.audience.users.subscribe(0, 0, TimeUnit::Milliseconds, &outlet);
        exchange.run(Some(start().plus(40 * SECOND)), |_| true).unwrap();
        place(&mut exchange, "BTCUSDT").unwrap();
        assert!(inlet.waiting().is_none(), "held back");
        if let Some(to) = to {
            exchange.run(Some(start().plus(100 * SECOND)), |_| true).unwrap();
            exchange.seek(start().plus(to)).unwrap();
        }
        exchange.run(Some(start().plus(10 * MINUTE)), |_| true).unwrap();
        std::iter::from_fn(|| inlet.waiting()).count()
    };
    assert_eq!(heard(None), 3);
    // To before it, and to where it was under way.
    assert_eq!((heard(Some(10 * SECOND)), heard(Some(70 * SECOND))), (0, 0));
}

#[test]
fn a_seek_forward_tells_accounts_of_the_way_and_streams_where_it_ends() {
    let mut exchange = exchange();
    exchange.run(Some(start().plus(MINUTE)), |_| true).unwrap();
    let (user, mut of_user) = way();
    let (stream, mut of_stream) = way();
    exchange.audience.users.subscribe(0, 1, TimeUnit::Milliseconds, &user);
    let form = Form { is_combined: true, unit: TimeUnit::Milliseconds };
    for name in ["btcusdt@trade", "btcusdt@kline_1m", "btcusdt@depth5"] {
        exchange.listen(name, form, &stream);
    }
    let last = exchange.view("BTCUSDT".parse().unwrap()).unwrap().last_price().units() / 1_000_000;
    let price = (last - 100) as f64 / 100.0;
    let pairs = [("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC")];
    let raw: RawParameters = pairs
        .map(|(name, value)| (name, value.to_owned()))
        .into_iter()
        .chain([("quantity", "0.01".to_owned()), ("price", format!("{price:.2}"))])
        .collect();
    exchange.take_up(0, &Command::Raw(Action::New, Box::new(raw))).unwrap();
    let drained = |inlet: &mut crate::outlet::Inlet| -> Vec<String> {
        std::iter::from_fn(|| inlet.waiting()).map(|text| text.to_string()).collect()
    };
    assert!(drained(&mut of_user).iter().any(|event| event.contains(r#""x":"NEW""#)));
    drained(&mut of_stream);
    let to = start().plus(12 * HOUR);
    exchange.seek(to).unwrap();
    let filled = drained(&mut of_user);
    assert!(filled.iter().any(|event| event.contains(r#""x":"TRADE""#)), "{filled:?}");
    let told = drained(&mut of_stream);
    let of = |name: &str| told.iter().filter(|text| text.contains(name)).count();
    assert_eq!((of("btcusdt@trade"), of("btcusdt@depth5")), (0, 1), "{told:?}");
    assert!(of("btcusdt@kline_1m") <= 1, "not one for each minute");
    // From there on they go on.
    exchange.step(None).unwrap();
    assert!(drained(&mut of_stream).iter().any(|text| text.contains("btcusdt@trade")));
}
