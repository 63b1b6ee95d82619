//! Rules that change headers of one trunk's messages, and the engine that runs them.
//!
//! The same [`HeaderRules::run`] serves live calls and the tests inside a configuration.

use super::route::Expression;
use super::topology::Topology;
use super::words::words;

words! {
    /// Which messages a header rule concerns.
    pub enum HeaderOn {
        /// Every request.
        Request = "request",
        /// Every response.
        Response = "response",
        /// INVITE, also inside a call.
        Invite = "INVITE",
        /// UPDATE.
        Update = "UPDATE",
        /// BYE.
        Bye = "BYE",
        /// PRACK.
        Prack = "PRACK",
        /// INFO.
        Info = "INFO",
        /// MESSAGE.
        Message = "MESSAGE",
        /// REFER.
        Refer = "REFER",
        /// NOTIFY.
        Notify = "NOTIFY",
    }
}

impl HeaderOn {
    /// The word for a request of this method; `Request` for those that have none of their own.
    #[must_use]
    pub fn of_method(method: &[u8]) -> HeaderOn {
        use HeaderOn as On;
        let own = [On::Invite, On::Update, On::Bye, On::Prack, On::Info, On::Message, On::Refer, On::Notify];
        let is = |on: &On| super::Words::token(*on).as_bytes() == method;
        own.into_iter().find(is).unwrap_or(On::Request)
    }
}

words! {
    /// What a header rule does.
    pub enum HeaderDo {
        /// Takes rows away.
        Remove = "remove",
        /// Makes one row of the header, with a value.
        Set = "set",
        /// Adds a row.
        Add = "add",
        /// Rewrites values.
        Replace = "replace",
        /// Gives rows another name.
        Rename = "rename",
    }
}

/// One rule.
#[derive(Clone, PartialEq, Debug)]
pub struct HeaderRule {
    /// The messages that it concerns.
    pub on: Vec<HeaderOn>,
    /// The header, without regard to case.
    pub header: String,
    /// What it does.
    pub deed: HeaderDo,
    /// Only rows whose whole value matches; `None`: all.
    pub pattern: Option<Expression>,
    /// The value of `set` and `add`.
    pub value: String,
    /// The replacement of `replace`, the name of `rename`.
    pub to: String,
}

/// A header row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeaderRow {
    /// Its name as written.
    pub name: String,
    /// Its value; bytes that are no UTF-8 match no expression.
    pub value: Vec<u8>,
}

impl HeaderRow {
    /// A row of a name and a value.
    #[must_use]
    pub fn new(name: &str, value: &str) -> HeaderRow {
        HeaderRow { name: name.to_owned(), value: value.as_bytes().to_vec() }
    }
}

/// The rules of one direction, in order.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct HeaderRules(pub Vec<HeaderRule>);

impl HeaderRules {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some rule concerns a message.
    #[must_use]
    pub fn concern(&self, message: HeaderOn) -> bool {
        self.0.iter().any(|rule| rule.concerns(message))
    }

    /// Runs every rule that concerns a message, in order, over its rows.
    pub fn run(&self, message: HeaderOn, rows: &mut Vec<HeaderRow>) {
        for rule in self.0.iter().filter(|rule| rule.concerns(message)) {
            rule.run(rows);
        }
    }
}

impl HeaderRule {
    fn concerns(&self, message: HeaderOn) -> bool {
        let request = message != HeaderOn::Response;
        self.on.contains(&message) || (request && self.on.contains(&HeaderOn::Request))
    }

    fn meets(&self, row: &HeaderRow) -> bool {
        if !row.name.eq_ignore_ascii_case(&self.header) {
            return false;
        }
        match &self.pattern {
            None => true,
            Some(pattern) => std::str::from_utf8(&row.value).is_ok_and(|value| pattern.is_match(value)),
        }
    }

    fn run(&self, rows: &mut Vec<HeaderRow>) {
        match self.deed {
            HeaderDo::Remove => rows.retain(|row| !self.meets(row)),
            HeaderDo::Add => rows.push(HeaderRow::new(&self.header, &self.value)),
            HeaderDo::Set => self.set(rows),
            HeaderDo::Replace => {
                for row in rows.iter_mut().filter(|row| self.meets(row)) {
                    self.rewrite(row);
                }
            }
            HeaderDo::Rename => {
                for row in rows.iter_mut().filter(|row| self.meets(row)) {
                    self.to.clone_into(&mut row.name);
                }
            }
        }
    }

    /// One row in the place of the first that matches; with a pattern that none matches, nothing.
    fn set(&self, rows: &mut Vec<HeaderRow>) {
        let first = rows.iter().position(|row| self.meets(row));
        match first {
            Some(at) => {
                let mut index = 0;
                rows.retain(|row| {
                    index += 1;
                    index - 1 == at || !self.meets(row)
                });
                if let Some(row) = rows.get_mut(at) {
                    row.value = self.value.as_bytes().to_vec();
                }
            }
            None if self.pattern.is_none() => rows.push(HeaderRow::new(&self.header, &self.value)),
            None => {}
        }
    }

    fn rewrite(&self, row: &mut HeaderRow) {
        let (Some(pattern), Ok(value)) = (&self.pattern, std::str::from_utf8(&row.value)) else { return };
        let made = pattern.replace(value, self.to.as_str()).into_owned();
        row.value = made.into_bytes();
    }
}

/// How headers of one trunk's messages are treated beyond what other keys say.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct HeaderPolicy {
    /// For messages that come, before their rows cross.
    pub rules_in: HeaderRules,
    /// For messages that go, after all else.
    pub rules_out: HeaderRules,
    /// Headers that do not cross to this trunk.
    pub strip: Vec<String>,
    /// What of the other side crosses to this trunk as it was written.
    pub topology: Topology,
    /// Tests of the rules.
    pub tests: Vec<HeaderTest>,
}

words! {
    /// Which list of rules a test runs.
    pub enum HeaderList {
        /// `header_rules_in`.
        In = "in",
        /// `header_rules_out`.
        Out = "out",
    }
}

/// A test of header rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeaderTest {
    /// The list.
    pub rules: HeaderList,
    /// The message.
    pub on: HeaderOn,
    /// The rows before.
    pub given: Vec<HeaderRow>,
    /// The rows after.
    pub expect: Vec<HeaderRow>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Expression;
    use regex::Regex;

    fn expression(source: &str) -> Expression {
        Expression::new(source.to_owned(), Regex::new(&format!("^(?:{source})$")).unwrap())
    }

    fn rule(deed: HeaderDo, header: &str, pattern: &str, value: &str, to: &str) -> HeaderRule {
        HeaderRule {
            on: vec![HeaderOn::Invite],
            header: header.to_owned(),
            deed,
            pattern: Some(pattern).filter(|p| !p.is_empty()).map(expression),
            value: value.to_owned(),
            to: to.to_owned(),
        }
    }

    fn run(rule: HeaderRule, rows: &[(&str, &str)]) -> Vec<String> {
        let mut rows: Vec<HeaderRow> = rows.iter().map(|(n, v)| HeaderRow::new(n, v)).collect();
        HeaderRules(vec![rule]).run(HeaderOn::Invite, &mut rows);
        rows.iter().map(|r| format!("{}: {}", r.name, String::from_utf8_lossy(&r.value))).collect()
    }

    #[test]
    fn each_deed_does_what_it_says() {
        let rows = [("X-A", "one"), ("X-B", "two"), ("x-a", "three")];
        assert_eq!(run(rule(HeaderDo::Remove, "X-A", "", "", ""), &rows), ["X-B: two"]);
        assert_eq!(run(rule(HeaderDo::Remove, "X-A", "o.*", "", ""), &rows), ["X-B: two", "x-a: three"]);
        assert_eq!(run(rule(HeaderDo::Set, "X-A", "", "new", ""), &rows), ["X-A: new", "X-B: two"]);
        assert_eq!(run(rule(HeaderDo::Set, "X-C", "", "new", ""), &rows)[3], "X-C: new");
        assert_eq!(run(rule(HeaderDo::Set, "X-A", "none", "new", ""), &rows).len(), 3);
        assert_eq!(run(rule(HeaderDo::Add, "X-A", "", "more", ""), &rows)[3], "X-A: more");
        let replaced = run(rule(HeaderDo::Replace, "X-A", "(.)(.*)", "", "${2}-$1"), &rows);
        assert_eq!(replaced, ["X-A: ne-o", "X-B: two", "x-a: hree-t"]);
        assert_eq!(run(rule(HeaderDo::Rename, "X-B", "", "", "X-Z"), &rows)[1], "X-Z: two");
    }

    #[test]
    fn a_rule_concerns_the_messages_that_it_names() {
        let rules = HeaderRules(vec![rule(HeaderDo::Remove, "X-A", "", "", "")]);
        assert!(rules.concern(HeaderOn::Invite) && !rules.concern(HeaderOn::Response));
        let all = HeaderRule { on: vec![HeaderOn::Request], ..rules.0[0].clone() };
        assert!(all.concerns(HeaderOn::Bye) && all.concerns(HeaderOn::Request));
        assert_eq!(HeaderOn::of_method(b"BYE"), HeaderOn::Bye);
        assert_eq!(HeaderOn::of_method(b"OPTIONS"), HeaderOn::Request);
    }
}
