//! The files of `tests/conformance`, run through the venue. What their lines mean is said in
//! the README beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use candlewick_model::run::{Event, FillModel, MakerFill, PathModel, Slippage};
use candlewick_model::{
    Action, Amount, Bar, Bars, CommissionRates, ExchangeInfo, ExecutionReport, ExecutionType, Interval, Liquidity,
    OrderStatus, Price, Symbol, Timestamp,
};
use candlewick_simulator::{Backtest, Limits, Market, Setup, Timeline};
use candlewick_strategy::Script;

const START_MS: i64 = 1_672_531_200_000;
const MINUTE_MS: i64 = 60_000;

type Pairs = BTreeMap<String, String>;

#[derive(Default)]
struct Scenario {
    name: String,
    sources: usize,
    market: Pairs,
    filters: Vec<String>,
    balances: Vec<(String, String)>,
    bars: Vec<(Price, Price)>,
    last: Option<Price>,
    /// The row of the bar at whose open a request is taken up, and its line of the script.
    sent: Vec<String>,
    expected: Vec<(usize, String)>,
    /// Free and locked balances at the end.
    balances_after: Vec<(usize, String)>,
}

fn pairs(words: &str) -> Pairs {
    words.split_whitespace().filter_map(|w| w.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn parse(text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split_once('#').map_or(line, |(before, _)| before).trim();
        let Some((word, rest)) = line.split_once(char::is_whitespace) else {
            assert!(line.is_empty() || line == "choice", "line {}: `{line}` says nothing", at + 1);
            continue;
        };
        let rest = rest.trim();
        if word == "scenario" {
            scenarios.push(Scenario { name: rest.to_owned(), ..Scenario::default() });
            continue;
        }
        let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("line {}: no scenario yet", at + 1));
        scenario.read(at + 1, word, rest);
    }
    scenarios
}

impl Scenario {
    fn read(&mut self, line: usize, word: &str, rest: &str) {
        match word {
            "source" | "rule" => self.sources += 1,
            "market" => self.market.extend(pairs(rest)),
            "filter" => self.filters.push(rest.to_owned()),
            "balance" => self.balances.extend(pairs(rest)),
            "price" | "jump" => {
                let price: Price = rest.parse().unwrap_or_else(|e| panic!("line {line}: {rest}: {e}"));
                if let Some(last) = self.last {
                    self.bars.push((if word == "jump" { price } else { last }, price));
                }
                self.last = Some(price);
            }
            "send" => {
                let (action, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
                assert!(Action::from_word(action).is_some(), "line {line}: no action `{action}`");
                let time = START_MS + self.bars.len() as i64 * MINUTE_MS;
                let mut json = format!(r#"{{"time":{time},"action":"{action}","symbol":"ABUSD""#);
                for pair in parameters.split_whitespace() {
                    let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("line {line}: `{pair}`"));
                    write!(json, r#","{key}":"{value}""#).unwrap();
                }
                self.sent.push(json + "}");
            }
            "expect" if rest.starts_with("free") || rest.starts_with("locked") => {
                self.balances_after.push((line, rest.to_owned()));
            }
            "expect" => self.expected.push((line, rest.to_owned())),
            _ => panic!("line {line}: no word `{word}`"),
        }
    }

    fn setting<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.market.get(name).map_or(default, String::as_str)
    }

    fn exchange_info(&self) -> String {
        let (tick, step, stp) =
            (self.setting("tick", "0.01"), self.setting("step", "0.001"), self.setting("stp", "NONE"));
        let mut filters = vec![
            format!(r#"{{"filterType":"PRICE_FILTER","minPrice":"0","maxPrice":"0","tickSize":"{tick}"}}"#),
            format!(r#"{{"filterType":"LOT_SIZE","minQty":"{step}","maxQty":"1000000","stepSize":"{step}"}}"#),
        ];
        filters.extend(self.filters.iter().cloned());
        let limit = self.setting("orders", "1000");
        format!(
            r#"{{"serverTime":1577836800000,"rateLimits":[{{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":{limit}}}],
            "symbols":[{{"symbol":"ABUSD","status":"TRADING","baseAsset":"AB","quoteAsset":"USD",
            "orderTypes":["LIMIT","MARKET","LIMIT_MAKER","STOP_LOSS","STOP_LOSS_LIMIT","TAKE_PROFIT","TAKE_PROFIT_LIMIT"],
            "quoteOrderQtyMarketAllowed":true,"icebergAllowed":true,"ocoAllowed":true,"otoAllowed":true,"opoAllowed":true,
            "allowTrailingStop":true,"cancelReplaceAllowed":true,"amendAllowed":true,"pegInstructionsAllowed":true,
            "defaultSelfTradePreventionMode":"{stp}",
            "allowedSelfTradePreventionModes":["NONE","EXPIRE_MAKER","EXPIRE_TAKER","EXPIRE_BOTH","DECREMENT","TRANSFER"],
            "filters":[{}]}}]}}"#,
            filters.join(",")
        )
    }

    fn columns(&self) -> Bars {
        let last = self.last.unwrap_or_else(|| panic!("{}: no price", self.name));
        let rows = self.bars.iter().copied().chain([(last, last)]).enumerate();
        let units = |units: i128| Amount::from_units(units * 100_000_000);
        rows.map(|(row, (open, close))| {
            let open_time = Timestamp::from_millis(START_MS + row as i64 * MINUTE_MS);
            Bar {
                open_time,
                close_time: open_time.plus(59_999_999),
                open,
                high: open.max(close),
                low: open.min(close),
                close,
                volume: units(1_000_000),
                quote_volume: units(1_000_000),
                taker_buy_volume: Amount::ZERO,
                taker_buy_quote_volume: Amount::ZERO,
                trades: 1,
            }
        })
        .collect()
    }

    fn run(&self) -> (Vec<Event>, candlewick_model::Account) {
        let info = ExchangeInfo::parse(&self.exchange_info()).unwrap();
        assert!(info.notes.is_empty(), "{}: {:?}", self.name, info.notes);
        let instrument = info.instruments[&Symbol::new("ABUSD").unwrap()].clone();
        let rate = |name: &str| self.setting(name, "0").parse().unwrap();
        let model = FillModel {
            path: PathModel::Nearest,
            maker_fill: MakerFill::Through,
            half_spread_ticks: self.setting("half_spread", "1").parse().unwrap(),
            slippage: Slippage::None,
            volume_share: "0.1".parse().unwrap(),
            latency_us: 0,
            fees: CommissionRates::simple(rate("maker"), rate("taker")),
        };
        let default = [("AB".to_owned(), "1000".to_owned()), ("USD".to_owned(), "100000000".to_owned())];
        let balances = if self.balances.is_empty() { &default[..] } else { &self.balances };
        let account = balances.iter().map(|(asset, sum)| (asset.parse().unwrap(), sum.parse().unwrap())).collect();
        let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
        let market = Market::new(timeline, model, Interval::OneMinute, Arc::new(self.columns()));
        let limits = Limits { orders: info.order_limits, ..Limits::default() };
        let setup = Setup { limits, ..Setup::of_one(market, account) };
        let script = Script::parse(&self.sent.join("\n")).unwrap();
        let outcome = Backtest::new(&setup, script, "conformance").run().unwrap().outcome;
        (outcome.events.iter().collect(), outcome.account)
    }

    /// What differs from what is expected; nothing if all is well.
    fn differences(&self) -> Vec<String> {
        let (events, account) = self.run();
        let told: Vec<&Event> = events.iter().filter(|event| !matches!(event, Event::Sent { .. })).collect();
        let mut differences = Vec::new();
        for at in 0..told.len().max(self.expected.len()) {
            match (self.expected.get(at), told.get(at)) {
                (Some((line, expected)), Some(event)) => {
                    let found = describe(event);
                    if let Err(why) = matches(expected, &found) {
                        differences.push(format!("line {line}: {why}; told was {found}"));
                    }
                }
                (Some((line, expected)), None) => differences.push(format!("line {line}: `{expected}` was not told")),
                (None, Some(event)) => differences.push(format!("told, but not expected: {}", describe(event))),
                (None, None) => {}
            }
        }
        for (line, expected) in &self.balances_after {
            for (asset, sum) in pairs(expected) {
                let balance = account.balance(asset.parse().unwrap());
                let found = if expected.starts_with("free") { balance.free } else { balance.locked };
                if found != sum.parse().unwrap() {
                    differences.push(format!("line {line}: {asset} is {found}"));
                }
            }
        }
        differences
    }
}

/// An event in the words of `expect`.
fn describe(event: &Event) -> String {
    match event {
        Event::ExecutionReport(report) => describe_report(report),
        Event::ListStatus(l) => {
            format!("list C={} l={} L={}", l.list_client_order_id, l.list_status_type, l.list_order_status)
        }
        Event::Refused { refusal, .. } => format!("refused {refusal}"),
        Event::Tested { .. } => "tested".to_owned(),
        Event::NotSent { .. } => "not sent".to_owned(),
        Event::Sent { .. } | Event::BalanceUpdate { .. } => "sent".to_owned(),
    }
}

/// The fields of `executionReport` in `user-data-stream.md`.
fn describe_report(r: &ExecutionReport) -> String {
    let o = &r.order;
    // A cancel or an amendment tells the name that it goes by, and the one until then.
    let renamed = r.execution_type == ExecutionType::Replaced;
    let mut text =
        format!("report c={} x={} X={} S={} o={}", o.client_order_id, r.execution_type, o.status, o.side, o.order_type);
    write!(
        text,
        " f={} q={} p={} P={} z={} Z={}",
        o.time_in_force, o.quantity, o.price, o.stop_price, o.filled_quantity, o.filled_quote
    )
    .unwrap();
    let working = o.working_time.is_some() && matches!(o.status, OrderStatus::New | OrderStatus::PartiallyFilled);
    write!(text, " w={working} F={} A={} V={}", o.iceberg_quantity, o.prevented_quantity, o.self_trade_prevention)
        .unwrap();
    if let (true, Some(before)) = (renamed, r.cancel_client_order_id) {
        write!(text, " C={before}").unwrap();
    }
    if let Some(fill) = r.fill {
        let maker = fill.liquidity == Liquidity::Maker;
        write!(
            text,
            " l={} L={} Y={} n={} N={} m={maker}",
            fill.quantity, fill.price, fill.quote_quantity, fill.commission, fill.commission_asset
        )
        .unwrap();
    }
    if let Some(prevented) = r.prevented {
        write!(text, " B={} pL={} pl={}", prevented.quantity, prevented.price, prevented.match_quantity).unwrap();
    }
    if let Some(reason) = o.expiry_reason {
        write!(text, " eR={reason}").unwrap();
    }
    if !o.pegged_price.is_zero() {
        write!(text, " gp={}", o.pegged_price).unwrap();
    }
    text
}

/// Whether what was told has everything that is expected, numbers as numbers.
fn matches(expected: &str, found: &str) -> Result<(), String> {
    let kind = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    if kind(expected) != kind(found) {
        return Err(format!("expected `{expected}`"));
    }
    if kind(expected) == "refused" {
        return if expected == found { Ok(()) } else { Err(format!("expected `{expected}`")) };
    }
    let told = pairs(found);
    let number = |text: &str| text.parse::<Amount>();
    for (key, value) in pairs(expected) {
        let same = told.get(&key).is_some_and(|told| match (number(told), number(&value)) {
            (Ok(told), Ok(value)) => told == value,
            _ => *told == value,
        });
        if !same {
            return Err(format!("expected {key}={value}"));
        }
    }
    Ok(())
}

#[test]
fn every_scenario_is_answered_as_it_stands() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    files.sort();
    let (mut count, mut differing) = (0, String::new());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for scenario in parse(&text) {
            count += 1;
            assert!(scenario.sources > 0, "{name}: {}: no source", scenario.name);
            for difference in scenario.differences() {
                writeln!(differing, "{name}, {}: {difference}", scenario.name).unwrap();
            }
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
    assert!(count >= 17, "{count} scenarios");
}
