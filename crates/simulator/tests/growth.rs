//! Nothing grows over years of bars but the record of the run: a strategy that churns through
//! everything there is leaves, whenever all is cancelled, as much in the venue and in its context
//! after a year as after a day.

use std::sync::{Arc, Mutex};

use candlewick_model::run::FillModel;
use candlewick_model::{
    Account, Action, Amount, Asset, Bar, Bars, Command, ExchangeInfo, Interval, Price, RawParameters, Symbol, Timestamp,
};
use candlewick_simulator::{Backtest, Market, MovingMean, Reference, Replay, Setup, Timeline};
use candlewick_strategy::{Context, Strategy};

const HOURS: i64 = 365 * 24;
const UNIT: i64 = 100_000_000;
const MARKETS: [&str; 2] = ["AU", "BU"];

/// A number below `n` that looks random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn bars(seed: u64) -> Bars {
    let (mut dice, mut last) = (Dice(seed), 1_000_i64);
    let price = |ticks: i64| Price::from_units(ticks * UNIT);
    let bar = |hour: i64| {
        let open = last;
        let (up, down) = (dice.roll(12) as i64, dice.roll(12) as i64);
        last = (open - down + dice.roll(up as u64 + down as u64 + 1) as i64).clamp(900, 1_100);
        let open_time = Timestamp::from_millis(1_672_531_200_000 + hour * 3_600_000);
        Bar {
            open_time,
            close_time: open_time.plus(3_599_999_999),
            open: price(open),
            high: price((open + up).max(last)),
            low: price((open - down).min(last)),
            close: price(last),
            volume: Amount::from_units(i128::from(dice.roll(300) as i64 * UNIT)),
            quote_volume: Amount::from_units(0),
            taker_buy_volume: Amount::ZERO,
            taker_buy_quote_volume: Amount::ZERO,
            trades: 1,
        }
    };
    (0..HOURS).map(bar).collect()
}

/// A market with next to no filters, so that nobody asks for the reference price: it must not
/// pile up either.
fn market(symbol: &str, base: &str, seed: u64) -> Market {
    let info = format!(
        r#"{{"serverTime":1577836800000,"symbols":[{{"symbol":"{symbol}","status":"TRADING","baseAsset":"{base}","quoteAsset":"U",
        "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
        "icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,"allowTrailingStop":true,
        "cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
        "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT"],
        "filters":[{{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"1"}},
                   {{"filterType":"LOT_SIZE","minQty":"1","maxQty":"1000","stepSize":"1"}}]}}]}}"#
    );
    let info = ExchangeInfo::parse(&info).unwrap();
    let instrument = info.instruments[&Symbol::new(symbol).unwrap()].clone();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let mut market = Market::new(timeline, FillModel::default(), Interval::OneHour, Arc::new(bars(seed)));
    market.reference = Reference::Mean(MovingMean::new(1_000, 5));
    market
}

fn setup() -> Setup {
    let money = |name: &str| (Asset::new(name).unwrap(), "100000000".parse::<Amount>().unwrap());
    let account: Account = ["A", "B", "U"].map(money).into_iter().collect();
    let first = market("AU", "A", 1);
    let markets = vec![first.clone(), market("BU", "B", 2)];
    Setup { markets, ..Setup::of_one(first, account) }
}

/// One request of many kinds, near a price.
fn request(dice: &mut Dice, symbol: &str, last: i64) -> (Action, RawParameters) {
    let mut price = |from: i64| (last + from + dice.roll(6) as i64).to_string();
    let (near, above, below) = (price(-3), price(2), price(-8));
    let mode = ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"][dice.roll(5) as usize];
    let working = [("workingType", "LIMIT"), ("workingSide", "BUY"), ("workingTimeInForce", "GTC")];
    let pair = |prefix: &str| {
        [("AboveType", "LIMIT_MAKER"), ("AbovePrice", &above), ("BelowType", "STOP_LOSS"), ("BelowStopPrice", &below)]
            .map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()))
    };
    let mut raw = RawParameters::default();
    let mut put = |pairs: &[(&str, &str)]| pairs.iter().for_each(|(name, value)| raw.push(name, *value));
    put(&[("symbol", symbol)]);
    let action = match dice.roll(8) {
        0 => {
            put(&[("side", "BUY"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "9"), ("price", &near)]);
            put(&[("icebergQty", "2"), ("selfTradePreventionMode", mode)]);
            Action::New
        }
        1 => {
            put(&[("side", "SELL"), ("type", "LIMIT"), ("timeInForce", "GTC"), ("quantity", "7"), ("price", &near)]);
            put(&[("selfTradePreventionMode", mode)]);
            Action::New
        }
        2 => {
            put(&[("side", "SELL"), ("type", "STOP_LOSS"), ("quantity", "3"), ("trailingDelta", "50")]);
            Action::New
        }
        3 => {
            put(&[("side", "SELL"), ("quantity", "3"), ("aboveType", "LIMIT_MAKER"), ("abovePrice", &above)]);
            put(&[("belowType", "STOP_LOSS"), ("belowStopPrice", &below)]);
            Action::Oco
        }
        4 => {
            put(&working);
            put(&[
                ("workingPrice", &near),
                ("workingQuantity", "4"),
                ("pendingSide", "SELL"),
                ("pendingQuantity", "4"),
            ]);
            pair("pending").iter().for_each(|(name, value)| put(&[(name, value)]));
            Action::Otoco
        }
        5 => {
            put(&working);
            put(&[("workingPrice", &near), ("workingQuantity", "4"), ("pendingSide", "SELL")]);
            pair("pending").iter().for_each(|(name, value)| put(&[(name, value)]));
            Action::Opoco
        }
        6 => {
            put(&working);
            put(&[
                ("workingPrice", &near),
                ("workingQuantity", "40"),
                ("pendingSide", "SELL"),
                ("pendingQuantity", "5"),
            ]);
            put(&[("pendingType", "MARKET")]);
            Action::Oto
        }
        _ => {
            put(&[("side", "BUY"), ("type", "MARKET"), ("quantity", "4")]);
            Action::New
        }
    };
    (action, raw)
}

/// How long a text is without its digits: numbers of orders do grow.
fn size(json: &str) -> usize {
    json.chars().filter(|c| !c.is_ascii_digit()).count()
}

#[track_caller]
fn assert_even(sizes: &[usize]) {
    assert!(sizes.len() > 300, "{} days", sizes.len());
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(
        most - least < 200,
        "from {} on the first day to {} on the last: {sizes:?}",
        sizes[0],
        sizes[sizes.len() - 1]
    );
}

/// The last extreme of a day is when all is cancelled; else something is asked for wherever
/// something can be.
#[test]
fn a_venue_holds_no_more_after_a_year_than_after_a_day() {
    let mut replay = Replay::new(&setup());
    let (mut dice, mut said, mut sizes) = (Dice(3), 0, Vec::new());
    for point in 0..HOURS * 4 {
        let ends_day = point % 96 == 94;
        for (market, symbol) in MARKETS.into_iter().enumerate() {
            replay.advance(market).unwrap();
            if replay.takes_commands(market) {
                let last = replay.last_price(market).units() / UNIT;
                let (action, raw) = match ends_day {
                    true => (Action::CancelAll, [("symbol", symbol)].into_iter().collect()),
                    false => request(&mut dice, symbol, last),
                };
                replay.execute(point as u64, &Command::Raw(action, Box::new(raw)));
            }
            said += replay.drain_events().count();
        }
        if ends_day {
            sizes.push(size(&serde_json::to_string(&replay.state()).unwrap()));
        }
    }
    assert!(said > 100_000, "{said} events: it did churn");
    assert_even(&sizes);
}

/// Asks for something at every close but the last of a day; the one before that cancels all.
struct Churner {
    dice: Dice,
    hours: u64,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Strategy for Churner {
    fn on_bar(&mut self, context: &mut Context, _: &Bar) {
        if context.series() != 0 {
            return;
        }
        self.hours += 1;
        for (series, symbol) in MARKETS.into_iter().enumerate() {
            context.look_at(series);
            match self.hours % 24 {
                22 => drop(context.cancel_all()),
                23 => assert!(context.open_orders().is_empty()),
                _ => {
                    let last = context.close(0).map_or(1_000, |close| close.units() / UNIT);
                    let (action, raw) = request(&mut self.dice, symbol, last);
                    context.send_raw(action, raw);
                }
            }
        }
        if self.hours % 24 == 23 {
            self.sizes.lock().unwrap().push(size(&serde_json::to_string(context.ledger()).unwrap()));
        }
    }
}

#[test]
fn a_strategys_books_hold_no_more_after_a_year_than_after_a_day() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let churner = Churner { dice: Dice(4), hours: 0, sizes: Arc::clone(&sizes) };
    let finished = Backtest::new(&setup(), churner, "churner").run().unwrap();
    assert!(finished.outcome.events.len() > 30_000, "{} events: it did churn", finished.outcome.events.len());
    assert_even(&sizes.lock().unwrap());
}
