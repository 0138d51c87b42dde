//! The files of `tests/conformance`, run through the venue. What their lines mean is said in
//! the README beside them.

#[path = "conformance/scenario.rs"]
mod scenario;
#[path = "conformance/told.rs"]
mod told;
#[path = "conformance/world.rs"]
mod world;

use std::fmt::Write as _;

#[test]
fn every_scenario_is_answered_as_it_stands() {
    let scenarios = scenario::all();
    let mut differing = String::new();
    for scenario in &scenarios {
        let (file, name) = (&scenario.file, &scenario.name);
        assert!(!scenario.sources.is_empty(), "{file}: {name}: no source");
        for difference in scenario.differences() {
            writeln!(differing, "{file}, {name}: {difference}").unwrap();
        }
    }
    assert!(differing.is_empty(), "\n{differing}");
    assert!(scenarios.len() >= 17, "{} scenarios", scenarios.len());
}
