//! The smallest market that shows a rule: bars of a minute from 2023-01-01, order lines as a script,
//! and what comes out as compact text.

use std::sync::Arc;

use candlewick_model::run::{Assumptions, Event, FillModel};
use candlewick_model::stress::Met;
use candlewick_model::{Amount, Bar, Bars, CommissionRates, ExchangeInfo, Interval, Price, Symbol, Timestamp};
use candlewick_simulator::{Backtest, Finished, Market, Setup, Timeline};
use candlewick_strategy::Script;

pub(crate) const START_MS: i64 = 1_672_531_200_000;

/// Tick 1, step 0.1, no other filters; precision 8.
pub(crate) const INFO: &str = r#"{"serverTime":1577836800000,"symbols":[{"symbol":"AB","status":"TRADING","baseAsset":"A","quoteAsset":"B",
 "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
 "quoteOrderQtyMarketAllowed":true,"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,
 "allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
 "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT","TRANSFER"],
 "defaultSelfTradePreventionMode":"EXPIRE_MAKER",
 "filters":[{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"1"},
            {"filterType":"LOT_SIZE","minQty":"0.1","maxQty":"1000","stepSize":"0.1"}]}]}"#;

/// Open, high, low, close, volume.
type Candle = (i64, i64, i64, i64, i64);

pub(crate) struct World {
    /// Consecutive minutes; `None` is a gap.
    pub(crate) bars: Vec<Option<Candle>>,
    pub(crate) model: FillModel,
    pub(crate) info: String,
    /// Microseconds from the start at which each bar opens and closes, where they are not
    /// consecutive minutes.
    pub(crate) times: Vec<(i64, i64)>,
    /// A later snapshot with its own `serverTime`.
    pub(crate) later: Option<String>,
    /// What is beyond an ordinary market.
    pub(crate) tune: fn(&mut Setup),
}

impl World {
    pub(crate) fn new(bars: &[Candle]) -> Self {
        let model = FillModel {
            fees: CommissionRates::simple("0.001".parse().unwrap(), "0.001".parse().unwrap()),
            ..FillModel::default()
        };
        Self {
            bars: bars.iter().copied().map(Some).collect(),
            model,
            info: INFO.to_owned(),
            times: Vec::new(),
            later: None,
            tune: |_| {},
        }
    }

    pub(crate) fn columns(&self) -> Bars {
        let price = |n: i64| Price::from_units(n * 100_000_000);
        let amount = |n: i64| Amount::from_units(i128::from(n) * 100_000_000);
        let rows = self.bars.iter().enumerate().filter_map(|(at, bar)| Some((at, (*bar)?)));
        rows.map(|(at, (open, high, low, close, volume))| {
            let minute = (at as i64 * 60_000_000, at as i64 * 60_000_000 + 59_999_999);
            let (opens, closes) = self.times.get(at).copied().unwrap_or(minute);
            let start = Timestamp::from_millis(START_MS);
            Bar {
                open_time: start.plus(opens),
                close_time: start.plus(closes),
                open: price(open),
                high: price(high),
                low: price(low),
                close: price(close),
                volume: amount(volume),
                quote_volume: amount(volume * open),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: volume,
            }
        })
        .collect()
    }

    pub(crate) fn run(&self, script: &[&str]) -> (Vec<String>, Assumptions) {
        let finished = self.finished(script);
        (finished.outcome.events.iter().filter_map(|event| compact(&event)).collect(), finished.assumptions)
    }

    pub(crate) fn events(&self, script: &[&str]) -> Vec<Event> {
        self.finished(script).outcome.events.iter().collect()
    }

    pub(crate) fn setup(&self) -> Setup {
        let symbol = Symbol::new("AB").unwrap();
        let info = ExchangeInfo::parse(&self.info).unwrap();
        let instrument = info.instruments[&symbol].clone();
        let mut snapshots = vec![(info.server_time, instrument.clone())];
        if let Some(later) = &self.later {
            let later = ExchangeInfo::parse(later).unwrap();
            snapshots.push((later.server_time, later.instruments[&symbol].clone()));
        }
        let money = |text: &str| text.parse::<Amount>().unwrap();
        let account = [(instrument.base_asset, money("10")), (instrument.quote_asset, money("10000"))];
        let timeline = Timeline::new(snapshots).unwrap();
        let market = Market::new(timeline, self.model, Interval::OneMinute, Arc::new(self.columns()));
        let mut setup = Setup::of_one(market, account.into_iter().collect());
        (self.tune)(&mut setup);
        setup
    }

    pub(crate) fn finished(&self, script: &[&str]) -> Finished {
        let lines: Vec<String> = script.iter().map(|line| json_line(line)).collect();
        let script = Script::parse(&lines.join("\n")).unwrap();
        Backtest::new(&self.setup(), script, "script").run().unwrap()
    }

    #[track_caller]
    pub(crate) fn check(&self, script: &[&str], expected: &[&str]) -> Assumptions {
        let (events, assumptions) = self.run(script);
        assert_eq!(events, expected, "\n{events:#?}");
        assumptions
    }
}

/// `0.5 side=BUY type=…` (minutes from the start, then parameters) → a line of a script;
/// `x` before the parameters makes it a cancel, any other word is the action itself.
pub(crate) fn json_line(line: &str) -> String {
    let mut words = line.split_whitespace();
    let minutes: f64 = words.next().unwrap().parse().unwrap();
    let mut members = format!(r#"{{"time":{},"symbol":"AB""#, START_MS + (minutes * 60_000.0) as i64);
    let mut action = "new";
    for word in words {
        match word.split_once('=') {
            None if word == "x" => action = "cancel",
            None => action = word,
            Some((key, value)) => {
                let key = match key {
                    "id" => "newClientOrderId",
                    "tif" => "timeInForce",
                    "q" => "quantity",
                    "p" => "price",
                    "of" => "origClientOrderId",
                    other => other,
                };
                members += &format!(r#","{key}":"{value}""#);
            }
        }
    }
    members + &format!(r#","action":"{action}"}}"#)
}

/// Seconds from the start, what, and the figures that the rules speak of.
pub(crate) fn compact(event: &Event) -> Option<String> {
    let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    let seconds = |t: Timestamp| (t.millis() - START_MS + 500).div_euclid(1_000);
    match event {
        Event::Sent { .. } | Event::BalanceUpdate { .. } => None,
        Event::NotSent { .. } => Some("not sent".into()),
        Event::Stress { .. } => None,
        Event::Trouble { met, .. } => Some(match &**met {
            Met::Delayed { ms } => format!("delayed by {ms} ms"),
            Met::TimedOut { executed, known } => {
                format!("timed out{}, known at {}s", if *executed { ", executed" } else { "" }, seconds(*known))
            }
            Met::Rejected { rejection, times, outcome, known } => {
                format!("rejected {times} × {}, {outcome:?} at {}s", rejection.code, seconds(*known))
            }
        }),
        Event::Tested { time, .. } => Some(format!("{}s tested", seconds(*time))),
        Event::ListStatus(l) => Some(format!("{}s list {}", seconds(l.time), l.list_status_type)),
        Event::Refused { time, refusal, .. } => Some(format!("{}s {refusal}", seconds(*time))),
        Event::ExecutionReport(r) => {
            let mut text = format!("{}s {} {}", seconds(r.time), r.order.client_order_id, r.order.status);
            if let Some(fill) = r.fill {
                let (q, p) = (short(fill.quantity.to_string()), short(fill.price.to_string()));
                text += &format!(" {q}@{p} {} fee {}", fill.liquidity, short(fill.commission.to_string()));
            }
            if let Some(reason) = r.order.expiry_reason {
                text += &format!(" {reason}");
            }
            Some(text)
        }
    }
}

/// Prices of a walk, each reached in a bar of its own.
pub(crate) fn walk(prices: &[i64]) -> World {
    let bar = |pair: &[i64]| (pair[0], pair[0].max(pair[1]), pair[0].min(pair[1]), pair[1], 1_000_000);
    World::new(&prices.windows(2).map(bar).collect::<Vec<_>>())
}
