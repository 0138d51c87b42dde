//! Where archives come from: a web site or a folder of the same layout, and what it lists.
//!
//! For: bytes of files, whole or to the end of what was begun, and listings. Not for: what is in
//! them (`verify`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use candlewick_binance::archive::{ArchiveName, ListingPage};
use candlewick_model::{Period, Timestamp};

use crate::download::{Failure, get, get_into_file};
use crate::error::{IngestError, Trouble};

/// A Data Portal.
#[derive(Debug, Clone)]
pub struct Portal {
    place: Place,
    listing: Option<String>,
}

#[derive(Debug, Clone)]
enum Place {
    Web { base: String, client: reqwest::Client },
    Folder(PathBuf),
}

/// The Data Portal of the exchange, and the bucket behind it that lists its files.
pub const PORTAL: &str = "https://data.binance.vision";
/// See [`PORTAL`].
pub const PORTAL_LISTING: &str = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision";

/// How often a web request is tried, and how long after the first failure it is tried again;
/// the wait doubles from there, unless the server asks for another.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// A server that wants to be left alone for longer is given up for this run.
const WAIT_MAX: Duration = Duration::from_secs(120);

impl Portal {
    /// `https://…`, `http://…` or `file://…`; a web portal may have a listing at another address.
    pub fn new(address: &str, listing: Option<&str>) -> Result<Self, IngestError> {
        Self::with_certificate(address, listing, None)
    }

    /// As [`Portal::new`], trusting one more certificate (PEM).
    pub fn with_certificate(
        address: &str,
        listing: Option<&str>,
        certificate: Option<&[u8]>,
    ) -> Result<Self, IngestError> {
        let wrong = |why: &str| IngestError::Portal { portal: address.to_owned(), why: why.to_owned() };
        if let Some(folder) = address.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            return if folder.is_dir() {
                Ok(Self { place: Place::Folder(folder), listing: None })
            } else {
                Err(wrong("there is no such folder"))
            };
        }
        let listing = listing.or((address.trim_end_matches('/') == PORTAL).then_some(PORTAL_LISTING));
        for address in [Some(address), listing].into_iter().flatten() {
            let is_web = address.starts_with("http://") || address.starts_with("https://");
            let error = |why: &str| IngestError::Portal { portal: address.to_owned(), why: why.to_owned() };
            if !is_web {
                return Err(error("it must begin with https://, http:// or file://"));
            }
            reqwest::Url::parse(address).map_err(|e| error(&e.to_string()))?;
        }
        let client = client(address, certificate).map_err(|why| wrong(&why))?;
        let base = address.trim_end_matches('/').to_owned();
        let listing = listing.map(|listing| listing.trim_end_matches('/').to_owned());
        Ok(Self { place: Place::Web { base, client }, listing })
    }

    /// Whether fetching again can give something else.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Web { .. })
    }

    /// Whether it can say what it has.
    #[must_use]
    pub fn has_listing(&self) -> bool {
        self.listing.is_some() || !self.is_remote()
    }

    /// A file's bytes; `None` if the portal has no such file. A transfer that breaks off is taken
    /// up where it ended.
    pub(crate) async fn fetch(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        match &self.place {
            Place::Folder(folder) => read(folder.join(path)).await.map_err(|e| trouble(path, e.to_string())),
            Place::Web { base, client } => {
                let url = format!("{base}/{path}");
                let mut got = crate::download::Part::default();
                retried(path, async || get(client, &url, &mut got).await).await
            }
        }
    }

    /// Brings a file to this machine's disk and says where it is; `None` if the portal has no
    /// such file. What a killed process had of it in `partial` is not fetched again.
    pub(crate) async fn fetch_to_disk(&self, path: &str, partial: &Path) -> Result<Option<PathBuf>, Trouble> {
        match &self.place {
            Place::Folder(folder) => Ok(Some(folder.join(path)).filter(|file| file.exists())),
            Place::Web { base, client } => {
                let url = format!("{base}/{path}");
                let target = partial_of(partial, path);
                let made = tokio::fs::create_dir_all(partial).await;
                made.map_err(|e| trouble(path, format!("{}: {e}", partial.display())))?;
                let found = retried(path, async || get_into_file(client, &url, &target).await).await?;
                Ok(found.map(|()| target))
            }
        }
    }

    /// The archives of a series that are there, months or days, with their sizes; from `first` on,
    /// those that begin before `until`. `None` if the portal has no listing.
    pub(crate) async fn archives(
        &self,
        first: ArchiveName,
        until: Timestamp,
    ) -> Result<Option<BTreeMap<Period, u64>>, Trouble> {
        let folder = first.folder();
        let mut found = BTreeMap::new();
        let wanted = first.period.range().start..until;
        let is_wanted = |period: &Period| wanted.contains(&period.range().start);
        if let Place::Folder(root) = &self.place {
            let place = root.join(&folder);
            let files = tokio::task::spawn_blocking(move || files_of(&place)).await.expect("listing does not panic");
            for (name, size) in files.map_err(|e| trouble(&folder, e.to_string()))? {
                found.extend(first.sibling_period(&name).filter(is_wanted).map(|period| (period, size)));
            }
            return Ok(Some(found));
        }
        if self.listing.is_none() {
            return Ok(None);
        }
        // Keys that sort before the first wanted one are not asked for.
        let marker = format!("{folder}/{}", first.stem());
        let is_beyond = |page: &ListingPage| {
            let last = page.files.iter().rev().find_map(|file| first.sibling_period(&file.key));
            last.is_some_and(|period| period.range().start >= until)
        };
        for file in self.pages(&format!("{folder}/"), &marker, is_beyond).await?.files {
            found.extend(first.sibling_period(&file.key).filter(is_wanted).map(|period| (period, file.size)));
        }
        Ok(Some(found))
    }

    /// The folders in a folder, by their names; `None` if the portal has no listing.
    pub(crate) async fn folders(&self, folder: &str) -> Result<Option<Vec<String>>, Trouble> {
        if let Place::Folder(root) = &self.place {
            let place = root.join(folder);
            let names = tokio::task::spawn_blocking(move || folders_of(&place)).await.expect("listing does not panic");
            return names.map(Some).map_err(|e| trouble(folder, e.to_string()));
        }
        if self.listing.is_none() {
            return Ok(None);
        }
        let prefix = format!("{folder}/");
        let folders = self.pages(&prefix, "", |_| false).await?.folders;
        let name = |path: &String| path.strip_prefix(&prefix).map(|name| name.trim_end_matches('/').to_owned());
        Ok(Some(folders.iter().filter_map(name).collect()))
    }

    /// The pages of a listing as one, up to the first that is enough.
    async fn pages(
        &self,
        prefix: &str,
        marker: &str,
        is_enough: impl Fn(&ListingPage) -> bool,
    ) -> Result<ListingPage, Trouble> {
        let (Some(listing), Place::Web { client, .. }) = (&self.listing, &self.place) else {
            return Ok(ListingPage::default());
        };
        let mut all = ListingPage::default();
        let mut marker = marker.to_owned();
        let mut is_promised = false;
        loop {
            let mut url = reqwest::Url::parse(listing).map_err(|e| trouble(listing, e.to_string()))?;
            url.query_pairs_mut().append_pair("delimiter", "/").append_pair("prefix", prefix);
            if !marker.is_empty() {
                url.query_pairs_mut().append_pair("marker", &marker);
            }
            let page = retried(prefix, async || {
                let body = get(client, url.as_str(), &mut crate::download::Part::default()).await?;
                let body = body.ok_or_else(|| Failure::last("the listing is not there (404)"))?;
                // What cannot be read may have been cut short; the next answer may be whole.
                let page = ListingPage::parse(&String::from_utf8_lossy(&body), &marker);
                match page.map_err(|e| Failure::passing(e.to_string()))? {
                    page if is_promised && page.files.is_empty() && page.folders.is_empty() => Err(Failure::passing(
                        format!("the listing ends at `{marker}`, behind which there should be more"),
                    )),
                    page => Ok(Some(page)),
                }
            });
            let page = page.await?.expect("a page or an error");
            let is_last = is_enough(&page);
            all.files.extend(page.files);
            all.folders.extend(page.folders);
            match page.next_marker {
                Some(next) if !is_last => (marker, is_promised) = (next, true),
                _ => return Ok(all),
            }
        }
    }
}

/// A client for an address: no proxy between this machine and itself.
fn client(address: &str, certificate: Option<&[u8]>) -> Result<reqwest::Client, String> {
    // A client without a provider panics, even for http://. Whoever was first stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = reqwest::Url::parse(address).map_err(|e| e.to_string())?;
    let mut client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30))
        .user_agent(concat!("candlewick/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = certificate {
        let certificate = reqwest::Certificate::from_pem(pem).map_err(|e| format!("its certificate: {e}"))?;
        client = client.add_root_certificate(certificate);
    }
    if is_this_machine(&url) {
        client = client.no_proxy();
    }
    client.build().map_err(|e| e.to_string())
}

/// Tries again after failures that may pass.
async fn retried<T>(
    path: &str,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Trouble> {
    let mut wait = FIRST_WAIT;
    for tries in 1.. {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(failure) if failure.is_final || tries == TRIES => return Err(trouble(path, failure.why)),
            Err(failure) => {
                let asked = failure.retry_after.unwrap_or(wait);
                if asked > WAIT_MAX {
                    return Err(trouble(path, format!("{}; it asks to be left alone for {asked:?}", failure.why)));
                }
                tokio::time::sleep(asked).await;
            }
        }
        wait *= 2;
    }
    unreachable!("the last attempt returns")
}

/// A proxy of the environment leads out of this machine and cannot reach a portal on it.
fn is_this_machine(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn trouble(path: &str, why: String) -> Trouble {
    Trouble::Fetch { path: path.to_owned(), why }
}

async fn read(path: PathBuf) -> std::io::Result<Option<Bytes>> {
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await.map_err(std::io::Error::other)?;
    match read {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Entries of a folder; none where there is no such folder.
fn entries(folder: &Path) -> std::io::Result<Vec<std::fs::DirEntry>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn files_of(folder: &Path) -> std::io::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in entries(folder)? {
        if let Ok(name) = entry.file_name().into_string() {
            files.push((name, entry.metadata()?.len()));
        }
    }
    Ok(files)
}

fn folders_of(folder: &Path) -> std::io::Result<Vec<String>> {
    let folders = entries(folder)?.into_iter().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Where a file of the portal lies below a folder of files that are being fetched.
pub(crate) fn partial_of(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.replace('/', "+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("http://127.0.0.1:80", true),
            ("http://[::1]:80/x", true),
            ("http://localhost", true),
            ("https://data.binance.vision", false),
            ("http://127.example.org", false),
        ] {
            assert_eq!(is_this_machine(&reqwest::Url::parse(url).unwrap()), expected, "{url}");
        }
        for wrong in ["data.binance.vision", "http://", "ftp://x", "file:///no/such/folder"] {
            assert!(matches!(Portal::new(wrong, None), Err(IngestError::Portal { .. })), "{wrong}");
        }
        assert!(Portal::new(PORTAL, None).unwrap().has_listing());
        assert!(!Portal::new("http://127.0.0.1:1", None).unwrap().has_listing());
        assert!(Portal::new("http://127.0.0.1:1", Some("x")).is_err());
    }
}
