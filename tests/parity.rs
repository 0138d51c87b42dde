//! Backtest = live: the same strategy, once in the replay, once over real HTTP against the
//! local exchange in lock step, does the same, event for event.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use candlewick_binance::archive;
use candlewick_binance::signing::Credentials;
use candlewick_exchange::{MarketPlan, Server, Service};
use candlewick_live::{Journal, Plan, Runner, parity};
use candlewick_model::CommissionRates;
use candlewick_model::run::{CommandId, Event, FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::time::{DAY, MINUTE};
use candlewick_model::{
    Account, Action, Amount, Bar, Bars, ExchangeInfo, ExecutionReport, Interval, OrderKind, OrderSize, Period, Price,
    Quantity, RawParameters, Refusal, Side, Symbol, TimeInForce, Timestamp,
};
use candlewick_simulator::{Backtest, Detail, DetailSource, Market, Setup, Timeline, Unreadable};
use candlewick_strategy::{Context, Strategy};

use crate::lost_answers::BadLine;

/// A strategy that tries everything a venue can be asked: taking and resting, in part and
/// whole, sized in base and quote, cancels that come in time and too late, orders that are
/// refused, raw parameters, trades with itself, and timers between and upon the points.
#[derive(Default)]
struct Everything {
    bars: u64,
    timers: u64,
    last_fill: Option<Price>,
}

impl Everything {
    fn raw(&self, context: &mut Context, parameters: &[(&str, &str)]) {
        let symbol = context.instrument().symbol.to_string();
        let mut raw: RawParameters = [("symbol", symbol)].into_iter().collect();
        parameters.iter().for_each(|(name, value)| raw.push(name, *value));
        context.send_raw(Action::New, raw);
    }

    fn limit(context: &mut Context, side: Side, price: Price, quantity: Quantity, time_in_force: TimeInForce) {
        let kind = OrderKind::Limit { price, time_in_force };
        context.submit(context.order(side, kind, OrderSize::Base(quantity)));
    }
}

fn ticks(context: &Context, price: Price, ticks: i64) -> Price {
    let tick = context.instrument().filters.tick().units();
    Price::from_units(price.units() + ticks * tick).floor_to(Price::from_units(tick))
}

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

impl Strategy for Everything {
    fn on_start(&mut self, context: &mut Context) {
        context.submit_market(Side::Buy, OrderSize::Quote("25000".parse().unwrap()));
    }

    fn on_bar(&mut self, context: &mut Context, bar: &Bar) {
        self.bars += 1;
        let close = bar.close;
        let stale = Timestamp::from_micros(bar.close_time.micros() - 45 * MINUTE);
        let old: Vec<_> = context.open_orders().iter().filter(|o| o.created < stale).map(|o| o.order_id).collect();
        for id in old {
            context.cancel(id);
        }
        match self.bars % 720 {
            20 => drop(context.submit_market(Side::Sell, OrderSize::Base(quantity("0.02")))),
            40 => drop(context.submit_market(Side::Buy, OrderSize::Base(quantity("0.02")))),
            60 => {
                let (below, above) = (ticks(context, close, -300), ticks(context, close, 300));
                Self::limit(context, Side::Buy, below, quantity("0.01"), TimeInForce::Gtc);
                Self::limit(context, Side::Sell, above, quantity("0.01"), TimeInForce::Gtc);
            }
            // More than the bar gives: partial fills, remainders.
            80 => {
                let through = ticks(context, close, 500);
                Self::limit(context, Side::Buy, through, quantity("0.9"), TimeInForce::Gtc);
            }
            85 => drop(context.submit_market(Side::Sell, OrderSize::Base(quantity("0.8")))),
            100 => Self::limit(context, Side::Buy, ticks(context, close, 2_000), quantity("0.01"), TimeInForce::Ioc),
            110 => Self::limit(context, Side::Sell, ticks(context, close, -2_000), quantity("30"), TimeInForce::Fok),
            120 => Self::limit(context, Side::Sell, ticks(context, close, 2_000), quantity("0.01"), TimeInForce::Ioc),
            // A trade with oneself, where the symbol's default allows it.
            130 => {
                let (near, through) = (ticks(context, close, 900), ticks(context, close, 950));
                Self::limit(context, Side::Sell, near, quantity("0.013"), TimeInForce::Gtc);
                Self::limit(context, Side::Buy, through, quantity("0.02"), TimeInForce::Gtc);
            }
            // Refused for their parameters, filters, balance, name.
            140 => self.raw(context, &[("side", "BUY"), ("type", "MARKET"), ("quantity", "1e5")]),
            150 => Self::limit(
                context,
                Side::Buy,
                Price::from_units(close.units() + 1),
                quantity("0.01"),
                TimeInForce::Gtc,
            ),
            160 => drop(context.submit_market(Side::Buy, OrderSize::Base(quantity("90")))),
            165 => drop(context.cancel(999_999)),
            // Asked for less than FULL: the rest must be asked after.
            170 => {
                let price = ticks(context, close, -200).to_string();
                let post_only = [("side", "BUY"), ("type", "LIMIT_MAKER"), ("quantity", "0.011"), ("price", &*price)];
                self.raw(context, &post_only);
            }
            175 => self.raw(
                context,
                &[
                    ("side", "SELL"),
                    ("type", "MARKET"),
                    ("quantity", "0.01"),
                    ("newOrderRespType", "ACK"),
                    ("timestamp", "1"),
                ],
            ),
            177 => self.raw(
                context,
                &[("side", "BUY"), ("type", "MARKET"), ("quantity", "0.01"), ("newOrderRespType", "RESULT")],
            ),
            // Between the points, on a point, at a close, and two at once.
            190 => [7_000_001, 19_999_999, 45_000_000, 59_999_999].iter().for_each(|us| {
                context.set_timer(bar.close_time.plus(1 + us));
            }),
            // Several minutes ahead, some of them inside the gap.
            210 => (1..20).for_each(|minutes| context.set_timer(bar.close_time.plus(minutes * 3 * MINUTE / 2))),
            _ => {}
        }
    }

    fn on_report(&mut self, context: &mut Context, report: &ExecutionReport) {
        let Some(fill) = report.fill else { return };
        if report.order.order_id.is_multiple_of(11) {
            // Due at once: it fires in this very instant (rule 1.6).
            context.set_timer(context.now());
        }
        // A reaction inside the bar, met by the point at which the fill was reported.
        if self.last_fill.replace(fill.price).is_some_and(|last| last < fill.price)
            && report.order.order_id.is_multiple_of(3)
        {
            let price = ticks(context, fill.price, -150);
            Self::limit(context, Side::Buy, price, quantity("0.005"), TimeInForce::Gtc);
        }
    }

    fn on_refused(&mut self, context: &mut Context, command: CommandId, _: &Refusal) {
        if command.is_multiple_of(16) {
            context.set_timer(context.now().plus(20_000_000));
        }
    }

    fn on_timer(&mut self, context: &mut Context, _: Timestamp) {
        self.timers += 1;
        let Some(close) = context.close(0) else { return };
        match self.timers % 4 {
            0 => Self::limit(context, Side::Buy, ticks(context, close, -100), quantity("0.004"), TimeInForce::Gtc),
            1 => Self::limit(context, Side::Sell, ticks(context, close, 100), quantity("0.004"), TimeInForce::Gtc),
            2 => drop(context.submit_market(Side::Buy, OrderSize::Base(quantity("0.003")))),
            _ => drop(context.submit_market(Side::Sell, OrderSize::Base(quantity("0.003")))),
        }
    }
}

fn fill_model() -> FillModel {
    FillModel {
        path: PathModel::Nearest,
        maker_fill: MakerFill::Through,
        half_spread_ticks: 1,
        slippage: Slippage::Ticks(2),
        volume_share: "0.02".parse().unwrap(),
        latency_us: 0,
        fees: CommissionRates::simple("0.0008".parse().unwrap(), "0.001".parse().unwrap()),
    }
}

fn market(exchange_info: &str, symbol: &str, bars: Bars) -> Setup {
    let mut info = ExchangeInfo::parse(exchange_info).unwrap();
    let instrument = info.instruments.remove(&Symbol::new(symbol).unwrap()).unwrap();
    let money = |text: &str| text.parse::<Amount>().unwrap();
    let account = [(instrument.base_asset, money("1")), (instrument.quote_asset, money("50000"))];
    let bars = Arc::new(bars);
    let market = Market::new(
        Timeline::new(vec![(info.server_time, instrument)]).unwrap(),
        fill_model(),
        Interval::OneMinute,
        bars,
    );
    Setup::of_one(market, Account::from_iter(account))
}

fn generated(days: i64) -> (Setup, String) {
    let from: Timestamp = "2023-03-01".parse().unwrap();
    let plan = MarketPlan::bitcoin(3, Interval::OneMinute, from, from.plus(days * DAY));
    let info = plan.exchange_info();
    (market(&info, "BTCUSDT", plan.bars()), info)
}

fn backtested(market: &Setup) -> Vec<Event> {
    Backtest::new(market, Everything::default(), "everything").run().unwrap().outcome.events.iter().collect()
}

/// The same run over HTTP, with its journal; every `nth` trading request may lose its answer.
fn lived(market: &Setup, exchange_info: String, lose_every: Option<usize>) -> Vec<Event> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal.jsonl");
    // One thread for both sides: in lock step one of them always waits for the other.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let events = runtime.block_on(async {
        let credentials = Credentials::new("testkey", "testsecret");
        let service = Service::new(market.clone(), exchange_info, credentials.clone().into());
        let server = Server::start(service, 0).await.unwrap();
        let line = match lose_every {
            Some(nth) => Some(BadLine::to(server.address(), nth).await),
            None => None,
        };
        let plan = Plan {
            url: line.as_ref().map_or(server.url(), |line| format!("http://{}", line.address)),
            symbol: Symbol::new("BTCUSDT").unwrap(),
            interval: Interval::OneMinute,
            account: market.account.clone(),
            lock_step: true,
            warm_up_bars: 0,
            until: None,
        };
        let runner = Runner::connect(plan, credentials, Everything::default()).await.unwrap();
        let events = runner.journal_to(&journal).unwrap().run().await.unwrap().events.iter().collect::<Vec<_>>();
        assert!(line.is_none_or(|line| line.lost.load(Ordering::Relaxed) > 0), "no answer got lost");
        events
    });
    let written = Journal::read(&journal).unwrap();
    assert!(!written.cut_short);
    let told: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(written.events, told, "the journal holds every event");
    events
}

fn agree(market: &Setup, exchange_info: String) {
    let backtest = backtested(market);
    let comparison = parity::compare(&backtest, &lived(market, exchange_info, None));
    println!("{comparison}");
    assert!(comparison.agrees(), "{comparison}");
    let counts = comparison.backtest;
    assert!(counts.orders >= 200 && counts.maker_fills >= 50 && counts.refusals >= 5, "too little: {counts:?}");
}

/// A day, with every 40th answer to a trading request lost.
pub(crate) fn agrees_over_a_bad_line() {
    let (market, info) = generated(1);
    let comparison = parity::compare(&backtested(&market), &lived(&market, info, Some(40)));
    assert!(comparison.agrees(), "{comparison}");
}

/// A month where there is no real one; else a week, which has the gap too.
#[test]
fn generated_minutes() {
    let (market, info) = generated(if real_data().is_some() { 7 } else { 31 });
    agree(&market, info);
}

/// Two halves of every bar: first to the extreme that is further away, then to the other one.
struct Halves(Arc<Bars>);

impl Halves {
    fn of(bars: &Bars) -> Self {
        let halves = |bar: Bar| {
            let far = if bar.high.units() - bar.open.units() > bar.open.units() - bar.low.units() {
                bar.high
            } else {
                bar.low
            };
            let middle = bar.open_time.plus((bar.close_time.micros() - bar.open_time.micros()) / 2);
            let half = Amount::from_units(bar.volume.units() / 2);
            let first = Bar {
                close_time: middle,
                high: bar.open.max(far),
                low: bar.open.min(far),
                close: far,
                volume: half,
                ..bar
            };
            let rest = Amount::from_units(bar.volume.units() - half.units());
            [first, Bar { open_time: middle.plus(1), open: far, volume: rest, ..bar }]
        };
        Self(Arc::new(bars.iter().flat_map(halves).collect()))
    }
}

impl DetailSource for Halves {
    fn inside(&self, open_time: Timestamp, close_time: Timestamp) -> Result<Option<Detail>, Unreadable> {
        let opens = &self.0.open_time;
        let rows = opens.partition_point(|at| at < open_time)..opens.partition_point(|at| at <= close_time);
        Ok(Some(Detail::Bars(Arc::clone(&self.0), rows)))
    }
}

#[test]
fn generated_minutes_along_detail() {
    let (mut setup, info) = generated(3);
    let nearest = backtested(&setup);
    let market = &mut setup.markets[0];
    market.fill_model.path = PathModel::Detail;
    market.details = vec![Arc::new(Halves::of(&market.bars))];
    assert!(!parity::compare(&nearest, &backtested(&setup)).agrees(), "detail makes no difference");
    let comparison = parity::compare(&backtested(&setup), &lived(&setup, info, None));
    assert!(comparison.agrees(), "{comparison}");
}

#[test]
fn a_month_of_real_minutes() {
    let Some(root) = real_data() else { return };
    let folder = root.join("portal/data/spot/daily/klines/BTCUSDT/1m");
    let mut bars = Bars::default();
    for day in 1..=31 {
        let period: Period = format!("2023-03-{day:02}").parse().unwrap();
        let zip = std::fs::read(folder.join(format!("BTCUSDT-1m-{period}.zip"))).unwrap();
        let decoded = archive::decode(&archive::unpack(&zip).unwrap(), period).unwrap();
        decoded.bars.iter().for_each(|bar| bars.push(bar));
    }
    let snapshot = root.join("exchange_info/exchangeInfo_2026-09-13_testnet_BTCUSDT.transcribed.json");
    let info = std::fs::read_to_string(snapshot).unwrap();
    agree(&market(&info, "BTCUSDT", bars), info);
}

/// The folder of real market data, or a visible word that there is none.
fn real_data() -> Option<PathBuf> {
    let root = std::env::var_os("CANDLEWICK_REALDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realdata"), PathBuf::from);
    if root.join("portal").is_dir() {
        return Some(root);
    }
    println!("SKIPPED: no real market data in {} (set CANDLEWICK_REALDATA)", root.display());
    None
}

#[test]
fn one_tick_in_one_fill_is_found() {
    let (market, _) = generated(3);
    let backtest = backtested(&market);
    let mut planted = backtest.clone();
    let fills = planted.iter_mut().filter_map(|event| match event {
        Event::ExecutionReport(report) => report.fill.as_mut(),
        _ => None,
    });
    let fill = fills.last().expect("there are fills");
    fill.price = Price::from_units(fill.price.units() + 1_000_000);
    let comparison = parity::compare(&backtest, &planted);
    assert!(!comparison.agrees());
    assert_eq!(comparison.differences.len(), 1, "{comparison}");
    assert_eq!(comparison.differences[0].member, "fill.price");
    assert!(parity::compare(&backtest, &backtest).agrees());
}
