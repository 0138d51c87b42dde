//! What holds for any requests on any bars, in many thousands of random worlds: a world
//! (`world`, `market`) and its requests (`ask`, `ask_lists`) are driven through a replay (`drive`)
//! while an audit looks on (`audit`, a file a subject); the same through the backtest
//! (`backtest`) with an order explained on the way (`explain`), and stopped and gone on with from
//! written states. `coverage` sees to it that all
//! of it really happens.
//!
//! The worlds come from a fixed seed. `CANDLEWICK_CASES` runs so many, `CANDLEWICK_SEED` others;
//! `CANDLEWICK_SHRINKS=0` shows one that fails as it is.

#![cfg(test)]

mod ask;
mod ask_lists;
mod audit;
mod backtest;
mod coverage;
mod diary;
mod drive;
mod explain;
mod inside;
mod market;
mod world;

use std::cell::RefCell;

use candlewick_model::run::PathModel;
use candlewick_simulator::{Replay, Setup};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use audit::Audit;
use coverage::Coverage;
use drive::{Driven, Nobody, Stops, drive, drive_replay};
use world::{World, world};

/// A number from the environment.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is {text}")))
}

/// How many worlds are tried where so many are usual.
fn cases(usual: u32) -> u32 {
    given("CANDLEWICK_CASES").map_or(usual, |cases| cases as u32)
}

fn runner(cases: u32) -> TestRunner {
    let max_shrink_iters = given("CANDLEWICK_SHRINKS").map_or(4_000, |most| most as u32);
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters, ..ProptestConfig::with_cases(cases) };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&given("CANDLEWICK_SEED").unwrap_or(1).to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn check(cases: u32, holds: impl Fn(&World) -> Result<(), TestCaseError>) {
    match runner(cases).run(&world(), |world| holds(&world)) {
        Ok(()) => {}
        Err(TestError::Fail(why, world)) => panic!("{why}\nin {world:?}\n{}", diary::of(&world)),
        Err(error) => panic!("{error}"),
    }
}

/// The same, stopped now and then: the same is said, and the same is left.
fn check_stopped(world: &World, setup: &Setup, stops: Stops, first: &Driven) -> Result<(), TestCaseError> {
    let again = drive(world, setup, stops, &mut Nobody)?;
    prop_assert_eq!(&first.said, &again.said);
    prop_assert_eq!(&first.sent, &again.sent);
    prop_assert_eq!(&first.account, &again.account);
    prop_assert_eq!(first.assumptions, again.assumptions);
    Ok(())
}

#[test]
fn any_requests_in_any_world() {
    let coverage = RefCell::new(Coverage::default());
    let worlds = cases(3_000);
    check(worlds, |world| {
        let setup = world.setup();
        let mut coverage = coverage.borrow_mut();
        let mut audit = Audit::new(&setup, &mut coverage);
        let driven = drive(world, &setup, None, &mut audit)?;
        audit.finish(&driven.account)?;
        check_stopped(world, &setup, Some(world.stops), &driven)?;
        backtest::check(world, world.path, &setup, &driven)
    });
    let coverage = coverage.into_inner();
    for (what, count) in coverage.iter() {
        println!("{count:>9} {what}");
    }
    let missing = coverage.missing(worlds);
    assert!(missing.is_empty(), "seldom in {worlds} worlds: {missing:#?}");
}

/// Very many orders are found by an index; the same is found where it has been there from the first.
#[test]
fn an_index_finds_the_orders_that_are_found_without() {
    check(cases(1_000), |world| {
        let setup = world.setup();
        let first = drive(world, &setup, None, &mut Nobody)?;
        let mut replay = Replay::new(&setup);
        replay.index_orders_from(0);
        let again = drive_replay(replay, world, &setup, None, &mut Nobody)?;
        prop_assert_eq!(&first.said, &again.said);
        prop_assert_eq!(first.assumptions, again.assumptions);
        Ok(())
    });
}

#[test]
fn a_replay_goes_on_from_its_state_at_every_turn() {
    check(cases(100), |world| {
        let setup = world.setup();
        let driven = drive(world, &setup, None, &mut Nobody)?;
        check_stopped(world, &setup, Some((1, 0)), &driven)
    });
}

#[test]
fn along_detail_a_replay_goes_on_from_its_state_and_the_backtest_does_the_same() {
    let known = RefCell::new((0, 0));
    check(cases(200), |world| {
        let setup = inside::along(world.setup());
        let driven = drive(world, &setup, None, &mut Nobody)?;
        check_stopped(world, &setup, Some(world.stops), &driven)?;
        let mut known = known.borrow_mut();
        known.0 += driven.assumptions.bars_with_detail;
        known.1 += driven.assumptions.bars_without_detail;
        backtest::check(world, PathModel::Detail, &setup, &driven)
    });
    let (with, without) = known.into_inner();
    assert!(with > 0 && without > 0, "{with} bars with detail, {without} without");
}
