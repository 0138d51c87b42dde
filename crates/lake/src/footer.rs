//! What a file says of itself, read without opening it as Parquet: a run over a lake that is
//! there looks at every file, and 120,000 of them must not take seconds.

use std::path::Path;

use crate::error::LakeError;
use crate::layout::SeriesName;
use crate::provenance::{KEY, Provenance, SCHEMA_VERSION};
use crate::store::{Place, Tail, Version};

/// Most footers are smaller; that of a year made of daily archives is not.
const LIKELY: usize = 16 << 10;
const MAGIC: &[u8] = b"PAR1";

/// A footer with the file's size and state.
pub(crate) struct Footer {
    pub(crate) provenance: Provenance,
    pub(crate) bytes: u64,
    pub(crate) version: Version,
}

/// Reads the end of a file.
pub(crate) fn read(place: &Place, series: &SeriesName) -> Result<Footer, LakeError> {
    let mut tail = place.tail(LIKELY)?;
    let length = footer_length(place, &tail)?;
    if length > tail.bytes.len() {
        tail = place.tail(length)?;
    }
    let json = entry(&tail.bytes[tail.bytes.len().saturating_sub(length)..]);
    let json = json.and_then(|value| std::str::from_utf8(value).ok());
    Ok(Footer { provenance: provenance(place, json, series)?, bytes: tail.size, version: tail.version })
}

/// How much of a file's end is its footer, including the length and the magic behind it.
fn footer_length(path: &Path, tail: &Tail) -> Result<usize, LakeError> {
    let bytes = tail.bytes.strip_suffix(MAGIC).and_then(|bytes| bytes.last_chunk::<4>());
    let length = bytes.map(|length| u64::from(u32::from_le_bytes(*length)) + 8).filter(|length| *length <= tail.size);
    let length = length.and_then(|length| usize::try_from(length).ok());
    length.ok_or_else(|| LakeError::form(path, "no Parquet file: it has no footer"))
}

/// The value of the lake's entry. In Thrift's compact protocol a pair of strings is: field 1
/// (0x18), length, text, field 2 (0x18), length, text. Neither of these two bytes can be in JSON
/// or in a name, so that what is found is the entry.
fn entry(footer: &[u8]) -> Option<&[u8]> {
    let mut pattern = vec![0x18, KEY.len() as u8];
    pattern.extend_from_slice(KEY.as_bytes());
    pattern.push(0x18);
    let at = footer.windows(pattern.len()).position(|window| window == pattern)?;
    let value = &footer[at + pattern.len()..];
    let digits = value.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let length = value[..digits]
        .iter()
        .rev()
        .try_fold(0_usize, |n, byte| n.checked_mul(128)?.checked_add(usize::from(byte & 0x7f)))?;
    value[digits..].get(..length)
}

/// What a footer's entry says, if it is one of this series and of the form of this version.
pub(crate) fn provenance(path: &Path, json: Option<&str>, series: &SeriesName) -> Result<Provenance, LakeError> {
    let json = json.ok_or_else(|| LakeError::form(path, "no provenance in its footer"))?;
    let provenance: Provenance =
        serde_json::from_str(json).map_err(|e| LakeError::form(path, format!("its provenance cannot be read: {e}")))?;
    if provenance.schema_version != SCHEMA_VERSION {
        let version = provenance.schema_version;
        return Err(LakeError::form(path, format!("its schema version is {version}, not {SCHEMA_VERSION}")));
    }
    if (provenance.symbol, provenance.interval) != (series.symbol, series.interval) {
        let (symbol, interval) = (provenance.symbol, provenance.interval);
        return Err(LakeError::form(path, format!("it holds {symbol} {interval}, its folder is for {series}")));
    }
    Ok(provenance)
}
