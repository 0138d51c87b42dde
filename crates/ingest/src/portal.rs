//! Where archives come from: a web site or a folder of the same layout.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{IngestError, Trouble};

/// A Data Portal.
#[derive(Debug, Clone)]
pub struct Portal {
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Web { base: String, client: reqwest::Client },
    Folder(PathBuf),
}

/// How often a web request is tried, and how long after the first failure it is tried again;
/// the wait doubles from there.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);

impl Portal {
    /// `https://…`, `http://…` or `file://…`.
    pub fn new(address: &str) -> Result<Self, IngestError> {
        let wrong = |why: &str| IngestError::Portal { portal: address.to_owned(), why: why.to_owned() };
        if let Some(folder) = address.strip_prefix("file://") {
            let folder = PathBuf::from(folder);
            return if folder.is_dir() {
                Ok(Self { place: Place::Folder(folder) })
            } else {
                Err(wrong("there is no such folder"))
            };
        }
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(wrong("it must begin with https://, http:// or file://"));
        }
        // A client without a provider panics, even for http://. Whoever was first stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = reqwest::Url::parse(address).map_err(|e| wrong(&e.to_string()))?;
        let mut client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .user_agent(concat!("candlewick/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|e| wrong(&e.to_string()))?;
        Ok(Self { place: Place::Web { base: address.trim_end_matches('/').to_owned(), client } })
    }

    /// Whether fetching again can give something else.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.place, Place::Web { .. })
    }

    /// A file's bytes; `None` if the portal has no such file.
    pub(crate) async fn fetch(&self, path: &str) -> Result<Option<Bytes>, Trouble> {
        match &self.place {
            Place::Folder(folder) => read(folder.join(path)).await.map_err(|e| trouble(path, e.to_string())),
            Place::Web { base, client } => {
                let url = format!("{base}/{path}");
                let mut wait = FIRST_WAIT;
                for attempt in 1.. {
                    match get(client, &url).await {
                        Ok(answer) => return Ok(answer),
                        Err(failure) if failure.is_final || attempt == TRIES => return Err(trouble(path, failure.why)),
                        Err(_) => tokio::time::sleep(wait).await,
                    }
                    wait *= 2;
                }
                unreachable!("the last attempt returns")
            }
        }
    }
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

/// Client errors that time alone can mend.
const PASSING: [reqwest::StatusCode; 2] =
    [reqwest::StatusCode::REQUEST_TIMEOUT, reqwest::StatusCode::TOO_MANY_REQUESTS];

struct Failure {
    why: String,
    is_final: bool,
}

async fn get(client: &reqwest::Client, url: &str) -> Result<Option<Bytes>, Failure> {
    let transport = |e: reqwest::Error| Failure { why: causes(&e), is_final: false };
    let response = client.get(url).send().await.map_err(transport)?;
    let status = response.status();
    if status == reqwest::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !status.is_success() {
        let is_final = status.is_client_error() && !PASSING.contains(&status);
        return Err(Failure { why: format!("the server answered {status}"), is_final });
    }
    response.bytes().await.map(Some).map_err(transport)
}

/// An error with what caused it, which is where `reqwest` says what really happened.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
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
            assert!(matches!(Portal::new(wrong), Err(IngestError::Portal { .. })), "{wrong}");
        }
    }
}
