//! Notes about one order: everything that was looked at on its way, and what came of it.
//!
//! For: explaining a run that is run again for it. Not for: ordinary runs, which take no notes and
//! pay one branch where one could be taken; texts (the program makes them); and copies of the
//! venue, which try something out and have no notes of their own.

mod fact;

use candlewick_model::filter::{Reading, See};
use candlewick_model::run::CommandId;
use std::collections::BTreeMap;

use candlewick_model::{ClientOrderId, ExecutionReport, Order, OrderId, OrderListId, OrderStatus, Refusal, Timestamp};

pub use fact::{Discounted, Fact, Stand, Way, Within};

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An order, by its number.
    Order(OrderId),
    /// A command, with all orders that it makes.
    Command(CommandId),
}

/// One thing on the way of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// When.
    pub time: Timestamp,
    /// The command at hand, if it happened because of one.
    pub command: Option<CommandId>,
    /// The order that it is about; `None` while there is only a request, and of a list.
    pub order: Option<OrderId>,
    /// What was looked at, or what came of it.
    pub fact: Fact,
}

/// What was noted of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traced {
    /// The command that everything began with, if there was one.
    pub command: Option<CommandId>,
    /// The orders that were asked for.
    pub orders: Vec<OrderId>,
    /// The notes about them, in order.
    pub notes: Vec<Note>,
}

/// What a note is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About {
    /// What the command at hand asks for.
    Request,
    /// An order.
    Order(OrderId, Option<OrderListId>),
    /// A list as a whole.
    List(OrderListId),
}

impl From<&Order> for About {
    fn from(order: &Order) -> Self {
        Self::Order(order.order_id, order.order_list_id)
    }
}

/// Where notes are taken, if they are.
#[derive(Debug, Default)]
pub(crate) struct Tracing(Option<Box<Trace>>);

/// A copy of the venue takes no notes.
impl Clone for Tracing {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl Tracing {
    pub(crate) fn of(subject: Subject) -> Self {
        Self(Some(Box::new(Trace::new(subject))))
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Takes a note. What it says is made only where somebody asks for it, and may be nothing.
    #[inline]
    pub(crate) fn note<F: Into<Option<Fact>>>(
        &mut self,
        now: Timestamp,
        about: impl Into<About>,
        fact: impl FnOnce() -> F,
    ) {
        if let Some(trace) = &mut self.0 {
            trace.note(now, about.into(), fact);
        }
    }

    /// A command is taken up.
    #[inline]
    pub(crate) fn begin(&mut self, command: CommandId) {
        if let Some(trace) = &mut self.0 {
            trace.begin(command);
        }
    }

    /// A command has been answered.
    #[inline]
    pub(crate) fn end(&mut self, now: Timestamp, refusal: Option<&Refusal>) {
        if let Some(trace) = &mut self.0 {
            trace.end(now, refusal);
        }
    }

    /// An order is reported; `is_new` the first time.
    #[inline]
    pub(crate) fn meet(&mut self, report: &ExecutionReport, is_new: bool) {
        if let Some(trace) = &mut self.0 {
            trace.meet(&report.order, is_new);
        }
    }

    /// A command names an order that is not open.
    #[inline]
    pub(crate) fn miss(&mut self, now: Timestamp, id: Option<OrderId>, name: Option<ClientOrderId>) {
        if let Some(trace) = &mut self.0 {
            trace.miss(now, id, name);
        }
    }

    pub(crate) fn finish(self) -> Traced {
        let traced = |trace: Box<Trace>| Traced {
            command: trace.beginning,
            orders: trace.orders.into_iter().map(|(id, _)| id).collect(),
            notes: trace.notes,
        };
        self.0.map(traced).unwrap_or_default()
    }
}

/// The readings of the filters, as notes about an order or a request.
pub(crate) struct Readings<'a> {
    pub(crate) trace: &'a mut Tracing,
    pub(crate) now: Timestamp,
    pub(crate) about: About,
}

impl See for Readings<'_> {
    #[inline]
    fn looks(&self) -> bool {
        self.trace.is_on()
    }

    fn see(&mut self, reading: Reading) {
        self.trace.note(self.now, self.about, || Fact::Filter(reading));
    }
}

#[derive(Debug)]
struct Trace {
    subject: Subject,
    /// The command that everything begins with.
    beginning: Option<CommandId>,
    /// The orders that are followed, with their names.
    orders: Vec<(OrderId, ClientOrderId)>,
    /// Every order as it was reported last: name, status, time.
    seen: BTreeMap<OrderId, (ClientOrderId, OrderStatus, Timestamp)>,
    /// Their lists.
    lists: Vec<OrderListId>,
    /// The command at hand.
    command: Option<CommandId>,
    /// Whether it may be the one that everything begins with.
    is_first: bool,
    /// Whether it has to do with what is to be explained: else its notes are forgotten.
    belongs: bool,
    /// Where its notes begin.
    since: usize,
    notes: Vec<Note>,
}

impl Trace {
    const fn new(subject: Subject) -> Self {
        Self {
            subject,
            beginning: match subject {
                Subject::Order(_) => None,
                Subject::Command(id) => Some(id),
            },
            orders: Vec::new(),
            seen: BTreeMap::new(),
            lists: Vec::new(),
            command: None,
            is_first: false,
            belongs: false,
            since: 0,
            notes: Vec::new(),
        }
    }

    fn begin(&mut self, command: CommandId) {
        self.command = Some(command);
        self.since = self.notes.len();
        self.belongs = self.subject == Subject::Command(command);
        // Which order a request becomes is known once it has become one.
        self.is_first = self.belongs || (matches!(self.subject, Subject::Order(_)) && self.orders.is_empty());
    }

    fn end(&mut self, now: Timestamp, refusal: Option<&Refusal>) {
        if let Some(refusal) = refusal {
            self.push(now, None, Fact::Refused(refusal.clone()));
        }
        if !self.belongs {
            self.notes.truncate(self.since);
        }
        self.command = None;
        (self.is_first, self.belongs) = (false, false);
    }

    fn meet(&mut self, order: &Order, is_new: bool) {
        let (id, name) = (order.order_id, order.client_order_id);
        self.seen.insert(id, (name, order.status, order.updated));
        let is_meant = match self.subject {
            Subject::Order(wanted) => wanted == id,
            Subject::Command(wanted) => self.command == Some(wanted),
        };
        if let Some(known) = self.orders.iter_mut().find(|(known, _)| *known == id) {
            known.1 = name;
        } else if is_new && is_meant {
            self.beginning = self.command;
            self.orders.push((id, name));
            self.lists.extend(order.order_list_id.filter(|list| !self.lists.contains(list)));
        }
    }

    #[cold]
    #[inline(never)]
    fn note<F: Into<Option<Fact>>>(&mut self, now: Timestamp, about: About, fact: impl FnOnce() -> F) {
        match about {
            About::Request if self.is_first => {
                if let Some(fact) = fact().into() {
                    self.push(now, None, fact);
                }
            }
            About::Request => {}
            About::Order(id, list) => {
                let follows = self.orders.iter().any(|(known, _)| *known == id);
                let is_near = self.is_first || list.is_some_and(|list| self.lists.contains(&list));
                if (follows || is_near)
                    && let Some(fact) = fact().into()
                    && (follows || fact.matters_to_others())
                {
                    self.belongs |= follows;
                    self.push(now, Some(id), fact);
                }
            }
            About::List(list) => {
                if (self.is_first || self.lists.contains(&list))
                    && let Some(fact) = fact().into()
                {
                    self.push(now, None, fact);
                }
            }
        }
    }

    fn miss(&mut self, now: Timestamp, id: Option<OrderId>, name: Option<ClientOrderId>) {
        let is_meant = |(known, called): &&(OrderId, ClientOrderId)| {
            id.map_or(name == Some(*called), |id| id == *known && name.is_none_or(|name| name == *called))
        };
        if let Some((known, _)) = self.orders.iter().find(is_meant).copied() {
            self.belongs = true;
            self.push(now, Some(known), Fact::Missed);
        } else if self.is_first {
            // The last bearer of a name is the one that was meant.
            let bears = |(known, (called, ..)): &(&OrderId, &(ClientOrderId, OrderStatus, Timestamp))| {
                id.map_or(name == Some(*called), |id| id == **known)
            };
            let last = self.seen.iter().rfind(bears).map(|(id, (_, status, since))| (*id, *status, *since));
            self.push(now, None, Fact::NotOpen { named: id, name, last });
        }
    }

    /// Adds a note. What goes on from step to step is one note, at its last time.
    fn push(&mut self, time: Timestamp, order: Option<OrderId>, mut fact: Fact) {
        if self.command.is_none()
            && let Some(at) = self.notes.iter().rposition(|note| note.order == order)
            && fact.goes_on_from(&self.notes[at])
        {
            self.notes.remove(at);
        }
        self.notes.push(Note { time, command: self.command, order, fact });
    }
}
