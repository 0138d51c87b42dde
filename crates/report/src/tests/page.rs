//! The page: well formed, self-contained, and every text escaped.

use candlewick_model::Side;
use candlewick_model::run::{Band, NotRun};
use serde_json::Value;

use super::made::{Made, amount};
use crate::{page, statistics};

const HOSTILE: &str = "</script><script>alert('1')</script>&\"";

fn page() -> String {
    let mut made = Made::with("1000");
    made.run.markets[0].symbol = candlewick_model::Symbol::new("</script><b>").unwrap();
    let made = made.flat("100").fill(Side::Buy, "100", "5").refuse(-1100, HOSTILE, HOSTILE);
    let mut run = made.flat("120").fill(Side::Sell, "120", "4.99").flat("90").run();
    run.strategy = HOSTILE.into();
    run.parameters = vec![(HOSTILE.into(), HOSTILE.into())];
    run.filter_notes = vec![HOSTILE.into()];
    run.provenance.program_version = HOSTILE.into();
    run.band = Some(Band { pessimistic: Some(amount("990")), nearest: Some(amount("1000")), optimistic: None });
    run.not_run = vec![NotRun { run: HOSTILE.into(), why: HOSTILE.into() }];
    page::render(&run, &statistics(&run))
}

/// What stands between the tags of the first such element.
fn element<'a>(page: &'a str, open: &str, close: &str) -> &'a str {
    let from = page.find(open).expect("it is there") + open.len();
    &page[from..from + page[from..].find(close).expect("it ends")]
}

#[test]
fn texts_are_escaped() {
    let page = page();
    assert!(!page.contains("<script>alert"), "a text became markup");
    assert!(page.contains("&lt;script&gt;alert("), "the text is there, escaped");
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
}

#[test]
fn the_data_of_the_charts_parse() {
    let page = page();
    let data: Value = serde_json::from_str(element(&page, "id=\"data\">", "</script>")).unwrap();
    assert_eq!(data[0]["symbol"], "</script><b>");
    assert_eq!(data[0]["levels"][0]["count"], 3);
    assert_eq!(data[0]["fills"]["total"], 2);
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = page();
    for word in ["http://", "https://", " src=", "<link", "@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(word), "{word}");
    }
    let body = page.rsplit_once("<script>").unwrap().0;
    for word in ["NaN", "Infinity", "undefined", ">inf<", "{{", "{%"] {
        assert!(!body.contains(word), "{word}");
    }
}

#[test]
fn tags_are_balanced() {
    let page = page();
    const VOID: [&str; 5] = ["meta", "br", "path", "rect", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.as_str();
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>').expect("a tag ends");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap().to_lowercase();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()));
        } else if !VOID.contains(&name.as_str()) {
            if name == "script" || name == "style" {
                let close = format!("</{name}>");
                rest = &rest[rest.find(&close).expect("it ends") + close.len()..];
            } else {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn long_tables_say_where_the_rest_is() {
    let mut made = Made::with("100000").flat("100");
    for _ in 0..1_100 {
        made = made.refuse(-1013, "Filter failure: LOT_SIZE", "x");
    }
    let run = made.run();
    let page = page::render(&run, &statistics(&run));
    assert!(page.contains("600 more in rejections.csv"));
}
