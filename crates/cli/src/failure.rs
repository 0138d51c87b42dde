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
        eprintln!("error: {}", told(&error));
        ExitCode::from(code)
    }
}

/// An error with its causes. What a cause says is not said again where the error above has said it.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use candlewick_report::ReportError;

    use super::*;

    #[test]
    fn causes_are_told_once() {
        let write = ReportError::Write { path: "x".into(), source: std::io::Error::other("no room") };
        let error = anyhow::Error::new(write).context("the report");
        assert_eq!(format!("{error:#}"), "the report: failed to write x: no room: no room");
        assert_eq!(told(&error), "the report: failed to write x: no room");
        let error = Err::<(), _>(anyhow!("why")).context("what").unwrap_err();
        assert_eq!(told(&error), "what: why");
    }
}
