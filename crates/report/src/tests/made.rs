//! Runs made by hand: bars and fills go in, accounts and equity follow.

use std::sync::Arc;

use candlewick_model::run::{
    Assumptions, Event, FillModel, MakerFill, PathModel, Provenance, Run, RunMarket, Slippage,
};
use candlewick_model::time::DAY;
use candlewick_model::{
    Account, Amount, Amounts, Asset, Bar, Bars, ClientOrderId, EventLog, ExecutionReport, ExecutionType, Fill,
    Interval, Liquidity, Order, OrderStatus, OrderType, Price, Quantity, Rate, RawParameters, Refusal, Side, Symbol,
    TimeInForce, Timestamp,
};
use candlewick_model::{Action, Command, CommissionRates};

/// A run under construction: daily bars from 2024-01-01, base AAA, quote UUU, step 0.01.
pub(crate) struct Made {
    pub(crate) run: Run,
    bars: Bars,
}

pub(crate) fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}
pub(crate) fn price(text: &str) -> Price {
    text.parse().unwrap()
}
pub(crate) fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}
pub(crate) fn asset(text: &str) -> Asset {
    Asset::new(text).unwrap()
}

impl Made {
    pub(crate) fn with(quote: &str) -> Self {
        let initial: Account = [(asset("UUU"), amount(quote))].into_iter().collect();
        let fees = CommissionRates::simple(Rate::from_units(100_000), Rate::from_units(100_000));
        let hash = "00".repeat(32);
        let run = Run {
            strategy: "by hand".into(),
            parameters: Vec::new(),
            markets: vec![RunMarket {
                symbol: Symbol::new("AAAUUU").unwrap(),
                base_asset: asset("AAA"),
                quote_asset: asset("UUU"),
                tick: price("0.01"),
                step: quantity("0.01"),
                interval: Interval::OneDay,
                bars: Arc::new(Bars::default()),
                fill_model: FillModel {
                    path: PathModel::Nearest,
                    maker_fill: MakerFill::Through,
                    half_spread_ticks: 1,
                    slippage: Slippage::None,
                    volume_share: Rate::from_units(10_000_000),
                    latency_us: 0,
                    fees,
                },
                is_of_trades: false,
                details: Vec::new(),
                gaps: Vec::new(),
                uncovered: Vec::new(),
                assumed_filters: None,
                halts: Vec::new(),
            }],
            prices: Vec::new(),
            counted_in: asset("UUU"),
            marks: candlewick_model::run::Marks::Merged(candlewick_model::Times::default()),
            equity: Amounts::default(),
            account: initial.clone(),
            initial,
            events: EventLog::default(),
            orders: Vec::new(),
            assumptions: Assumptions::default(),
            band: None,
            stress: None,
            not_run: Vec::new(),
            filter_notes: Vec::new(),
            provenance: Provenance {
                program_version: "0.1.0".into(),
                data_sha256: hash.clone(),
                configuration_sha256: hash.clone(),
                filters_sha256: hash,
            },
        };
        Self { run, bars: Bars::default() }
    }

    /// The next day; fills that follow happen in it.
    pub(crate) fn bar(mut self, [open, high, low, close]: [&str; 4]) -> Self {
        self.close();
        let open_time = Timestamp::from_date(2024, 1, 1).unwrap().plus(self.bars.len() as i64 * DAY);
        self.bars.push(Bar {
            open_time,
            close_time: open_time.plus(DAY - 1),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: amount("10"),
            quote_volume: amount("1000"),
            taker_buy_volume: amount("5"),
            taker_buy_quote_volume: amount("500"),
            trades: 7,
        });
        self
    }

    pub(crate) fn flat(self, close: &str) -> Self {
        self.bar([close; 4])
    }

    fn close(&mut self) {
        if let Some(close) = self.bars.close.last().filter(|_| self.run.equity.len() < self.bars.len()) {
            let total = |name| self.run.account.balance(asset(name)).total();
            let base = crate::curve::value_at(total("AAA"), *close);
            self.run.equity.push(total("UUU").checked_add(base).unwrap());
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.bars.open_time.last().unwrap().plus(DAY / 3)
    }

    pub(crate) fn event(mut self, event: Event) -> Self {
        self.run.events.push(event);
        self
    }

    /// A market order that is filled whole, for a tenth of a percent of what it receives.
    pub(crate) fn fill(mut self, side: Side, at: &str, size: &str) -> Self {
        let (at, size, time) = (price(at), quantity(size), self.now());
        let notional = at.notional_floor(size);
        let rate = self.run.markets[0].fill_model.fees.standard.taker;
        let (out, paid, received, got) = match side {
            Side::Buy => ("UUU", notional, "AAA", Amount::from(size)),
            Side::Sell => ("AAA", Amount::from(size), "UUU", notional),
        };
        let commission = got.times_rate_floor(rate);
        self.run.account.balance_mut(asset(out)).debit(paid);
        self.run.account.balance_mut(asset(received)).credit(got);
        self.run.account.balance_mut(asset(received)).debit(commission);
        let id = self.run.orders.len() as u64 + 1;
        let order = Order { symbol: self.run.markets[0].symbol, ..order(id, side, size, notional, time) };
        let fill = Fill {
            trade_id: id,
            price: at,
            quantity: size,
            quote_quantity: notional,
            commission,
            commission_asset: asset(received),
            liquidity: Liquidity::Taker,
        };
        let report = ExecutionReport { fill: Some(fill), ..ExecutionReport::of(&order, 0, ExecutionType::Trade) };
        self.run.orders.push(order);
        self.event(Event::ExecutionReport(report))
    }

    /// A command that is refused.
    pub(crate) fn refuse(self, code: i32, text: &'static str, client: &str) -> Self {
        let (time, command) = (self.now(), self.run.events.len() as u64 + 1);
        let raw: RawParameters =
            [("symbol", "AAAUUU"), ("side", "BUY"), ("newClientOrderId", client)].into_iter().collect();
        let parameters = Command::Raw(Action::New, Box::new(raw));
        self.event(Event::Sent { time, command, action: Action::New, parameters }).event(Event::Refused {
            time,
            command,
            action: Action::New,
            refusal: Refusal::new(code, text),
        })
    }

    pub(crate) fn run(mut self) -> Run {
        self.close();
        self.run.marks = candlewick_model::run::Marks::Merged(self.bars.close_time.clone());
        self.run.markets[0].bars = Arc::new(self.bars);
        self.run
    }
}

pub(crate) fn order(id: u64, side: Side, size: Quantity, notional: Amount, time: Timestamp) -> Order {
    let told = Order::told(
        (id, ClientOrderId::numbered("o", id)),
        (Symbol::new("AAAUUU").unwrap(), side),
        (OrderType::Market, TimeInForce::Gtc),
        (Price::ZERO, Price::ZERO),
        time,
    );
    Order { quantity: size, filled_quantity: size, filled_quote: notional, status: OrderStatus::Filled, ..told }
}
