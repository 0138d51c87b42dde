//! One connection to the streams: to what it listens, and what it may still say.
//!
//! For: `/ws/…` and `/stream?streams=…`, and requests of a client on them. Not for: the connection
//! itself, how often it may speak and for how long (`server`).
//!
//! A name that is a listen key is one of user events; [`LocalExchange::listen`] tells them apart.

use candlewick_model::TimeUnit;
use serde_json::Value;

use super::listeners::Form;
use super::request::{Request, Wrong, answer, read};
use crate::local::LocalExchange;
use crate::outlet::Outlet;

/// To so many streams a connection may listen.
const STREAMS_MAX: usize = 1_024;

/// What a URL asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    form: Form,
    names: Vec<String>,
}

impl Target {
    /// Reads what follows the host, as it was sent: `/ws/…` or `/stream?streams=…`. `None` for
    /// another path, more streams than a connection may have, and units that are none.
    pub(crate) fn read(path: &str, query: &str) -> Option<Self> {
        let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let parameter = |name: &str| pairs().find(|(known, _)| *known == name).map(|(_, value)| value);
        let is_combined = path.trim_end_matches('/') == "/stream";
        let list = match path.strip_prefix("/ws") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ if is_combined => parameter("streams").unwrap_or(""),
            _ => return None,
        };
        let unit = match parameter("timeUnit") {
            None | Some("MILLISECOND" | "millisecond") => TimeUnit::Milliseconds,
            Some("MICROSECOND" | "microsecond") => TimeUnit::Microseconds,
            Some(_) => return None,
        };
        // A number is one that a client counts its connections with.
        let is_counter = |name: &str| name.bytes().all(|b| b.is_ascii_digit());
        let list = percent_decoded(list);
        let names: Vec<String> = list.split('/').filter(|name| !is_counter(name)).map(str::to_owned).collect();
        (names.len() <= STREAMS_MAX).then_some(Self { form: Form { is_combined, unit }, names })
    }
}

/// Plus signs stand for themselves: they are in names of streams.
fn percent_decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit = |b: u8| char::from(b).to_digit(16).map(|digit| digit as u8);
        let mut ahead = bytes.clone();
        let code = (byte == b'%').then(|| Some(digit(ahead.next()?)? * 16 + digit(ahead.next()?)?)).flatten();
        if code.is_some() {
            bytes = ahead;
        }
        decoded.push(code.unwrap_or(byte));
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A connection.
pub(crate) struct Session {
    outlet: Outlet,
    form: Form,
    /// In the order in which they were asked for.
    names: Vec<String>,
}

impl Session {
    /// Begins to listen to what the URL asks for.
    pub(crate) fn open(target: Target, outlet: Outlet, exchange: &mut LocalExchange) -> Self {
        let mut session = Self { outlet, form: target.form, names: Vec::new() };
        target.names.iter().for_each(|name| session.subscribe(name, exchange));
        session
    }

    /// How it is told.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Takes up what the client says; the answer comes before what it causes.
    pub(crate) fn hear(&mut self, text: &str, exchange: &mut LocalExchange) {
        let (id, request) = read(text);
        let request = request.and_then(|request| self.has_room_for(&request).map(|()| request));
        match request {
            Err(wrong) => self.outlet.say(answer(&id, Err(wrong)), exchange.now()),
            Ok(request) => {
                self.outlet.say(answer(&id, Ok(self.result(&request))), exchange.now());
                self.take_up(request, exchange);
            }
        }
    }

    /// It listens to nothing any more.
    pub(crate) fn close(&mut self, exchange: &mut LocalExchange) {
        self.names.clear();
        exchange.leave(None, &self.outlet);
    }

    fn has_room_for(&self, request: &Request) -> Result<(), Wrong> {
        let Request::Subscribe(names) = request else { return Ok(()) };
        let mut new: Vec<&String> = names.iter().filter(|name| !self.names.contains(name)).collect();
        new.sort_unstable();
        new.dedup();
        let has_room = self.names.len() + new.len() <= STREAMS_MAX;
        if has_room { Ok(()) } else { Err(Wrong::request("too many parameters")) }
    }

    fn result(&self, request: &Request) -> Value {
        match request {
            Request::ListSubscriptions => self.names.as_slice().into(),
            Request::GetCombined => self.form.is_combined.into(),
            Request::Subscribe(_) | Request::Unsubscribe(_) | Request::SetCombined(_) => Value::Null,
        }
    }

    fn take_up(&mut self, request: Request, exchange: &mut LocalExchange) {
        match request {
            Request::Subscribe(names) => names.iter().for_each(|name| self.subscribe(name, exchange)),
            Request::Unsubscribe(names) => {
                let (left, kept) = std::mem::take(&mut self.names).into_iter().partition(|name| names.contains(name));
                self.names = kept;
                let left: Vec<String> = left;
                left.iter().for_each(|name| exchange.leave(Some(name), &self.outlet));
            }
            Request::SetCombined(is_combined) if is_combined != self.form.is_combined => {
                self.form.is_combined = is_combined;
                exchange.leave(None, &self.outlet);
                self.names.iter().for_each(|name| exchange.listen(name, self.form, &self.outlet));
            }
            Request::SetCombined(_) | Request::ListSubscriptions | Request::GetCombined => {}
        }
    }

    fn subscribe(&mut self, name: &str, exchange: &mut LocalExchange) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
            exchange.listen(name, self.form, &self.outlet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, query: &str) -> Option<Vec<String>> {
        Target::read(path, query).map(|target| target.names)
    }

    #[test]
    fn urls_as_clients_write_them() {
        let both = Some(vec!["btcusdt@trade".to_owned(), "btcusdt@kline_1d@+08:00".to_owned()]);
        for (path, query) in [
            ("/ws/btcusdt@trade/btcusdt@kline_1d@+08:00", ""),
            ("/ws/btcusdt%40trade/btcusdt%40kline_1d%40%2B08%3A00/", "timeUnit=microsecond"),
            ("/stream", "streams=btcusdt@trade/btcusdt@kline_1d@+08:00"),
            ("/stream/", "timeUnit=MICROSECOND&streams=btcusdt@trade%2Fbtcusdt@kline_1d@%2b08:00"),
        ] {
            assert_eq!(names(path, query), both, "{path}?{query}");
        }
        for (path, query) in
            [("/ws", ""), ("/ws/", ""), ("/ws/0", ""), ("/ws/17", ""), ("/stream", "streams="), ("/stream", "")]
        {
            assert_eq!(names(path, query), Some(Vec::new()), "{path}?{query}");
        }
        for (path, query) in [("/wss", ""), ("/streams", ""), ("/ws/a@trade", "timeUnit=SECOND"), ("/", "")] {
            assert_eq!(names(path, query), None, "{path}?{query}");
        }
        assert!(
            Target::read("/stream", "").unwrap().form.is_combined && !Target::read("/ws", "").unwrap().form.is_combined
        );
        let many = |count: usize| (0..count).map(|at| format!("a{at}@trade")).collect::<Vec<_>>().join("/");
        assert_eq!(names("/stream", &format!("streams={}", many(1_024))).map(|names| names.len()), Some(1_024));
        assert_eq!(names("/stream", &format!("streams={}", many(1_025))), None);
    }

    #[test]
    fn percent_signs() {
        for (text, decoded) in
            [("a%40b", "a@b"), ("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%E5%B8%81", "币"), ("%+1", "%+1")]
        {
            assert_eq!(percent_decoded(text), decoded);
        }
    }
}
