//! What an order costs for good: everything that an account has done can be asked for, and a run of
//! a robot has millions of orders.

use std::sync::Arc;

use candlewick_exchange::{LocalExchange, MarketPlan};
use candlewick_model::run::FillModel;
use candlewick_model::{Account, Action, Command, ExchangeInfo, Interval, RawParameters, Timestamp};
use candlewick_simulator::{Market, Setup, Timeline, VenueEvent};

const ORDERS: usize = 50_000;
/// Bytes of memory that an order may take for good: with its name, both of its requests in the
/// journal, and room that is not used yet.
const MOST: usize = 400;

fn exchange() -> LocalExchange {
    let start: Timestamp = "2023-03-01".parse().unwrap();
    let plan = MarketPlan::bitcoin(1, Interval::OneMinute, start, start.plus(3_600_000_000));
    let mut info = ExchangeInfo::parse(&plan.exchange_info()).unwrap();
    let instrument = info.instruments.remove(&plan.symbol).unwrap();
    let timeline = Timeline::new(vec![(info.server_time, instrument)]).unwrap();
    let market = Market::new(timeline, FillModel::default(), plan.interval, Arc::new(plan.bars()));
    LocalExchange::new(&Setup::of_one(market, Account::from_iter([(plan.quote_asset, "1000000".parse().unwrap())])))
}

fn raw(action: Action, parameters: &[(&str, &str)]) -> Command {
    Command::Raw(action, Box::new(parameters.iter().copied().collect::<RawParameters>()))
}

/// Resident memory of this process in bytes.
fn resident() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}

#[test]
fn an_order_that_was_takes_little_memory() {
    let mut exchange = exchange();
    let mut place = |number: usize| {
        let name = format!("robot-{number}-of-some-strategy");
        let limit = [
            ("symbol", "BTCUSDT"),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("timeInForce", "GTC"),
            ("quantity", "0.01"),
            ("price", "15000"),
            ("newClientOrderId", &name),
        ];
        let cancel = [("symbol", "BTCUSDT"), ("origClientOrderId", &name[..])];
        for command in [raw(Action::New, &limit), raw(Action::Cancel, &cancel)] {
            let events = exchange.take_up(0, &command).unwrap();
            assert!(matches!(events[..], [VenueEvent::Report(_)]), "{events:?}");
        }
    };
    (0..ORDERS / 10).for_each(&mut place);
    let Some(before) = resident() else { return };
    (ORDERS / 10..ORDERS).for_each(&mut place);
    let each = resident().unwrap().saturating_sub(before) / (ORDERS - ORDERS / 10);
    println!("{each} bytes an order");
    assert!(each <= MOST, "{each} bytes an order");
}
