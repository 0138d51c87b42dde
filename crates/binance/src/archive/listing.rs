//! Pages of the bucket listing behind the Data Portal (S3 `ListBucketResult`).
//!
//! For: reading a page, and which page comes next. Not for: fetching them.

use candlewick_model::Period;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::ArchiveName;

/// A file of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its path from the bucket's root.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListingPage {
    /// Files, in order of their keys.
    pub files: Vec<ListedFile>,
    /// What looks like folders.
    pub folders: Vec<String>,
    /// Where the next page begins; `None` on the last one.
    pub next_marker: Option<String>,
}

/// Why a page is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// No XML, or cut short.
    #[error("the listing cannot be read: {0}")]
    Xml(String),
    /// The bucket's own error.
    #[error("the bucket says {code}: {message}")]
    Bucket {
        /// Such as `NoSuchBucket`.
        code: String,
        /// What it says to it.
        message: String,
    },
    /// XML, but no listing.
    #[error("a listing was expected, found <{found}>")]
    Other {
        /// The outermost element.
        found: String,
    },
    /// A page that begins where the one before did, so that there would be no end.
    #[error("the listing does not get on: the page behind `{marker}` holds nothing that comes after it")]
    Stuck {
        /// From where on it was asked for.
        marker: String,
    },
}

impl ListingPage {
    /// Reads a page. `marker` is from where on it was asked for.
    pub fn parse(xml: &str, marker: &str) -> Result<Self, ListingError> {
        let elements = elements(xml)?;
        let text = |path: &[&str]| elements.iter().find(|e| e.path == path).map(|e| e.text.clone());
        match elements.first().map(|e| e.path[0].as_str()) {
            Some("ListBucketResult") => {}
            Some("Error") => {
                let part = |name| text(&["Error", name]).unwrap_or_default();
                return Err(ListingError::Bucket { code: part("Code"), message: part("Message") });
            }
            found => return Err(ListingError::Other { found: found.unwrap_or("nothing").to_owned() }),
        }
        let mut page = Self::default();
        for Element { path, text } in &elements {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let number = || text.parse().map_err(|_| ListingError::Xml(format!("a size is {text:?}")));
            match path.as_slice() {
                [_, "Contents", "Key"] => page.files.push(ListedFile { key: text.clone(), size: 0 }),
                [_, "Contents", "Size"] => page.files.last_mut().ok_or_else(no_key)?.size = number()?,
                [_, "CommonPrefixes", "Prefix"] => page.folders.push(text.clone()),
                _ => {}
            }
        }
        if text(&["ListBucketResult", "IsTruncated"]).as_deref() == Some("true") {
            // Without a delimiter S3 names no next marker; the last key serves.
            let named = text(&["ListBucketResult", "NextMarker"]).filter(|next| !next.is_empty());
            let last = page.files.last().map(|file| file.key.clone()).max(page.folders.last().cloned());
            let next = named.or(last).filter(|next| next.as_str() > marker);
            page.next_marker = Some(next.ok_or_else(|| ListingError::Stuck { marker: marker.to_owned() })?);
        }
        Ok(page)
    }
}

fn no_key() -> ListingError {
    ListingError::Xml("a size comes before its key".to_owned())
}

/// The text of an element without children, and the elements around it.
struct Element {
    path: Vec<String>,
    text: String,
}

/// Every innermost element in order.
fn elements(xml: &str) -> Result<Vec<Element>, ListingError> {
    let wrong = |error: &dyn std::fmt::Display| ListingError::Xml(error.to_string());
    let mut reader = Reader::from_str(xml);
    let (mut path, mut text, mut found) = (Vec::new(), String::new(), Vec::new());
    let mut is_innermost = false;
    loop {
        match reader.read_event().map_err(|e| wrong(&e))? {
            Event::Start(tag) => {
                path.push(String::from_utf8_lossy(tag.local_name().as_ref()).into_owned());
                text.clear();
                is_innermost = true;
            }
            Event::Text(part) => text.push_str(&part.decode().map_err(|e| wrong(&e))?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|e| wrong(&e))?;
                let entity = format!("&{name};");
                text.push_str(&quick_xml::escape::unescape(&entity).map_err(|e| wrong(&e))?);
            }
            Event::End(_) => {
                if is_innermost {
                    found.push(Element { path: path.clone(), text: std::mem::take(&mut text) });
                }
                is_innermost = false;
                path.pop();
            }
            Event::Eof if path.is_empty() => return Ok(found),
            Event::Eof => return Err(ListingError::Xml(format!("it ends inside <{}>", path.join("><")))),
            _ => {}
        }
    }
}

impl ArchiveName {
    /// The month or day of a file in this archive's folder, if it is an archive of the same
    /// series and not, say, its CHECKSUM file.
    #[must_use]
    pub fn sibling_period(&self, key: &str) -> Option<Period> {
        let stem = key.rsplit('/').next()?.strip_suffix(".zip")?;
        let own = self.stem();
        let series = own.strip_suffix(&self.period.to_string())?;
        stem.strip_prefix(series)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use candlewick_model::{Interval, Symbol};

    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>data.binance.vision</Name><Prefix>data/spot/</Prefix><Marker></Marker><NextMarker>data/b&amp;c/</NextMarker><MaxKeys>1000</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated><Contents><Key>data/a&amp;a.zip</Key><LastModified>2023-01-01T00:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>123</Size><StorageClass>STANDARD</StorageClass></Contents><Contents><Key>data/b.zip</Key><Size>7</Size></Contents><CommonPrefixes><Prefix>data/b&amp;c/</Prefix></CommonPrefixes></ListBucketResult>"#;

    #[test]
    fn a_page() {
        let page = ListingPage::parse(PAGE, "").unwrap();
        let file = |key: &str, size| ListedFile { key: key.to_owned(), size };
        assert_eq!(page.files, [file("data/a&a.zip", 123), file("data/b.zip", 7)]);
        assert_eq!((page.folders, page.next_marker), (vec!["data/b&c/".to_owned()], Some("data/b&c/".to_owned())));
        let unnamed = PAGE.replace("<NextMarker>data/b&amp;c/</NextMarker>", "");
        assert_eq!(ListingPage::parse(&unnamed, "").unwrap().next_marker.as_deref(), Some("data/b.zip"));
        let last = PAGE.replace("<IsTruncated>true", "<IsTruncated>false");
        assert_eq!(ListingPage::parse(&last, "").unwrap().next_marker, None);
        let empty = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        assert_eq!(ListingPage::parse(empty, ""), Ok(ListingPage::default()));
    }

    #[test]
    fn pages_of_no_use() {
        let told = |xml: &str, marker: &str| ListingPage::parse(xml, marker).unwrap_err().to_string();
        assert!(told(&PAGE[..PAGE.len() / 2], "").starts_with("the listing cannot be read: "));
        assert!(told("<html><body>busy</body></html>", "").contains("found <html>"));
        assert!(told("", "").contains("found <nothing>"));
        assert!(told("{\"code\":1}", "").contains("found <nothing>"));
        assert!(told(PAGE, "data/z").contains("does not get on: the page behind `data/z`"));
        let error = "<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>";
        assert_eq!(told(error, ""), "the bucket says NoSuchBucket: The bucket does not exist");
        assert!(told(&PAGE.replace("123", "-1"), "").contains("a size is \"-1\""));
    }

    #[test]
    fn periods_of_files() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let name = ArchiveName::klines(symbol, Interval::OneMinute, "2023-01".parse().unwrap());
        let period = |file: &str| name.sibling_period(&format!("data/spot/x/{file}")).map(|p| p.to_string());
        assert_eq!(period("BTCUSDT-1m-2023-02.zip").as_deref(), Some("2023-02"));
        assert_eq!(period("BTCUSDT-1m-2023-02-03.zip").as_deref(), Some("2023-02-03"));
        for other in ["BTCUSDT-1m-2023-02.zip.CHECKSUM", "BTCUSDT-15m-2023-02.zip", "BTCUSDT-1m-x.zip", ""] {
            assert_eq!(period(other), None, "{other}");
        }
    }
}
