//! One attempt to get a file over HTTP, taken up where the attempt before broke off.
//!
//! For: range requests, what a status means, sizes. Not for: how often to try (`portal`).

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, RANGE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use tokio::io::AsyncWriteExt;

/// Files that are held in memory end here; larger ones go to the disk.
const IN_MEMORY_MAX: u64 = 1 << 30;
/// No archive is larger: the largest month of trades is some 10 GB.
const ON_DISK_MAX: u64 = 64 << 30;

/// A transfer that brings less than so many bytes in so long is broken off and taken up again: at
/// a byte a second nothing ever times out.
const STRETCH: Duration = Duration::from_secs(30);
const STRETCH_MIN: u64 = 16 << 10;

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) why: String,
    /// Time alone does not mend it.
    pub(crate) is_final: bool,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    pub(crate) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_final: false, retry_after: None }
    }

    pub(crate) fn last(why: impl Into<String>) -> Self {
        Self { why: why.into(), is_final: true, retry_after: None }
    }

    fn transport(error: &reqwest::Error) -> Self {
        Self::passing(causes(error))
    }

    fn disk(path: &Path, error: &std::io::Error) -> Self {
        Self::last(format!("{}: {error}", path.display()))
    }
}

/// What has arrived of a file, and of which edition.
#[derive(Debug, Default)]
pub(crate) struct Part {
    bytes: Vec<u8>,
    edition: Option<String>,
}

/// Client errors that time alone can mend.
const PASSING: [StatusCode; 3] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::IM_A_TEAPOT];

/// Gets a file, or what is still lacking of it, into memory; `None` if there is no such file.
pub(crate) async fn get(client: &Client, url: &str, part: &mut Part) -> Result<Option<Bytes>, Failure> {
    let have = part.bytes.len() as u64;
    let response = match ask(client, url, have, part.edition.as_deref()).await? {
        Asked::Absent => return Ok(None),
        Asked::Complete => return Ok(Some(std::mem::take(&mut part.bytes).into())),
        Asked::OtherEdition => {
            *part = Part::default();
            return Err(Failure::passing("it has changed meanwhile"));
        }
        Asked::Answer(response) => response,
    };
    if !goes_on(&response, have) {
        part.bytes.clear();
    }
    part.edition = edition(response.headers());
    let size = expected_size(&response, part.bytes.len() as u64, IN_MEMORY_MAX)?;
    part.bytes.reserve_exact(size.map_or(0, |size| (size as usize).saturating_sub(part.bytes.len())));
    let mut body = response.bytes_stream();
    let mut progress = Progress::default();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|e| Failure::transport(&e))?;
        part.bytes.extend_from_slice(&piece);
        progress.made(piece.len(), Instant::now())?;
        if part.bytes.len() as u64 > IN_MEMORY_MAX {
            return Err(Failure::last("it is larger than any archive that fits in memory"));
        }
    }
    is_whole(part.bytes.len() as u64, size)?;
    Ok(Some(std::mem::take(&mut part.bytes).into()))
}

/// Gets a file, or what is still lacking of it, to the disk; `None` if there is no such file.
/// The edition that the part belongs to is kept beside it.
pub(crate) async fn get_into_file(client: &Client, url: &str, target: &Path) -> Result<Option<()>, Failure> {
    let disk = |error: std::io::Error| Failure::disk(target, &error);
    let note = target.with_extension("edition");
    let known = tokio::fs::read_to_string(&note).await.ok();
    let have = match (&known, tokio::fs::metadata(target).await) {
        (Some(_), Ok(metadata)) => metadata.len(),
        _ => 0,
    };
    let response = match ask(client, url, have, known.as_deref()).await? {
        Asked::Absent => return Ok(None),
        Asked::Complete => return Ok(Some(())),
        Asked::OtherEdition => {
            forget(target);
            return Err(Failure::passing("it has changed meanwhile"));
        }
        Asked::Answer(response) => response,
    };
    let goes_on = goes_on(&response, have);
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).write(true).append(goes_on).truncate(!goes_on);
    let mut file = options.open(target).await.map_err(disk)?;
    match edition(response.headers()) {
        Some(edition) => tokio::fs::write(&note, edition).await.map_err(disk)?,
        // Without one nobody can tell whether what comes later belongs to it.
        None => drop(tokio::fs::remove_file(&note).await),
    }
    let mut size_now = if goes_on { have } else { 0 };
    let size = expected_size(&response, size_now, ON_DISK_MAX)?;
    let mut body = response.bytes_stream();
    let mut progress = Progress::default();
    while let Some(piece) = body.next().await {
        let arrived = piece.map_err(|error| Failure::transport(&error));
        let piece = match arrived.and_then(|piece| progress.made(piece.len(), Instant::now()).map(|()| piece)) {
            Ok(piece) => piece,
            Err(failure) => {
                file.flush().await.map_err(disk)?;
                return Err(failure);
            }
        };
        file.write_all(&piece).await.map_err(disk)?;
        size_now += piece.len() as u64;
        if size_now > ON_DISK_MAX {
            return Err(Failure::last("it is larger than any archive"));
        }
    }
    file.flush().await.map_err(disk)?;
    is_whole(size_now, size).map(Some)
}

/// What arrived in the running stretch of a transfer.
#[derive(Default)]
struct Progress {
    bytes: u64,
    since: Option<Instant>,
}

impl Progress {
    fn made(&mut self, bytes: usize, now: Instant) -> Result<(), Failure> {
        self.bytes += bytes as u64;
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) < STRETCH {
            return Ok(());
        }
        if self.bytes < STRETCH_MIN {
            let (bytes, seconds) = (self.bytes, STRETCH.as_secs());
            return Err(Failure::passing(format!("it hardly gets on: {bytes} bytes came in {seconds} s")));
        }
        *self = Self { bytes: 0, since: Some(now) };
        Ok(())
    }
}

/// Removes what [`get_into_file`] left, once it is used up or found wrong.
pub(crate) fn forget(target: &Path) {
    let _ = std::fs::remove_file(target);
    let _ = std::fs::remove_file(target.with_extension("edition"));
}

/// What came of asking.
enum Asked {
    /// There is no such file.
    Absent,
    /// All of it is here already.
    Complete,
    /// What is here is no beginning of the file as it is now.
    OtherEdition,
    /// It is coming.
    Answer(Response),
}

/// Asks for a file from a byte on.
async fn ask(client: &Client, url: &str, have: u64, edition: Option<&str>) -> Result<Asked, Failure> {
    // The bytes themselves are wanted, not a compressed form of them: hashes and ranges are of these.
    let mut request = client.get(url).header(ACCEPT_ENCODING, "identity");
    if let Some(edition) = edition.filter(|_| have > 0) {
        request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, edition);
    }
    let response = request.send().await.map_err(|e| Failure::transport(&e))?;
    let status = response.status();
    match status {
        StatusCode::NOT_FOUND => Ok(Asked::Absent),
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => {
            let whole = header(&response, CONTENT_RANGE).is_some_and(|range| range == format!("bytes */{have}"));
            Ok(if whole { Asked::Complete } else { Asked::OtherEdition })
        }
        _ if status.is_success() => Ok(Asked::Answer(response)),
        _ => {
            let retry_after = header(&response, RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
            let is_final = status.is_client_error() && !PASSING.contains(&status);
            let why = format!("the server answered {status}");
            Err(Failure { why, is_final, retry_after: retry_after.map(Duration::from_secs) })
        }
    }
}

fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Whether an answer begins where what is here ends, and is not the whole file.
fn goes_on(response: &Response, have: u64) -> bool {
    let expected = format!("bytes {have}-");
    have > 0
        && response.status() == StatusCode::PARTIAL_CONTENT
        && header(response, CONTENT_RANGE).is_some_and(|range| range.starts_with(&expected))
}

/// A strong name of an edition: only with one can a transfer be taken up.
fn edition(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (!tag.starts_with("W/")).then(|| tag.to_owned())
}

/// The size of the whole file, if the answer says it.
fn expected_size(response: &Response, have: u64, max: u64) -> Result<Option<u64>, Failure> {
    let size = response.content_length().map(|rest| have + rest);
    match size {
        Some(size) if size > max => Err(Failure::last(format!("it claims to have {size} bytes"))),
        other => Ok(other),
    }
}

fn is_whole(arrived: u64, expected: Option<u64>) -> Result<(), Failure> {
    match expected {
        Some(expected) if arrived != expected => {
            Err(Failure::passing(format!("{arrived} of {expected} bytes arrived")))
        }
        _ => Ok(()),
    }
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
    fn slow_is_borne_and_hardly_at_all_is_not() {
        let start = Instant::now();
        let lasts = |bytes: usize| {
            let mut progress = Progress::default();
            (0..200).find(|second| progress.made(bytes, start + Duration::from_secs(*second)).is_err())
        };
        assert_eq!([lasts(1_000), lasts(500), lasts(1)], [None, Some(30), Some(30)]);
        let mut progress = Progress::default();
        progress.made(1 << 20, start).unwrap();
        progress.made(1, start + STRETCH).unwrap();
        let failure = progress.made(7, start + STRETCH * 2).unwrap_err();
        assert_eq!((failure.why.as_str(), failure.is_final), ("it hardly gets on: 7 bytes came in 30 s", false));
    }
}
