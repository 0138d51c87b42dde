//! What requests for market data select: markets by name and status, windows, kinds of tickers,
//! how many rows.

use candlewick_model::time::{DAY, HOUR, MINUTE};
use candlewick_model::{Symbol, SymbolStatus};

use super::answer::No;
use super::request::{Parameters, known_symbol, missing};
use crate::local::LocalExchange;
use crate::market::View;

/// So many symbols may be asked for where windows are computed.
const SYMBOLS_MAX: usize = 100;

/// Markets that a request names.
pub(super) enum Selected {
    /// One: the answer is an object.
    One(Symbol),
    /// Several: the answer is an array.
    Many(Vec<Symbol>),
}

impl Selected {
    /// `symbol` or `symbols`; all markets where neither is sent.
    pub(super) fn read(parameters: &Parameters, exchange: &LocalExchange) -> Result<Self, No> {
        let is_known = |symbol: Symbol| exchange.view(symbol).is_some();
        match (parameters.optional("symbol")?, parameters.symbols()?) {
            (Some(_), Some(_)) => Err(bad_combination()),
            (Some(symbol), None) => known_symbol(symbol, is_known).map(Self::One),
            (None, None) => Ok(Self::Many(exchange.views().map(|view| view.market.symbol).collect())),
            (None, Some(names)) => {
                let symbols: Result<_, No> = names.iter().map(|name| known_symbol(name, is_known)).collect();
                symbols.map(Self::Many)
            }
        }
    }

    /// `symbol` or `symbols`, one of which must be sent.
    pub(super) fn read_named(parameters: &Parameters, exchange: &LocalExchange) -> Result<Self, No> {
        if ["symbol", "symbols"].iter().all(|name| parameters.get(name).is_none_or(str::is_empty)) {
            return Err(No::saying(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"));
        }
        match Self::read(parameters, exchange)? {
            Self::Many(symbols) if symbols.len() > SYMBOLS_MAX => {
                Err(No::saying(-1101, "Too many values sent for parameter 'symbols', maximum allowed up to 100."))
            }
            selected => Ok(selected),
        }
    }

    /// The markets of a status: where one is asked for it must have it, of several those that have.
    pub(super) fn of_status<'a>(
        &self,
        parameters: &Parameters,
        exchange: &'a LocalExchange,
    ) -> Result<Vec<View<'a>>, No> {
        let wanted = status(parameters)?;
        let symbols = match self {
            Self::One(symbol) => std::slice::from_ref(symbol),
            Self::Many(symbols) => symbols,
        };
        let views = symbols.iter().filter_map(|symbol| exchange.view(*symbol));
        let fits = |view: &View<'_>| wanted.is_none_or(|wanted| view.instrument().status == Some(wanted));
        let views: Vec<_> = views.filter(fits).collect();
        if matches!(self, Self::One(_)) && views.is_empty() {
            return Err(No::saying(-1220, "The symbol's status does not match the requested symbolStatus."));
        }
        Ok(views)
    }
}

/// The one market of an endpoint that must be told it, of the status that is asked for.
pub(super) fn one<'a>(parameters: &Parameters, exchange: &'a LocalExchange) -> Result<View<'a>, No> {
    let name = parameters.mandatory("symbol")?;
    let symbol = known_symbol(name, |symbol| exchange.view(symbol).is_some())?;
    let views = Selected::One(symbol).of_status(parameters, exchange)?;
    views.first().copied().ok_or_else(|| missing("symbol"))
}

/// `symbolStatus`, if it was sent.
pub(super) fn status(parameters: &Parameters) -> Result<Option<SymbolStatus>, No> {
    let Some(word) = parameters.optional("symbolStatus")? else { return Ok(None) };
    let known = SymbolStatus::from_word(word).filter(|_| ["TRADING", "HALT", "BREAK"].contains(&word));
    known.map(Some).ok_or(No::saying(-1122, "Invalid symbolStatus."))
}

pub(super) fn bad_combination() -> No {
    No::saying(-1128, "Combination of optional parameters invalid.")
}

/// `type`: whether it is `MINI`.
pub(super) fn is_mini(parameters: &Parameters) -> Result<bool, No> {
    match parameters.optional("type")? {
        None | Some("FULL") => Ok(false),
        Some("MINI") => Ok(true),
        Some(_) => Err(No::saying(-1139, "Invalid ticker type.")),
    }
}

/// `windowSize` in microseconds: 1m to 59m, 1h to 23h, 1d to 7d; a day where it was not sent.
pub(super) fn window_us(parameters: &Parameters) -> Result<i64, No> {
    let Some(text) = parameters.optional("windowSize")? else { return Ok(DAY) };
    let wrong = No::saying(-1130, "Data sent for parameter 'windowSize' is not valid.");
    let read = || {
        let (count, unit) = text.split_at_checked(text.len() - 1)?;
        let (unit, most) = match unit {
            "m" => (MINUTE, 59),
            "h" => (HOUR, 23),
            "d" => (DAY, 7),
            _ => return None,
        };
        let is_number = count.bytes().all(|b| b.is_ascii_digit()) && !count.starts_with('0');
        let count = count.parse::<i64>().ok().filter(|count| is_number && (1..=most).contains(count))?;
        Some(count * unit)
    };
    read().ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(query: &str, parse: impl Fn(&Parameters) -> Result<T, No>) -> Result<T, i32> {
        parse(&Parameters::read(query, "").unwrap()).map_err(|no| no.0.code)
    }

    #[test]
    fn windows() {
        for (text, length) in [("1m", MINUTE), ("59m", 59 * MINUTE), ("23h", 23 * HOUR), ("7d", 7 * DAY)] {
            assert_eq!(read(&format!("windowSize={text}"), window_us), Ok(length));
        }
        assert_eq!(read("", window_us), Ok(DAY));
        for text in ["60m", "0m", "01h", "24h", "8d", "1d2h", "d", "1", "+1h", "1H", "%C3%A9"] {
            assert_eq!(read(&format!("windowSize={text}"), window_us), Err(-1130), "{text}");
        }
        assert_eq!(read("windowSize=", window_us), Err(-1105));
    }

    #[test]
    fn limits_types_and_statuses() {
        let of = |query: &str| read(query, |parameters| parameters.limit(100, 5_000));
        assert_eq!([of(""), of("limit=7"), of("limit=6000")], [Ok(100), Ok(7), Ok(5_000)]);
        assert_eq!(
            ["limit=0", "limit=-1", "limit=", "limit=99999999999999999999"].map(of),
            [Err(-1130), Err(-1100), Err(-1105), Err(-1108)]
        );
        assert_eq!(
            ["", "type=FULL", "type=MINI", "type=mini"].map(|query| read(query, is_mini)),
            [Ok(false), Ok(false), Ok(true), Err(-1139)]
        );
        assert_eq!(read("symbolStatus=HALT", status), Ok(Some(SymbolStatus::Halt)));
        assert_eq!(read("symbolStatus=END_OF_DAY", status), Err(-1122));
    }
}
