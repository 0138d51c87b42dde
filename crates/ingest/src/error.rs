//! What can go wrong while ingesting.

use candlewick_binance::archive::{ChecksumError, CsvError, PackError};
use candlewick_lake::LakeError;
use candlewick_model::{Interval, Refusal};

/// Why an ingest stops.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The portal's address is of no use.
    #[error("`{portal}` is no portal: {why}")]
    Portal {
        /// What was given.
        portal: String,
        /// What is wrong with it.
        why: String,
    },
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// What is wrong with one archive. Nothing of it was written; other archives are not affected.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It could not be fetched.
    #[error("{path}: {why}; run the same command again to fetch what is missing")]
    Fetch {
        /// Which file of the portal.
        path: String,
        /// What happened.
        why: String,
    },
    /// Its CHECKSUM file is none.
    #[error("{path}.CHECKSUM: {source}")]
    Checksum {
        /// Which archive.
        path: String,
        /// What is wrong.
        source: ChecksumError,
    },
    /// It is not what its CHECKSUM file says, also when fetched again, and nothing shows that it
    /// is right all the same.
    #[error(
        "{path}: its SHA-256 is {found}, its CHECKSUM file says {expected}; {why}; it is corrupt or was published anew, fetch it again later"
    )]
    Corrupt {
        /// Which archive.
        path: String,
        /// Of the bytes.
        found: String,
        /// Of the CHECKSUM file.
        expected: String,
        /// What other sources say.
        why: String,
    },
    /// It cannot be unpacked.
    #[error("{path}: {source}; fetch it again, or report it to whoever serves it")]
    Pack {
        /// Which archive.
        path: String,
        /// What is wrong.
        source: PackError,
    },
    /// Its content is not what a kline archive holds.
    #[error(
        "{path}: {source}; nothing of this file was taken: fetch it again, or leave its period out with --from and --to"
    )]
    Csv {
        /// Which archive.
        path: String,
        /// Line, column and value.
        source: CsvError,
    },
    /// Its bars are those of another series.
    #[error("{path}: {bars} of its {rows} bars are not {interval} long; is it the archive of another interval?")]
    Interval {
        /// Which archive.
        path: String,
        /// How many bars are of another length.
        bars: usize,
        /// How many there are.
        rows: usize,
        /// What was expected.
        interval: Interval,
    },
    /// The exchange's REST interface did not give what was asked for.
    #[error("{request}: {why}; run the same command again to ask for what is missing")]
    Rest {
        /// What was asked for.
        request: String,
        /// What came instead.
        why: String,
    },
    /// The exchange's REST interface understood the request and said no.
    #[error("{request}: refused: {refusal}")]
    Refused {
        /// What was asked for.
        request: String,
        /// Code and text of the exchange.
        refusal: Refusal,
    },
    /// The lake could not be written.
    #[error("{0}")]
    Lake(#[from] LakeError),
}

impl Trouble {
    /// Whether the network or the disk failed, so that the same command may do better another
    /// time; otherwise the archive is at fault.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        matches!(self, Self::Fetch { .. } | Self::Rest { .. } | Self::Lake(_))
    }
}
