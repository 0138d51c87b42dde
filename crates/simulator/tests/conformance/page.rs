//! `docs/conformance.md`, made from the files: which scenario holds what, which code is shown
//! where, and what cannot be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use candlewick_conformance::{Scenario, folder, lines};

const HEAD: &str = "# Conformance\n\nMade from the files of `tests/conformance` by the tests of the simulator; \
                    `CANDLEWICK_BLESS=1` rewrites it. Every scenario is run through the venue and answered as it \
                    stands. *Ours* are answers that the exchange's documents leave open; how candles become fills \
                    (a source that is a rule of docs/fill-rules.md and nothing else) is ours too.\n";

/// A line of `codes.txt` or `rules.txt`: what is asked for, and a scenario or a reason.
pub(crate) struct Entry {
    pub(crate) what: String,
    pub(crate) answer: Answer,
}

pub(crate) enum Answer {
    Scenario(String),
    Reason(String),
}

/// The entries of a file beside the scenarios.
pub(crate) fn entries(file: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    let read = |(at, line): (usize, &str)| {
        let (what, answer) = line.split_once(" | ").unwrap_or_else(|| panic!("{file}, line {at}: no ` | `"));
        let answer = match answer.trim().strip_prefix("scenario ") {
            Some(name) => Answer::Scenario(name.trim().to_owned()),
            None => Answer::Reason(answer.trim().to_owned()),
        };
        Entry { what: what.trim().to_owned(), answer }
    };
    lines(&text).map(read).collect()
}

impl Entry {
    /// The code that is asked for; `None` where it is a text.
    pub(crate) fn code(&self) -> Option<&str> {
        self.what.strip_prefix("code ").and_then(|rest| rest.split_whitespace().next())
    }

    /// Whether a refusal is what is asked for.
    pub(crate) fn is_shown_by(&self, code: &str, text: &str) -> bool {
        match (self.code(), self.what.strip_prefix("text ")) {
            (Some(asked), _) => asked == code,
            (None, Some(asked)) => asked == text,
            (None, None) => false,
        }
    }
}

/// The numbers of all rules of `docs/fill-rules.md`. A number that stands alone begins a rule, or
/// speaks of one that begins elsewhere.
pub(crate) fn rule_numbers() -> BTreeSet<(u32, u32)> {
    let text = std::fs::read_to_string(folder().join("../../docs/fill-rules.md")).unwrap();
    let from = text.find("\n## 1.").expect("section 1");
    let written = text[from..].split_whitespace().map(|word| word.trim_matches(['(', ')', ',', ';', ':']));
    written.filter_map(number).filter(|(section, _)| (1..=9).contains(section)).collect()
}

/// Whether the program has a test of this name.
pub(crate) fn is_a_test(name: &str) -> bool {
    fn any(folder: &std::path::Path, wanted: &str) -> bool {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.into_iter().any(|path| match path.extension() {
            Some(end) if end == "rs" => std::fs::read_to_string(&path).unwrap().contains(wanted),
            _ => path.is_dir() && !path.ends_with("target") && any(&path, wanted),
        })
    }
    any(&folder().join("../../crates"), &format!("fn {name}("))
}

/// `3.4` as two numbers.
pub(crate) fn number(word: &str) -> Option<(u32, u32)> {
    let (section, rule) = word.split_once('.')?;
    Some((section.parse().ok()?, rule.parse().ok()?))
}

/// The whole page.
pub(crate) fn render(scenarios: &[Scenario]) -> String {
    let mut page = HEAD.to_owned();
    let mut files: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
    for scenario in scenarios {
        files.entry(&scenario.file).or_default().push(scenario);
    }
    page += "\n| file | scenarios | of them ours |\n|---|---:|---:|\n";
    let ours = |of: &[&Scenario]| of.iter().filter(|scenario| scenario.is_choice).count();
    for (file, of) in &files {
        writeln!(page, "| {file} | {} | {} |", of.len(), ours(of)).unwrap();
    }
    let all: Vec<&Scenario> = scenarios.iter().collect();
    writeln!(page, "| all | {} | {} |", all.len(), ours(&all)).unwrap();
    for (file, of) in &files {
        write!(page, "\n## {file}\n\n| scenario | source | |\n|---|---|---|\n").unwrap();
        for scenario in of {
            let mark = if scenario.is_choice { "ours" } else { "" };
            writeln!(page, "| {} | {} | {mark} |", scenario.name, scenario.sources.join("; ")).unwrap();
        }
    }
    render_codes(&mut page);
    render_rules(&mut page, scenarios);
    page
}

fn render_codes(page: &mut String) {
    let entries = entries("codes.txt");
    for (title, prefix, column) in
        [("Codes of errors.md", "code ", "code"), ("Texts of the matching engine and of filters", "text ", "text")]
    {
        write!(page, "\n## {title}\n\n| {column} | scenario, or why there is none |\n|---|---|\n").unwrap();
        for entry in &entries {
            let Some(what) = entry.what.strip_prefix(prefix) else { continue };
            match &entry.answer {
                Answer::Scenario(name) => writeln!(page, "| {what} | {name} |").unwrap(),
                Answer::Reason(reason) => writeln!(page, "| {what} | *{reason}* |").unwrap(),
            }
        }
    }
}

fn render_rules(page: &mut String, scenarios: &[Scenario]) {
    *page += "\n## Rules of docs/fill-rules.md\n\n| rule | scenarios, or why there are none |\n|---|---|\n";
    let exceptions = entries("rules.txt");
    for (section, rule) in rule_numbers() {
        let number = format!("{section}.{rule}");
        let shown = scenarios.iter().filter(|scenario| scenario.rules_shown().any(|shown| shown == number)).count();
        let exception = exceptions.iter().find(|entry| entry.what == number);
        match exception.map(|entry| &entry.answer) {
            Some(Answer::Reason(reason)) => writeln!(page, "| {number} | *{reason}* |").unwrap(),
            _ => writeln!(page, "| {number} | {shown} |").unwrap(),
        }
    }
}
