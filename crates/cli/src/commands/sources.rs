//! What can be typed about where bars come from: a Data Portal and the exchange's REST interface.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use candlewick_binance::market::{HOSTS, MarketClient, MarketOptions, Pace};
use candlewick_binance::weight::budget_folder;
use candlewick_ingest::{PORTAL, Portal};
use candlewick_live::system_clock;
use candlewick_model::Timestamp;
use clap::Args;

#[derive(Args)]
pub(crate) struct Sources {
    /// The Data Portal: an address, or a folder of the same layout as file://FOLDER.
    #[arg(long, value_name = "URL", default_value = PORTAL)]
    portal: String,
    /// Where the portal's files are listed (an S3 bucket); known for the default portal. Without
    /// one, archives are tried for, and --all are the markets of exchangeInfo.
    #[arg(long, value_name = "URL")]
    portal_listing: Option<String>,
    /// A certificate (PEM) to trust besides the usual ones, for a portal of your own.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    rest: Rest,
    /// Archives only.
    #[arg(long, conflicts_with = "rest")]
    no_rest: bool,
}

/// The exchange's REST interface.
#[derive(Args)]
pub(crate) struct Rest {
    /// The exchange's REST interface; several hosts are tried one after the other. Known for the
    /// default portal; with another one REST is off without this.
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    rest: Vec<String>,
    /// A certificate (PEM) to trust besides the usual ones, for a REST host of your own.
    #[arg(long, value_name = "FILE")]
    rest_ca: Option<PathBuf>,
    /// The part of the exchange's request limits that may be used, by all processes of this
    /// machine together.
    #[arg(long, value_name = "SHARE", default_value = "0.8", value_parser = parse_share)]
    weight_share: u8,
}

impl Sources {
    pub(crate) fn portal(&self) -> anyhow::Result<Portal> {
        let certificate = certificate(self.ca.as_ref())?;
        Ok(Portal::with_certificate(&self.portal, self.portal_listing.as_deref(), certificate.as_deref())?)
    }

    /// A client for REST, unless that is off. Nothing is sent yet.
    pub(crate) fn client(&self) -> anyhow::Result<Option<MarketClient>> {
        let is_default = self.portal.trim_end_matches('/') == PORTAL;
        if self.no_rest || (self.rest.rest.is_empty() && !is_default) {
            return Ok(None);
        }
        self.rest.client().map(Some)
    }
}

impl Rest {
    /// A client for these hosts, or else for the exchange's own. Nothing is sent yet.
    pub(crate) fn client(&self) -> anyhow::Result<MarketClient> {
        let hosts = if self.rest.is_empty() { HOSTS.map(str::to_owned).to_vec() } else { self.rest.clone() };
        for host in &hosts {
            if !(host.starts_with("https://") || host.starts_with("http://")) {
                bail!("--rest {host}: it must begin with https:// or http://");
            }
        }
        let client = MarketClient::new(MarketOptions {
            hosts,
            share_percent: self.weight_share,
            budget_folder: budget_folder(),
            certificate: certificate(self.rest_ca.as_ref())?,
            pace: Pace::real(system_clock()),
            told: Box::new(|text| eprintln!("note: {text}")),
        });
        Ok(client?)
    }
}

/// REST as a run uses it, and what time it is: the exchange's where it can be asked. One that
/// cannot be reached is left out, so that not every series waits for it; that is told, and the
/// exit code says it.
pub(crate) struct Asked {
    pub(crate) rest: Option<MarketClient>,
    pub(crate) now: Timestamp,
    pub(crate) is_lost: bool,
}

impl Asked {
    pub(crate) async fn begin(rest: Option<MarketClient>) -> Self {
        let Some(client) = rest else { return Self { rest: None, now: now(), is_lost: false } };
        match client.synchronise().await {
            Ok(now) => Self { rest: Some(client), now, is_lost: false },
            Err(error) => {
                eprintln!("error: {error}; nothing is asked over REST in this run, run the same command again later");
                Self { rest: None, now: now(), is_lost: true }
            }
        }
    }
}

/// A certificate as it stands in a file.
pub(crate) fn certificate(file: Option<&PathBuf>) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(file) = file else { return Ok(None) };
    let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
    if !pem.starts_with(b"-----BEGIN CERTIFICATE-----") {
        return Err(anyhow!("{}: no certificate in PEM form", file.display()));
    }
    Ok(Some(pem))
}

/// This machine's time.
fn now() -> Timestamp {
    system_clock()()
}

/// A share such as 0.8 in percent.
fn parse_share(text: &str) -> Result<u8, String> {
    let share: rust_decimal::Decimal = text.parse().map_err(|_| "a share is a number such as 0.8".to_owned())?;
    let percent = share * rust_decimal::Decimal::ONE_HUNDRED;
    let whole = u8::try_from(percent.trunc()).ok().filter(|percent| (1..=100).contains(percent));
    whole.ok_or_else(|| "a share is from 0.01 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (text, percent) in [("0.8", Ok(80)), ("1", Ok(100)), ("0.01", Ok(1)), ("0.299", Ok(29))] {
            assert_eq!(parse_share(text), percent, "{text}");
        }
        for text in ["0", "1.01", "-0.5", "x", "0.001", ""] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
