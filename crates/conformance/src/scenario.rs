//! The lines of a conformance file, as its README says what they mean.
//!
//! For: reading them. Not for: making a market of them (`world`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candlewick_model::time::{MINUTE, SECOND};
use candlewick_model::{Action, Amount, Price, RawParameters, Timestamp};
use serde_json::Value;

/// When the first minute opens.
pub const START: Timestamp = Timestamp::from_millis(1_672_531_200_000);

/// The keys of a line and what they are set to.
pub type Pairs = BTreeMap<String, String>;

/// `key=value` words.
#[must_use]
pub fn pairs(words: &str) -> Pairs {
    words.split_whitespace().filter_map(|w| w.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Where the project's files are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

/// Another folder to hold the venue against, in place of the project's.
#[must_use]
pub fn other_folder() -> Option<PathBuf> {
    std::env::var_os("CANDLEWICK_CONFORMANCE").map(PathBuf::from)
}

/// What the symbol and the exchange say from a minute on.
#[derive(Clone, Default)]
pub(crate) struct Rules {
    pub(crate) minute: i64,
    pub(crate) market: Pairs,
    pub(crate) filters: Vec<String>,
}

/// A minute's prices and volume.
pub(crate) struct Row {
    pub(crate) minute: i64,
    /// Open, high, low, close.
    pub(crate) prices: [Price; 4],
    pub(crate) volume: Amount,
    /// What happened inside of it, in order.
    pub(crate) inside: Vec<Inner>,
}

/// A finer bar, or a trade.
pub(crate) struct Inner {
    pub(crate) second: i64,
    pub(crate) prices: [Price; 4],
    pub(crate) volume: Amount,
    pub(crate) is_trade: bool,
}

/// A request of a scenario.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When it leaves.
    pub time: Timestamp,
    /// What it is about.
    pub action: Action,
    /// Its parameters, in their order.
    pub parameters: RawParameters,
}

/// One market with what is sent to it, and what must be told of that.
pub struct Scenario {
    /// The file that it stands in.
    pub file: String,
    /// Its name, of which there is no other.
    pub name: String,
    /// Where it is written.
    pub sources: Vec<String>,
    /// Whether the answer is ours.
    pub is_choice: bool,
    /// At least one.
    pub(crate) rules: Vec<Rules>,
    pub(crate) balances: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
    /// Where the market stands, once there is a price.
    pub(crate) last: Option<Price>,
    /// The minute that comes next.
    pub(crate) minute: i64,
    /// The volume of the minutes that come.
    pub(crate) volume: Amount,
    /// What happens inside of the minute that comes.
    inside: Vec<Inner>,
    /// How far into the minute requests leave, in microseconds.
    offset: i64,
    /// The requests.
    pub sent: Vec<Sent>,
    /// What must be told, with the number of its line.
    pub expected: Vec<(usize, String)>,
    /// Free and locked balances at the end.
    pub(crate) balances_after: Vec<(usize, String)>,
}

/// All of the project's scenarios, by file.
#[must_use]
pub fn all() -> Vec<Scenario> {
    in_folder(&folder())
}

/// The scenarios of a folder, by file.
#[must_use]
pub fn in_folder(folder: &Path) -> Vec<Scenario> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let scenarios = files.iter().filter(|path| !matches!(name(path).as_str(), "codes.txt" | "rules.txt"));
    scenarios.flat_map(|path| parse(&name(path), &std::fs::read_to_string(path).unwrap())).collect()
}

/// The lines of a text that say something, with their numbers.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let told = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before).trim());
    told.enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.is_empty())
}

fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (at, line) in lines(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if word == "scenario" {
            scenarios.push(Scenario::new(file, rest.trim()));
            continue;
        }
        let scenario = scenarios.last_mut().unwrap_or_else(|| panic!("{file}, line {at}: no scenario yet"));
        if let Err(why) = scenario.read(at, word, rest.trim()) {
            panic!("{file}, line {at}: {why}");
        }
    }
    scenarios
}

impl Scenario {
    fn new(file: &str, name: &str) -> Self {
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            sources: Vec::new(),
            is_choice: false,
            rules: vec![Rules::default()],
            balances: Vec::new(),
            rows: Vec::new(),
            last: None,
            minute: 0,
            volume: Amount::from_units(1_000_000 * 100_000_000),
            inside: Vec::new(),
            offset: 0,
            sent: Vec::new(),
            expected: Vec::new(),
            balances_after: Vec::new(),
        }
    }

    fn read(&mut self, line: usize, word: &str, rest: &str) -> Result<(), String> {
        match word {
            "source" => self.sources.push(rest.to_owned()),
            "rule" => self.sources.push(format!("rule {rest}")),
            "choice" => self.is_choice = true,
            "market" => self.change_rules().market.extend(pairs(rest)),
            "filter" => self.change_rules().filters.push(rest.to_owned()),
            "balance" => self.balances.extend(pairs(rest)),
            "volume" => self.volume = amount(rest)?,
            "price" | "jump" => {
                let to = price(rest)?;
                if let Some(last) = self.last {
                    let from = if word == "jump" { to } else { last };
                    self.pass_minute([from, from.max(to), from.min(to), to], self.volume);
                }
                self.last = Some(to);
            }
            "bar" => {
                let prices = prices(&rest.split_whitespace().collect::<Vec<_>>())?;
                self.pass_minute(prices, self.volume);
                self.last = Some(prices[3]);
            }
            "inside" | "trade" => self.inside.push(Inner::read(word, &rest.split_whitespace().collect::<Vec<_>>())?),
            "minute" => {
                let (first, last) = self.inside.first().zip(self.inside.last()).ok_or("nothing happened inside")?;
                let high = self.inside.iter().map(|inner| inner.prices[1]).max().expect("not empty");
                let low = self.inside.iter().map(|inner| inner.prices[2]).min().expect("not empty");
                let volume = self.inside.iter().map(|inner| inner.volume.units()).sum();
                let prices = [first.prices[0], high, low, last.prices[3]];
                self.last = Some(prices[3]);
                self.pass_minute(prices, Amount::from_units(volume));
            }
            "gap" => self.minute += rest.parse::<i64>().map_err(|_| format!("no count `{rest}`"))?,
            "at" => self.offset = rest.parse::<i64>().map_err(|_| format!("no second `{rest}`"))? * SECOND,
            "send" => self.send(rest)?,
            "expect" if rest.starts_with("free ") || rest.starts_with("locked ") => {
                self.balances_after.push((line, rest.to_owned()));
            }
            "expect" => self.expected.push((line, rest.to_owned())),
            _ => return Err(format!("no word `{word}`")),
        }
        Ok(())
    }

    /// The rules that a line changes: those of the beginning, or of the minute that comes.
    fn change_rules(&mut self) -> &mut Rules {
        let latest = self.rules.last().expect("there is one from the beginning");
        if self.last.is_some() && latest.minute < self.minute {
            let changed = Rules { minute: self.minute, ..latest.clone() };
            self.rules.push(changed);
        }
        self.rules.last_mut().expect("as before")
    }

    fn pass_minute(&mut self, prices: [Price; 4], volume: Amount) {
        let inside = std::mem::take(&mut self.inside);
        self.rows.push(Row { minute: self.minute, prices, volume, inside });
        self.minute += 1;
        self.offset = 0;
    }

    fn send(&mut self, rest: &str) -> Result<(), String> {
        let (action, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
        let action = Action::from_word(action).ok_or_else(|| format!("no action `{action}`"))?;
        let sent = parameters.split_whitespace();
        let sent = sent.map(|pair| pair.split_once('=').ok_or_else(|| format!("`{pair}` is no parameter")));
        let sent: Vec<_> = sent.collect::<Result<_, _>>()?;
        let symbol = if sent.iter().any(|(key, _)| *key == "symbol") { None } else { Some(("symbol", "ABUSD")) };
        let parameters = symbol.into_iter().chain(sent).collect();
        let time = START.plus(self.minute * MINUTE + self.offset);
        self.sent.push(Sent { time, action, parameters });
        Ok(())
    }

    /// Codes and texts that it expects, those of a replacement's halves too.
    pub fn refusals(&self) -> impl Iterator<Item = (&str, &str)> {
        let refused = self.expected.iter().filter_map(|(_, line)| line.strip_prefix("refused "));
        refused.flat_map(|line| line.split(" / ")).filter_map(|part| part.split_once(' '))
    }

    /// The numbers of the rules that it shows.
    pub fn rules_shown(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().filter_map(|source| source.strip_prefix("rule "))
    }
}

impl Sent {
    /// Whether no parameter stands twice.
    #[must_use]
    pub fn names_are_unique(&self) -> bool {
        let names: BTreeSet<_> = self.parameters.iter().map(|(name, _)| name).collect();
        names.len() == self.parameters.iter().count()
    }

    /// As a line of an order file, in which a name may stand twice.
    #[must_use]
    pub fn line(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let head = format!(r#""time":{},"action":"{}""#, self.time.millis(), self.action);
        let rest = self.parameters.iter().map(|(name, value)| format!(",{}:{}", text(name), text(value)));
        format!("{{{head}{}}}", rest.collect::<String>())
    }
}

impl Inner {
    fn read(word: &str, words: &[&str]) -> Result<Self, String> {
        let second = |text: &str| text.parse().map_err(|_| format!("no second `{text}`"));
        match (word, words) {
            ("inside", [at, bar @ .., volume]) => {
                Ok(Self { second: second(at)?, prices: prices(bar)?, volume: amount(volume)?, is_trade: false })
            }
            ("trade", [at, at_price, quantity]) => Ok(Self {
                second: second(at)?,
                prices: [price(at_price)?; 4],
                volume: amount(quantity)?,
                is_trade: true,
            }),
            _ => Err(format!("a second, prices and a volume, not `{}`", words.join(" "))),
        }
    }
}

fn prices(words: &[&str]) -> Result<[Price; 4], String> {
    let prices: Vec<Price> = words.iter().map(|word| price(word)).collect::<Result<_, _>>()?;
    prices.try_into().map_err(|_| format!("four prices, not `{}`", words.join(" ")))
}

fn amount(text: &str) -> Result<Amount, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn price(text: &str) -> Result<Price, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}
