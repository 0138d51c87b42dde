//! Writes the report of a made-up run: a seeded random walk, traded by a coin.
//!
//! `cargo run --release -p candlewick-report --example sample -- FOLDER [BARS [ORDERS]]`
//!
//! For: looking at the page and measuring it. Not for: learning anything about trading.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candlewick_model::run::{
    AssumedFilters, Assumptions, Band, Event, FillModel, MakerFill, PathModel, Provenance, Run, RunMarket, Slippage,
};
use candlewick_model::time::MINUTE;
use candlewick_model::{
    Account, Amount, Asset, Bar, Bars, ClientOrderId, EventLog, ExecutionReport, ExecutionType, ExpiryReason, Fill,
    Gap, Interval, Liquidity, Order, OrderStatus, OrderType, Price, Quantity, Rate, RawParameters, Refusal,
    SelfTradePrevention, Side, Symbol, TimeInForce, Timestamp,
};
use candlewick_model::{Action, Command, CommissionRates};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// A number in 0..1.
fn chance(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Roughly normal.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| chance(random)).sum::<f64>() - 6.0
}

fn price(value: f64) -> Price {
    Price::from_units((value * 100.0).round() as i64 * 1_000_000)
}

fn amount(value: f64) -> Amount {
    Amount::from_units((value * 1e8).round() as i128)
}

fn market(count: usize, random: &mut ChaCha8Rng) -> (Bars, Vec<Gap>) {
    let mut bars = Bars::with_capacity(count);
    let mut gaps = Vec::new();
    let mut time = Timestamp::from_date(2024, 1, 1).expect("a date");
    let (mut last, mut volatility) = (42_283.58_f64, 0.0004);
    for row in 0..count {
        if row > 0 && row % (count / 3 + 1) == 0 {
            let missing = (count / 60).max(3) as u64;
            let to = time.plus(missing as i64 * MINUTE);
            gaps.push(Gap { from: time, to, missing });
            time = to;
        }
        volatility = (volatility * (1.0 + 0.06 * normal(random))).clamp(0.000_15, 0.002);
        let open = last;
        let close = open * (1.0 + volatility * normal(random) + 0.000_000_4);
        let high = open.max(close) * (1.0 + volatility * 0.6 * chance(random));
        let low = open.min(close) * (1.0 - volatility * 0.6 * chance(random));
        let volume = 20.0 * volatility / 0.0004 * (0.2 + chance(random));
        bars.push(Bar {
            open_time: time,
            close_time: time.plus(MINUTE - 1),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: amount(volume),
            quote_volume: amount(volume * close),
            taker_buy_volume: amount(volume / 2.0),
            taker_buy_quote_volume: amount(volume * close / 2.0),
            trades: 1 + (volume * 9.0) as i64,
        });
        last = close;
        time = time.plus(MINUTE);
    }
    (bars, gaps)
}

/// Buys and sells in turn, books what happens, refuses now and then.
struct Trader {
    symbol: Symbol,
    base: Asset,
    quote: Asset,
    account: Account,
    events: EventLog,
    orders: Vec<Order>,
    command: u64,
    trade: u64,
    fees: CommissionRates,
}

impl Trader {
    fn sent(&mut self, time: Timestamp, action: Action, raw: RawParameters) -> u64 {
        self.command += 1;
        let raw = Box::new(raw);
        let parameters = Command::Raw(action, raw);
        self.events.push(Event::Sent { time, command: self.command, action, parameters });
        self.command
    }

    fn raw(&self, side: Side, kind: OrderType, quantity: &str, price: Option<Price>) -> RawParameters {
        let mut raw: RawParameters =
            [("symbol", self.symbol.as_str()), ("side", side.as_str()), ("type", kind.as_str())].into_iter().collect();
        if let Some(price) = price {
            raw.push("timeInForce", "GTC");
            raw.push("price", price.to_string());
        }
        raw.push("quantity", quantity);
        raw.push("newClientOrderId", format!("sample-{}", self.command + 1));
        raw
    }

    fn refuse(&mut self, bar: &Bar, random: &mut ChaCha8Rng) {
        let all = [
            (-1013, "Filter failure: NOTIONAL", "0.00001000"),
            (-2010, "Account has insufficient balance for requested action.", "250.00000000"),
            (-1013, "Filter failure: LOT_SIZE", "0.000001"),
            (-1111, "Parameter 'quantity' has too much precision.", "0.1234567891"),
        ];
        let (code, text, quantity) = all[(chance(random) * 4.0) as usize % 4];
        let raw = self.raw(Side::Buy, OrderType::Limit, quantity, Some(bar.close));
        let command = self.sent(bar.close_time, Action::New, raw);
        let time = bar.close_time.plus(1);
        self.events.push(Event::Refused { time, command, action: Action::New, refusal: Refusal::new(code, text) });
    }

    fn accept(&mut self, time: Timestamp, side: Side, kind: OrderType, at: Price, quantity: Quantity) -> Order {
        let limit = (kind == OrderType::Limit).then_some(at);
        let raw = self.raw(side, kind, &quantity.to_string(), limit);
        let command = self.sent(time.plus(-1), Action::New, raw);
        let told = Order::told(
            (self.orders.len() as u64 + 1, ClientOrderId::numbered("sample-", command)),
            (self.symbol, side),
            (kind, TimeInForce::Gtc),
            (limit.unwrap_or(Price::ZERO), Price::ZERO),
            time,
        );
        let order = Order { quantity, self_trade_prevention: SelfTradePrevention::ExpireMaker, ..told };
        self.events.push(Event::ExecutionReport(ExecutionReport::of(&order, 0, ExecutionType::New)));
        order
    }

    fn end(&mut self, mut order: Order, time: Timestamp, status: OrderStatus, reason: Option<ExpiryReason>) {
        (order.status, order.updated, order.expiry_reason) = (status, time, reason);
        let kind = if status == OrderStatus::Canceled { ExecutionType::Canceled } else { ExecutionType::Expired };
        self.events.push(Event::ExecutionReport(ExecutionReport::of(&order, 0, kind)));
        self.orders.push(order);
    }

    fn fill(
        &mut self,
        mut order: Order,
        time: Timestamp,
        at: Price,
        quantity: Quantity,
        liquidity: Liquidity,
    ) -> Order {
        self.trade += 1;
        let notional = at.notional_floor(quantity);
        let rate = if liquidity == Liquidity::Maker { self.fees.standard.maker } else { self.fees.standard.taker };
        let (commission, commission_asset) = match order.side {
            Side::Buy => (Amount::from(quantity).times_rate_floor(rate), self.base),
            Side::Sell => (notional.times_rate_floor(rate), self.quote),
        };
        match order.side {
            Side::Buy => {
                self.account.balance_mut(self.quote).debit(notional);
                self.account.balance_mut(self.base).credit(quantity.into());
            }
            Side::Sell => {
                self.account.balance_mut(self.base).debit(quantity.into());
                self.account.balance_mut(self.quote).credit(notional);
            }
        }
        self.account.balance_mut(commission_asset).debit(commission);
        order.filled_quantity = order.filled_quantity.checked_add(quantity).expect("fits");
        order.filled_quote = order.filled_quote.checked_add(notional).expect("fits");
        order.updated = time;
        let full = order.filled_quantity == order.quantity;
        order.status = if full { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        let fill = Fill {
            trade_id: self.trade,
            price: at,
            quantity,
            quote_quantity: notional,
            commission,
            commission_asset,
            liquidity,
        };
        let report = ExecutionReport::of(&order, 0, ExecutionType::Trade);
        self.events.push(Event::ExecutionReport(ExecutionReport { fill: Some(fill), ..report }));
        order
    }

    fn equity(&self, close: Price) -> Amount {
        let base = Quantity::from_amount_saturating(self.account.balance(self.base).total());
        self.account.balance(self.quote).total().checked_add(close.notional_floor(base)).expect("fits")
    }

    fn trade(&mut self, bar: &Bar, random: &mut ChaCha8Rng) {
        let base = self.account.balance(self.base).total();
        let step = Quantity::from_units(1_000);
        let selling = Quantity::from_amount_saturating(base).floor_to(step);
        let (side, quantity) = if selling.units() > 100_000 {
            (Side::Sell, selling)
        } else {
            let quote = self.account.balance(self.quote).total();
            let spend = Amount::from_units(quote.units() * 9 / 10);
            (Side::Buy, Quantity::bought_floor(spend, bar.open).expect("a price").floor_to(step))
        };
        let time = bar.open_time;
        match (chance(random) * 10.0) as u32 {
            0 => {
                let order = self.accept(time, side, OrderType::Limit, bar.open, quantity);
                let name = order.client_order_id.to_string();
                let raw = [("symbol", self.symbol.to_string()), ("origClientOrderId", name)].into_iter().collect();
                self.sent(bar.close_time, Action::Cancel, raw);
                self.end(order, bar.close_time.plus(1), OrderStatus::Canceled, None);
            }
            1 => {
                let order = self.accept(time, side, OrderType::Market, bar.open, quantity);
                let half = Quantity::from_units(quantity.units() / 2).floor_to(step);
                let order = self.fill(order, time, bar.open, half, Liquidity::Taker);
                self.end(order, time, OrderStatus::Expired, Some(ExpiryReason::InsufficientLiquidity));
            }
            2..=5 => {
                let order = self.accept(time, side, OrderType::Limit, bar.open, quantity);
                let later = time.plus(MINUTE / 3);
                let order = self.fill(order, later, bar.open, quantity, Liquidity::Maker);
                self.orders.push(order);
            }
            _ => {
                let order = self.accept(time, side, OrderType::Market, bar.open, quantity);
                let order = self.fill(order, time, bar.open, quantity, Liquidity::Taker);
                self.orders.push(order);
            }
        }
    }
}

fn run(count: usize, orders: usize) -> Run {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (bars, gaps) = market(count, &mut random);
    let name = |text: &str| Asset::new(text).expect("short");
    let fees = CommissionRates::simple(Rate::from_units(20_000), Rate::from_units(40_000));
    let initial: Account = [(name("USDT"), amount(10_000.0))].into_iter().collect();
    let mut trader = Trader {
        symbol: Symbol::new("BTCUSDT").expect("short"),
        base: name("BTC"),
        quote: name("USDT"),
        account: initial.clone(),
        events: EventLog::default(),
        orders: Vec::new(),
        command: 0,
        trade: 0,
        fees,
    };
    let every = (count as f64 / orders as f64).max(2.0);
    let mut equity = Vec::with_capacity(count);
    for (row, bar) in bars.iter().enumerate() {
        if row > 0 && chance(&mut random) < 1.0 / every {
            trader.trade(&bar, &mut random);
        } else if chance(&mut random) < 0.1 / every {
            trader.refuse(&bar, &mut random);
        }
        equity.push(trader.equity(bar.close));
    }
    let last = equity.last().map_or(0.0, |e| e.to_f64());
    let first = bars.open_time.first().unwrap_or_default();
    Run {
        strategy: "ma-cross".into(),
        parameters: [("fast", "12"), ("slow", "48"), ("share", "0.9"), ("note", "<b>not & markup</b>")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        marks: candlewick_model::run::Marks::Merged(bars.close_time.clone()),
        markets: vec![RunMarket {
            symbol: trader.symbol,
            base_asset: trader.base,
            quote_asset: trader.quote,
            tick: Price::from_units(1_000_000),
            step: Quantity::from_units(1_000),
            interval: Interval::OneMinute,
            bars: Arc::new(bars),
            fill_model: FillModel {
                path: PathModel::Nearest,
                maker_fill: MakerFill::Through,
                half_spread_ticks: 1,
                slippage: Slippage::BasisPoints(1),
                volume_share: Rate::from_units(10_000_000),
                latency_us: 50_000,
                fees,
            },
            is_of_trades: false,
            details: Vec::new(),
            gaps,
            uncovered: Vec::new(),
            assumed_filters: Some(AssumedFilters { from: first, to: first.plus(MINUTE * count as i64 / 2) }),
            halts: Vec::new(),
        }],
        prices: Vec::new(),
        counted_in: trader.quote,
        equity: equity.into_iter().collect(),
        initial,
        account: trader.account,
        events: trader.events,
        orders: trader.orders,
        assumptions: Assumptions {
            rejected_when_triggered: 0,
            budget_exhausted: 12,
            remainder_filled: 9,
            market_order_expired: 31,
            path_order_mattered: 44,
            bars_with_detail: 0,
            bars_without_detail: 0,
            average_replaced: 2,
            filters_assumed: 310,
            maker_fills: 168,
            taker_fills: 190,
        },
        stress: None,
        not_run: Vec::new(),
        band: Some(Band {
            pessimistic: Some(amount(last * 0.987)),
            nearest: Some(amount(last)),
            optimistic: Some(amount(last * 1.006)),
        }),
        filter_notes: vec!["unknown filter type NEW_FILTER kept as it is".into()],
        provenance: Provenance {
            program_version: "0.1.0".into(),
            data_sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            configuration_sha256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".into(),
            filters_sha256: "fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13".into(),
        },
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let count = arguments.next().map_or(Ok(44_640), |n| n.parse())?;
    let orders = arguments.next().map_or(Ok(460), |n| n.parse())?;
    let run = run(count, orders);
    let start = Instant::now();
    let statistics = candlewick_report::statistics(&run);
    let counted = start.elapsed();
    let page = candlewick_report::page::render(&run, &statistics);
    let rendered = start.elapsed();
    candlewick_report::write_all(&run, &folder)?;
    let all = start.elapsed() - rendered;
    println!("{}", candlewick_report::terminal::summary(&run, &statistics));
    println!("statistics {counted:?}, page {:?} ({} bytes), write_all {all:?}", rendered - counted, page.len());
    Ok(())
}
