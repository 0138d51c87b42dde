//! A run as text, for whoever looks into a world that failed.

use candlewick_simulator::{Replay, VenueEvent};
use proptest::prelude::*;

use crate::drive::{Cause, Turn, Watch, drive};
use crate::world::World;

#[derive(Default)]
struct Diary(Vec<String>);

impl Watch for Diary {
    fn turn(&mut self, replay: &Replay, turn: &Turn, said: &[VenueEvent]) -> Result<(), TestCaseError> {
        let (market, last) = (turn.market, replay.last_price(turn.market));
        self.0.push(match &turn.cause {
            Cause::Move { point, from } => {
                format!("{} market {market}: bar {} {:?}, {from} to {last}", replay.now(), point.bar, point.kind)
            }
            Cause::Command(action) => format!("{} market {market}: {action} at {last}", replay.now()),
            Cause::Transfer(transfer) => format!("{transfer:?}"),
        });
        self.0.extend(said.iter().map(|event| format!("    {}", serde_json::to_string(event).unwrap())));
        Ok(())
    }
}

/// What was asked and said in a world, as far as it goes without panicking.
pub(crate) fn of(world: &World) -> String {
    let mut diary = Diary::default();
    let driven = drive(world, &world.setup(), None, &mut diary);
    let sent = driven.into_iter().flat_map(|driven| driven.sent).flatten();
    let asked = sent.map(|(action, raw)| {
        let pairs: Vec<_> = raw.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{action} {}", pairs.join(" "))
    });
    diary.0.into_iter().chain(asked).collect::<Vec<_>>().join("\n")
}
