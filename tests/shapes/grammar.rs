//! Shapes of JSON values as `rest.txt` writes them: reading them, and whether a value has one.

use std::collections::{BTreeMap, BTreeSet};

use candlewick_model::Amount;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// Any of the simple ones, by its word.
    Simple(String),
    /// This text and no other.
    Word(String),
    List(Box<Self>),
    Row(Vec<Self>),
    Object(Vec<Member>),
    Either(Vec<Self>),
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Own { name: String, is_conditional: bool, shape: Shape },
    AllOf(String),
}

const SIMPLE: [&str; 6] = ["text", "int", "bool", "null", "decimal", "time"];

/// Shapes by name, and what of them was seen.
pub(crate) struct Shapes {
    named: BTreeMap<String, Shape>,
    /// Conditional members that were there and that were not, alternatives that were met.
    seen: BTreeSet<String>,
}

impl Shapes {
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let mut entries: Vec<String> = Vec::new();
        for line in lines {
            match entries.last_mut().filter(|_| line.starts_with(' ')) {
                Some(entry) => *entry += line,
                None => entries.push(line.to_owned()),
            }
        }
        let entry = |entry: &String| {
            let (name, shape) = entry.split_once(" = ").unwrap_or_else(|| panic!("no ` = ` in {entry}"));
            let mut tokens = Tokens::of(shape);
            let shape = tokens.shape();
            assert!(tokens.rest.is_empty(), "{name}: `{}` is left", tokens.rest);
            (name.to_owned(), shape)
        };
        let named: BTreeMap<_, _> = entries.iter().map(entry).collect();
        assert_eq!(named.len(), entries.len(), "a name stands twice");
        Self { named, seen: BTreeSet::new() }
    }

    /// The requests whose answers have a shape here.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str).filter(|name| name.contains(' '))
    }

    /// What is wrong with a value that should have a shape, if anything.
    pub(crate) fn check(&mut self, name: &str, value: &Value) -> Option<String> {
        let mut notes = vec![name.to_owned()];
        let Some(shape) = self.named.get(name) else { return Some(format!("there is no shape {name}")) };
        match self.has(name, shape, value, &mut notes) {
            Ok(()) => {
                self.seen.extend(notes);
                None
            }
            Err(wrong) => Some(format!("{name}: {wrong} in {value}")),
        }
    }

    /// Conditional members that were always or never there and alternatives that were never met, in
    /// the shapes of what was asked for at all.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let mut expected = BTreeSet::new();
        for request in self.requests().filter(|request| self.seen.contains(*request)) {
            self.expect(request, &self.named[request], &mut expected);
        }
        expected.difference(&self.seen).cloned().collect()
    }

    /// Requests of which no answer was looked at.
    pub(crate) fn unmet(&self) -> Vec<&str> {
        self.requests().filter(|request| !self.seen.contains(*request)).collect()
    }

    fn expect(&self, holder: &str, shape: &Shape, expected: &mut BTreeSet<String>) {
        match shape {
            Shape::Simple(_) | Shape::Word(_) => {}
            Shape::List(of) => self.expect(holder, of, expected),
            Shape::Row(of) => of.iter().for_each(|each| self.expect(holder, each, expected)),
            Shape::Named(name) => self.expect(name, &self.named[name], expected),
            Shape::Either(of) => {
                for each in of {
                    expected.extend(alternative(holder, each));
                    self.expect(holder, each, expected);
                }
            }
            Shape::Object(_) => {
                for (owner, name, is_conditional, shape) in self.members(holder, shape) {
                    if is_conditional {
                        expected.extend([true, false].map(|is_there| presence(owner, name, is_there)));
                    }
                    self.expect(owner, shape, expected);
                }
            }
        }
    }

    /// All members of an object, those of others that it has as well, with whose they are.
    fn members<'a>(&'a self, owner: &'a str, shape: &'a Shape) -> Vec<(&'a str, &'a str, bool, &'a Shape)> {
        let Shape::Object(members) = shape else { panic!("{shape:?} is no object") };
        let of = |member: &'a Member| match member {
            Member::Own { name, is_conditional, shape } => vec![(owner, name.as_str(), *is_conditional, shape)],
            Member::AllOf(other) => self.members(other, &self.named[other]),
        };
        members.iter().flat_map(of).collect()
    }

    fn has(&self, holder: &str, shape: &Shape, value: &Value, notes: &mut Vec<String>) -> Result<(), String> {
        let wrong = || Err(format!("{value} is not {shape:?}"));
        match (shape, value) {
            (Shape::Named(name), _) => self.has(name, &self.named[name], value, notes),
            (Shape::Simple(word), _) if is_simple(word, value) => Ok(()),
            (Shape::Word(word), Value::String(text)) if word == text => Ok(()),
            (Shape::List(of), Value::Array(values)) => {
                values.iter().try_for_each(|value| self.has(holder, of, value, notes))
            }
            (Shape::Row(of), Value::Array(values)) if of.len() == values.len() => {
                of.iter().zip(values).try_for_each(|(shape, value)| self.has(holder, shape, value, notes))
            }
            (Shape::Either(of), _) => self.has_one(holder, of, value, notes),
            (Shape::Object(_), Value::Object(found)) => {
                let members = self.members(holder, shape);
                if let Some(beyond) = found.keys().find(|key| !members.iter().any(|(_, name, ..)| name == key)) {
                    return Err(format!("{holder} has no `{beyond}`"));
                }
                for (owner, name, is_conditional, shape) in members {
                    let value = found.get(name);
                    if is_conditional {
                        notes.push(presence(owner, name, value.is_some()));
                    }
                    match value {
                        Some(value) => self.has(owner, shape, value, notes).map_err(|why| format!("{name}: {why}"))?,
                        None if is_conditional => {}
                        None => return Err(format!("{holder} lacks `{name}`")),
                    }
                }
                Ok(())
            }
            _ => wrong(),
        }
    }

    fn has_one(&self, holder: &str, of: &[Shape], value: &Value, notes: &mut Vec<String>) -> Result<(), String> {
        let (before, mut reasons) = (notes.len(), Vec::new());
        for shape in of {
            match self.has(holder, shape, value, notes) {
                Ok(()) => {
                    notes.extend(alternative(holder, shape));
                    return Ok(());
                }
                Err(why) => reasons.push(why),
            }
            notes.truncate(before);
        }
        Err(reasons.join(", and "))
    }
}

fn presence(holder: &str, member: &str, is_there: bool) -> String {
    format!("{holder}: {} `{member}`", if is_there { "with" } else { "without" })
}

/// Of words and simple shapes any will do.
fn alternative(holder: &str, shape: &Shape) -> Option<String> {
    fn label(shape: &Shape) -> Option<String> {
        match shape {
            Shape::Named(name) => Some(name.clone()),
            Shape::List(of) => Some(format!("[{}]", label(of)?)),
            Shape::Object(members) => match members.first() {
                Some(Member::Own { name, shape: Shape::Word(word), .. }) => Some(format!("{{{name} {word} …}}")),
                Some(Member::Own { name, .. } | Member::AllOf(name)) => Some(format!("{{{name} …}}")),
                None => Some("{}".to_owned()),
            },
            Shape::Simple(_) | Shape::Word(_) | Shape::Row(_) | Shape::Either(_) => None,
        }
    }
    label(shape).map(|label| format!("{holder}: {label}"))
}

fn is_simple(word: &str, value: &Value) -> bool {
    let is_decimal = |text: &str| text.parse::<Amount>().is_ok() && !text.contains(['e', 'E', '+']);
    match word {
        "text" => value.is_string(),
        "int" => value.is_i64() || value.is_u64(),
        "bool" => value.is_boolean(),
        "null" => value.is_null(),
        "decimal" => value.as_str().is_some_and(is_decimal),
        // Milliseconds of this century.
        "time" => value.as_i64().is_some_and(|time| time == -1 || (946_684_800_000..4_102_444_800_000).contains(&time)),
        _ => unreachable!("{word} is not simple"),
    }
}

/// What is left to read of a shape.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text.trim() }
    }

    /// Whether this comes next; then it is taken.
    fn takes(&mut self, token: &str) -> bool {
        let after = self.rest.strip_prefix(token);
        self.rest = after.map_or(self.rest, str::trim_start);
        after.is_some()
    }

    fn must(&mut self, token: &str) {
        assert!(self.takes(token), "`{token}` must come before `{}`", self.rest);
    }

    fn name(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        assert!(!name.is_empty(), "a name must come before `{}`", self.rest);
        self.rest = rest.trim_start();
        name
    }

    fn shape(&mut self) -> Shape {
        let mut of = vec![self.one()];
        while self.takes("|") {
            of.push(self.one());
        }
        if of.len() == 1 { of.remove(0) } else { Shape::Either(of) }
    }

    fn one(&mut self) -> Shape {
        if self.takes("[") {
            let of = self.shape();
            self.must("]");
            return Shape::List(of.into());
        }
        if self.takes("(") {
            return Shape::Row(self.until(")", Self::shape));
        }
        if self.takes("{") {
            return Shape::Object(self.until("}", Self::member));
        }
        if let Some(text) = self.rest.strip_prefix('"') {
            let (word, rest) = text.split_once('"').expect("a text ends");
            self.rest = rest.trim_start();
            return Shape::Word(word.to_owned());
        }
        let name = self.name().to_owned();
        if SIMPLE.contains(&name.as_str()) { Shape::Simple(name) } else { Shape::Named(name) }
    }

    fn member(&mut self) -> Member {
        if self.takes("...") {
            return Member::AllOf(self.name().to_owned());
        }
        let name = self.name().to_owned();
        let is_conditional = self.takes("?");
        Member::Own { name, is_conditional, shape: self.shape() }
    }

    /// What stands between commas until a bracket closes.
    fn until<T>(&mut self, end: &str, read: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        while !self.takes(end) {
            all.push(read(self));
            if !self.takes(",") {
                self.must(end);
                break;
            }
        }
        all
    }
}

#[test]
fn a_value_has_a_shape_or_not() {
    let mut shapes = Shapes::read("inner = {a int, b? decimal}\nGET x = [{...inner, c \"ONE\" | null}]\n");
    let mut check = |text: &str| shapes.check("GET x", &serde_json::from_str(text).unwrap());
    assert_eq!(check(r#"[{"a":1,"c":null},{"a":2,"b":"1.50","c":"ONE"}]"#), None);
    for wrong in [
        r#"{"a":1,"c":null}"#,
        r#"[{"a":1}]"#,
        r#"[{"a":"1","c":null}]"#,
        r#"[{"a":1,"b":1.5,"c":null}]"#,
        r#"[{"a":1,"b":null,"c":null}]"#,
        r#"[{"a":1,"b":"1e5","c":null}]"#,
        r#"[{"a":1,"c":"TWO"}]"#,
        r#"[{"a":1,"c":null,"d":1}]"#,
    ] {
        assert!(check(wrong).is_some(), "{wrong}");
    }
    assert_eq!(shapes.unseen(), [""; 0]);
    let mut shapes = Shapes::read("y = {c? int}\nGET x = {a? int, b {d int} | {...y}}\nGET z = {e? int}\n");
    assert_eq!(shapes.check("GET x", &serde_json::json!({ "b": { "d": 1 } })), None);
    assert_eq!(shapes.unseen(), ["GET x: with `a`", "GET x: {y …}", "y: with `c`", "y: without `c`"]);
}
