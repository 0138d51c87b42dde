//! What an account holds: free and locked, per asset.
//!
//! For: balances that can never go below zero. Not for: deciding what is locked (the venue).

use serde::{Deserialize, Serialize};

use crate::number::Amount;
use crate::text::Asset;

/// How much of one asset there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// To be used.
    pub free: Amount,
    /// Held by open orders.
    pub locked: Amount,
}

impl Balance {
    /// Free and locked together.
    #[must_use]
    #[inline]
    pub fn total(self) -> Amount {
        self.free.checked_add(self.locked).expect("balances fit 128 bits")
    }

    /// Adds to what is free.
    #[inline]
    pub fn credit(&mut self, amount: Amount) {
        self.free = self.free.checked_add(amount).expect("balances fit 128 bits");
    }

    /// Takes from what is free; the caller has made sure that it is there.
    #[inline]
    pub fn debit(&mut self, amount: Amount) {
        if amount < Amount::ZERO || amount > self.free {
            overdrawn("debit", amount, self.free);
        }
        self.free = self.free.checked_sub(amount).expect("checked above");
    }

    /// Moves from free to locked.
    #[inline]
    pub fn lock(&mut self, amount: Amount) {
        self.debit(amount);
        self.locked = self.locked.checked_add(amount).expect("balances fit 128 bits");
    }

    /// Moves from locked back to free.
    #[inline]
    pub fn unlock(&mut self, amount: Amount) {
        if amount < Amount::ZERO || amount > self.locked {
            overdrawn("unlock", amount, self.locked);
        }
        self.locked = self.locked.checked_sub(amount).expect("checked above");
        self.credit(amount);
    }
}

#[cold]
fn overdrawn(what: &str, amount: Amount, from: Amount) -> ! {
    panic!("{what} of {amount} from {from}");
}

/// Balances by asset, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Account {
    balances: std::collections::BTreeMap<Asset, Balance>,
}

impl Account {
    /// What there is of an asset; nothing of one never seen.
    #[must_use]
    pub fn balance(&self, asset: Asset) -> Balance {
        self.balances.get(&asset).copied().unwrap_or_default()
    }

    /// The balance to change; appears with zero if it was never seen.
    pub fn balance_mut(&mut self, asset: Asset) -> &mut Balance {
        self.balances.entry(asset).or_default()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Asset, Balance)> + '_ {
        self.balances.iter().map(|(asset, balance)| (*asset, *balance))
    }
}

impl FromIterator<(Asset, Amount)> for Account {
    fn from_iter<I: IntoIterator<Item = (Asset, Amount)>>(free: I) -> Self {
        let mut account = Self::default();
        for (asset, amount) in free {
            account.balance_mut(asset).credit(amount);
        }
        account
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_moves_and_is_not_made() {
        let mut balance = Balance::default();
        balance.credit(Amount::from_units(100));
        balance.lock(Amount::from_units(60));
        assert_eq!((balance.free.units(), balance.locked.units(), balance.total().units()), (40, 60, 100));
        balance.unlock(Amount::from_units(10));
        balance.debit(Amount::from_units(50));
        assert_eq!((balance.free.units(), balance.locked.units()), (0, 50));
    }

    #[test]
    #[should_panic(expected = "debit")]
    fn overdrafts_are_bugs() {
        Balance::default().debit(Amount::from_units(1));
    }
}
