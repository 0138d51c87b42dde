//! Deposits and withdrawals: those of the setup when their time has come, others when control
//! asks for them.
//!
//! For: moving what is free of an account, and telling it. A withdrawal of more than that does
//! not happen. Not for: transfers that trading makes, which are the matcher's.

use candlewick_model::{Amount, Asset, Balance, Refusal, Timestamp};
use candlewick_simulator::Transfer;
use serde::{Deserialize, Serialize};

use super::{FIRST, LocalExchange, Tells};
use crate::journal::Entry;

/// No account holds more of an asset: 10^15.
const MOST: Amount = Amount::from_units(1_000_000_000_000_000 * 100_000_000);

/// A deposit, or a withdrawal where the amount is negative, here and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Booking {
    /// Whose; the account that always is there if it is not said.
    #[serde(default)]
    pub(crate) account: usize,
    pub(crate) asset: Asset,
    pub(crate) amount: Amount,
}

impl LocalExchange {
    /// Why a booking cannot be made, if it cannot.
    pub(crate) fn can_book(&self, booking: &Booking) -> Result<(), String> {
        let Booking { account, asset, amount } = *booking;
        if account >= self.accounts() {
            return Err(format!("there is no account {account}; there are {}, from 0 on", self.accounts()));
        }
        if asset.is_empty() || amount.is_zero() {
            return Err("a transfer is of an asset, and of an amount that is not 0".to_owned());
        }
        if asset.as_str().contains(|c: char| c.is_ascii_lowercase()) {
            return Err(format!("there is no asset {asset}; assets are written in capitals"));
        }
        let held = self.account(account).balance(asset);
        let moved = Amount::from_units(amount.units().saturating_abs());
        if amount < Amount::ZERO && moved > held.free {
            return Err(format!(
                "the withdrawal of {moved} {asset} from account {account} cannot be made: {} is free",
                held.free
            ));
        }
        if held.total().checked_add(amount).is_none_or(|total| total > MOST) {
            return Err(format!(
                "the deposit of {moved} {asset} to account {account} cannot be made: at most 10^15 is held"
            ));
        }
        Ok(())
    }

    /// Books what was asked for from outside, which [`Self::can_book`] has looked at; what there is
    /// of the asset now.
    pub(crate) fn transfer(&mut self, booking: Booking) -> Result<Balance, Refusal> {
        self.note(&Entry::Transfer(booking))?;
        Ok(self.book(booking))
    }

    pub(super) fn book(&mut self, booking: Booking) -> Balance {
        let Booking { account, asset, amount } = booking;
        let replay = &mut self.traders[account].replay;
        let is_booked = replay.transfer(&Transfer { time: self.now, asset, amount });
        assert!(is_booked, "looked at before");
        if self.tells != Tells::Nothing {
            self.audience.transfer(&booking, &self.traders[account].replay, self.now);
        }
        self.account(account).balance(asset)
    }

    /// Those of the setup whose time has come by an instant to which the markets have not moved
    /// yet. One that cannot be made is left out, and told.
    pub(super) fn make_transfers(&mut self, until: Timestamp) {
        while let Some(Transfer { time, asset, amount }) = self.transfers.pop_front_if(|next| next.time <= until) {
            self.now = self.now.max(time);
            let booking = Booking { account: FIRST, asset, amount };
            match self.can_book(&booking) {
                Ok(()) => {
                    self.book(booking);
                }
                Err(reason) if self.tells != Tells::Nothing => tracing::warn!("{time}: {reason}"),
                Err(_) => {}
            }
        }
    }
}
