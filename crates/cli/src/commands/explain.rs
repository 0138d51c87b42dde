//! `candlewick explain`: why an order of a backtest was filled, refused or ended.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;

use crate::explain::{Again, Difference, Story, compare, find};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder that `candlewick backtest` wrote into.
    run: PathBuf,
    /// Which order: its number, its client order id, or `command:NUMBER` for what a command asked
    /// for; `order:NUMBER` and `client:ID` where that is not clear.
    order: String,
    /// The lake, if it is not where the run had it: a folder, or s3://bucket/prefix.
    #[arg(long, value_name = "DIR")]
    lake: Option<String>,
    /// Go on where the data, the rules or the program are not those of the run.
    #[arg(long)]
    anyway: bool,
    /// Print everything as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let again = Again::open(&arguments.run, arguments.lake.as_deref())?;
    let events = || events(&again.inputs.events).map_err(Failure::usage);
    let subject = find(&arguments.order, events()?).map_err(Failure::usage)?;
    let judge = |differences: &[String]| match differences {
        [] => Ok(()),
        _ if arguments.anyway => Ok(()),
        all => Err(Failure::usage(anyhow!(
            "this is not what the run was made from, so that it cannot be explained; --anyway tries it\n  {}",
            all.join("\n  ")
        ))),
    };
    judge(&again.differences(false))?;
    let (now, traced) = again.make(subject).map_err(Failure::usage)?;
    let differences = again.differences(true);
    judge(&differences)?;
    if !differences.is_empty() {
        eprintln!("note: this is not what the run was made from\n  {}", differences.join("\n  "));
    }
    let story = Story::new(&traced, &now);
    let verdict = compare(events()?, &now, subject, &traced).map_err(Failure::usage)?;
    if arguments.json {
        let mut json = story.json().map_err(Failure::outside)?;
        json["changed_inputs"] = differences.into();
        json["agrees"] = verdict.is_ok().into();
        super::print_json(&json)?;
    } else {
        super::print(&story.text(story.symbol().and_then(|symbol| again.market(symbol))))?;
    }
    Ok(match verdict {
        Ok(lines) => {
            eprintln!("{lines} lines of {} say the same", again.inputs.events.display());
            ExitCode::SUCCESS
        }
        Err(Difference { then, now }) => {
            let line = |line: Option<String>| line.unwrap_or_else(|| "nothing".to_owned());
            let (file, then, now) = (again.inputs.events.display(), line(then), line(now));
            eprintln!("error: this is not what happened in the run: {file} has\n  {then}\nand here it is\n  {now}");
            ExitCode::from(1)
        }
    })
}

fn events(path: &Path) -> anyhow::Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| path.display().to_string())?))
}
