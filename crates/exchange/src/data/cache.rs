//! What was made once is kept, up to a number of bytes; what was not used for longest goes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock};

/// Values by key. A value is made once even where several ask for it at the same time.
pub(super) struct Cache<K, V> {
    bytes_max: usize,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    slots: HashMap<K, Slot<V>>,
    bytes: usize,
    uses: u64,
}

struct Slot<V> {
    value: Arc<OnceLock<V>>,
    bytes: usize,
    last_use: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, entries: Mutex::new(Entries { slots: HashMap::new(), bytes: 0, uses: 0 }) }
    }

    /// The value of a key if it is there already.
    pub(super) fn peek(&self, key: &K) -> Option<V> {
        let entries = self.entries.lock().expect("nobody panics with it");
        entries.slots.get(key).and_then(|slot| slot.value.get().cloned())
    }

    /// The value of a key, made if it is not there; `size` says how many bytes it takes.
    pub(super) fn value(&self, key: &K, make: impl FnOnce() -> V, size: impl FnOnce(&V) -> usize) -> V {
        let slot = self.slot(key);
        if let Some(value) = slot.get() {
            return value.clone();
        }
        let value = slot.get_or_init(make).clone();
        self.weigh(key, size(&value));
        value
    }

    fn slot(&self, key: &K) -> Arc<OnceLock<V>> {
        let mut entries = self.entries.lock().expect("nobody panics with it");
        entries.uses += 1;
        let last_use = entries.uses;
        let fresh = || Slot { value: Arc::default(), bytes: 0, last_use };
        let slot = entries.slots.entry(key.clone()).or_insert_with(fresh);
        slot.last_use = last_use;
        Arc::clone(&slot.value)
    }

    fn weigh(&self, key: &K, bytes: usize) {
        let mut entries = self.entries.lock().expect("nobody panics with it");
        let Some(slot) = entries.slots.get_mut(key) else { return };
        let before = std::mem::replace(&mut slot.bytes, bytes);
        entries.bytes = entries.bytes + bytes - before;
        while entries.bytes > self.bytes_max && entries.slots.len() > 1 {
            let others = entries.slots.iter().filter(|(other, slot)| *other != key && slot.bytes > 0);
            let Some(oldest) = others.min_by_key(|(_, slot)| slot.last_use).map(|(key, _)| key.clone()) else { return };
            entries.bytes -= entries.slots.remove(&oldest).map_or(0, |slot| slot.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes() {
        let cache = Cache::new(25);
        let put = |key: u32| cache.value(&key, || key * 10, |_| 10);
        assert_eq!((put(1), put(2), put(1)), (10, 20, 10));
        put(3);
        assert_eq!([1, 2, 3].map(|key| cache.peek(&key)), [Some(10), None, Some(30)]);
        assert_eq!(cache.value(&1, || unreachable!(), |_| 10), 10, "it is not made again");
        cache.value(&4, || 40, |_| 100);
        assert_eq!([1, 3, 4].map(|key| cache.peek(&key)), [None, None, Some(40)], "one may be too large");
    }
}
