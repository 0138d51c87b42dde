//! Listings of the bucket, as S3 writes them: version 1 with markers, version 2 with tokens.
//!
//! Keys come in the order of their bytes. With a delimiter what lies below a folder is one
//! common prefix, which counts as one key.

use std::collections::HashMap;
use std::rc::Rc;

use candlewick_binance::signing::parse_query;
use candlewick_model::Timestamp;

use super::archives::{Described, Portal};

/// The bucket's name.
pub(super) const NAME: &str = "data.binance.vision";

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Request {
    is_second_version: bool,
    prefix: String,
    delimiter: String,
    /// `marker`, or `start-after`.
    marker: Option<String>,
    token: Option<String>,
    max_keys: usize,
    is_url_encoded: bool,
}

/// What S3 says to a request that it does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidArgument {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) message: &'static str,
}

/// A page of keys.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    keys: Vec<String>,
    prefixes: Vec<String>,
    /// The last key or common prefix, where more follows.
    next: Option<String>,
}

impl Request {
    /// Whether a query asks for a listing at all, and not for the front page.
    pub(super) fn is_one(query: &str) -> bool {
        let names = ["delimiter", "marker", "max-keys", "list-type", "continuation-token", "encoding-type"];
        query.split('&').any(|pair| names.contains(&pair.split('=').next().unwrap_or_default()))
    }

    pub(super) fn read(query: &str) -> Result<Self, InvalidArgument> {
        let malformed =
            || InvalidArgument { name: "query", value: query.to_owned(), message: "The query is not well-formed" };
        let pairs = parse_query(query).ok_or_else(malformed)?;
        let get = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let is_second_version = get("list-type").as_deref() == Some("2");
        let max_keys = get("max-keys").filter(|text| !text.is_empty()).map_or(Ok(1_000), |text| {
            let message = "Provided max-keys not an integer or within integer range";
            let number = text.parse::<i32>().ok().and_then(|number| usize::try_from(number).ok());
            number.ok_or(InvalidArgument { name: "max-keys", value: text, message })
        })?;
        let encoding = get("encoding-type").filter(|text| !text.is_empty());
        if let Some(value) = encoding.clone().filter(|text| text != "url") {
            let message = "Invalid Encoding Method specified in Request";
            return Err(InvalidArgument { name: "encoding-type", value, message });
        }
        let token = get("continuation-token").filter(|_| is_second_version);
        if let Some(value) = token.clone().filter(|text| decoded(text).is_none()) {
            let message = "The continuation token provided is incorrect";
            return Err(InvalidArgument { name: "continuation-token", value, message });
        }
        Ok(Self {
            is_second_version,
            prefix: get("prefix").unwrap_or_default(),
            delimiter: get("delimiter").unwrap_or_default(),
            marker: get(if is_second_version { "start-after" } else { "marker" }),
            token,
            max_keys: max_keys.min(1_000),
            is_url_encoded: encoding.is_some(),
        })
    }

    /// The same from the beginning.
    pub(super) fn first_page(self) -> Self {
        Self { marker: None, token: None, ..self }
    }

    /// The answer. An empty page pretends that there is nothing.
    pub(super) fn answer(&self, portal: &Portal, is_empty: bool) -> String {
        let page = if is_empty { Page::default() } else { Walk::new(portal).page(self) };
        self.xml(&page, |key| portal.describe(key))
    }

    fn xml(&self, page: &Page, describe: impl Fn(&str) -> Option<Described>) -> String {
        let key = |text: &str| if self.is_url_encoded { url_encoded(text) } else { escaped(text) };
        let mut xml = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        );
        let mut add = |name: &str, text: &str| {
            let element = if text.is_empty() { format!("<{name}/>") } else { format!("<{name}>{text}</{name}>") };
            xml.push_str(&element);
        };
        add("Name", NAME);
        add("Prefix", &key(&self.prefix));
        if self.is_second_version {
            if let Some(token) = &self.token {
                add("ContinuationToken", &escaped(token));
            }
            if let Some(next) = &page.next {
                add("NextContinuationToken", &hex::encode(next));
            }
            if let Some(after) = &self.marker {
                add("StartAfter", &key(after));
            }
            add("KeyCount", &(page.keys.len() + page.prefixes.len()).to_string());
        } else {
            add("Marker", &key(self.marker.as_deref().unwrap_or_default()));
            // Without a delimiter the last key is the next marker.
            if let Some(next) = page.next.as_ref().filter(|_| !self.delimiter.is_empty()) {
                add("NextMarker", &key(next));
            }
        }
        add("MaxKeys", &self.max_keys.to_string());
        if !self.delimiter.is_empty() {
            add("Delimiter", &key(&self.delimiter));
        }
        if self.is_url_encoded {
            add("EncodingType", "url");
        }
        add("IsTruncated", if page.next.is_some() { "true" } else { "false" });
        for (name, described) in page.keys.iter().filter_map(|name| Some((name, describe(name)?))) {
            let Described { size, modified, etag } = described;
            let (name, modified) = (key(name), time(modified));
            xml.push_str(&format!(
                "<Contents><Key>{name}</Key><LastModified>{modified}</LastModified><ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            ));
        }
        for prefix in &page.prefixes {
            xml.push_str(&format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", key(prefix)));
        }
        xml.push_str("</ListBucketResult>");
        xml
    }

    fn after(&self) -> Option<String> {
        self.token.as_deref().and_then(decoded).or_else(|| self.marker.clone())
    }
}

/// Goes through the keys of the bucket without making a list of all of them.
struct Walk<'a> {
    portal: &'a Portal,
    folders: HashMap<String, Rc<Vec<String>>>,
}

impl<'a> Walk<'a> {
    fn new(portal: &'a Portal) -> Self {
        Self { portal, folders: HashMap::new() }
    }

    fn page(&mut self, request: &Request) -> Page {
        let mut page = Page::default();
        let mut after = request.after().filter(|text| !text.is_empty());
        // A marker that is a common prefix stands for all that lies below it.
        if let Some(marker) = &mut after
            && common_prefix(marker, request).is_some_and(|prefix| prefix == *marker)
        {
            marker.push(char::MAX);
        }
        let mut last = None;
        if request.max_keys == 0 {
            return page;
        }
        while let Some(key) = self.next_key("", after.as_deref(), request) {
            if page.keys.len() + page.prefixes.len() == request.max_keys {
                page.next = last;
                break;
            }
            if let Some(prefix) = common_prefix(&key, request) {
                after = Some(format!("{prefix}{}", char::MAX));
                last = Some(prefix.to_owned());
                page.prefixes.push(prefix.to_owned());
            } else {
                (after, last) = (Some(key.clone()), Some(key.clone()));
                page.keys.push(key);
            }
        }
        page
    }

    /// The first key below a folder that has the prefix and comes after another one. Where a
    /// folder itself is a common prefix, its name is as good as a key in it.
    fn next_key(&mut self, folder: &str, after: Option<&str>, request: &Request) -> Option<String> {
        let names = self.entries(folder);
        for name in names.iter() {
            let key = format!("{folder}{name}");
            let may_match = key.starts_with(&request.prefix) || request.prefix.starts_with(&key);
            // What is below a folder is after the marker unless the marker is beyond it all.
            let is_past =
                after.is_some_and(|after| *after >= *key && !(name.ends_with('/') && after.starts_with(&key)));
            if !may_match || is_past {
                continue;
            }
            if !name.ends_with('/') {
                if key.starts_with(&request.prefix) {
                    return Some(key);
                }
                continue;
            }
            if request.delimiter == "/" && key.starts_with(&request.prefix) && key.len() > request.prefix.len() {
                let is_whole =
                    after.is_none_or(|after| !after.starts_with(&key) || !after[key.len()..].starts_with(char::MAX));
                if is_whole {
                    return Some(key);
                }
                continue;
            }
            if let Some(found) = self.next_key(&key, after, request) {
                return Some(found);
            }
        }
        None
    }

    fn entries(&mut self, folder: &str) -> Rc<Vec<String>> {
        if let Some(names) = self.folders.get(folder) {
            return Rc::clone(names);
        }
        let names = Rc::new(self.portal.entries(folder));
        self.folders.insert(folder.to_owned(), Rc::clone(&names));
        names
    }
}

/// The part of a key up to the first delimiter behind the prefix.
fn common_prefix<'k>(key: &'k str, request: &Request) -> Option<&'k str> {
    let rest = key.strip_prefix(request.prefix.as_str()).filter(|_| !request.delimiter.is_empty())?;
    let at = rest.find(request.delimiter.as_str())?;
    Some(&key[..request.prefix.len() + at + request.delimiter.len()])
}

fn decoded(token: &str) -> Option<String> {
    String::from_utf8(hex::decode(token).ok()?).ok()
}

/// `2023-02-06T00:00:00.000Z`.
fn time(time: Timestamp) -> String {
    let text = time.to_string();
    if text.contains('.') { text } else { text.replace('Z', ".000Z") }
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            character => out.push(character),
        }
    }
    out
}

/// Percent-encoding of all but unreserved characters and slashes.
fn url_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candlewick_model::Interval;

    use super::*;
    use crate::data::{Catalogue, MarketName, ServerClock};

    fn portal() -> &'static Portal {
        static PORTAL: std::sync::OnceLock<Portal> = std::sync::OnceLock::new();
        PORTAL.get_or_init(made)
    }

    fn made() -> Portal {
        let range = "2023-01-01".parse().unwrap().."2023-04-01".parse().unwrap();
        let names = MarketName::first(3, &range);
        let catalogue = Catalogue::generated(1, &names, Interval::OneHour, &range);
        Portal::new(Arc::new(catalogue), ServerClock::starting(range.end.plus(8 * 86_400_000_000), 0.0))
    }

    fn page(query: &str) -> Page {
        Walk::new(portal()).page(&Request::read(query).unwrap())
    }

    /// Every key below the prefix, page by page.
    fn all(query: &str) -> (Vec<String>, usize) {
        let (mut found, mut pages, mut marker) = (Vec::new(), 0, String::new());
        loop {
            let page = page(&format!("{query}&marker={marker}"));
            pages += 1;
            found.extend(page.keys);
            found.extend(page.prefixes);
            match page.next {
                Some(next) => marker = next,
                None => return (found, pages),
            }
        }
    }

    #[test]
    fn folders_are_common_prefixes() {
        let symbols = page("delimiter=/&prefix=data/spot/monthly/klines/");
        let expected = ["BNBUSDT", "BTCUSDT", "ETHUSDT"].map(|s| format!("data/spot/monthly/klines/{s}/"));
        assert_eq!((symbols.prefixes, symbols.keys), (expected.into(), vec![]));
        assert_eq!(page("delimiter=/&prefix=data/spot/monthly/klines").prefixes, ["data/spot/monthly/klines/"]);
        assert_eq!(page("delimiter=/&prefix=data/spot/monthly/klines/B").prefixes.len(), 2);
        assert_eq!(page("delimiter=/").prefixes, ["data/"]);
        assert_eq!(page("delimiter=/&prefix=nothing/"), Page::default());
        let files = page("delimiter=/&prefix=data/spot/monthly/klines/BTCUSDT/1h/");
        assert_eq!(files.keys.len(), 6);
        assert_eq!(files.keys[1], "data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2023-01.zip.CHECKSUM");
        assert_eq!(page("prefix=data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2023-02").keys.len(), 2);
        let intervals = page("delimiter=/&prefix=data/spot/daily/klines/BTCUSDT/").prefixes;
        assert!(!intervals.iter().any(|i| i.ends_with("/1mo/")), "{intervals:?}");
    }

    #[test]
    fn pages_of_any_size_give_the_same_keys_in_order() {
        for query in [
            "prefix=data/spot/daily/klines/BTCUSDT/1h/",
            "prefix=data/spot/daily/klines/BTCUSDT/1d",
            "delimiter=/&prefix=data/spot/daily/klines/BTCUSDT/1h/",
            "delimiter=/&prefix=data/spot/monthly/klines/",
            "delimiter=/&prefix=data/spot/monthly/klines/BTCUSDT/",
            "delimiter=-&prefix=data/spot/monthly/klines/BTCUSDT/1h/",
            "prefix=data/spot/monthly/klines/ETH",
        ] {
            let (whole, _) = all(&format!("{query}&max-keys=1000"));
            assert!(whole.is_sorted() && !whole.is_empty(), "{query}: {whole:?}");
            for size in [1, 2, 7] {
                let (found, pages) = all(&format!("{query}&max-keys={size}"));
                assert_eq!(found, whole, "{query} by {size}");
                assert_eq!(pages, whole.len().div_ceil(size), "{query} by {size}");
            }
        }
        assert_eq!(page("prefix=data/spot/daily/klines/BTCUSDT/1h/&max-keys=0"), Page::default());
        let after = page(
            "prefix=data/spot/daily/klines/BTCUSDT/1h/&marker=data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2023-03-31",
        );
        assert_eq!(after.keys.len(), 2, "a marker need not be a key");
    }

    #[test]
    fn the_document() {
        let request = Request::read("delimiter=/&prefix=data/spot/monthly/klines/BTCUSDT/1h/&max-keys=1").unwrap();
        let xml = request.answer(portal(), false);
        let before = concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>data.binance.vision</Name>",
            "<Prefix>data/spot/monthly/klines/BTCUSDT/1h/</Prefix><Marker/>",
            "<NextMarker>data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2023-01.zip</NextMarker>",
            "<MaxKeys>1</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated>",
            "<Contents><Key>data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2023-01.zip</Key>",
            "<LastModified>2023-02-06T00:00:00.000Z</LastModified><ETag>&quot;"
        );
        assert!(xml.starts_with(before), "{xml}");
        assert!(xml.ends_with("<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"), "{xml}");
        assert!(request.answer(portal(), true).ends_with("<IsTruncated>false</IsTruncated></ListBucketResult>"));
    }

    #[test]
    fn the_second_version_goes_on_by_token() {
        let query = "list-type=2&delimiter=/&prefix=data/spot/monthly/klines/&max-keys=2";
        let xml = Request::read(query).unwrap().answer(portal(), false);
        assert!(xml.contains("<KeyCount>2</KeyCount>") && !xml.contains("Marker"), "{xml}");
        let token = xml.split("<NextContinuationToken>").nth(1).unwrap().split('<').next().unwrap();
        let xml = Request::read(&format!("{query}&continuation-token={token}")).unwrap().answer(portal(), false);
        assert!(xml.contains("<IsTruncated>false</IsTruncated>") && xml.contains("/ETHUSDT/"), "{xml}");
        assert_eq!(Request::read("list-type=2&continuation-token=x").unwrap_err().name, "continuation-token");
        assert_eq!(Request::read("max-keys=-1").unwrap_err().name, "max-keys");
        assert_eq!(Request::read("encoding-type=x").unwrap_err().name, "encoding-type");
        assert_eq!(url_encoded("a/b c+ü"), "a/b%20c%2B%C3%BC");
    }
}
