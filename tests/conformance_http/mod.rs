//! The conformance files a second time: over HTTP. Every scenario gets a server of its own; its
//! requests go there signed, at their times, by turns in a query, in a body and through the
//! WebSocket API. What comes back as answers and on the user data
//! stream must be what the scenario expects, and what the same requests come to in process, to the
//! last field; so must everything that REST tells of them later (orders, trades, lists, prevented
//! matches, amendments, balances, counts). Answers have the members that are documented, the
//! conditional ones where they apply.

mod answers;
mod lockstep;
mod rates;
mod reports;
mod rest;
mod stream;
mod told;

use std::fmt::Write as _;

use candlewick_conformance::{Scenario, all, in_folder, other_folder};
use candlewick_model::run::PathModel;
use candlewick_model::{Action, Timestamp};
use candlewick_simulator::VenueEvent;

use lockstep::LockStep;
use reports::Reports;
use rest::Rest;
use told::{describe, describe_answer};

use crate::shapes::Shapes;

/// Scenarios that cannot be run over HTTP.
const LEFT_OUT: usize = 3;

/// Why a scenario cannot be run over HTTP.
fn reason_to_leave_out(scenario: &Scenario) -> Option<&'static str> {
    match scenario.setup().markets[0].fill_model.path {
        PathModel::Pessimistic | PathModel::Optimistic => {
            Some("the way of a bar is chosen by what all of its requests come to, which a server does not know before")
        }
        PathModel::Nearest | PathModel::Detail => None,
    }
}

#[test]
fn every_scenario_is_answered_over_http_as_it_is_in_process() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut shapes = Shapes::of_rest_and_events();
    let other = other_folder();
    let (mut differing, mut left_out, mut run) = (String::new(), 0, 0);
    for scenario in other.as_deref().map_or_else(all, in_folder) {
        if let Some(reason) = reason_to_leave_out(&scenario) {
            println!("left out: {}, {}: {reason}", scenario.file, scenario.name);
            left_out += 1;
            continue;
        }
        run += 1;
        for difference in runtime.block_on(differences(&scenario, &http, &mut shapes)) {
            writeln!(differing, "{}, {}: {difference}", scenario.file, scenario.name).unwrap();
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
    let never = shapes.unseen();
    assert!(other.is_some() || never.is_empty(), "no scenario shows {never:#?}");
    assert!(other.is_some() || (left_out == LEFT_OUT && run >= 380), "{run} run, {left_out} left out");
}

/// Runs a scenario over HTTP, with the same in process beside it.
async fn differences(scenario: &Scenario, http: &reqwest::Client, shapes: &mut Shapes) -> Vec<String> {
    let setup = scenario.setup();
    let model = setup.markets[0].fill_model;
    let mut market = LockStep::new(&setup);
    let mut rest = Rest::serve(http.clone(), shapes, scenario, setup).await;
    let mut stream = rest.stream(&market).await;
    let (mut reports, mut told, mut heard, mut found) = (Reports::default(), Vec::new(), Vec::new(), Vec::new());
    for (number, sent) in scenario.sent.iter().enumerate() {
        // Just before the request arrives, so that a point at that instant comes with it.
        let before = sent.time.plus(model.latency_us - 1);
        take_in(&market.wait(before), &mut reports, &mut told);
        rest.wait(before).await;
        // A cancel of everything is rare, and shows its members over HTTP.
        let by_socket = number % 3 == 2 && sent.names_are_unique() && sent.action != Action::CancelAll;
        let answer = if by_socket {
            stream.send(sent, &rest.credentials, market.now(), rest.shapes).await
        } else {
            rest.send(sent, market.now()).await
        };
        let taken_up = market.take_up(sent);
        take_in(&taken_up.moved, &mut reports, &mut told);
        match &taken_up.caused {
            Some(caused) => take_in(caused, &mut reports, &mut told),
            None => told.push("unsent".to_owned()),
        }
        heard.extend(stream.hear(rest.shapes).await);
        heard.extend(describe_answer(&answer, sent.action == Action::Test));
        stream.compare(&market.account());
        let expected = answers::expected(sent, &taken_up, &reports, &model.fees);
        let about = format!("{} {:?}", sent.action, sent.parameters);
        found.extend(rest::difference(&about, &expected, &answer));
        found.extend(rest.compare_often(&market, &reports).await);
    }
    take_in(&market.wait(Timestamp::MAX), &mut reports, &mut told);
    rest.finish().await;
    heard.extend(stream.hear(rest.shapes).await);
    stream.compare(&market.account());
    found.extend(rest.compare_often(&market, &reports).await);
    found.extend(rest.compare_once(&market, &reports, &model.fees).await);
    found.append(&mut rest.misshapen);
    found.append(&mut stream.wrong);
    found.extend(scenario.differences(&heard, |asset| market.account().balance(asset)));
    found.extend(told.iter().zip(&heard).filter_map(|(told, heard)| stream::difference(told, heard)));
    if told.len() != heard.len() {
        found.push(format!("told was {told:#?}, heard {heard:#?}"));
    }
    found
}

fn take_in(events: &[VenueEvent], reports: &mut Reports, told: &mut Vec<String>) {
    for event in events {
        reports.take_in(event);
        told.push(describe(event));
    }
}
