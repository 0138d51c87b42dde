//! CHECKSUM files: `sha256  filename`, with or without a newline at the end.

use ring::digest::{Context, SHA256, digest};

/// What a CHECKSUM file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// A text that is no CHECKSUM file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no CHECKSUM file: expected `<64 hex digits>  <file name>`, found {found:?}")]
pub struct ChecksumError {
    /// The first line of it.
    pub found: String,
}

impl Checksum {
    /// Reads a CHECKSUM file.
    pub fn parse(text: &str) -> Result<Self, ChecksumError> {
        let line = text.lines().next().unwrap_or_default();
        let sha256 = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self { sha256 })
        } else {
            Err(ChecksumError { found: line.chars().take(80).collect() })
        }
    }

    /// The file for an archive.
    #[must_use]
    pub fn text(&self, file_name: &str) -> String {
        format!("{}  {file_name}\n", self.sha256)
    }
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// SHA-256 of everything that a reader gives, in lower-case hex.
pub fn sha256_of(mut reader: impl std::io::Read) -> std::io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex::encode(context.finish())),
            read => context.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_parts_and_at_once() {
        let bytes = vec![7; 1_000_003];
        assert_eq!(sha256_of(bytes.as_slice()).unwrap(), sha256_hex(&bytes));
    }

    #[test]
    fn with_and_without_newline() {
        let sha256 = sha256_hex(b"abc");
        assert_eq!(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let checksum = Checksum { sha256: sha256.clone() };
        assert_eq!(Checksum::parse(&checksum.text("a.zip")), Ok(checksum.clone()));
        assert_eq!(Checksum::parse(&format!("{}  a.zip", sha256.to_uppercase())), Ok(checksum));
        assert!(Checksum::parse("<html>").is_err());
        assert!(Checksum::parse("").is_err());
    }
}
