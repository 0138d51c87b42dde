//! `candlewick exchange ctl`: what is typed → `/control/…` of an exchange → a few lines.

mod market;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use candlewick_exchange::Speed;
use candlewick_model::{Amount, Asset, Timestamp};
use clap::{Args, Subcommand};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::commands::sources::certificate;
use crate::commands::{print, print_json, runtime};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Ctl {
    /// The exchange.
    #[arg(long, global = true, value_name = "URL", default_value = "http://127.0.0.1:8420")]
    url: String,
    /// The certificate (PEM) of an exchange with one of its own.
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print its answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what time it is, and how it goes.
    Time,
    /// Stop time that goes by itself.
    Pause,
    /// Let it go on.
    Resume,
    /// Let time go at another speed: a number, `max`, or `lock-step`.
    Speed {
        /// `1` is real time.
        speed: Speed,
    },
    /// Let time go on while it stands: to the next instant at which an order changes or a bar closes.
    Step(Step),
    /// Put time elsewhere: forward at once, back to the world as it was.
    Seek {
        /// To the end of this instant, such as 2023-03-01T12:00:00Z.
        time: Timestamp,
    },
    /// Pay something into an account or out of it, now.
    Transfer(Transfer),
    /// Halt a market, change its filters and permissions, delist it; say how all of them are.
    Market {
        #[command(subcommand)]
        change: Option<market::Change>,
    },
    /// Forget what addresses have used up, and their bans.
    Forgive,
}

#[derive(Args)]
struct Transfer {
    /// How much: a deposit, or a withdrawal where it is negative.
    #[arg(allow_negative_numbers = true)]
    amount: Amount,
    /// Of which asset.
    asset: Asset,
    /// Of which account.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    account: usize,
}

#[derive(Args)]
#[group(multiple = false)]
struct Step {
    /// All the way to the end of this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// All the way through so much time: 500ms, 90s, 5m, 2h, 1d.
    #[arg(long, value_name = "LENGTH")]
    r#for: Option<String>,
}

pub(crate) fn run(ctl: &Ctl) -> Result<ExitCode, Failure> {
    let answer = runtime()?.block_on(ctl.ask())?;
    if ctl.json {
        print_json(&answer)?;
    } else {
        print(&told(&ctl.what, &answer))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl What {
    /// Method, path and body.
    fn request(&self) -> anyhow::Result<(Method, &'static str, Option<Value>)> {
        let set = |body| (Method::POST, "time", Some(body));
        Ok(match self {
            Self::Time => (Method::GET, "time", None),
            Self::Pause => set(json!({ "paused": true })),
            Self::Resume => set(json!({ "paused": false })),
            Self::Speed { speed: Speed::Times(times) } => set(json!({ "speed": times })),
            Self::Speed { speed } => set(json!({ "speed": speed.to_string() })),
            Self::Step(Step { until: Some(time), .. }) => (Method::POST, "step", Some(json!({ "to": time.micros() }))),
            Self::Step(Step { r#for: Some(length), .. }) => (Method::POST, "step", Some(json!({ "for": length }))),
            Self::Step(_) => (Method::POST, "step", Some(json!({}))),
            Self::Seek { time } => (Method::POST, "seek", Some(json!({ "to": time.micros() }))),
            Self::Transfer(Transfer { amount, asset, account }) => {
                (Method::POST, "transfer", Some(json!({ "account": account, "asset": asset, "amount": amount })))
            }
            Self::Market { change: None } => (Method::GET, "market", None),
            Self::Market { change: Some(change) } => (Method::POST, "market", Some(change.body()?)),
            Self::Forgive => (Method::DELETE, "limits", None),
        })
    }
}

impl Ctl {
    async fn ask(&self) -> Result<Value, Failure> {
        let (method, path, body) = self.what.request().map_err(Failure::usage)?;
        let url = format!("{}/control/{path}", self.url.trim_end_matches('/'));
        let request = self.client().map_err(Failure::usage)?.request(method, &url);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.map_err(|error| self.no_answer(error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.no_answer(error))?;
        if status == StatusCode::NO_CONTENT {
            return Ok(json!({}));
        }
        let read: Value = serde_json::from_str(&text)
            .with_context(|| format!("{url} answers {status}, which no exchange of `candlewick exchange serve` does"))
            .map_err(Failure::outside)?;
        if status.is_success() {
            return Ok(read);
        }
        let reason = read["error"].as_str().or(read["msg"].as_str()).unwrap_or(&text);
        let error = anyhow!("{reason}");
        Err(if status.is_server_error() { Failure::outside(error) } else { Failure::usage(error) })
    }

    fn client(&self) -> anyhow::Result<Client> {
        let mut client = Client::builder().no_proxy();
        if let Some(pem) = certificate(self.ca.as_ref())? {
            client = client.tls_certs_only([Certificate::from_pem(&pem)?]);
        }
        Ok(client.build()?)
    }

    fn no_answer(&self, error: reqwest::Error) -> Failure {
        if error.is_builder() {
            return Failure::usage(anyhow!("--url {}: not an address such as http://127.0.0.1:8420", self.url));
        }
        let hint = "start one with `candlewick exchange serve`, or name another with --url";
        let told = anyhow::Error::new(error.without_url());
        Failure::outside(told.context(format!("no exchange answers at {} ({hint})", self.url)))
    }
}

/// An answer in words.
fn told(what: &What, answer: &Value) -> String {
    let time = |value: &Value| value.as_i64().map(|micros| Timestamp::from_micros(micros).to_string());
    let now = time(&answer["time"]).unwrap_or_default();
    match what {
        What::Market { .. } => market::told(answer),
        What::Forgive => "what addresses have used up is forgotten\n".to_owned(),
        What::Transfer(Transfer { asset, account, .. }) => {
            let [free, locked] = ["free", "locked"].map(|part| answer[part].as_str().unwrap_or_default());
            format!("{now}  account {account} holds {free} {asset} free, {locked} locked\n")
        }
        What::Step(_) => {
            let ended = if answer["ended"] == true { "; the market has ended" } else { "" };
            format!("{now}  {} bars closed, {} changes of orders{ended}\n", answer["bars"], answer["reports"])
        }
        _ => {
            let speed = match (&answer["mode"], &answer["speed"]) {
                (Value::String(mode), _) if mode == "lock-step" => {
                    "lock step: it stands until somebody steps".to_owned()
                }
                (Value::String(mode), _) if mode == "wall" => "the world's time".to_owned(),
                (_, Value::String(word)) => format!("speed {word}"),
                (_, number) => format!("speed {}", number.as_f64().unwrap_or(0.0)),
            };
            let paused = if answer["paused"] == true { ", paused" } else { "" };
            let next = time(&answer["next"]).unwrap_or_else(|| "never: the market has ended".to_owned());
            let behind = answer["behind_us"].as_f64().unwrap_or(0.0) / 1e6;
            let behind = if behind < 0.1 { String::new() } else { format!("behind  {behind:.1} s\n") };
            format!("time    {now}\ngoes    {speed}{paused}\nmoves   {next}\n{behind}")
        }
    }
}
