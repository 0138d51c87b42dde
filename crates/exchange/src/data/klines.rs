//! `GET /api/v3/klines` and `/uiKlines`: parameters as documented, and the page they ask for.

use candlewick_model::{Bars, Interval, Symbol};

use super::aggregate::{Grid, time_zone};
use super::catalogue::Catalogue;
use super::view::Wanted;
use crate::server::answer::No;
use crate::server::request::{Parameters, known_symbol};

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) symbol: Symbol,
    pub(crate) grid: Grid,
    pub(crate) wanted: Wanted,
}

/// Every parameter that the endpoint has.
const PARAMETERS: [&str; 6] = ["symbol", "interval", "startTime", "endTime", "timeZone", "limit"];

impl Request {
    pub(crate) fn read(parameters: &Parameters, catalogue: &Catalogue) -> Result<Self, No> {
        parameters.only(&PARAMETERS)?;
        let name = parameters.mandatory("symbol")?;
        let interval = parameters.mandatory("interval")?;
        let (start, end) = (parameters.time("startTime")?, parameters.time("endTime")?);
        let limit = parameters.limit(500, 1_000)?;
        let symbol = known_symbol(name, |symbol| catalogue.market(symbol).is_some())?;
        // Case counts: `1M` is the month.
        let named = Interval::ALL.into_iter().find(|known| known.rest_name() == interval);
        let interval = named.ok_or(No::saying(-1120, "Invalid interval."))?;
        let offset_us = offset(parameters)?;
        Ok(Self { symbol, grid: Grid { interval, offset_us }, wanted: Wanted { start, end, limit } })
    }
}

/// `timeZone`: how far it is ahead of UTC, in microseconds.
pub(crate) fn offset(parameters: &Parameters) -> Result<i64, No> {
    let wrong = No::saying(-1130, "Data sent for parameter 'timeZone' is not valid.");
    parameters.optional("timeZone")?.map_or(Ok(0), |text| time_zone(text).ok_or(wrong))
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
