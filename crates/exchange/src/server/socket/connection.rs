//! One connection from handshake to close.
//!
//! For: reading what the client says, writing what it is told, never waiting for one while the
//! other could go on for ever, and leaving with the reason in the close frame. Not for: answers.

use std::time::{Duration, Instant};

use axum::Error;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::SinkExt as _;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use super::Conversation;
use super::entrance::Phase;
use super::pulse::{Beat, Pulse, Timing};
use crate::outlet::Inlet;

/// So many messages are written before the client is listened to again.
const BATCH: usize = 256;
/// So many batches that follow each other at once are a rush.
const RUSH: u32 = 32;
/// In a rush so long is waited for more to come.
const BREATH: Duration = Duration::from_millis(1);
/// So long a close frame may take until it is answered.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a connection is left: code and reason of the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leave {
    code: u16,
    reason: &'static str,
}

impl Leave {
    /// What is not a text is no request.
    const NO_TEXT: Self = Self { code: close_code::UNSUPPORTED, reason: "Only text frames are supported" };
    /// A text that is not UTF-8.
    const NO_UTF8: Self = Self { code: close_code::INVALID, reason: "Invalid UTF-8" };
    const TOO_LONG: Self = Self { code: close_code::SIZE, reason: "Message too big" };
    /// Frames that break the protocol.
    const BROKEN: Self = Self { code: close_code::PROTOCOL, reason: "Protocol error" };
    const NO_PONG: Self = Self { code: close_code::POLICY, reason: "Pong timeout" };
    const TOO_MANY: Self = Self { code: close_code::POLICY, reason: "Too many requests" };
    const TOO_SLOW: Self = Self { code: close_code::POLICY, reason: "Slow consumer" };
    /// The day is over, or the server stops.
    const AWAY: Self = Self { code: close_code::AWAY, reason: "Connection expired" };
    /// In the middle of something: what has been said arrives, good-bye does not.
    pub(crate) const CUT_OFF: Self = Self { code: close_code::ABNORMAL, reason: "cut off" };
    /// The address is banned.
    pub(crate) const BANNED: Self = Self { code: close_code::POLICY, reason: "IP banned" };
}

/// How a connection ends.
enum End {
    /// With a close frame.
    Leave(Leave),
    /// The other side has gone.
    Gone,
}

impl From<Leave> for End {
    fn from(leave: Leave) -> Self {
        Self::Leave(leave)
    }
}

/// Talks until somebody leaves.
pub(super) async fn converse<C: Conversation>(
    socket: WebSocket,
    inlet: Inlet,
    conversation: C,
    timing: Timing,
    phase: watch::Receiver<Phase>,
) {
    let pulse = Pulse::new(timing, Instant::now());
    let heard = Heard { since: Instant::now(), count: 0 };
    let rush = Rush { since: Instant::now(), batches: 0, is_on: false };
    let mut connection = Connection { socket, inlet, batch: Vec::new(), conversation, pulse, heard, rush, phase };
    let end = loop {
        if let Err(end) = connection.turn().await {
            break end;
        }
    };
    if let End::Leave(leave) = end {
        tracing::debug!(code = leave.code, reason = leave.reason, "a WebSocket is left");
        // Whoever does not even take this is left without.
        let _ = timeout(PATIENCE, connection.leave(leave)).await;
    }
}

struct Connection<C> {
    socket: WebSocket,
    inlet: Inlet,
    batch: Vec<Utf8Bytes>,
    conversation: C,
    pulse: Pulse,
    heard: Heard,
    rush: Rush,
    phase: watch::Receiver<Phase>,
}

impl<C: Conversation> Connection<C> {
    /// Waits for what happens next, and deals with it.
    async fn turn(&mut self) -> Result<(), End> {
        tokio::select! {
            message = self.socket.recv() => self.hear(message).await,
            count = self.inlet.next_many(&mut self.batch, BATCH) => match count {
                0 if self.inlet.is_broken() => Err(End::Gone),
                0 => Err(Leave::TOO_SLOW.into()),
                _ => {
                    self.say().await?;
                    if self.rush.is_on(count, Instant::now()) {
                        sleep(BREATH).await;
                    }
                    Ok(())
                }
            },
            () = sleep_until(self.pulse.next().into()) => self.beat().await,
            changed = self.phase.changed() => match changed.map(|()| *self.phase.borrow_and_update()) {
                Ok(Phase::Leaving(grace)) => {
                    self.pulse.retire(Instant::now(), grace);
                    Ok(())
                }
                Ok(Phase::Open) => Ok(()),
                Ok(Phase::Gone) | Err(_) => Err(Leave::AWAY.into()),
            },
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        let message = match message {
            None => return Err(End::Gone),
            Some(Err(error)) => return Err(what_broke(error)),
            Some(Ok(message)) => message,
        };
        if C::MESSAGES_A_SECOND.is_some_and(|limit| self.heard.add(Instant::now()) > limit) {
            return Err(Leave::TOO_MANY.into());
        }
        match message {
            Message::Text(text) => Ok(self.conversation.hear(text).await?),
            Message::Binary(_) => Err(Leave::NO_TEXT.into()),
            Message::Pong(payload) => {
                self.pulse.pong(&payload);
                Ok(())
            }
            // Answered below us with the same payload, once it is flushed.
            Message::Ping(_) => self.send([]).await,
            Message::Close(_) => self.send([]).await.and(Err(End::Gone)),
        }
    }

    /// Writes what has come out of the inlet.
    async fn say(&mut self) -> Result<(), End> {
        let batch = std::mem::take(&mut self.batch);
        self.send(batch.into_iter().map(Message::Text)).await
    }

    async fn beat(&mut self) -> Result<(), End> {
        match self.pulse.beat(Instant::now()) {
            Some(Beat::Ping(_) | Beat::Farewell) if self.inlet.is_silent(|| self.conversation.now()) => Ok(()),
            Some(Beat::Ping(number)) => self.send([Message::Ping(number.to_string().into())]).await,
            Some(Beat::Farewell) => self.send([Message::Text(self.conversation.farewell())]).await,
            Some(Beat::Unanswered) => Err(Leave::NO_PONG.into()),
            Some(Beat::End) => Err(Leave::AWAY.into()),
            None => Ok(()),
        }
    }

    /// Writes; a client that reads nothing meanwhile falls behind or gives no sign of life.
    async fn send(&mut self, messages: impl IntoIterator<Item = Message>) -> Result<(), End> {
        let until = self.pulse.pong_until();
        let socket = &mut self.socket;
        let written = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            written = written => written.map_err(|_| End::Gone),
            () = self.inlet.fallen_behind() => Err(Leave::TOO_SLOW.into()),
            () = sleep_until(until.into()) => Err(Leave::NO_PONG.into()),
        }
    }

    /// Says what is still to be said, then why it goes if it does, and waits for the other side to go too:
    /// who hangs up with something unread takes back what was written last.
    async fn leave(&mut self, leave: Leave) -> Result<(), Error> {
        while !self.inlet.has_fallen_behind()
            && let Some(text) = self.inlet.waiting()
        {
            self.socket.feed(Message::Text(text)).await?;
        }
        if leave == Leave::CUT_OFF || self.inlet.is_broken() {
            return self.socket.flush().await;
        }
        let Leave { code, reason } = leave;
        self.socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        while let Some(Ok(_)) = self.socket.recv().await {}
        Ok(())
    }
}

fn what_broke(error: Error) -> End {
    let broke = error.into_inner().downcast::<tungstenite::Error>();
    match broke.as_deref() {
        Ok(tungstenite::Error::Capacity(_)) => Leave::TOO_LONG.into(),
        Ok(tungstenite::Error::Utf8(_)) => Leave::NO_UTF8.into(),
        Ok(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Ok(tungstenite::Error::Protocol(_)) => Leave::BROKEN.into(),
        _ => End::Gone,
    }
}

/// Whether messages come one by one and without a pause: to be woken for each of them costs both
/// ends of a connection more than the messages themselves.
struct Rush {
    since: Instant,
    batches: u32,
    is_on: bool,
}

impl Rush {
    /// Whether it is better to wait a little, after so many messages.
    fn is_on(&mut self, count: usize, now: Instant) -> bool {
        self.batches += 1;
        if self.is_on {
            self.is_on = count >= RUSH as usize;
        } else if self.batches >= RUSH {
            self.is_on = now.duration_since(self.since) < BREATH * 3;
            (self.since, self.batches) = (now, 0);
        }
        self.is_on && count < BATCH
    }
}

/// Messages of the running second.
struct Heard {
    since: Instant,
    count: u32,
}

impl Heard {
    fn add(&mut self, now: Instant) -> u32 {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, count: 0 };
        }
        self.count += 1;
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_begins_and_ends() {
        let begun = Instant::now();
        let after = |microseconds: u64| begun + Duration::from_micros(microseconds);
        let mut rush = Rush { since: begun, batches: 0, is_on: false };
        // One by one, with time in between: none.
        assert!((1..=200).all(|at| !rush.is_on(1, after(at * 1_000))));
        rush = Rush { since: after(0), batches: 0, is_on: false };
        // At once: the last one waits for others, and so it goes on while there are many.
        assert!((1..RUSH.into()).all(|at| !rush.is_on(1, after(at * 10))));
        assert!(rush.is_on(2, after(400)));
        assert!(rush.is_on(200, after(1_500)));
        assert!(!rush.is_on(BATCH, after(2_600)), "there are more already");
        assert!(rush.is_on(40, after(2_700)));
        assert!(!rush.is_on(3, after(3_800)));
        assert!(!rush.is_on(3, after(3_900)));
    }
}
