//! The subscriptions of one connection to events of accounts.
//!
//! For: their numbers, and how many there may be. Not for: telling them anything.

use candlewick_model::Refusal;

use crate::server::answer::No;

/// So many may be active.
const ACTIVE_MAX: usize = 1_000;
/// So many there may be in the life of a connection.
const EVER_MAX: u16 = 65_535;

/// A subscription that is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) id: u16,
    pub(super) account: usize,
    /// Whether it ends when the session is logged out.
    pub(super) is_of_session: bool,
}

/// All of a connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    active: Vec<Subscription>,
    /// So many have begun.
    ever: u16,
}

impl Subscriptions {
    pub(super) fn active(&self) -> &[Subscription] {
        &self.active
    }

    /// Begins one; an account can be followed once.
    pub(super) fn begin(&mut self, account: usize, is_of_session: bool) -> Result<Subscription, No> {
        if self.active.iter().any(|known| known.account == account) {
            return Err(No::saying(-2035, "User Data Stream subscription already active."));
        }
        if self.active.len() >= ACTIVE_MAX {
            let text =
                format!("Too many subscriptions. Connection may create up to '{ACTIVE_MAX}' subscriptions at a time.");
            return Err(Refusal::naming(-1191, text).into());
        }
        if self.ever == EVER_MAX {
            return Err(No::saying(-2042, "Maximum subscription ID reached for this connection."));
        }
        let begun = Subscription { id: self.ever, account, is_of_session };
        self.ever += 1;
        self.active.push(begun);
        Ok(begun)
    }

    /// Ends those that are meant.
    pub(super) fn end(&mut self, is_meant: impl Fn(&Subscription) -> bool) -> Vec<Subscription> {
        self.active.extract_if(.., |subscription| is_meant(subscription)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_followed_once_and_numbers_are_given_once() {
        let mut own = Subscriptions::default();
        let ids = [own.begin(3, true), own.begin(5, false)].map(|begun| begun.ok().map(|begun| begun.id));
        assert_eq!(ids, [Some(0), Some(1)]);
        assert_eq!(own.begin(3, false).err().map(|no| no.0.code), Some(-2035));
        assert_eq!(own.end(|known| known.is_of_session).len(), 1);
        assert_eq!(own.begin(3, false).ok().map(|begun| begun.id), Some(2));
        assert_eq!(own.active().iter().map(|known| known.id).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn there_are_not_more_than_the_documents_allow() {
        let mut own = Subscriptions::default();
        assert!((0..ACTIVE_MAX).all(|account| own.begin(account, false).is_ok()));
        assert_eq!(own.begin(ACTIVE_MAX, false).err().map(|no| no.0.code), Some(-1191));
        let mut own = Subscriptions::default();
        for id in 0..EVER_MAX {
            assert_eq!(own.begin(0, false).ok().map(|begun| begun.id), Some(id));
            own.end(|_| true);
        }
        assert_eq!(own.begin(0, false).err().map(|no| no.0.code), Some(-2042));
    }
}
