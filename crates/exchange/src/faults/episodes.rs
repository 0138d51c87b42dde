//! Episodes of trouble as a backtest under stress has them (`candlewick_model::stress`), as faults.
//!
//! For: one scenario for both, so that a bot meets at the local exchange what its backtest has met.
//! Not for: halts, which are part of the markets.

use candlewick_model::Symbol;
use candlewick_model::stress::{Episode, Trouble};

use super::{Fault, FaultKind, FaultPlan};

/// What acts: orders, lists, cancels, replacements, amendments.
const COMMANDS: (&str, &str) = ("POST,PUT,DELETE", "/api/v3/o*");

impl FaultPlan {
    /// What episodes come to.
    #[must_use]
    pub fn of_episodes(episodes: &[Episode], seed: u64) -> Self {
        let faults = episodes.iter().flat_map(|episode| {
            let symbols: Vec<Option<Symbol>> = match episode.symbols.as_slice() {
                [] => vec![None],
                symbols => symbols.iter().copied().map(Some).collect(),
            };
            let fault = of_trouble(&episode.trouble);
            symbols.into_iter().zip(std::iter::repeat(fault)).filter_map(|(symbol, fault)| {
                let (from, to) = (Some(episode.from), Some(episode.to));
                let (method, path) = (Some(COMMANDS.0.to_owned()), COMMANDS.1.to_owned());
                Some(Fault { method, path, symbol, from, to, ..fault? })
            })
        });
        Self { seed, faults: faults.collect(), markets: Vec::new() }
    }
}

fn of_trouble(trouble: &Trouble) -> Option<Fault> {
    Some(match trouble {
        Trouble::Halt => return None,
        Trouble::Timeout { executed } => Fault { executed: Some(executed.to_f64()), ..Fault::new(FaultKind::Timeout) },
        Trouble::Latency { ms } => Fault { delay_ms: Some((*ms).into()), ..Fault::new(FaultKind::Delay) },
        Trouble::Rejection(rejection) => Fault {
            status: Some(rejection.status),
            code: Some(rejection.code),
            msg: Some(rejection.msg.clone().into_owned()),
            retry_after: rejection.retry_after,
            ..Fault::new(FaultKind::Status)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Asking, Faults, Server};
    use super::*;

    #[test]
    fn a_scenario_is_met_by_commands_while_it_lasts() {
        let episodes: Vec<Episode> = serde_json::from_str(
            r#"[{"kind":"timeout","executed":0.25,"from":"2023-03-01","to":"2023-03-02","symbols":["A","B"]},
                {"kind":"halt","from":"2023-03-01","to":"2023-03-02"},
                {"kind":"rejection","code":-1008,"from":"2023-03-03","to":"2023-03-04"}]"#,
        )
        .unwrap();
        let plan = FaultPlan::of_episodes(&episodes, 7);
        assert_eq!((plan.seed, plan.faults.len()), (7, 3));
        assert!(plan.faults.iter().all(|fault| fault.lacks(Server::Trading).is_none()), "{plan:?}");
        let mut faults = Faults::new(plan);
        let mut met = |method, path, query, time: &str| {
            let asking = Asking { method, path, query, now: time.parse().unwrap() };
            faults.meet(&asking).first().map(|fault| (fault.kind, fault.executed, fault.code))
        };
        let timeout = Some((FaultKind::Timeout, Some(0.25), None));
        for (path, query, time, expected) in [
            ("/api/v3/order", "symbol=A&side=BUY", "2023-03-01", timeout),
            ("/api/v3/orderList/oco", "side=BUY&symbol=B", "2023-03-01T23:59:59Z", timeout),
            ("/api/v3/order", "symbol=AB", "2023-03-01", None),
            ("/api/v3/order", "symbol=A", "2023-03-02", None),
            ("/api/v3/order", "symbol=Z", "2023-03-03", Some((FaultKind::Status, None, Some(-1008)))),
        ] {
            assert_eq!(met("POST", path, query, time), expected, "{path} {query} {time}");
            assert_eq!(met("GET", path, query, time), None, "{path} {query} {time}");
        }
    }
}
