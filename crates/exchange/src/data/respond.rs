//! Answers of the bucket: files with ranges and conditions, S3's errors, the front page.

use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use candlewick_model::Timestamp;
use candlewick_model::time::{DAY, HOUR, MINUTE, SECOND};

use super::archives::PortalFile;
use super::bucket::{InvalidArgument, escaped};

/// An answer whose body is known.
pub(crate) type Reply = Response<Bytes>;

pub(super) fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

pub(super) fn put(reply: &mut Reply, name: header::HeaderName, value: &str) {
    // Whatever stands in a header here came out of this program, as ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

pub(super) fn xml(status: StatusCode, body: String) -> Reply {
    reply(status, "application/xml", body)
}

/// S3's error document; `details` are elements of their own.
pub(super) fn error(status: StatusCode, code: &str, message: &str, details: &[(&str, &str)]) -> Reply {
    let details: String = details.iter().map(|(name, text)| format!("<{name}>{}</{name}>", escaped(text))).collect();
    xml(
        status,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{details}<RequestId>LOCAL0000000000</RequestId><HostId>candlewick</HostId></Error>"
        ),
    )
}

pub(super) fn no_such_key(key: &str) -> Reply {
    error(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.", &[("Key", key)])
}

pub(super) fn invalid_argument(argument: &InvalidArgument) -> Reply {
    let details = [("ArgumentName", argument.name), ("ArgumentValue", argument.value.as_str())];
    error(StatusCode::BAD_REQUEST, "InvalidArgument", argument.message, &details)
}

/// A host as a client named it, without what could end the text that it is put in.
pub(super) fn safe_host(host: &str) -> String {
    host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-:[]_".contains(*c)).collect()
}

/// The site's page, as far as scripts look at it.
pub(super) fn front_page(bucket_url: &str) -> Reply {
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"><title>Binance Data Collection</title></head>\n<body>\n<div id=\"listing\"></div>\n<script type=\"text/javascript\">\n  var S3BL_IGNORE_PATH = true;\n  var BUCKET_NAME = 'data.binance.vision';\n  var BUCKET_URL = '{bucket_url}';\n  var S3B_ROOT_DIR = '';\n</script>\n</body>\n</html>\n"
    );
    reply(StatusCode::OK, "text/html", page)
}

/// A file, whole, in part, or not at all if the client has it.
pub(super) fn file(file: &PortalFile, key: &str, headers: &HeaderMap) -> Reply {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (etag, modified) = (format!("\"{}\"", file.etag), http_date(file.modified));
    let names =
        |list: &str| list.split(',').any(|name| [etag.as_str(), "*"].contains(&name.trim().trim_start_matches("W/")));
    let is_known = match (text(header::IF_NONE_MATCH), text(header::IF_MODIFIED_SINCE)) {
        (Some(list), _) => names(list),
        (None, Some(since)) => since == modified,
        (None, None) => false,
    };
    let length = file.bytes.len();
    // A range of another edition would be glued to the wrong beginning: `If-Range` prevents it.
    let same = text(header::IF_RANGE).is_none_or(|condition| condition == etag || condition == modified);
    let range = text(header::RANGE).filter(|_| same).map_or(Span::Whole, |text| span(text, length));
    let mut answer = if text(header::IF_MATCH).is_some_and(|list| !names(list)) {
        let message = "At least one of the pre-conditions you specified did not hold";
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message, &[("Condition", "If-Match")]);
    } else if is_known {
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer
    } else {
        let kind = if key.ends_with(".zip") { "application/zip" } else { "binary/octet-stream" };
        match range {
            Span::Whole => reply(StatusCode::OK, kind, file.bytes.clone()),
            Span::Part(from, to) => {
                let mut answer = reply(StatusCode::PARTIAL_CONTENT, kind, file.bytes.slice(from..to));
                put(&mut answer, header::CONTENT_RANGE, &format!("bytes {from}-{}/{length}", to - 1));
                answer
            }
            Span::Beyond => {
                let asked = text(header::RANGE).unwrap_or_default();
                let size = length.to_string();
                let details = [("RangeRequested", asked), ("ActualObjectSize", size.as_str())];
                let message = "The requested range is not satisfiable";
                let mut answer = error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange", message, &details);
                put(&mut answer, header::CONTENT_RANGE, &format!("bytes */{length}"));
                return answer;
            }
        }
    };
    put(&mut answer, header::ETAG, &etag);
    put(&mut answer, header::LAST_MODIFIED, &modified);
    put(&mut answer, header::ACCEPT_RANGES, "bytes");
    answer
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Span {
    Whole,
    Part(usize, usize),
    Beyond,
}

/// Single ranges; what is malformed or several of them is passed over, as S3 does.
fn span(text: &str, length: usize) -> Span {
    let Some((from, to)) = text.strip_prefix("bytes=").and_then(|rest| rest.trim().split_once('-')) else {
        return Span::Whole;
    };
    let number = |text: &str| text.parse::<usize>().ok();
    match (from, to) {
        ("", suffix) => match number(suffix) {
            Some(0) => Span::Beyond,
            Some(_) if length == 0 => Span::Beyond,
            Some(suffix) => Span::Part(length.saturating_sub(suffix), length),
            None => Span::Whole,
        },
        (from, to) => {
            let end = if to.is_empty() { Some(usize::MAX) } else { number(to) };
            match (number(from), end) {
                (Some(from), Some(to)) if from > to => Span::Whole,
                (Some(from), Some(_)) if from >= length => Span::Beyond,
                (Some(from), Some(to)) => Span::Part(from, to.saturating_add(1).min(length)),
                _ => Span::Whole,
            }
        }
    }
}

/// `Mon, 06 Feb 2023 00:00:00 GMT`.
fn http_date(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = time.date();
    let of_day = time.micros().rem_euclid(DAY);
    let weekday = DAYS[time.micros().div_euclid(DAY).rem_euclid(7) as usize];
    let month = MONTHS[month as usize - 1];
    let (hour, minute, second) = (of_day / HOUR, of_day / MINUTE % 60, of_day / SECOND % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-3", Span::Part(0, 4)),
            ("bytes=4-", Span::Part(4, 10)),
            ("bytes=9-9", Span::Part(9, 10)),
            ("bytes=4-99", Span::Part(4, 10)),
            ("bytes=-3", Span::Part(7, 10)),
            ("bytes=-30", Span::Part(0, 10)),
            ("bytes=10-", Span::Beyond),
            ("bytes=-0", Span::Beyond),
            ("bytes=5-4", Span::Whole),
            ("bytes=0-1,3-4", Span::Whole),
            ("bytes=x-4", Span::Whole),
            ("rows=0-4", Span::Whole),
        ] {
            assert_eq!(span(text, 10), expected, "{text}");
        }
    }

    fn asked(pairs: &[(&'static str, &str)]) -> Reply {
        let content = PortalFile {
            bytes: Bytes::from_static(b"0123456789"),
            modified: "2023-02-06".parse().unwrap(),
            etag: "e1".into(),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        file(&content, "a.zip", &headers)
    }

    #[test]
    fn conditions_and_parts() {
        let date = "Mon, 06 Feb 2023 00:00:00 GMT";
        for (headers, status, body) in [
            (vec![], 200, "0123456789"),
            (vec![("range", "bytes=7-")], 206, "789"),
            (vec![("range", "bytes=7-"), ("if-range", "\"e1\"")], 206, "789"),
            (vec![("range", "bytes=7-"), ("if-range", date)], 206, "789"),
            (vec![("range", "bytes=7-"), ("if-range", "\"e0\"")], 200, "0123456789"),
            (vec![("if-none-match", "\"e1\"")], 304, ""),
            (vec![("if-none-match", "\"e0\""), ("if-modified-since", date)], 200, "0123456789"),
            (vec![("if-modified-since", date)], 304, ""),
            (vec![("if-match", "\"e1\"")], 200, "0123456789"),
        ] {
            let answer = asked(&headers);
            assert_eq!((answer.status().as_u16(), &answer.body()[..]), (status, body.as_bytes()), "{headers:?}");
            assert_eq!(answer.headers()["last-modified"], date);
        }
        assert_eq!(asked(&[("if-match", "\"e0\"")]).status(), 412);
        let beyond = asked(&[("range", "bytes=10-")]);
        assert_eq!(
            (beyond.status().as_u16(), &beyond.headers()["content-range"]),
            (416, &"bytes */10".parse::<HeaderValue>().unwrap())
        );
        assert_eq!(asked(&[("range", "bytes=2-3")]).headers()["content-range"], "bytes 2-3/10");
    }
}
