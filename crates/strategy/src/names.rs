//! Names for orders that were given none: `cw1`, `cw2`, …, by the number of their command.

use std::collections::BTreeSet;

use candlewick_model::run::CommandId;
use candlewick_model::{Action, ClientOrderId, Command, RawParameters};

const PREFIX: &str = "cw";

/// Numbers whose names were given to orders of other numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeSet<CommandId>);

impl Names {
    /// Makes up a name where none was given.
    pub(crate) fn complete(&mut self, name: &mut Option<ClientOrderId>, number: CommandId) {
        match name {
            Some(given) => self.note(given.as_str()),
            None => *name = Some(self.made_up(number)),
        }
    }

    /// A command of parameters as they stand; an order without a name is given one.
    pub(crate) fn raw(&mut self, number: CommandId, action: Action, mut parameters: RawParameters) -> Command {
        let given = parameters.iter().filter(|(parameter, _)| parameter.ends_with("ClientOrderId"));
        given.for_each(|(_, name)| self.note(name));
        let is_order = matches!(action, Action::New | Action::CancelReplace);
        if is_order && parameters.get("newClientOrderId").is_none() {
            parameters.push("newClientOrderId", self.made_up(number).as_str());
        }
        Command::Raw(action, Box::new(parameters))
    }

    /// Remembers a given name that looks like one that is made up.
    pub(crate) fn note(&mut self, name: &str) {
        if let Some(number) = name.strip_prefix(PREFIX).and_then(|digits| digits.parse().ok()) {
            self.0.insert(number);
        }
    }

    /// The name of a number, or of the next one whose name was given to nothing else.
    fn made_up(&mut self, mut number: CommandId) -> ClientOrderId {
        if !self.0.is_empty() && self.0.contains(&number) {
            while self.0.contains(&number) {
                number += 1;
            }
            self.0.insert(number);
        }
        ClientOrderId::numbered(PREFIX, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_given_is_not_made_up_for_another_order() {
        let mut names = Names::default();
        let mut made_up = |given: Option<&str>, number| {
            let mut name = given.map(|name| ClientOrderId::new(name).unwrap());
            names.complete(&mut name, number);
            name.unwrap().to_string()
        };
        assert_eq!([made_up(Some("cw2"), 1), made_up(None, 2), made_up(None, 3)], ["cw2", "cw3", "cw4"]);
        assert_eq!([made_up(Some("cwx"), 4), made_up(None, 5)], ["cwx", "cw5"]);
        let raw = [("newClientOrderId", "cw7"), ("symbol", "AB")].into_iter().collect();
        names.raw(6, Action::New, raw);
        let Command::Raw(_, raw) = names.raw(7, Action::New, RawParameters::default()) else { panic!("raw") };
        assert_eq!(raw.get("newClientOrderId"), Some("cw8"));
    }
}
