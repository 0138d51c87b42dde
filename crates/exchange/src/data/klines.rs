//! `GET /api/v3/klines` and `/uiKlines`: parameters as documented, and the page they ask for.

use candlewick_model::{Bars, Interval, Symbol};

use super::aggregate::{Grid, time_zone};
use super::catalogue::Catalogue;
use super::view::Wanted;
use crate::server::answer::No;
use crate::server::request::Parameters;

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) symbol: Symbol,
    pub(super) grid: Grid,
    pub(super) wanted: Wanted,
}

/// Every parameter that the endpoint has.
const PARAMETERS: [&str; 6] = ["symbol", "interval", "startTime", "endTime", "timeZone", "limit"];

impl Request {
    pub(super) fn read(parameters: &Parameters, catalogue: &Catalogue) -> Result<Self, No> {
        parameters.only(&PARAMETERS)?;
        let symbol = parameters.mandatory("symbol")?;
        let interval = parameters.mandatory("interval")?;
        let (start, end) = (parameters.time("startTime")?, parameters.time("endTime")?);
        let limit = parameters.limit()?;
        let is_legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_.".contains(c) || !c.is_ascii();
        if !symbol.chars().all(is_legal) || symbol.chars().count() > 20 {
            let text = "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.";
            return Err(No::saying(-1100, text));
        }
        let known = symbol.parse().ok().filter(|symbol| catalogue.market(*symbol).is_some());
        let symbol = known.ok_or(No::saying(-1121, "Invalid symbol."))?;
        // Case counts: `1M` is the month.
        let named = Interval::ALL.into_iter().find(|known| known.rest_name() == interval);
        let interval = named.ok_or(No::saying(-1120, "Invalid interval."))?;
        let offset_us = match parameters.get("timeZone") {
            None => 0,
            Some(text) => {
                let wrong = No::saying(-1130, "Data sent for parameter 'timeZone' is not valid.");
                time_zone(text).ok_or(wrong)?
            }
        };
        Ok(Self { symbol, grid: Grid { interval, offset_us }, wanted: Wanted { start, end, limit } })
    }
}

/// Pages as they should not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disorder {
    Reordered,
    Duplicated,
}

impl Disorder {
    pub(super) fn apply(self, bars: &Bars) -> Bars {
        match self {
            // Two neighbours change places in the middle.
            Self::Reordered => {
                let mut order: Vec<usize> = (0..bars.len()).collect();
                if bars.len() > 1 {
                    order.swap(bars.len() / 2 - 1, bars.len() / 2);
                }
                order.into_iter().map(|row| bars.bar(row)).collect()
            }
            // The middle row comes twice.
            Self::Duplicated => {
                let middle = bars.len() / 2;
                (0..bars.len()).flat_map(|row| vec![bars.bar(row); 1 + usize::from(row == middle)]).collect()
            }
        }
    }
}
