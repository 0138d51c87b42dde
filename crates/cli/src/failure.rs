//! Why the program stops, as an exit code and a text with a hint where there is one.

use std::process::ExitCode;

use candlewick_lake::LakeError;
use candlewick_simulator::BacktestError;

/// A reason to stop. The kind is the exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit code 2: usage or configuration, mended by typing something else.
    Usage(anyhow::Error),
    /// Exit code 3: the outside world (network, disk, somebody else's data).
    Outside(anyhow::Error),
}

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    pub(crate) fn outside(error: impl Into<anyhow::Error>) -> Self {
        Self::Outside(error.into())
    }

    /// Usage, unless the lake's files or the disk below them are at fault.
    pub(crate) fn usage_or_lake(error: anyhow::Error) -> Self {
        match error.downcast_ref::<LakeError>() {
            None | Some(LakeError::ExchangeInfo { .. }) => Self::Usage(error),
            Some(_) => Self::Outside(error),
        }
    }

    /// Usage, unless the inside of a bar could not be read.
    pub(crate) fn of_run(error: anyhow::Error) -> Self {
        match error.downcast_ref::<BacktestError>() {
            Some(BacktestError::Detail(_)) => Self::Outside(error),
            _ => Self::Usage(error),
        }
    }

    /// Tells the user on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (error, code) = match self {
            Self::Usage(error) => (error, 2),
            Self::Outside(error) => (error, 3),
        };
        eprintln!("error: {error:#}");
        ExitCode::from(code)
    }
}
