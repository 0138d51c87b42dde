//! The same requests through the backtest: its short cuts over quiet bars leave what walking
//! leaves, and the strategy's side of the books comes to what the venue's does.

use std::collections::BTreeMap;

use candlewick_model::run::{Assumptions, Event, PathModel};
use candlewick_model::{Action, Asset, RawParameters, Side, Symbol};
use candlewick_simulator::{Backtest, Finished, Setup, VenueEvent};
use candlewick_strategy::Script;
use proptest::prelude::*;
use serde_json::value::to_raw_value;

use crate::ask::Op;
use crate::drive::Driven;
use crate::explain;
use crate::world::{MARKETS, START_MS, World};

pub(crate) fn check(world: &World, path: PathModel, setup: &Setup, driven: &Driven) -> Result<(), TestCaseError> {
    let mut setup = Setup { transfers: driven.transfers.clone(), ..setup.clone() };
    setup.markets.iter_mut().for_each(|market| market.fill_model.path = path);
    // The other paths move other money, so that a withdrawal may not be there.
    let is_same = matches!(path, PathModel::Nearest | PathModel::Detail);
    if !is_same {
        setup.transfers.retain(|transfer| transfer.amount.units() > 0);
    }
    let script = script(world, driven);
    let finished = Backtest::new(&setup, script.clone(), "script").run().unwrap();
    explain::check(world, &setup, &script, &finished)?;
    let events: Vec<Event> = finished.outcome.events.iter().collect();
    let times = events.iter().filter(|event| !matches!(event, Event::NotSent { .. })).map(Event::time);
    prop_assert!(times.is_sorted(), "time goes back (rule 2.3)");
    check_totals(&setup, &events, &finished)?;
    if is_same {
        let said: Vec<VenueEvent> = events.into_iter().filter_map(of_venue).collect();
        prop_assert_eq!(&said, &driven.said);
        prop_assert_eq!(&finished.outcome.account, &driven.account);
        // Of quiet bars nobody needs the detail.
        let decided = |all: Assumptions| Assumptions { bars_with_detail: 0, bars_without_detail: 0, ..all };
        prop_assert_eq!(decided(finished.assumptions), decided(driven.assumptions));
    }
    Ok(())
}

/// The requests as they were taken up, at the times at which they left.
fn script(world: &World, driven: &Driven) -> Script {
    let line = |(op, sent): (&Op, &Option<_>)| {
        let never = || {
            let symbol = MARKETS[op.market % world.markets.len()].0;
            (Action::CancelAll, [("symbol", symbol)].into_iter().collect())
        };
        let (action, raw): (_, RawParameters) = sent.clone().unwrap_or_else(never);
        let text = |text: &str| to_raw_value(text).unwrap().to_string();
        let members = raw.iter().map(|(name, value)| format!(",{}:{}", text(name), text(value)));
        let time = START_MS + op.time * 500;
        format!(r#"{{"time":{time},"action":"{action}"{}}}"#, members.collect::<String>())
    };
    let lines: Vec<String> = world.ops.iter().zip(&driven.sent).map(line).collect();
    Script::parse(&lines.join("\n")).unwrap()
}

fn of_venue(event: Event) -> Option<VenueEvent> {
    Some(match event {
        Event::ExecutionReport(report) => VenueEvent::Report(report),
        Event::ListStatus(status) => VenueEvent::ListStatus(status),
        Event::Refused { time, command, action, refusal } => VenueEvent::Refused { time, command, action, refusal },
        Event::Tested { time, command } => VenueEvent::Tested { time, command },
        Event::Sent { .. } | Event::BalanceUpdate { .. } | Event::NotSent { .. } => return None,
        Event::Stress { .. } | Event::Trouble { .. } => return None,
    })
}

/// Fills, commissions and transfers explain what the account holds at the end.
fn check_totals(setup: &Setup, events: &[Event], finished: &Finished) -> Result<(), TestCaseError> {
    let mut totals: BTreeMap<Asset, i128> = BTreeMap::new();
    let mut add = |asset, units| *totals.entry(asset).or_insert(0_i128) += units;
    setup.account.iter().for_each(|(asset, balance)| add(asset, balance.total().units()));
    let assets = |symbol: Symbol| {
        let instruments = setup.markets.iter().map(|market| market.timeline.last());
        let instrument = instruments.into_iter().find(|instrument| instrument.symbol == symbol).unwrap();
        (instrument.base_asset, instrument.quote_asset)
    };
    for event in events {
        match event {
            Event::BalanceUpdate { asset, amount, .. } => add(*asset, amount.units()),
            Event::ExecutionReport(report) => {
                let Some(fill) = report.fill else { continue };
                let (base, quote) = assets(report.order.symbol);
                let sign = if report.order.side == Side::Buy { 1 } else { -1 };
                add(base, sign * i128::from(fill.quantity.units()));
                add(quote, -sign * fill.quote_quantity.units());
                add(fill.commission_asset, -fill.commission.units());
            }
            _ => {}
        }
    }
    for (asset, balance) in finished.outcome.account.iter() {
        prop_assert_eq!(balance.total().units(), totals.get(&asset).copied().unwrap_or(0), "all of {}", asset);
    }
    Ok(())
}
