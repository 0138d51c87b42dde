//! The files of `tests/conformance`, run through the venue. What their lines mean is said in
//! the README beside them.

#[path = "conformance/page.rs"]
mod page;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use candlewick_conformance::{self as scenario, Scenario, describe_list, describe_refusal, describe_report};
use candlewick_model::run::Event;
use candlewick_simulator::Backtest;
use candlewick_strategy::Script;

use page::Answer;

/// Runs a scenario as a backtest of its order file.
fn differences(scenario: &Scenario) -> Vec<String> {
    let lines: Vec<String> = scenario.sent.iter().map(candlewick_conformance::Sent::line).collect();
    let script = Script::parse(&lines.join("\n")).unwrap();
    let outcome = Backtest::new(&scenario.setup(), script, "conformance").run().unwrap().outcome;
    let told: Vec<String> = outcome.events.iter().filter_map(|event| describe(&event)).collect();
    scenario.differences(&told, |asset| outcome.account.balance(asset))
}

/// An event in the words of `expect`.
fn describe(event: &Event) -> Option<String> {
    Some(match event {
        Event::ExecutionReport(report) => describe_report(report),
        Event::ListStatus(list) => describe_list(list),
        Event::Refused { refusal, .. } => describe_refusal(refusal),
        Event::Tested { .. } => "tested".to_owned(),
        Event::NotSent { .. } => "unsent".to_owned(),
        Event::Sent { .. } => return None,
        Event::Stress { .. } | Event::Trouble { .. } | Event::BalanceUpdate { .. } => "unasked".to_owned(),
    })
}

#[test]
fn every_scenario_is_answered_as_it_stands() {
    let other = scenario::other_folder();
    let scenarios = other.as_deref().map_or_else(scenario::all, scenario::in_folder);
    let mut differing = String::new();
    for scenario in &scenarios {
        for difference in differences(scenario) {
            writeln!(differing, "{}, {}: {difference}", scenario.file, scenario.name).unwrap();
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
    let enough = if other.is_some() { 1 } else { 200 };
    assert!(scenarios.len() >= enough, "{} scenarios", scenarios.len());
}

#[test]
fn every_scenario_has_a_name_of_its_own_a_source_and_something_to_expect() {
    let mut names = BTreeSet::new();
    for scenario in scenario::all() {
        let at = format!("{}, {}", scenario.file, scenario.name);
        assert!(!scenario.sources.is_empty(), "{at}: no source");
        assert!(!scenario.expected.is_empty(), "{at}: nothing is expected");
        assert!(names.insert(scenario.name), "{at}: the name is taken");
    }
}

#[test]
fn every_code_has_a_scenario_that_shows_it_or_a_reason() {
    let scenarios = scenario::all();
    let entries = page::entries("codes.txt");
    let mut asked = BTreeSet::new();
    for entry in &entries {
        assert!(entry.what.starts_with("code -") || entry.what.starts_with("text "), "`{}`", entry.what);
        assert!(asked.insert(&entry.what), "{} stands there twice", entry.what);
        let mut showing = scenarios.iter().filter(|s| s.refusals().any(|(code, text)| entry.is_shown_by(code, text)));
        match &entry.answer {
            Answer::Scenario(name) => {
                assert!(scenarios.iter().any(|s| s.name == *name), "{}: no scenario `{name}`", entry.what);
                assert!(showing.any(|s| s.name == *name), "`{name}` does not show {}", entry.what);
            }
            Answer::Reason(_) => {
                let shown = showing.next().map(|s| &s.name);
                assert!(shown.is_none(), "{} has a reason not to be there, but {shown:?} shows it", entry.what);
            }
        }
    }
    for scenario in &scenarios {
        for (code, _) in scenario.refusals().filter(|(code, _)| code.starts_with('-')) {
            let known = entries.iter().any(|entry| entry.code() == Some(code));
            assert!(known, "{}, {}: {code} is not in codes.txt", scenario.file, scenario.name);
        }
    }
}

#[test]
fn every_rule_has_a_scenario_or_a_reason() {
    let scenarios = scenario::all();
    let rules = page::rule_numbers();
    assert!(rules.len() >= 80, "{} rules", rules.len());
    let shown: BTreeSet<_> = scenarios.iter().flat_map(|s| s.rules_shown()).filter_map(page::number).collect();
    let excepted: BTreeSet<_> = page::entries("rules.txt").iter().filter_map(|e| page::number(&e.what)).collect();
    for rule in &rules {
        assert!(shown.contains(rule) || excepted.contains(rule), "no scenario shows rule {rule:?}, and no reason why");
    }
    for entry in page::entries("rules.txt") {
        if let Answer::Reason(reason) = &entry.answer
            && let Some(test) = reason.strip_prefix("test ")
        {
            assert!(page::is_a_test(test), "{}: there is no test {test}", entry.what);
        }
    }
    for rule in &excepted {
        assert!(rules.contains(rule) && !shown.contains(rule), "rules.txt has no need of {rule:?}");
    }
}

#[test]
fn the_page_is_up_to_date() {
    let page = page::render(&scenario::all());
    let path = scenario::folder().join("../../docs/conformance.md");
    if std::env::var_os("CANDLEWICK_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/conformance.md is out of date: run this test with CANDLEWICK_BLESS=1");
}
