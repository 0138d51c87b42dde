//! Listen keys, as they were before they were retired: a name of 64 letters and digits under
//! which an account's events are a stream, for an hour from the last time that somebody cared.
//!
//! For: which key is whose, and until when, in simulated time. Not for: who follows it.

use std::collections::BTreeMap;

use candlewick_model::Timestamp;
use candlewick_model::time::HOUR;
use ring::digest::{SHA256, digest};

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// All keys that hold.
#[derive(Debug, Default)]
pub(crate) struct ListenKeys {
    /// At most one an account.
    keys: BTreeMap<String, Key>,
    made: u64,
    /// What names are made of beside that.
    secret: [u8; 32],
    /// No key ends before.
    next_end: Option<Timestamp>,
}

#[derive(Debug)]
struct Key {
    account: usize,
    until: Timestamp,
}

impl ListenKeys {
    /// Makes names that follow from a secret: without one they are the same in every run, which is
    /// for servers that this machine alone reaches.
    pub(crate) fn keep_secret(&mut self, secret: [u8; 32]) {
        self.secret = secret;
    }

    /// The key of an account, which holds for an hour from now.
    pub(crate) fn of_account(&mut self, account: usize, now: Timestamp) -> String {
        let known = self.keys.iter().find(|(_, key)| key.account == account).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| {
            self.made += 1;
            name(&self.secret, account, self.made)
        });
        self.keys.insert(name.clone(), Key { account, until: now.plus(HOUR) });
        self.look_ahead();
        name
    }

    /// Lets an account's key hold for an hour from now; `false` if it has no such key.
    pub(crate) fn keep(&mut self, account: usize, name: &str, now: Timestamp) -> bool {
        let is_own = self.account(name) == Some(account);
        if is_own {
            self.of_account(account, now);
        }
        is_own
    }

    /// Whose key it is.
    pub(crate) fn account(&self, name: &str) -> Option<usize> {
        self.keys.get(name).map(|key| key.account)
    }

    pub(super) fn close(&mut self, name: &str) {
        self.keys.remove(name);
        self.look_ahead();
    }

    /// Takes away the keys whose time is over.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<String> {
        if self.next_end.is_none_or(|end| now < end) {
            return Vec::new();
        }
        let over = self.keys.extract_if(.., |_, key| key.until <= now).map(|(name, _)| name).collect();
        self.look_ahead();
        over
    }

    fn look_ahead(&mut self) {
        self.next_end = self.keys.values().map(|key| key.until).min();
    }
}

/// Not to be guessed by who does not know the secret.
fn name(secret: &[u8; 32], account: usize, number: u64) -> String {
    let half = |part: u8| {
        let text = format!("listen key {account} {number} {part}");
        digest(&SHA256, &[secret, text.as_bytes()].concat())
    };
    let bytes = [half(0), half(1)];
    let digits = bytes.iter().flat_map(|half| half.as_ref()).map(|byte| DIGITS[usize::from(*byte) % DIGITS.len()]);
    digits.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * HOUR / 60)
    }

    #[test]
    fn a_key_holds_for_an_hour_from_the_last_time_that_it_was_kept() {
        let mut keys = ListenKeys::default();
        let first = keys.of_account(0, at(0));
        assert!(first.len() == 64 && first.bytes().all(|b| b.is_ascii_alphanumeric()), "{first}");
        assert_eq!(keys.of_account(0, at(10)), first, "it is the same while it holds");
        let other = keys.of_account(1, at(20));
        assert_ne!(other, first);
        assert!(keys.expire(at(69)).is_empty());
        assert!(keys.keep(1, &other, at(50)));
        assert!(!keys.keep(1, &first, at(50)) && !keys.keep(0, "none", at(50)));
        assert_eq!(keys.expire(at(70)), [first.as_str()]);
        assert_eq!((keys.account(&first), keys.account(&other)), (None, Some(1)));
        assert!(keys.expire(at(109)).is_empty());
        assert_ne!(keys.of_account(0, at(100)), first);
        let mut secret = ListenKeys::default();
        secret.keep_secret([7; 32]);
        assert_ne!(secret.of_account(0, at(0)), first);
        keys.close(&other);
        assert_eq!(keys.expire(at(110)), [""; 0]);
        assert_eq!(keys.account(&other), None);
    }
}
