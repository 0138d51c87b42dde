//! Episodes from a seed: how many, when, and for how long, by integers alone (rule 9.6).

use std::ops::Range;

use candlewick_model::number::ONE;
use candlewick_model::stress::{Drawn, Episode, Scenario};
use candlewick_model::time::{DAY, MINUTE, SECOND};
use candlewick_model::{Symbol, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_core::RngCore;

/// What `per_month` counts in.
const MONTH: i64 = 30 * DAY;

/// The episodes that a scenario comes to on some markets over a stretch of time: those with
/// times as they are, and others from the generator. Every kind, and every market that has
/// episodes of its own, draws from its own stream, so that one does not move the others.
#[must_use]
pub fn draw(scenario: &Scenario, span: Range<Timestamp>, markets: &[Symbol], random: &ChaCha8Rng) -> Vec<Episode> {
    let mut episodes = scenario.episodes.clone();
    for drawn in &scenario.drawn {
        let mut add = |number: usize, symbols: Vec<Symbol>| {
            let mut random = random.clone();
            random.set_stream(((drawn.trouble.kind() as u64 + 1) << 32) | number as u64);
            let times = times(drawn, &span, &mut random);
            episodes.extend(times.into_iter().map(|Range { start, end }| Episode {
                from: start,
                to: end,
                symbols: symbols.clone(),
                trouble: drawn.trouble.clone(),
            }));
        };
        if drawn.by_market {
            let concerned = |symbol: &Symbol| drawn.symbols.is_empty() || drawn.symbols.contains(symbol);
            for (number, symbol) in markets.iter().enumerate().filter(|(_, symbol)| concerned(symbol)) {
                add(number, vec![*symbol]);
            }
        } else {
            add(0, drawn.symbols.clone());
        }
    }
    episodes.sort_by_key(|episode| (episode.from, episode.trouble.kind()));
    episodes
}

/// Begins on whole seconds, lengths in whole minutes; an episode lies inside of the span.
fn times(drawn: &Drawn, span: &Range<Timestamp>, random: &mut ChaCha8Rng) -> Vec<Range<Timestamp>> {
    let length = span.end.micros().saturating_sub(span.start.micros()).max(0);
    let parts = i128::from(length) * i128::from(drawn.per_month.units());
    let whole = i128::from(MONTH) * i128::from(ONE);
    let (count, rest) = (parts / whole, (parts % whole) as u128);
    // What is left of a whole one is its chance.
    let count = count + i128::from(below(random, whole as u128) < rest);
    let (least, most) = drawn.minutes;
    let time = |_| {
        let lasts = i64::from(least) + below(random, u128::from(most - least) + 1) as i64;
        let lasts = (lasts * MINUTE).min(length);
        let begins = below(random, ((length - lasts) / SECOND) as u128 + 1) as i64 * SECOND;
        let from = span.start.plus(begins);
        from..from.plus(lasts)
    };
    (0..count).map(time).collect()
}

/// An even number below a bound, which must be above zero and may have 96 bits.
fn below(random: &mut ChaCha8Rng, bound: u128) -> u128 {
    let drawn = u128::from(random.next_u64());
    let (high, low) = (bound >> 64, bound & u128::from(u64::MAX));
    high * drawn + ((low * drawn) >> 64)
}

#[cfg(test)]
mod tests {
    use candlewick_model::stress::Trouble;
    use rand_core::SeedableRng;

    use super::*;

    fn scenario(toml: &str) -> Scenario {
        serde_json::from_str(toml).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn year() -> Range<Timestamp> {
        at("2023-01-01")..at("2024-01-01")
    }

    fn symbols(names: &[&str]) -> Vec<Symbol> {
        names.iter().map(|name| Symbol::new(name).unwrap()).collect()
    }

    fn drawn(json: &str, seed: u64, markets: &[&str]) -> Vec<Episode> {
        draw(&scenario(json), year(), &symbols(markets), &ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn as_often_and_as_long_as_asked_for() {
        let episodes = drawn(r#"{"halts":{"per_month":2,"minutes":[5,60]}}"#, 1, &["A"]);
        // 365 days of two in thirty.
        assert!(matches!(episodes.len(), 24 | 25), "{}", episodes.len());
        let mut lengths = Vec::new();
        for episode in &episodes {
            assert!(year().start <= episode.from && episode.to <= year().end);
            assert_eq!(episode.from.micros() % SECOND, 0);
            lengths.push((episode.to.micros() - episode.from.micros()) / MINUTE);
        }
        assert!(lengths.iter().all(|minutes| (5..=60).contains(minutes)));
        assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() > 20, "{lengths:?}");
        // They are spread: every quarter of the year has some.
        for quarter in 0..4 {
            let months = |e: &&Episode| (e.from.date().1 - 1) / 3 == quarter;
            assert!(episodes.iter().filter(months).count() > 0, "quarter {quarter}");
        }
    }

    #[test]
    fn a_part_of_an_episode_is_a_chance() {
        // 365 / 30 × 0.05 = 0.61.
        let json = r#"{"halts":{"per_month":0.05,"minutes":5}}"#;
        let with = (0..1_000).filter(|seed| drawn(json, *seed, &["A"]).len() == 1).count();
        assert!((560..660).contains(&with), "{with}");
        assert!((0..50).all(|seed| drawn(r#"{"halts":{"per_month":0,"minutes":5}}"#, seed, &["A"]).is_empty()));
    }

    #[test]
    fn the_seed_decides_and_kinds_do_not_disturb_each_other() {
        let halts = r#"{"halts":{"per_month":2,"minutes":30}}"#;
        let both = r#"{"halts":{"per_month":2,"minutes":30},"latency":{"per_month":3,"minutes":5,"ms":9}}"#;
        assert_eq!(drawn(halts, 7, &["A"]), drawn(halts, 7, &["A", "B"]));
        assert_ne!(drawn(halts, 7, &["A"]), drawn(halts, 8, &["A"]));
        let halts_of = |episodes: Vec<Episode>| -> Vec<_> {
            episodes.into_iter().filter(|episode| episode.trouble == Trouble::Halt).collect()
        };
        let together = drawn(both, 7, &["A"]);
        assert!(together.is_sorted_by_key(|episode| episode.from));
        assert_eq!(halts_of(together), drawn(halts, 7, &["A"]));
    }

    #[test]
    fn markets_have_the_same_episodes_or_their_own() {
        let own = drawn(
            r#"{"halts":{"per_month":2,"minutes":30,"by_market":true,"symbols":["A","B"]}}"#,
            7,
            &["A", "B", "C"],
        );
        let of = |name: &str| -> Vec<_> {
            let symbol = Symbol::new(name).unwrap();
            own.iter().filter(|episode| episode.concerns(Some(symbol))).map(|episode| episode.from).collect()
        };
        assert!(of("A").len() > 20 && of("B").len() > 20 && of("C").is_empty());
        assert!(of("A").iter().all(|from| !of("B").contains(from)));
        let same = drawn(r#"{"halts":{"per_month":2,"minutes":30,"symbols":["A","B"]}}"#, 7, &["A", "B", "C"]);
        assert!(same.iter().all(|episode| episode.symbols == symbols(&["A", "B"])));
    }

    #[test]
    fn what_has_times_stands_as_it_is() {
        let json = r#"{"episode":[{"kind":"latency","ms":5,"from":"2023-03-01","to":"2023-03-02"},
                                  {"kind":"halt","from":"2023-02-01","to":"2023-02-02"}]}"#;
        assert_eq!(drawn(json, 1, &["A"]), drawn(json, 2, &["A"]));
        assert_eq!(drawn(json, 1, &["A"])[0].trouble, Trouble::Halt);
        // An episode is not longer than all there is.
        let long = draw(
            &scenario(r#"{"halts":{"per_month":1000,"minutes":600}}"#),
            at("2023-01-01")..at("2023-01-01T01:00:00Z"),
            &symbols(&["A"]),
            &ChaCha8Rng::seed_from_u64(1),
        );
        assert!(
            !long.is_empty() && long.iter().all(|e| (e.from, e.to) == (at("2023-01-01"), at("2023-01-01T01:00:00Z")))
        );
    }
}
