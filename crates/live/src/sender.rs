//! Sending commands and understanding what became of them.
//!
//! A trading request has one of three outcomes: done, refused, unknown. After an unknown one
//! nothing is sent again: the order is looked up by its client id first.

use std::time::Duration;

use candlewick_binance::rest::{OrderName, RestError, TradeRange};
use candlewick_binance::wire::{Cancelled, Placed};
use candlewick_model::{Action, Command};
use candlewick_model::{
    ClientOrderId, Fill, Order, OrderStatus, RawParameters, Refusal, SelfTradePrevention, Timestamp,
};
use candlewick_strategy::patience::{PAUSE_US, RETRY_AFTER_MAX_SECONDS, TRIES, never_seen};
use candlewick_strategy::{Outgoing, Strategy};

use crate::expand::{cancelled, life_of, listed, of_answer};
use crate::inbox::Answer;
use crate::{LiveError, Runner};

/// Between two tries, unless the exchange asks for more.
const PAUSE: Duration = Duration::from_micros(PAUSE_US.unsigned_abs());

impl<S: Strategy> Runner<S> {
    /// Sends everything that the strategy has said, in order, and puts the answers into the
    /// inbox. What is sent is on disk before.
    pub(crate) async fn send_all(&mut self) -> Result<(), LiveError> {
        self.write_journal()?;
        if let Some(journal) = &mut self.journal {
            journal.make_durable()?;
        }
        let (before, resting_before) = (self.now, !self.working.is_empty());
        let commands: Vec<_> = self.session.take_commands().collect();
        let several = commands.len() > 1;
        let mut prevention = false;
        for outgoing in commands {
            if self.ended {
                self.unsent.push(outgoing);
                continue;
            }
            prevention |= self.send(outgoing).await?;
        }
        // The market may have moved to the point at which it took the commands up: over the
        // close of a bar only if it did not stand at one.
        if self.now > before && before != self.last_close {
            self.fetch_bars().await?;
        }
        if resting_before || (several && !self.working.is_empty()) {
            self.fetch_trades().await?;
        }
        if prevention && (resting_before || several) {
            self.fetch_ends().await?;
        }
        self.drop_cancelled();
        Ok(())
    }

    /// Sends one command. Says whether it may have ended other own orders.
    async fn send(&mut self, outgoing: Outgoing) -> Result<bool, LiveError> {
        let Outgoing { id, command, .. } = &outgoing;
        let sent_at = self.now;
        let outcome = match command.action() {
            Action::New => self.send_new(command, sent_at).await?,
            Action::Cancel => self.send_cancel(command).await?,
            action => {
                let text = format!("`{action}` cannot be sent to this exchange yet.");
                Outcome::Refused(Refusal::naming(-1020, text))
            }
        };
        match outcome {
            Outcome::Placed { order, fills } => {
                let prevents = order.self_trade_prevention != SelfTradePrevention::None;
                let reports = life_of(&order, &fills)?;
                self.note_told(&order, &fills);
                if !order.status.is_final() {
                    self.working.insert(order.order_id, order);
                }
                self.move_to(order.created);
                self.inbox.answer(order.created, Answer::Reports(reports));
                return Ok(prevents);
            }
            Outcome::Cancelled { answer, name } => {
                let report = cancelled(&answer, name)
                    .ok_or_else(|| implausible(answer.order_id, "the time of its cancel is not plausible"))?;
                self.cancelled.push(report.order.order_id);
                self.move_to(report.time);
                self.inbox.answer(report.time, Answer::Reports(vec![report]));
            }
            Outcome::Refused(refusal) if refusal.code == -1016 => {
                self.ended = true;
                self.move_to(self.pace.now(&self.rest).await?);
                self.unsent.push(outgoing);
            }
            Outcome::Refused(refusal) => {
                self.move_to(self.pace.now(&self.rest).await?);
                let action = command.action();
                self.inbox.answer(self.now, Answer::Refused { command: *id, action, refusal });
            }
        }
        Ok(false)
    }

    /// Remembers trades that the list of trades will show again. Where nothing rests, nothing
    /// before them can be new.
    fn note_told(&mut self, order: &Order, fills: &[(Timestamp, Fill)]) {
        let trades = fills.iter().map(|(_, fill)| fill.trade_id);
        if self.working.is_empty() {
            self.last_trade = trades.max().unwrap_or(0).max(self.last_trade);
        } else {
            self.told_trades.extend(trades.map(|trade| (trade, order.order_id)));
        }
    }

    async fn send_new(&mut self, command: &Command, sent_at: Timestamp) -> Result<Outcome, LiveError> {
        let mut parameters = command.parameters();
        if matches!(command, Command::Submit(_)) {
            // Raw parameters go out as they are, and are completed by questions.
            parameters.push("newOrderRespType", "FULL");
        }
        let placed = self.patiently(|rest| rest.new_order(&parameters)).await;
        match placed {
            Ok(placed) => self.complete(&placed).await,
            Err(RestError::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            Err(error @ RestError::Unknown { .. }) => {
                tracing::warn!(%error, "looking the order up by its client id");
                self.look_up_new(command, sent_at).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Order and fills of an answer, asked for where the answer does not tell.
    async fn complete(&self, placed: &Placed) -> Result<Outcome, LiveError> {
        match of_answer(placed, self.instrument.quote_precision) {
            Some((order, fills)) => Ok(Outcome::Placed { order, fills }),
            None => {
                let order = self.rest.order(self.plan.symbol, OrderName::Id(placed.order_id)).await?;
                self.with_fills(order).await
            }
        }
    }

    async fn with_fills(&self, order: Order) -> Result<Outcome, LiveError> {
        let range = TradeRange { order_id: Some(order.order_id), ..TradeRange::default() };
        let trades = if order.filled_quantity.is_zero() {
            Vec::new()
        } else {
            self.rest.my_trades(self.plan.symbol, range).await?
        };
        Ok(Outcome::Placed { order, fills: trades.iter().filter_map(listed).collect() })
    }

    /// What became of an order whose answer got lost. The same client id may have been used
    /// before: an order that is older than the request is another one.
    async fn look_up_new(&self, command: &Command, sent_at: Timestamp) -> Result<Outcome, LiveError> {
        let Some(name) = command.client_order_id() else { return Ok(Outcome::Refused(never_seen())) };
        for _ in 0..TRIES {
            tokio::time::sleep(PAUSE).await;
            match self.rest.order(self.plan.symbol, OrderName::Client(name)).await {
                Ok(order) if order.created >= sent_at => return self.with_fills(order).await,
                Ok(_) | Err(RestError::Refused(Refusal { code: -2013, .. })) => {}
                Err(error) => tracing::warn!(%error, "looking an order up"),
            }
        }
        Ok(Outcome::Refused(never_seen()))
    }

    async fn send_cancel(&mut self, command: &Command) -> Result<Outcome, LiveError> {
        let parameters = command.parameters();
        let name = parameters.get("newClientOrderId").and_then(|name| ClientOrderId::new(name).ok());
        match self.patiently(|rest| rest.cancel_order(&parameters)).await {
            Ok(answer) => Ok(Outcome::Cancelled { answer: Box::new(answer), name }),
            Err(RestError::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            Err(error @ RestError::Unknown { .. }) => {
                tracing::warn!(%error, "looking at the order that was to be cancelled");
                self.look_up_cancel(&parameters, name).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an order is cancelled after all.
    async fn look_up_cancel(
        &self,
        parameters: &RawParameters,
        name: Option<ClientOrderId>,
    ) -> Result<Outcome, LiveError> {
        let id = parameters.get("orderId").and_then(|id| id.parse().ok()).map(OrderName::Id);
        let client = parameters.get("origClientOrderId").and_then(|id| ClientOrderId::new(id).ok());
        let Some(order_name) = id.or(client.map(OrderName::Client)) else {
            return Ok(Outcome::Refused(never_seen()));
        };
        for _ in 0..TRIES {
            tokio::time::sleep(PAUSE).await;
            match self.rest.order(self.plan.symbol, order_name).await {
                Ok(order) if order.status == OrderStatus::Canceled => {
                    let unit = candlewick_model::TimeUnit::Microseconds;
                    let answer = Box::new(Cancelled::of(&order, order.client_order_id, unit));
                    return Ok(Outcome::Cancelled { answer, name });
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "looking an order up"),
            }
        }
        Ok(Outcome::Refused(never_seen()))
    }

    /// Sends a request again that was certainly not executed: not delivered, over the limit,
    /// or refused for its timestamp.
    async fn patiently<'a, T, F>(
        &'a self,
        request: impl Fn(&'a candlewick_binance::rest::Rest) -> F,
    ) -> Result<T, RestError>
    where
        F: Future<Output = Result<T, RestError>>,
    {
        for _ in 1..TRIES {
            match request(&self.rest).await {
                Err(RestError::Limited { status: 429, retry_after_seconds, what }) => {
                    let seconds = retry_after_seconds.unwrap_or(1);
                    if seconds > RETRY_AFTER_MAX_SECONDS.into() {
                        return Err(RestError::Limited { status: 429, retry_after_seconds, what });
                    }
                    tracing::warn!(%what, seconds, "over the request limit, waiting");
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                Err(error @ RestError::Transport { .. }) => {
                    tracing::warn!(%error, "not delivered, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(RestError::Refused(Refusal { code: -1021, .. })) => {
                    tracing::warn!("timestamp refused, measuring the server's clock again");
                    let _ = self.pace.synchronise(&self.rest).await;
                }
                outcome => return outcome,
            }
        }
        request(&self.rest).await
    }
}

/// What became of a command.
#[expect(clippy::large_enum_variant, reason = "one at a time, and mostly orders")]
enum Outcome {
    Placed { order: Order, fills: Vec<(Timestamp, Fill)> },
    Cancelled { answer: Box<Cancelled>, name: Option<ClientOrderId> },
    Refused(Refusal),
}

fn implausible(order_id: u64, reason: &str) -> LiveError {
    LiveError::Order { order_id, reason: reason.to_owned() }
}
