//! `lake check`: as table with details, as JSON, as a page.

use std::path::PathBuf;
use std::process::ExitCode;

use candlewick_lake::{Check, Severity, content_sha256};
use candlewick_model::Timestamp;
use clap::Args;

use super::details::{details, heading, word};
use super::{Selection, output, page, table};
use crate::commands::{print, print_json};
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Write the result as a page, too: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Overwrite the page if it is there.
    #[arg(long, requires = "html")]
    force: bool,
    /// Print details of every series, not only of those with something to look at, and all gaps.
    #[arg(long)]
    all_details: bool,
    /// Also print SHA-256 over all values of each series, whatever files they are in (reads
    /// everything once more).
    #[arg(long, conflicts_with = "json")]
    content: bool,
}

/// Gaps, and the like, that are listed of a series unless all are asked for.
const LISTED: usize = 12;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (lake, series) = arguments.selection.series()?;
    let checks = lake.check(&series).map_err(Failure::outside)?;
    if let Some(file) = &arguments.html {
        use std::io::Write;
        let page = page::render(&checks);
        output::write(file, arguments.force, |out| out.write_all(page.as_bytes()).map_err(Failure::outside))?;
        eprintln!("page: {}", file.display());
    }
    if arguments.selection.json {
        print_json(&checks)?;
    } else {
        print(&text(&checks, arguments.all_details))?;
    }
    if arguments.content {
        for name in &series {
            let bars = lake.bars(name, Timestamp::MIN..Timestamp::MAX).map_err(Failure::outside)?;
            print(&format!("content {name} {}\n", content_sha256(&bars)))?;
        }
    }
    Ok(ExitCode::from(u8::from(checks.iter().any(Check::has_problems))))
}

fn text(checks: &[Check], all_details: bool) -> String {
    let mut table = table(&["series", "bars", "first", "last", "there", "gaps", "missing", "state"]);
    for check in checks {
        table.add_row([
            format!("{} {}", check.symbol, check.interval),
            check.bars.to_string(),
            minute(check.first),
            minute(check.last),
            percent(check),
            check.gaps.len().to_string(),
            check.missing.to_string(),
            word(check.severity).to_owned(),
        ]);
    }
    let limit = if all_details { usize::MAX } else { LISTED };
    let shown = checks.iter().filter(|check| all_details || check.severity > Severity::Fact);
    let of = |check: &Check| {
        let mut lines = vec![String::new(), heading(check)];
        lines.extend(details(check, limit).iter().map(|detail| {
            let mark = match detail.severity {
                Severity::Problem => '!',
                Severity::Warning => '?',
                Severity::Fact => ' ',
            };
            format!("{mark} {:<8}{}", detail.label, detail.text)
        }));
        lines.join("\n") + "\n"
    };
    let details: String = shown.map(of).collect();
    let count = |severity| checks.iter().filter(|check| check.severity == severity).count();
    let bars: usize = checks.iter().map(|check| check.bars).sum();
    format!(
        "{table}\n{} series, {bars} bars: {} with problems (!), {} with warnings (?)\n{details}",
        checks.len(),
        count(Severity::Problem),
        count(Severity::Warning)
    )
}

/// A time without what is zero in most.
pub(super) fn minute(time: Option<Timestamp>) -> String {
    let text = super::text(time);
    text.strip_suffix(":00Z").map_or(text.clone(), |short| short.replace('T', " "))
}

/// Rounded down: 100 % is all of it.
pub(super) fn percent(check: &Check) -> String {
    check.coverage().map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", (share * 1e4).floor() / 1e2))
}
